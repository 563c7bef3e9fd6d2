// Series edge: where the first or the last row of a series stands, with as little as can be looked at of its others.
import type { GroupRows } from "./runs.ts";
import type { SegmentCursor } from "./segment-cursor.ts";
import type { Deleted } from "./tombstones.ts";

/**
 * The rows of a row group that for certain have the series' first row of the time range (the last when `descending`) at their end.
 * `cursors`: of segments, oldest first; `deleted`: what is deleted from each. "none": there is no row; null: it cannot be told so.
 */
export function seriesEdge(
  cursors: readonly (SegmentCursor | null)[],
  deleted: readonly (Deleted | null)[],
  id: number,
  minTime: bigint,
  maxTime: bigint,
  descending: boolean,
): GroupRows | "none" | null {
  let found: GroupRows | null = null;
  let time = 0n;
  // the newest first, which mostly has the last row: the others then end before it
  for (let s = cursors.length - 1; s >= 0; s--) {
    const cursor = cursors[s];
    if (!cursor) continue;
    const { table } = cursor;
    if (table.maxTime < minTime || table.minTime > maxTime) continue;
    if (found !== null && !reaches(table.minTime, table.maxTime, time, descending)) continue;
    const range = table.groupRange(id);
    if (range === null) continue;
    if (deleted[s]) return null;
    for (let i = 0; i <= range.last - range.first; i++) {
      const group = descending ? range.last - i : range.first + i;
      const [from, to] = [table.groupMinTime(group), table.groupMaxTime(group)];
      if (found !== null && !reaches(from, to, time, descending)) break;
      if (to < minTime || from > maxTime) continue;
      const rows = rowsOf(cursor, group, id, minTime, maxTime, descending);
      if (rows === null) continue;
      const end = cursor.timeOf(group, descending ? rows.end - 1 : rows.start);
      // the newer of two rows of a time need not have every field
      if (found !== null && end === time) return null;
      if (found === null || end > time === descending) {
        found = rows;
        time = end;
      }
      break;
    }
  }
  return found ?? "none";
}

// The rows of the series in a group, but for those beyond the time range at the end that is not looked at; null: there are none.
function rowsOf(
  cursor: SegmentCursor,
  index: number,
  id: number,
  minTime: bigint,
  maxTime: bigint,
  descending: boolean,
): GroupRows | null {
  const { table } = cursor;
  const alone = table.groupFirstId(index) === table.groupLastId(index);
  const rows = alone ? { start: 0, count: table.groupRows(index) } : table.seriesRows(index, id);
  if (rows === null) return null;
  const { start, count } = rows;
  const [groupFrom, groupTo] = [table.groupMinTime(index), table.groupMaxTime(index)];
  const edge = descending ? groupTo : groupFrom;
  const isInside = alone ? edge >= minTime && edge <= maxTime : groupFrom >= minTime && groupTo <= maxTime;
  if (isInside) return { cursor, index, start, end: start + count, alone };
  const { from, to } = cursor.within(index, start, count, minTime, maxTime);
  return from === to ? null : { cursor, index, start: from, end: to, alone };
}

// Whether rows between two times may go as far as `time`, or further.
function reaches(minTime: bigint, maxTime: bigint, time: bigint, descending: boolean): boolean {
  return descending ? maxTime >= time : minTime <= time;
}
