// Segment cursor: one segment's rows of a table, read series by series; the row group that was decoded last stays
// decoded, so that the short series that share it cost one decode.
import type { PageFold } from "../codec/codec.ts";
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";
import { FieldType } from "../model/types.ts";
import { GroupPages } from "../segment/group-pages.ts";
import type { TableReader } from "../segment/table-reader.ts";
import type { Slice, SliceColumn } from "./slice.ts";

export class SegmentCursor {
  readonly #kernels: Kernels;
  readonly #table: TableReader;
  readonly #fields: readonly number[];
  readonly #block: Scratch;
  #blockAt: Pointer = 0;
  #rows = 0;
  #group = -1;
  #timesRead = false;
  #columns: (SliceColumn | null | undefined)[] = [];
  readonly #pages: GroupPages;
  /** Smallest and largest field index that is wanted, -1 = none is there. */
  readonly #firstField: number;
  readonly #lastField: number;
  #heaps: Pointer[] = [];
  #oldHeaps: Pointer[] = [];

  /** `fields`: per wanted field its index in the segment, -1 = not there. */
  constructor(kernels: Kernels, table: TableReader, fields: readonly number[]) {
    this.#kernels = kernels;
    this.#table = table;
    this.#fields = fields;
    const there = this.#fields.filter((field) => field >= 0);
    this.#firstField = there.length === 0 ? -1 : Math.min(...there);
    this.#lastField = there.length === 0 ? -1 : Math.max(...there);
    this.#block = new Scratch(kernels);
    this.#pages = new GroupPages(kernels);
  }

  get table(): TableReader {
    return this.#table;
  }

  /** Index of a wanted field in the segment, -1 = not there. */
  fieldIndex(column: number): number {
    return this.#fields[column]!;
  }

  /**
   * Rows [start, start + count) of a group, of the columns that are `wanted` (all unless given). String bytes stay until
   * `recycle`, the rest until another group.
   */
  slice(group: number, start: number, count: number, wanted?: readonly boolean[]): Slice {
    this.#load(group);
    const columns = this.#fields.map((_, c): SliceColumn | null => {
      const column = wanted?.[c] === false ? null : this.#column(c);
      if (!column) return null;
      const present = column.present ? column.present + start : 0;
      return { values: column.values + start * 8, present, heap: column.heap };
    });
    return { rowCount: count, times: this.times(group) + start * 8, columns };
  }

  /** A column of all rows of the group; null: no row has a value. Valid as slices are. */
  column(group: number, column: number): SliceColumn | null {
    this.#load(group);
    return this.#column(column);
  }

  /** The group's times. */
  times(group: number): Pointer {
    this.#load(group);
    if (!this.#timesRead) this.#table.readTimes(group, this.#blockAt, this.#pages);
    this.#timesRead = true;
    return this.#blockAt;
  }

  /** Folds rows of a group's column that is not of strings, as `TableReader.foldColumn` does. */
  fold(group: number, column: number, fold: PageFold): number {
    const field = this.#fields[column]!;
    if (field < 0) return fold.firstWindow;
    this.#load(group);
    return this.#table.foldColumn(group, field, fold, this.#target(column), this.#pages);
  }

  /** Frees the strings of groups that are not the current one. */
  recycle(): void {
    for (const heap of this.#oldHeaps) this.#kernels.free(heap);
    this.#oldHeaps = [];
  }

  close(): void {
    this.#retire();
    this.recycle();
    this.#block.release();
    this.#pages.release();
  }

  #load(group: number): void {
    if (group === this.#group) return;
    this.#retire();
    this.#rows = (this.#table.groupRows(group) + 7) & ~7;
    this.#blockAt = this.#block.reserve(this.#rows * (8 + 9 * this.#fields.length));
    this.#columns = this.#fields.map(() => undefined);
    this.#timesRead = false;
    this.#group = group;
    if (this.#lastField >= 0) this.#table.loadPages(group, this.#firstField, this.#lastField, this.#pages);
  }

  #retire(): void {
    this.#oldHeaps.push(...this.#heaps);
    this.#heaps = [];
    this.#group = -1;
  }

  #column(c: number): SliceColumn | null {
    let column = this.#columns[c];
    if (column === undefined) {
      column = this.#read(c);
      this.#columns[c] = column;
    }
    return column;
  }

  #read(c: number): SliceColumn | null {
    const field = this.#fields[c]!;
    if (field < 0) return null;
    const { values, present } = this.#target(c);
    let heap = 0;
    if (this.#table.fields[field]!.type === FieldType.String) {
      heap = this.#kernels.alloc(this.#table.columnHeapBytes(this.#group, field) + 8);
      this.#heaps.push(heap);
    }
    const read = this.#table.readColumn(this.#group, field, { values, present, heap }, this.#pages);
    return read.present ? { values, present: read.hasNulls ? present : 0, heap } : null;
  }

  #target(column: number): { values: Pointer; present: Pointer; heap: Pointer } {
    const values = this.#blockAt + this.#rows * (8 + 9 * column);
    return { values, present: values + this.#rows * 8, heap: 0 };
  }
}
