// Windows: how a retention policy cuts time into the windows of its segments, its shards. They never overlap, so that a time
// tells its shard: times that a kept window covers stay in it, and a new window ends where a kept one begins.
//
//   width 1 h      ...|kept: a week.................|  |  |kept: a day|  |  |  |...
//                                                 ^ cut at the end of the kept one
import { MAX_TIME, MIN_TIME } from "./types.ts";

/** [start, end), ns. */
export interface TimeWindow {
  readonly start: bigint;
  readonly end: bigint;
}

export interface WindowGrid {
  /** Of a window, ns. */
  readonly width: bigint;
  /** A time at which one begins, ns. */
  readonly origin: bigint;
  /** Windows that were made with other widths and have rows. Ascending, apart. */
  readonly kept: readonly TimeWindow[];
}

/** InfluxDB's: midnight of January 1 in year 1, a Monday, ns. */
export const MONDAYS = -719_162n * 86_400_000_000_000n;

/** The window that a time belongs to. Those at both ends of time are cut: bounds are int64. */
export function windowAt({ width, origin, kept }: WindowGrid, time: bigint): TimeWindow {
  const rest = (time - origin) % width;
  const floor = time - (rest < 0n ? rest + width : rest);
  let start = floor < MIN_TIME ? MIN_TIME : floor;
  let end = floor + width > MAX_TIME ? MAX_TIME + 1n : floor + width;
  // the first that ends behind the time covers it or comes after it
  let low = 0;
  for (let high = kept.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if (kept[middle]!.end <= time) low = middle + 1;
    else high = middle;
  }
  const before = kept[low - 1];
  const next = kept[low];
  if (next && next.start <= time) return next;
  if (before && before.end > start) start = before.end;
  if (next && next.start < end) end = next.start;
  return { start, end };
}

/** Of windows in any order those to keep, ascending and apart: of two that overlap the one that begins first. */
export function apart(windows: Iterable<TimeWindow>): TimeWindow[] {
  const kept: TimeWindow[] = [];
  const order = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);
  for (const { start, end } of [...windows].sort((a, b) => order(a.start, b.start) || order(a.end, b.end))) {
    const last = kept.at(-1);
    if (!last || start >= last.end) kept.push({ start, end });
  }
  return kept;
}

/** What of a window none of the others covers, ascending. */
export function uncovered(window: TimeWindow, others: Iterable<TimeWindow>): TimeWindow[] {
  let left = [window];
  for (const { start, end } of others)
    left = left.flatMap((each) => {
      if (end <= each.start || start >= each.end) return [each];
      return [
        ...(each.start < start ? [{ start: each.start, end: start }] : []),
        ...(end < each.end ? [{ start: end, end: each.end }] : []),
      ];
    });
  return left;
}
