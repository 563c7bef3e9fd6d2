// Group fold: partial aggregates of one group of series after the other, in accumulators that stay.
//
// A row group that is all of one series is folded by its statistics when it lies in one window, else page by page; rows
// that were merged, filtered or share a row group, and strings, are read and then folded.
import { accumulatorBytes, foldRows, foldStats, viewAccumulators, type Windows } from "../kernels/fold.ts";
import type { Kernels, Pointer } from "../kernels/kernels.ts";
import type { Expression } from "../model/expression.ts";
import { RegexCache } from "../model/regex.ts";
import { Fold, type FoldedGroup, type FoldRequest } from "../model/scan.ts";
import { type FieldInfo, FieldType } from "../model/types.ts";
import type { GroupRows, Run, SeriesReader } from "./series-reader.ts";
import { filterSlice, type Slice } from "./slice.ts";

/** Folds the series of one group after the other into the same accumulators. */
export class GroupFold {
  readonly #kernels: Kernels;
  readonly #reader: SeriesReader;
  readonly #known: readonly FieldInfo[];
  readonly #request: FoldRequest;
  readonly #windows: Windows;
  /** Per wanted column its place among the known fields, -1 = no such field. */
  readonly #fields: readonly number[];
  readonly #accumulators: Pointer;
  /** Per wanted column: where its accumulators start. */
  readonly #offsets: readonly number[];
  readonly #sizeBytes: number;
  readonly #regexes = new RegexCache();
  readonly #useStats: boolean;
  readonly #foldsPages: boolean;

  constructor(
    kernels: Kernels,
    reader: SeriesReader,
    known: readonly FieldInfo[],
    request: FoldRequest,
    windows: Windows,
  ) {
    this.#kernels = kernels;
    this.#reader = reader;
    this.#known = known;
    this.#request = request;
    this.#windows = windows;
    this.#fields = request.columns.map(({ field }) => known.findIndex((info) => info.name === field));
    // the columns' accumulators stand end to end: a group's are copied out at once
    let sizeBytes = 0;
    this.#offsets = request.columns.map(({ keep }) => {
      const offset = sizeBytes;
      sizeBytes += accumulatorBytes(keep, windows.count);
      return offset;
    });
    this.#sizeBytes = sizeBytes;
    this.#accumulators = kernels.alloc(sizeBytes);
    // statistics know no times of extremes, and no deviations
    this.#useStats = request.columns.every(
      ({ keep }) => (keep & ~(Fold.Count | Fold.Sum | Fold.First | Fold.Last)) === 0,
    );
    this.#foldsPages = this.#fields.every((field) => field < 0 || known[field]!.type !== FieldType.String);
  }

  start(): void {
    // all columns at once: they are empty when zero
    this.#kernels.call.foldInit(1, this.#sizeBytes / 8, this.#accumulators);
  }

  add(seriesId: number, residual: Expression | null): void {
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

  columns(): FoldedGroup["columns"] {
    const copy = this.#kernels.buffer.slice(this.#accumulators, this.#accumulators + this.#sizeBytes);
    return this.#request.columns.map(({ keep }, c) => {
      const field = this.#fields[c]!;
      if (field < 0) return null;
      const { type } = this.#known[field]!;
      return viewAccumulators(type, this.#windows.count, keep, copy, this.#offsets[c]!);
    });
  }

  close(): void {
    this.#kernels.free(this.#accumulators);
  }

  #addRows(slice: Slice, residual: Expression | null, window: number): number {
    const kernels = this.#kernels;
    let mask = 0;
    if (residual !== null) {
      const bytes = filterSlice(kernels, slice, this.#known, residual, this.#regexes);
      mask = kernels.alloc(bytes.length);
      kernels.put(mask, bytes);
    }
    let next = window;
    for (let c = 0; c < this.#fields.length; c++) {
      const field = this.#fields[c]!;
      const column = field < 0 ? null : slice.columns[field];
      if (!column) continue;
      const rows = {
        times: slice.times,
        values: column.values,
        present: column.present,
        mask,
        rowCount: slice.rowCount,
      };
      const { type } = this.#known[field]!;
      const keep = this.#request.columns[c]!.keep;
      next = foldRows(
        kernels,
        type,
        rows,
        this.#windows,
        window,
        keep,
        this.#accumulators + this.#offsets[c]!,
      );
    }
    if (mask !== 0) kernels.free(mask);
    return next;
  }

  // Rows of a row group: a series of its own has its pages folded, series that share one its decoded columns.
  #addPlace({ cursor, index, start, end, alone }: GroupRows, window: number): number {
    const kernels = this.#kernels;
    const { bounds, count } = this.#windows;
    const times = cursor.times(index);
    let next = window;
    for (let c = 0; c < this.#fields.length; c++) {
      const field = this.#fields[c]!;
      if (field < 0) continue;
      const { keep } = this.#request.columns[c]!;
      const accumulators = this.#accumulators + this.#offsets[c]!;
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
      const { type } = this.#known[field]!;
      next = Math.max(next, foldRows(kernels, type, rows, this.#windows, window, keep, accumulators));
    }
    return next;
  }

  // A whole row group inside one window, by its statistics; false when they do not suffice.
  #addStats({ group, minTime, maxTime }: Run): boolean {
    if (!group) return false;
    const { bounds } = this.#request;
    const window = upperBound(bounds, minTime) - 1;
    if (window < 0 || window >= this.#windows.count || maxTime >= bounds[window + 1]!) return false;
    const { cursor, index } = group;
    const all = this.#fields.map((field) => {
      const place = field < 0 ? -1 : cursor.fieldIndex(field);
      if (place < 0 || cursor.table.valueCount(index, place) === 0) return "absent";
      const stats = cursor.table.stats(index, place);
      return stats?.count === cursor.table.groupRows(index) ? stats : null;
    });
    if (all.includes(null)) return false;
    all.forEach((stats, c) => {
      if (stats === null || stats === "absent") return;
      foldStats(
        ...([this.#kernels, this.#known[this.#fields[c]!]!.type] as const),
        { ...stats, minTime, maxTime, firstTime: minTime, lastTime: maxTime },
        ...([
          this.#windows.count,
          window,
          this.#request.columns[c]!.keep,
          this.#accumulators + this.#offsets[c]!,
        ] as const),
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
