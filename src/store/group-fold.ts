// Group fold: partial aggregates of groups of series, in accumulators that go from store to store.
//
// The pages of a row group that is all of one series are folded by their statistics as far as these tell, else as they are, many row
// groups at once; rows that were merged, filtered or share a row group, and strings, are read and then folded.
import { LISTED_COLUMN_BYTES, listColumns } from "../codec/fold-list.ts";
import { accumulatorBytes, foldRows, readAccumulators, type Windows } from "../kernels/fold.ts";
import type { Kernels, Pointer } from "../kernels/kernels.ts";
import type { Expression } from "../model/expression.ts";
import { RegexCache } from "../model/regex.ts";
import type { FoldedGroups, FoldRequest } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import { GroupBatch } from "../segment/group-batch.ts";
import { GroupSpan, MOST_SPAN_GROUPS, SHARED } from "../segment/group-span.ts";
import type { GroupRows, Run } from "./runs.ts";
import { type Field, knownFields, type Measurement } from "./schema.ts";
import type { SegmentCursor } from "./segment-cursor.ts";
import type { SeriesReader } from "./series-reader.ts";
import { filterSlice, type Slice } from "./slice.ts";
import { MOST_SERIES, type WholeGroups } from "./whole-groups.ts";

/** Bytes of accumulators after which they are copied out, which stay in the cache of a core, and groups. */
const BATCH_BYTES = 512 * 1024;
const MOST_GROUPS = 8192;

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
  /** Row groups that are folded into them, by their statistics alone as far as these tell. */
  readonly batch: GroupBatch;
  readonly span: GroupSpan;
  readonly #at: Pointer;
  /** Per wanted column: where its accumulators start in those of a group. */
  readonly #offsets: readonly number[];
  readonly #groupBytes: number;
  /** Groups that there is room for. */
  readonly capacity: number;
  #tags: readonly string[][];
  #count = 0;
  /** The group in hand. */
  #group = 0;

  /** There are no groups. `close` when done. */
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
    this.capacity = groupBy.length === 0 ? 1 : Math.max(1, Math.min(fitting, MOST_GROUPS));
    this.#tags = groupBy.map(() => []);
    const sizeBytes = groupBytes * this.capacity;
    this.#at = kernels.alloc(sizeBytes + bounds.length * 8 + columns.length * LISTED_COLUMN_BYTES);
    this.windows = { bounds: this.#at + sizeBytes, count };
    kernels.longs.set(bounds, this.windows.bounds >>> 3);
    const list = this.windows.bounds + bounds.length * 8;
    const typeOf = (c: number) => this.known[this.fields[c]!]?.type ?? FieldType.Float;
    listColumns(
      kernels,
      list,
      columns.map(({ keep }, c) => ({ type: typeOf(c), keep, offset: this.#offsets[c]! })),
    );
    const keeps = columns.map(({ keep }) => keep);
    const [minTime, maxTime] = rangeOf(request);
    const { timeless = false } = request;
    const fold = {
      ...{ columns: list, columnCount: columns.length, minTime, maxTime, timeless },
      ...{ bounds: this.windows.bounds, windowCount: count },
    };
    this.batch = new GroupBatch(kernels, keeps, fold, bounds);
    this.span = new GroupSpan(kernels, keeps, fold, bounds);
  }

  /** Groups that are in there. */
  get count(): number {
    return this.#count;
  }

  get room(): number {
    return this.capacity - this.#count;
  }

  /** Adds a group. `tagColumns`: by key of `groupBy` the values, of which number `place` is that of the group. */
  add(tagColumns: readonly (readonly string[])[], place: number): void {
    for (let k = 0; k < tagColumns.length; k++) this.#tags[k]!.push(tagColumns[k]![place]!);
    this.#kernels.call.foldInit(1, this.#groupBytes / 8, this.#at + this.#groupBytes * this.#count); // they are empty when zero
    this.#count++;
  }

  /** Takes one of the groups in hand; the first one is at the begin. */
  take(group: number): void {
    this.#group = group;
  }

  /** Those of the group in hand. */
  get inHand(): Pointer {
    return this.ofGroup(this.#group);
  }

  ofGroup(group: number): Pointer {
    return this.#at + this.#groupBytes * group;
  }

  /** Of these those of a wanted column. */
  of(column: number): Pointer {
    return this.inHand + this.#offsets[column]!;
  }

  /** Gives the groups in which rows counted; there are none then. Throws `CorruptionError`. */
  empty(): FoldedGroups {
    this.batch.fold();
    const count = this.#closeUp();
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
    return { count, tags, columns };
  }

  close(): void {
    this.batch.release();
    this.span.release();
    this.#kernels.free(this.#at);
  }

  // Leaves groups out in which no row counted; gives how many are left.
  #closeUp(): number {
    const { bytes } = this.#kernels;
    let kept = 0;
    for (let g = 0; g < this.#count; g++) {
      const from = this.#at + g * this.#groupBytes;
      if (!this.#hasRows(from)) continue;
      if (kept < g) {
        bytes.copyWithin(this.#at + kept * this.#groupBytes, from, from + this.#groupBytes);
        for (const values of this.#tags) values[kept] = values[g]!;
      }
      kept++;
    }
    for (const values of this.#tags) values.length = kept;
    return kept;
  }

  // Whether rows counted in a group.
  #hasRows(group: Pointer): boolean {
    const { doubles } = this.#kernels;
    for (let c = 0; c < this.#offsets.length; c++) {
      const counts = (group + this.#offsets[c]!) >>> 3;
      for (let w = 0; w < this.windows.count; w++) if (doubles[counts + w] !== 0) return true;
    }
    return false;
  }
}

/** Of fewer row groups statistics are asked one by one. */
const LEAST_SPAN_GROUPS = 4;

/** Folds the series of one store into accumulators. */
export class GroupFold {
  readonly #kernels: Kernels;
  readonly #reader: SeriesReader;
  readonly #accumulators: Accumulators;
  readonly #request: FoldRequest;
  readonly #regexes = new RegexCache();
  readonly #foldsPages: boolean;
  readonly #whole: WholeGroups | null;
  /** Of the row groups in the batch, and by wanted column its field there, -1 = none. */
  #cursor: SegmentCursor | undefined;
  #cursorFields: readonly number[] = [];
  /** Of row groups next to each other: where each is folded into. */
  readonly #into = new Uint32Array(MOST_SPAN_GROUPS);

  constructor(kernels: Kernels, reader: SeriesReader, accumulators: Accumulators, request: FoldRequest) {
    this.#kernels = kernels;
    this.#reader = reader;
    this.#accumulators = accumulators;
    this.#request = request;
    const { known, fields } = accumulators;
    this.#foldsPages = fields.every((field) => field < 0 || known[field]!.type !== FieldType.String);
    this.#whole = this.#foldsPages ? reader.wholeGroups() : null;
  }

  /** Whether `addAll` can fold all series of the table into the group in hand. */
  get takesAll(): boolean {
    const whole = this.#whole;
    return whole?.areApart === true && whole.isMemoryLater && this.#accumulators.span.tells;
  }

  /** Folds all series of the table, whose ids these are, into the group in hand, in steps. */
  *addAll(ids: Uint32Array): Generator<void> {
    const { cursors, isMemoryEmpty } = this.#whole!;
    for (const cursor of cursors) {
      const { groupCount } = cursor.table;
      for (let first = 0; first < groupCount; first += MOST_SPAN_GROUPS) {
        this.#addGroups(cursor, first, Math.min(groupCount, first + MOST_SPAN_GROUPS));
        yield;
      }
    }
    if (isMemoryEmpty) return;
    for (let i = 0; i < ids.length; i++) {
      this.#addFromMemory(ids[i]!);
      if (i % MOST_SERIES === MOST_SERIES - 1) yield;
    }
  }

  // All rows of the row groups [first, end), whosever they are.
  #addGroups(cursor: SegmentCursor, first: number, end: number): void {
    const { table } = cursor;
    const { batch, span, inHand } = this.#accumulators;
    const into = this.#into.subarray(0, end - first);
    const isShared = (group: number) => table.groupFirstId(group) !== table.groupLastId(group);
    for (let g = 0; g < into.length; g++) into[g] = isShared(first + g) ? inHand + SHARED : inHand;
    this.#reader.readOnIn(cursor, table.groupLastId(end - 1));
    this.#begin(cursor);
    for (const g of span.fold(table, this.#cursorFields, first, into)) {
      if (isShared(first + g)) this.#addSharedGroup(cursor, first + g);
      else batch.add(first + g, inHand);
    }
  }

  #addSharedGroup(cursor: SegmentCursor, index: number): void {
    const { minTime, maxTime } = this.#reader;
    const { ids, rows } = cursor.table.groupSeries(index);
    for (let s = 0, start = 0; s < ids.length; s++) {
      const { from, to } = cursor.within(index, start, rows[s]!, minTime, maxTime);
      if (from < to) this.#addShared({ cursor, index, start: from, end: to, alone: false }, 0);
      start += rows[s]!;
    }
  }

  /** Folds up to MOST_SERIES series, ascending; `groups`: by series its group. */
  addMany(ids: Uint32Array, groups: Uint32Array): void {
    const whole = this.#whole;
    let inMemory = false;
    for (let i = 0; i < ids.length; i++) {
      this.#reader.readOn(ids[i]!);
      if (whole?.look(ids[i]!, i)) {
        inMemory ||= !whole.isMemoryEmpty;
        continue;
      }
      this.add(ids[i]!, groups[i]!, null);
    }
    if (whole === null) return;
    for (let c = 0; c < whole.cursors.length; c++) this.#addSpans(whole, c, groups.subarray(0, ids.length));
    if (!inMemory) return;
    for (let i = 0; i < ids.length; i++) {
      if (!whole.isFound(i)) continue;
      this.#accumulators.take(groups[i]!);
      this.#addFromMemory(ids[i]!);
    }
  }

  // The row groups of the series that were looked for last, in one table.
  #addSpans(whole: WholeGroups, c: number, groups: Uint32Array): void {
    const cursor = whole.cursors[c]!;
    const into = this.#into;
    let [first, end] = [0, 0];
    for (let s = 0; s < groups.length; s++) {
      const accumulators = this.#accumulators.ofGroup(groups[s]!);
      for (let group = whole.first(c, s), last = whole.end(c, s); group < last; group++) {
        if (group !== end || end - first === MOST_SPAN_GROUPS) {
          this.#addSpan(cursor, first, end);
          first = end = group;
        }
        into[end++ - first] = accumulators;
      }
    }
    this.#addSpan(cursor, first, end);
  }

  // Row groups [first, end) of one series each.
  #addSpan(cursor: SegmentCursor, first: number, end: number): void {
    if (first === end) return;
    const { table } = cursor;
    const { batch, span } = this.#accumulators;
    const into = this.#into;
    this.#begin(cursor);
    if (end - first >= LEAST_SPAN_GROUPS && span.mayTell(table, first, end)) {
      const left = span.fold(table, this.#cursorFields, first, into.subarray(0, end - first));
      for (const g of left) batch.add(first + g, into[g]!);
      return;
    }
    for (let group = first; group < end; group++) batch.add(group, into[group - first]!);
  }

  #addFromMemory(seriesId: number): void {
    this.#addClusters(seriesId, null, true);
  }

  /** Folds a series into a group, its rows that satisfy a condition. */
  add(seriesId: number, group: number, residual: Expression | null): void {
    this.#accumulators.take(group);
    if (residual === null && this.#foldsPages) {
      const place = this.#reader.only(seriesId);
      if (place === "none") return;
      if (place !== null) return void this.#addPlace(place, 0);
    }
    this.#addClusters(seriesId, residual, false);
  }

  #addClusters(seriesId: number, residual: Expression | null, inMemory: boolean): void {
    let window = 0;
    const take = (runs: readonly Run[]) => {
      if (residual === null && runs.length === 1) {
        const { place } = runs[0]!;
        if (this.#foldsPages && place !== null) {
          window = this.#addPlace(place, window);
          return true;
        }
      }
      this.#accumulators.batch.fold();
      for (const slice of this.#reader.read(runs, false)) window = this.#addRows(slice, residual, window);
      return true;
    };
    this.#reader.clusters(seriesId, false, take, inMemory);
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

  // Rows of a row group: a series of its own has its pages folded, later and in this order, series that share one its decoded columns.
  #addPlace(place: GroupRows, window: number): number {
    if (!place.alone) {
      this.#accumulators.batch.fold();
      return this.#addShared(place, window);
    }
    const { batch, inHand } = this.#accumulators;
    this.#begin(place.cursor);
    batch.add(place.index, inHand);
    return window;
  }

  #begin(cursor: SegmentCursor): void {
    if (this.#cursor === cursor) return;
    const { batch, fields } = this.#accumulators;
    this.#cursorFields = fields.map((field) => (field < 0 ? -1 : cursor.fieldIndex(field)));
    batch.begin(cursor.table, this.#cursorFields);
    this.#cursor = cursor;
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
}

/** What the request's range and its windows have in common. */
export function rangeOf({ bounds, minTime, maxTime }: FoldRequest): [minTime: bigint, maxTime: bigint] {
  const from = bounds[0]!;
  const to = bounds[bounds.length - 1]! - 1n;
  return [from > minTime ? from : minTime, to < maxTime ? to : maxTime];
}
