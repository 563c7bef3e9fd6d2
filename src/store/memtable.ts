// Memtable: the newest rows of a store, in linear memory (kernels/assembly/memtable.ts): appended by the write
// path, walked series by series by queries and by the flush.
import { assert } from "../base/assert.ts";
import { OverloadedError } from "../base/errors.ts";
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";
import type { RowBlock } from "./block.ts";
import type { Bounds } from "./series-ranges.ts";

const NO_TIME = 0x7fff_ffff_ffff_ffffn;

export class Memtable {
  readonly pointer: Pointer;
  readonly #kernels: Kernels;
  readonly #rows: Scratch;
  #references = 1;

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.pointer = kernels.call.memtableOpen() >>> 0;
    if (this.pointer === 0) throw new OverloadedError("out of linear memory: no room for a memtable");
    this.#rows = new Scratch(kernels);
  }

  /** Rows appended, duplicates counted each. */
  get rowCount(): number {
    return this.#kernels.call.memtableRows(this.pointer) >>> 0;
  }

  get sizeBytes(): number {
    return this.#kernels.call.memtableSize(this.pointer) >>> 0;
  }

  /** Bounds of the times of all rows; only when there is one. */
  get minTime(): bigint {
    return this.#kernels.call.memtableMinTime(this.pointer);
  }

  get maxTime(): bigint {
    return this.#kernels.call.memtableMaxTime(this.pointer);
  }

  /** Ids of the series that have rows, ascending. */
  series(catalogCount: number): Uint32Array {
    const out = this.#rows.reserve(catalogCount * 4 + 4);
    const count = this.#kernels.call.memtableSeries(this.pointer, catalogCount, out);
    return this.#kernels.u32(out, count).slice();
  }

  /** Rows of one series, duplicates counted each. */
  seriesRows(id: number): number {
    return this.#kernels.call.memtableSeriesRows(this.pointer, id) >>> 0;
  }

  /** Smallest time >= `from` of any row of the given series; undefined when there is none. */
  nextTime(ids: Uint32Array, from: bigint): bigint | undefined {
    const pointer = this.#rows.reserve(ids.length * 4 + 4);
    this.#kernels.u32(pointer, ids.length).set(ids);
    const time = this.#kernels.call.memtableNextTime(this.pointer, pointer, ids.length, from);
    return time === NO_TIME ? undefined : time;
  }

  /**
   * The rows of one series with minTime <= time <= maxTime, ascending. The cursor is valid until the next call
   * of this memtable.
   */
  rows(id: number, minTime: bigint, maxTime: bigint): RowCursor {
    const total = this.seriesRows(id);
    const pointer = this.#rows.reserve(total * 8 + 16);
    const count =
      total === 0 ? 0 : this.#kernels.call.memtableCollect(this.pointer, id, minTime, maxTime, pointer);
    return new RowCursor(this.#kernels, pointer, count);
  }

  /** Takes the rows within ranges out; gives their number, duplicates counted each. No cursor may be in use. */
  delete(id: number, ranges: Bounds): number {
    if (!this.#mayHave(id, ranges)) return 0;
    const at = this.#putRanges(ranges, 0);
    return this.#kernels.call.memtableDelete(this.pointer, id, at, ranges.length / 2) >>> 0;
  }

  /** Takes values of fields out, and rows that have no other. No cursor may be in use. Throws `OverloadedError`: some are out then. */
  deleteFields(id: number, ranges: Bounds, fieldIds: readonly number[]): number {
    if (!this.#mayHave(id, ranges)) return 0;
    const at = this.#putRanges(ranges, fieldIds.length * 4);
    const fields = at + ranges.length * 8;
    this.#kernels.u32(fields, fieldIds.length).set(fieldIds);
    const count =
      this.#kernels.call.memtableDeleteFields(
        ...([this.pointer, id, at, ranges.length / 2, fields, fieldIds.length] as const),
      ) >>> 0;
    if (count === 0xffff_ffff) throw new OverloadedError("out of linear memory: no room to delete fields");
    return count;
  }

  // Without a walk over the rows of the series.
  #mayHave(id: number, ranges: Bounds): boolean {
    if (ranges.length === 0 || this.seriesRows(id) === 0) return false;
    return ranges[0]! <= this.maxTime && ranges.at(-1)! >= this.minTime;
  }

  #putRanges(ranges: Bounds, moreBytes: number): Pointer {
    const at = this.#rows.reserve(ranges.length * 8 + moreBytes + 16);
    this.#kernels.i64(at, ranges.length).set(ranges);
    return at;
  }

  retain(): void {
    assert(this.#references > 0, "a memtable is used after its end");
    this.#references++;
  }

  /** Gives a reference back (the maker has the first); the last one frees the memory. */
  release(): void {
    assert(this.#references > 0, "a memtable is released too often");
    this.#references--;
    if (this.#references > 0) return;
    this.#rows.release();
    this.#kernels.call.memtableClose(this.pointer);
  }
}

/** Rows of one series that wait to be gathered into row blocks. */
export class RowCursor {
  readonly #kernels: Kernels;
  readonly #rows: Pointer;
  #next: number;
  readonly #end: number;

  /** `count` row pointers at `rows`, ascending in time, duplicates counted each; work space behind them. [from, to) wait. */
  constructor(
    kernels: Kernels,
    rows: Pointer,
    readonly count: number,
    from = 0,
    to = count,
  ) {
    this.#kernels = kernels;
    this.#rows = rows;
    this.#next = from;
    this.#end = to;
  }

  /** Time of the first or last row, ns; only when there is one. */
  timeAt(index: number): bigint {
    const { words, longs } = this.#kernels;
    return longs[(words[(this.#rows >>> 2) + index]! + 8) >>> 3]!;
  }

  get done(): boolean {
    return this.#next >= this.#end;
  }

  /** Of the first time alone (the last when `descending`), where there is a row: one waits then. */
  edge(descending: boolean): RowCursor {
    const { count } = this;
    let [from, to] = descending ? [count - 1, count] : [0, 1];
    const time = this.timeAt(from);
    if (descending) while (from > 0 && this.timeAt(from - 1) === time) from--;
    else while (to < count && this.timeAt(to) === time) to++;
    return new RowCursor(this.#kernels, this.#rows, count, from, to);
  }

  /**
   * Gathers rows into `block` from row `at` on, up to `room` of them, rows of equal time as one. The columns there
   * must be clear. Gives the number of rows made. Strings come as absolute pointers.
   */
  gather(block: RowBlock, at: number, room: number): number {
    const made = this.#rows + this.count * 4;
    this.#next = this.#kernels.call.memtableGather(
      this.#rows,
      this.#next,
      this.#end,
      room,
      block.columns,
      block.columnCount,
      block.times,
      at,
      made,
    );
    return this.#kernels.words[made >>> 2]!;
  }
}
