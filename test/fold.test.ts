// Windowed folds, masks and filters over linear memory equal their plain twins.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  encodePage,
  foldPages,
  LISTED_PAGE_BYTES,
  listPages,
  type PageFold,
  placePage,
} from "../src/codec/codec.ts";
import { PageError } from "../src/codec/page-error.ts";
import { type Comparison, compareColumn } from "../src/kernels/filter.ts";
import { accumulatorBytes, foldRows, initAccumulators, readAccumulators } from "../src/kernels/fold.ts";
import { Kernels, type Pointer } from "../src/kernels/kernels.ts";
import { Fold } from "../src/model/scan.ts";
import { FieldType } from "../src/model/types.ts";
import { foldTwin, meanAndDeviations, type TwinRow } from "./twin/fold.ts";

const kernels = new Kernels();
const area = kernels.alloc(1 << 22);

/** Hands out 8-byte aligned pieces of one area; a new one for every check. */
class Pieces {
  #at = area;
  room(sizeBytes: number): Pointer {
    const start = this.#at;
    this.#at += (sizeBytes + 7) & ~7;
    if (this.#at > area + (1 << 22)) throw new Error("test area too small");
    return start;
  }
  bytes(list: readonly number[]): Pointer {
    const pointer = this.room(list.length);
    kernels.put(pointer, Uint8Array.from(list));
    return pointer;
  }
  times(list: readonly bigint[]): Pointer {
    const pointer = this.room(list.length * 8);
    kernels.i64(pointer, list.length).set(list);
    return pointer;
  }
  values(type: FieldType, list: readonly (number | bigint)[]): Pointer {
    const pointer = this.room(list.length * 8);
    if (type === FieldType.Float) kernels.f64(pointer, list.length).set(list as number[]);
    else kernels.i64(pointer, list.length).set((list as bigint[]).map((x) => BigInt.asIntN(64, x)));
    return pointer;
  }
}

interface GivenPage {
  readonly type: FieldType;
  readonly keep: number;
  readonly page: Pointer;
  readonly sizeBytes: number;
  readonly accumulators: Pointer;
}

/** Folds pages at once. */
function foldList(
  pieces: Pieces,
  pages: readonly GivenPage[],
  rowCount: number,
  fold: Omit<PageFold, "accumulators">,
): number {
  const list = pieces.room(pages.length * LISTED_PAGE_BYTES);
  const accumulators = Math.min(...pages.map((each) => each.accumulators));
  listPages(
    kernels,
    list,
    pages.map((each) => ({ ...each, offset: each.accumulators - accumulators })),
  );
  for (const [i, { page, sizeBytes }] of pages.entries()) placePage(kernels, list, i, page, sizeBytes);
  const room = { values: pieces.room(rowCount * 8), present: pieces.room(rowCount) };
  return foldPages(kernels, list, pages.length, rowCount, { ...fold, accumulators }, room);
}

interface SeriesRows {
  times: bigint[];
  values: (number | bigint)[];
  present: number[] | null;
  mask: number[] | null;
}

const number = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: -50, max: 50 }) },
  { weight: 5, arbitrary: fc.double({ noDefaultInfinity: true, noNaN: true, min: -1e6, max: 1e6 }) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity, -0) },
);
const anyValue = {
  [FieldType.Float]: number,
  [FieldType.Integer]: fc.oneof(fc.bigInt(-20n, 20n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
  [FieldType.Unsigned]: fc.oneof(fc.bigInt(0n, 20n), fc.bigInt(0n, 2n ** 64n - 1n)),
};
type NumberType = keyof typeof anyValue;

const flags = (length: number) =>
  fc.option(fc.array(fc.constantFrom(0, 1), { minLength: length, maxLength: length }));

function seriesOf(type: NumberType): fc.Arbitrary<SeriesRows> {
  return fc
    .tuple(
      fc.bigInt(-100n, 100n),
      fc.array(fc.tuple(fc.bigInt(1n, 30n), anyValue[type]), { maxLength: 200, size: "max" }),
    )
    .chain(([start, rows]) => {
      let at = start;
      const times = rows.map(([step]) => {
        at += step;
        return at;
      });
      return fc.record({
        times: fc.constant(times),
        values: fc.constant(rows.map(([, value]) => value)),
        present: flags(rows.length),
        mask: flags(rows.length),
      });
    });
}

const boundsList = fc
  .tuple(fc.bigInt(-300n, 1500n), fc.array(fc.bigInt(1n, 400n), { minLength: 1, maxLength: 30, size: "max" }))
  .map(([start, widths]) => {
    const bounds = [start];
    for (const width of widths) bounds.push(bounds.at(-1)! + width);
    return bounds;
  });

const rowsOf = (series: SeriesRows): TwinRow[] =>
  series.times.map((time, row) => ({
    time,
    value: series.present?.[row] === 0 || series.mask?.[row] === 0 ? null : series.values[row]!,
  }));

const wrap = (type: NumberType, sum: number | bigint) =>
  type === FieldType.Float
    ? sum
    : type === FieldType.Unsigned
      ? BigInt.asUintN(64, sum as bigint)
      : BigInt.asIntN(64, sum as bigint);

function closeTo(actual: number, expected: number, scale: number): void {
  if (!Number.isFinite(expected)) {
    // lanes may meet infinities in another order: only that it is not finite is promised
    expect(Number.isFinite(actual)).toBe(false);
    return;
  }
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9 * (1 + scale));
}

function expectFolded(
  type: NumberType,
  keep: number,
  folded: ReturnType<typeof readAccumulators>,
  expected: ReturnType<typeof foldTwin>,
): void {
  if (folded === null) {
    expect(expected.every((window) => window.count === 0)).toBe(true);
    return;
  }
  expected.forEach((window, w) => {
    expect(folded.count[w]).toBe(window.count);
    if (window.count === 0) return;
    const scale = window.numbers.reduce((sum, x) => sum + Math.abs(x), 0);
    if (keep & Fold.Sum) {
      if (type === FieldType.Float) closeTo(folded.sum![w] as number, window.sum as number, scale);
      else expect(folded.sum![w]).toBe(wrap(type, window.sum) as bigint);
    }
    if (keep & Fold.Min) {
      expect(folded.min![w]).toEqual(window.min!);
      if (!Number.isNaN(window.min)) expect(folded.minTime![w]).toBe(window.minTime!);
    }
    if (keep & Fold.Max) {
      expect(folded.max![w]).toEqual(window.max!);
      if (!Number.isNaN(window.max)) expect(folded.maxTime![w]).toBe(window.maxTime!);
    }
    if (keep & Fold.First) {
      expect(folded.first![w]).toEqual(window.first!);
      expect(folded.firstTime![w]).toBe(window.firstTime!);
    }
    if (keep & Fold.Last) {
      expect(folded.last![w]).toEqual(window.last!);
      expect(folded.lastTime![w]).toBe(window.lastTime!);
    }
    if (keep & Fold.Deviations) {
      const { mean, deviations } = meanAndDeviations(window.numbers);
      closeTo(folded.mean![w]!, mean, scale);
      if (Number.isFinite(mean)) closeTo(folded.deviations![w]!, deviations, scale * scale);
    }
  });
}

/** Values as they come in pages: walks of short decimals and whole numbers, one number over and over, and anything. */
function pageValues(type: NumberType): fc.Arbitrary<(number | bigint)[]> {
  const anything = fc.array(anyValue[type] as fc.Arbitrary<number | bigint>, {
    minLength: 1,
    maxLength: 300,
    size: "max",
  });
  // (`rarely` is how far a step in fifty goes: those that a page's code has only just room for)
  const walk = (scale: number, step: number, { drift = 0, rarely = step, start = 0 } = {}) => {
    const one = (far: number) => fc.integer({ min: drift - far, max: drift + far });
    const each = fc.oneof(
      { weight: 49, arbitrary: one(step) },
      { weight: 1, arbitrary: fc.constantFrom(-1, 1).map((sign) => drift + sign * rarely) },
    );
    return fc.array(each, { minLength: 1, maxLength: 1500, size: "max" }).map((list) => {
      let at = start;
      return list.map((by) => {
        at += by;
        if (type === FieldType.Float) return at / scale;
        return type === FieldType.Unsigned ? BigInt.asUintN(64, BigInt(at)) : BigInt(at);
      });
    });
  };
  const start = 2 ** 47;
  const walks = [
    walk(100, 400),
    walk(1000, 9),
    walk(1, 1),
    walk(10, 0),
    walk(1, 3, { start }),
    walk(10, 90, { drift: -700 }),
  ];
  const steep = [walk(100, 600, { rarely: 4096, start }), walk(10, 400, { drift: 1000, rarely: 4095 })];
  return fc.oneof(anything, ...walks, ...steep);
}

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
              ...{ times: pieces.times(times), from: first, to: last, bounds: windows.bounds },
              ...{ windowCount: windows.count, firstWindow: 0 },
            };
            const next = foldList(
              pieces,
              [{ type, keep, page: out, sizeBytes, accumulators }],
              rowCount,
              fold,
            );
            expect(next).toBeWithin(0, windows.count);
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

  test("comparisons with constants of every kind", () => {
    const constant = fc.oneof(
      fc.integer({ min: -21, max: 21 }),
      fc.double(),
      fc.bigInt(-(2n ** 65n), 2n ** 65n),
      anyValue[type],
    );
    const operators: Comparison[] = ["=", "!=", "<", "<=", ">", ">="];
    const holds: Record<Comparison, (a: number | bigint, b: number | bigint) => boolean> = {
      // biome-ignore lint/suspicious/noDoubleEquals: number with bigint, as mathematical values
      "=": (a, b) => a == b,
      // biome-ignore lint/suspicious/noDoubleEquals: as above
      "!=": (a, b) => a != b,
      "<": (a, b) => a < b,
      "<=": (a, b) => a <= b,
      ">": (a, b) => a > b,
      ">=": (a, b) => a >= b,
    };
    fc.assert(
      fc.property(seriesOf(type), constant, fc.constantFrom(...operators), (series, against, operator) => {
        const limit = type === FieldType.Float ? Number(against) : against;
        const pieces = new Pieces();
        const rowCount = series.values.length;
        const column = {
          values: pieces.values(type, series.values),
          present: series.present ? pieces.bytes(series.present) : 0,
          rowCount,
        };
        const mask = pieces.room(rowCount);
        compareColumn(kernels, type, column, operator, limit, mask);
        const expected = series.values.map((value, row) =>
          series.present?.[row] !== 0 && holds[operator](value, limit) ? 1 : 0,
        );
        expect(Array.from(kernels.view(mask, rowCount))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
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
  const times = pieces.times(values.map((_, row) => BigInt(row)));
  const out = pieces.room(rowCount * 9 + 200);
  const stored = pieces.values(FieldType.Integer, values);
  const column = { type: FieldType.Integer, rowCount, values: stored, present: 0, heap: 0, heapBytes: 0 };
  const sizeBytes = encodePage(kernels, column, out);
  const bounds = pieces.times([10n, 60_001n, 70_000n]);
  const folded = (keep: number) => {
    const accumulators = pieces.room(accumulatorBytes(keep, 2));
    initAccumulators(kernels, keep, 2, accumulators);
    const fold = { times, from: 3, to: rowCount, bounds, windowCount: 2, firstWindow: 0 };
    const page = { type: FieldType.Integer, keep, page: out, sizeBytes, accumulators };
    foldList(pieces, [page], rowCount, fold);
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
  const times = pieces.times(Array.from({ length: rowCount }, (_, row) => BigInt(row * 3)));
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
  const fold = { times, from: 7, to: 450, bounds, windowCount: 4, firstWindow: 0 };
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
  const nexts = emptied.map((page) => foldList(pieces, [page], rowCount, fold));
  const apart = read();
  expect(foldList(pieces, emptied, rowCount, fold)).toBe(Math.max(...nexts));
  expect(read()).toEqual(apart);

  // one that is no page fails the fold, and is named
  const broken = emptied.map((page, i) => (i === 3 ? { ...page, sizeBytes: page.sizeBytes - 1 } : page));
  expect(() => foldList(pieces, broken, rowCount, fold)).toThrow(PageError);
  expect(kernels.call.failedPage()).toBe(3);
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

test("masks combine, and gather keeps the wanted rows", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(0, 1), fc.constantFrom(0, 1), fc.bigInt(0n, 99n)), {
        maxLength: 100,
        size: "max",
      }),
      (rows) => {
        const pieces = new Pieces();
        const a = pieces.bytes(rows.map(([x]) => x));
        const b = pieces.bytes(rows.map(([, y]) => y));
        const both = pieces.room(rows.length);
        const either = pieces.room(rows.length);
        kernels.call.andMasks(a, b, rows.length, both);
        kernels.call.orMasks(a, b, rows.length, either);
        expect(Array.from(kernels.view(both, rows.length))).toEqual(rows.map(([x, y]) => x & y));
        expect(Array.from(kernels.view(either, rows.length))).toEqual(rows.map(([x, y]) => x | y));
        const values = pieces.times(rows.map(([, , z]) => z));
        const out = pieces.room(rows.length * 8);
        const kept = kernels.call.gather(values, a, rows.length, out);
        const wanted = rows.filter(([x]) => x === 1);
        expect(Array.from(kernels.i64(out, kept))).toEqual(wanted.map(([, , z]) => z));
        const bytesOut = pieces.room(rows.length);
        expect(kernels.call.gatherBytes(b, a, rows.length, bytesOut)).toBe(kept);
        expect(Array.from(kernels.view(bytesOut, kept))).toEqual(wanted.map(([, y]) => y));
      },
    ),
  );
});

test("lowerBound finds the first time not before another", () => {
  fc.assert(
    fc.property(
      fc.array(fc.bigInt(-50n, 50n), { maxLength: 100, size: "max" }),
      fc.bigInt(-60n, 60n),
      fc.nat(100),
      (list, time, start) => {
        const times = list.toSorted((a, b) => Number(a - b));
        const from = Math.min(start, times.length);
        const found = kernels.call.lowerBound(new Pieces().times(times), from, times.length, time);
        const expected = times.findIndex((t, row) => row >= from && t >= time);
        expect(found).toBe(expected === -1 ? times.length : expected);
      },
    ),
  );
});
