// Group fold: partial aggregates of groups of series, in accumulators that go from store to store.
//
// The pages of a row group that is all of one series are folded by their statistics as far as these tell, else as they are; rows
// that were merged, filtered or share a row group, and strings, are read and then folded.
import { accumulatorBytes, foldRows, readAccumulators, type Windows } from "../kernels/fold.ts";
import type { Kernels, Pointer } from "../kernels/kernels.ts";
import type { Expression } from "../model/expression.ts";
import { RegexCache } from "../model/regex.ts";
import { Fold, type FoldedGroups, type FoldRequest } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
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
    this.#at = kernels.alloc(groupBytes * this.#capacity + bounds.length * 8);
    this.windows = { bounds: this.#at + groupBytes * this.#capacity, count };
    kernels.longs.set(bounds, this.windows.bounds >>> 3);
    this.#clear();
  }

  /** Those of a wanted column, of the group in hand. */
  of(column: number): Pointer {
    return this.#at + this.#groupBytes * this.#count + this.#offsets[column]!;
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
    const kernels = this.#kernels;
    const { known, fields, windows } = this.#accumulators;
    const { cursor, index, start, end, alone } = place;
    let next = window;
    for (let c = 0; c < fields.length; c++) {
      const field = fields[c]!;
      if (field < 0) continue;
      const { keep } = this.#request.columns[c]!;
      const accumulators = this.#accumulators.of(c);
      if (alone) {
        next = Math.max(next, this.#addPage(place, field, window, keep, accumulators));
        continue;
      }
      const column = cursor.column(index, field);
      if (column === null) continue;
      const rows = {
        times: cursor.times(index) + start * 8,
        values: column.values + start * 8,
        present: column.present === 0 ? 0 : column.present + start,
        mask: 0,
        rowCount: end - start,
      };
      const { type } = known[field]!;
      next = Math.max(next, foldRows(kernels, type, rows, windows, window, keep, accumulators));
    }
    this.#isFirst = false;
    return next;
  }

  #addPage(place: GroupRows, field: number, window: number, keep: number, accumulators: Pointer): number {
    if (this.#left > 0) this.#left--;
    else {
      const told = this.#addStats(place, field, window, keep, accumulators);
      this.#untold = told < 0 ? this.#untold + 1 : 0;
      if (this.#untold > FEW_UNTOLD) this.#left = Math.min(this.#untold, MOST_LEFT);
      if (told >= 0) return told;
    }
    const { cursor, index, start: from, end: to } = place;
    const { bounds, count: windowCount } = this.#accumulators.windows;
    const times = cursor.times(index);
    const fold = { times, from, to, bounds, windowCount, firstWindow: window, keep, accumulators };
    return cursor.fold(index, field, fold);
  }

  // Negative: statistics do not tell, nothing was folded.
  #addStats(
    { cursor, index, start, end }: GroupRows,
    field: number,
    window: number,
    keep: number,
    accumulators: Pointer,
  ): number {
    const { call } = this.#kernels;
    const { bounds, count } = this.#accumulators.windows;
    const { timeless = false } = this.#request;
    const { type } = this.#accumulators.known[field]!;
    const { table } = cursor;
    const rows = table.groupRows(index);
    const isWhole = end - start === rows;
    const areExtremes = (keep & ~(Fold.Count | Fold.Min | Fold.Max)) === 0;
    if (!isWhole && (!areExtremes || this.#isFirst)) return -1;
    const stats = cursor.stats(index, field);
    if (isWhole) {
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
}
