// Collector: rows of a scan on their way out, those of one series behind those of the other in a row block, until they are a batch.
//
//   slices, with a mask or whole ──┐
//   first and last rows ───────────┴──> row block in linear memory ──> RowBatch: each column copied out once
import type { Kernels, Pointer } from "../kernels/kernels.ts";
import type { Column, RowBatch, Series } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import type { EdgeValues } from "../segment/table-reader.ts";
import { RowBlock } from "./block.ts";
import type { RowCursor } from "./memtable.ts";
import type { Field } from "./schema.ts";
import { copyColumn, partOf, readStrings, type Slice, type SliceColumn } from "./slice.ts";

/** Rows of the first batch; every further one has room for four times as many, up to the most, which may take so many bytes. */
const FIRST_ROWS = 256;
const MOST_ROWS = 16_384;
const MOST_BYTES = 4 * 1024 * 1024;
/** Rows of a slice that are added at once have room in a batch in any case. */
const LEAST_ROWS = 1024;

/** A column of the batch. */
interface Collected {
  /** Its place among the fields that slices have as columns. */
  readonly from: number;
  readonly type: FieldType;
  /** Its place in the row block, where columns stand by field id. */
  readonly place: number;
  /** By row, of texts only: what they are read from goes before the batch does. */
  texts: string[];
}

export class Collector {
  readonly #kernels: Kernels;
  readonly #columns: readonly (Collected | null)[];
  readonly #ids: Uint32Array;
  #block: RowBlock | null = null;
  #room = FIRST_ROWS;
  /** Rows of a batch at most. */
  readonly #most: number;
  #rowCount = 0;
  #series: Series[] = [];
  #ends: number[] = [];
  /** Batches that are full. */
  #full: RowBatch[] = [];

  /** `known`: the fields that slices have as columns; `wanted`: the places among them of those of the batch, -1 = there is none. */
  constructor(kernels: Kernels, known: readonly Field[], wanted: readonly number[]) {
    this.#kernels = kernels;
    this.#ids = Uint32Array.from(new Set(wanted.filter((from) => from >= 0).map((from) => known[from]!.id)));
    this.#ids.sort();
    const fitting = Math.floor(MOST_BYTES / (8 + 9 * this.#ids.length));
    this.#most = Math.max(LEAST_ROWS, Math.min(MOST_ROWS, fitting));
    this.#columns = wanted.map((from) => {
      if (from < 0) return null;
      const { type, id } = known[from]!;
      return { from, type, place: this.#ids.indexOf(id), texts: [] };
    });
  }

  /** Of the rows that were added and not taken yet, in the batch that is being filled. */
  get rowCount(): number {
    return this.#rowCount;
  }

  timeOf(row: number): bigint {
    return this.#kernels.longs[(this.#block!.times >>> 3) + row]!;
  }

  /** Adds `count` rows of a slice from `start` on. Up to LEAST_ROWS of them are in one batch. */
  addPart(series: Series, slice: Slice, start: number, count: number): void {
    for (let done = 0; done < count; done += this.#most)
      this.#addPart(series, slice, start + done, Math.min(this.#most, count - done));
  }

  #addPart(series: Series, slice: Slice, start: number, count: number): void {
    const block = this.#begin(count);
    const at = this.#rowCount;
    const { bytes } = this.#kernels;
    const times = slice.times + start * 8;
    bytes.copyWithin(block.times + at * 8, times, times + count * 8);
    for (const column of this.#columns) {
      const source = column && slice.columns[column.from];
      if (source) this.#append(block, column, source, start, 0, count);
    }
    this.#end(series, count);
  }

  /** Adds the rows of a slice whose byte at `mask` is 1: `count` of them. The same. */
  addMasked(series: Series, slice: Slice, mask: Pointer, count: number): void {
    if (count <= this.#most) {
      this.#addMasked(series, slice, mask, count);
      return;
    }
    for (let from = 0; from < slice.rowCount; from += this.#most) {
      const part = partOf(slice, from, Math.min(this.#most, slice.rowCount - from));
      const rows = this.#kernels.call.presentCount(mask + from, part.rowCount);
      if (rows > 0) this.#addMasked(series, part, mask + from, rows);
    }
  }

  #addMasked(series: Series, slice: Slice, mask: Pointer, count: number): void {
    const block = this.#begin(count);
    const at = this.#rowCount;
    this.#kernels.call.gather(slice.times, mask, slice.rowCount, block.times + at * 8);
    for (const column of this.#columns) {
      const source = column && slice.columns[column.from];
      if (source) this.#append(block, column, source, 0, mask, slice.rowCount);
    }
    this.#end(series, count);
  }

  /**
   * Adds one row: `columnOf` says where its value of a field is (by place among the known fields), 0 = it has none, and which memory
   * the offset of a text counts from. False: it has none of the fields, and is no row.
   */
  addRow(series: Series, time: bigint, columnOf: (field: number) => SliceColumn | null): boolean {
    const block = this.#begin(1);
    const at = this.#rowCount;
    let isRow = false;
    for (const column of this.#columns) {
      const source = column && columnOf(column.from);
      if (!source) continue;
      this.#append(block, column, source, 0, 0, 1);
      isRow = true;
    }
    if (!isRow) return false;
    this.#kernels.longs[(block.times >>> 3) + at] = time;
    this.#end(series, 1);
    return true;
  }

  /** Adds a row each of several series, up to LEAST_ROWS: `edges` has their values by place among the known fields. */
  addRows(series: readonly Series[], times: BigInt64Array, { values, present, room }: EdgeValues): void {
    const count = series.length;
    const block = this.#begin(count);
    const at = this.#rowCount;
    this.#kernels.longs.set(times, (block.times >>> 3) + at);
    for (const column of this.#columns) {
      if (column === null) continue;
      const flags = present + column.from * room;
      block.append(column.place, values + column.from * room * 8, flags, 0, count, 0, at);
    }
    for (const each of series) this.#end(each, 1);
  }

  /** Adds the one row that waits in a cursor; the same. */
  addGathered(series: Series, cursor: RowCursor): boolean {
    const block = this.#begin(1);
    const at = this.#rowCount;
    cursor.gather(block, at, 1);
    let isRow = false;
    for (const column of this.#columns) {
      if (column === null || this.#kernels.bytes[block.present(column.place) + at] === 0) continue;
      isRow = true;
      if (column.type === FieldType.String) this.#addTexts(block, column, 1);
    }
    if (isRow) this.#end(series, 1);
    return isRow;
  }

  /** The batches that are full, which then are the caller's; with `all` also what there is of the next. */
  take(all = false): readonly RowBatch[] {
    if (all && this.#rowCount > 0) this.#finish();
    const taken = this.#full;
    if (taken.length > 0) this.#full = [];
    return taken;
  }

  close(): void {
    this.#block?.free();
    this.#block = null;
  }

  // Room for `count` rows behind those that there are.
  #begin(count: number): RowBlock {
    if (this.#block !== null && this.#rowCount + count > this.#room) this.#finish();
    if (this.#block === null) {
      this.#room = Math.min(Math.max(this.#room, count), this.#most);
      // (what gathers by a mask may write a slot past what it keeps)
      this.#block = new RowBlock(this.#kernels, this.#room + 1, this.#ids);
    }
    return this.#block;
  }

  #append(
    block: RowBlock,
    column: Collected,
    { values, present, heap }: SliceColumn,
    start: number,
    mask: Pointer,
    count: number,
  ): void {
    const { place, type } = column;
    const at = this.#rowCount;
    const from = values + start * 8;
    const flags = present === 0 ? 0 : present + start;
    const added = block.append(place, from, flags, mask, count, heap, at);
    if (type === FieldType.String) this.#addTexts(block, column, added);
  }

  // Of the last `count` rows.
  #addTexts(block: RowBlock, { place, texts }: Collected, count: number): void {
    const at = this.#rowCount;
    while (texts.length < at) texts.push("");
    readStrings(this.#kernels, block.values(place) + at * 8, count, texts);
  }

  #end(series: Series, count: number): void {
    this.#rowCount += count;
    this.#series.push(series);
    this.#ends.push(this.#rowCount);
  }

  // Copies a batch out of the row block.
  #finish(): void {
    const kernels = this.#kernels;
    const block = this.#block!;
    const count = this.#rowCount;
    const columns = this.#columns.map((column): Column | null => {
      if (column === null) return null;
      const { place, type } = column;
      const valueCount = block.valueCount(place);
      if (valueCount === 0) return null;
      const present = valueCount === count ? 0 : block.present(place);
      const values = { values: block.values(place), present, heap: 0 };
      if (type !== FieldType.String) return copyColumn(kernels, type, values, count, null);
      const { texts } = column;
      while (texts.length < count) texts.push("");
      column.texts = [];
      return { type, values: texts, present: present === 0 ? null : kernels.view(present, count).slice() };
    });
    const times = kernels.i64(block.times, count).slice();
    if (count > 0) this.#full.push({ series: this.#series, ends: this.#ends, times, columns });
    this.#series = [];
    this.#ends = [];
    this.#rowCount = 0;
    if (this.#room < this.#most) {
      this.close();
      this.#room *= 4;
    } else block.clear(count + 1);
  }
}
