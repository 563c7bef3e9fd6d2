// Whole groups: series all rows of which, but for those in memory, stand in row groups of their own, in no two places at one time. Their
// row groups can be folded as they stand, next to each other, without a look at where rows of a series are.
//
//     segment   days 1-7    [s1][s1][s2][s3][s3]       span [0, 5)
//     segment   days 8-14   [s1][s2][s2][s3]           span [0, 4)
//     memory    day 15      s1 s3                      later than both
import type { TableReader } from "../segment/table-reader.ts";
import type { Memtable } from "./memtable.ts";
import type { SegmentCursor } from "./segment-cursor.ts";

/** With so few series and row groups of theirs. */
const FEW = 16;

/** Series that are looked for at once at most. */
export const MOST_SERIES = 64;

export class WholeGroups {
  /** By the first of their times. */
  readonly cursors: readonly SegmentCursor[];
  /** All rows of a table are later than those of the one before. */
  readonly areApart: boolean;
  /** All rows in memory are later than those of all tables. */
  readonly isMemoryLater: boolean;
  readonly #minTime: bigint;
  readonly #maxTime: bigint;
  readonly #memtables: readonly Memtable[];
  /** By cursor and series that was looked for: its row groups [first, end). */
  readonly #firsts: Uint32Array;
  readonly #ends: Uint32Array;
  /** By series that was looked for. */
  readonly #found = new Uint8Array(MOST_SERIES);

  /**
   * Of so many series of tables from which nothing is deleted, their rows between two times; null: they are so few that a look at each takes no longer, or no table is worth while.
   */
  static of(
    cursors: readonly SegmentCursor[],
    memtables: readonly Memtable[],
    minTime: bigint,
    maxTime: bigint,
    seriesCount: number,
    isWorth: (table: TableReader) => boolean,
  ): WholeGroups | null {
    let groups = 0;
    for (const { table } of cursors)
      groups += (table.groupCount * Math.min(seriesCount, table.seriesCount)) / table.seriesCount;
    if (Math.max(groups, seriesCount) < FEW || !cursors.some(({ table }) => isWorth(table))) return null;
    return new WholeGroups(cursors, memtables, minTime, maxTime);
  }

  private constructor(
    cursors: readonly SegmentCursor[],
    memtables: readonly Memtable[],
    minTime: bigint,
    maxTime: bigint,
  ) {
    this.cursors = cursors.toSorted(
      (a, b) => Number(a.table.minTime > b.table.minTime) - Number(a.table.minTime < b.table.minTime),
    );
    this.#minTime = minTime;
    this.#maxTime = maxTime;
    this.#memtables = memtables.filter(({ rowCount }) => rowCount > 0);
    const tables = this.cursors.map(({ table }) => table);
    this.areApart = tables.every((table, t) => t === 0 || table.minTime > tables[t - 1]!.maxTime);
    this.isMemoryLater = this.#memtables.every((memtable) =>
      tables.every((table) => memtable.minTime > table.maxTime),
    );
    this.#firsts = new Uint32Array(tables.length * MOST_SERIES);
    this.#ends = new Uint32Array(tables.length * MOST_SERIES);
  }

  /** Of what is in tables and in memory nothing is at one time with something elsewhere, whichever series. */
  get areInOrder(): boolean {
    return this.areApart && this.isMemoryLater;
  }

  get isMemoryEmpty(): boolean {
    return this.#memtables.length === 0;
  }

  isInMemory(id: number): boolean {
    return this.#memtables.some((memtable) => memtable.seriesRows(id) > 0);
  }

  /** Whether a series is such a one; its row groups are at `place` then, else there are none at it. */
  look(id: number, place: number): boolean {
    const isWhole = (this.isMemoryLater || !this.isInMemory(id)) && this.#find(id, place);
    if (!isWhole)
      for (let at = place; at < this.#ends.length; at += MOST_SERIES) this.#ends[at] = this.#firsts[at] = 0;
    this.#found[place] = isWhole ? 1 : 0;
    return isWhole;
  }

  /** What `look` last answered of a place. */
  isFound(place: number): boolean {
    return this.#found[place] === 1;
  }

  /** The row groups [first, end) that the series at `place` has in the table of a cursor. */
  first(cursor: number, place: number): number {
    return this.#firsts[cursor * MOST_SERIES + place]!;
  }

  end(cursor: number, place: number): number {
    return this.#ends[cursor * MOST_SERIES + place]!;
  }

  #find(id: number, place: number): boolean {
    let before: bigint | undefined;
    for (const [c, { table }] of this.cursors.entries()) {
      const at = c * MOST_SERIES + place;
      const range = table.groupRange(id);
      this.#firsts[at] = this.#ends[at] = 0;
      if (range === null) continue;
      let { first, last } = range;
      if (table.groupFirstId(first) !== table.groupLastId(first)) return false;
      if (table.groupFirstId(last) !== table.groupLastId(last)) return false;
      if (!this.areApart) {
        if (before !== undefined && table.groupMinTime(first) <= before) return false;
        before = table.groupMaxTime(last);
      }
      if (table.minTime < this.#minTime)
        first = firstWhere(first, last + 1, (g) => table.groupMaxTime(g) >= this.#minTime);
      if (table.maxTime > this.#maxTime)
        last = firstWhere(first, last + 1, (g) => table.groupMinTime(g) > this.#maxTime) - 1;
      this.#firsts[at] = first;
      this.#ends[at] = last + 1;
    }
    return true;
  }
}

// The first of [from, to) of which something holds that holds of all behind it; `to`: of none.
function firstWhere(from: number, to: number, holds: (group: number) => boolean): number {
  let low = from;
  for (let high = to; low < high; ) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
