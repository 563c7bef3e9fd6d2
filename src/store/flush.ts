// Flush: a sealed memtable becomes segments, one per retention policy and time window that its rows touch.
import { assert } from "../base/assert.ts";
import type { Pause } from "../base/pause.ts";
import type { Disk } from "../disk/disk.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { listKey } from "../model/listkey.ts";
import { MAX_TIME, MIN_TIME } from "../model/types.ts";
import { type TimeWindow, type WindowGrid, windowAt } from "../model/windows.ts";
import { SegmentWriter } from "../segment/writer.ts";
import { GroupAssembler } from "./assembler.ts";
import type { Catalog } from "./catalog.ts";
import type { SegmentEntry } from "./manifest.ts";
import type { Memtable } from "./memtable.ts";
import { DROPPED_TABLE, type Schema, type Table } from "./schema.ts";

export interface FlushParts {
  readonly disk: Disk;
  readonly kernels: Kernels;
  readonly schema: Schema;
  readonly catalog: Catalog;
  /** How a retention policy cuts time. */
  windows(database: string, retentionPolicy: string): WindowGrid;
  /** A fresh segment id and the path of its file. */
  nextSegment(): { id: number; path: string };
  readonly pause: Pause;
}

/** Writes the rows of `memtable`; the segments are durable when this resolves. Throws `DiskError`. */
export async function flushMemtable(parts: FlushParts, memtable: Memtable): Promise<SegmentEntry[]> {
  const tables = seriesByTable(parts, memtable);
  const entries: SegmentEntry[] = [];
  let rows = 0;
  for (const bucket of byBucket(tables)) {
    const { measurement, retentionPolicy } = bucket[0]!.table;
    // one for the whole flush, also when the policy is changed meanwhile
    const grid = parts.windows(measurement.database, retentionPolicy);
    const everyId = concatenate(bucket.map(({ ids }) => ids));
    let from = nextTime(memtable, everyId, MIN_TIME, grid);
    while (from !== undefined) {
      const window = windowAt(grid, from);
      const { entry, taken } = await writeWindow(parts, memtable, bucket, window);
      entries.push(entry);
      rows += taken;
      from = window.end > MAX_TIME ? undefined : nextTime(memtable, everyId, window.end, grid);
    }
    for (const id of everyId) rows -= memtable.seriesRows(id);
  }
  assert(rows === 0, `a flush took ${rows} rows more than the memtable has`);
  return entries;
}

interface TableSeries {
  readonly table: Table;
  readonly ids: Uint32Array;
}

function seriesByTable({ catalog, schema }: FlushParts, memtable: Memtable): TableSeries[] {
  const byTable = new Map<number, number[]>();
  for (const id of memtable.series(catalog.count)) {
    const tableId = catalog.tableId(id);
    if (tableId === DROPPED_TABLE) continue;
    const ids = byTable.get(tableId);
    if (ids) ids.push(id);
    else byTable.set(tableId, [id]);
  }
  return [...byTable].map(([tableId, ids]) => ({ table: schema.byId(tableId), ids: Uint32Array.from(ids) }));
}

// Tables of the same database and retention policy, by measurement.
function byBucket(tables: readonly TableSeries[]): TableSeries[][] {
  const key = ({ table }: TableSeries) => listKey([table.measurement.database, table.retentionPolicy]);
  return [...Map.groupBy(tables, key).values()].map((bucket) =>
    bucket.sort((a, b) => (a.table.measurement.name < b.table.measurement.name ? -1 : 1)),
  );
}

async function writeWindow(
  parts: FlushParts,
  memtable: Memtable,
  bucket: readonly TableSeries[],
  { start: windowStart, end: windowEnd }: TimeWindow,
): Promise<{ entry: SegmentEntry; taken: number }> {
  const { disk, kernels, catalog } = parts;
  const { measurement, retentionPolicy } = bucket[0]!.table;
  const { id, path } = parts.nextSegment();
  const database = measurement.database;
  const writer = SegmentWriter.create(disk, path, kernels, {
    database,
    retentionPolicy,
    windowStartNs: windowStart,
    windowEndNs: windowEnd,
  });
  let taken = 0;
  try {
    for (const { table, ids } of bucket) {
      const assembler = new GroupAssembler(
        ...([kernels, writer, table.measurement.name, table.measurement.fields] as const),
      );
      try {
        for (const series of ids) {
          const cursor = memtable.rows(series, windowStart, windowEnd - 1n);
          if (cursor.count === 0) continue;
          taken += cursor.count;
          assembler.add(series, cursor.count, (block, at, room) =>
            cursor.done ? 0 : cursor.gather(block, at, room),
          );
          if (parts.pause.due()) await parts.pause.wait();
        }
        assembler.finish();
      } finally {
        assembler.free();
      }
    }
    const summary = await writer.finish((series) => catalog.key(series));
    const entry: SegmentEntry = {
      id,
      database,
      retentionPolicy,
      windowStart,
      windowEnd,
      minTime: summary.minTime,
      maxTime: summary.maxTime,
      rows: summary.rowCount,
      sizeBytes: summary.sizeBytes,
      hidden: [],
    };
    return { entry, taken };
  } catch (error) {
    writer.abort();
    throw error;
  }
}

// A time in the first window from `from` on that has rows of these series. Looks at each row only when it must.
function nextTime(memtable: Memtable, ids: Uint32Array, from: bigint, grid: WindowGrid): bigint | undefined {
  const { minTime, maxTime } = memtable;
  if (maxTime < from) return undefined;
  const oneWindow = maxTime < windowAt(grid, minTime).end;
  return oneWindow && minTime >= from ? minTime : memtable.nextTime(ids, from);
}

function concatenate(lists: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all.sort();
}
