// The kernels of the memtable against their twins, for any input.
import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BatchBuilder, type FieldValue } from "../src/ingest/builder.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { encodeSeriesKey } from "../src/model/serieskey.ts";
import { FieldType, MAX_TIME, MIN_TIME } from "../src/model/types.ts";
import { RowBlock } from "../src/store/block.ts";
import { united } from "../src/store/series-ranges.ts";
import { BothPartitions, latin1, rowsOfBlock } from "./support/store-kernels.ts";
import { gatherTwin } from "./twin/memtable.ts";

const kernels = new Kernels();

// every test frees what it took
afterAll(() => expect(kernels.usedBytes).toBe(0));

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

  test("has heads from the first series on that has rows, of older ones once they have some", () => {
    const both = new BothPartitions(kernels, 1);
    const { catalog, memtable, twin } = both.partitions[0]!;
    const cpu = both.tableId("cpu");
    for (let host = 0; host < 50_000; host++)
      catalog.append(cpu, latin1(encodeSeriesKey("cpu", [{ key: "host", value: `h${host}` }])));
    const write = (...hosts: number[]) =>
      both.apply(
        batchOf(hosts.map((host) => ({ measurement: "cpu", host, time: BigInt(host), fields: { f: host } }))),
      );
    const check = () => {
      for (const limit of [0, 1, 8_192, 39_999, 40_000, 40_001, 50_000])
        expect([...memtable.series(limit)]).toEqual(twin.series(limit));
      for (let id = 0; id < 50_000; id += 9) expect(memtable.seriesRows(id)).toBe(twin.seriesRows(id));
      for (const id of twin.series(50_000)) expect(memtable.seriesRows(id)).toBe(1);
      const ids = [0, 1, 8_191, 24_576, 40_000, 49_999, 60_000];
      expect(memtable.nextTime(Uint32Array.from(ids), 2n)).toBe(twin.nextTime(ids, 2n)!);
    };
    check();
    // (heads are taken in pieces of 8,192)
    const before = kernels.usedBytes;
    write(40_000);
    expect(kernels.usedBytes - before).toBeLessThan(100_000);
    write(40_959, 40_960, 49_999);
    expect(kernels.usedBytes - before).toBeLessThan(300_000);
    for (const id of [0, 32_767]) expect(kernels.call.memtableDelete(memtable.pointer, id, 0, 0)).toBe(0);
    check();
    write(1);
    check();
    write(0, 8_191, 24_576, 39_999);
    check();
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
