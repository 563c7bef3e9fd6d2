// Folds of pages without their values: from their bytes into accumulators.
//
// Decimals, the usual floats, stand in a page as integers over a power of ten. Their runs, and those of integers, are reduced as
// int32 distances from the page's base, and only what a run comes to is divided: the extremes and ends are the very floats that
// decoding gives (division by a positive number keeps the order, and each integer has its own float), and a sum is rounded once.
// Rows of a page without nulls are counted by their times alone. Any other page is decoded to the caller's room, then
// folded (fold.ts, which has the accumulators and the rules).
//
// Which rows are in which window is looked up once for all pages that share their times.
import { COUNT, DEVIATIONS, FIRST, fold, LAST, lowerBound, MAX, MIN, SUM, windowOf } from "./fold";
import { mergeExtreme, mergeFirst, mergeLast } from "./fold-merge";
import { decodeDecimalOffsets, offsetPower } from "./floats";
import { decodeOffsets, NOTHING, offsetBase, stepCentre, STEPS } from "./integers-decode";
import { decodeNumbers, INTEGERS, openWholePage } from "./page";
import { openPage, pageEnded } from "./reader";
import { distance, sumOfDistances, sumOfSteps } from "./steps";
import { MAX_ROWS, runs, sums } from "./workspace";

// FieldType in model/types.ts
const FLOAT: u32 = 1;
const INTEGER: u32 = 2;
const UNSIGNED: u32 = 3;
// 65,536 distances and bases add up to less than 2^63
const SMALL: i64 = 1 << 46;
// a distance further is no other side of int64
const FAR: i64 = 1 << 62;

/**
 * Folds the rows [from, to) of a page of `count` rows. `times`: i64[count] of all rows; `values`, `present`: room for 8 bytes and 1 byte
 * a row. Answers the window to start from with later rows of the series, or what `decodeNumbers` answers when it fails.
 */
export function foldPage(
  type: u32, page: usize, sizeBytes: u32, count: u32, times: usize, from: u32, to: u32,
  bounds: usize, windows: u32, window: u32, keep: u32, accumulators: usize, values: usize, present: usize,
): i32 {
  const first = <usize>from << 3;
  if (count <= MAX_ROWS && count > 0) {
    openPage(page, sizeBytes);
    const format = openWholePage(count);
    if (format) {
      if ((keep & ~COUNT) == 0)
        return fold<f64>(times + first, 0, 0, 0, to - from, bounds, windows, window, keep, accumulators);
      const takesSteps = (keep & ~(COUNT | SUM)) == 0;
      if (!(keep & DEVIATIONS) && type == FLOAT) {
        const decoded = decodeDecimalOffsets(format, count, takesSteps);
        const base = offsetBase();
        if (decoded != NOTHING && pageEnded() && base < SMALL && base > -SMALL) {
          const power = offsetPower();
          if (runCount == UNKNOWN) findRuns(times, from, to, bounds, windows, window);
          return decoded == STEPS
            ? sumSteps<f64>(base, power, windows, accumulators)
            : foldOffsets<f64>(base, power, times, windows, keep, accumulators);
        }
      } else if (!(keep & DEVIATIONS) && type == INTEGER && format == INTEGERS) {
        const decoded = decodeOffsets(count, takesSteps);
        const base = offsetBase();
        if (decoded != NOTHING && pageEnded() && base < FAR && base > -FAR) {
          if (runCount == UNKNOWN) findRuns(times, from, to, bounds, windows, window);
          return decoded == STEPS
            ? sumSteps<i64>(base, 1, windows, accumulators)
            : foldOffsets<i64>(base, 1, times, windows, keep, accumulators);
        }
      }
    }
  }
  const answer = decodeNumbers(type, page, sizeBytes, count, values, present);
  if (answer < 0) return answer;
  const at = first;
  const there = answer == 1 ? present + from : 0;
  if ((keep & ~COUNT) == 0 || type == FLOAT)
    return fold<f64>(times + at, values + at, there, 0, to - from, bounds, windows, window, keep, accumulators);
  if (type == UNSIGNED)
    return fold<u64>(times + at, values + at, there, 0, to - from, bounds, windows, window, keep, accumulators);
  return fold<i64>(times + at, values + at, there, 0, to - from, bounds, windows, window, keep, accumulators);
}

/** To be called before other rows of pages are folded than those of the last one. */
export function newRows(): void {
  runCount = UNKNOWN;
}

// The rows of the pages at hand by window (`runs`): where the first run begins, and the window to go on from.
const UNKNOWN: u32 = u32.MAX_VALUE;
let runCount: u32 = UNKNOWN;
let firstRow: u32 = 0;
let lastWindow: u32 = 0;

function findRuns(times: usize, from: u32, to: u32, bounds: usize, windows: u32, window: u32): void {
  let row = lowerBound(times, from, to, load<i64>(bounds + (<usize>window << 3)));
  firstRow = row;
  runCount = 0;
  for (; row < to; runCount++) {
    window = windowOf(bounds, windows, window, load<i64>(times + (<usize>row << 3)));
    if (window == windows) {
      lastWindow = windows - 1;
      return;
    }
    row = lowerBound(times, row, to, load<i64>(bounds + (<usize>(window + 1) << 3)));
    const run = runs + (<usize>runCount << 3);
    store<u32>(run, window);
    store<u32>(run, row, 4);
  }
  lastWindow = window;
}

// Over the distances in `sums`.
function foldOffsets<T>(base: i64, power: f64, times: usize, windows: u32, keep: u32, accumulators: usize): i32 {
  let row = firstRow;
  for (let r: u32 = 0; r < runCount; r++) {
    const run = runs + (<usize>r << 3);
    const end = load<u32>(run, 4);
    foldRun<T>(base, power, times, row, end, windows, load<u32>(run), keep, accumulators);
    row = end;
  }
  return lastWindow;
}

// Counts and sums alone, over the steps in `steps`: no distance is ever made.
function sumSteps<T>(base: i64, power: f64, windows: u32, accumulators: usize): i32 {
  let row = firstRow;
  let reached = row > 0 ? sumOfSteps(0, row) : 0; // distance of the row at hand, without centres
  for (let r: u32 = 0; r < runCount; r++) {
    const run = runs + (<usize>r << 3);
    const end = load<u32>(run, 4);
    const count = <i64>(end - row);
    // the centres up to a row are as many as the row's number
    const centres = stepCentre() * ((count * (<i64>row + <i64>end - 1)) >> 1);
    const sum = count * (base + reached) + centres + sumOfDistances(row, end);
    reached += distance;
    const entry = accumulators + (<usize>load<u32>(run) << 3);
    store<f64>(entry, load<f64>(entry) + <f64>count);
    const slot = entry + (<usize>windows << 3);
    store<T>(slot, <T>(load<T>(slot) + (isFloat<T>() ? <T>(<f64>sum / power) : <T>sum)));
    row = end;
  }
  return lastWindow;
}

// Rows [from, to), all in one window: at least one.
function foldRun<T>(
  base: i64, power: f64, times: usize, from: u32, to: u32,
  windows: u32, window: u32, keep: u32, accumulators: usize,
): void {
  const count = to - from;
  const entry = accumulators + (<usize>window << 3);
  const had = load<f64>(entry);
  store<f64>(entry, had + <f64>count);
  const stride = <usize>windows << 3; // from a value to its time
  let slot = entry + stride;
  const begin = sums + (<usize>from << 2);
  const end = sums + (<usize>to << 2);
  if (keep & SUM) {
    const sum = base * count + sumOffsets(begin, end);
    store<T>(slot, <T>(load<T>(slot) + (isFloat<T>() ? <T>(<f64>sum / power) : <T>sum)));
    slot += stride;
  }
  if (keep & MIN) {
    const low = lowestOffset(begin, end);
    mergeExtreme<T>(slot, stride, had, valueOf<T>(base + low, power), timeOf(times, begin, end, low), false);
    slot += stride << 1;
  }
  if (keep & MAX) {
    const high = highestOffset(begin, end);
    mergeExtreme<T>(slot, stride, had, valueOf<T>(base + high, power), timeOf(times, begin, end, high), true);
    slot += stride << 1;
  }
  if (keep & FIRST) {
    const x = valueOf<T>(base + load<i32>(begin), power);
    mergeFirst<T>(slot, stride, had, x, load<i64>(times + (<usize>from << 3)));
    slot += stride << 1;
  }
  if (keep & LAST) {
    const x = valueOf<T>(base + load<i32>(end - 4), power);
    mergeLast<T>(slot, stride, had, x, load<i64>(times + (<usize>(to - 1) << 3)));
  }
}

// @ts-ignore: decorator
@inline function valueOf<T>(integer: i64, power: f64): T {
  return isFloat<T>() ? <T>(<f64>integer / power) : <T>integer;
}

// Time of the first row in [begin, end) with that distance.
function timeOf(times: usize, begin: usize, end: usize, wanted: i32): i64 {
  let at = begin;
  const all = i32x4.splat(wanted);
  while (at + 16 <= end && !v128.any_true(i32x4.eq(v128.load(at), all))) at += 16;
  while (load<i32>(at) != wanted) at += 4;
  return load<i64>(times + ((at - sums) << 1));
}

function sumOffsets(begin: usize, end: usize): i64 {
  let a = i64x2.splat(0), b = a;
  let at = begin;
  for (; at + 16 <= end; at += 16) {
    const x = v128.load(at);
    a = i64x2.add(a, i64x2.extend_low_i32x4_s(x));
    b = i64x2.add(b, i64x2.extend_high_i32x4_s(x));
  }
  a = i64x2.add(a, b);
  let sum = i64x2.extract_lane(a, 0) + i64x2.extract_lane(a, 1);
  for (; at < end; at += 4) sum += load<i32>(at);
  return sum;
}

function lowestOffset(begin: usize, end: usize): i32 {
  let low = load<i32>(begin);
  let at = begin;
  if (at + 16 <= end) {
    let lows = v128.load(at);
    for (at += 16; at + 16 <= end; at += 16) lows = i32x4.min_s(lows, v128.load(at));
    low = min(
      min(i32x4.extract_lane(lows, 0), i32x4.extract_lane(lows, 1)),
      min(i32x4.extract_lane(lows, 2), i32x4.extract_lane(lows, 3)),
    );
  }
  for (; at < end; at += 4) low = min(low, load<i32>(at));
  return low;
}

function highestOffset(begin: usize, end: usize): i32 {
  let high = load<i32>(begin);
  let at = begin;
  if (at + 16 <= end) {
    let highs = v128.load(at);
    for (at += 16; at + 16 <= end; at += 16) highs = i32x4.max_s(highs, v128.load(at));
    high = max(
      max(i32x4.extract_lane(highs, 0), i32x4.extract_lane(highs, 1)),
      max(i32x4.extract_lane(highs, 2), i32x4.extract_lane(highs, 3)),
    );
  }
  for (; at < end; at += 4) high = max(high, load<i32>(at));
  return high;
}
