// Values of rows that lie in many blocks, put side by side in linear memory: 8 bytes a value, and a mark, which is the value's
// type, or 0 where there is none.
import type { Kernels, Pointer } from "../../kernels/kernels.ts";
import type { Column, SeriesBlock } from "../../model/scan.ts";
import { FieldType } from "../../model/types.ts";
import { wordsOf } from "../../query/cells.ts";
import type { ColumnarRows } from "../../query/columnar.ts";

/** A field in all blocks of an answer. */
export interface ColumnSource {
  /** By block; null = it has no such column. */
  readonly columns: readonly (Column | null)[];
  /** Of all columns that are there; null when they differ or when there is none. */
  readonly type: FieldType | null;
  /** Every row of every block has a value. */
  readonly isFull: boolean;
  /** By block: the values; of 64-bit integers the words, two a value. */
  readonly values: readonly (Column["values"] | Int32Array)[];
}

const NO_VALUES: readonly string[] = [];

export function sourceOf(blocks: readonly SeriesBlock[], column: number): ColumnSource {
  const columns = blocks.map((block) => block.columns[column] ?? null);
  const [first] = columns;
  const isSame = columns.every((each) => each !== null && each.type === first!.type);
  return {
    columns,
    type: isSame && first ? first.type : null,
    isFull: columns.every((each) => each?.present === null),
    values: columns.map((each) => {
      if (each === null) return NO_VALUES;
      const isWord = each.type === FieldType.Integer || each.type === FieldType.Unsigned;
      return isWord ? wordsOf(each.values) : each.values;
    }),
  };
}

export function gatherTimes(kernels: Kernels, rows: ColumnarRows, target: Pointer): void {
  const times = rows.blocks.map((block) => block.times);
  const at = rangeOf(rows);
  if (at >= 0) kernels.i64(target, rows.count).set(times[0]!.subarray(at, at + rows.count));
  else gatherWords(rows, times.map(wordsOf), wordsAt(kernels, target, rows.count));
}

/** Values of strings stay where they are: their slots are the caller's to fill. */
export function gatherValues(
  kernels: Kernels,
  rows: ColumnarRows,
  source: ColumnSource,
  target: Pointer,
  marks: Pointer,
): void {
  const { count, block, row } = rows;
  const mark = kernels.view(marks, count);
  const { columns, type, values } = source;
  if (type === null) {
    gatherMixed(kernels, rows, source, target, mark);
    return;
  }
  mark.fill(type);
  if (!source.isFull)
    for (let i = 0; i < count; i++) if (columns[block[i]!]!.present?.[row[i]!] === 0) mark[i] = 0;
  if (type === FieldType.Float) {
    const floats = values as readonly Float64Array[];
    const out = kernels.f64(target, count);
    const at = rangeOf(rows);
    if (at >= 0) out.set(floats[0]!.subarray(at, at + count));
    else for (let i = 0; i < count; i++) out[i] = floats[block[i]!]![row[i]!]!;
  } else if (type === FieldType.Boolean) {
    const out = wordsAt(kernels, target, count);
    for (let i = 0; i < count; i++) out[2 * i] = (values[block[i]!] as Uint8Array)[row[i]!]!;
  } else if (type !== FieldType.String)
    gatherWords(rows, values as readonly Int32Array[], wordsAt(kernels, target, count));
}

// Columns that are not there, or of several types.
function gatherMixed(
  kernels: Kernels,
  { count, block, row }: ColumnarRows,
  { columns, values }: ColumnSource,
  target: Pointer,
  mark: Uint8Array,
): void {
  const floats = kernels.f64(target, count);
  const words = wordsAt(kernels, target, count);
  for (let i = 0; i < count; i++) {
    const r = row[i]!;
    const column = columns[block[i]!]!;
    mark[i] = column === null || column.present?.[r] === 0 ? 0 : column.type;
    if (mark[i] === 0 || column.type === FieldType.String) continue;
    if (column.type === FieldType.Float) floats[i] = column.values[r]!;
    else if (column.type === FieldType.Boolean) words[2 * i] = column.values[r]!;
    else {
      const from = values[block[i]!] as Int32Array;
      words[2 * i] = from[2 * r]!;
      words[2 * i + 1] = from[2 * r + 1]!;
    }
  }
}

function gatherWords(
  { count, block, row }: ColumnarRows,
  words: readonly Int32Array[],
  out: Int32Array,
): void {
  for (let i = 0; i < count; i++) {
    const from = words[block[i]!]!;
    const r = 2 * row[i]!;
    out[2 * i] = from[r]!;
    out[2 * i + 1] = from[r + 1]!;
  }
}

// Where the rows begin, when they are those of a single block one after the other; else -1.
function rangeOf({ count, blocks, row }: ColumnarRows): number {
  if (blocks.length !== 1) return -1;
  const first = row[0]!;
  for (let i = 1; i < count; i++) if (row[i] !== first + i) return -1;
  return first;
}

function wordsAt(kernels: Kernels, pointer: Pointer, count: number): Int32Array {
  return new Int32Array(kernels.buffer, pointer, count * 2);
}
