// Rows that have little in common, as in many short series, collected and written together by the kernel (`jsonApart`).
//
//   piece 0  time  piece 1  value 0  piece 2  value 1 ...  piece n + 1
//
// What stands between the values (brackets, commas, tags, and the ends and heads of series) is collected as text.
import { assert } from "../../base/assert.ts";
import { type Kernels, Scratch } from "../../kernels/kernels.ts";
import type { Column } from "../../model/scan.ts";
import { FieldType } from "../../model/types.ts";
import type { ColumnarRows, RowCell } from "../../query/columnar.ts";
import type { Cell } from "../../query/result.ts";
import { tagText } from "./json-text.ts";
import { loadPowersOfTen } from "./powers.ts";

/** Values (or rows), and bytes that they take at most, after which they are written. */
const MOST_VALUES = 1024;
const MOST_BYTES = 32 * 1024;
/** Cells of a row at most: one of more is not for here. */
export const MOST_COLUMNS = 500;
/** Bytes that a number or a time takes at most; the kernel writes 8 further. */
const NUMBER_BYTES = 24;
const TIME_BYTES = 40;

const utf8 = new TextEncoder();

/** Times and values on their way into linear memory, which others may move meanwhile. */
class Room {
  readonly times = new BigInt64Array(MOST_VALUES);
  readonly integers = new BigInt64Array(MOST_VALUES);
  /** The same bytes as the integers. */
  readonly values = new Float64Array(this.integers.buffer);
  readonly marks = new Uint8Array(MOST_VALUES);
}

/** Of an answer that is done, for the next one. */
let spare: Room | null = null;

/** Mark of a value that stands in the pieces. */
const NOTHING = 6;

export class JsonApart {
  readonly #kernels: Kernels;
  readonly #unitNs: bigint;
  readonly #scratch: Scratch;
  /** Of the rows collected: the values of each, whose number is the same in all. */
  #columnCount = 0;
  #rowCount = 0;
  #valueCount = 0;
  #room: Room | null = null;
  #pieces: string[] = [];
  #characters = 0;

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
    spare ??= this.#room;
    this.#room = null;
  }

  /** Whether a row of `columnCount` values has to wait until those before it are written. */
  isFull(columnCount: number): boolean {
    if (this.#rowCount === 0) return false;
    return (
      columnCount !== this.#columnCount ||
      this.#rowCount === MOST_VALUES ||
      this.#valueCount + columnCount > MOST_VALUES ||
      this.mostBytes >= MOST_BYTES
    );
  }

  /** What `take` gives at most, as long as the text is ASCII. */
  get mostBytes(): number {
    return this.#rowCount * TIME_BYTES + this.#valueCount * NUMBER_BYTES + this.#characters;
  }

  /** Adds a row, with `before` in front of it; not when it is full. The cell in front is the time. */
  addRow(row: readonly Cell[], before: string): void {
    this.#begin(row.length - 1, row[0] as bigint, before);
    const { marks, values } = this.#room!;
    let piece = "";
    for (let c = 1; c < row.length; c++) {
      this.#piece(`${piece},`);
      const cell = row[c]!;
      const at = this.#valueCount++;
      piece = "";
      if (typeof cell === "number") {
        marks[at] = FieldType.Float;
        values[at] = cell;
      } else {
        marks[at] = NOTHING;
        piece = typeof cell === "bigint" ? String(cell) : JSON.stringify(cell);
      }
    }
    this.#piece(`${piece}]`);
  }

  /** Adds row `index` of a part, the same way. */
  addColumnar({ blocks, block, row, cells }: ColumnarRows, index: number, before: string): void {
    const { series, times, columns } = blocks[block[index]!]!;
    const rowAt = row[index]!;
    this.#begin(fieldCount(cells), times[rowAt]!, before);
    let piece = "";
    for (const cell of cells) {
      if (cell.kind === "tag") {
        const value = series.tags.get(cell.name);
        piece += value === undefined ? ",null" : `,${tagText(value)}`;
        continue;
      }
      this.#piece(`${piece},`);
      piece = this.#value(columns[cell.column] ?? null, rowAt, this.#valueCount++);
    }
    this.#piece(`${piece}]`);
  }

  // Puts a value in its place; one that is no number is given as text instead.
  #value(column: Column | null, row: number, at: number): string {
    const { marks, values, integers } = this.#room!;
    marks[at] = NOTHING;
    if (column === null || column.present?.[row] === 0) return "null";
    switch (column.type) {
      case FieldType.String:
        return JSON.stringify(column.values[row]!);
      case FieldType.Boolean:
        return column.values[row] === 0 ? "false" : "true";
      case FieldType.Float:
        values[at] = column.values[row]!;
        break;
      default:
        integers[at] = column.values[row]!; // (bits: an unsigned one comes back as it was)
    }
    marks[at] = column.type;
    return "";
  }

  /** The bytes of the rows collected, valid until the next call; then there are none. */
  take(): Uint8Array {
    const rows = this.#rowCount;
    const values = this.#valueCount;
    const pieces = this.#pieces;
    const kernels = this.#kernels;
    const room = this.#room!;
    const text = pieces.join("");
    const out = rows * TIME_BYTES + values * NUMBER_BYTES + 8 + text.length * 3;
    const times = this.#scratch.reserve(
      rows * 8 + values * 9 + pieces.length * 4 + 16 + text.length * 3 + out,
    );
    const valuesAt = times + rows * 8;
    const lengths = valuesAt + values * 8;
    const marks = lengths + pieces.length * 4;
    const textAt = marks + values;
    const outAt = textAt + text.length * 3;
    kernels.i64(times, rows).set(room.times.subarray(0, rows));
    kernels.f64(valuesAt, values).set(room.values.subarray(0, values));
    kernels.view(marks, values).set(room.marks.subarray(0, values));
    const { written } = utf8.encodeInto(text, kernels.view(textAt, text.length * 3));
    const lengthOf = kernels.u32(lengths, pieces.length);
    const isAscii = written === text.length;
    for (let p = 0; p < pieces.length; p++)
      lengthOf[p] = isAscii ? pieces[p]!.length : Buffer.byteLength(pieces[p]!);
    const end = kernels.call.jsonApart(
      ...([rows, this.#columnCount, times, this.#unitNs, lengths, textAt, valuesAt, marks, outAt] as const),
    );
    this.#rowCount = 0;
    this.#valueCount = 0;
    this.#pieces = [];
    this.#characters = 0;
    return kernels.view(outAt, (end >>> 0) - outAt);
  }

  #begin(columnCount: number, time: bigint, before: string): void {
    assert(columnCount < MOST_COLUMNS && !this.isFull(columnCount), "a row that fits into the room");
    if (this.#room === null) {
      this.#room = spare ?? new Room();
      spare = null;
    }
    this.#columnCount = columnCount;
    this.#room.times[this.#rowCount++] = time;
    this.#piece(`${before}[`);
  }

  #piece(text: string): void {
    this.#pieces.push(text);
    this.#characters += text.length;
  }
}

/** How many of the cells are values of fields. */
export function fieldCount(cells: readonly RowCell[]): number {
  let count = 0;
  for (const { kind } of cells) if (kind === "field") count++;
  return count;
}
