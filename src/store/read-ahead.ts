// Read ahead: which pages of a segment a read will come to, told to the disk before it gets there.
//
//     series   1 2 3 4 5 | 6 7 8 | 9 ...     a part at a time: the next one when the first of its series is asked for
import type { TableReader } from "../segment/table-reader.ts";
import type { SegmentCursor } from "./segment-cursor.ts";

/** Row groups of a part, with so many pages, and the rest of those that its last series has. */
const PART_GROUPS = 512;
const PART_PAGES = 64 * 1024;

/** Of no more the one where a range of time begins is found by looking at each. */
const FEW_GROUPS = 8;

/** Whether statistics tell what is wanted of a row group that has these times, first and last; then they do of what is between. */
export type IsTold = (minTime: bigint, maxTime: bigint) => boolean;

/** Reads ahead in one segment: the pages of series (ascending) between two times. */
export class ReadAhead {
  /** Of series up to this id all has begun to be read. */
  until = -1;
  readonly cursor: SegmentCursor;
  readonly #ids: Uint32Array;
  readonly #minTime: bigint;
  readonly #maxTime: bigint;
  readonly #isTold: IsTold;
  readonly #partGroups: number;
  /** Of the series, and of the row groups. */
  #next = 0;
  #nextGroup = 0;
  /** The row group that was looked at last, as the times of many are the same, and whether it is wanted. */
  #known = -1;
  #isWanted = false;

  constructor(cursor: SegmentCursor, ids: Uint32Array, minTime: bigint, maxTime: bigint, isTold: IsTold) {
    this.cursor = cursor;
    this.#ids = ids;
    this.#minTime = minTime;
    this.#maxTime = maxTime;
    this.#isTold = isTold;
    this.#partGroups = Math.min(PART_GROUPS, Math.ceil(PART_PAGES / cursor.pagesPerGroup));
    const { table } = cursor;
    const isWithin = table.minTime >= minTime && table.maxTime <= maxTime;
    if (isWithin && isTold(table.minTime, table.maxTime)) this.until = Number.POSITIVE_INFINITY;
  }

  /** Begins to read the next part; gives its bytes. */
  advance(): number {
    if (this.until === Number.POSITIVE_INFINITY) return 0;
    const { table } = this.cursor;
    const ahead = this.cursor.beginAhead();
    // of as many series as there are row groups nearly each of these has some
    const sizeBytes = this.#ids.length >= table.groupCount ? this.#addGroups() : this.#addSeries();
    ahead.end();
    return sizeBytes;
  }

  #addGroups(): number {
    const { table } = this.cursor;
    const end = Math.min(table.groupCount, this.#nextGroup + this.#partGroups);
    let sizeBytes = 0;
    for (; this.#nextGroup < end; this.#nextGroup++) sizeBytes += this.#add(this.#nextGroup);
    // (of the last series more groups may follow)
    this.until = end < table.groupCount ? table.groupLastId(end - 1) - 1 : Number.POSITIVE_INFINITY;
    return sizeBytes;
  }

  #addSeries(): number {
    const { table } = this.cursor;
    const ids = this.#ids;
    let sizeBytes = 0;
    let left = this.#partGroups;
    for (; this.#next < ids.length && left > 0; this.#next++) {
      const id = ids[this.#next]!;
      this.until = id;
      const range = table.groupRange(id);
      if (range === null) continue;
      let group = Math.max(this.#nextGroup, range.first);
      if (range.last - group > FEW_GROUPS) group = firstReaching(table, group, range.last, this.#minTime);
      for (; group <= range.last; group++, left--) {
        if (group > range.first && table.groupMinTime(group) > this.#maxTime) break;
        sizeBytes += this.#add(group);
      }
      this.#nextGroup = group;
    }
    if (this.#next === ids.length) this.until = Number.POSITIVE_INFINITY;
    return sizeBytes;
  }

  #add(group: number): number {
    const { table } = this.cursor;
    if (this.#known < 0 || !table.isSameRange(group, this.#known)) {
      const [from, to] = [table.groupMinTime(group), table.groupMaxTime(group)];
      const isInside = from >= this.#minTime && to <= this.#maxTime;
      this.#isWanted = to >= this.#minTime && from <= this.#maxTime && !(isInside && this.#isTold(from, to));
      this.#known = group;
    }
    return this.#isWanted ? table.ahead.add(group) : 0;
  }
}

// Of groups [first, last] of a series the first that does not end before a time.
function firstReaching(table: TableReader, first: number, last: number, minTime: bigint): number {
  let low = first;
  for (let high = last; low < high; ) {
    const middle = (low + high) >>> 1;
    if (table.groupMaxTime(middle) < minTime) low = middle + 1;
    else high = middle;
  }
  return low;
}
