// Rows of an answer as a block: what a statement answers becomes what the statement around it scans.
//
// The reverse of cells.ts: cells go into typed arrays by the type that the plan gives their column.
import type { Expression } from "../model/expression.ts";
import { filterRows } from "../model/filter.ts";
import { reduce } from "../model/predicate.ts";
import type { RegexCache } from "../model/regex.ts";
import type { Column, Series } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import { TWO_32, wordsOf } from "../model/words.ts";
import type { SeriesBlock } from "./blocks.ts";
import type { Row } from "./parts.ts";
import type { Cell } from "./result.ts";

/** A column of the answer: its index among the cells of a row and the type of its values. */
export interface CellColumn {
  readonly index: number;
  readonly type: FieldType;
}

/** `rows` ascend in time, which is cell 0. A null column has no values at all. */
export function blockOfRows(
  series: Series,
  rows: readonly Row[],
  columns: readonly (CellColumn | null)[],
): SeriesBlock {
  const times = new BigInt64Array(rows.length);
  for (let i = 0; i < rows.length; i++) times[i] = rows[i]![0] as bigint;
  return {
    series,
    start: 0,
    rowCount: rows.length,
    times,
    columns: columns.map((column) => {
      if (column === null) return null;
      const { index, type } = column;
      return columnOfCells(
        rows.map((row) => row[index]!),
        type,
      );
    }),
  };
}

/** The cells of a column in an array of their type; null: it has no values. */
export function columnOfCells(cells: readonly Cell[], type: FieldType): Column | null {
  const present = new Uint8Array(cells.length);
  let count = 0;
  for (let i = 0; i < cells.length; i++) {
    if (cells[i] === null) continue;
    present[i] = 1;
    count++;
  }
  if (count === 0) return null;
  return withValues(cells, type, count === cells.length ? null : present);
}

/** Whether every cell is null or a value of the type. */
export function isOfType(cells: readonly Cell[], type: FieldType): boolean {
  switch (type) {
    case FieldType.Float:
      return cells.every((cell) => cell === null || typeof cell === "number");
    case FieldType.Boolean:
      return cells.every((cell) => cell === null || typeof cell === "boolean");
    case FieldType.String:
      return cells.every((cell) => cell === null || typeof cell === "string");
    default: {
      const least = type === FieldType.Unsigned ? 0 : Number.NEGATIVE_INFINITY;
      return cells.every(
        (cell) =>
          cell === null ||
          ((typeof cell === "bigint" || Number.isSafeInteger(cell)) && (cell as number | bigint) >= least),
      );
    }
  }
}

function withValues(cells: readonly Cell[], type: FieldType, present: Uint8Array | null): Column {
  const count = cells.length;
  switch (type) {
    case FieldType.Float: {
      const values = new Float64Array(count);
      for (let i = 0; i < count; i++) values[i] = (cells[i] as number | null) ?? 0;
      return { type, present, values };
    }
    case FieldType.Boolean: {
      const values = new Uint8Array(count);
      for (let i = 0; i < count; i++) values[i] = cells[i] === true ? 1 : 0;
      return { type, present, values };
    }
    case FieldType.String:
      return { type, present, values: cells.map((cell) => (cell as string | null) ?? "") };
    default: {
      const values = type === FieldType.Unsigned ? new BigUint64Array(count) : new BigInt64Array(count);
      const words = wordsOf(values);
      for (let i = 0; i < count; i++) setInteger(values, words, i, cells[i]!);
      return { type, present, values };
    }
  }
}

/** An integer cell as 64 bits, without a BigInt where a double holds it; null as 0. */
function setInteger(values: BigInt64Array | BigUint64Array, words: Int32Array, i: number, cell: Cell): void {
  if (typeof cell === "bigint") values[i] = cell;
  else if (typeof cell === "number") {
    const high = Math.floor(cell / TWO_32);
    words[2 * i + 1] = high;
    words[2 * i] = cell - high * TWO_32;
  }
}

/** The same text in every row: a tag of the series as a column. */
export function constantColumn(value: string, rowCount: number): Column {
  return { type: FieldType.String, present: null, values: new Array<string>(rowCount).fill(value) };
}

/** Of a block that shares its columns with no other the rows that satisfy a condition, and the first `count` of the columns, which `names` names; null: no row does. */
export function chosenRows(
  block: SeriesBlock,
  names: readonly string[],
  count: number,
  where: Expression | null,
  regexes: RegexCache,
): SeriesBlock | null {
  const columns = block.columns.slice(0, count);
  if (where === null) return { ...block, columns };
  const { tags } = block.series;
  const rest = reduce(where, (name) => tags.get(name) ?? "", regexes);
  if (rest === false) return null;
  if (rest === true) return { ...block, columns };
  const column = (name: string): Column | null => block.columns[names.indexOf(name)] ?? null;
  const mask = filterRows(rest, { rowCount: block.rowCount, column }, regexes);
  const kept = maskedBlock({ ...block, columns }, mask);
  return kept.rowCount === 0 ? null : kept;
}

/** The rows of a block where `mask` is 1. */
function maskedBlock(block: SeriesBlock, mask: Uint8Array): SeriesBlock {
  let rowCount = 0;
  for (const keep of mask) rowCount += keep;
  if (rowCount === block.rowCount) return block;
  const kept = new Uint32Array(rowCount);
  let at = 0;
  for (let row = 0; row < mask.length; row++) if (mask[row] === 1) kept[at++] = row;
  const times = new BigInt64Array(rowCount);
  for (let i = 0; i < rowCount; i++) times[i] = block.times[kept[i]!]!;
  const columns = block.columns.map((column) => (column === null ? null : masked(column, kept)));
  return { series: block.series, start: 0, rowCount, times, columns };
}

function masked(column: Column, kept: Uint32Array): Column {
  const present = column.present === null ? null : picked(column.present, new Uint8Array(kept.length), kept);
  switch (column.type) {
    case FieldType.Float:
      return {
        type: column.type,
        present,
        values: picked(column.values, new Float64Array(kept.length), kept),
      };
    case FieldType.Boolean:
      return { type: column.type, present, values: picked(column.values, new Uint8Array(kept.length), kept) };
    case FieldType.String:
      return { type: column.type, present, values: Array.from(kept, (row) => column.values[row]!) };
    default: {
      const { type } = column;
      const values =
        type === FieldType.Unsigned ? new BigUint64Array(kept.length) : new BigInt64Array(kept.length);
      // as words: a double would not keep every pattern of bits
      const from = wordsOf(column.values);
      const into = wordsOf(values);
      for (let i = 0; i < kept.length; i++) {
        into[2 * i] = from[2 * kept[i]!]!;
        into[2 * i + 1] = from[2 * kept[i]! + 1]!;
      }
      return { type, present, values };
    }
  }
}

function picked<T extends Float64Array | Uint8Array>(from: T, into: T, kept: Uint32Array): T {
  for (let i = 0; i < kept.length; i++) into[i] = from[kept[i]!]!;
  return into;
}
