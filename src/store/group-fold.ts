// Group fold: the series of a store into accumulators.
//
// The pages of a row group that is all of one series are folded by their statistics as far as these tell, else as they are, many row
// groups at once; rows that were merged, filtered or share a row group, and strings, are read and then folded. Where rows of a series
// are in no two places at one time (whole-groups.ts), statistics are asked of row groups next to each other by one call.
import { foldRows } from "../kernels/fold.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { Expression } from "../model/expression.ts";
import { RegexCache } from "../model/regex.ts";
import type { FoldRequest } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import { MOST_SPAN_GROUPS, SHARED } from "../segment/group-span.ts";
import type { TableReader } from "../segment/table-reader.ts";
import type { Accumulators } from "./accumulators.ts";
import type { GroupRows, Run } from "./runs.ts";
import type { SegmentCursor } from "./segment-cursor.ts";
import type { SeriesReader } from "./series-reader.ts";
import { filterSlice, type Slice } from "./slice.ts";
import { MOST_SERIES, type WholeGroups } from "./whole-groups.ts";

/** Of fewer row groups statistics are asked one by one. */
const LEAST_SPAN_GROUPS = 4;

/** All row groups are walked where at least one of so many series is wanted, and all times, or where a series has no more than so many. */
const LEAST_SHARE = 2;
const FEW_A_SERIES = 2;

/** After so many row groups whose rows are read it looks whether it has to give way. */
const GROUPS_A_LOOK = 16;

/** Of row groups next to each other: where each is folded into. */
const into = new Uint32Array(MOST_SPAN_GROUPS);

/** Folds the series of one store into accumulators. */
export class GroupFold {
  readonly #kernels: Kernels;
  readonly #reader: SeriesReader;
  readonly #accumulators: Accumulators;
  readonly #request: FoldRequest;
  readonly #regexes = new RegexCache();
  readonly #foldsPages: boolean;
  readonly #seriesCount: number;
  #whole: WholeGroups | null = null;
  #way: "all" | "many" | "each" | undefined;
  /** Of the row groups in the batch, and by wanted column its field there, -1 = none. */
  #cursor: SegmentCursor | undefined;
  #cursorFields: readonly number[] = [];

  /** Of so many series. */
  constructor(
    kernels: Kernels,
    reader: SeriesReader,
    accumulators: Accumulators,
    request: FoldRequest,
    seriesCount: number,
  ) {
    this.#kernels = kernels;
    this.#reader = reader;
    this.#accumulators = accumulators;
    this.#request = request;
    const { known, fields } = accumulators;
    this.#foldsPages = fields.every((field) => field < 0 || known[field]!.type !== FieldType.String);
    this.#seriesCount = seriesCount;
  }

  /** Which of `addAll`, `addMany` and `add` is to be given the series: by a walk over all row groups, where row groups tell of many, or one by one. */
  get way(): "all" | "many" | "each" {
    this.#way ??= this.#choose();
    return this.#way;
  }

  #choose(): "all" | "many" | "each" {
    const { span } = this.#accumulators;
    if (this.#findWhole((table) => this.#isWalked(table)) && this.#whole!.areInOrder) return "all";
    const mayTell = (table: TableReader) =>
      table.groupCount >= table.seriesCount && span.mayTell(table, 0, table.groupCount);
    return this.#findWhole(mayTell) ? "many" : "each";
  }

  // Whether most row groups of a table have something that is wanted.
  #isWalked({ seriesCount, groupCount, minTime, maxTime }: TableReader): boolean {
    if (this.#seriesCount * LEAST_SHARE < seriesCount) return false;
    const reader = this.#reader;
    return (
      groupCount <= FEW_A_SERIES * seriesCount || (minTime >= reader.minTime && maxTime <= reader.maxTime)
    );
  }

  #findWhole(isWorth: (table: TableReader) => boolean): boolean {
    this.#whole = this.#foldsPages ? this.#reader.wholeGroups(this.#seriesCount, isWorth) : null;
    return this.#whole !== null;
  }

  /**
   * Folds series, ascending, by a walk over the row groups, in steps. `groups`: of each its group; null: they are all that the table has, and go
   * into the one in hand.
   */
  *addAll(ids: Uint32Array, groups: Uint32Array | null): Generator<void> {
    const { cursors, isMemoryEmpty } = this.#whole!;
    for (const cursor of cursors) {
      const { table } = cursor;
      const lastId = ids[ids.length - 1]!;
      let series = 0;
      for (let first = table.groupFrom(ids[0]!); first < table.groupCount; first += MOST_SPAN_GROUPS) {
        if (table.groupFirstId(first) > lastId) break;
        const end = Math.min(table.groupCount, first + MOST_SPAN_GROUPS);
        series = yield* this.#addGroups(cursor, first, end, ids, groups, series);
        yield;
      }
    }
    if (isMemoryEmpty) return;
    for (let i = 0; i < ids.length; i++) {
      if (this.#whole!.isInMemory(ids[i]!)) {
        if (groups !== null) this.#accumulators.take(groups[i]!);
        this.#addFromMemory(ids[i]!);
      }
      if (i % MOST_SERIES === MOST_SERIES - 1) yield;
    }
  }

  // What is wanted of the row groups [first, end), whose series begin at number `series` of those that are wanted; gives the number at which
  // those behind begin.
  *#addGroups(
    cursor: SegmentCursor,
    first: number,
    end: number,
    ids: Uint32Array,
    groups: Uint32Array | null,
    series: number,
  ): Generator<void, number> {
    const { table } = cursor;
    const { batch, span, inHand } = this.#accumulators;
    const shared: number[] = [];
    let next = series;
    for (let g = first; g < end; g++) {
      const id = table.groupFirstId(g);
      const isShared = id !== table.groupLastId(g);
      if (groups === null) into[g - first] = isShared ? inHand + SHARED : inHand;
      else {
        while (next < ids.length && ids[next]! < id) next++;
        into[g - first] = isShared || ids[next] !== id ? 0 : this.#accumulators.ofGroup(groups[next]!);
        if (isShared) shared.push(g, next);
      }
    }
    this.#reader.readOnIn(cursor, table.groupLastId(end - 1));
    this.#begin(cursor);
    // (while it gives way others do the same)
    const given = into.slice(0, end - first);
    const left = span.fold(table, this.#cursorFields, first, given).slice();
    let looked = 0;
    for (const g of left) {
      if (++looked % GROUPS_A_LOOK === 0) yield;
      if ((given[g]! & SHARED) !== 0) this.#addSharedGroup(cursor, first + g);
      else batch.add(first + g, given[g]!);
    }
    for (let s = 0; s < shared.length; s += 2) {
      if (++looked % GROUPS_A_LOOK === 0) yield;
      this.#addEachOfGroup(cursor, shared[s]!, ids, groups!, shared[s + 1]!);
    }
    return next;
  }

  // Of a row group that series share those that are wanted, from number `series` on, each into its group.
  #addEachOfGroup(
    cursor: SegmentCursor,
    index: number,
    ids: Uint32Array,
    groups: Uint32Array,
    series: number,
  ): void {
    const { known, fields, windows } = this.#accumulators;
    const { minTime, maxTime } = this.#reader;
    const list = cursor.table.groupSeries(index);
    const count = list.ids.length;
    const counts = this.#accumulators.lists.reserve(count * 8);
    const places = counts + count * 4;
    const { words } = this.#kernels;
    words.set(list.rows, counts >>> 2);
    let isWanted = false;
    for (let s = 0, next = series, at = places >>> 2; s < count; s++, at++) {
      const id = list.ids[s]!;
      while (next < ids.length && ids[next]! < id) next++;
      words[at] = ids[next] === id ? this.#accumulators.ofGroup(groups[next]!) : 0;
      isWanted ||= words[at] !== 0;
    }
    if (!isWanted) return;
    for (let c = 0; c < fields.length; c++) {
      const field = fields[c]!;
      const column = field < 0 ? null : cursor.column(index, field);
      if (column === null) continue;
      const { keep } = this.#request.columns[c]!;
      this.#kernels.call.foldEach(
        ...([known[field]!.type, cursor.times(index), column.values, column.present, count] as const),
        ...([counts, places, this.#accumulators.offset(c), minTime, maxTime] as const),
        ...([windows.bounds, windows.count, keep] as const),
      );
    }
  }

  // All rows in the range of time of a row group that series share.
  #addSharedGroup(cursor: SegmentCursor, index: number): void {
    const { known, fields, windows } = this.#accumulators;
    const { minTime, maxTime } = this.#reader;
    const rowCount = cursor.table.groupRows(index);
    for (let c = 0; c < fields.length; c++) {
      const field = fields[c]!;
      const column = field < 0 ? null : cursor.column(index, field);
      if (column === null) continue;
      const { keep } = this.#request.columns[c]!;
      this.#kernels.call.foldShared(
        ...([known[field]!.type, cursor.times(index), column.values, column.present, rowCount] as const),
        ...([minTime, maxTime, windows.bounds, windows.count, keep, this.#accumulators.of(c)] as const),
      );
    }
  }

  /** Folds up to MOST_SERIES series, ascending; `groups`: by series its group. */
  addMany(ids: Uint32Array, groups: Uint32Array): void {
    const whole = this.#whole!;
    for (let i = 0; i < ids.length; i++) {
      this.#reader.readOn(ids[i]!);
      if (!whole.look(ids[i]!, i)) this.add(ids[i]!, groups[i]!, null);
    }
    for (let c = 0; c < whole.cursors.length; c++) this.#addSpans(whole, c, groups.subarray(0, ids.length));
    if (whole.isMemoryEmpty) return;
    for (let i = 0; i < ids.length; i++) {
      if (!whole.isFound(i) || !whole.isInMemory(ids[i]!)) continue;
      this.#accumulators.take(groups[i]!);
      this.#addFromMemory(ids[i]!);
    }
  }

  // The row groups of the series that were looked for last, in one table.
  #addSpans(whole: WholeGroups, c: number, groups: Uint32Array): void {
    const cursor = whole.cursors[c]!;
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
