// Edge row: the first or last row of a series out of a page's statistics, without the page.
//
// Statistics hold the first and the last value of a page. When every row of the row group has a value, those
// are the values of its first and its last row; their times are the group's.
import type { Column, SeriesBlock } from "../model/scan.ts";
import { type FieldInfo, FieldType } from "../model/types.ts";
import type { Run } from "./series-reader.ts";

/**
 * The first row (the last when `descending`) of runs that come first, as a block without its series. `wanted`: places
 * among the `known` fields, -1 = no such field. Null when the statistics do not tell.
 */
export function edgeRow(
  runs: readonly Run[],
  known: readonly FieldInfo[],
  wanted: readonly number[],
  descending: boolean,
): Omit<SeriesBlock, "series"> | null {
  const [run] = runs;
  if (runs.length !== 1 || !run?.group) return null;
  const { cursor, index } = run.group;
  const { table } = cursor;
  const columns: (Column | null)[] = new Array(wanted.length).fill(null);
  let isEmpty = true;
  for (let c = 0; c < wanted.length; c++) {
    const field = wanted[c]!;
    const place = field < 0 ? -1 : cursor.fieldIndex(field);
    if (place < 0 || table.pageBytes(index, place) === 0) continue;
    const stats = table.stats(index, place);
    if (stats === null || stats.count !== table.groupRows(index)) return null;
    columns[c] = columnOf(known[field]!.type, descending ? stats.last : stats.first);
    isEmpty = false;
  }
  // a row that has none of the fields is no row
  if (isEmpty) return null;
  const time = descending ? run.maxTime : run.minTime;
  return { rowCount: 1, times: BigInt64Array.of(time), columns };
}

function columnOf(type: FieldType, value: number | bigint): Column {
  if (type === FieldType.Float) return { type, present: null, values: Float64Array.of(value as number) };
  if (type === FieldType.Unsigned) return { type, present: null, values: BigUint64Array.of(value as bigint) };
  return { type: FieldType.Integer, present: null, values: BigInt64Array.of(value as bigint) };
}
