// Folds of row groups that stand next to each other by their statistics alone, as far as these tell all that is wanted of a row group.
//
//     groups        0  1  2  3  4  5  6        into    A  A  A  A  B  B  B      accumulators of each
//     windows       0  0  0  -  0  0  0        -: rows in several windows, or out of range: statistics do not tell
//     runs          [     ]     [     ]        in one window of the same accumulators
//
// Of a run first all extremes are promised: whether a row group has its extreme at a time that counts is then only asked of the best.
// (A promise is kept when that row group is folded by its rows, which whoever called does with all that are left.)
import { MAX, MIN, windowOf } from "./fold";
import { failedAt } from "./fold-groups";
import { foldTold, promiseExtremes, toldInWindow } from "./fold-stats";
import { CORRUPT_STATS } from "./page-answers";
import { openPage, pageEnded } from "./reader";
import { decodeOne } from "./stats";

const COLUMN: usize = 12; // u32 type, keep, offset of the accumulators: see fold-groups.ts
const STATS: usize = 48; // see stats.ts
const SHARED: u32 = 1;

/**
 * Folds what statistics tell of `count` row groups, rows with minTime <= time <= maxTime. `columns`: as for foldGroups; `fields`: i32
 * a column, the field, -1 = none. Of the row groups: u32 `rows`; u32 `ends` of the statistics of each of `stride` pages, which stand at
 * `bytes`, counted from `origin`; i64 `firsts` and `lasts`, bounds of their times; u32 `into`, the accumulators, 0 = it is left out, with bit 0
 * set where several series share it. `room`: 48 bytes a column and row group. Writes those that are left to `left` (u32), and gives their number, or
 * why the statistics of column `failedPage` of row group `failedGroup` were not decoded.
 */
export function foldSpan(
  columns: usize, columnCount: u32, fields: usize, count: u32, rows: usize, ends: usize, stride: u32, bytes: usize, origin: u32,
  firsts: usize, lasts: usize, into: usize, minTime: i64, maxTime: i64,
  bounds: usize, windows: u32, timeless: bool, room: usize, left: usize,
): i32 {
  let leftCount: u32 = 0;
  let window: u32 = 0;
  for (let g: u32 = 0; g < count; ) {
    const accumulators = <usize>(load<u32>(into + (<usize>g << 2)) & ~SHARED);
    const first = load<i64>(firsts + (<usize>g << 3)), last = load<i64>(lasts + (<usize>g << 3));
    if (accumulators == 0 || last < minTime || first > maxTime) {
      g++;
      continue;
    }
    if (first < load<i64>(bounds + (<usize>window << 3))) window = 0;
    window = windowOf(bounds, windows, window, first);
    if (first < minTime || last > maxTime || !isIn(bounds, windows, window, first, last)) {
      store<u32>(left + (<usize>leftCount << 2), g++);
      leftCount++;
      continue;
    }
    let end = g + 1;
    for (; end < count; end++) {
      if (<usize>(load<u32>(into + (<usize>end << 2)) & ~SHARED) != accumulators) break;
      const from = load<i64>(firsts + (<usize>end << 3)), to = load<i64>(lasts + (<usize>end << 3));
      if (from < minTime || to > maxTime || !isIn(bounds, windows, window, from, to)) break;
    }
    for (let c: u32 = 0; c < columnCount; c++) {
      const column = columns + COLUMN * <usize>c;
      const type = load<u32>(column);
      const field = load<i32>(fields + (<usize>c << 2));
      const promises = !timeless && (load<u32>(column, 4) & (MIN | MAX)) != 0;
      const own = accumulators + <usize>load<u32>(column, 8);
      let had = load<f64>(own + (<usize>window << 3));
      for (let r = g; r < end; r++) {
        const stats = room + (<usize>r * columnCount + c) * STATS;
        store<u32>(stats, 0);
        if (field < 0) continue;
        const at = ends + ((<usize>r * stride + field) << 2);
        const start = load<u32>(at), sizeBytes = load<u32>(at, 4) - start;
        if (sizeBytes == 0) continue;
        openPage(bytes + (start - origin), sizeBytes);
        decodeOne(type, load<u32>(rows + (<usize>r << 2)), stats);
        if (!pageEnded()) return failedAt(r, c, CORRUPT_STATS);
        if (!promises || load<u32>(stats) == 0 || load<u32>(stats, 4) == 0) continue;
        promiseExtremes(type, stats, had, load<i64>(lasts + (<usize>r << 3)), windows, window, load<u32>(column, 4), own);
        had = 1;
      }
    }
    for (; g < end; g++) {
      const alone = !(load<u32>(into + (<usize>g << 2)) & SHARED);
      const groupRows = load<u32>(rows + (<usize>g << 2));
      const from = load<i64>(firsts + (<usize>g << 3)), to = load<i64>(lasts + (<usize>g << 3));
      const stats = room + <usize>g * columnCount * STATS;
      if (isTold(columns, columnCount, stats, groupRows, alone, from, windows, window, timeless, accumulators)) {
        foldAll(columns, columnCount, stats, groupRows, alone, from, to, windows, window, timeless, accumulators);
        continue;
      }
      store<u32>(left + (<usize>leftCount << 2), g);
      leftCount++;
    }
  }
  return leftCount;
}

// @ts-ignore: decorator
@inline function isIn(bounds: usize, windows: u32, window: u32, first: i64, last: i64): bool {
  if (window == windows) return false;
  const bound = bounds + (<usize>window << 3);
  return first >= load<i64>(bound) && last < load<i64>(bound, 8);
}

function isTold(
  columns: usize, columnCount: u32, stats: usize, rows: u32, alone: bool, first: i64, windows: u32, window: u32, timeless: bool,
  accumulators: usize,
): bool {
  for (let c: u32 = 0; c < columnCount; c++, stats += STATS) {
    const column = columns + COLUMN * <usize>c;
    const own = accumulators + <usize>load<u32>(column, 8);
    if (!toldInWindow(load<u32>(column), stats, rows, alone, !timeless, first, windows, window, load<u32>(column, 4), timeless, own))
      return false;
  }
  return true;
}

function foldAll(
  columns: usize, columnCount: u32, stats: usize, rows: u32, alone: bool, first: i64, last: i64, windows: u32, window: u32, timeless: bool,
  accumulators: usize,
): void {
  for (let c: u32 = 0; c < columnCount; c++, stats += STATS) {
    const column = columns + COLUMN * <usize>c;
    const own = accumulators + <usize>load<u32>(column, 8);
    foldTold(load<u32>(column), stats, rows, alone, !timeless, first, last, windows, window, load<u32>(column, 4), timeless, own);
  }
}
