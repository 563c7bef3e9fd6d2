// Read ahead: which pages of a segment a read will come to, told to the disk before it gets there.
import type { TableReader } from "../segment/table-reader.ts";
import type { SegmentCursor } from "./segment-cursor.ts";

/** Row groups that are looked at in a segment: the system reads on by itself where many follow each other. */
const MOST_GROUPS = 512;

/** Of no more the one where a range of time begins is found by looking at each. */
const FEW_GROUPS = 8;

/** Whether statistics tell what is wanted of a row group that has these times, first and last; then they do of what is between. */
export type IsTold = (minTime: bigint, maxTime: bigint) => boolean;

/** Begins to read the pages of series (ascending) between two times; gives their bytes. */
export function readAhead(
  cursor: SegmentCursor,
  ids: Uint32Array,
  minTime: bigint,
  maxTime: bigint,
  isTold: IsTold,
): number {
  const { table } = cursor;
  const isWithin = table.minTime >= minTime && table.maxTime <= maxTime;
  if (isWithin && isTold(table.minTime, table.maxTime)) return 0;
  table.ahead.begin();
  // the times of row groups mostly are the same
  let known = -1;
  let isWanted = false;
  let sizeBytes = 0;
  const add = (group: number) => {
    if (known < 0 || !table.isSameRange(group, known)) {
      const [from, to] = [table.groupMinTime(group), table.groupMaxTime(group)];
      const isInside = from >= minTime && to <= maxTime;
      isWanted = to >= minTime && from <= maxTime && !(isInside && isTold(from, to));
      known = group;
    }
    if (isWanted) sizeBytes += cursor.addAhead(group);
  };
  const { groupCount } = table;
  if (ids.length >= groupCount) {
    // of so many series nearly every row group has some
    const end = Math.min(groupCount, MOST_GROUPS);
    for (let group = 0; group < end; group++) add(group);
  } else {
    let next = 0;
    let left = MOST_GROUPS;
    for (let i = 0; i < ids.length && left > 0; i++) {
      const range = table.groupRange(ids[i]!);
      if (range === null) continue;
      let group = Math.max(next, range.first);
      if (range.last - group > FEW_GROUPS) group = firstReaching(table, group, range.last, minTime);
      for (; group <= range.last && left > 0; group++) {
        if (group > range.first && table.groupMinTime(group) > maxTime) break;
        add(group);
        left--;
      }
      next = group;
    }
  }
  table.ahead.end();
  return sizeBytes;
}

// Of groups [first, last] of a series the first that does not end before a time.
function firstReaching(table: TableReader, first: number, last: number, minTime: bigint): number {
  let low = first;
  for (let high = last; low < high; ) {
    const middle = (low + high) >>> 1;
    if (table.groupMaxTime(middle) < minTime) low = middle + 1;
    else high = middle;
  }
  return low;
}
