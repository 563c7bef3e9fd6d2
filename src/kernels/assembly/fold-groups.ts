// Folds of row groups of one series each, many in a call: of every column by its page's statistics as far as these tell, else by the
// page. Neither pages nor times have to be there at once: the fold stops where it needs some that are not, and goes on when they are.
//
// List of columns (u32): type, keep, where its accumulators begin in those of a row group.
// List of row groups: of each
//   u32 rows, u32 accumulators, u32 page of times (0: it is not there yet), u32 its size
//   i64 first time, i64 last time
//   per column u32 page (0: it is not there yet), u32 its size (0: nothing is to be folded), u32 statistics, u32 their size (0: they
//   are not asked)
// What has been folded has no size any more. Row groups that share the page of their times have them decoded once.
import { COUNT, lowerBound, MAX, MIN } from "./fold";
import { foldPage, newRows } from "./fold-page";
import { foldBeaten, foldStats } from "./fold-stats";
import { decodeNumbers } from "./page";
import { CORRUPT_STATS } from "./page-answers";
import { decodeOne } from "./stats";
import { openPage, pageEnded } from "./reader";

// FieldType in model/types.ts
const INTEGER: u32 = 2;

const COLUMN: usize = 12;
const GROUP: usize = 32;
const ENTRY: usize = 16;

const stats: usize = memory.data(48);

// The page of times that was decoded last, and the rows in the range of time.
let timesOf: usize = 0;
let begin: u32 = 0;
let end: u32 = 0;

/**
 * Folds the row groups [from, to) of a list, from 0 on: rows with minTime <= time <= maxTime. `room`: for times, values and presence, 17
 * bytes a row of the largest; the times stay until the list is over. Answers `to`; or the row group of which something is needed; or why its page `failedPage` was not decoded, of row
 * group `failedGroup`.
 */
export function foldGroups(
  columns: usize, columnCount: u32, groups: usize, from: u32, to: u32, minTime: i64, maxTime: i64,
  bounds: usize, windows: u32, timeless: bool, room: usize, roomRows: u32,
): i32 {
  const sizeBytes = GROUP + ENTRY * <usize>columnCount;
  const times = room;
  const values = times + (<usize>roomRows << 3);
  const present = values + (<usize>roomRows << 3);
  if (from == 0) timesOf = 0;
  for (let g = from; g < to; g++) {
    const group = groups + <usize>g * sizeBytes;
    const rows = load<u32>(group);
    const first = load<i64>(group, 16), last = load<i64>(group, 24);
    const isWhole = first >= minTime && last <= maxTime;
    for (let c: u32 = 0; c < columnCount; c++) {
      const entry = group + GROUP + ENTRY * <usize>c;
      if (!load<u32>(entry, 4)) continue;
      const column = columns + COLUMN * <usize>c;
      const type = load<u32>(column), keep = load<u32>(column, 4);
      const accumulators = <usize>load<u32>(group, 4) + <usize>load<u32>(column, 8);
      const statsSize = load<u32>(entry, 12);
      let isTold = false;
      if (statsSize) {
        openPage(load<u32>(entry, 8), statsSize);
        decodeOne(type, rows, stats);
        if (!pageEnded()) return failedAt(g, c, CORRUPT_STATS);
        isTold = isWhole && foldStats(type, stats, rows, first, last, bounds, windows, 0, keep, timeless, accumulators) >= 0;
      }
      const asksRows = statsSize && !isTold && (keep & ~(COUNT | MIN | MAX)) == 0;
      if (!isTold && (asksRows || load<u32>(entry))) {
        const page = <usize>load<u32>(group, 8);
        if (!page) return g;
        if (page != timesOf) {
          const answer = decodeNumbers(INTEGER, page, load<u32>(group, 12), rows, times, 0);
          if (answer < 0) return failedAt(g, TIMES, answer);
          timesOf = page;
          begin = isWhole ? 0 : lowerBound(times, 0, rows, minTime);
          end = isWhole || maxTime == i64.MAX_VALUE ? rows : lowerBound(times, begin, rows, maxTime + 1);
          newRows();
        }
        if (asksRows)
          isTold = foldBeaten(type, stats, rows, times, begin, end, bounds, windows, 0, keep, timeless, accumulators) >= 0;
      }
      if (!isTold) {
        const page = <usize>load<u32>(entry);
        if (!page) return g;
        const answer = foldPage(
          type, page, load<u32>(entry, 4), rows, times, begin, end,
          bounds, windows, 0, keep, accumulators, values, present,
        );
        if (answer < 0) return failedAt(g, c, answer);
      }
      store<u32>(entry, 0, 4);
    }
  }
  return to;
}

const TIMES: u32 = u32.MAX_VALUE;
let groupFailed: u32 = 0;
let pageFailed: u32 = 0;

/** Remembers of what page something was not decoded; gives why. */
export function failedAt(group: u32, page: u32, answer: i32): i32 {
  groupFailed = group;
  pageFailed = page;
  return answer;
}

/** Where in the list the row group stands of which something was not decoded. */
export function failedGroup(): u32 {
  return groupFailed;
}

/** The column of the page that was not decoded, or -1: the times. */
export function failedPage(): i32 {
  return pageFailed;
}
