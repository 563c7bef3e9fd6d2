// The group assembler: which rows share a row group, and that all of them come out of the segment as they went in.
import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Kernels } from "../src/kernels/kernels.ts";
import { FieldType } from "../src/model/types.ts";
import { SegmentReader } from "../src/segment/reader.ts";
import { SegmentWriter } from "../src/segment/writer.ts";
import { GROUP_ROWS, GroupAssembler } from "../src/store/assembler.ts";
import type { RowBlock } from "../src/store/block.ts";
import { Measurement } from "../src/store/schema.ts";
import { MemoryDisk } from "./disk/memory.ts";
import {
  readTestSegment,
  type TestRow,
  type TestSeries,
  testHeader,
  testKey,
} from "./support/segment-rows.ts";

const kernels = new Kernels();
afterAll(() => expect(kernels.usedBytes).toBe(0));

/** Series of at least so many rows have groups of their own. */
const LONG = 384;

const measurement = new Measurement("db", "m");
for (const [name, type] of [
  ["f", FieldType.Float],
  ["s", FieldType.String],
  ["never", FieldType.Integer],
] as const)
  measurement.define(name, type);

const texts = ["", "up", "down", "é".repeat(20)];

/** Rows whose values tell where they belong; some have no string, every third series has no float. */
function rowsOf(id: number, count: number): TestRow[] {
  return Array.from({ length: count }, (_, n) => ({
    time: BigInt(n * 10 + id),
    values: [id % 3 === 2 ? null : id + n / 4, (n + id) % 5 === 0 ? null : texts[(n + id) % 4]!, null],
  }));
}

/** Feeds rows as a memtable does: up to `room` of them, strings as pointers from linear memory's start. */
function feedOf(rows: readonly TestRow[], textAt: readonly number[]) {
  let next = 0;
  return (block: RowBlock, at: number, room: number): number => {
    const made = Math.min(room, rows.length - next);
    for (let n = 0; n < made; n++, next++) {
      const { time, values } = rows[next]!;
      kernels.i64(block.times, at + n + 1)[at + n] = time;
      for (const [c, value] of values.entries()) {
        if (value === null) continue;
        const slot = block.values(c) + (at + n) * 8;
        if (typeof value === "number") kernels.f64(slot, 1)[0] = value;
        else {
          const length = new TextEncoder().encode(value as string).length;
          kernels.u32(slot, 2).set([textAt[texts.indexOf(value as string)]!, length]);
        }
        kernels.bytes[block.present(c) + at + n] = 1;
        block.addValues(c, 1);
      }
    }
    return made;
  };
}

interface Given {
  readonly id: number;
  readonly rows: readonly TestRow[];
  /** What the assembler is told: at least the rows there are. */
  readonly atMost: number;
}

async function assemble(given: readonly Given[]) {
  const disk = new MemoryDisk();
  const area = kernels.alloc(65536);
  const textAt = texts.map((text, i) => {
    kernels.put(area + i * 1024, new TextEncoder().encode(text));
    return area + i * 1024;
  });
  const writer = SegmentWriter.create(disk, "/a.seg", kernels, testHeader);
  const assembler = new GroupAssembler(kernels, writer, "m", measurement.fields);
  for (const { id, rows, atMost } of given) assembler.add(id, atMost, feedOf(rows, textAt));
  assembler.finish();
  assembler.free();
  const summary = await writer.finish(testKey);
  kernels.free(area);
  const reader = SegmentReader.open(disk, "/a.seg", kernels);
  const table = reader.table("m")!;
  const groups = Array.from({ length: table.groupCount }, (_, g) => {
    const { ids, rows } = table.groupSeries(g);
    return { ids: [...ids], rows: [...rows] };
  });
  const series = readTestSegment(reader, kernels)[0]!.series as TestSeries[];
  const rangeOf = (id: number) => table.groupRange(id);
  const ranges = given.map(({ id }) => rangeOf(id));
  reader.close();
  return { summary, groups, series, ranges };
}

function checkGroups(
  given: readonly Given[],
  { summary, groups, series, ranges }: Awaited<ReturnType<typeof assemble>>,
) {
  const there = given.filter(({ rows }) => rows.length > 0);
  expect(series).toEqual(there.map(({ id, rows }) => ({ id, rows: [...rows] })));
  expect(summary.rowCount).toBe(there.reduce((sum, { rows }) => sum + rows.length, 0));
  for (const { rows } of groups) expect(rows.reduce((a, b) => a + b)).toBeLessThanOrEqual(GROUP_ROWS);
  for (const [n, { id, rows, atMost }] of given.entries()) {
    const own = [...groups.keys()].filter((g) => groups[g]!.ids.includes(id));
    if (rows.length === 0) continue;
    expect(ranges[n]).toEqual({ first: own[0]!, last: own.at(-1)! });
    if (atMost < LONG) expect(own.length).toBe(1);
    else {
      for (const g of own) expect(groups[g]!.ids).toEqual([id]);
      const sizes = own.map((g) => groups[g]!.rows[0]!);
      expect(own.length).toBeLessThanOrEqual(Math.ceil(atMost / GROUP_ROWS));
      // split evenly: but for the last, all alike
      expect(new Set(sizes.slice(0, -1)).size).toBeLessThanOrEqual(1);
      expect(sizes.at(-1)).toBeLessThanOrEqual(sizes[0]!);
    }
  }
  // a group of short series ends where the next one has no room, not before
  for (let g = 1; g < groups.length; g++) {
    const [before, after] = [groups[g - 1]!, groups[g]!];
    const told = (id: number) => given.find((one) => one.id === id)!.atMost;
    if (told(before.ids[0]!) >= LONG || told(after.ids[0]!) >= LONG) continue;
    expect(before.rows.reduce((a, b) => a + b) + told(after.ids[0]!)).toBeGreaterThan(GROUP_ROWS);
  }
}

const given = (counts: readonly number[], extra: readonly number[] = []): Given[] =>
  counts.map((count, n) => ({ id: n * 7, rows: rowsOf(n * 7, count), atMost: count + (extra[n] ?? 0) }));

describe("a segment", () => {
  const count = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 60 }) },
    { weight: 4, arbitrary: fc.integer({ min: 61, max: LONG + 1 }) },
    { weight: 1, arbitrary: fc.integer({ min: LONG, max: 6_000 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(LONG - 1, LONG, GROUP_ROWS - 1, GROUP_ROWS, GROUP_ROWS + 1, 4_096),
    },
  );
  // duplicates: fewer rows come out than the assembler was told
  const extra = fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 0, max: 3_000 }));

  test("has all rows, long series in groups of their own, short ones whole", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(count, extra), { minLength: 1, maxLength: 25 }), async (list) => {
        const series = given(
          list.map(([count]) => count),
          list.map(([, extra]) => extra),
        );
        checkGroups(series, await assemble(series));
      }),
      { numRuns: 60 },
    );
  });

  test("a series of two groups and a row is cut into three of the same size", async () => {
    const series = given([2 * GROUP_ROWS + 1]);
    const made = await assemble(series);
    checkGroups(series, made);
    expect(made.groups.map(({ rows }) => rows)).toEqual([[1366], [1366], [1365]]);
  });

  test("short series fill a group to its last row", async () => {
    const series = given([383, 383, 383, 383, 383, 133, 1]);
    const made = await assemble(series);
    checkGroups(series, made);
    expect(made.groups.map(({ rows }) => rows)).toEqual([[383, 383, 383, 383, 383, 133], [1]]);
  });

  test("a long series between short ones parts them", async () => {
    const made = await assemble(given([5, LONG, 6, 7]));
    expect(made.groups.map(({ ids }) => ids)).toEqual([[0], [7], [14, 21]]);
  });

  test("a series that gives no rows after all leaves no trace", async () => {
    for (const told of [1, LONG - 1, LONG, 3 * GROUP_ROWS]) {
      const series = given([3, 0, 4], [0, told, 0]);
      const made = await assemble(series);
      expect(made.series).toEqual([series[0]!, series[2]!].map(({ id, rows }) => ({ id, rows: [...rows] })));
      expect(made.ranges[1]).toBeNull();
    }
  });
});
