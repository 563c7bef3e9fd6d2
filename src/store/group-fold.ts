// Group fold: partial aggregates of groups of series, in accumulators that stay from group to group and from store to store.
//
// A row group that is all of one series is folded by its statistics when it lies in one window, else page by page; rows
// that were merged, filtered or share a row group, and strings, are read and then folded.
import { accumulatorBytes, foldRows, foldStats, readAccumulators, type Windows } from "../kernels/fold.ts";
import type { Kernels, Pointer } from "../kernels/kernels.ts";
import type { Expression } from "../model/expression.ts";
import { RegexCache } from "../model/regex.ts";
import { Fold, type FoldedGroup, type FoldRequest } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import type { GroupRows, Run } from "./runs.ts";
import { type Field, knownFields, type Measurement } from "./schema.ts";
import type { SeriesReader } from "./series-reader.ts";
import { filterSlice, type Slice } from "./slice.ts";

/** The accumulators of a fold's columns, in linear memory end to end: those of a group are emptied and copied out at once. */
export class Accumulators {
  readonly #kernels: Kernels;
  readonly #request: FoldRequest;
  /** The fields that exist of those that are wanted or that the condition reads. */
  readonly known: readonly Field[];
  /** Per wanted column its place among the known fields, -1 = no such field. */
  readonly fields: readonly number[];
  readonly windows: Windows;
  readonly #at: Pointer;
  /** Per wanted column: where its accumulators start. */
  readonly #offsets: readonly number[];
  readonly #sizeBytes: number;

  /** They are empty. `close` when done. */
  constructor(kernels: Kernels, measurement: Measurement, request: FoldRequest) {
    const { bounds, columns, where } = request;
    this.#kernels = kernels;
    this.#request = request;
    const names = columns.map(({ field }) => field);
    this.known = knownFields(measurement, names, where);
    this.fields = names.map((name) => this.known.findIndex((info) => info.name === name));
    const count = bounds.length - 1;
    let sizeBytes = 0;
    this.#offsets = columns.map(({ keep }) => {
      const offset = sizeBytes;
      sizeBytes += accumulatorBytes(keep, count);
      return offset;
    });
    this.#sizeBytes = sizeBytes;
    this.#at = kernels.alloc(sizeBytes + bounds.length * 8);
    this.windows = { bounds: this.#at + sizeBytes, count };
    kernels.i64(this.windows.bounds, bounds.length).set(bounds);
    this.clear();
  }

  clear(): void {
    // all columns at once: they are empty when zero
    this.#kernels.call.foldInit(1, this.#sizeBytes / 8, this.#at);
  }

  /** Those of a wanted column. */
  of(column: number): Pointer {
    return this.#at + this.#offsets[column]!;
  }

  columns(): FoldedGroup["columns"] {
    return this.#request.columns.map(({ keep }, c) => {
      const field = this.fields[c]!;
      if (field < 0) return null;
      return readAccumulators(this.#kernels, this.known[field]!.type, this.windows.count, keep, this.of(c));
    });
  }

  close(): void {
    this.#kernels.free(this.#at);
  }
}

/** Folds the series of one store into accumulators. */
export class GroupFold {
  readonly #kernels: Kernels;
  readonly #reader: SeriesReader;
  readonly #accumulators: Accumulators;
  readonly #request: FoldRequest;
  readonly #regexes = new RegexCache();
  readonly #useStats: boolean;
  readonly #foldsPages: boolean;

  constructor(kernels: Kernels, reader: SeriesReader, accumulators: Accumulators, request: FoldRequest) {
    this.#kernels = kernels;
    this.#reader = reader;
    this.#accumulators = accumulators;
    this.#request = request;
    const { known, fields } = accumulators;
    // statistics know no times of extremes, and no deviations
    this.#useStats = request.columns.every(
      ({ keep }) => (keep & ~(Fold.Count | Fold.Sum | Fold.First | Fold.Last)) === 0,
    );
    this.#foldsPages = fields.every((field) => field < 0 || known[field]!.type !== FieldType.String);
  }

  add(seriesId: number, residual: Expression | null): void {
    if (residual === null && this.#foldsPages) {
      const place = this.#reader.shared(seriesId);
      if (place !== null) return void this.#addPlace(place, 0);
    }
    let window = 0;
    this.#reader.clusters(seriesId, false, (runs) => {
      if (residual === null && runs.length === 1) {
        const run = runs[0]!;
        if (this.#useStats && this.#addStats(run)) return true;
        if (this.#foldsPages && run.place !== null) {
          window = this.#addPlace(run.place, window);
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
  #addPlace({ cursor, index, start, end, alone }: GroupRows, window: number): number {
    const kernels = this.#kernels;
    const { known, fields, windows } = this.#accumulators;
    const { bounds, count } = windows;
    const times = cursor.times(index);
    let next = window;
    for (let c = 0; c < fields.length; c++) {
      const field = fields[c]!;
      if (field < 0) continue;
      const { keep } = this.#request.columns[c]!;
      const accumulators = this.#accumulators.of(c);
      if (alone) {
        const fold = {
          times,
          from: start,
          to: end,
          bounds,
          windowCount: count,
          firstWindow: window,
          keep,
          accumulators,
        };
        next = Math.max(next, cursor.fold(index, field, fold));
        continue;
      }
      const column = cursor.column(index, field);
      if (column === null) continue;
      const rows = {
        times: times + start * 8,
        values: column.values + start * 8,
        present: column.present === 0 ? 0 : column.present + start,
        mask: 0,
        rowCount: end - start,
      };
      const { type } = known[field]!;
      next = Math.max(next, foldRows(kernels, type, rows, windows, window, keep, accumulators));
    }
    return next;
  }

  // A whole row group inside one window, by its statistics; false when they do not suffice.
  #addStats({ group, minTime, maxTime }: Run): boolean {
    if (!group) return false;
    const { bounds } = this.#request;
    const { known, fields, windows } = this.#accumulators;
    const window = upperBound(bounds, minTime) - 1;
    if (window < 0 || window >= windows.count || maxTime >= bounds[window + 1]!) return false;
    const { cursor, index } = group;
    const all = fields.map((field) => {
      const place = field < 0 ? -1 : cursor.fieldIndex(field);
      if (place < 0 || cursor.table.valueCount(index, place) === 0) return "absent";
      const stats = cursor.table.stats(index, place);
      return stats?.count === cursor.table.groupRows(index) ? stats : null;
    });
    if (all.includes(null)) return false;
    all.forEach((stats, c) => {
      if (stats === null || stats === "absent") return;
      foldStats(
        ...([this.#kernels, known[fields[c]!]!.type] as const),
        { ...stats, minTime, maxTime, firstTime: minTime, lastTime: maxTime },
        ...([windows.count, window, this.#request.columns[c]!.keep, this.#accumulators.of(c)] as const),
      );
    });
    return true;
  }
}

// Index of the first bound above `time`.
function upperBound(bounds: BigInt64Array, time: bigint): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bounds[middle]! <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}
