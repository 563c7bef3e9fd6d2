// Series reader: the rows of one series at a time out of a version's segments and memtables, as slices that
// ascend and never repeat a time.
//
// Each place that has rows of the series gives *runs* with their range of time. Runs that touch no other run
// are given as they are, without a copy. Runs that overlap are merged into one block, field by field, where the
// newer place wins.
import { type Kernels, Scratch } from "../kernels/kernels.ts";
import { MAX_TIME, MIN_TIME } from "../model/types.ts";
import type { TableReader } from "../segment/table-reader.ts";
import { RowBlock } from "./block.ts";
import { EdgeRuns } from "./edge-runs.ts";
import { maskSlice, maskTimes, withoutRows } from "./mask.ts";
import type { RowCursor } from "./memtable.ts";
import { type IsTold, ReadAhead } from "./read-ahead.ts";
import { clustersOf, cut, type GroupRows, type Run } from "./runs.ts";
import type { Field, Measurement } from "./schema.ts";
import type { SegmentCursor } from "./segment-cursor.ts";
import { seriesEdge } from "./series-edge.ts";
import type { Bounds } from "./series-ranges.ts";
import { absolute, partOf, type Slice } from "./slice.ts";
import { cursorsOf } from "./table-cursors.ts";
import { Deleted } from "./tombstones.ts";
import type { Version } from "./version.ts";
import { WholeGroups } from "./whole-groups.ts";

/** What stands between more deleted ranges of a row group is one run, copied together. */
const MOST_PARTS = 4;
const NO_RANGES: Bounds = new BigInt64Array(0);
const NOTHING: Slice = { rowCount: 0, times: 0, columns: [] };

export class SeriesReader {
  #minTime: bigint;
  #maxTime: bigint;
  readonly #kernels: Kernels;
  readonly #version: Version;
  readonly #cursors: (SegmentCursor | null)[];
  /** By cursor: what is deleted from its segment, null = nothing. */
  readonly #deleted: (Deleted | null)[];
  readonly #fields: readonly Field[];
  /** By cursor: columns without the values that are deleted. */
  readonly #masked: Scratch[] = [];
  /** By cursor: rows without those that are deleted. */
  readonly #kept: Scratch[] = [];
  #columns: { readonly ids: Uint32Array; readonly order: Uint32Array } | undefined;
  /** Of the slice given last. */
  #merged: RowBlock[] = [];
  /** Of the series' runs in memtables. */
  #gathered: RowBlock[] = [];
  /** By cursor: the row group that was last found to be within the range of time, -1 = none. */
  readonly #whole: number[];
  /** By cursor that is there, what reads ahead of it; of series up to this id all has begun to be read. */
  readonly #ahead: ReadAhead[] = [];
  #aheadUntil = Number.POSITIVE_INFINITY;
  /** Set by who keeps pointers to strings from series to series: their bytes then stay until `freeStrings`. */
  holdStrings = false;

  /** `fields`: those that slices have as columns, in this order. */
  constructor(
    kernels: Kernels,
    version: Version,
    measurement: Measurement,
    retentionPolicy: string,
    fields: readonly Field[],
    minTime: bigint,
    maxTime: bigint,
  ) {
    // one past the end must be an int64, too
    this.#minTime = minTime < MIN_TIME ? MIN_TIME : minTime;
    this.#maxTime = maxTime > MAX_TIME ? MAX_TIME : maxTime;
    this.#kernels = kernels;
    this.#version = version;
    this.#fields = fields;
    this.#deleted = version.segments.map(({ entry }) =>
      Deleted.of(version.tombstones, entry, measurement.name),
    );
    this.#whole = version.segments.map(() => -1);
    this.#cursors = cursorsOf(
      kernels,
      version,
      measurement,
      retentionPolicy,
      fields,
      minTime,
      maxTime,
      this.#deleted,
    );
  }

  // Blocks have their columns by ascending field id: those ids, and by field its place among them.
  get #blockColumns() {
    if (this.#columns === undefined) {
      const own = this.#fields.map(({ id }) => id);
      const ids = Uint32Array.from(own).sort();
      this.#columns = { ids, order: Uint32Array.from(own, (id) => ids.indexOf(id)) };
    }
    return this.#columns;
  }

  /** Values of fields are deleted somewhere: see `Run.mayBeHollow`. */
  get mayBeHollow(): boolean {
    return this.#deleted.some((deleted) => deleted?.hasFields);
  }

  get minTime(): bigint {
    return this.#minTime;
  }

  get maxTime(): bigint {
    return this.#maxTime;
  }

  /** Reads the series from now on between these times, which may not be outside of those that it was made for. */
  between(minTime: bigint, maxTime: bigint): void {
    this.#minTime = minTime;
    this.#maxTime = maxTime;
    this.#whole.fill(-1);
  }

  /** Begins to read from the disk what is wanted of series (ascending), and goes on as they are asked for; gives the bytes of the begin. */
  readAhead(ids: Uint32Array, isTold: IsTold): number {
    for (const cursor of this.#cursors)
      if (cursor) this.#ahead.push(new ReadAhead(cursor, ids, this.#minTime, this.#maxTime, isTold));
    this.#aheadUntil = -1;
    return this.readOn(0);
  }

  /** The same of one segment only: what is wanted of its series up to `id`. */
  readOnIn(cursor: SegmentCursor, id: number): void {
    for (const ahead of this.#ahead) while (ahead.cursor === cursor && ahead.until < id) ahead.advance();
  }

  /** Until what is wanted of the series up to `id`, and of some behind it, has begun to be read; gives its bytes. */
  readOn(id: number): number {
    if (id <= this.#aheadUntil) return 0;
    let sizeBytes = 0;
    this.#aheadUntil = Number.POSITIVE_INFINITY;
    for (const ahead of this.#ahead) {
      while (ahead.until < id) sizeBytes += ahead.advance();
      this.#aheadUntil = Math.min(this.#aheadUntil, ahead.until);
    }
    return sizeBytes;
  }

  /** Leaves out of the series read from now on what is not before (`descending`: after) `time`. */
  beyond(time: bigint, descending: boolean): void {
    if (descending) this.#minTime = time + 1n;
    else this.#maxTime = time - 1n;
    this.#whole.fill(-1);
  }

  /**
   * All rows of a series in the range of time, when they stand in one row group: nearly nothing is made for a series, of which there
   * may be millions. Of a row group of its own it is all rows, if some may be in the range. "none": there are none; null: `clusters`
   * tells what there is.
   */
  only(id: number): GroupRows | "none" | null {
    this.readOn(id);
    for (const memtable of this.#version.memtables) if (memtable.seriesRows(id) > 0) return null;
    let found: GroupRows | "none" = "none";
    for (let s = 0; s < this.#cursors.length; s++) {
      const cursor = this.#cursors[s];
      const range = cursor?.table.groupRange(id);
      if (!cursor || !range) continue;
      const index = range.first;
      if (found !== "none" || range.last !== index || this.#deleted[s]) return null;
      const { table } = cursor;
      const alone = table.groupFirstId(index) === table.groupLastId(index);
      if (alone) {
        if (!this.#isWhole(s, cursor, index)) {
          if (table.groupMinTime(index) > this.#maxTime) continue;
          if (table.groupMaxTime(index) < this.#minTime) continue;
        }
        found = { cursor, index, start: 0, end: table.groupRows(index), alone };
        continue;
      }
      const rows = table.seriesRows(index, id);
      if (rows === null) continue;
      let { start } = rows;
      let end = start + rows.count;
      if (!this.#isWhole(s, cursor, index)) {
        const within = cursor.within(index, start, rows.count, this.#minTime, this.#maxTime);
        if (within.from === within.to) continue;
        start = within.from;
        end = within.to;
      }
      found = { cursor, index, start, end, alone };
    }
    return found;
  }

  /** See `seriesEdge`; or a cursor with the one row of a memtable that it is. */
  edge(id: number, descending: boolean): GroupRows | RowCursor | "none" | null {
    let newest: RowCursor | null = null;
    for (const memtable of this.#version.memtables) {
      if (memtable.seriesRows(id) === 0) continue;
      const rows = memtable.rows(id, this.#minTime, this.#maxTime);
      if (rows.count === 0) continue;
      if (newest !== null) return null;
      newest = rows.edge(descending);
    }
    const [minTime, maxTime] = [this.#minTime, this.#maxTime];
    if (newest === null) return seriesEdge(this.#cursors, this.#deleted, id, minTime, maxTime, descending);
    const time = newest.timeAt(descending ? newest.count - 1 : 0);
    const beyond = descending ? ([time, maxTime] as const) : ([minTime, time] as const);
    return seriesEdge(this.#cursors, this.#deleted, id, ...beyond, descending) === "none" ? newest : null;
  }

  /** Of series one behind the other, in the range of time as it is now. */
  edgeRuns(descending: boolean): EdgeRuns {
    const range = [this.#minTime, this.#maxTime] as const;
    return new EdgeRuns(this.#version, this.#cursors, this.#deleted, ...range, descending);
  }

  // Whether all rows of a group are in the range of time.
  #isWhole(s: number, { table }: SegmentCursor, index: number): boolean {
    const known = this.#whole[s]!;
    if (known === index || (known >= 0 && table.isSameRange(index, known))) return true;
    if (table.groupMinTime(index) < this.#minTime || table.groupMaxTime(index) > this.#maxTime) return false;
    this.#whole[s] = index;
    return true;
  }

  /** Gives each slice of the series in the range of time to `take`, until it answers false. */
  slices(id: number, descending: boolean, take: (slice: Slice) => boolean): void {
    this.clusters(id, descending, (runs) => {
      for (const slice of this.read(runs, descending)) if (slice.rowCount > 0 && !take(slice)) return false;
      return true;
    });
  }

  /** The slices of the series, ascending, on demand: each is valid until the next one is asked for. */
  *iterate(id: number): Generator<Slice> {
    const clusters: (readonly Run[])[] = [];
    this.clusters(id, false, (runs) => clusters.push(runs) > 0);
    for (const runs of clusters) yield* this.read(runs, false);
  }

  /** The rows of runs that overlap, as slices in order of time: each is valid until the next one is asked for. */
  *read(runs: readonly Run[], descending: boolean): Generator<Slice> {
    const pieces = cut(runs);
    if (descending) pieces.reverse();
    for (const { runs: overlapping, from, to } of pieces) {
      this.#freeMerged();
      if (!this.holdStrings) this.freeStrings();
      const byAge = overlapping.toSorted((a, b) => a.age - b.age);
      let merged: Slice | undefined;
      for (const run of byAge) {
        const slice = pieces.length === 1 ? run.read() : this.#between(run.read(), from, to);
        // the first is copied too when there are more: a later run of the same segment would overwrite what it reads
        if (byAge.length > 1) merged = this.#mergeTwo(merged ?? NOTHING, slice);
        else merged = slice;
      }
      if (merged) yield merged;
    }
  }

  /** Row groups of so many series that can be folded as they stand; null: something is deleted from a segment, or it is not worth while. */
  wholeGroups(seriesCount: number, isWorth: (table: TableReader) => boolean): WholeGroups | null {
    const cursors = this.#cursors.filter((cursor) => cursor !== null);
    if (this.#cursors.some((cursor, s) => cursor !== null && this.#deleted[s])) return null;
    const range = [this.#minTime, this.#maxTime] as const;
    return WholeGroups.of(cursors, this.#version.memtables, ...range, seriesCount, isWorth);
  }

  /** Gives groups of runs that overlap, in order of time, to `take`, until it answers false. `inMemory`: only those in memtables. */
  clusters(id: number, descending: boolean, take: (runs: readonly Run[]) => boolean, inMemory = false): void {
    this.readOn(id);
    this.#recycle();
    const runs = inMemory ? [] : this.#segmentRuns(id);
    this.#addMemoryRuns(runs, id);
    if (runs.length === 1) take(runs);
    if (runs.length <= 1) return;
    const clusters = clustersOf(runs);
    if (descending) clusters.reverse();
    for (const cluster of clusters) if (!take(cluster)) break;
  }

  /** Frees the strings of row groups that are not the current one. */
  freeStrings(): void {
    for (const cursor of this.#cursors) cursor?.recycle();
  }

  close(): void {
    this.#recycle();
    for (const cursor of this.#cursors) cursor?.close();
    for (const room of [...this.#masked, ...this.#kept]) room?.release();
  }

  #recycle(): void {
    this.#freeMerged();
    for (const block of this.#gathered) block.free();
    this.#gathered = [];
    if (!this.holdStrings) this.freeStrings();
  }

  #freeMerged(): void {
    for (const block of this.#merged) block.free();
    this.#merged = [];
  }

  // The rows of a slice with from < time <= to.
  #between(slice: Slice, from: bigint, to: bigint): Slice {
    const { lowerBound } = this.#kernels.call;
    const start = lowerBound(slice.times, 0, slice.rowCount, from + 1n);
    const rowCount = lowerBound(slice.times, start, slice.rowCount, to + 1n) - start;
    return partOf(slice, start, rowCount);
  }

  #segmentRuns(id: number): Run[] {
    const runs: Run[] = [];
    for (let s = 0; s < this.#cursors.length; s++) {
      const cursor = this.#cursors[s];
      const range = cursor?.table.groupRange(id);
      if (!cursor || !range) continue;
      for (let group = range.first; group <= range.last; group++) this.#groupRun(runs, s, cursor, group, id);
    }
    return runs;
  }

  #addMemoryRuns(runs: Run[], id: number): void {
    for (let m = 0; m < this.#version.memtables.length; m++) {
      const memtable = this.#version.memtables[m]!;
      if (memtable.seriesRows(id) === 0) continue;
      const cursor = memtable.rows(id, this.#minTime, this.#maxTime);
      if (cursor.count === 0) continue;
      let gathered: Slice | undefined;
      runs.push({
        age: this.#cursors.length + m,
        minTime: cursor.timeAt(0),
        maxTime: cursor.timeAt(cursor.count - 1),
        rowCount: cursor.count,
        mayBeHollow: false,
        read: () => {
          gathered ??= this.#gather(cursor);
          return gathered;
        },
        place: null,
      });
    }
  }

  #groupRun(runs: Run[], age: number, cursor: SegmentCursor, index: number, id: number): void {
    const { table } = cursor;
    const minTime = this.#minTime;
    const maxTime = this.#maxTime;
    let runMin = table.groupMinTime(index);
    let runMax = table.groupMaxTime(index);
    if (runMax < minTime || runMin > maxTime) return;
    const alone = table.groupFirstId(index) === table.groupLastId(index);
    let start = 0;
    let count = table.groupRows(index);
    if (!alone) {
      const rows = table.seriesRows(index, id);
      if (!rows) return;
      ({ start, count } = rows);
    }
    const whole = alone && runMin >= minTime && runMax <= maxTime;
    if (!whole) {
      // narrow to the rows in the range, whose times then are known exactly
      const { from, to, firstTime, lastTime } = cursor.within(index, start, count, minTime, maxTime);
      if (from === to) return;
      start = from;
      count = to - from;
      runMin = firstTime;
      runMax = lastTime;
    }
    const deleted = this.#deleted[age];
    if (deleted) {
      const rows = deleted.rows?.within(id, runMin, runMax) ?? NO_RANGES;
      const values = this.#deletedValues(deleted, id, runMin, runMax);
      if (rows.length > 0 || values !== null) {
        this.#keptRuns(
          runs,
          age,
          cursor,
          index,
          { start, count },
          { rows, values, mayBeHollow: deleted.hasFields },
        );
        return;
      }
    }
    runs.push({
      age,
      minTime: runMin,
      maxTime: runMax,
      rowCount: count,
      mayBeHollow: deleted?.hasFields ?? false,
      read: (wanted) => cursor.slice(index, start, count, wanted),
      place: { cursor, index, start, end: start + count, alone },
    });
  }

  // By wanted field the ranges of time in which its values are deleted; null: none are.
  #deletedValues(deleted: Deleted, id: number, from: bigint, to: bigint): (Bounds | null)[] | null {
    if (!deleted.hasFields) return null;
    const ranges = this.#fields.map(({ name }) => {
      const within = deleted.values(name)?.within(id, from, to) ?? NO_RANGES;
      return within.length === 0 ? null : within;
    });
    return ranges.every((each) => each === null) ? null : ranges;
  }

  // What stands between the deleted ranges of time, each a run of its own or, where they are many, all of it one; without the values that
  // are deleted.
  #keptRuns(
    runs: Run[],
    age: number,
    cursor: SegmentCursor,
    index: number,
    { start, count }: { readonly start: number; readonly count: number },
    deleted: {
      readonly rows: Bounds;
      readonly values: readonly (Bounds | null)[] | null;
      readonly mayBeHollow: boolean;
    },
  ): void {
    const { lowerBound } = this.#kernels.call;
    const times = cursor.times(index) + start * 8;
    const { rows, values, mayBeHollow } = deleted;
    const timeAt = (row: number) => this.#kernels.longs[(times >>> 3) + row]!;
    const readPart = (from: number, rowCount: number, wanted?: readonly boolean[]) => {
      const slice = cursor.slice(index, start + from, rowCount, wanted);
      if (values === null) return slice;
      this.#masked[age] ??= new Scratch(this.#kernels);
      return maskSlice(this.#kernels, slice, values, this.#masked[age]);
    };
    const keep = (from: number, to: number) => {
      const rowCount = to - from;
      if (rowCount <= 0) return;
      const read = (wanted?: readonly boolean[]) => readPart(from, rowCount, wanted);
      const [minTime, maxTime] = [timeAt(from), timeAt(to - 1)];
      runs.push({ age, minTime, maxTime, rowCount, mayBeHollow, read, place: null });
    };
    if (rows.length > 2 * MOST_PARTS) {
      this.#kept[age] ??= new Scratch(this.#kernels);
      const room = this.#kept[age];
      const mask = room.reserve(count + 8 + rows.length * 8);
      const rowCount = maskTimes(this.#kernels, times, count, rows, mask, mask + ((count + 7) & ~7));
      if (rowCount === 0) return;
      const flags = this.#kernels.view(mask, count);
      const [minTime, maxTime] = [timeAt(flags.indexOf(1)), timeAt(flags.lastIndexOf(1))];
      const read = (wanted?: readonly boolean[]) =>
        withoutRows(this.#kernels, readPart(0, count, wanted), rows, room);
      runs.push({ age, minTime, maxTime, rowCount, mayBeHollow, read, place: null });
      return;
    }
    let next = 0;
    for (let i = 0; i < rows.length; i += 2) {
      keep(next, lowerBound(times, next, count, rows[i]!));
      next = lowerBound(times, next, count, rows[i + 1]! + 1n);
    }
    keep(next, count);
  }

  #gather(cursor: RowCursor): Slice {
    const block = new RowBlock(this.#kernels, cursor.count, this.#blockColumns.ids);
    this.#gathered.push(block);
    const rowCount = cursor.gather(block, 0, cursor.count);
    return this.#sliceOf(block, rowCount);
  }

  #mergeTwo(older: Slice, newer: Slice): Slice {
    const kernels = this.#kernels;
    const capacity = older.rowCount + newer.rowCount;
    const block = new RowBlock(kernels, capacity, this.#blockColumns.ids);
    this.#merged.push(block);
    const pairs = kernels.alloc(capacity * 8);
    const rowCount = kernels.call.mergeTimes(
      ...([older.times, older.rowCount, newer.times, newer.rowCount] as const),
      ...([block.times, pairs] as const),
    );
    const { order } = this.#blockColumns;
    for (let c = 0; c < order.length; c++) {
      const a = absolute(kernels, older.columns[c], older.rowCount);
      const b = absolute(kernels, newer.columns[c], newer.rowCount);
      const column = order[c]!;
      const count = kernels.call.mergeColumn(
        ...([pairs, rowCount, a?.values ?? 0, a?.present ?? 0, b?.values ?? 0, b?.present ?? 0] as const),
        ...([0, block.values(column), block.present(column)] as const),
      );
      block.addValues(column, count);
    }
    kernels.free(pairs);
    return this.#sliceOf(block, rowCount);
  }

  #sliceOf(block: RowBlock, rowCount: number): Slice {
    const columns = Array.from(this.#blockColumns.order, (column) => {
      const count = block.valueCount(column);
      if (count === 0) return null;
      const present = count === rowCount ? 0 : block.present(column);
      return { values: block.values(column), present, heap: 0 };
    });
    return { rowCount, times: block.times, columns };
  }
}
