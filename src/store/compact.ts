// Compaction: merges neighbouring segments of one time window into one, so that their number stays bounded.
//
// Size-tiered (O'Neil et al., The Log-Structured Merge-Tree, 1996, as practised since): a run of at least
// MERGE_COUNT neighbours, none much larger than what is newer in the run, becomes one segment. A window of n flushes
// so has at most about 3 segments per power of 4 of n, and each row is rewritten about log4(n) times. A window that is over
// becomes one segment once nothing is flushed for a while.
// Only neighbours in age are merged: of two values of a point the newer must stay the newer.

import { assert } from "../base/assert.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { listKey } from "../model/listkey.ts";
import { MAX_TIME, MIN_TIME } from "../model/types.ts";
import { SegmentWriter } from "../segment/writer.ts";
import { GroupAssembler } from "./assembler.ts";
import { copySlice } from "./copy.ts";
import type { FlushParts } from "./flush.ts";
import type { SegmentEntry } from "./manifest.ts";
import type { Measurement, Table } from "./schema.ts";
import { SeriesSelector } from "./select.ts";
import { SeriesReader } from "./series-reader.ts";
import { partOf, type Slice } from "./slice.ts";
import { isUnder, type Tombstone, touches } from "./tombstones.ts";
import { type OpenSegment, Version } from "./version.ts";

const MERGE_COUNT = 4;
const SIMILAR = 1.5;
/** What a window at rest has beside its largest segment is merged with it from this part of it on: else all would be rewritten for little. */
const REST_SHARE = 1 / 8;
/** Runs end before their result would be larger: rewriting that costs more than it gives. */
const MOST_BYTES = 4 * 1024 ** 3;
/** What of the time merging has for each segment, and at most. */
const SHARE_OF_SEGMENT = 1 / 200;
const MOST_SHARE = 1 / 2;

/**
 * The run to merge next: neighbours in age of one window; null when no window has too many. `damaged` are ids of segments
 * that no run may contain, nor reach across: the order of age would change.
 */
export function pickRun(
  segments: readonly SegmentEntry[],
  damaged: ReadonlySet<number> = new Set(),
): readonly SegmentEntry[] | null {
  for (const entries of byWindow(segments)) {
    for (let end = entries.length; end >= MERGE_COUNT; end--) {
      if (damaged.has(entries[end - 1]!.id)) continue;
      let start = end - 1;
      let bytes = entries[start]!.sizeBytes;
      while (start > 0) {
        const { id, sizeBytes } = entries[start - 1]!;
        if (damaged.has(id) || sizeBytes > SIMILAR * bytes || bytes + sizeBytes > MOST_BYTES) break;
        if (isCrossed(segments, entries[start - 1]!, entries[end - 1]!)) break;
        bytes += sizeBytes;
        start--;
      }
      if (end - start >= MERGE_COUNT) return entries.slice(start, end);
    }
  }
  return null;
}

/**
 * The run to merge next where no more rows come: a window that ended before `nowNs` becomes one segment, so that a series is one
 * run of pages. Rows may come late all the same: each time all is rewritten it has grown by an eighth at least, so that a row is
 * rewritten about log(n) / log(9/8) times at most, and mostly once. null: every such window is at rest.
 */
export function restRun(
  segments: readonly SegmentEntry[],
  nowNs: bigint,
  damaged: ReadonlySet<number>,
): readonly SegmentEntry[] | null {
  for (const entries of byWindow(segments)) {
    if (entries.length < 2 || entries[0]!.windowEnd > nowNs) continue;
    let start = 0;
    for (let end = 1; end <= entries.length; end++) {
      const isEnd =
        end === entries.length ||
        damaged.has(entries[end - 1]!.id) ||
        damaged.has(entries[end]!.id) ||
        entries.slice(start, end).some((each) => isCrossed(segments, each, entries[end]!));
      if (!isEnd) continue;
      const run = largeEnough(entries.slice(start, end));
      if (run.length > 1) return run;
      start = end;
    }
  }
  return null;
}

// The longest run of neighbours, the newest in it, whose merge is worth its while and not too large.
function largeEnough(neighbours: readonly SegmentEntry[]): readonly SegmentEntry[] {
  for (let start = 0; start < neighbours.length; start++) {
    const run = neighbours.slice(start);
    const bytes = run.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const largest = Math.max(...run.map(({ sizeBytes }) => sizeBytes));
    if (bytes <= MOST_BYTES && bytes - largest >= largest * REST_SHARE) return run;
  }
  return [];
}

/**
 * The part of the time that merging a run has beside large bodies: the more segments its window has by now, the more, so that they stay
 * bounded however much is written, and bodies that soon end are hardly held up.
 */
export function mergeShare(segments: readonly SegmentEntry[], run: readonly SegmentEntry[]): number {
  const window = windowOf(run[0]!);
  const count = segments.filter((entry) => windowOf(entry) === window).length;
  return Math.min(count * SHARE_OF_SEGMENT, MOST_SHARE);
}

function byWindow(segments: readonly SegmentEntry[]): Iterable<SegmentEntry[]> {
  return Map.groupBy(segments, windowOf).values();
}

function windowOf({ database, retentionPolicy, windowStart, windowEnd }: SegmentEntry): string {
  return listKey([database, retentionPolicy, String(windowStart), String(windowEnd)]);
}

/** A segment that holds deleted rows, to be written anew without them; null when there is none. */
export function deletedRun(
  { segments, tombstones }: Version,
  damaged: ReadonlySet<number>,
): readonly SegmentEntry[] | null {
  const found = segments.find(
    (segment) => !damaged.has(segment.entry.id) && tombstones.some((each) => isUnder(each, segment)),
  );
  return found ? [found.entry] : null;
}

// Whether a segment between the two in age is of another window over times of the older, as there may be of before windows were apart:
// the older must not come behind it, where the newest of a run is.
function isCrossed(segments: readonly SegmentEntry[], older: SegmentEntry, newer: SegmentEntry): boolean {
  return segments
    .slice(segments.indexOf(older) + 1, segments.indexOf(newer))
    .some(
      (entry) =>
        entry.database === older.database &&
        entry.retentionPolicy === older.retentionPolicy &&
        (entry.windowStart !== older.windowStart || entry.windowEnd !== older.windowEnd) &&
        entry.minTime <= older.maxTime &&
        entry.maxTime >= older.minTime,
    );
}

export interface CompactParts extends FlushParts {
  /** What is deleted by now. */
  tombstones(): readonly Tombstone[];
}

/**
 * Merges segments of one window; null when none of their rows is left. Gives up, leaving nothing, when `stopped` says so: as soon as
 * one of them is dropped or expired, since the catalog has their series no more. The result is durable. Throws `DiskError`.
 */
export async function compactSegments(
  parts: CompactParts,
  inputs: readonly OpenSegment[],
  stopped: () => boolean,
): Promise<SegmentEntry | null | "stopped"> {
  const { disk, kernels, schema, catalog, pause } = parts;
  const { database, retentionPolicy, windowStart, windowEnd } = inputs[0]!.entry;
  // as of the tombstones: a field that is deleted meanwhile stays a column, and under its tombstone
  const measurements = visibleMeasurements(parts, inputs).map((each) => [each, each.fields] as const);
  if (measurements.length === 0) return null;
  const { id, path } = parts.nextSegment();
  const writer = SegmentWriter.create(disk, path, kernels, {
    database,
    retentionPolicy,
    windowStartNs: windowStart,
    windowEndNs: windowEnd,
  });
  const version = new Version(inputs, [], parts.tombstones());
  let rows = 0;
  try {
    for (const [measurement, fields] of measurements) {
      const table = schema.table(measurement, retentionPolicy);
      const reader = new SeriesReader(
        ...([kernels, version, measurement, retentionPolicy, fields, MIN_TIME, MAX_TIME] as const),
      );
      // the assembler keeps pointers to strings of several short series
      reader.holdStrings = true;
      const assembler = new GroupAssembler(kernels, writer, measurement.name, fields);
      try {
        let rowCount = 0;
        for (const series of seriesOf(parts, table)) {
          const made = mergeSeries(parts, reader, assembler, series);
          rowCount += made;
          rows += made;
          if (!pause.due()) continue;
          await pause.wait();
          if (stopped()) {
            writer.abort();
            return "stopped";
          }
        }
        assembler.finish();
        assertWhole(inputs, measurement.name, rowCount, parts.tombstones());
      } finally {
        assembler.free();
        reader.close();
      }
    }
    if (rows === 0) {
      writer.abort();
      return null;
    }
    const summary = await writer.finish((series) => catalog.key(series));
    return {
      ...{ id, database, retentionPolicy, windowStart, windowEnd, hidden: [] },
      minTime: summary.minTime,
      maxTime: summary.maxTime,
      rows: summary.rowCount,
      sizeBytes: summary.sizeBytes,
    };
  } catch (error) {
    writer.abort();
    throw error;
  } finally {
    version.release();
  }
}

function visibleMeasurements({ schema }: FlushParts, inputs: readonly OpenSegment[]): Measurement[] {
  const names = new Set<string>();
  for (const { entry, reader } of inputs)
    for (const name of reader.tables) if (!entry.hidden.includes(name)) names.add(name);
  const known = schema.measurements(inputs[0]!.entry.database);
  return [...names]
    .sort()
    .map((name) => known.get(name))
    .filter((found) => found !== undefined);
}

// All ids at once: drops of other tables may close the tag index under a merge that waits.
function seriesOf({ kernels, catalog }: FlushParts, table: Table): Uint32Array {
  const selector = new SeriesSelector(kernels, catalog);
  try {
    return selector.select(table.id, null).ids;
  } finally {
    selector.close();
  }
}

// A union has at least the rows of each of its parts that nothing was deleted from. Less would be rows that the inputs take
// with them when they go.
function assertWhole(
  inputs: readonly OpenSegment[],
  measurement: string,
  rowCount: number,
  tombstones: readonly Tombstone[],
): void {
  const own = tombstones.filter((tombstone) => tombstone.measurement === measurement);
  for (const { entry, reader } of inputs) {
    if (own.some((tombstone) => touches(tombstone, entry))) continue;
    const had = entry.hidden.includes(measurement) ? 0 : (reader.table(measurement)?.rowCount ?? 0);
    assert(rowCount >= had, `a merge has ${rowCount} of ${had} rows of ${measurement} in ${reader.path}`);
  }
}

/** Gives the number of rows. */
function mergeSeries(
  { kernels }: FlushParts,
  reader: SeriesReader,
  assembler: GroupAssembler,
  series: number,
): number {
  // most of many short series: as they stand, with nearly nothing made for one
  const place = reader.only(series);
  if (place === "none") return 0;
  if (place !== null && !place.alone) {
    const { cursor, index, start, end } = place;
    if (assembler.makeRoom(end - start)) reader.freeStrings();
    const slice = cursor.whole(index);
    let next = start;
    assembler.add(series, end - start, (block, at, room) => {
      const count = Math.min(room, end - next);
      if (count > 0) copySlice(kernels, slice, next, count, block, at);
      next += count;
      return count;
    });
    return end - start;
  }
  let atMost = 0;
  reader.clusters(series, false, (runs) => {
    for (const run of runs) atMost += run.rowCount;
    return true;
  });
  if (atMost === 0) return 0;
  if (assembler.makeRoom(atMost)) reader.freeStrings();
  // pull slices one at a time: the assembler asks for rows, a slice may fill several of its blocks
  const slices = reader.mayBeHollow ? withoutHollow(kernels, reader.iterate(series)) : reader.iterate(series);
  let slice = slices.next();
  let used = 0;
  let rowCount = 0;
  assembler.add(series, atMost, (block, at, room) => {
    let made = 0;
    while (made < room && !slice.done) {
      const count = Math.min(room - made, slice.value.rowCount - used);
      copySlice(kernels, slice.value, used, count, block, at + made);
      made += count;
      used += count;
      if (used < slice.value.rowCount) continue;
      slice = slices.next();
      used = 0;
    }
    rowCount += made;
    return made;
  });
  return rowCount;
}

// The rows that have a value.
function* withoutHollow(kernels: Kernels, slices: Iterable<Slice>): Generator<Slice> {
  for (const slice of slices) {
    const columns = slice.columns.filter((column) => column !== null);
    if (columns.some(({ present }) => present === 0)) {
      yield slice;
      continue;
    }
    const hasValue = new Uint8Array(slice.rowCount);
    for (const { present } of columns) {
      const flags = kernels.view(present, slice.rowCount);
      for (let row = 0; row < hasValue.length; row++) hasValue[row]! |= flags[row]!;
    }
    for (let from = hasValue.indexOf(1); from >= 0; ) {
      const end = hasValue.indexOf(0, from);
      const to = end < 0 ? hasValue.length : end;
      yield partOf(slice, from, to - from);
      from = hasValue.indexOf(1, to);
    }
  }
}
