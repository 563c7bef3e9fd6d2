// Windowed folds over columns in linear memory: accumulators per window, filled run by run, read once at the end.
//
// assembly/fold.ts describes the accumulators and the rules of ties and NaN. A fold of one group's field:
//   initAccumulators -> foldRows for each block of each series (or foldList of codec/fold-list.ts, row groups at once) -> readAccumulators
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

/** Up to so many words are copied one by one: a view costs as much. */
const FEW_WORDS = 128;

/**
 * What is accumulated for `groups` groups, whose accumulators stand `strideBytes` apart, copied out: arrays of an entry a group and
 * window. Null when no row counted in any.
 */
export function readAccumulators(
  kernels: Kernels,
  type: FieldType,
  windowCount: number,
  keep: number,
  accumulators: Pointer,
  groups = 1,
  strideBytes = 0,
): FoldedColumn | null {
  const { words } = kernels;
  const length = windowCount * 2;
  let at = accumulators >>> 2;
  // (as words: whatever an array's entries are, their bits are copied)
  const copied = (): ArrayBuffer => {
    const copy = new Uint32Array(groups * length);
    for (let g = 0, to = 0; g < groups; g++) {
      let from = at + g * (strideBytes >>> 2);
      if (length > FEW_WORDS) copy.set(words.subarray(from, from + length), to);
      else for (let w = 0; w < length; w++) copy[to + w] = words[from++]!;
      to += length;
    }
    at += length;
    return copy.buffer;
  };
  const floats = () => new Float64Array(copied());
  const times = () => new BigInt64Array(copied());
  const values = (): FoldValues => {
    if (type === FieldType.Float) return floats();
    return type === FieldType.Unsigned ? new BigUint64Array(copied()) : times();
  };
  const count = floats();
  let first = 0;
  while (first < count.length && count[first] === 0) first++;
  if (first === count.length) return null;
  const column: { -readonly [K in keyof FoldedColumn]: FoldedColumn[K] } = { type, count };
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
