// Windowed folds over linear memory, of rows, of pages and of lists of row groups, equal their plain twins.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { encodePage } from "../src/codec/codec.ts";
import {
  foldList,
  foldRoomBytes,
  GROUP_WORDS,
  LISTED_COLUMN_BYTES,
  listColumns,
  PAGE_WORDS,
} from "../src/codec/fold-list.ts";
import { PageError } from "../src/codec/page-error.ts";
import { accumulatorBytes, foldRows, initAccumulators, readAccumulators } from "../src/kernels/fold.ts";
import type { Pointer } from "../src/kernels/kernels.ts";
import { Fold } from "../src/model/scan.ts";
import { FieldType } from "../src/model/types.ts";
import {
  boundsList,
  expectFolded,
  foldGroup,
  kernels,
  type NumberType,
  Pieces,
  pageValues,
  rowsOf,
  seriesOf,
  words,
} from "./support/folding.ts";
import { foldTwin, type TwinRow } from "./twin/fold.ts";

describe.each([FieldType.Float, FieldType.Integer, FieldType.Unsigned] as NumberType[])("type %d", (type) => {
  test("several series folded into windows equal the twin, for every choice of aggregates", () => {
    fc.assert(
      fc.property(
        fc.array(seriesOf(type), { minLength: 1, maxLength: 4 }),
        boundsList,
        fc.integer({ min: 0, max: 127 }),
        (list, bounds, keep) => {
          const pieces = new Pieces();
          const windows = { bounds: pieces.times(bounds), count: bounds.length - 1 };
          const accumulators = pieces.room(accumulatorBytes(keep, windows.count));
          initAccumulators(kernels, keep, windows.count, accumulators);
          for (const series of list) {
            const rows = {
              times: pieces.times(series.times),
              values: pieces.values(type, series.values),
              present: series.present ? pieces.bytes(series.present) : 0,
              mask: series.mask ? pieces.bytes(series.mask) : 0,
              rowCount: series.times.length,
            };
            foldRows(kernels, type, rows, windows, 0, keep, accumulators);
          }
          const expected = foldTwin(list.flatMap(rowsOf), bounds, type === FieldType.Float ? 0 : 0n);
          expectFolded(
            type,
            keep,
            readAccumulators(kernels, type, windows.count, keep, accumulators),
            expected,
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test("folding the pages of rows, whole or in part, equals the twin", () => {
    const page = fc.record({
      values: pageValues(type),
      start: fc.integer({ min: -9000, max: 3000 }),
      step: fc.integer({ min: 1, max: 7 }),
      gaps: fc.integer({ min: 0, max: 3 }),
      from: fc.double({ min: 0, max: 1, noNaN: true }),
      to: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(page, { minLength: 1, maxLength: 3 }),
        boundsList,
        fc.oneof(fc.constant(Fold.Sum), fc.integer({ min: 0, max: 127 })),
        (pages, bounds, keep) => {
          const pieces = new Pieces();
          const windows = { bounds: pieces.times(bounds), count: bounds.length - 1 };
          const accumulators = pieces.room(accumulatorBytes(keep, windows.count));
          initAccumulators(kernels, keep, windows.count, accumulators);
          const counted: TwinRow[] = [];
          for (const { values, start, step, gaps, from, to } of pages) {
            const rowCount = values.length;
            const times = values.map((_, row) => BigInt(start + row * step));
            // (where rows may have no value, every fifth has none)
            const flags = gaps > 1 ? values.map((_, row) => (row % 5 === gaps ? 0 : 1)) : null;
            const present = flags ? pieces.bytes(flags) : 0;
            const stored = pieces.values(
              type,
              values.map((value, row) => (flags?.[row] === 0 ? (type === FieldType.Float ? 0 : 0n) : value)),
            );
            const out = pieces.room(rowCount * 9 + 200);
            const column = { type, rowCount, values: stored, present, heap: 0, heapBytes: 0 };
            const sizeBytes = encodePage(kernels, column, out);
            const first = Math.floor(from * rowCount);
            const last = Math.max(first, Math.floor(to * rowCount));
            const fold = {
              ...{ times, bounds: windows.bounds, windowCount: windows.count },
              ...{ minTime: times[first] ?? times.at(-1)! + 1n, maxTime: times[last - 1] ?? times[0]! - 1n },
            };
            expect(foldGroup(pieces, [{ type, keep, page: out, sizeBytes, accumulators }], fold)).toBe(1);
            const rows = values.map((value, row) => ({
              time: times[row]!,
              value: flags?.[row] === 0 ? null : value,
            }));
            counted.push(...rows.slice(first, last));
          }
          const expected = foldTwin(counted, bounds, type === FieldType.Float ? 0 : 0n);
          expectFolded(
            type,
            keep,
            readAccumulators(kernels, type, windows.count, keep, accumulators),
            expected,
          );
        },
      ),
      { numRuns: 400 },
    );
  });

  test("folding pages by their statistics, as far as these tell, equals the twin", () => {
    const values = fc.oneof(
      pageValues(type),
      fc.array(fc.constantFrom(...(type === FieldType.Float ? [-0, 0, 1, -1] : [0n, 1n, 2n])), {
        minLength: 1,
        maxLength: 9,
      }) as fc.Arbitrary<(number | bigint)[]>,
    );
    const page = fc.record({
      values,
      start: fc.integer({ min: -30, max: 60 }),
      gaps: fc.integer({ min: 0, max: 4 }),
      isWhole: fc.boolean(),
      from: fc.double({ min: 0, max: 1, noNaN: true }),
      to: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    const bounds = fc.constantFrom([-50n, 5000n], [0n, 20n, 5000n], [-40n, -30n, 10n, 40n, 70n, 80n]);
    let told = 0;
    const extremes = Fold.Min | Fold.Max;
    fc.assert(
      fc.property(
        fc.array(page, { minLength: 1, maxLength: 6 }),
        bounds,
        fc.oneof(fc.constantFrom(0, Fold.Max, Fold.Min, extremes), fc.integer({ min: 0, max: 127 })),
        fc.boolean(),
        (pages, bounds, keep, timeless) => {
          const pieces = new Pieces();
          const windows = { bounds: pieces.times(bounds), count: bounds.length - 1 };
          const accumulators = pieces.room(accumulatorBytes(keep, windows.count));
          initAccumulators(kernels, keep, windows.count, accumulators);
          const counted: TwinRow[] = [];
          for (const { values, start, gaps, isWhole, from, to } of pages) {
            const rowCount = values.length;
            const list = values.map((_, row) => BigInt(start + row));
            const times = pieces.times(list);
            const flags = gaps > 2 ? values.map((_, row) => (row % 5 === gaps ? 0 : 1)) : null;
            const present = flags ? pieces.bytes(flags) : 0;
            const stored = pieces.values(type, values);
            const stats = pieces.room(48);
            kernels.call.pageStats(type, stored, present, rowCount, stats);
            const first = isWhole ? 0 : Math.floor(from * rowCount);
            const last = isWhole ? rowCount : Math.max(first, Math.floor(to * rowCount));
            let next = -1;
            if (isWhole)
              next = kernels.call.foldStats(
                ...([type, stats, rowCount, list[0]!, list.at(-1)!, windows.bounds, windows.count] as const),
                ...([0, keep, timeless, accumulators] as const),
              );
            if (next < 0 && (keep & ~(Fold.Count | extremes)) === 0)
              next = kernels.call.foldBeaten(
                ...([type, stats, rowCount, times, first, last, windows.bounds, windows.count] as const),
                ...([0, keep, timeless, accumulators] as const),
              );
            if (next >= 0) told++;
            else {
              const rows = {
                ...{ times: times + first * 8, values: stored + first * 8, rowCount: last - first, mask: 0 },
                present: present === 0 ? 0 : present + first,
              };
              next = foldRows(kernels, type, rows, windows, 0, keep, accumulators);
            }
            expect(next).toBeWithin(0, windows.count);
            const all = values.map((value, row) => ({
              time: list[row]!,
              value: flags?.[row] === 0 ? null : value,
            }));
            counted.push(...all.slice(first, last));
          }
          const folded = readAccumulators(kernels, type, windows.count, keep, accumulators);
          const expected = foldTwin(counted, bounds, type === FieldType.Float ? 0 : 0n);
          if (timeless)
            for (const [w, window] of expected.entries()) {
              if (folded?.minTime) window.minTime = folded.minTime[w]!;
              if (folded?.maxTime) window.maxTime = folded.maxTime[w]!;
            }
          expectFolded(type, keep, folded, expected);
        },
      ),
      { numRuns: 600 },
    );
    expect(told).toBeGreaterThan(300);
  });

  test("a list of row groups, by statistics and by pages that come when the fold stops for them, equals the twin", () => {
    const group = fc.record({
      values: fc.oneof(
        pageValues(type),
        fc.array(fc.constantFrom(...(type === FieldType.Float ? [-0, 0, 2] : [0n, 1n, 2n])), {
          minLength: 1,
          maxLength: 9,
        }) as fc.Arbitrary<(number | bigint)[]>,
      ),
      start: fc.integer({ min: -30, max: 60 }),
      gaps: fc.integer({ min: 0, max: 5 }),
    });
    const keeps = fc.oneof(
      fc.constantFrom(0, Fold.Max, Fold.Min, Fold.Sum),
      fc.integer({ min: 0, max: 127 }),
    );
    const minTime = fc.constantFrom(-100n, 3n, 30n);
    const maxTime = fc.constantFrom(5000n, 80n, 2n ** 63n - 1n);
    const boundsOf = fc.constantFrom([-50n, 5000n], [0n, 20n, 5000n], [-40n, -30n, 10n, 40n, 70n, 80n]);
    let stops = 0;
    const check = (
      groups: { values: (number | bigint)[]; start: number; gaps: number }[],
      bounds: readonly bigint[],
      [keep, other]: readonly [number, number],
      [from, to]: readonly [bigint, bigint],
    ) => {
      const pieces = new Pieces();
      const windowCount = bounds.length - 1;
      const offset = accumulatorBytes(keep, windowCount);
      const accumulators = pieces.room(offset + accumulatorBytes(other, windowCount));
      initAccumulators(kernels, keep, windowCount, accumulators);
      initAccumulators(kernels, other, windowCount, accumulators + offset);
      const columns = pieces.room(2 * LISTED_COLUMN_BYTES);
      listColumns(kernels, columns, [
        { type, keep, offset: 0 },
        { type, keep: other, offset },
      ]);
      const groupWords = GROUP_WORDS + 2 * PAGE_WORDS;
      const list = pieces.room(groups.length * groupWords * 4);
      const counted: TwinRow[] = [];
      const pages: (readonly [times: Pointer, page: Pointer])[] = [];
      for (const [g, { values, start, gaps }] of groups.entries()) {
        const rowCount = values.length;
        const list64 = values.map((_, row) => BigInt(start + row));
        const flags = gaps > 3 ? values.map((_, row) => (row % 5 === gaps ? 0 : 1)) : null;
        const present = flags ? pieces.bytes(flags) : 0;
        const stored = pieces.values(
          type,
          values.map((value, row) => (flags?.[row] === 0 ? (type === FieldType.Float ? 0 : 0n) : value)),
        );
        const times = pieces.room(rowCount * 9 + 200);
        const ofTimes = { type: FieldType.Integer, rowCount, present: 0, heap: 0, heapBytes: 0 };
        const timesBytes = encodePage(kernels, { ...ofTimes, values: pieces.times(list64) }, times);
        const page = pieces.room(rowCount * 9 + 200);
        const pageBytes = encodePage(kernels, { ...ofTimes, type, values: stored, present }, page);
        const numbers = pieces.room(48);
        kernels.call.pageStats(type, stored, present, rowCount, numbers);
        const stats = pieces.room(64);
        const statsBytes = kernels.call.encodeStats(type, rowCount, numbers, stats) - stats;
        words(list).set([rowCount, accumulators, 0, timesBytes], g * groupWords);
        kernels.i64(list + g * groupWords * 4 + 16, 2).set([list64[0]!, list64.at(-1)!]);
        for (const [c, kept] of [keep, other].entries())
          words(list).set(
            [0, pageBytes, stats, (kept & Fold.Deviations) === 0 ? statsBytes : 0],
            g * groupWords + GROUP_WORDS + c * PAGE_WORDS,
          );
        pages.push([times, page]);
        for (const [row, time] of list64.entries())
          if (time >= from && time <= to)
            counted.push({ time, value: flags?.[row] === 0 ? null : values[row]! });
      }
      const rowCount = Math.max(...groups.map(({ values }) => values.length));
      const common = {
        ...{ columns, columnCount: 2, minTime: from, maxTime: to },
        ...{ bounds: pieces.times(bounds), windowCount, timeless: false },
      };
      const room = pieces.room(foldRoomBytes(rowCount));
      for (let at = 0; at < groups.length; ) {
        const answer = foldList(kernels, list, at, groups.length, common, room, rowCount);
        if (typeof answer !== "number") throw answer.error;
        if (answer < groups.length) {
          stops++;
          const [times, page] = pages[answer]!;
          const group = words(list).subarray(answer * groupWords);
          // first the times, then the pages
          if (group[2] === 0) group[2] = times;
          else group[GROUP_WORDS] = group[GROUP_WORDS + PAGE_WORDS] = page;
        }
        at = answer;
      }
      const expected = foldTwin(counted, bounds, type === FieldType.Float ? 0 : 0n);
      for (const [kept, at] of [
        [keep, accumulators],
        [other, accumulators + offset],
      ] as const)
        expectFolded(type, kept, readAccumulators(kernels, type, windowCount, kept, at), expected);
    };
    const groups = fc.array(group, { minLength: 1, maxLength: 6 });
    const range = fc.tuple(minTime, maxTime);
    fc.assert(fc.property(groups, boundsOf, fc.tuple(keeps, keeps), range, check), { numRuns: 400 });
    expect(stops).toBeGreaterThan(300);
  });
});

const hashed = (row: number) => Math.imul(row + 1, 0x9e3779b1) >>> 7;
// exponentially distributed, 700 on average
const falling = (row: number) => Math.min(8000, Math.floor(-700 * Math.log((hashed(row) + 1) / 2 ** 25)));

test.each([
  // more than lanes of 32 bits hold
  [
    "steps that are larger in the first half",
    (row: number) => (row < 32_768 ? 300 : 0) + (hashed(row) % 200),
  ],
  // more than lanes of 16 bits hold
  ["steps up, the largest of them in bursts", (row: number) => (row % 200 < 8 ? 8150 : falling(row))],
  ["steps down, the largest of them in bursts", (row: number) => (row % 200 < 8 ? -8150 : -falling(row))],
])("folds of the longest page: %s", (_, step) => {
  let at = 0;
  const values = Array.from({ length: 65_536 }, (_, row) => {
    at += step(row);
    return BigInt(at);
  });
  const pieces = new Pieces();
  const rowCount = values.length;
  const times = values.map((_, row) => BigInt(row));
  const out = pieces.room(rowCount * 9 + 200);
  const stored = pieces.values(FieldType.Integer, values);
  const column = { type: FieldType.Integer, rowCount, values: stored, present: 0, heap: 0, heapBytes: 0 };
  const sizeBytes = encodePage(kernels, column, out);
  const bounds = pieces.times([10n, 60_001n, 70_000n]);
  const folded = (keep: number) => {
    const accumulators = pieces.room(accumulatorBytes(keep, 2));
    initAccumulators(kernels, keep, 2, accumulators);
    const fold = { times, minTime: 3n, maxTime: 70_000n, bounds, windowCount: 2 };
    const page = { type: FieldType.Integer, keep, page: out, sizeBytes, accumulators };
    foldGroup(pieces, [page], fold);
    return readAccumulators(kernels, FieldType.Integer, 2, keep, accumulators)!;
  };
  const windows = [values.slice(10, 60_001), values.slice(60_001)];
  const sums = windows.map((list) => list.reduce((a, b) => a + b, 0n));
  expect([...folded(Fold.Sum).sum!] as bigint[]).toEqual(sums);
  const both = folded(Fold.Sum | Fold.Last);
  expect([...both.sum!] as bigint[]).toEqual(sums);
  expect([...both.last!] as bigint[]).toEqual(windows.map((list) => list.at(-1)!));
});

test("pages of all kinds, folded at once, come to what each comes to", () => {
  const rowCount = 500;
  const pieces = new Pieces();
  const times = Array.from({ length: rowCount }, (_, row) => BigInt(row * 3));
  const numbers = (of: (row: number) => number) => Array.from({ length: rowCount }, (_, row) => of(row));
  const integers = (of: (row: number) => number) => numbers(of).map((x) => BigInt(Math.round(x)));
  const columns: (readonly [FieldType, readonly (number | bigint)[], gaps: boolean])[] = [
    [FieldType.Float, numbers((row) => (row % 9) / 4), false],
    [FieldType.Float, numbers((row) => row + (row % 5) / 10), true],
    [FieldType.Integer, integers((row) => row * 3 - (row % 4)), false],
    [FieldType.Float, numbers((row) => Math.sqrt(row)), false],
    [FieldType.Unsigned, integers((row) => row * row), false],
    [FieldType.Integer, integers((row) => Math.cbrt(row) * 1e9), false],
  ];
  const bounds = pieces.times([5n, 300n, 301n, 302n, 1200n]);
  const fold = { times, minTime: times[7]!, maxTime: times[449]!, bounds, windowCount: 4 };
  const kept = [Fold.Sum, Fold.Min | Fold.Last, 0, Fold.Sum | Fold.Deviations];
  const pages = columns.flatMap(([type, values, gaps]) => {
    const page = pieces.room(rowCount * 9 + 200);
    const flags = values.map((_, row) => (gaps && row % 7 === 2 ? 0 : 1));
    const present = gaps ? pieces.bytes(flags) : 0;
    const zero = type === FieldType.Float ? 0 : 0n;
    const stored = pieces.values(
      type,
      values.map((value, row) => (flags[row] === 0 ? zero : value)),
    );
    const column = { type, rowCount, values: stored, present, heap: 0, heapBytes: 0 };
    const sizeBytes = encodePage(kernels, column, page);
    return kept.map((keep) => ({ type, keep, page, sizeBytes }));
  });
  const emptied = pages.map((page) => {
    const accumulators = pieces.room(accumulatorBytes(page.keep, 4));
    initAccumulators(kernels, page.keep, 4, accumulators);
    return { ...page, accumulators };
  });
  const read = () =>
    emptied.map(({ type, keep, accumulators }) => {
      const column = readAccumulators(kernels, type, 4, keep, accumulators);
      initAccumulators(kernels, keep, 4, accumulators);
      return column;
    });
  for (const page of emptied) expect(foldGroup(pieces, [page], fold)).toBe(1);
  const apart = read();
  expect(foldGroup(pieces, emptied, fold)).toBe(1);
  expect(read()).toEqual(apart);

  // one that is no page fails the fold, and is named
  const broken = emptied.map((page, i) => (i === 3 ? { ...page, sizeBytes: page.sizeBytes - 1 } : page));
  expect(foldGroup(pieces, broken, fold)).toEqual({ group: 0, column: 3, error: expect.any(PageError) });
});

test("of -0 and 0 the earlier is the minimum and the maximum", () => {
  for (const zeros of [
    [-0, 0],
    [0, -0],
  ]) {
    const pieces = new Pieces();
    const keep = Fold.Min | Fold.Max;
    const accumulators = pieces.room(accumulatorBytes(keep, 1));
    initAccumulators(kernels, keep, 1, accumulators);
    const rows = { times: pieces.times([1n, 2n]), values: pieces.values(FieldType.Float, zeros) };
    const windows = { bounds: pieces.times([0n, 9n]), count: 1 };
    foldRows(
      kernels,
      FieldType.Float,
      { ...rows, present: 0, mask: 0, rowCount: 2 },
      windows,
      0,
      keep,
      accumulators,
    );
    const folded = readAccumulators(kernels, FieldType.Float, 1, keep, accumulators)!;
    expect([folded.min![0], folded.max![0]]).toEqual([zeros[0]!, zeros[0]!]);
  }
});
