// Windowed folds: partial aggregates of a column per time window, computed where the data is.
//
// Rows (of one series, ascending in time) meet windows (ascending bounds: window w is [bounds[w], bounds[w+1])). Both
// ascend, so each window's rows are one run, found by galloping; the run is folded in registers and then merged into
// the window's accumulators, which may hold earlier runs: of the same series, or of others of the same group.
//
// Accumulators are arrays over the windows, 8 bytes an entry, one after the other, those that `keep` asks for:
//   count (f64, always)   SUM: sum   MIN: min, minTime   MAX: max, maxTime   FIRST: first, firstTime   LAST: last, lastTime
//   DEVIATIONS: mean, deviations (f64: sum of squared deviations from the mean)
// Values are f64 for floats and i64/u64 for integers, whose sums wrap. Where count is 0 the rest means nothing.
//
// A row counts when its time is in a window, it has a value, and the mask (if any) is 1. Rules, as in InfluxDB: of
// equal minima or maxima the earliest; of several first (or last) values at one time the largest. NaN never is a
// minimum or maximum unless a window has nothing else. Sums run in two lanes, so their rounding is not that
// of a plain loop.
import { beats, mergeDeviations, mergeExtreme, mergeFirst, mergeLast } from "./fold-merge";
import { andMasks, gather } from "./masks";
import { find, highest, lowest, sumOf } from "./reduce";
import { chosen, dense, integers, MAX_ROWS } from "./workspace";

// FieldType in model/types.ts
const FLOAT: u32 = 1;
const UNSIGNED: u32 = 3;

// Fold in model/scan.ts
export const COUNT: u32 = 1;
export const SUM: u32 = 2;
export const MIN: u32 = 4;
export const MAX: u32 = 8;
export const FIRST: u32 = 16;
export const LAST: u32 = 32;
export const DEVIATIONS: u32 = 64;

/** Empties the accumulators of `windows` windows: `arrays` of them (kernels/fold.ts counts them). */
export function foldInit(windows: u32, arrays: u32, accumulators: usize): void {
  memory.fill(accumulators, 0, <usize>windows * <usize>arrays * 8);
}

/** First row of i64[rows] (ascending) at or after row `from` whose time is not before `time`; `rows` when there is none. */
export function lowerBound(times: usize, from: u32, rows: u32, time: i64): u32 {
  // gallop: the answer is usually near
  let low = from;
  let step: u32 = 8;
  while (low + step <= rows && load<i64>(times + (<usize>(low + step - 1) << 3)) < time) {
    low += step;
    step <<= 1;
  }
  let high = min<u32>(low + step, rows);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<i64>(times + (<usize>middle << 3)) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The first window at or after `window` that ends after `time`.
export function windowOf(bounds: usize, windows: u32, window: u32, time: i64): u32 {
  // bounds[w + 1] <= time means that w is over; lowerBound finds the first bound > time as the first >= time + 1
  if (time == i64.MAX_VALUE) return windows;
  const after = lowerBound(bounds, window + 1, windows + 1, time + 1);
  return after - 1;
}

/** Folds f64 values. `present`, `mask`: u8[rows] or 0. Returns the window to start from with the next rows of the series. */
export function foldFloat(
  times: usize, values: usize, present: usize, mask: usize, rows: u32,
  bounds: usize, windows: u32, window: u32, keep: u32, accumulators: usize,
): u32 {
  return fold<f64>(times, values, present, mask, rows, bounds, windows, window, keep, accumulators);
}

/** Folds i64 values; as foldFloat. */
export function foldInteger(
  times: usize, values: usize, present: usize, mask: usize, rows: u32,
  bounds: usize, windows: u32, window: u32, keep: u32, accumulators: usize,
): u32 {
  return fold<i64>(times, values, present, mask, rows, bounds, windows, window, keep, accumulators);
}

/** Folds u64 values; as foldFloat. */
export function foldUnsigned(
  times: usize, values: usize, present: usize, mask: usize, rows: u32,
  bounds: usize, windows: u32, window: u32, keep: u32, accumulators: usize,
): u32 {
  return fold<u64>(times, values, present, mask, rows, bounds, windows, window, keep, accumulators);
}

/** Counts rows that have a value of any type; as foldFloat with `keep` 0. */
export function foldCount(
  times: usize, present: usize, mask: usize, rows: u32,
  bounds: usize, windows: u32, window: u32, accumulators: usize,
): u32 {
  return fold<f64>(times, 0, present, mask, rows, bounds, windows, window, 0, accumulators);
}

/**
 * Folds rows of several series, each ascending in time and one behind the other: those with minTime <= time <= maxTime. `type`: FieldType in
 * model/types.ts; the rest as foldFloat.
 */
export function foldShared(
  type: u32, times: usize, values: usize, present: usize, rows: u32, minTime: i64, maxTime: i64,
  bounds: usize, windows: u32, keep: u32, accumulators: usize,
): void {
  for (let begin: u32 = 0; begin < rows; ) {
    // (where one series ends later than the next begins; else they are as one)
    let end = begin + 1;
    let time = load<i64>(times + (<usize>begin << 3));
    for (; end < rows; end++) {
      const next = load<i64>(times + (<usize>end << 3));
      if (next <= time) break;
      time = next;
    }
    foldWithin(type, times, values, present, begin, end, minTime, maxTime, bounds, windows, keep, accumulators);
    begin = end;
  }
}

/**
 * The same of series that have accumulators of their own: u32 `counts` rows of each, u32 `into` where they are but for `offset`, 0 = the series
 * is left out.
 */
export function foldEach(
  type: u32, times: usize, values: usize, present: usize, series: u32, counts: usize, into: usize, offset: u32,
  minTime: i64, maxTime: i64, bounds: usize, windows: u32, keep: u32,
): void {
  let begin: u32 = 0;
  for (let s: u32 = 0; s < series; s++) {
    const end = begin + load<u32>(counts + (<usize>s << 2));
    const accumulators = <usize>load<u32>(into + (<usize>s << 2));
    if (accumulators)
      foldWithin(type, times, values, present, begin, end, minTime, maxTime, bounds, windows, keep, accumulators + offset);
    begin = end;
  }
}

// Of the rows [begin, end), which ascend, those in a range of time.
// @ts-ignore: decorator
@inline function foldWithin(
  type: u32, times: usize, values: usize, present: usize, begin: u32, end: u32, minTime: i64, maxTime: i64,
  bounds: usize, windows: u32, keep: u32, accumulators: usize,
): void {
  const from = lowerBound(times, begin, end, minTime);
  const to = maxTime == i64.MAX_VALUE ? end : lowerBound(times, from, end, maxTime + 1);
  if (from == to) return;
  const at = <usize>from << 3;
  const there = present ? present + from : 0;
  if (type == FLOAT) fold<f64>(times + at, values + at, there, 0, to - from, bounds, windows, 0, keep, accumulators);
  else if (type == UNSIGNED) fold<u64>(times + at, values + at, there, 0, to - from, bounds, windows, 0, keep, accumulators);
  else fold<i64>(times + at, values + at, there, 0, to - from, bounds, windows, 0, keep, accumulators);
}

export function fold<T>(
  times: usize, values: usize, present: usize, mask: usize, rows: u32,
  bounds: usize, windows: u32, window: u32, keep: u32, accumulators: usize,
): u32 {
  if (!present && !mask) return foldRows<T>(times, values, rows, bounds, windows, window, keep, accumulators);
  // rows that do not count are squeezed out first, so that the loops below meet no condition
  for (let from: u32 = 0; from < rows; from += MAX_ROWS) {
    const taken = min<u32>(MAX_ROWS, rows - from);
    let counted = mask ? mask + from : present + from;
    if (mask && present) {
      andMasks(counted, present + from, taken, chosen);
      counted = chosen;
    }
    const at = <usize>from << 3;
    const left = gather(times + at, counted, taken, dense);
    if (keep & ~COUNT) gather(values + at, counted, taken, integers);
    window = foldRows<T>(dense, integers, left, bounds, windows, window, keep, accumulators);
  }
  return window;
}

// All rows count.
function foldRows<T>(
  times: usize, values: usize, rows: u32,
  bounds: usize, windows: u32, window: u32, keep: u32, accumulators: usize,
): u32 {
  let row = lowerBound(times, 0, rows, load<i64>(bounds + (<usize>window << 3)));
  while (row < rows) {
    window = windowOf(bounds, windows, window, load<i64>(times + (<usize>row << 3)));
    if (window == windows) return windows - 1;
    const end = lowerBound(times, row, rows, load<i64>(bounds + (<usize>(window + 1) << 3)));
    foldRun<T>(times, values, row, end, windows, window, keep, accumulators);
    row = end;
  }
  return window;
}

// Rows [from, to), all in one window: at least one.
function foldRun<T>(
  times: usize, values: usize, from: u32, to: u32,
  windows: u32, window: u32, keep: u32, accumulators: usize,
): void {
  const count = to - from;
  const entry = accumulators + (<usize>window << 3);
  const had = load<f64>(entry);
  store<f64>(entry, had + <f64>count);
  let slot = entry + (<usize>windows << 3);
  const stride = <usize>windows << 3; // from a value to its time
  const begin = values + (<usize>from << 3);
  const end = values + (<usize>to << 3);
  const fromValueToTime = times - values;
  if (keep & SUM) {
    store<T>(slot, <T>(load<T>(slot) + sumOf<T>(begin, end)));
    slot += stride;
  }
  if (keep & MIN) {
    const low = lowest<T>(begin, end);
    if (had == 0 || beats<T>(low, load<T>(slot), false) || low == load<T>(slot))
      mergeRow<T>(slot, stride, had, find<T>(begin, end, low), fromValueToTime, false);
    slot += stride << 1;
  }
  if (keep & MAX) {
    const high = highest<T>(begin, end);
    if (had == 0 || beats<T>(high, load<T>(slot), true) || high == load<T>(slot))
      mergeRow<T>(slot, stride, had, find<T>(begin, end, high), fromValueToTime, true);
    slot += stride << 1;
  }
  if (keep & FIRST) {
    mergeFirst<T>(slot, stride, had, load<T>(begin), load<i64>(begin + fromValueToTime));
    slot += stride << 1;
  }
  if (keep & LAST) {
    mergeLast<T>(slot, stride, had, load<T>(end - 8), load<i64>(end - 8 + fromValueToTime));
    slot += stride << 1;
  }
  if (keep & DEVIATIONS) {
    let sum: f64 = 0;
    for (let at = begin; at < end; at += 8) sum += <f64>load<T>(at);
    const mean = sum / <f64>count;
    let squares: f64 = 0;
    for (let at = begin; at < end; at += 8) {
      const apart = <f64>load<T>(at) - mean;
      squares += apart * apart;
    }
    mergeDeviations(slot, stride, had, <f64>count, mean, squares);
  }
}

// The row at `found` as minimum or maximum: of -0 and 0, which are equal, the sign of the earlier.
// @ts-ignore: decorator
@inline function mergeRow<T>(slot: usize, stride: usize, had: f64, found: usize, fromValueToTime: usize, largest: bool): void {
  mergeExtreme<T>(slot, stride, had, load<T>(found), load<i64>(found + fromValueToTime), largest);
}
