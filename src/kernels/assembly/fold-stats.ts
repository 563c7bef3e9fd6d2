// Folds of a page by its statistics (stats.ts has their form), as far as they tell: then its bytes are not read.
//
//   all rows in one window      they say everything but when the extremes are, other than that the first row has one
//   extremes that do not beat   what the windows have already: of the rows nothing but their number counts
import { COUNT, DEVIATIONS, FIRST, LAST, lowerBound, MAX, MIN, SUM, windowOf } from "./fold";
import { mergeExtreme, mergeFirst, mergeLast } from "./fold-merge";

// FieldType in model/types.ts
const FLOAT: u32 = 1;
const UNSIGNED: u32 = 3;
/** Statistics do not tell: nothing was folded. */
const UNTOLD: i32 = -1;

/**
 * Folds all `rows` of a page, which lie between the times `first` and `last`; answers their window, or UNTOLD. `timeless`: when extremes
 * are does not matter.
 */
export function foldStats(
  type: u32, stats: usize, rows: u32, first: i64, last: i64,
  bounds: usize, windows: u32, window: u32, keep: u32, timeless: bool, accumulators: usize,
): i32 {
  window = windowOf(bounds, windows, window, first);
  if (window == windows || first < load<i64>(bounds + (<usize>window << 3))) return UNTOLD;
  if (last >= load<i64>(bounds + (<usize>(window + 1) << 3))) return UNTOLD;
  if (!toldInWindow(type, stats, rows, true, false, first, windows, window, keep, timeless, accumulators)) return UNTOLD;
  foldTold(type, stats, rows, true, false, first, last, windows, window, keep, timeless, accumulators);
  return window;
}

/**
 * Whether statistics tell all that is wanted of a page whose `rows` are in one window, from the time `first` on. `alone`: they are of one
 * series, and ascend. `promised`: the window's extremes mean something also while it has no rows.
 */
export function toldInWindow(
  type: u32, stats: usize, rows: u32, alone: bool, promised: bool, first: i64,
  windows: u32, window: u32, keep: u32, timeless: bool, accumulators: usize,
): bool {
  const count = load<u32>(stats);
  if (count == 0) return true;
  if (keep & DEVIATIONS || (keep & ~COUNT && !load<u32>(stats, 4))) return false;
  const full = alone && count == rows;
  // which row is the first that has a value is not told
  if (!full && keep & (FIRST | LAST)) return false;
  if (!(keep & (MIN | MAX))) return true;
  if (type == FLOAT) return tellsExtremes<f64>(stats, full, promised, first, windows, window, keep, timeless, accumulators);
  if (type == UNSIGNED) return tellsExtremes<u64>(stats, full, promised, first, windows, window, keep, timeless, accumulators);
  return tellsExtremes<i64>(stats, full, promised, first, windows, window, keep, timeless, accumulators);
}

/** Folds such a page, which `toldInWindow`; its last row is of the time `last`. */
export function foldTold(
  type: u32, stats: usize, rows: u32, alone: bool, promised: bool, first: i64, last: i64,
  windows: u32, window: u32, keep: u32, timeless: bool, accumulators: usize,
): void {
  const count = load<u32>(stats);
  if (count == 0) return;
  const full = alone && count == rows;
  if (type == FLOAT) merge<f64>(stats, full, promised, first, last, windows, window, keep, timeless, accumulators);
  else if (type == UNSIGNED) merge<u64>(stats, full, promised, first, last, windows, window, keep, timeless, accumulators);
  else merge<i64>(stats, full, promised, first, last, windows, window, keep, timeless, accumulators);
}

// Whether a window's extreme, as far as it is wanted, is known to be that of the first row, or at a time that does not matter. (Of zeros
// the sign is that of the earliest.) `full`: every row has a value, and the first one is the earliest.
// @ts-ignore: decorator
@inline function isKnown<T>(stats: usize, full: bool, extreme: T, timeless: bool): bool {
  return (timeless && extreme != 0) || (full && load<T>(stats, 32) == extreme);
}

function tellsExtremes<T>(
  stats: usize, full: bool, promised: bool, first: i64,
  windows: u32, window: u32, keep: u32, timeless: bool, accumulators: usize,
): bool {
  const stride = <usize>windows << 3;
  const entry = accumulators + (<usize>window << 3);
  const had = promised ? 1 : load<f64>(entry);
  let slot = entry + stride + (keep & SUM ? stride : 0);
  if (keep & MIN) {
    const low = load<T>(stats, 8);
    if (!isKnown<T>(stats, full, low, timeless) && !isBeaten<T>(slot, stride, had, low, first, timeless, false)) return false;
    slot += stride << 1;
  }
  if (!(keep & MAX)) return true;
  const high = load<T>(stats, 16);
  return isKnown<T>(stats, full, high, timeless) || isBeaten<T>(slot, stride, had, high, first, timeless, true);
}

function merge<T>(
  stats: usize, full: bool, promised: bool, first: i64, last: i64,
  windows: u32, window: u32, keep: u32, timeless: bool, accumulators: usize,
): void {
  const stride = <usize>windows << 3;
  const entry = accumulators + (<usize>window << 3);
  const had = load<f64>(entry);
  store<f64>(entry, had + <f64>load<u32>(stats));
  let slot = entry + stride;
  if (keep & SUM) {
    store<T>(slot, <T>(load<T>(slot) + load<T>(stats, 24)));
    slot += stride;
  }
  const hadExtremes = promised ? 1 : had;
  if (keep & MIN) {
    const low = load<T>(stats, 8);
    if (isKnown<T>(stats, full, low, timeless)) mergeExtreme<T>(slot, stride, hadExtremes, ofFirst<T>(stats, full, low), first, false);
    slot += stride << 1;
  }
  if (keep & MAX) {
    const high = load<T>(stats, 16);
    if (isKnown<T>(stats, full, high, timeless)) mergeExtreme<T>(slot, stride, hadExtremes, ofFirst<T>(stats, full, high), first, true);
    slot += stride << 1;
  }
  if (keep & FIRST) {
    mergeFirst<T>(slot, stride, had, load<T>(stats, 32), first);
    slot += stride << 1;
  }
  if (keep & LAST) mergeLast<T>(slot, stride, had, load<T>(stats, 40), last);
}

// An extreme, with the sign of the first row's where that is the same number.
// @ts-ignore: decorator
@inline function ofFirst<T>(stats: usize, full: bool, extreme: T): T {
  const start = load<T>(stats, 32);
  return full && start == extreme ? start : extreme;
}

/** Makes the extremes of the window those of a page of which nothing is folded yet, at a time by which they are: what is worse never counts. */
export function promiseExtremes(
  type: u32, stats: usize, had: f64, last: i64, windows: u32, window: u32, keep: u32, accumulators: usize,
): void {
  if (type == FLOAT) promise<f64>(stats, had, last, windows, window, keep, accumulators);
  else if (type == UNSIGNED) promise<u64>(stats, had, last, windows, window, keep, accumulators);
  else promise<i64>(stats, had, last, windows, window, keep, accumulators);
}

function promise<T>(stats: usize, had: f64, last: i64, windows: u32, window: u32, keep: u32, accumulators: usize): void {
  const stride = <usize>windows << 3;
  let slot = accumulators + (<usize>window << 3) + stride + (keep & SUM ? stride : 0);
  if (keep & MIN) {
    mergeExtreme<T>(slot, stride, had, load<T>(stats, 8), last, false);
    slot += stride << 1;
  }
  if (keep & MAX) mergeExtreme<T>(slot, stride, had, load<T>(stats, 16), last, true);
}

/**
 * Folds the rows [from, to) of a page of `rows` that has a value in each of them, when none can be an extreme of its window; `keep`: of
 * COUNT, MIN and MAX. `times`: i64[rows]. Answers as the folds of rows do, or UNTOLD.
 */
export function foldBeaten(
  type: u32, stats: usize, rows: u32, times: usize, from: u32, to: u32,
  bounds: usize, windows: u32, window: u32, keep: u32, timeless: bool, accumulators: usize,
): i32 {
  if (load<u32>(stats) != rows || !load<u32>(stats, 4)) return UNTOLD;
  if (type == FLOAT) return beaten<f64>(stats, times, from, to, bounds, windows, window, keep, timeless, accumulators);
  if (type == UNSIGNED) return beaten<u64>(stats, times, from, to, bounds, windows, window, keep, timeless, accumulators);
  return beaten<i64>(stats, times, from, to, bounds, windows, window, keep, timeless, accumulators);
}

function beaten<T>(
  stats: usize, times: usize, from: u32, to: u32,
  bounds: usize, windows: u32, window: u32, keep: u32, timeless: bool, accumulators: usize,
): i32 {
  const stride = <usize>windows << 3;
  const start = lowerBound(times, from, to, load<i64>(bounds + (<usize>window << 3)));
  // first whether it is so in every window, then the counts
  for (let counting = 0; counting < 2; counting++) {
    let at = window;
    for (let row = start; row < to; ) {
      const first = load<i64>(times + (<usize>row << 3));
      at = windowOf(bounds, windows, at, first);
      if (at == windows) {
        if (counting) return windows - 1;
        break;
      }
      const end = lowerBound(times, row, to, load<i64>(bounds + (<usize>(at + 1) << 3)));
      const entry = accumulators + (<usize>at << 3);
      const had = load<f64>(entry);
      if (counting) store<f64>(entry, had + <f64>(end - row));
      else {
        let slot = entry + stride;
        if (keep & MIN) {
          if (!isRunBeaten<T>(slot, stride, had, stats, load<T>(stats, 8), times, row, end, timeless, false)) return UNTOLD;
          slot += stride << 1;
        }
        if (keep & MAX && !isRunBeaten<T>(slot, stride, had, stats, load<T>(stats, 16), times, row, end, timeless, true)) return UNTOLD;
      }
      row = end;
    }
    if (counting) window = at;
  }
  return window;
}

// The same of the rows [row, end) of a page; the first of all may be known not to be as far as that.
// @ts-ignore: decorator
@inline function isRunBeaten<T>(
  slot: usize, stride: usize, had: f64, stats: usize, extreme: T, times: usize, row: u32, end: u32, timeless: bool, largest: bool,
): bool {
  if (row == 0 && end > 1 && load<T>(stats, 32) != extreme) row = 1;
  return isBeaten<T>(slot, stride, had, extreme, load<i64>(times + (<usize>row << 3)), timeless, largest);
}

// Whether no row from the time `first` on, none of which is beyond `extreme`, would be taken over as the window's extreme.
// @ts-ignore: decorator
@inline function isBeaten<T>(
  slot: usize, stride: usize, had: f64, extreme: T, first: i64, timeless: bool, largest: bool,
): bool {
  if (had == 0) return false;
  const best = load<T>(slot);
  if (largest ? best > extreme : best < extreme) return true;
  return best == extreme && ((timeless && extreme != 0) || first >= load<i64>(slot + stride));
}
