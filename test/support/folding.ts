// Rows, pages and lists of them in linear memory for folds and filters, and what is expected of a fold.
import { expect } from "bun:test";
import fc from "fast-check";
import { encodePage } from "../../src/codec/codec.ts";
import {
  type FoldFailure,
  foldList,
  foldRoomBytes,
  GROUP_WORDS,
  LISTED_COLUMN_BYTES,
  listColumns,
  PAGE_WORDS,
} from "../../src/codec/fold-list.ts";
import type { readAccumulators } from "../../src/kernels/fold.ts";
import { Kernels, type Pointer } from "../../src/kernels/kernels.ts";
import { Fold } from "../../src/model/scan.ts";
import { FieldType } from "../../src/model/types.ts";
import { type foldTwin, meanAndDeviations, type TwinRow } from "../twin/fold.ts";

export const kernels = new Kernels();
export const area = kernels.alloc(1 << 23);

/** Hands out 8-byte aligned pieces of one area; a new one for every check. */
export class Pieces {
  #at = area;
  room(sizeBytes: number): Pointer {
    const start = this.#at;
    this.#at += (sizeBytes + 7) & ~7;
    if (this.#at > area + (1 << 23)) throw new Error("test area too small");
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

export interface GivenPage {
  readonly type: FieldType;
  readonly keep: number;
  readonly page: Pointer;
  readonly sizeBytes: number;
  readonly accumulators: Pointer;
}

export interface PageFold {
  readonly times: readonly bigint[];
  /** Inclusive. */
  readonly minTime: bigint;
  readonly maxTime: bigint;
  readonly bounds: Pointer;
  readonly windowCount: number;
}

export const words = (pointer: Pointer) => kernels.words.subarray(pointer >>> 2);

/** Folds the pages of a row group at once. */
export function foldGroup(pieces: Pieces, pages: readonly GivenPage[], fold: PageFold): number | FoldFailure {
  const rowCount = fold.times.length;
  const accumulators = Math.min(...pages.map((each) => each.accumulators));
  const columns = pieces.room(pages.length * LISTED_COLUMN_BYTES);
  listColumns(
    kernels,
    columns,
    pages.map((each) => ({ ...each, offset: each.accumulators - accumulators })),
  );
  const values = pieces.times(fold.times);
  const times = pieces.room(rowCount * 9 + 200);
  const given = { type: FieldType.Integer, rowCount, values, present: 0, heap: 0, heapBytes: 0 };
  const timesBytes = encodePage(kernels, given, times);
  const group = pieces.room((GROUP_WORDS + pages.length * PAGE_WORDS) * 4);
  words(group).set([rowCount, accumulators, times, timesBytes]);
  kernels.i64(group + 16, 2).set([fold.times[0]!, fold.times.at(-1)!]);
  for (const [c, { page, sizeBytes }] of pages.entries())
    words(group).set([page, sizeBytes, 0, 0], GROUP_WORDS + c * PAGE_WORDS);
  const { minTime, maxTime, bounds, windowCount } = fold;
  const common = {
    columns,
    columnCount: pages.length,
    minTime,
    maxTime,
    bounds,
    windowCount,
    timeless: false,
  };
  return foldList(
    kernels,
    group,
    0,
    1,
    common,
    pieces.room(foldRoomBytes(rowCount + 7)),
    (rowCount + 7) & ~7,
  );
}

export interface SeriesRows {
  times: bigint[];
  values: (number | bigint)[];
  present: number[] | null;
  mask: number[] | null;
}

export const number = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: -50, max: 50 }) },
  { weight: 5, arbitrary: fc.double({ noDefaultInfinity: true, noNaN: true, min: -1e6, max: 1e6 }) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity, -0) },
);
export const anyValue = {
  [FieldType.Float]: number,
  [FieldType.Integer]: fc.oneof(fc.bigInt(-20n, 20n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
  [FieldType.Unsigned]: fc.oneof(fc.bigInt(0n, 20n), fc.bigInt(0n, 2n ** 64n - 1n)),
};
export type NumberType = keyof typeof anyValue;

export const flags = (length: number) =>
  fc.option(fc.array(fc.constantFrom(0, 1), { minLength: length, maxLength: length }));

export function seriesOf(type: NumberType): fc.Arbitrary<SeriesRows> {
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

export const boundsList = fc
  .tuple(fc.bigInt(-300n, 1500n), fc.array(fc.bigInt(1n, 400n), { minLength: 1, maxLength: 30, size: "max" }))
  .map(([start, widths]) => {
    const bounds = [start];
    for (const width of widths) bounds.push(bounds.at(-1)! + width);
    return bounds;
  });

export const rowsOf = (series: SeriesRows): TwinRow[] =>
  series.times.map((time, row) => ({
    time,
    value: series.present?.[row] === 0 || series.mask?.[row] === 0 ? null : series.values[row]!,
  }));

export const wrap = (type: NumberType, sum: number | bigint) =>
  type === FieldType.Float
    ? sum
    : type === FieldType.Unsigned
      ? BigInt.asUintN(64, sum as bigint)
      : BigInt.asIntN(64, sum as bigint);

export function closeTo(actual: number, expected: number, scale: number): void {
  if (!Number.isFinite(expected)) {
    // lanes may meet infinities in another order: only that it is not finite is promised
    expect(Number.isFinite(actual)).toBe(false);
    return;
  }
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9 * (1 + scale));
}

export function expectFolded(
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
export function pageValues(type: NumberType): fc.Arbitrary<(number | bigint)[]> {
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
