// Group fold: partial aggregates of groups of series, in accumulators that go from store to store.
//
// The pages of a row group that is all of one series are folded by their statistics as far as these tell, else as they are; rows
// that were merged, filtered or share a row group, and strings, are read and then folded.
import { LISTED_PAGE_BYTES, listPages } from "../codec/codec.ts";
import { accumulatorBytes, foldRows, readAccumulators, type Windows } from "../kernels/fold.ts";
import type { Kernels, Pointer } from "../kernels/kernels.ts";
import type { Expression } from "../model/expression.ts";
import { RegexCache } from "../model/regex.ts";
import { Fold, type FoldedGroups, type FoldRequest } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import type { TableReader } from "../segment/table-reader.ts";
import type { GroupRows } from "./runs.ts";
import { type Field, knownFields, type Measurement } from "./schema.ts";
import type { SeriesReader } from "./series-reader.ts";
import { filterSlice, type Slice } from "./slice.ts";

/** Bytes of accumulators after which they are copied out, and groups. */
const BATCH_BYTES = 128 * 1024;
const MOST_GROUPS = 1024;

/**
 * The accumulators of groups, in linear memory end to end, and in those of a group the ones of its columns: those of many groups are
 * emptied and copied out at once.
 */
export class Accumulators {
  readonly #kernels: Kernels;
  readonly #request: FoldRequest;
  /** The fields that exist of those that are wanted or that the condition reads. */
  readonly known: readonly Field[];
  /** Per wanted column its place among the known fields, -1 = no such field. */
  readonly fields: readonly number[];
  readonly windows: Windows;
  /** A list for the pages of the columns in a row group (codec.ts). */
  readonly pages: Pointer;
  readonly #at: Pointer;
  /** Per wanted column: where its accumulators start in those of a group. */
  readonly #offsets: readonly number[];
  readonly #groupBytes: number;
  readonly #capacity: number;
  #tags: readonly string[][];
  /** Groups before the one in hand. */
  #count = 0;

  /** They are empty. `close` when done. */
  constructor(kernels: Kernels, measurement: Measurement, request: FoldRequest) {
    const { bounds, columns, groupBy, where } = request;
    this.#kernels = kernels;
    this.#request = request;
    const names = columns.map(({ field }) => field);
    this.known = knownFields(measurement, names, where);
    this.fields = names.map((name) => this.known.findIndex((info) => info.name === name));
    const count = bounds.length - 1;
    let groupBytes = 0;
    this.#offsets = columns.map(({ keep }) => {
      const offset = groupBytes;
      groupBytes += accumulatorBytes(keep, count);
      return offset;
    });
    this.#groupBytes = groupBytes;
    const fitting = Math.floor(BATCH_BYTES / Math.max(groupBytes, 1));
    this.#capacity = groupBy.length === 0 ? 1 : Math.max(1, Math.min(fitting, MOST_GROUPS));
    this.#tags = groupBy.map(() => []);
    const sizeBytes = groupBytes * this.#capacity;
    this.#at = kernels.alloc(sizeBytes + bounds.length * 8 + columns.length * LISTED_PAGE_BYTES);
    this.windows = { bounds: this.#at + sizeBytes, count };
    kernels.longs.set(bounds, this.windows.bounds >>> 3);
    this.pages = this.windows.bounds + bounds.length * 8;
    const typeOf = (c: number) => this.known[this.fields[c]!]?.type ?? FieldType.Float;
    const pages = columns.map(({ keep }, c) => ({ type: typeOf(c), keep, offset: this.#offsets[c]! }));
    listPages(kernels, this.pages, pages);
    this.#clear();
  }

  /** Those of the group in hand. */
  get inHand(): Pointer {
    return this.#at + this.#groupBytes * this.#count;
  }

  /** Of these those of a wanted column. */
  of(column: number): Pointer {
    return this.inHand + this.#offsets[column]!;
  }

  /** Goes on to the next group. `tagColumns`: by key of `groupBy` the values, of which number `place` is that of the one in hand. */
  next(tagColumns: readonly (readonly string[])[], place: number): void {
    if (!this.#hasRows()) return;
    for (let k = 0; k < tagColumns.length; k++) this.#tags[k]!.push(tagColumns[k]![place]!);
    this.#count++;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  get isFull(): boolean {
    return this.#count === this.#capacity;
  }

  /** The groups before the one in hand, in which rows counted; all are empty again. */
  take(): FoldedGroups {
    const count = this.#count;
    const tags = this.#tags;
    const columns = this.#request.columns.map(({ keep }, c) => {
      const field = this.fields[c]!;
      if (field < 0) return null;
      return readAccumulators(
        ...([this.#kernels, this.known[field]!.type, this.windows.count, keep] as const),
        ...([this.#at + this.#offsets[c]!, count, this.#groupBytes] as const),
      );
    });
    this.#count = 0;
    this.#tags = tags.map(() => []);
    this.#clear();
    return { count, tags, columns };
  }

  close(): void {
    this.#kernels.free(this.#at);
  }

  // Whether rows counted in the group in hand: if not, all is as empty as it was.
  #hasRows(): boolean {
    const { doubles } = this.#kernels;
    for (let c = 0; c < this.#offsets.length; c++) {
      const counts = this.of(c) >>> 3;
      for (let w = 0; w < this.windows.count; w++) if (doubles[counts + w] !== 0) return true;
    }
    return false;
  }

  #clear(): void {
    this.#kernels.call.foldInit(this.#capacity, this.#groupBytes / 8, this.#at); // they are empty when zero
  }
}

/** So often statistics may not tell before they are asked less, and of so many pages at least one's always are. */
const FEW_UNTOLD = 4;
const MOST_LEFT = 15;

/** Folds the series of one store into accumulators. */
export class GroupFold {
  readonly #kernels: Kernels;
  readonly #reader: SeriesReader;
  readonly #accumulators: Accumulators;
  readonly #request: FoldRequest;
  readonly #regexes = new RegexCache();
  readonly #foldsPages: boolean;
  /** By column: whether its page is to be folded. */
  readonly #isUntold: boolean[];
  /** Of the row group that was looked at last: the range of time of others mostly is the same. */
  #lastRange: { readonly table: TableReader; readonly index: number; readonly isInOne: boolean } | undefined;
  /** No page was folded yet, whose extremes could beat others. */
  #isFirst = true;
  /** How often one after the other statistics did not tell: they mostly never do then. */
  #untold = 0;
  /** Pages whose statistics are not asked next. */
  #left = 0;

  constructor(kernels: Kernels, reader: SeriesReader, accumulators: Accumulators, request: FoldRequest) {
    this.#kernels = kernels;
    this.#reader = reader;
    this.#accumulators = accumulators;
    this.#request = request;
    const { known, fields } = accumulators;
    this.#isUntold = fields.map(() => false);
    this.#foldsPages = fields.every((field) => field < 0 || known[field]!.type !== FieldType.String);
  }

  add(seriesId: number, residual: Expression | null): void {
    if (residual === null && this.#foldsPages) {
      const place = this.#reader.only(seriesId);
      if (place === "none") return;
      if (place !== null) return void this.#addPlace(place, 0);
    }
    let window = 0;
    this.#reader.clusters(seriesId, false, (runs) => {
      if (residual === null && runs.length === 1) {
        const { place } = runs[0]!;
        if (this.#foldsPages && place !== null) {
          window = this.#addPlace(place, window);
          return true;
        }
      }
      for (const slice of this.#reader.read(runs, false)) window = this.#addRows(slice, residual, window);
      return true;
    });
  }

  #addRows(slice: Slice, residual: Expression | null, window: number): number {
    const kernels = this.#kernels;
    const { known, fields, windows } = this.#accumulators;
    let mask = 0;
    if (residual !== null) {
      const bytes = filterSlice(kernels, slice, known, residual, this.#regexes);
      mask = kernels.alloc(bytes.length);
      kernels.put(mask, bytes);
    }
    let next = window;
    for (let c = 0; c < fields.length; c++) {
      const field = fields[c]!;
      const column = field < 0 ? null : slice.columns[field];
      if (!column) continue;
      const rows = {
        times: slice.times,
        values: column.values,
        present: column.present,
        mask,
        rowCount: slice.rowCount,
      };
      const { type } = known[field]!;
      const keep = this.#request.columns[c]!.keep;
      next = foldRows(kernels, type, rows, windows, window, keep, this.#accumulators.of(c));
    }
    if (mask !== 0) kernels.free(mask);
    return next;
  }

  // Rows of a row group: a series of its own has its pages folded, series that share one its decoded columns.
  #addPlace(place: GroupRows, window: number): number {
    const next = place.alone ? this.#addPages(place, window) : this.#addShared(place, window);
    this.#isFirst = false;
    return next;
  }

  #addShared({ cursor, index, start, end }: GroupRows, window: number): number {
    const { known, fields, windows } = this.#accumulators;
    let next = window;
    for (let c = 0; c < fields.length; c++) {
      const field = fields[c]!;
      const column = field < 0 ? null : cursor.column(index, field);
      if (column === null) continue;
      const rows = {
        times: cursor.times(index) + start * 8,
        values: column.values + start * 8,
        present: column.present === 0 ? 0 : column.present + start,
        mask: 0,
        rowCount: end - start,
      };
      const { keep } = this.#request.columns[c]!;
      const accumulators = this.#accumulators.of(c);
      const { type } = known[field]!;
      next = Math.max(next, foldRows(this.#kernels, type, rows, windows, window, keep, accumulators));
    }
    return next;
  }

  // By statistics as far as they tell, the other columns all at once.
  #addPages(place: GroupRows, window: number): number {
    const { cursor, index, start: from, end: to } = place;
    const { fields, pages, windows, inHand: accumulators } = this.#accumulators;
    const isWhole = to - from === cursor.table.groupRows(index);
    const isInOne = isWhole && this.#isInOneWindow(cursor.table, index);
    const isUntold = this.#isUntold;
    let next = window;
    let isOver = true;
    for (let c = 0; c < fields.length; c++) {
      const told = fields[c]! < 0 ? window : this.#addStats(place, c, window, isWhole, isInOne);
      isUntold[c] = told < 0;
      if (told < 0) isOver = false;
      else next = Math.max(next, told);
    }
    if (isOver) return next;
    const { bounds, count: windowCount } = windows;
    const times = cursor.times(index);
    const fold = { times, from, to, bounds, windowCount, firstWindow: window, accumulators };
    return Math.max(next, cursor.fold(index, fields, isUntold, pages, fold));
  }

  // Negative: statistics do not tell, nothing was folded.
  #addStats(place: GroupRows, c: number, window: number, isWhole: boolean, isInOne: boolean): number {
    const { keep } = this.#request.columns[c]!;
    const areExtremes = (keep & ~(Fold.Count | Fold.Min | Fold.Max)) === 0;
    if (areExtremes ? !isWhole && this.#isFirst : !isInOne) return -1;
    if (this.#left > 0) {
      this.#left--;
      return -1;
    }
    const told = this.#askStats(place, c, window, areExtremes, isInOne);
    this.#untold = told < 0 ? this.#untold + 1 : 0;
    if (this.#untold > FEW_UNTOLD) this.#left = Math.min(this.#untold, MOST_LEFT);
    return told;
  }

  #askStats(
    { cursor, index, start, end }: GroupRows,
    c: number,
    window: number,
    areExtremes: boolean,
    isInOne: boolean,
  ): number {
    const { call } = this.#kernels;
    const { known, fields, windows } = this.#accumulators;
    const { bounds, count } = windows;
    const { timeless = false } = this.#request;
    const field = fields[c]!;
    const { type } = known[field]!;
    const { keep } = this.#request.columns[c]!;
    const { table } = cursor;
    const rows = table.groupRows(index);
    const stats = cursor.stats(index, field);
    const accumulators = this.#accumulators.of(c);
    if (isInOne) {
      const [first, last] = [table.groupMinTime(index), table.groupMaxTime(index)];
      const told = call.foldStats(
        ...([type, stats, rows, first, last, bounds, count, window, keep, timeless, accumulators] as const),
      );
      if (told >= 0 || !areExtremes) return told;
    }
    const times = cursor.times(index);
    return call.foldBeaten(
      ...([type, stats, rows, times, start, end, bounds, count, window, keep, timeless] as const),
      accumulators,
    );
  }

  // Whether all rows of a row group are in one window.
  #isInOneWindow(table: TableReader, index: number): boolean {
    const last = this.#lastRange;
    if (last !== undefined && last.table === table && table.isSameRange(index, last.index))
      return last.isInOne;
    const [minTime, maxTime] = [table.groupMinTime(index), table.groupMaxTime(index)];
    const { bounds } = this.#request;
    // the first bound behind its begin
    let behind = 0;
    for (let high = bounds.length; behind < high; ) {
      const middle = (behind + high) >>> 1;
      if (bounds[middle]! <= minTime) behind = middle + 1;
      else high = middle;
    }
    const isInOne = behind > 0 && behind < bounds.length && maxTime < bounds[behind]!;
    this.#lastRange = { table, index, isInOne };
    return isInOne;
  }
}
