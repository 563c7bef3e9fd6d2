// Edge row: the first or last row of a series without a copy of its rows.
//
// Statistics hold the first and the last value of a page. When every row of a row group has a value, those are the values of
// its first and its last row, and the page is not read. In a row group that series share it is, once for all of them.
import type { Kernels } from "../kernels/kernels.ts";
import type { Column, SeriesBlock } from "../model/scan.ts";
import { type FieldInfo, FieldType } from "../model/types.ts";
import type { GroupRows } from "./runs.ts";

/** Where in the statistics of a page (kernels/assembly/stats.ts) the first and the last value stand, bytes. */
const FIRST = 32;
const LAST = 40;

/**
 * The first of the rows (the last when `descending`), as a block without its series. `wanted`: places among the `known` fields,
 * -1 = no such field. Null when it cannot be told so.
 */
export function edgeRow(
  kernels: Kernels,
  place: GroupRows,
  known: readonly FieldInfo[],
  wanted: readonly number[],
  descending: boolean,
): Omit<SeriesBlock, "series"> | null {
  const { cursor, index, start, end, alone } = place;
  const { table } = cursor;
  const row = descending ? end - 1 : start;
  const isFirst = row === 0;
  // statistics are those of a group that has no other series
  const areKnown = alone && (isFirst || row === table.groupRows(index) - 1);
  const columns: (Column | null)[] = new Array(wanted.length).fill(null);
  let isEmpty = true;
  for (let c = 0; c < wanted.length; c++) {
    const field = wanted[c]!;
    if (field < 0) continue;
    const { type } = known[field]!;
    const at = areKnown
      ? ofStatistics(kernels, place, field, isFirst ? FIRST : LAST)
      : ofRow(place, field, type, row);
    if (at === "none") continue;
    if (at === null) return null;
    columns[c] = columnOf(kernels, type, at);
    isEmpty = false;
  }
  // a row that has none of the fields is no row
  if (isEmpty) return null;
  const times = new BigInt64Array(1); // (`of` takes three times as long)
  if (areKnown) times[0] = isFirst ? table.groupMinTime(index) : table.groupMaxTime(index);
  else times[0] = kernels.longs[(cursor.times(index) >>> 3) + row]!;
  return { rowCount: 1, times, columns };
}

// Where the value stands. "none": the group has no such column; null: statistics do not tell.
function ofStatistics(kernels: Kernels, { cursor, index }: GroupRows, field: number, value: number) {
  const stats = cursor.stats(index, field);
  const count = kernels.words[stats >>> 2]!;
  if (count === 0) return "none";
  const hasNumbers = kernels.words[(stats >>> 2) + 1] === 1;
  return hasNumbers && count === cursor.table.groupRows(index) ? stats + value : null;
}

// The same of a row. null: there are gaps, or it is a text.
function ofRow({ cursor, index }: GroupRows, field: number, type: FieldType, row: number) {
  const column = cursor.column(index, field);
  if (column === null) return "none";
  if (column.present !== 0 || type === FieldType.String || type === FieldType.Boolean) return null;
  return column.values + 8 * row;
}

function columnOf(kernels: Kernels, type: FieldType, at: number): Column {
  if (type === FieldType.Float) {
    const values = new Float64Array(1);
    values[0] = kernels.doubles[at >>> 3]!;
    return { type, present: null, values };
  }
  const values = BigInt64Array.of(kernels.longs[at >>> 3]!);
  if (type === FieldType.Unsigned) return { type, present: null, values: new BigUint64Array(values.buffer) };
  return { type: FieldType.Integer, present: null, values };
}
