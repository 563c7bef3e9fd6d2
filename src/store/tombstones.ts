// Tombstones: what was deleted from segments that still hold it, until a merge writes them anew without it.
//
//   DELETE ──> memtables: the rows are taken out at once     segments: a tombstone, kept in the manifest
//
// A tombstone takes rows, or the values of some fields: a row whose values have all gone so is *hollow*, counts for nothing, and
// is left out by the next merge.
//
// Segment ids grow with time, so one number says which segments are older than a deletion: a tombstone counts for those with
// a smaller id than `before`. What a merge that began earlier writes has a smaller id, too; what one writes that began
// later was read through the tombstone and has a larger one. A tombstone that no segment is left for is forgotten.
import type { SegmentEntry } from "./manifest.ts";
import type { Table } from "./schema.ts";
import type { OpenSegment } from "./version.ts";

/** Times from first to last, inclusive, ns. */
export type TimeRange = readonly [first: bigint, last: bigint];

export interface Tombstone {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly measurement: string;
  /** Segments with a smaller id are older than the deletion. */
  readonly before: number;
  /** Series ids, ascending; null = every series. */
  readonly series: readonly number[] | null;
  /** Ascending, without overlap. */
  readonly ranges: readonly TimeRange[];
  /** The fields whose values are deleted; absent: rows are. */
  readonly fields?: readonly string[];
}

/** Rows to delete: of some series of a table, in ranges of time that do not overlap. */
export interface Deletion {
  readonly series: ArrayLike<number> & Iterable<number>;
  /** `series` are all that the table has. */
  readonly all: boolean;
  readonly ranges: readonly TimeRange[];
}

export function tombstonesOf(
  { measurement: { database, name: measurement }, retentionPolicy }: Table,
  deletions: readonly Deletion[],
  fields: readonly string[] | null,
  before: number,
): Tombstone[] {
  return deletions.map(({ series, ranges, all }) => ({
    ...{ database, retentionPolicy, measurement, before, ranges },
    series: all ? null : [...series],
    ...(fields === null ? {} : { fields }),
  }));
}

/** The tombstones that a segment is left for. `missing`: those whose file is gone, and may come back. */
export function needed(
  tombstones: readonly Tombstone[],
  segments: readonly OpenSegment[],
  missing: readonly SegmentEntry[],
): readonly Tombstone[] {
  return tombstones.filter(
    (tombstone) =>
      segments.some((segment) => isUnder(tombstone, segment)) ||
      missing.some((entry) => touches(tombstone, entry)),
  );
}

/** Whether the segment has something that may be under the tombstone. */
export function isUnder(tombstone: Tombstone, { entry, reader }: OpenSegment): boolean {
  if (!touches(tombstone, entry)) return false;
  const table = reader.table(tombstone.measurement);
  if (!table) return false;
  return tombstone.fields?.some((name) => table.hasValues(name)) ?? true;
}

/** Whether rows of the segment may be under the tombstone. */
export function touches(tombstone: Tombstone, entry: SegmentEntry): boolean {
  if (entry.id >= tombstone.before) return false;
  if (entry.database !== tombstone.database || entry.retentionPolicy !== tombstone.retentionPolicy)
    return false;
  if (entry.hidden.includes(tombstone.measurement)) return false;
  const { ranges } = tombstone;
  if (ranges.length === 0 || ranges[0]![0] > entry.maxTime || ranges.at(-1)![1] < entry.minTime) return false;
  return ranges.some(([first, last]) => first <= entry.maxTime && last >= entry.minTime);
}

/** What is deleted of one table in one segment. */
export class Deleted {
  /** null: no rows are. */
  readonly rows: DeletedRanges | null;
  readonly #byField = new Map<string, DeletedRanges>();
  readonly #gone = new Set<string>();

  /** null: nothing is. */
  static of(tombstones: readonly Tombstone[], entry: SegmentEntry, measurement: string): Deleted | null {
    if (tombstones.length === 0) return null;
    const own = tombstones.filter((each) => each.measurement === measurement && touches(each, entry));
    return own.length === 0 ? null : new Deleted(own, entry);
  }

  private constructor(tombstones: readonly Tombstone[], { minTime, maxTime }: SegmentEntry) {
    const ofRows = tombstones.filter(({ fields }) => fields === undefined);
    this.rows = ofRows.length === 0 ? null : new DeletedRanges(ofRows);
    for (const name of new Set(tombstones.flatMap(({ fields }) => fields ?? []))) {
      const own = tombstones.filter(({ fields }) => fields?.includes(name));
      const isGone = own.some(
        ({ series, ranges }) =>
          series === null && ranges.some(([first, last]) => first <= minTime && last >= maxTime),
      );
      if (isGone) this.#gone.add(name);
      else this.#byField.set(name, new DeletedRanges(own));
    }
  }

  /** Rows may be hollow. */
  get hasFields(): boolean {
    return this.#byField.size + this.#gone.size > 0;
  }

  /** Every value of the field is deleted, as if the segment had no such field. */
  isGone(field: string): boolean {
    return this.#gone.has(field);
  }

  /** null: no values of the field are, or all. */
  values(field: string): DeletedRanges | null {
    return this.#byField.get(field) ?? null;
  }
}

/** Ranges of time by series. */
export class DeletedRanges {
  readonly #everySeries: readonly TimeRange[];
  readonly #bySeries = new Map<number, TimeRange[]>();
  /** What `within` was asked for last, as `united` gives it. */
  #id = -1;
  #ranges: readonly TimeRange[] = [];

  constructor(tombstones: readonly Tombstone[]) {
    this.#everySeries = tombstones.filter(({ series }) => series === null).flatMap(({ ranges }) => ranges);
    for (const { series, ranges } of tombstones) {
      for (const id of series ?? []) {
        const known = this.#bySeries.get(id);
        // (one by one: there may be more than a call takes arguments)
        if (known) for (const range of ranges) known.push(range);
        else this.#bySeries.set(id, [...ranges]);
      }
    }
  }

  /** The ranges that have something of [from, to] deleted from a series, ascending, without overlap. */
  within(id: number, from: bigint, to: bigint): TimeRange[] {
    if (id !== this.#id) {
      this.#ranges = united([...this.#everySeries, ...(this.#bySeries.get(id) ?? [])]);
      this.#id = id;
    }
    const ranges = this.#ranges;
    let low = 0;
    for (let high = ranges.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (ranges[middle]![1] < from) low = middle + 1;
      else high = middle;
    }
    let end = low;
    while (end < ranges.length && ranges[end]![0] <= to) end++;
    return ranges.slice(low, end);
  }
}

/** Ranges in order, those that overlap or touch as one. */
export function united(ranges: readonly TimeRange[]): TimeRange[] {
  const joined: [bigint, bigint][] = [];
  for (const [first, last] of ranges.toSorted((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))) {
    const open = joined.at(-1);
    if (open === undefined || first > open[1] + 1n) joined.push([first, last]);
    else if (last > open[1]) open[1] = last;
  }
  return joined;
}
