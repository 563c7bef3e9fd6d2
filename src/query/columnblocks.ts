// Rows of an answer that are stored rows as they are (columnar.ts) as a block: values go from array to array, never as cells.
import { memoized } from "../base/memoized.ts";
import type { Column, Series } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import { wordsOf } from "../model/words.ts";
import type { SeriesBlock } from "./blocks.ts";
import type { CellColumn } from "./cellblocks.ts";
import type { ColumnarRows } from "./columnar.ts";

/** As `blockOfRows`; null when a column is stored in another type than the plan gives it: cells are read as that type then. */
export function blockOfColumnar(
  series: Series,
  rows: ColumnarRows,
  columns: readonly (CellColumn | null)[],
  descending: boolean,
): SeriesBlock | null {
  const { count, blocks } = rows;
  // where each row of the block, which ascend, is stored
  const block = descending ? rows.block.slice(0, count).reverse() : rows.block;
  const row = descending ? rows.row.slice(0, count).reverse() : rows.row;
  const times = new BigInt64Array(count);
  const into = wordsOf(times);
  const wordsOfTimes = memoized(wordsOf);
  const words = blocks.map((each) => wordsOfTimes(each.times));
  for (let i = 0; i < count; i++) {
    const from = words[block[i]!]!;
    into[2 * i] = from[2 * row[i]!]!;
    into[2 * i + 1] = from[2 * row[i]! + 1]!;
  }
  const made: (Column | null)[] = [];
  for (const column of columns) {
    const cell = column === null ? undefined : rows.cells[column.index - 1];
    if (column === null || cell === undefined) {
      made.push(null);
      continue;
    }
    if (cell.kind === "tag") {
      const values = blocks.map((each) => each.series.tags.get(cell.name));
      made.push(tagColumn(values, block, count));
      continue;
    }
    const from = blocks.map((each) => each.columns[cell.column] ?? null);
    if (from.some((each) => each !== null && each.type !== column.type)) return null;
    made.push(fieldColumn(from, column.type, block, row, count));
  }
  return { series, start: 0, rowCount: count, times, columns: made };
}

function tagColumn(values: readonly (string | undefined)[], block: Uint32Array, count: number): Column {
  const texts = new Array<string>(count);
  let present: Uint8Array | null = null;
  for (let i = 0; i < count; i++) {
    const value = values[block[i]!];
    texts[i] = value ?? "";
    if (value !== undefined) continue;
    present ??= new Uint8Array(count).fill(1);
    present[i] = 0;
  }
  return { type: FieldType.String, present, values: texts };
}

/** `from`: the column of each block, all of the one type; null where a block has no value. */
function fieldColumn(
  from: readonly (Column | null)[],
  type: FieldType,
  block: Uint32Array,
  row: Uint32Array,
  count: number,
): Column {
  const present = presentRows(from, block, row, count);
  const has = (i: number): boolean => present === null || present[i] === 1;
  switch (type) {
    case FieldType.Float: {
      const values = new Float64Array(count);
      const arrays = from.map((column) => column?.values as Float64Array);
      for (let i = 0; i < count; i++) if (has(i)) values[i] = arrays[block[i]!]![row[i]!]!;
      return { type, present, values };
    }
    case FieldType.Boolean: {
      const values = new Uint8Array(count);
      const arrays = from.map((column) => column?.values as Uint8Array);
      for (let i = 0; i < count; i++) if (has(i)) values[i] = arrays[block[i]!]![row[i]!]!;
      return { type, present, values };
    }
    case FieldType.String: {
      const values = new Array<string>(count).fill("");
      for (let i = 0; i < count; i++) if (has(i)) values[i] = from[block[i]!]!.values[row[i]!] as string;
      return { type, present, values };
    }
    default: {
      const values = type === FieldType.Unsigned ? new BigUint64Array(count) : new BigInt64Array(count);
      const into = wordsOf(values);
      const words = from.map((column) =>
        column === null ? null : wordsOf(column.values as BigInt64Array | BigUint64Array),
      );
      for (let i = 0; i < count; i++) {
        if (!has(i)) continue;
        const ofBlock = words[block[i]!]!;
        into[2 * i] = ofBlock[2 * row[i]!]!;
        into[2 * i + 1] = ofBlock[2 * row[i]! + 1]!;
      }
      return { type, present, values };
    }
  }
}

/** One byte a row; null: all have a value. */
function presentRows(
  from: readonly (Column | null)[],
  block: Uint32Array,
  row: Uint32Array,
  count: number,
): Uint8Array | null {
  if (from.every((column) => column !== null && column.present === null)) return null;
  const present = new Uint8Array(count).fill(1);
  for (let i = 0; i < count; i++) {
    const column = from[block[i]!]!;
    if (column === null || column.present?.[row[i]!] === 0) present[i] = 0;
  }
  return present;
}
