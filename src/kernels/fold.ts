// Windowed folds over columns in linear memory: accumulators per window, filled run by run, read once at the end.
//
// assembly/fold.ts describes the accumulators and the rules of ties and NaN. A fold of one group's field:
//   initAccumulators -> foldRows for each block of each series (or the kernels foldPage, foldStats and foldBeaten) -> readAccumulators
import { Fold, type FoldedColumn, type FoldValues } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import type { Kernels, Pointer } from "./kernels.ts";

/** i64[count + 1] in linear memory, ascending: window w is [bounds[w], bounds[w+1]). */
export interface Windows {
  readonly bounds: Pointer;
  readonly count: number;
}

/** Rows of one series, ascending in time. `present` and `mask`: u8[rowCount], or 0 = all. */
export interface FoldRows {
  readonly times: Pointer;
  /** 8 bytes a row; not read when only the count is kept. */
  readonly values: Pointer;
  readonly present: Pointer;
  readonly mask: Pointer;
  readonly rowCount: number;
}

const PAIRS = [Fold.Min, Fold.Max, Fold.First, Fold.Last, Fold.Deviations];

/** Arrays (8 bytes a window each) that the accumulators for `keep` have. */
function arrayCount(keep: number): number {
  let arrays = keep & Fold.Sum ? 2 : 1;
  for (const bit of PAIRS) if (keep & bit) arrays += 2;
  return arrays;
}

/** Room for the accumulators of one column, bytes. */
export function accumulatorBytes(keep: number, windowCount: number): number {
  return arrayCount(keep) * windowCount * 8;
}

/** Empties accumulators at `accumulators`, `accumulatorBytes` long. */
export function initAccumulators(
  kernels: Kernels,
  keep: number,
  windowCount: number,
  accumulators: Pointer,
): void {
  kernels.call.foldInit(windowCount, arrayCount(keep), accumulators);
}

/**
 * Folds rows into accumulators. `keep` is that of `initAccumulators`; for booleans and strings it may hold
 * only `Fold.Count`. `firstWindow` is a hint: no row that counts may lie before it; the answer is the hint for later rows.
 */
export function foldRows(
  kernels: Kernels,
  type: FieldType,
  rows: FoldRows,
  windows: Windows,
  firstWindow: number,
  keep: number,
  accumulators: Pointer,
): number {
  const { times, values, present, mask, rowCount } = rows;
  const { bounds, count } = windows;
  const { call } = kernels;
  if ((keep & ~Fold.Count) === 0)
    return call.foldCount(times, present, mask, rowCount, bounds, count, firstWindow, accumulators);
  const fold =
    type === FieldType.Float
      ? call.foldFloat
      : type === FieldType.Unsigned
        ? call.foldUnsigned
        : call.foldInteger;
  return fold(times, values, present, mask, rowCount, bounds, count, firstWindow, keep, accumulators);
}

/** Up to so many windows an array is copied value by value. */
const FEW_WINDOWS = 64;

/** What is accumulated, copied out; null when no row counted in any window. */
export function readAccumulators(
  kernels: Kernels,
  type: FieldType,
  windowCount: number,
  keep: number,
  accumulators: Pointer,
): FoldedColumn | null {
  const { doubles, longs } = kernels;
  let at = accumulators >>> 3;
  const end = at + windowCount;
  let first = at;
  while (first < end && doubles[first] === 0) first++;
  if (first === end) return null;
  const floats = (): Float64Array => {
    const from = at;
    at += windowCount;
    if (windowCount > FEW_WINDOWS) return doubles.slice(from, at);
    const copy = new Float64Array(windowCount);
    for (let w = 0; w < windowCount; w++) copy[w] = doubles[from + w]!;
    return copy;
  };
  const times = (): BigInt64Array => {
    at += windowCount;
    return longs.slice(at - windowCount, at);
  };
  const values = (): FoldValues => {
    if (type === FieldType.Float) return floats();
    return type === FieldType.Unsigned ? new BigUint64Array(times().buffer) : times();
  };
  const column: { -readonly [K in keyof FoldedColumn]: FoldedColumn[K] } = { type, count: floats() };
  // in the order in which the arrays stand
  if (keep & Fold.Sum) column.sum = values();
  if (keep & Fold.Min) {
    column.min = values();
    column.minTime = times();
  }
  if (keep & Fold.Max) {
    column.max = values();
    column.maxTime = times();
  }
  if (keep & Fold.First) {
    column.first = values();
    column.firstTime = times();
  }
  if (keep & Fold.Last) {
    column.last = values();
    column.lastTime = times();
  }
  if (keep & Fold.Deviations) {
    column.mean = floats();
    column.deviations = floats();
  }
  return column;
}
