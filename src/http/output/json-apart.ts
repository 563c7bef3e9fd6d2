// Text, and in it rows that have little in common, as in many short series: collected, and written together by the kernel
// (`jsonApart`).
//
//   piece 0  time  piece 1  value 0  piece 2  value 1 ...  piece n + 1
//
// What stands between the values (brackets, commas, tags, and the ends and heads of series) are the pieces.
import { assert } from "../../base/assert.ts";
import { type Kernels, Scratch } from "../../kernels/kernels.ts";
import type { Column } from "../../model/scan.ts";
import { FieldType } from "../../model/types.ts";
import type { ColumnarRows, RowCell } from "../../query/columnar.ts";
import type { Cell } from "../../query/result.ts";
import { JsonBytes } from "./json-bytes.ts";
import { piecesOf } from "./json-pieces.ts";
import { loadPowersOfTen } from "./powers.ts";

/** Values (or rows), and bytes that they take at most, after which they are written. */
const MOST_VALUES = 1024;
const MOST_BYTES = 32 * 1024;
/** Cells of a row at most: one of more is not for here. */
export const MOST_COLUMNS = 500;
/** Bytes that a number or a time takes at most; the kernel writes 8 further. */
const NUMBER_BYTES = 24;
const TIME_BYTES = 40;

/** Times, values and lengths of pieces on their way into linear memory, which others may move meanwhile. */
class Room {
  readonly times = new BigInt64Array(MOST_VALUES);
  readonly integers = new BigInt64Array(MOST_VALUES);
  /** The same bytes as the integers. */
  readonly values = new Float64Array(this.integers.buffer);
  readonly marks = new Uint8Array(MOST_VALUES);
  /** A row has two pieces more than values. */
  readonly lengths = new Uint32Array(3 * MOST_VALUES);
}

/** Of an answer that is done, for the next one. */
let spare: Room | null = null;

/** Marks of a value that is null, and of one that stands in the pieces. */
const NULL = 0;
const NOTHING = 6;

export class JsonApart {
  readonly #kernels: Kernels;
  readonly #unitNs: bigint;
  readonly #scratch: Scratch;
  /** Of the rows collected: the values of each, whose number is the same in all. */
  #columnCount = 0;
  #rowCount = 0;
  #valueCount = 0;
  #pieceCount = 0;
  #room: Room | null = null;
  /** The pieces, one behind the other, and where the last one begins, whose length is not known yet. */
  readonly #text = new JsonBytes();
  #pieceAt = 0;

  /** `unitNs`: what times are cut to, 0 = RFC 3339. `close` when done. */
  constructor(kernels: Kernels, unitNs: bigint) {
    this.#kernels = kernels;
    loadPowersOfTen(kernels);
    this.#unitNs = unitNs;
    this.#scratch = new Scratch(kernels);
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  close(): void {
    this.#scratch.release();
    this.#text.close();
    spare ??= this.#room;
    this.#room = null;
  }

  /** Whether a row of `columnCount` values has to wait until those before it are written. */
  isFull(columnCount: number): boolean {
    return !this.#hasRoom(columnCount) || (this.#rowCount > 0 && this.mostBytes >= MOST_BYTES);
  }

  /** (Text may go over the bytes: what stands before a row comes behind the question whether it is full.) */
  #hasRoom(columnCount: number): boolean {
    return (
      this.#rowCount === 0 ||
      (columnCount === this.#columnCount &&
        this.#rowCount < MOST_VALUES &&
        this.#valueCount + columnCount <= MOST_VALUES)
    );
  }

  /** What `take` gives at most. */
  get mostBytes(): number {
    return this.#rowCount * TIME_BYTES + this.#valueCount * NUMBER_BYTES + this.#text.length;
  }

  text(text: string): void {
    this.#text.text(text);
  }

  /** Adds a row; not when it is full. The cell in front is the time. */
  addRow(row: readonly Cell[]): void {
    const { marks, values } = this.#begin(row.length - 1, row[0] as bigint);
    for (let c = 1; c < row.length; c++) {
      this.#text.text(",");
      this.#endPiece();
      const cell = row[c]!;
      const at = this.#valueCount++;
      if (typeof cell === "number") {
        marks[at] = FieldType.Float;
        values[at] = cell;
      } else {
        marks[at] = NOTHING;
        this.#text.text(typeof cell === "bigint" ? String(cell) : JSON.stringify(cell));
      }
    }
    this.#text.text("]");
    this.#endPiece();
  }

  /** Adds row `index` of a part, the same way. */
  addColumnar({ blocks, block, row, cells }: ColumnarRows, index: number): void {
    const { series, times, columns } = blocks[block[index]!]!;
    const rowAt = row[index]!;
    const { texts, lengths, bytes } = piecesOf(series, cells);
    const fields = fieldsOf(cells);
    const room = this.#begin(fields.length, times[rowAt]!);
    const first = this.#valueCount;
    let apart: (string | null)[] | undefined;
    for (let c = 0; c < fields.length; c++) {
      const text = this.#value(columns[fields[c]!] ?? null, rowAt, first + c);
      if (text === null) continue;
      apart ??= [];
      apart[c] = text;
    }
    this.#valueCount = first + fields.length;
    if (apart === undefined) {
      this.#text.add(bytes);
      this.#pieceAt = this.#text.length;
      for (let p = 0; p < lengths.length; p++) room.lengths[this.#pieceCount++] = lengths[p]!;
      return;
    }
    for (let p = 0; p < texts.length; p++) {
      this.#text.text((apart[p - 1] ?? "") + texts[p]!);
      this.#endPiece();
    }
  }

  // Puts a value in its place; one that the kernel does not write is given as text instead, else null.
  #value(column: Column | null, row: number, at: number): string | null {
    const { marks, values, integers } = this.#room!;
    if (column === null || column.present?.[row] === 0) {
      marks[at] = NULL;
      return null;
    }
    const { type } = column;
    marks[at] = type;
    switch (type) {
      case FieldType.String:
        marks[at] = NOTHING;
        return JSON.stringify(column.values[row]!);
      case FieldType.Boolean:
        integers[at] = column.values[row] === 0 ? 0n : 1n;
        return null;
      case FieldType.Float:
        values[at] = column.values[row]!;
        return null;
      default:
        integers[at] = column.values[row]!; // (bits: an unsigned one comes back as it was)
        return null;
    }
  }

  /** The bytes of all that was collected, valid until the next call; then there is nothing. */
  take(): Uint8Array {
    const text = this.#text.written;
    this.#text.clear();
    const pieceAt = this.#pieceAt;
    this.#pieceAt = 0;
    const rows = this.#rowCount;
    if (rows === 0) return text;
    const values = this.#valueCount;
    const pieces = this.#pieceCount;
    const kernels = this.#kernels;
    const room = this.#room!;
    const out = rows * TIME_BYTES + values * NUMBER_BYTES + text.length + 8;
    const times = this.#scratch.reserve(rows * 8 + values * 9 + pieces * 4 + 16 + text.length + out);
    const valuesAt = times + rows * 8;
    const lengths = valuesAt + values * 8;
    const marks = lengths + pieces * 4;
    const textAt = marks + values;
    const outAt = textAt + text.length;
    kernels.i64(times, rows).set(room.times.subarray(0, rows));
    kernels.f64(valuesAt, values).set(room.values.subarray(0, values));
    kernels.u32(lengths, pieces).set(room.lengths.subarray(0, pieces));
    kernels.view(marks, values).set(room.marks.subarray(0, values));
    kernels.put(textAt, text);
    const end =
      kernels.call.jsonApart(
        ...([rows, this.#columnCount, times, this.#unitNs, lengths, textAt, valuesAt, marks, outAt] as const),
      ) >>> 0;
    this.#rowCount = 0;
    this.#valueCount = 0;
    this.#pieceCount = 0;
    // the text behind the last row
    kernels.put(end, text.subarray(pieceAt));
    return kernels.view(outAt, end - outAt + text.length - pieceAt);
  }

  #begin(columnCount: number, time: bigint): Room {
    assert(columnCount < MOST_COLUMNS && this.#hasRoom(columnCount), "a row that fits into the room");
    if (this.#room === null) {
      this.#room = spare ?? new Room();
      spare = null;
    }
    this.#columnCount = columnCount;
    this.#room.times[this.#rowCount++] = time;
    this.#text.text("[");
    this.#endPiece();
    return this.#room;
  }

  #endPiece(): void {
    const end = this.#text.length;
    this.#room!.lengths[this.#pieceCount++] = end - this.#pieceAt;
    this.#pieceAt = end;
  }
}

let last: { readonly cells: readonly RowCell[]; readonly fields: readonly number[] } = {
  cells: [],
  fields: [],
};

/** Of the cells that are values of fields the columns. */
export function fieldsOf(cells: readonly RowCell[]): readonly number[] {
  if (last.cells !== cells)
    last = { cells, fields: cells.flatMap((cell) => (cell.kind === "field" ? [cell.column] : [])) };
  return last.fields;
}
