// The k-way merge of series: what a sort of all rows gives.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { SeriesBlock } from "../src/query/blocks.ts";
import { Merge } from "../src/query/merge.ts";
import { atOnce } from "../src/query/turn.ts";

const times = fc.oneof(
  // many rows of the same time, as hosts that report together have
  fc.array(fc.bigInt(-6n, 6n), { maxLength: 12 }),
  fc.array(fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(-(2n ** 33n), 2n ** 33n)), {
    maxLength: 12,
  }),
);

/** A series: its times, and how many rows each of its blocks has; there may be empty ones. */
const series = fc
  .tuple(times, fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }))
  .map(([all, sizes]) => {
    const sorted = [...new Set(all)].sort((a, b) => (a < b ? -1 : 1));
    const blocks: SeriesBlock[] = [];
    const series = { key: "m", tags: new Map() };
    for (let at = 0, b = 0; at < sorted.length || b < sizes.length; b++) {
      const size = sizes[b] ?? 5;
      const part = sorted.slice(at, at + size);
      // every other block stands behind rows of others, and before some
      const start = b % 2 === 0 ? 0 : b;
      const times = BigInt64Array.from([...Array(start).fill(5n), ...part, ...Array(start).fill(-5n)]);
      blocks.push({ series, start, rowCount: part.length, times, columns: [] });
      at += size;
    }
    return blocks;
  });

function merged(
  all: readonly (readonly SeriesBlock[])[],
  descending: boolean,
): [block: number, row: number][] {
  const merge = atOnce(Merge.of(all, descending));
  const rows: [number, number][] = [];
  while (merge.next()) rows.push([merge.block, merge.row]);
  expect(merge.next()).toBe(false);
  return rows;
}

function sorted(
  all: readonly (readonly SeriesBlock[])[],
  descending: boolean,
): [block: number, row: number][] {
  const rows = all
    .flat()
    .flatMap(({ times, start, rowCount }, index) =>
      Array.from(times.subarray(start, start + rowCount), (time, row) => ({ time, index, row: start + row })),
    );
  // (blocks stand in the order of their series)
  rows.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : a.index - b.index));
  if (descending) rows.reverse();
  return rows.map(({ index, row }) => [index, row]);
}

describe("the merge of series by time", () => {
  test("gives the rows that a sort gives, both ways", () => {
    fc.assert(
      fc.property(fc.array(series, { maxLength: 9 }), fc.boolean(), (all, descending) => {
        expect(merged(all, descending)).toEqual(sorted(all, descending));
      }),
      { numRuns: 2000 },
    );
  });

  test("of a single series, and of none", () => {
    fc.assert(
      fc.property(series, fc.boolean(), (one, descending) => {
        expect(merged([one], descending)).toEqual(sorted([one], descending));
      }),
    );
    expect(merged([], false)).toEqual([]);
    expect(merged([[], []], true)).toEqual([]);
  });
});
