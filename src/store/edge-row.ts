// Edge row: the first or last row of a series without a copy of its rows.
//
// Statistics hold the first and the last value of a page. When every row of a row group has a value, those are the values of
// its first and its last row, and the page is not read. In a row group that series share it is, once for all of them.
import type { Kernels } from "../kernels/kernels.ts";
import type { Series } from "../model/scan.ts";
import type { Collector } from "./collector.ts";
import type { GroupRows } from "./runs.ts";
import type { SliceColumn } from "./slice.ts";

/** Where in the statistics of a page (kernels/assembly/stats.ts) the first and the last value stand, bytes. */
const FIRST = 32;
const LAST = 40;

/**
 * Adds the first of the rows (the last when `descending`) to what is collected. False: it has none of the fields, and is no row; then
 * nothing is added.
 */
export function edgeRow(
  kernels: Kernels,
  collector: Collector,
  series: Series,
  place: GroupRows,
  descending: boolean,
): boolean {
  const { cursor, index, start, end, alone } = place;
  const { table } = cursor;
  const row = descending ? end - 1 : start;
  const isFirst = row === 0;
  // statistics are those of a group that has no other series
  const areKnown = alone && (isFirst || row === table.groupRows(index) - 1);
  const columnOf = (field: number): SliceColumn | null => {
    const told = areKnown ? ofStatistics(kernels, place, field, isFirst ? FIRST : LAST) : null;
    return told === null ? ofRow(kernels, place, field, row) : told === "none" ? null : told;
  };
  return collector.addRow(series, cursor.timeOf(index, row), columnOf);
}

// Where the value stands. "none": the group has no such column; null: statistics do not tell.
function ofStatistics(
  kernels: Kernels,
  { cursor, index }: GroupRows,
  field: number,
  value: number,
): SliceColumn | "none" | null {
  const stats = cursor.stats(index, field);
  const count = kernels.words[stats >>> 2]!;
  if (count === 0) return "none";
  const hasNumbers = kernels.words[(stats >>> 2) + 1] === 1;
  if (!hasNumbers || count !== cursor.table.groupRows(index)) return null;
  return { values: stats + value, present: 0, heap: 0 };
}

// The same of a row; null: it has none.
function ofRow(
  kernels: Kernels,
  { cursor, index }: GroupRows,
  field: number,
  row: number,
): SliceColumn | null {
  const column = cursor.column(index, field);
  if (column === null || (column.present !== 0 && kernels.bytes[column.present + row] === 0)) return null;
  return { values: column.values + row * 8, present: 0, heap: column.heap };
}
