// Rows that are kept as columns, loaded into linear memory for the kernel (kernels/assembly/json.ts) to write as JSON.
//
// They may lie scattered over the columns of many batches: they are put there in order (json-gather.ts). What is the same in all rows
// of a block (its tags, the commas) is its form, made once. No string and no array is made a row.
import { type Kernels, type Pointer, Scratch } from "../../kernels/kernels.ts";
import type { ColumnarRows } from "../../query/columnar.ts";
import { fieldsOf } from "./json-apart.ts";
import { JsonForms } from "./json-forms.ts";
import { JsonGather, type SlotText } from "./json-gather.ts";
import { loadPowersOfTen } from "./powers.ts";

/** Bytes that a number takes at most, and a time. */
const NUMBER_BYTES = 24;
const TIME_BYTES = 40;

/** Where the rows are. */
export interface Loaded {
  readonly times: Pointer;
  readonly forms: Pointer;
  readonly columns: Pointer;
  readonly columnCount: number;
  /** What a row takes at most, and all of them together. */
  readonly rowBytes: number;
  readonly sizeBytes: number;
}

export class JsonPart {
  readonly #kernels: Kernels;
  readonly #values: Scratch;
  readonly #texts: Scratch;
  readonly #forms: JsonForms;
  /** Of the blocks that were loaded last, and the columns of the rows' fields there. */
  #gather: JsonGather | undefined;
  #fields: readonly number[] = [];
  #of: Pick<ColumnarRows, "blocks" | "cells"> | undefined;

  /** `close` when done. */
  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    loadPowersOfTen(kernels);
    this.#values = new Scratch(kernels);
    this.#texts = new Scratch(kernels);
    this.#forms = new JsonForms(kernels);
  }

  close(): void {
    this.#values.release();
    this.#texts.release();
    this.#forms.close();
  }

  /** Loads rows; they stand until the next are. */
  load(part: ColumnarRows): Loaded {
    if (this.#of?.blocks !== part.blocks || this.#of.cells !== part.cells) {
      this.#of = part;
      this.#forms.clear();
      this.#fields = fieldsOf(part.cells);
      this.#gather = new JsonGather(this.#kernels, part.blocks, this.#fields);
    }
    const gather = this.#gather!;
    const { count, block } = part;
    const kernels = this.#kernels;
    const fields = this.#fields;
    // forms first: making them may move linear memory
    let formBytes = 0;
    let sizeBytes = count * (TIME_BYTES + NUMBER_BYTES * fields.length);
    for (let i = 0; i < count; i++) {
      const own = this.#forms.make(part, block[i]!);
      formBytes = Math.max(formBytes, own);
      sizeBytes += own;
    }
    const times = this.#values.reserve(count * (12 + 9 * fields.length) + fields.length * 8);
    const columns = times + count * 8 * (1 + fields.length);
    const forms = columns + fields.length * 8;
    const marks = forms + count * 4;

    gather.times(part, times);
    const { words } = kernels;
    for (let i = 0; i < count; i++) words[(forms >>> 2) + i] = this.#forms.pointer(block[i]!);
    const texts: SlotText[] = [];
    for (let c = 0; c < fields.length; c++) {
      const values = times + count * 8 * (1 + c);
      words[(columns >>> 2) + c * 2] = values;
      words[(columns >>> 2) + c * 2 + 1] = marks + count * c;
      gather.column(c, part, values, marks + count * c, texts);
    }
    // slots of a column stand end to end, and so do columns: the row is what is left
    const { longest, textBytes } = this.#putTexts(texts, count, (slot) => ((slot - times) >>> 3) % count);
    const rowBytes = longest + NUMBER_BYTES * fields.length + formBytes + TIME_BYTES;
    return { times, forms, columns, columnCount: fields.length, rowBytes, sizeBytes: sizeBytes + textBytes };
  }

  // Puts texts into linear memory, and where they are into their slots. Gives the bytes of those of a row at most, and of all.
  #putTexts(
    texts: readonly SlotText[],
    rows: number,
    rowOf: (slot: Pointer) => number,
  ): { readonly longest: number; readonly textBytes: number } {
    if (texts.length === 0) return { longest: 0, textBytes: 0 };
    const kernels = this.#kernels;
    const encoder = new TextEncoder();
    // UTF-8 takes up to three bytes a UTF-16 unit
    const sizeBytes = texts.reduce((sum, { text }) => sum + text.length * 3, 0);
    const first = this.#texts.reserve(sizeBytes);
    let at = first;
    const { bytes } = kernels;
    const words = kernels.u32(0, kernels.buffer.byteLength >>> 2);
    const ofRow = new Float64Array(rows);
    let longest = 0;
    for (const { slot, text } of texts) {
      const { written } = encoder.encodeInto(text, bytes.subarray(at, at + text.length * 3));
      words[slot >>> 2] = at;
      words[(slot >>> 2) + 1] = written;
      at += written;
      const row = rowOf(slot);
      ofRow[row]! += written;
      longest = Math.max(longest, ofRow[row]!);
    }
    return { longest, textBytes: at - first };
  }
}
