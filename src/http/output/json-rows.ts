// Rows that are kept as columns, as the bytes of a JSON answer: `[time,a,b],[time,a,b]`, by the kernel (kernels/assembly/json.ts).
//
// The rows of a part lie scattered over the blocks of many series: they are put into linear memory, column by column (json-gather.ts).
// What is the same in all rows of a block (its tags, the commas) is its form, made once. No string and no array is made a row.
import { type Kernels, Scratch } from "../../kernels/kernels.ts";
import type { ColumnarRows } from "../../query/columnar.ts";
import { fieldsOf } from "./json-apart.ts";
import { JsonForms } from "./json-forms.ts";
import { JsonGather, type SlotText } from "./json-gather.ts";
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
  /** Of the blocks that were written last, and the columns of the rows' fields there. */
  #gather: JsonGather | undefined;
  #fields: readonly number[] = [];
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
      this.#gather = new JsonGather(this.#kernels, part.blocks);
      this.#fields = fieldsOf(part.cells);
    }
    const { times, slots, forms, columns, rowBytes } = this.#load(part, this.#gather!);
    const out = this.#out.reserve(this.#pieceBytes + rowBytes + SPARE_BYTES);
    const { call } = this.#kernels;
    for (let row = 0; row < part.count; ) {
      row = call.jsonRows(
        ...([row, part.count, first ? 1 : 0, slots, times, this.#unitNs, forms, columns] as const),
        ...([this.#fields.length, out, out + this.#pieceBytes] as const),
      );
      yield this.#kernels.bytes.subarray(out, call.jsonEnd() >>> 0);
    }
  }

  // Puts the part's rows into linear memory. `rowBytes`: what one takes at most.
  #load(part: ColumnarRows, gather: JsonGather) {
    const { count } = part;
    const kernels = this.#kernels;
    const fields = this.#fields;
    const { ranges, slotCount } = gather.ranges(part);
    // forms first: making them may move linear memory
    let formBytes = 0;
    for (const { block } of ranges) formBytes = Math.max(formBytes, this.#forms.make(part, block));
    const times = this.#values.reserve(slotCount * (12 + 9 * fields.length) + count * 4 + fields.length * 8);
    const columns = times + slotCount * 8 * (1 + fields.length);
    const forms = columns + fields.length * 8;
    const slots = forms + slotCount * 4;
    const marks = slots + count * 4;

    gather.times(ranges, times);
    const { words } = kernels;
    for (const { block, from, to, slot } of ranges) {
      const at = (forms >>> 2) + slot;
      words.fill(this.#forms.pointer(block), at, at + to - from);
    }
    const texts: SlotText[] = [];
    for (let c = 0; c < fields.length; c++) {
      const values = times + slotCount * 8 * (1 + c);
      words[(columns >>> 2) + c * 2] = values;
      words[(columns >>> 2) + c * 2 + 1] = marks + slotCount * c;
      gather.column(fields[c]!, ranges, slotCount, values, marks + slotCount * c, texts);
    }
    gather.putSlots(part, ranges, slots);
    const rowBytes = this.#putTexts(texts) * fields.length + formBytes + TIME_BYTES;
    return { times, slots, forms, columns, rowBytes };
  }

  // Puts texts into linear memory, and where they are into their slots. Gives the bytes of the longest cell there can be.
  #putTexts(texts: readonly SlotText[]): number {
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
