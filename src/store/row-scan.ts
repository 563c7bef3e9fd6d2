// Row scan: the rows that a scan gives of the stores of this thread, series by series, into batches (collector.ts).
//
// What cannot be wanted any more once the rows of some series are known is not read of the others: the request narrows as it goes.
import { memoized } from "../base/memoized.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { Expression } from "../model/expression.ts";
import { fieldsOf } from "../model/predicate.ts";
import type { RowBatch, ScanRequest, Series } from "../model/scan.ts";
import { Collector } from "./collector.ts";
import { edgeRow } from "./edge-row.ts";
import { type EdgeRuns, toldOf } from "./edge-runs.ts";
import { Frontier } from "./frontier.ts";
import { RowCursor } from "./memtable.ts";
import type { OpenStore, Wanted } from "./open-stores.ts";
import { mayHoldIn } from "./prune.ts";
import type { IsTold } from "./read-ahead.ts";
import { RowMasks } from "./row-masks.ts";
import type { GroupRows, Run } from "./runs.ts";
import { type Field, knownFields, type Table } from "./schema.ts";
import type { SeriesReader } from "./series-reader.ts";
import type { Slice } from "./slice.ts";
import type { Store } from "./store.ts";

export class RowScan implements Wanted {
  readonly #kernels: Kernels;
  readonly #request: ScanRequest;
  /** The fields that exist of those that are wanted or that the condition reads. */
  readonly #known: readonly Field[];
  readonly #collector: Collector;
  readonly #masks: RowMasks;
  readonly #frontier: Frontier | null;
  /** Which of the known fields a condition reads. */
  readonly #columnsOf: (condition: Expression) => readonly boolean[];
  /** Times of rows that may still be wanted. */
  #minTime: bigint;
  #maxTime: bigint;
  /** Row groups that statistics told the condition of, and those that they did not. */
  #told = 0;
  #untold = 0;

  constructor(kernels: Kernels, table: Table, request: ScanRequest) {
    this.#kernels = kernels;
    this.#request = request;
    const { fields, where, firstRows, descending, minTime, maxTime } = request;
    // once: a field that is deleted meanwhile and comes again is another one
    this.#known = knownFields(table.measurement, fields, where);
    const wanted = fields.map((name) => this.#known.findIndex((field) => field.name === name));
    this.#collector = new Collector(kernels, this.#known, wanted);
    this.#masks = new RowMasks(kernels, this.#known, wanted);
    this.#frontier = firstRows === undefined ? null : new Frontier(firstRows, descending);
    this.#columnsOf = memoized((condition: Expression) => {
      const names = fieldsOf(condition);
      return this.#known.map(({ name }) => names.includes(name));
    });
    this.#minTime = minTime;
    this.#maxTime = maxTime;
  }

  get fields(): readonly Field[] {
    return this.#known;
  }

  get minTime(): bigint {
    return this.#minTime;
  }

  get maxTime(): bigint {
    return this.#maxTime;
  }

  get groupBy(): readonly string[] {
    return [];
  }

  /** All is read, unless few rows are wanted, or statistics tell the condition of most row groups. */
  get isTold(): IsTold | null {
    const { limit, edge, firstRows, where } = this.#request;
    if (limit < Number.MAX_SAFE_INTEGER || edge === true || firstRows !== undefined) return null;
    return fieldsOf(where).length > 0 && this.#told >= 3 * this.#untold ? null : () => false;
  }

  /** Adds the rows of a store; gives way after each series. */
  *add({ store, reader, selected: { ids, residuals } }: OpenStore): Generator<void> {
    const { budget, limit, descending } = this.#request;
    const runs = limit === 1 && residuals === null ? this.#edgeRuns(reader) : null;
    for (let i = 0; i < ids.length; i++) {
      budget.check();
      const added = runs === null ? 0 : this.#addEdges(store, runs, ids, i);
      if (added > 0) {
        i += added - 1;
        yield;
        continue;
      }
      const id = ids[i]!;
      const residual = residuals?.[i] ?? null;
      if (limit !== 1 || residual !== null || !this.#addEdge(store, reader, id))
        this.#addSeries(store, reader, id, residual, descending);
      yield;
    }
  }

  /** The batches that are full; with `all` also what there is of the next. */
  take(all = false): readonly RowBatch[] {
    return this.#collector.take(all);
  }

  close(): void {
    this.#collector.close();
    this.#masks.close();
  }

  // (who narrows the range from series to series looks at them one by one)
  #edgeRuns(reader: SeriesReader): EdgeRuns | null {
    const isNarrowed = this.#frontier !== null || this.#request.edge === true;
    return isNarrowed ? null : reader.edgeRuns(this.#request.descending);
  }

  // Adds the first rows (the last when descending) of the series from `ids[from]` on, as far as they can be told at once; gives how many.
  #addEdges(store: Store, runs: EdgeRuns, ids: Uint32Array, from: number): number {
    const run = runs.at(ids, from);
    if (run === null) return 0;
    const { descending } = this.#request;
    const edges = run.cursor.edges(run, descending);
    const count = toldOf(this.#kernels, edges, this.#known.length);
    runs.told(count, run);
    if (count === 0) return 0;
    const { table } = run.cursor;
    const series: Series[] = [];
    const times = new BigInt64Array(count);
    for (let i = 0, group = run.first; i < count; i++, group += run.step) {
      series.push(store.catalog.series(ids[from + i]!));
      times[i] = descending ? table.groupMaxTime(group) : table.groupMinTime(group);
    }
    this.#collector.addRows(series, times, edges);
    return count;
  }

  // Adds the first row of a series (the last when descending) without a look at the others; false: it cannot be told so.
  #addEdge(store: Store, reader: SeriesReader, id: number): boolean {
    reader.freeStrings();
    const place = reader.edge(id, this.#request.descending);
    if (place === null || place === "none") return place !== null;
    const series = store.catalog.series(id);
    if (
      place instanceof RowCursor ? !this.#collector.addGathered(series, place) : !this.#addRow(series, place)
    )
      return false;
    const { edge, descending } = this.#request;
    const isEdge = edge === true;
    if (isEdge) this.#beyond(reader, this.#collector.timeOf(this.#collector.rowCount - 1), descending);
    this.#see(1);
    this.#narrow(reader);
    return true;
  }

  #addRow(series: Series, place: GroupRows): boolean {
    return edgeRow(this.#kernels, this.#collector, series, place, this.#request.descending);
  }

  #addSeries(
    store: Store,
    reader: SeriesReader,
    id: number,
    residual: Expression | null,
    descending: boolean,
  ): void {
    let left = this.#request.limit;
    let series: Series | undefined;
    /** Of the block that came first. */
    let edge: bigint | null = null;
    const isEdge = this.#request.edge === true;
    const added = (count: number): boolean => {
      left -= count;
      const { rowCount } = this.#collector;
      // (then they are one, and with a frontier few)
      if (isEdge) edge ??= this.#collector.timeOf(descending ? rowCount - 1 : rowCount - count);
      this.#see(count);
      return left > 0;
    };
    const takeSlice = (slice: Slice, mask: number): boolean => {
      const rows = this.#masks.ofRows(slice, mask, left, descending);
      if (rows.count === 0) return true;
      series ??= store.catalog.series(id);
      if (rows.mask === 0) this.#collector.addPart(series, slice, rows.start, rows.count);
      else this.#collector.addMasked(series, slice, rows.mask, rows.count);
      return added(rows.count);
    };
    reader.clusters(id, descending, (runs) => {
      this.#request.budget.check();
      const [run] = runs as readonly [Run];
      const { place } = run;
      if (runs.length === 1 && residual === null && place !== null && (left === 1 || run.rowCount === 1)) {
        series ??= store.catalog.series(id);
        if (this.#addRow(series, place)) return added(1);
      }
      if (residual !== null && runs.length === 1) {
        // the columns of the condition first: the others are read where it holds
        if (place && !mayHoldIn(place, this.#known, residual)) {
          this.#told++;
          return true;
        }
        this.#untold++;
        reader.freeStrings();
        const mask = this.#masks.ofCondition(run.read(this.#columnsOf(residual)), residual);
        return mask === 0 || takeSlice(run.read(), mask);
      }
      for (const slice of reader.read(runs, descending)) {
        if (slice.rowCount === 0) continue;
        const mask = residual === null ? 0 : this.#masks.ofCondition(slice, residual);
        if ((residual === null || mask !== 0) && !takeSlice(slice, mask)) return false;
      }
      return true;
    });
    if (edge !== null) this.#beyond(reader, edge, descending);
    this.#narrow(reader);
  }

  // The rows that were added last are seen by the frontier.
  #see(count: number): void {
    const { rowCount } = this.#collector;
    const seen = Math.min(count, rowCount);
    this.#frontier?.add(seen, (row) => this.#collector.timeOf(rowCount - seen + row));
  }

  // Rows of the time where the frontier stands may still be among the first.
  #narrow(reader: SeriesReader): void {
    const last = this.#frontier?.time ?? null;
    const { descending } = this.#request;
    if (last !== null) this.#beyond(reader, descending ? last - 1n : last + 1n, descending);
  }

  // Only what is before `time` (`descending`: after) is wanted from now on, of this store's series and of others.
  #beyond(reader: SeriesReader, time: bigint, descending: boolean): void {
    reader.beyond(time, descending);
    if (descending) this.#minTime = time + 1n;
    else this.#maxTime = time - 1n;
  }
}
