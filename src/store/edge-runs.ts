// Edge runs: the first or the last rows of many series at once, where one segment alone has them and each series' stands at the end of
// a row group of its own.
//
//   series of a store, ascending    3    4    5    6
//   row groups of the segment      [3 3][4 4][5 5][6 6]        of each the last: two apart
import type { Kernels } from "../kernels/kernels.ts";
import type { EdgeValues, GroupSteps } from "../segment/table-reader.ts";
import type { SegmentCursor } from "./segment-cursor.ts";
import type { Deleted } from "./tombstones.ts";
import type { Version } from "./version.ts";

/** Series that are looked at together at most: between runs a scan gives way. */
const MOST_SERIES = 256;
/** When statistics did not tell the first of so many runs one after the other, they are asked no more. */
const MOST_UNTOLD = 4;

/** Row groups of one segment, of as many series one behind the other, whose ends are the series' first (last) rows. */
export interface EdgeRun extends GroupSteps {
  readonly cursor: SegmentCursor;
}

export class EdgeRuns {
  readonly #memtables: Version["memtables"];
  readonly #front: SegmentCursor | null;
  readonly #minTime: bigint;
  readonly #maxTime: bigint;
  readonly #descending: boolean;
  #most = MOST_SERIES;
  /** Runs one after the other of which nothing was told. */
  #untold = 0;

  /** `cursors`, `deleted`: as in `seriesEdge`. Rows between the times are wanted, the last one when `descending`. */
  constructor(
    { memtables }: Version,
    cursors: readonly (SegmentCursor | null)[],
    deleted: readonly (Deleted | null)[],
    minTime: bigint,
    maxTime: bigint,
    descending: boolean,
  ) {
    this.#memtables = memtables;
    this.#front = frontOf(cursors, deleted, descending);
    this.#minTime = minTime;
    this.#maxTime = maxTime;
    this.#descending = descending;
  }

  /** Of the series at `ids[from]` and those behind it; null: they have to be looked at one by one. */
  at(ids: Uint32Array, from: number): EdgeRun | null {
    const cursor = this.#front;
    if (cursor === null || this.#untold === MOST_UNTOLD) return null;
    let first = -1;
    let step = 1;
    let count = 0;
    for (const end = Math.min(ids.length, from + this.#most); from + count < end; count++) {
      const group = this.#groupOf(cursor, ids[from + count]!);
      if (group < 0) break;
      if (count === 0) first = group;
      else if (count === 1) step = group - first;
      else if (group !== first + count * step) break;
    }
    return count === 0 ? null : { cursor, first, step, count };
  }

  /** Told how many of a run statistics told: the next ones are as long, or twice that while they tell all. */
  told(count: number, { count: asked }: EdgeRun): void {
    this.#untold = count === 0 ? this.#untold + 1 : 0;
    this.#most = count < asked ? Math.max(count, 1) : Math.min(2 * this.#most, MOST_SERIES);
  }

  // The row group with the series' first (last) row and no other series; -1: it cannot be told so.
  #groupOf({ table }: SegmentCursor, id: number): number {
    for (const memtable of this.#memtables) if (memtable.seriesRows(id) > 0) return -1;
    const range = table.groupRange(id);
    if (range === null) return -1;
    const group = this.#descending ? range.last : range.first;
    if (table.groupFirstId(group) !== table.groupLastId(group)) return -1;
    const time = this.#descending ? table.groupMaxTime(group) : table.groupMinTime(group);
    return time < this.#minTime || time > this.#maxTime ? -1 : group;
  }
}

/** The values of the first of a run's series, as many as statistics tell whose rows have a value. */
export function toldOf(kernels: Kernels, edges: EdgeValues, fieldCount: number): number {
  const { told, room, present } = edges;
  const { bytes } = kernels;
  for (let i = 0; i < told; i++) {
    let field = 0;
    while (field < fieldCount && bytes[present + field * room + i] === 0) field++;
    if (field === fieldCount) return i;
  }
  return told;
}

// The segment of which all rows are behind those of the others (before them unless `descending`), and none is deleted.
function frontOf(
  cursors: readonly (SegmentCursor | null)[],
  deleted: readonly (Deleted | null)[],
  descending: boolean,
): SegmentCursor | null {
  let front = -1;
  for (let s = 0; s < cursors.length; s++) {
    const table = cursors[s]?.table;
    if (!table) continue;
    const other = front < 0 ? null : cursors[front]!.table;
    if (other === null || (descending ? table.maxTime > other.maxTime : table.minTime < other.minTime))
      front = s;
  }
  if (front < 0 || deleted[front]) return null;
  const cursor = cursors[front]!;
  const { minTime, maxTime } = cursor.table;
  const isBeyond = (other: SegmentCursor | null) =>
    other === null ||
    other === cursor ||
    (descending ? other.table.maxTime < minTime : other.table.minTime > maxTime);
  return cursors.every(isBeyond) ? cursor : null;
}
