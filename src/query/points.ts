// Points: the values of one field over a group's rows, in time order, without the rows that lack it.
//
// They are what functions that need the values themselves work on. Integers that a double holds exactly stand in a
// Float64Array; only a group with one beyond that pays for BigInts. `origin` leads back from a point to its row, for the
// other columns of a selected row.
import { memoized } from "../base/memoized.ts";
import type { Column } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import { wordsOf } from "../model/words.ts";
import type { SeriesBlock } from "./blocks.ts";
import { castCell, integerAt, isSafeHigh } from "./cells.ts";
import { Merge } from "./merge.ts";
import type { RowValue } from "./plan.ts";
import type { Cell } from "./result.ts";
import { STEP, type Steps } from "./turn.ts";

export interface Points {
  readonly type: FieldType;
  readonly count: number;
  /** ns, ascending; equal times stand in series order. */
  readonly times: BigInt64Array;
  readonly values: ValueArray;
  readonly origin: Origin;
}

/** Booleans are 0 and 1. */
export type ValueArray = Float64Array | Uint8Array | (number | bigint)[] | string[];

export interface Origin {
  readonly blocks: readonly SeriesBlock[];
  /** By point: index into `blocks` and row of that block's columns. */
  readonly block: Uint32Array;
  readonly row: Uint32Array;
}

/** Point `index` as a cell. */
export function pointCell(points: Points, index: number): Cell {
  const value = points.values[index]!;
  return points.type === FieldType.Boolean ? value !== 0 : value;
}

/** Collects the points of a field (column `column` of the blocks) over the series of a group, or gives the steps that do. */
export function collectPoints(
  series: readonly (readonly SeriesBlock[])[],
  column: number,
  field: RowValue,
): Points | Steps<Points> {
  return series.length === 1
    ? pointsOfSeries(series[0]!, column, field)
    : mergedPoints(series, column, field);
}

function* mergedPoints(
  series: readonly (readonly SeriesBlock[])[],
  column: number,
  field: RowValue,
): Steps<Points> {
  const merge = yield* Merge.of(series, false);
  const { blocks, words } = merge;
  const room = rowsWith(blocks, column);
  const values = emptyValues(field.type, room, blocks, column);
  const readerOf = memoized((from: Column) => columnReader(from, field));
  const readers: (Reader | null)[] = [];
  for (const block of blocks) {
    const from = block.columns[column] ?? null;
    if (readers.push(from === null ? null : readerOf(from)) % STEP === 0) yield;
  }
  const times = new BigInt64Array(room);
  const timeWords = wordsOf(times);
  const blockOf = new Uint32Array(room);
  const rowOf = new Uint32Array(room);
  let count = 0;
  for (let rows = 1; merge.next(); rows++) {
    if (rows % STEP === 0) yield;
    const { block, row } = merge;
    const read = readers[block]!;
    if (read === null) continue;
    const value = read(row);
    if (value === null) continue;
    values[count] = value as never;
    timeWords[2 * count] = words[block]![2 * row]!;
    timeWords[2 * count + 1] = words[block]![2 * row + 1]!;
    blockOf[count] = block;
    rowOf[count] = row;
    count++;
  }
  const kept = Array.isArray(values) ? values : values.subarray(0, count);
  return {
    type: field.type,
    count,
    times: times.subarray(0, count),
    values: kept as ValueArray,
    origin: { blocks, block: blockOf, row: rowOf },
  };
}

/** The same for one series: nothing to merge, so columns without gaps are copied whole. */
function pointsOfSeries(blocks: readonly SeriesBlock[], column: number, field: RowValue): Points {
  const { type } = field;
  const room = rowsWith(blocks, column);
  const values = emptyValues(type, room, blocks, column);
  const times = new BigInt64Array(room);
  const timeWords = wordsOf(times);
  const blockOf = new Uint32Array(room);
  const rowOf = new Uint32Array(room);
  let count = 0;
  for (const [index, block] of blocks.entries()) {
    const from = block.columns[column] ?? null;
    const read = columnReader(from, field);
    if (from === null || read === null) continue;
    const { start, rowCount } = block;
    const end = start + rowCount;
    blockOf.fill(index, count, count + rowCount);
    if (from.present === null && from.type === FieldType.Float && values instanceof Float64Array) {
      values.set(from.values.subarray(start, end), count);
      times.set(block.times.subarray(start, end), count);
      for (let row = start; row < end; row++) rowOf[count++] = row;
      continue;
    }
    const words = wordsOf(block.times);
    for (let row = start; row < end; row++) {
      const value = read(row);
      if (value === null) continue;
      values[count] = value as never;
      timeWords[2 * count] = words[2 * row]!;
      timeWords[2 * count + 1] = words[2 * row + 1]!;
      rowOf[count] = row;
      count++;
    }
  }
  // a gap leaves later blocks' marks behind their points: they are overwritten, or cut off here
  const kept = Array.isArray(values) ? values : values.subarray(0, count);
  const origin = { blocks, block: blockOf, row: rowOf };
  return { type, count, times: times.subarray(0, count), values: kept as ValueArray, origin };
}

/** Rows of the blocks that have a column. */
function rowsWith(blocks: readonly SeriesBlock[], column: number): number {
  let rows = 0;
  for (const block of blocks) if (block.columns[column] != null) rows += block.rowCount;
  return rows;
}

function emptyValues(
  type: FieldType,
  room: number,
  blocks: readonly SeriesBlock[],
  column: number,
): ValueArray {
  if (type === FieldType.String) return [] as string[];
  if (type === FieldType.Boolean) return new Uint8Array(room);
  for (const block of blocks)
    if (isWide(block, block.columns[column] ?? null, type)) return [] as (number | bigint)[];
  return new Float64Array(room);
}

/** Whether a value of a block's column, read as `type`, may be an integer that a double does not hold. */
function isWide({ start, rowCount }: SeriesBlock, column: Column | null, type: FieldType): boolean {
  if (column === null) return false;
  if (column.type === FieldType.Float) return type !== FieldType.Float;
  if (column.type !== FieldType.Integer && column.type !== FieldType.Unsigned) return false;
  const words = wordsOf(column.values);
  const isUnsigned = column.type === FieldType.Unsigned;
  for (let i = 2 * start + 1; i < 2 * (start + rowCount); i += 2)
    if (!isSafeHigh(words[i]!) || (isUnsigned && words[i]! < 0)) return true;
  return false;
}

export type Reader = (row: number) => number | bigint | string | null;

/** Reads the value of a row as it stands in `Points.values`; null = the row has none. */
export function columnReader(column: Column | null, field: RowValue): Reader | null {
  // (of subqueries beside each other columns of one name may be of several kinds: those of another one have no points)
  if (column === null || !areAlike(column.type, field.type)) return null;
  const { present } = column;
  const read = valueReader(column, field);
  return present === null ? read : (row) => (present[row] === 0 ? null : read(row));
}

const isNumeric = (type: FieldType): boolean => type !== FieldType.String && type !== FieldType.Boolean;

/** Both are numbers, texts or booleans. */
const areAlike = (a: FieldType, b: FieldType): boolean => a === b || (isNumeric(a) && isNumeric(b));

function valueReader(column: Column, field: RowValue): Reader {
  switch (column.type) {
    case FieldType.Boolean:
    case FieldType.String: {
      const { values } = column;
      return (row) => values[row]!;
    }
    case FieldType.Float: {
      const { values } = column;
      if (field.type === FieldType.Float) return (row) => values[row]!;
      return (row) => castCell(values[row]!, FieldType.Float, field.type) as number | bigint | null;
    }
    default: {
      const { values } = column;
      const words = wordsOf(values);
      if (field.type === column.type) return (row) => integerAt(values, words, row);
      return (row) =>
        castCell(integerAt(values, words, row), column.type, field.type) as number | bigint | null;
    }
  }
}
