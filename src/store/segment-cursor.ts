// Segment cursor: one segment's rows of a table, read series by series; the row group that was decoded last stays
// decoded, so that the short series that share it cost one decode.
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";
import { FieldType } from "../model/types.ts";
import { GroupPages } from "../segment/group-pages.ts";
import type { PagesAhead } from "../segment/pages-ahead.ts";
import { type EdgeValues, type GroupSteps, STATS_BYTES, type TableReader } from "../segment/table-reader.ts";
import type { Slice, SliceColumn } from "./slice.ts";

/** Row groups whose statistics are read at once at most. */
const MOST_STATS = 64;

/** Rows [from, to) of a group, and their first and last time when there are any. */
interface Within {
  readonly from: number;
  readonly to: number;
  readonly firstTime: bigint;
  readonly lastTime: bigint;
  /** What was asked. */
  readonly start: number;
  readonly count: number;
  readonly minTime: bigint;
  readonly maxTime: bigint;
}

export class SegmentCursor {
  readonly #kernels: Kernels;
  readonly #table: TableReader;
  readonly #fields: readonly number[];
  readonly #block: Scratch;
  #blockAt: Pointer = 0;
  #rows = 0;
  #group = -1;
  readonly #times: Scratch;
  #timesAt: Pointer = 0;
  /** The group whose times stand there, -1 = none, and the one that was last found to have the same. */
  #timesOf = -1;
  #sameTimes = -1;
  #within: Within | undefined;
  /** Of the current group. */
  #whole: Slice | undefined;
  readonly #columns: (SliceColumn | null | undefined)[];
  readonly #pages: GroupPages;
  /** The pages of a group that the fields are, ascending, without its times and with them. */
  readonly #pageNumbers: readonly number[];
  readonly #withTimes: readonly number[];
  readonly #stats: Scratch;
  readonly #edges: Scratch;
  #statsAt: Pointer = 0;
  /** The groups [from, end) whose statistics stand there. */
  #statsFrom = 0;
  #statsEnd = 0;
  #heaps: Pointer[] = [];
  #oldHeaps: Pointer[] = [];

  /** `fields`: per wanted field its index in the segment, -1 = not there. */
  constructor(kernels: Kernels, table: TableReader, fields: readonly number[]) {
    this.#kernels = kernels;
    this.#table = table;
    this.#fields = fields;
    this.#columns = fields.map(() => undefined);
    const there = [...new Set(fields)].filter((field) => field >= 0).sort((a, b) => a - b);
    this.#pageNumbers = there.map((field) => 1 + field);
    this.#withTimes = [0, ...this.#pageNumbers];
    this.#block = new Scratch(kernels);
    this.#times = new Scratch(kernels);
    this.#pages = new GroupPages(kernels);
    this.#stats = new Scratch(kernels);
    this.#edges = new Scratch(kernels);
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

  /** All rows of a group, of all columns, as the same object while the group is the current one. */
  whole(group: number): Slice {
    this.#load(group);
    this.#whole ??= this.slice(group, 0, this.#table.groupRows(group));
    return this.#whole;
  }

  /** A column of all rows of the group; null: no row has a value. Valid as slices are. */
  column(group: number, column: number): SliceColumn | null {
    this.#load(group);
    return this.#column(column);
  }

  /** The group's times. */
  times(group: number): Pointer {
    if (group === this.#timesOf || group === this.#sameTimes) return this.#timesAt;
    if (this.#timesOf >= 0 && this.#table.isSameTimes(group, this.#timesOf)) {
      this.#sameTimes = group;
      return this.#timesAt;
    }
    this.#load(group);
    this.#timesOf = this.#sameTimes = -1;
    this.#within = undefined;
    this.#timesAt = this.#times.reserve(this.#rows * 8);
    this.#table.readTimes(group, this.#timesAt, this.#pages);
    this.#timesOf = group;
    return this.#timesAt;
  }

  /** Of a row of a group. */
  timeOf(group: number, row: number): bigint {
    const table = this.#table;
    // (of a group that series share its bounds are not known by their rows)
    if (table.groupFirstId(group) === table.groupLastId(group)) {
      if (row === 0) return table.groupMinTime(group);
      if (row === table.groupRows(group) - 1) return table.groupMaxTime(group);
    }
    return this.#kernels.longs[(this.times(group) >>> 3) + row]!;
  }

  /** Of rows [start, start + count) of a group those with minTime <= time <= maxTime. */
  within(group: number, start: number, count: number, minTime: bigint, maxTime: bigint): Within {
    const times = this.times(group);
    const last = this.#within;
    const isSame = last !== undefined && last.start === start && last.count === count;
    if (isSame && last.minTime === minTime && last.maxTime === maxTime) return last;
    const { lowerBound } = this.#kernels.call;
    const at = times + start * 8;
    const from = lowerBound(at, 0, count, minTime);
    const to = lowerBound(at, from, count, maxTime + 1n);
    const { longs } = this.#kernels;
    this.#within = {
      ...{ start, count, minTime, maxTime, from: start + from, to: start + to },
      firstTime: to > from ? longs[(at >>> 3) + from]! : 0n,
      lastTime: to > from ? longs[(at >>> 3) + to - 1]! : 0n,
    };
    return this.#within;
  }

  /**
   * The statistics of a group's page of a wanted field, in the form of the kernels (assembly/stats.ts), valid until those of another
   * group are asked for; no values: it has no such page.
   */
  stats(group: number, column: number): Pointer {
    if (group < this.#statsFrom || group >= this.#statsEnd) {
      // of groups one after the other ever more at once
      const count = group === this.#statsEnd ? 2 * (group - this.#statsFrom) : 1;
      const end = Math.min(this.#table.groupCount, group + Math.max(1, Math.min(count, MOST_STATS)));
      this.#statsAt = this.#table.readAllStats(this.#fields, group, end - group, this.#stats);
      this.#statsFrom = group;
      this.#statsEnd = end;
    }
    const place = column * (this.#statsEnd - this.#statsFrom) + group - this.#statsFrom;
    return this.#statsAt + place * STATS_BYTES;
  }

  /** See `TableReader.readEdges`: of the wanted fields. Valid until the next are asked for. */
  edges(groups: GroupSteps, last: boolean): EdgeValues {
    return this.#table.readEdges(this.#fields, groups, last, this.#edges);
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
    this.#times.release();
    this.#pages.release();
    this.#stats.release();
    this.#edges.release();
  }

  /** Of the wanted fields, and the times. */
  get pagesPerGroup(): number {
    return this.#withTimes.length;
  }

  /** What begins to read pages of the wanted fields, and the times beside them, before they are. */
  beginAhead(): PagesAhead {
    const { ahead } = this.#table;
    ahead.begin(this.#pageNumbers.length === 0 ? [] : this.#withTimes);
    return ahead;
  }

  #load(group: number): void {
    if (group === this.#group) return;
    this.#retire();
    this.#rows = (this.#table.groupRows(group) + 7) & ~7;
    this.#blockAt = this.#block.reserve(this.#rows * 9 * this.#fields.length + 8);
    this.#columns.fill(undefined);
    this.#group = group;
    if (this.#pageNumbers.length === 0) return;
    const hasTimes = group === this.#timesOf || group === this.#sameTimes;
    this.#table.loadPages(group, hasTimes ? this.#pageNumbers : this.#withTimes, this.#pages);
  }

  #retire(): void {
    this.#oldHeaps.push(...this.#heaps);
    this.#heaps = [];
    this.#group = -1;
    this.#whole = undefined;
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
    const values = this.#blockAt + this.#rows * 9 * column;
    return { values, present: values + this.#rows * 8, heap: 0 };
  }
}
