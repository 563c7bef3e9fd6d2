// Slice: rows of one series, ascending and unique in time, as they lie in linear memory.
import type { Kernels, Pointer } from "../kernels/kernels.ts";
import type { Expression } from "../model/expression.ts";
import { filterRows } from "../model/filter.ts";
import type { RegexCache } from "../model/regex.ts";
import type { Column } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import { wordsOf } from "../model/words.ts";

export interface SliceColumn {
  /** 8 bytes a row. */
  readonly values: Pointer;
  /** u8 a row, 0 = every row has a value. */
  readonly present: Pointer;
  /** What string offsets count from. */
  readonly heap: Pointer;
}

/** Valid until the next slice of its reader. */
export interface Slice {
  readonly rowCount: number;
  readonly times: Pointer;
  /** As the reader's fields; null where no row has a value. */
  readonly columns: readonly (SliceColumn | null)[];
}

/** Rows [start, start + rowCount) of a slice. */
export function partOf(slice: Slice, start: number, rowCount: number): Slice {
  const columns = slice.columns.map((column) => {
    if (!column) return null;
    const present = column.present ? column.present + start : 0;
    return { values: column.values + start * 8, present, heap: column.heap };
  });
  return { rowCount, times: slice.times + start * 8, columns };
}

/** A column whose string offsets from a heap have become pointers from the start of linear memory, in place. */
export function absolute(kernels: Kernels, column: SliceColumn | null | undefined, rowCount: number) {
  if (!column || column.heap === 0) return column;
  const words = kernels.u32(column.values, rowCount * 2);
  for (let r = 0; r < rowCount; r++) words[r * 2]! += column.heap;
  return { ...column, heap: 0 };
}

const text = new TextDecoder("utf-8", { ignoreBOM: true });

/** A column copied out of linear memory; of the rows at `rows` only, when given. */
export function copyColumn(
  kernels: Kernels,
  type: FieldType,
  column: SliceColumn,
  rowCount: number,
  rows: Uint32Array | null,
): Column {
  const present = column.present ? pick(kernels.view(column.present, rowCount), rows) : null;
  switch (type) {
    case FieldType.Float:
      return { type, present, values: pick(kernels.f64(column.values, rowCount), rows) };
    case FieldType.Integer:
      return { type, present, values: pick(kernels.i64(column.values, rowCount), rows) };
    case FieldType.Unsigned: {
      const values = pick(new BigUint64Array(kernels.buffer, column.values, rowCount), rows);
      return { type, present, values };
    }
    case FieldType.Boolean: {
      const words = kernels.u32(column.values, rowCount * 2);
      const count = rows ? rows.length : rowCount;
      const values = new Uint8Array(count);
      for (let i = 0; i < count; i++) values[i] = words[(rows ? rows[i]! : i) * 2]!;
      return { type, present, values };
    }
    case FieldType.String:
      return { type, present, values: copyStrings(kernels, column, rowCount, rows) };
  }
}

function copyStrings(
  kernels: Kernels,
  column: SliceColumn,
  rowCount: number,
  rows: Uint32Array | null,
): string[] {
  const words = kernels.u32(column.values, rowCount * 2);
  const bytes = kernels.bytes;
  const count = rows ? rows.length : rowCount;
  const values = new Array<string>(count);
  for (let i = 0; i < count; i++) {
    const row = rows ? rows[i]! : i;
    const from = column.heap + words[row * 2]!;
    const length = words[row * 2 + 1]!;
    values[i] = length === 0 ? "" : text.decode(bytes.subarray(from, from + length));
  }
  return values;
}

/** Adds the strings of `rowCount` slots whose offsets are pointers to `into`. */
export function readStrings(kernels: Kernels, slots: Pointer, rowCount: number, into: string[]): void {
  const { words, bytes } = kernels;
  for (let i = 0, at = slots >>> 2; i < rowCount; i++, at += 2) {
    const from = words[at]!;
    const length = words[at + 1]!;
    into.push(length === 0 ? "" : text.decode(bytes.subarray(from, from + length)));
  }
}

type Pickable = Uint8Array | Float64Array | BigInt64Array | BigUint64Array;

/** The values at `rows`, or all of them, in an array of their own. */
export function pick<T extends Pickable>(values: T, rows: Uint32Array | null): T {
  if (!rows) return values.slice() as T;
  const picked = new (values.constructor as new (length: number) => T)(rows.length);
  if (values instanceof Float64Array || values instanceof Uint8Array) {
    for (let i = 0; i < rows.length; i++) picked[i] = values[rows[i]!]!;
    return picked;
  }
  // as words: no BigInt a value
  const [into, from] = [wordsOf(picked as BigInt64Array), wordsOf(values)];
  for (let i = 0; i < rows.length; i++) {
    const row = 2 * rows[i]!;
    into[2 * i] = from[row]!;
    into[2 * i + 1] = from[row + 1]!;
  }
  return picked;
}

/** One byte a row: whether the row satisfies a condition over the fields at `fields`. */
export function filterSlice(
  kernels: Kernels,
  slice: Slice,
  fields: readonly { readonly name: string; readonly type: FieldType }[],
  condition: Expression,
  regexes: RegexCache,
): Uint8Array {
  const copied = new Map<string, Column | null>();
  return filterRows(
    condition,
    {
      rowCount: slice.rowCount,
      column(name) {
        let column = copied.get(name);
        if (column === undefined) {
          const index = fields.findIndex((field) => field.name === name);
          const found = index < 0 ? null : slice.columns[index];
          column = found ? copyColumn(kernels, fields[index]!.type, found, slice.rowCount, null) : null;
          copied.set(name, column);
        }
        return column;
      },
    },
    regexes,
  );
}
