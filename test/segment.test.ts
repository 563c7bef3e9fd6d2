import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { crc32c } from "../src/base/checksum.ts";
import { CorruptionError, DiskError, InputError } from "../src/base/errors.ts";
import type { Disk } from "../src/disk/disk.ts";
import { nodeDisk } from "../src/disk/node.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { FieldType } from "../src/model/types.ts";
import { FOOTER_BYTES } from "../src/segment/format.ts";
import { SegmentReader } from "../src/segment/reader.ts";
import { SegmentWriter } from "../src/segment/writer.ts";
import { MemoryDisk } from "./disk/memory.ts";
import {
  readTestSegment,
  readValues,
  type TestTable,
  testHeader,
  testKey,
  type Value,
  writeTestSegment,
} from "./support/segment-rows.ts";
import { everyType as small } from "./support/segment-samples.ts";
import { plainStats } from "./twin/stats.ts";

const folder = mkdtempSync(join(tmpdir(), "serie-segment-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newPath = () => join(folder, `${files++}.segment`);
const kernels = new Kernels();

const values: Record<FieldType, fc.Arbitrary<Value>> = {
  [FieldType.Float]: fc.oneof(
    fc.double(),
    fc.integer({ min: -99999, max: 99999 }).map((cents) => cents / 100),
    fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, 5e-324),
  ),
  [FieldType.Integer]: fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt(-500n, 500n),
  ),
  [FieldType.Unsigned]: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt(0n, 500n)),
  [FieldType.Boolean]: fc.boolean(),
  [FieldType.String]: fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("", "up", "down")),
};

const field = fc.record({
  name: fc.string({ minLength: 1, maxLength: 8 }),
  type: fc.constantFrom(...Object.values(FieldType)),
});

/** Tables of few or many series with few or many rows, with gaps in ids, in times and in values. */
const table: fc.Arbitrary<TestTable> = fc
  .record({
    measurement: fc.string({ minLength: 1, maxLength: 12 }),
    fields: fc.uniqueArray(field, { selector: ({ name }) => name, maxLength: 6 }),
  })
  .chain(({ measurement, fields }) =>
    fc
      .array(
        fc.record({
          gap: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 100_000 })),
          rows: fc.array(
            fc.record({
              step: fc.oneof(fc.constant(10_000_000_000n), fc.bigInt(1n, 10n ** 12n)),
              values: fc.tuple(...fields.map(({ type }) => fc.option(values[type], { freq: 4 }))),
            }),
            { minLength: 1, maxLength: 40 },
          ),
        }),
        { minLength: 1, maxLength: 12 },
      )
      .map((list) => {
        let id = -1;
        const series = list.map(({ gap, rows }) => {
          let time = 0n;
          id += gap;
          return {
            id,
            rows: rows.map((row) => {
              time += row.step;
              return { time, values: row.values as Value[] };
            }),
          };
        });
        return { measurement, fields, series };
      }),
  );

const tables = fc
  .uniqueArray(table, { selector: ({ measurement }) => measurement, minLength: 1, maxLength: 3 })
  .map((list) => list.sort((a, b) => (a.measurement < b.measurement ? -1 : 1)));

test("what is written is read back: rows, fields, keys, totals", async () => {
  await fc.assert(
    fc.asyncProperty(tables, fc.integer({ min: 1, max: 64 }), async (written, groupRows) => {
      const path = newPath();
      const used = kernels.usedBytes;
      const summary = await writeTestSegment(nodeDisk, path, kernels, written, groupRows);
      const reader = SegmentReader.open(nodeDisk, path, kernels);
      expect(readTestSegment(reader, kernels)).toEqual(written);
      expect(reader.header).toEqual(testHeader);

      const rows = written.flatMap(({ series }) => series.flatMap((one) => one.rows));
      const times = rows.map((row) => row.time).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      const seriesCount = written.reduce((sum, { series }) => sum + series.length, 0);
      const totals = { rowCount: rows.length, seriesCount, minTime: times[0]!, maxTime: times.at(-1)! };
      expect(reader.totals).toEqual(totals);
      expect(summary).toEqual({ sizeBytes: nodeDisk.size(path), ...totals });

      for (const { measurement, series } of written) {
        const keys = [...reader.table(measurement)!.seriesKeys()].map(([id, key]) => [id, Buffer.from(key)]);
        expect(keys).toEqual(series.map(({ id }) => [id, Buffer.from(testKey(id))]));
      }
      reader.unlink();
      reader.close();
      expect(nodeDisk.exists(path)).toBe(false);
      expect(kernels.usedBytes).toBe(used);
    }),
    { numRuns: 150 },
  );
});

test("groupRange and seriesRows find every row of a series and none of others", async () => {
  await fc.assert(
    fc.asyncProperty(table, fc.integer({ min: 1, max: 64 }), async (written, groupRows) => {
      const path = newPath();
      await writeTestSegment(nodeDisk, path, kernels, [written], groupRows);
      const reader = SegmentReader.open(nodeDisk, path, kernels);
      const table = reader.table(written.measurement)!;
      const counts = new Map(written.series.map(({ id, rows }) => [id, rows.length]));
      for (const id of [...counts.keys()].flatMap((id) => [id - 1, id, id + 1]).filter((id) => id >= 0)) {
        const range = table.groupRange(id);
        let found = 0;
        for (let group = 0; group < table.groupCount; group++) {
          const rows = table.seriesRows(group, id)?.count ?? 0;
          found += rows;
          if (rows > 0) expect(range !== null && range.first <= group && group <= range.last).toBe(true);
        }
        expect(found).toBe(counts.get(id) ?? 0);
      }
      for (let group = 0; group < table.groupCount; group++) {
        const { ids, rows } = table.groupSeries(group);
        const all = Array.from(ids, (id, i) => {
          const start = rows.slice(0, i).reduce((sum, count) => sum + count, 0);
          return [id, { start, count: rows[i]! }] as const;
        });
        // asked for in any order: descending, twice, past the end, ascending
        for (const [id, place] of [...all.toReversed(), ...all.flatMap((each) => [each, each]), ...all])
          expect(table.seriesRows(group, id)).toEqual(place);
        expect(table.seriesRows(group, ids.at(-1)! + 1)).toBeNull();
        expect(table.seriesRows(group, ids[0]!)).toEqual(all[0]![1]);
      }
      reader.unlink();
      reader.close();
    }),
    { numRuns: 100 },
  );
});

test("statistics and counts are those of the page's values", async () => {
  await fc.assert(
    fc.asyncProperty(tables, fc.integer({ min: 1, max: 64 }), async (written, groupRows) => {
      const path = newPath();
      await writeTestSegment(nodeDisk, path, kernels, written, groupRows);
      const reader = SegmentReader.open(nodeDisk, path, kernels);
      for (const measurement of reader.tables) {
        const table = reader.table(measurement)!;
        for (let group = 0; group < table.groupCount; group++) {
          const rowCount = table.groupRows(group);
          const out = kernels.alloc(rowCount * 8);
          table.readTimes(group, out);
          const times = [...kernels.i64(out, rowCount)];
          kernels.free(out);
          expect(
            times.every((time) => table.groupMinTime(group) <= time && time <= table.groupMaxTime(group)),
          ).toBe(true);
          expect(times).toContain(table.groupMinTime(group));
          expect(times).toContain(table.groupMaxTime(group));
          for (let f = 0; f < table.fields.length; f++) {
            const plain = plainStats(table.fields[f]!.type, readValues(table, kernels, group, f));
            expect(table.valueCount(group, f)).toBe(plain.count);
            expect(table.stats(group, f)).toEqual(plain.stats);
          }
        }
      }
      reader.unlink();
      reader.close();
    }),
    { numRuns: 100 },
  );
});

test("pages larger than the writer's buffer, and more pages than it holds", async () => {
  const rows = (count: number, value: (i: number) => Value) =>
    Array.from({ length: count }, (_, i) => ({ time: BigInt(i), values: [value(i)] }));
  const noise = (i: number) => Bun.hash.wyhash(String(i)).toString(36);
  const tables: TestTable[] = [
    {
      measurement: "numbers",
      fields: [{ name: "value", type: FieldType.Float }],
      series: [
        { id: 1, rows: rows(250_000, Math.sqrt) },
        { id: 2, rows: rows(3, Math.cbrt) },
      ],
    },
    {
      measurement: "texts",
      fields: [{ name: "value", type: FieldType.String }],
      series: [
        { id: 3, rows: rows(3, (i) => Array.from({ length: 120_000 }, (_, n) => noise(n + i)).join("")) },
        { id: 4, rows: rows(3, noise) },
      ],
    },
  ];
  const path = newPath();
  const { sizeBytes } = await writeTestSegment(nodeDisk, path, kernels, tables);
  expect(sizeBytes).toBeGreaterThan(5_000_000);
  const reader = SegmentReader.open(nodeDisk, path, kernels);
  expect(readTestSegment(reader, kernels)).toEqual(tables);
  reader.unlink();
  reader.close();
});

/** Reads everything that a segment can tell. */
function readAll(disk: Disk, path: string): void {
  const reader = SegmentReader.open(disk, path, kernels);
  readTestSegment(reader, kernels);
  for (const name of reader.tables) {
    const table = reader.table(name)!;
    Array.from(table.seriesKeys());
    for (let group = 0; group < table.groupCount; group++)
      for (let f = 0; f < table.fields.length; f++) table.stats(group, f);
    for (let id = 0; id < 8; id++) table.groupRange(id);
  }
}

test("every flipped byte is a CorruptionError of this file", async () => {
  const path = newPath();
  const damagedPath = newPath();
  await writeTestSegment(nodeDisk, path, kernels, small, 6);
  const bytes = readFileSync(path);
  for (let at = 0; at < bytes.length; at++) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= mask;
      let error: unknown;
      try {
        readAll({ ...nodeDisk, map: () => damaged }, damagedPath);
      } catch (thrown) {
        error = thrown;
      }
      if (!(error instanceof CorruptionError)) throw new Error(`byte ${at} ^ ${mask}: ${String(error)}`);
      expect(error.file.startsWith(damagedPath)).toBe(true);
    }
  }
});

test("an index with wrong contents under a right checksum is corrupt or readable, never a trap", async () => {
  const path = newPath();
  await writeTestSegment(nodeDisk, path, kernels, small, 6);
  const bytes = readFileSync(path);
  const footerAt = bytes.length - FOOTER_BYTES;
  const indexAt = Number(bytes.readBigUInt64LE(footerAt));
  const used = kernels.usedBytes;
  let refused = 0;
  for (let at = indexAt; at < footerAt; at++) {
    for (const mask of [0x01, 0x02, 0x40, 0x80, 0xff]) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= mask;
      damaged.writeUInt32LE(crc32c(damaged.subarray(indexAt, footerAt)), footerAt + 12);
      damaged.writeUInt32LE(crc32c(damaged.subarray(footerAt, footerAt + 16)), footerAt + 16);
      try {
        readAll({ ...nodeDisk, map: () => damaged }, path);
      } catch (error) {
        refused++;
        if (!(error instanceof CorruptionError)) throw new Error(`byte ${at} ^ ${mask}`, { cause: error });
      }
    }
  }
  expect(refused).toBeGreaterThan(footerAt - indexAt);
  expect(kernels.usedBytes).toBe(used);
});

test("a segment cut at any byte does not open", async () => {
  const path = newPath();
  await writeTestSegment(nodeDisk, path, kernels, small, 6);
  const bytes = new Uint8Array(readFileSync(path));
  for (let size = 0; size < bytes.length; size++) {
    const disk: Disk = { ...nodeDisk, map: () => bytes.slice(0, size) };
    expect(() => SegmentReader.open(disk, path, kernels)).toThrow(CorruptionError);
  }
  const longer = Buffer.concat([bytes, new Uint8Array(1)]);
  expect(() => SegmentReader.open({ ...nodeDisk, map: () => longer }, path, kernels)).toThrow(
    CorruptionError,
  );
});

test("another format version is refused by name, not called corrupt", async () => {
  const path = newPath();
  await writeTestSegment(nodeDisk, path, kernels, small);
  const bytes = new Uint8Array(readFileSync(path));
  const view = new DataView(bytes.buffer);
  view.setUint32(8, 7, true);
  const size = view.getUint32(12, true);
  view.setUint32(size - 4, crc32c(bytes.subarray(0, size - 4)), true);
  writeFileSync(path, bytes);
  expect(() => SegmentReader.open(nodeDisk, path, kernels)).toThrow(InputError);
  expect(() => SegmentReader.open(nodeDisk, path, kernels)).toThrow(/version 7.*reads versions 1 to 4/);
});

test("the file is removed by the last release after unlink, not before", async () => {
  const path = newPath();
  await writeTestSegment(nodeDisk, path, kernels, small);
  const reader = SegmentReader.open(nodeDisk, path, kernels);
  reader.retain();
  reader.unlink();
  reader.close();
  expect(nodeDisk.exists(path)).toBe(true);
  expect(readTestSegment(reader, kernels)).toEqual(small);
  reader.release();
  expect(nodeDisk.exists(path)).toBe(false);
  expect(() => reader.table("cpu")).toThrow(/closed/);
});

/** The number of disk operations that writing `small` takes. */
async function operationCount(): Promise<number> {
  const disk = new MemoryDisk();
  let count = 0;
  disk.fault = () => {
    count++;
    return undefined;
  };
  await writeTestSegment(disk, "/a.segment", kernels, small, 6);
  return count;
}

test("when the disk refuses once, the error passes through and no file is left", async () => {
  const count = await operationCount();
  // open, header, pages, keys of two tables, index, sync, rename, sync of the folder
  expect(count).toBeGreaterThanOrEqual(9);
  const used = kernels.usedBytes;
  for (let refused = 0; refused < count; refused++) {
    const disk = new MemoryDisk();
    let operation = 0;
    let refusedSync = false;
    disk.fault = (name) => {
      if (operation++ !== refused) return undefined;
      refusedSync = name.includes("folder");
      return "EIO";
    };
    await expect(writeTestSegment(disk, "/a.segment", kernels, small, 6)).rejects.toThrow(DiskError);
    // a file that could not be made durable under its name is whole all the same, and in no manifest
    expect(disk.list("/")).toEqual(refusedSync ? ["a.segment"] : []);
    expect(kernels.usedBytes).toBe(used);
  }
});

test("after a loss of power at any moment there is no file with the name, or the whole one", async () => {
  const count = await operationCount();
  for (let lost = 0; lost <= count; lost++) {
    for (let seed = 1; seed <= 5; seed++) {
      const disk = new MemoryDisk(seed);
      let operation = 0;
      disk.fault = () => (operation++ >= lost ? "EIO" : undefined);
      const written = await writeTestSegment(disk, "/a.segment", kernels, small, 6).catch(() => undefined);
      const after = disk.crash();
      expect(written !== undefined).toBe(lost === count);
      if (written) expect(after.exists("/a.segment")).toBe(true);
      if (!after.exists("/a.segment")) continue;
      const reader = SegmentReader.open(after, "/a.segment", kernels);
      expect(readTestSegment(reader, kernels)).toEqual(small);
    }
  }
});

test("an aborted segment leaves nothing", () => {
  const path = newPath();
  const writer = SegmentWriter.create(nodeDisk, path, kernels, testHeader);
  expect(nodeDisk.exists(`${path}.tmp`)).toBe(true);
  writer.abort();
  writer.abort();
  expect(nodeDisk.exists(`${path}.tmp`)).toBe(false);
  expect(nodeDisk.exists(path)).toBe(false);
});

test("an empty segment opens and has no tables", async () => {
  const path = newPath();
  const summary = await writeTestSegment(nodeDisk, path, kernels, []);
  expect(summary).toMatchObject({ rowCount: 0, seriesCount: 0, minTime: 0n, maxTime: 0n });
  const reader = SegmentReader.open(nodeDisk, path, kernels);
  expect(reader.tables).toEqual([]);
  expect(reader.table("cpu")).toBeUndefined();
});
