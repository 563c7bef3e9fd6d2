// The kernels of a store against their plain twins: catalog, memtable, gather and tag index.
import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BatchBuilder, type FieldValue } from "../src/ingest/builder.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { encodeSeriesKey } from "../src/model/serieskey.ts";
import { FieldType, MAX_TIME, MIN_TIME } from "../src/model/types.ts";
import { RowBlock } from "../src/store/block.ts";
import { united } from "../src/store/series-ranges.ts";
import { BothCatalogs, BothPartitions, bytesOf, latin1, rowsOfBlock } from "./support/store-kernels.ts";
import { gatherTwin } from "./twin/memtable.ts";
import { mergeColumnTwin, mergeTimesTwin, packTwin, type TwinColumn } from "./twin/merge.ts";
import { TagIndexTwin } from "./twin/tagindex.ts";

const kernels = new Kernels();
const DROPPED = 0xffff_ffff;

function newCatalog(): BothCatalogs {
  const record = kernels.alloc(64);
  kernels.bytes.fill(0, record, record + 64);
  return new BothCatalogs(kernels, record);
}

function closeCatalog(catalog: BothCatalogs): void {
  kernels.call.tagIndexClose(catalog.record);
  catalog.close();
  kernels.free(catalog.record);
}

// every test frees what it took
afterAll(() => expect(kernels.usedBytes).toBe(0));

describe("catalog", () => {
  const table = fc.integer({ min: 0, max: 4 });
  const key = fc.constantFrom("a", "b", "m,t=1", "m,t=2", "x".repeat(15), "x".repeat(16), "x".repeat(17));
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom("add" as const, "find" as const), table, key) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("append" as const), table, key) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constant("append all" as const), table, fc.array(key, { maxLength: 5 })),
    },
    { weight: 1, arbitrary: fc.tuple(fc.constant("drop" as const), table, fc.constant("")) },
  );

  test("adds, finds, appends, drops and lists as the twin does", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const catalog = newCatalog();
        for (const [what, table, key] of actions) {
          if (what === "drop") catalog.drop(table, DROPPED);
          else if (what === "append all") catalog.appendAll(table, key);
          else catalog[what](table, key);
        }
        catalog.check();
        for (let table = 0; table < 5; table++) catalog.list(table);
        catalog.list(DROPPED);
        closeCatalog(catalog);
      }),
      { numRuns: 200 },
    );
  });

  test("one key in many tables is as many series", () => {
    const catalog = newCatalog();
    for (let table = 0; table < 3_000; table++) catalog.add(table, "m,host=a");
    for (let table = 0; table < 3_000; table++) expect(catalog.find(table, "m,host=a")).toBe(table);
    catalog.check();
    closeCatalog(catalog);
  });

  test("grows over 100,000 series, and finds all of them after a drop", () => {
    const catalog = newCatalog();
    for (let n = 0; n < 120_000; n++) catalog.add(n % 3, `m,host=server-${n},region=eu`);
    catalog.check();
    catalog.drop(1, DROPPED);
    expect(catalog.find(1, "m,host=server-1,region=eu")).toBeUndefined();
    catalog.check();
    // a dropped series that comes again is a new one
    expect(catalog.add(1, "m,host=server-1,region=eu")).toBe(120_000);
    catalog.list(1);
    closeCatalog(catalog);
  });

  test("keys of 1 to 65,535 bytes differ in any of their bytes", () => {
    const catalog = newCatalog();
    for (const length of [1, 7, 8, 15, 16, 17, 31, 33, 255, 4_096, 65_519, 65_520, 65_534, 65_535]) {
      const key = "k".repeat(length);
      for (const at of new Set([0, length >> 1, length - 1]))
        catalog.add(1, `${key.slice(0, at)}\xff${key.slice(at + 1)}`);
      catalog.add(1, key);
    }
    catalog.check();
    closeCatalog(catalog);
  });
});

// Fields of the generated rows, by name, each of one type.
const types = {
  f: FieldType.Float,
  i: FieldType.Integer,
  u: FieldType.Unsigned,
  b: FieldType.Boolean,
} as const;
const typeOfName = (name: string): FieldType => types[name[0] as keyof typeof types] ?? FieldType.String;
const fieldValue: Record<string, fc.Arbitrary<FieldValue>> = {
  f: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, 5e-324)),
  i: fc.oneof(fc.bigInt(-5n, 5n), fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n)),
  u: fc.oneof(fc.bigInt(0n, 5n), fc.constantFrom(2n ** 63n, 2n ** 64n - 1n)),
  b: fc.boolean(),
  s: fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom("", "x".repeat(1000))),
  t: fc.constantFrom("", "up", "down"),
};
const names = Object.keys(fieldValue);
const fieldsOfRow = fc
  .record(fieldValue, { requiredKeys: [] })
  .filter((row) => Object.values(row).some((value) => value !== undefined));
const time = fc.oneof(fc.bigInt(-6n, 6n), fc.constantFrom(MIN_TIME, MAX_TIME, MIN_TIME + 1n, MAX_TIME - 1n));
const point = fc.record({
  measurement: fc.constantFrom("cpu", "mem"),
  host: fc.integer({ min: 0, max: 5 }),
  time,
  fields: fieldsOfRow,
});
type Point = typeof point extends fc.Arbitrary<infer T> ? T : never;

function batchOf(points: readonly Point[]): Uint8Array {
  const builder = new BatchBuilder({ database: "db" });
  for (const { measurement, host, time, fields } of points) {
    const list = Object.entries(fields).map(
      ([name, value]) => [name, value as FieldValue, typeOfName(name)] as const,
    );
    builder.add(measurement, [{ key: "host", value: `h${host}` }], list, time);
  }
  return builder.finish();
}

/** Reads all rows of a series through blocks of `rooms` rows in turn, starting at different rows of the block. */
function gatherAll(
  both: BothPartitions["partitions"][number],
  id: number,
  columns: readonly [name: string, fieldId: number][],
  [minTime, maxTime]: readonly [bigint, bigint],
  rooms: readonly number[],
): void {
  const byId = new Map(columns.map(([name, field]) => [field, typeOfName(name)]));
  const fieldIds = [...byId.keys()].sort((a, b) => a - b);
  const wanted = gatherTwin(both.twin.collect(id, minTime, maxTime), fieldIds);
  const cursor = both.memtable.rows(id, minTime, maxTime);
  expect(cursor.count).toBe(both.twin.collect(id, minTime, maxTime).length);
  const block = new RowBlock(kernels, Math.max(...rooms) + 3, Uint32Array.from(fieldIds));
  const rows = [];
  for (let n = 0; !cursor.done; n++) {
    const room = rooms[n % rooms.length]!;
    const at = n % 3;
    const made = cursor.gather(block, at, room);
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThanOrEqual(room);
    const got = rowsOfBlock(kernels, block, at + made, (field) => byId.get(field)!).slice(at);
    for (const [c, field] of fieldIds.entries())
      expect(block.valueCount(c)).toBe(got.filter(({ values }) => values.has(field)).length);
    rows.push(...got);
    block.clear(at + made);
  }
  expect(rows).toEqual(wanted);
  block.free();
}

describe("memtable", () => {
  const range = fc.tuple(time, time).map(([a, b]) => (a < b ? ([a, b] as const) : ([b, a] as const)));

  const ranges = fc.array(range, { minLength: 1, maxLength: 4 });

  test("gives back what batches brought, as the twin does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(point, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 4 }),
        fc.subarray(names, { minLength: 0 }),
        range,
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }),
        (batches, columns, range, rooms) => {
          const both = new BothPartitions(kernels, 3);
          for (const points of batches) both.apply(batchOf(points));
          for (const partition of both.partitions) {
            const { memtable, twin, catalog } = partition;
            catalog.check();
            expect(memtable.rowCount).toBe(twin.rowCount);
            if (twin.rowCount > 0) {
              expect(kernels.call.memtableMinTime(memtable.pointer)).toBe(twin.times[0]!);
              expect(kernels.call.memtableMaxTime(memtable.pointer)).toBe(twin.times.at(-1)!);
            }
            const count = catalog.twin.series.length;
            for (const limit of [0, 1, count])
              if (limit <= count) expect([...memtable.series(limit)]).toEqual(twin.series(limit));
            const ids = [...Array(count + 2).keys()];
            for (const from of [MIN_TIME, range[0], range[1], MAX_TIME])
              expect(memtable.nextTime(Uint32Array.from(ids), from)).toBe(twin.nextTime(ids, from)!);
            for (const id of ids) {
              expect(memtable.seriesRows(id)).toBe(twin.seriesRows(id));
              if (id >= count) continue;
              const measurement = catalog.twin.series[id]!.key.split(",")[0]!;
              const idOf = (name: string): [string, number] => [name, both.fieldId(measurement, name)];
              gatherAll(partition, id, columns.map(idOf), range, rooms);
              gatherAll(partition, id, names.map(idOf), [MIN_TIME, MAX_TIME], [100]);
            }
          }
          both.close();
        },
      ),
      { numRuns: 150 },
    );
  });

  test("loses the rows that are deleted, as the twin does, and takes others after that", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(point, { minLength: 1, maxLength: 30 }), fc.nat(12), ranges), {
          minLength: 1,
          maxLength: 5,
        }),
        (steps) => {
          const both = new BothPartitions(kernels, 2);
          for (const [points, id, gone] of steps) {
            both.apply(batchOf(points));
            for (const { memtable, twin, catalog } of both.partitions) {
              expect(memtable.delete(id, united(gone))).toBe(twin.delete(id, gone));
              const count = catalog.twin.series.length;
              expect([...memtable.series(count)]).toEqual(twin.series(count));
            }
          }
          for (const partition of both.partitions)
            for (const id of partition.twin.series(partition.catalog.twin.series.length)) {
              expect(partition.memtable.seriesRows(id)).toBe(partition.twin.seriesRows(id));
              const measurement = partition.catalog.twin.series[id]!.key.split(",")[0]!;
              const columns = names.map((name): [string, number] => [name, both.fieldId(measurement, name)]);
              gatherAll(partition, id, columns, [MIN_TIME, MAX_TIME], [100]);
            }
          both.close();
        },
      ),
      { numRuns: 150 },
    );
  });

  test("loses the values of fields that are deleted, and rows that have no other, as the twin does", () => {
    const deletion = fc.record({
      points: fc.array(point, { minLength: 1, maxLength: 30 }),
      id: fc.nat(12),
      gone: ranges,
      fields: fc.subarray(names, { minLength: 1 }),
    });
    fc.assert(
      fc.property(fc.array(deletion, { minLength: 1, maxLength: 6 }), (steps) => {
        const both = new BothPartitions(kernels, 2);
        for (const { points, id, gone, fields } of steps) {
          both.apply(batchOf(points));
          for (const { memtable, twin, catalog } of both.partitions) {
            const measurement = catalog.twin.series[id]?.key.split(",")[0] ?? "cpu";
            const ids = fields.map((name) => both.fieldId(measurement, name));
            expect(memtable.deleteFields(id, united(gone), ids)).toBe(twin.deleteFields(id, gone, ids));
            const count = catalog.twin.series.length;
            expect([...memtable.series(count)]).toEqual(twin.series(count));
          }
        }
        for (const partition of both.partitions)
          for (const id of partition.twin.series(partition.catalog.twin.series.length)) {
            expect(partition.memtable.seriesRows(id)).toBe(partition.twin.seriesRows(id));
            const measurement = partition.catalog.twin.series[id]!.key.split(",")[0]!;
            const columns = names.map((name): [string, number] => [name, both.fieldId(measurement, name)]);
            gatherAll(partition, id, columns, [MIN_TIME, MAX_TIME], [100]);
            gatherAll(partition, id, columns.slice(0, 2), [MIN_TIME, MAX_TIME], [1, 3]);
          }
        both.close();
      }),
      { numRuns: 150 },
    );
  });

  test("takes more series than its heads have room for at first, and more rows than a chunk", () => {
    const both = new BothPartitions(kernels, 2);
    const builder = new BatchBuilder({ database: "db" });
    for (let n = 0; n < 40_000; n++)
      builder.add(
        "m",
        [{ key: "host", value: String(n) }],
        [
          ["f", n],
          ["s", `text ${n}`],
        ],
        BigInt(-n),
      );
    both.apply(builder.finish());
    for (const partition of both.partitions) {
      const { memtable, twin, catalog } = partition;
      const count = catalog.twin.series.length;
      expect(count).toBeGreaterThan(16_384);
      expect([...memtable.series(count)]).toEqual(twin.series(count));
      for (const id of [0, 1, 8_191, 8_192, 16_383, 16_384, count - 1])
        gatherAll(
          partition,
          id,
          [
            ["f", 0],
            ["s", 1],
          ],
          [MIN_TIME, MAX_TIME],
          [1],
        );
      expect(memtable.sizeBytes).toBeGreaterThan(count * 32);
    }
    both.close();
  });

  test("takes strings that are larger than a chunk of memory, among small ones", () => {
    const both = new BothPartitions(kernels, 1);
    for (const length of [0, 1, 262_143, 262_144, 1_000_000, 3]) {
      const builder = new BatchBuilder({ database: "db" });
      for (const time of [3n, 1n, 2n, 1n])
        builder.add(
          "m",
          [],
          [
            ["s", String(time).repeat(length)],
            ["b", true],
          ],
          time * 10n + BigInt(length % 7),
        );
      both.apply(builder.finish());
    }
    gatherAll(
      both.partitions[0]!,
      0,
      [
        ["s", 0],
        ["b", 1],
      ],
      [MIN_TIME, MAX_TIME],
      [2, 1],
    );
    both.close();
  });

  test("a series of 50,000 rows out of order, with duplicates, comes out sorted, the last writes winning", () => {
    const both = new BothPartitions(kernels, 1);
    for (let batch = 0; batch < 5; batch++) {
      const builder = new BatchBuilder({ database: "db" });
      for (let n = 0; n < 10_000; n++) {
        const name = n % 3 === 0 ? "f" : "i";
        const value = name === "f" ? n + batch : BigInt(n * batch);
        builder.add("m", [], [[name, value]], BigInt((n * 7919) % 9_973));
      }
      both.apply(builder.finish());
    }
    gatherAll(
      both.partitions[0]!,
      0,
      [
        ["f", 0],
        ["i", 1],
      ],
      [MIN_TIME, MAX_TIME],
      [2048],
    );
    both.close();
  });
});

describe("merge", () => {
  const int64 = fc.oneof(
    fc.bigInt(-20n, 20n),
    fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, MIN_TIME, MAX_TIME),
  );
  const run = fc.uniqueArray(int64, { maxLength: 30 }).map((times) => times.sort((a, b) => (a < b ? -1 : 1)));
  const word = fc.option(fc.bigInt(0n, 2n ** 64n - 1n));
  const columnFor = (times: readonly bigint[]) =>
    fc.oneof(
      fc.array(word, { minLength: times.length, maxLength: times.length }),
      fc.constant(times.map(() => null)),
      fc.constant(times.map(() => 5n)),
    );
  const runs = fc
    .tuple(run, run)
    .chain(([older, newer]) =>
      fc.tuple(fc.constant(older), fc.constant(newer), columnFor(older), columnFor(newer)),
    );

  /** A column in linear memory: no values at all and no gaps as pointers of 0. */
  function put(column: TwinColumn, at: number): { values: number; present: number } {
    if (column.every((value) => value === null)) return { values: 0, present: 0 };
    const words = new BigUint64Array(kernels.buffer, at, column.length);
    const present = at + column.length * 8;
    for (const [row, value] of column.entries()) {
      words[row] = value ?? 0n;
      kernels.bytes[present + row] = value === null ? 0 : 1;
    }
    return { values: at, present: column.includes(null) ? present : 0 };
  }

  test("times and columns of two runs, to the ends of int64", () => {
    const area = kernels.alloc(1 << 20);
    const [newerAt, timesAt, pairsAt] = [area + 4096, area + 8192, area + 16384] as const;
    fc.assert(
      fc.property(runs, fc.constantFrom(0n, 1n, 4096n), ([older, newer, early, late], base) => {
        kernels.i64(area, older.length).set(older);
        kernels.i64(newerAt, newer.length).set(newer);
        const wanted = mergeTimesTwin(older, newer);
        const rows = kernels.call.mergeTimes(area, older.length, newerAt, newer.length, timesAt, pairsAt);
        expect([...kernels.i64(timesAt, rows)]).toEqual(wanted.map(({ time }) => time));
        expect([...kernels.u32(pairsAt, rows * 2)]).toEqual(
          wanted.flatMap(({ older, newer }) => [older ?? 0xffff_ffff, newer ?? 0xffff_ffff]),
        );
        const a = put(early, area + 32768);
        const b = put(late, area + 40960);
        const [values, present] = [area + 49152, area + 57344] as const;
        const made = kernels.call.mergeColumn(
          ...([
            pairsAt,
            rows,
            a.values,
            a.present,
            b.values,
            b.present,
            Number(base),
            values,
            present,
          ] as const),
        );
        const column = mergeColumnTwin(wanted, early, late, base);
        expect(made).toBe(column.filter((value) => value !== null).length);
        expect([...kernels.view(present, rows)]).toEqual(column.map((value) => (value === null ? 0 : 1)));
        const words = new BigUint64Array(kernels.buffer, values, rows);
        expect([...words]).toEqual(column.map((value) => value ?? 0n));
      }),
      { numRuns: 500 },
    );
    kernels.free(area);
  });

  test("strings are packed end to end", () => {
    const area = kernels.alloc(1 << 18);
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 40 })), fc.nat(100), (list, start) => {
        const strings = list.map((text) => latin1(new TextEncoder().encode(text)));
        const [source, heap] = [area + 65536, area + 131072] as const;
        const words = kernels.u32(area, strings.length * 2);
        let at = source + 7;
        for (const [i, text] of strings.entries()) {
          kernels.put(at, bytesOf(text));
          words.set([at - source, text.length], i * 2);
          at += text.length;
        }
        const wanted = packTwin(strings, start);
        expect(kernels.call.heapSize(area, strings.length)).toBe(wanted.heap.length);
        const end = kernels.call.packHeap(area, strings.length, source, heap, start);
        expect(end).toBe(start + wanted.heap.length);
        expect(latin1(kernels.view(heap + start, wanted.heap.length))).toBe(wanted.heap);
        expect([...kernels.u32(area, strings.length * 2)]).toEqual(
          strings.flatMap((text, i) => [wanted.offsets[i]!, text.length]),
        );
      }),
      { numRuns: 200 },
    );
    kernels.free(area);
  });

  test("blockClear zeroes the rows asked for, in every column, and the counts", () => {
    const block = new RowBlock(kernels, 16, Uint32Array.from([2, 5]));
    for (const c of [0, 1]) {
      kernels.bytes.fill(0xaa, block.values(c), block.values(c) + 16 * 8);
      kernels.bytes.fill(1, block.present(c), block.present(c) + 16);
      block.addValues(c, 16);
    }
    block.clear(5);
    for (const c of [0, 1]) {
      expect([...kernels.view(block.values(c), 128)]).toEqual([
        ...Array(40).fill(0),
        ...Array(88).fill(0xaa),
      ]);
      expect([...kernels.view(block.present(c), 16)]).toEqual([...Array(5).fill(0), ...Array(11).fill(1)]);
      expect(block.valueCount(c)).toBe(0);
    }
    expect([...kernels.u32(block.columns, 8)].filter((_, i) => i % 4 === 0)).toEqual([2, 5]);
    block.free();
  });

  test("blockAppend adds the rows of a mask, or all, behind those that there are", () => {
    const area = kernels.alloc(4096);
    const [values, present, mask] = [area, area + 1024, area + 2048] as const;
    const bit = fc.constantFrom(0, 0, 0, 1);
    const row = fc.record({ value: fc.bigInt(1n, 2n ** 32n - 1n), there: bit, wanted: bit });
    const part = fc.record({
      rows: fc.array(row, { maxLength: 40 }),
      ...{ hasGaps: fc.boolean(), hasMask: fc.boolean(), base: fc.constantFrom(0, 7) },
    });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const block = new RowBlock(kernels, 200, Uint32Array.of(3));
        const expected: (bigint | null)[] = [];
        for (const { rows, hasGaps, hasMask, base } of parts) {
          kernels.i64(values, rows.length).set(rows.map(({ value }) => value));
          kernels.put(
            present,
            Uint8Array.from(rows, ({ there }) => there),
          );
          kernels.put(
            mask,
            Uint8Array.from(rows, ({ wanted }) => wanted),
          );
          const added = rows.filter(({ wanted }) => !hasMask || wanted === 1);
          const flags = hasGaps ? present : 0;
          const from = expected.length;
          expect(block.append(0, values, flags, hasMask ? mask : 0, rows.length, base, from)).toBe(
            added.length,
          );
          for (const { value, there } of added)
            expected.push(hasGaps && there === 0 ? null : value + BigInt(base));
        }
        const count = expected.length;
        expect([...kernels.i64(block.values(0), count)]).toEqual(expected.map((value) => value ?? 0n));
        expect([...kernels.view(block.present(0), 200)]).toEqual(
          Array.from({ length: 200 }, (_, i) => (i < count && expected[i] !== null ? 1 : 0)),
        );
        expect(block.valueCount(0)).toBe(expected.filter((value) => value !== null).length);
        block.free();
      }),
      { numRuns: 300 },
    );
    kernels.free(area);
  });
});

describe("tag index", () => {
  const name = fc.constantFrom("a", "b", "host", "a b", "a,b", "k=v", "\\x", "a\\,b", "a\\=b", "\\\\ x", "é");
  const tags = fc.uniqueArray(fc.record({ key: name, value: name }), {
    selector: ({ key }) => key,
    maxLength: 4,
  });
  const series = fc.record({ table: fc.integer({ min: 0, max: 2 }), measurement: name, tags });
  const step = fc.oneof(
    { weight: 6, arbitrary: series },
    { weight: 1, arbitrary: fc.constantFrom("extend" as const, "drop" as const) },
  );

  const pointerOf = (text: string, at: number) => {
    kernels.put(at, bytesOf(text));
    return [at, text.length] as const;
  };

  /** Everything the index says of a table, against the twin; `scratch`: an area with room for it. */
  function checkTable(catalog: BothCatalogs, table: number, scratch: number): void {
    const twin = new TagIndexTwin(catalog.twin);
    const { call } = kernels;
    const node = (text: string) =>
      call.tagIndexNode(catalog.record, table, ...pointerOf(text, scratch)) >>> 0;
    const childrenOf = (parent: number) => {
      const found: string[] = [];
      for (let child = kernels.u32(parent + 4, 1)[0]!; child !== 0; child = kernels.u32(child, 1)[0]!) {
        const [at, length] = kernels.u32(child + 12, 2);
        found.push(latin1(kernels.view(at!, length!)));
      }
      expect(kernels.u32(parent + 36, 1)[0]).toBe(found.length);
      return found.sort();
    };
    const seriesOf = (at: number) => {
      const count = call.tagIndexSeries(at, scratch);
      expect(kernels.u32(at + 24, 1)[0]).toBe(count);
      return [...kernels.u32(scratch, count)];
    };
    const ids = catalog.list(table);
    const root = node("");
    expect(root !== 0).toBe(ids.length > 0);
    if (root === 0) return;
    expect(seriesOf(root)).toEqual(ids);
    expect(childrenOf(root)).toEqual([...twin.tagKeys(table)].sort());
    for (const key of [...twin.tagKeys(table), "nowhere"]) {
      const keyNode = node(key);
      expect(keyNode !== 0).toBe(key !== "nowhere");
      if (keyNode !== 0) expect(childrenOf(keyNode)).toEqual([...twin.tagValues(table, key)].sort());
      for (const text of twin.tagValues(table, key))
        expect(seriesOf(node(text))).toEqual(twin.postings(table, text));
      kernels.u32(scratch, ids.length).set(ids);
      const out = scratch + ids.length * 4;
      const text = pointerOf(key, out + ids.length * 4);
      call.tagIndexValues(catalog.record, table, scratch, ids.length, ...text, out);
      const values = [...kernels.u32(out, ids.length)].map((at) => {
        const [start, length] = at === 0 ? [0, 0] : kernels.u32(at + 12, 2);
        return latin1(kernels.view(start!, length!));
      });
      expect(values).toEqual(ids.map((id) => twin.valueOf(id, key)));
    }
  }

  test("says of escaped keys and values what a look at every series says, as series come and go", () => {
    const scratch = kernels.alloc(1 << 16);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const catalog = newCatalog();
        for (const step of steps) {
          if (step === "extend") {
            expect(kernels.call.tagIndexExtend(catalog.record)).toBeTruthy();
            for (const table of [0, 1, 2]) checkTable(catalog, table, scratch);
          } else if (step === "drop") {
            kernels.call.tagIndexClose(catalog.record); // as store/catalog.ts does
            catalog.drop(1, DROPPED);
          } else catalog.add(step.table, latin1(encodeSeriesKey(step.measurement, step.tags)));
        }
        expect(kernels.call.tagIndexExtend(catalog.record)).toBeTruthy();
        for (const table of [0, 1, 2]) checkTable(catalog, table, scratch);
        expect(kernels.call.tagIndexNode(catalog.record, DROPPED, scratch, 0)).toBe(0);
        closeCatalog(catalog);
      }),
      { numRuns: 300 },
    );
    kernels.free(scratch);
  });

  test("keys that no client could have written are taken as they are: no value, no `=`, no tag, bare backslashes", () => {
    const scratch = kernels.alloc(1 << 16);
    const catalog = newCatalog();
    for (const key of ["m", "m,a=", "m,a=,b=1", "m\\,x,a=1", "m\\", "m,a=\\\\\\,", "m\\=,a=b=c"])
      catalog.add(0, key);
    kernels.call.tagIndexExtend(catalog.record);
    checkTable(catalog, 0, scratch);
    closeCatalog(catalog);
    kernels.free(scratch);
  });

  test("grows over 20,000 values, each found, and postings over many chunks", () => {
    const scratch = kernels.alloc(1 << 18);
    const catalog = newCatalog();
    for (let n = 0; n < 20_000; n++) {
      catalog.add(0, `m,host=${n},parity=${n % 2}`);
      if (n % 7_000 === 0) kernels.call.tagIndexExtend(catalog.record);
    }
    kernels.call.tagIndexExtend(catalog.record);
    for (const [text, ids] of [
      ["host=0", [0]],
      ["host=19999", [19_999]],
      ["parity=1", catalog.twin.list(0).filter((id) => id % 2 === 1)],
    ] as const) {
      const node = kernels.call.tagIndexNode(catalog.record, 0, ...pointerOf(text, scratch)) >>> 0;
      const count = kernels.call.tagIndexSeries(node, scratch);
      expect([...kernels.u32(scratch, count)]).toEqual([...ids]);
    }
    closeCatalog(catalog);
    kernels.free(scratch);
  });
});
