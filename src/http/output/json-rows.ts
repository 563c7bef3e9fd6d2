// Rows that are kept as columns, as the bytes of a JSON answer: `[time,a,b],[time,a,b]`, by the kernel (kernels/assembly/json.ts).
//
// The rows of a part lie scattered over the blocks of many series: they are put side by side in linear memory, column by column.
// What is the same in all rows of a block (its tags, the commas) is its form, made once. No string and no array is made a row.
import { type Kernels, type Pointer, Scratch } from "../../kernels/kernels.ts";
import { FieldType } from "../../model/types.ts";
import type { ColumnarRows } from "../../query/columnar.ts";
import { JsonForms } from "./json-forms.ts";
import { type ColumnSource, gatherTimes, gatherValues, sourceOf } from "./json-gather.ts";
import { loadPowersOfTen } from "./powers.ts";

/** Bytes that a number takes at most, and a time. */
const NUMBER_BYTES = 24;
const TIME_BYTES = 40;

/** What the kernel may write behind a number. */
const SPARE_BYTES = 8;

export class JsonRows {
  readonly #kernels: Kernels;
  readonly #unitNs: bigint;
  readonly #pieceBytes: number;
  readonly #values: Scratch;
  readonly #texts: Scratch;
  readonly #out: Scratch;
  readonly #forms: JsonForms;
  /** By field of the rows; of the blocks that were written last. */
  #sources: readonly ColumnSource[] = [];
  #of: Pick<ColumnarRows, "blocks" | "cells"> | undefined;

  /** `unitNs`: what times are cut to, 0 = RFC 3339. `close` when done. */
  constructor(kernels: Kernels, unitNs: bigint, pieceBytes: number) {
    this.#kernels = kernels;
    loadPowersOfTen(kernels);
    this.#unitNs = unitNs;
    this.#pieceBytes = pieceBytes;
    this.#values = new Scratch(kernels);
    this.#texts = new Scratch(kernels);
    this.#out = new Scratch(kernels);
    this.#forms = new JsonForms(kernels);
  }

  close(): void {
    this.#values.release();
    this.#texts.release();
    this.#out.release();
    this.#forms.close();
  }

  /** The rows of a part in pieces of `pieceBytes` or a little more, each valid until the next is asked for. `first`: of their series. */
  *pieces(part: ColumnarRows, first: boolean): Generator<Uint8Array> {
    if (this.#of?.blocks !== part.blocks || this.#of.cells !== part.cells) {
      this.#of = part;
      this.#forms.clear();
      this.#sources = part.cells.flatMap((cell) =>
        cell.kind === "field" ? [sourceOf(part.blocks, cell.column)] : [],
      );
    }
    const { times, forms, columns, rowBytes } = this.#load(part);
    const out = this.#out.reserve(this.#pieceBytes + rowBytes + SPARE_BYTES);
    const { call } = this.#kernels;
    for (let row = 0; row < part.count; ) {
      row = call.jsonRows(
        ...([row, part.count, first ? 1 : 0, times, this.#unitNs, forms, columns] as const),
        ...([this.#sources.length, out, out + this.#pieceBytes] as const),
      );
      yield this.#kernels.bytes.subarray(out, call.jsonEnd() >>> 0);
    }
  }

  // Puts the part's rows into linear memory. `rowBytes`: what one takes at most.
  #load(part: ColumnarRows) {
    const { count, block } = part;
    const kernels = this.#kernels;
    const sources = this.#sources;
    // forms first: making them may move linear memory
    let formBytes = 0;
    for (let i = 0; i < count; i++) formBytes = Math.max(formBytes, this.#forms.make(part, block[i]!));
    const times = this.#values.reserve(count * (12 + 9 * sources.length) + sources.length * 8);
    const forms = times + count * 8 * (1 + sources.length);
    const columns = forms + count * 4;
    const marks = columns + sources.length * 8;

    gatherTimes(kernels, part, times);
    const formAt = kernels.u32(forms, count);
    for (let i = 0; i < count; i++) formAt[i] = this.#forms.pointer(block[i]!);
    const places = kernels.u32(columns, sources.length * 2);
    const texts: Text[] = [];
    for (let c = 0; c < sources.length; c++) {
      const values = times + count * 8 * (1 + c);
      places[c * 2] = values;
      places[c * 2 + 1] = marks + count * c;
      gatherValues(kernels, part, sources[c]!, values, marks + count * c);
      this.#collectTexts(part, sources[c]!, values, marks + count * c, texts);
    }
    return {
      times,
      forms,
      columns,
      rowBytes: this.#putTexts(texts) * sources.length + formBytes + TIME_BYTES,
    };
  }

  // What of a column the kernel cannot write: strings.
  #collectTexts(
    { count, block, row }: ColumnarRows,
    source: ColumnSource,
    values: Pointer,
    marks: Pointer,
    texts: Text[],
  ): void {
    const kernels = this.#kernels;
    const { type } = source;
    if (type !== null && type !== FieldType.String) return;
    const mark = kernels.view(marks, count);
    for (let i = 0; i < count; i++) {
      if (mark[i] !== FieldType.String) continue;
      const value = source.values[block[i]!]![row[i]!] as string;
      texts.push({ slot: values + i * 8, text: JSON.stringify(value) });
    }
  }

  // Puts texts into linear memory, and where they are into their slots. Gives the bytes of the longest cell there can be.
  #putTexts(texts: readonly Text[]): number {
    if (texts.length === 0) return NUMBER_BYTES;
    const kernels = this.#kernels;
    const encoder = new TextEncoder();
    // UTF-8 takes up to three bytes a UTF-16 unit
    const sizeBytes = texts.reduce((sum, { text }) => sum + text.length * 3, 0);
    let at = this.#texts.reserve(sizeBytes);
    const { bytes } = kernels;
    const words = kernels.u32(0, kernels.buffer.byteLength >>> 2);
    let longest = NUMBER_BYTES;
    for (const { slot, text } of texts) {
      const { written } = encoder.encodeInto(text, bytes.subarray(at, at + text.length * 3));
      words[slot >>> 2] = at;
      words[(slot >>> 2) + 1] = written;
      at += written;
      longest = Math.max(longest, written);
    }
    return longest;
  }
}

interface Text {
  readonly slot: Pointer;
  readonly text: string;
}
