// Bytes of a JSON answer on their way out: text, and rows that are kept as columns: `[time,a,b],[time,a,b]`.
//
// What is the same in all rows of a block (its tags, the commas) is made once a block, as the pieces between the values; a
// row then is time, a piece, a value, a piece ... No string and no array is made a row, a string only where a value needs one.
import type { Column, SeriesBlock } from "../../model/scan.ts";
import { FieldType } from "../../model/types.ts";
import { integerAt, wordsOf } from "../../query/cells.ts";
import type { ColumnarRows, RowCell } from "../../query/columnar.ts";
import { MOST_NUMBER_BYTES, putNumber, putText } from "./number.ts";
import type { TimeText } from "./time.ts";

const COMMA = 44;
const OPEN = 91;
const FIRST_BYTES = 64 * 1024;
const NULL = new TextEncoder().encode("null");

export class JsonBytes {
  readonly #encoder = new TextEncoder();
  readonly #time: TimeText;
  readonly #quoteTimes: boolean;
  #bytes = new Uint8Array(FIRST_BYTES);
  #length = 0;

  constructor(time: TimeText, quoteTimes: boolean) {
    this.#time = time;
    this.#quoteTimes = quoteTimes;
  }

  get length(): number {
    return this.#length;
  }

  text(text: string): void {
    this.#reserve(text.length * 3);
    this.#length += this.#encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  /** The bytes so far; the next ones begin anew. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  /** Puts rows from number `from` on until there are `pieceBytes`; gives the number of the first that is not in. */
  rows(
    { count, blocks, block, row }: ColumnarRows,
    forms: RowForms,
    from: number,
    pieceBytes: number,
  ): number {
    let at = from;
    let time = new Uint8Array(0);
    let high = 0;
    let low = 0;
    for (; at < count && this.#length < pieceBytes; at++) {
      const index = block[at]!;
      const r = row[at]!;
      const form = forms.of(index);
      // rows of many series stand at the same time
      if (time.length === 0 || form.words[2 * r] !== low || form.words[2 * r + 1] !== high) {
        low = form.words[2 * r]!;
        high = form.words[2 * r + 1]!;
        const text = this.#time(blocks[index]!.times[r]!);
        time = this.#encoder.encode(this.#quoteTimes ? `"${text}"` : text);
      }
      this.#reserve(form.mostBytes(r) + time.length + 2);
      const bytes = this.#bytes;
      let end = this.#length;
      if (at > 0) bytes[end++] = COMMA;
      bytes[end++] = OPEN;
      for (let i = 0; i < time.length; i++) bytes[end++] = time[i]!;
      this.#length = form.put(bytes, end, r);
    }
    return at;
  }

  #reserve(sizeBytes: number): void {
    const needed = this.#length + sizeBytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** How rows of each block are written, made when the first is. Blocks come again in the parts of a series. */
export class RowForms {
  readonly #forms: (RowForm | undefined)[] = [];

  constructor(
    readonly blocks: readonly SeriesBlock[],
    readonly cells: readonly RowCell[],
  ) {}

  of(block: number): RowForm {
    this.#forms[block] ??= new RowForm(this.blocks[block]!, this.cells);
    return this.#forms[block];
  }
}

/** Writes the value of a row and gives the place behind it. */
type PutCell = (bytes: Uint8Array, at: number, row: number) => number;

class RowForm {
  readonly words: Int32Array;
  /** One more than values: what stands before, between and behind them. */
  readonly #pieces: Uint8Array[] = [];
  readonly #values: PutCell[] = [];
  readonly #texts: (Column & { readonly type: typeof FieldType.String })[] = [];
  #fixedBytes = 0;

  constructor(block: SeriesBlock, cells: readonly RowCell[]) {
    this.words = wordsOf(block.times);
    let piece = "";
    for (const cell of cells) {
      piece += ",";
      if (cell.kind === "tag") piece += JSON.stringify(block.series.tags.get(cell.name) ?? null);
      else {
        const column = block.columns[cell.column] ?? null;
        if (column === null) piece += "null";
        else {
          this.#addPiece(piece);
          piece = "";
          this.#values.push(cellWriter(column));
          if (column.type === FieldType.String) this.#texts.push(column);
        }
      }
    }
    this.#addPiece(`${piece}]`);
  }

  /** Bytes that the cells of a row take at most. */
  mostBytes(row: number): number {
    let sizeBytes = this.#fixedBytes;
    // escaped, a character is up to six bytes
    for (const { values } of this.#texts) sizeBytes += (values[row] ?? "").length * 6;
    return sizeBytes;
  }

  put(bytes: Uint8Array, at: number, row: number): number {
    const pieces = this.#pieces;
    const values = this.#values;
    let end = at;
    for (let i = 0; i < pieces.length; i++) {
      const piece = pieces[i]!;
      if (piece.length > SHORT_BYTES) bytes.set(piece, end);
      else for (let b = 0; b < piece.length; b++) bytes[end + b] = piece[b]!;
      end += piece.length;
      if (i < values.length) end = values[i]!(bytes, end, row);
    }
    return end;
  }

  #addPiece(text: string): void {
    const piece = new TextEncoder().encode(text);
    this.#pieces.push(piece);
    this.#fixedBytes += piece.length + MOST_NUMBER_BYTES;
  }
}

/** Below it a loop is faster than a call. */
const SHORT_BYTES = 24;

function cellWriter(column: Column): PutCell {
  const put = valueWriter(column);
  const { present } = column;
  if (present === null) return put;
  return (bytes, at, row) => (present[row] === 0 ? putBytes(bytes, at, NULL) : put(bytes, at, row));
}

function valueWriter(column: Column): PutCell {
  switch (column.type) {
    case FieldType.Float: {
      const { values } = column;
      return (bytes, at, row) => putNumber(bytes, at, values[row]!);
    }
    case FieldType.Integer:
    case FieldType.Unsigned: {
      const { values } = column;
      const words = wordsOf(values);
      return (bytes, at, row) => {
        const value = integerAt(values, words, row);
        if (typeof value === "number") return putNumber(bytes, at, value);
        return putText(bytes, at, String(value));
      };
    }
    case FieldType.Boolean: {
      const { values } = column;
      return (bytes, at, row) => putText(bytes, at, values[row] === 0 ? "false" : "true");
    }
    case FieldType.String: {
      const { values } = column;
      const encoder = new TextEncoder();
      return (bytes, at, row) =>
        at + encoder.encodeInto(JSON.stringify(values[row]!), bytes.subarray(at)).written;
    }
  }
}

function putBytes(bytes: Uint8Array, at: number, more: Uint8Array): number {
  for (let i = 0; i < more.length; i++) bytes[at + i] = more[i]!;
  return at + more.length;
}
