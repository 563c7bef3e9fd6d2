// Edge row: the first or last row of a series without a copy of its rows.
//
// Statistics hold the first and the last value of a page. When every row of a row group has a value, those are the values of
// its first and its last row, and the page is not read. In a row group that series share it is, once for all of them.
import type { Kernels } from "../kernels/kernels.ts";
import type { Column, SeriesBlock } from "../model/scan.ts";
import { type FieldInfo, FieldType } from "../model/types.ts";
import type { GroupRows, Run } from "./series-reader.ts";

/**
 * The first row (the last when `descending`) of runs that come first, as a block without its series. `wanted`: places
 * among the `known` fields, -1 = no such field. Null when it cannot be told so.
 */
export function edgeRow(
  kernels: Kernels,
  runs: readonly Run[],
  known: readonly FieldInfo[],
  wanted: readonly number[],
  descending: boolean,
): Omit<SeriesBlock, "series"> | null {
  const [run] = runs;
  if (runs.length !== 1 || !run?.place) return null;
  const { place } = run;
  const edge = edgeOf(place, descending);
  const columns: (Column | null)[] = new Array(wanted.length).fill(null);
  let isEmpty = true;
  for (let c = 0; c < wanted.length; c++) {
    const field = wanted[c]!;
    if (field < 0) continue;
    const { type } = known[field]!;
    const value =
      edge === null
        ? ofRow(kernels, place, field, type, descending)
        : ofStatistics(place, field, edge === "last");
    if (value === "none") continue;
    if (value === null) return null;
    columns[c] = columnOf(type, value);
    isEmpty = false;
  }
  // a row that has none of the fields is no row
  if (isEmpty) return null;
  const time = descending ? run.maxTime : run.minTime;
  return { rowCount: 1, times: BigInt64Array.of(time), columns };
}

// Which end of the row group the row is, when the group has no other series; null: none.
function edgeOf(
  { cursor, index, start, end, alone }: GroupRows,
  descending: boolean,
): "first" | "last" | null {
  if (!alone) return null;
  const row = descending ? end - 1 : start;
  if (row === 0) return "first";
  return row === cursor.table.groupRows(index) - 1 ? "last" : null;
}

// "none": the group has no such column; null: statistics do not tell.
function ofStatistics({ cursor, index }: GroupRows, field: number, isLast: boolean) {
  const { table } = cursor;
  const place = cursor.fieldIndex(field);
  if (place < 0 || table.pageBytes(index, place) === 0) return "none";
  const stats = table.stats(index, place);
  if (stats === null || stats.count !== table.groupRows(index)) return null;
  return isLast ? stats.last : stats.first;
}

// null: there are gaps, or it is a text.
function ofRow(kernels: Kernels, place: GroupRows, field: number, type: FieldType, descending: boolean) {
  const column = place.cursor.column(place.index, field);
  if (column === null) return "none";
  if (column.present !== 0 || type === FieldType.String || type === FieldType.Boolean) return null;
  const at = column.values + 8 * (descending ? place.end - 1 : place.start);
  if (type === FieldType.Float) return kernels.f64(at, 1)[0]!;
  const value = kernels.i64(at, 1)[0]!;
  return type === FieldType.Unsigned ? BigInt.asUintN(64, value) : value;
}

function columnOf(type: FieldType, value: number | bigint): Column {
  if (type === FieldType.Float) {
    const values = new Float64Array(1); // (`of` takes three times as long)
    values[0] = value as number;
    return { type, present: null, values };
  }
  if (type === FieldType.Unsigned) return { type, present: null, values: BigUint64Array.of(value as bigint) };
  return { type: FieldType.Integer, present: null, values: BigInt64Array.of(value as bigint) };
}
