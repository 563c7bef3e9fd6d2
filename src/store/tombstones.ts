// Tombstones: what was deleted from segments that still hold it, until a merge writes them anew without it.
//
//   DELETE ──> memtables: the rows are taken out at once     segments: a tombstone, in a file that the manifest names
//
// A tombstone takes rows, or the values of some fields: a row whose values have all gone so is *hollow*, counts for nothing, and
// is left out by the next merge.
//
// Segment ids grow with time, so one number says which segments are older than a deletion: a tombstone counts for those with
// a smaller id than `before`. What a merge that began earlier writes has a smaller id, too; what one writes that began
// later was read through the tombstone and has a larger one. A tombstone that no segment is left for is forgotten.
import type { SegmentEntry } from "./manifest.ts";
import type { Table } from "./schema.ts";
import { type Bounds, joined, type SeriesRanges } from "./series-ranges.ts";
import type { OpenSegment } from "./version.ts";

export interface Tombstone {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly measurement: string;
  /** Segments with a smaller id are older than the deletion. */
  readonly before: number;
  /** What is deleted. */
  readonly taken: SeriesRanges;
  /** The fields whose values are deleted; absent: rows are. */
  readonly fields?: readonly string[];
}

export function tombstoneOf(
  { measurement: { database, name: measurement }, retentionPolicy }: Table,
  taken: SeriesRanges,
  fields: readonly string[] | null,
  before: number,
): Tombstone {
  return {
    ...{ database, retentionPolicy, measurement, before, taken },
    ...(fields === null ? {} : { fields }),
  };
}

/**
 * The tombstones with one more. A deletion by values comes in many steps: what is of the same kind becomes one, the smaller with
 * those that are not much larger, so that there are few of them and each range is copied a few times.
 */
export function withTombstone(tombstones: readonly Tombstone[], added: Tombstone): readonly Tombstone[] {
  const list = tombstones.slice();
  let last = added;
  for (let previous = list.at(-1); previous; previous = list.at(-1)) {
    if (!isSameKind(previous, last) || previous.taken.rangeCount > 2 * last.taken.rangeCount) break;
    const taken = previous.taken.with(last.taken);
    if (taken === null) break;
    last = { ...last, taken };
    list.pop();
  }
  list.push(last);
  return list;
}

function isSameKind(a: Tombstone, b: Tombstone): boolean {
  return (
    a.before === b.before &&
    a.measurement === b.measurement &&
    a.retentionPolicy === b.retentionPolicy &&
    a.database === b.database &&
    JSON.stringify(a.fields) === JSON.stringify(b.fields)
  );
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
  return tombstone.taken.mayTouch(entry.minTime, entry.maxTime);
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
    this.rows = ofRows.length === 0 ? null : new DeletedRanges(ofRows.map(({ taken }) => taken));
    for (const name of new Set(tombstones.flatMap(({ fields }) => fields ?? []))) {
      const own = tombstones.filter(({ fields }) => fields?.includes(name)).map(({ taken }) => taken);
      if (own.some((taken) => isOfAll(taken, minTime, maxTime))) this.#gone.add(name);
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

function isOfAll({ ids, bounds }: SeriesRanges, minTime: bigint, maxTime: bigint): boolean {
  if (ids !== null) return false;
  for (let i = 0; i < bounds.length; i += 2)
    if (bounds[i]! <= minTime && bounds[i + 1]! >= maxTime) return true;
  return false;
}

/** What several deletions took. */
export class DeletedRanges {
  readonly #all: readonly SeriesRanges[];

  constructor(all: readonly SeriesRanges[]) {
    this.#all = all;
  }

  /** The ranges that have something of [from, to] deleted from a series. */
  within(id: number, from: bigint, to: bigint): Bounds {
    let found = NONE;
    for (const ranges of this.#all) found = joined(found, ranges.within(id, from, to))!;
    return found;
  }
}

const NONE: Bounds = new BigInt64Array(0);
