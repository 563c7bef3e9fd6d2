// Deletions: drops, DELETE and DROP SERIES, from the statement to the log and the stores, and from the log again.
//
//   by tags and time   one record, applied to every store in the same step
//   by values          series after series: read, log the points found, delete them, all in one step, so that no row which
//                      comes meanwhile is taken for one that was read
//   of fields          as these two; a field that then has no value anywhere is forgotten, as a record of its own says: the
//                      deletion of all of its values
import { Pause } from "../base/pause.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { Wal } from "../log/wal.ts";
import type { DeleteRequest, DeletionAdministration } from "../model/deletions.ts";
import { fieldsOf } from "../model/predicate.ts";
import { MAX_TIME, MIN_TIME } from "../model/types.ts";
import { dropEmptySeries, haveField } from "../store/empty.ts";
import { matchingRows } from "../store/matching.ts";
import type { Field, Schema, Table } from "../store/schema.ts";
import { SeriesSelector } from "../store/select.ts";
import type { Store } from "../store/store.ts";
import type { TimeRange } from "../store/tombstones.ts";
import { Version } from "../store/version.ts";
import type { Databases } from "./databases.ts";
import type { Maintenance } from "./maintenance.ts";
import {
  type DeletionRecord,
  type Drop,
  encodeDeletion,
  encodeDrop,
  type PointDeletion,
  type RangeDeletion,
} from "./record.ts";

/** Ranges of a record of points at most; one series may have more. */
const RECORD_RANGES = 10_000;

export interface DeletionParts {
  readonly kernels: Kernels;
  readonly schema: Schema;
  readonly stores: readonly Store[];
  readonly databases: Databases;
  readonly log: Wal;
  readonly maintenance: Maintenance;
  /** Throws when nothing may be written. */
  checkWritable(): void;
}

export class Deletions implements DeletionAdministration {
  readonly #parts: DeletionParts;

  constructor(parts: DeletionParts) {
    this.#parts = parts;
  }

  async delete(request: DeleteRequest): Promise<void> {
    const { maintenance, log, checkWritable } = this.#parts;
    const { database, measurement, fields, where, minTime, maxTime } = request;
    await maintenance.exclusively(async () => {
      checkWritable();
      const deletion = {
        database,
        retentionPolicy: null,
        measurement,
        where,
        ranges: [[minTime, maxTime]] as const,
        ...(fields === null ? {} : { fields }),
      };
      if (where !== null && fieldsOf(where).length > 0) await this.#deleteByValue({ ...request, where });
      else await this.log(deletion);
      for (const name of fields ?? []) await this.#forgetEmpty(database, measurement, name);
      await log.sync();
    });
  }

  /** DROP DATABASE or, with a name, DROP MEASUREMENT. Durable when resolved. Throws `DiskError`. */
  async drop(database: string, measurement: string | null): Promise<void> {
    const { schema, stores, databases, log, maintenance, checkWritable } = this.#parts;
    await maintenance.exclusively(async () => {
      checkWritable();
      log.append(encodeDrop({ database, measurement }));
      applyDrop(schema, stores, { database, measurement });
      // in the same step: the rows of a write that comes now belong to a new database, or to none
      if (measurement === null) databases.forget(database);
      // also with durability "interval": the databases file must not be ahead of the log
      await log.sync();
      if (measurement === null) await databases.save();
    });
  }

  /**
   * Logs a deletion and applies it, in one step, then drops the series that are empty. The caller syncs the log, and keeps
   * flushes away until this has resolved.
   */
  async log(deletion: DeletionRecord): Promise<void> {
    const { kernels, schema, stores, log } = this.#parts;
    log.append(encodeDeletion(deletion));
    const touched = applyDeletion(kernels, schema, stores, deletion);
    const pause = new Pause();
    for (const { store, table, series } of touched) await dropEmptySeries(store, table, series, pause);
  }

  async #deleteByValue(request: DeleteRequest & { readonly where: NonNullable<DeleteRequest["where"]> }) {
    const { kernels, schema, stores, checkWritable } = this.#parts;
    const { database, measurement, fields, where, minTime, maxTime } = request;
    const named = fields === null ? {} : { fields };
    const pause = new Pause();
    for (const table of schema.tablesOf(database, measurement)) {
      const { retentionPolicy } = table;
      for (const store of stores) {
        let points: [string, TimeRange[]][] = [];
        let count = 0;
        const commit = async () => {
          if (points.length > 0) await this.log({ database, retentionPolicy, measurement, points, ...named });
          points = [];
          count = 0;
        };
        for (const { id, ranges } of matchingRows(kernels, store, table, where, minTime, maxTime)) {
          if (ranges.length > 0) points.push([Buffer.from(store.catalog.key(id)).toString("latin1"), ranges]);
          count += ranges.length;
          if (count < RECORD_RANGES && !pause.due()) continue;
          await commit();
          await pause.wait();
          checkWritable();
        }
        await commit();
      }
    }
  }

  async #forgetEmpty(database: string, measurement: string, name: string): Promise<void> {
    const { schema, stores, checkWritable } = this.#parts;
    // the values of a segment that is gone may come back
    if (stores.some(({ isMissingRows }) => isMissingRows)) return;
    const field = schema.measurements(database).get(measurement)?.field(name);
    if (field === undefined) return;
    const tables = schema.tablesOf(database, measurement);
    const pause = new Pause();
    for (const table of tables)
      for (const store of stores)
        for (const isFound of this.#haveField(store, table, field, store.version.segments)) {
          if (isFound) return;
          if (pause.due()) await pause.wait();
        }
    checkWritable();
    // from here to the record in one step: a value may have come since
    for (const table of schema.tablesOf(database, measurement))
      for (const store of stores)
        for (const isFound of this.#haveField(store, table, field, [])) if (isFound) return;
    const ranges = [[MIN_TIME, MAX_TIME]] as const;
    await this.log({ database, retentionPolicy: null, measurement, where: null, ranges, fields: [name] });
  }

  // Looks into the segments, and into the memtables when there are none.
  *#haveField(store: Store, table: Table, field: Field, segments: Version["segments"]): Generator<boolean> {
    const { kernels } = this.#parts;
    const { memtables, tombstones } = store.version;
    const version = new Version(segments, segments.length > 0 ? [] : memtables, tombstones);
    const selector = new SeriesSelector(kernels, store.catalog);
    const { ids } = selector.select(table.id, null);
    selector.close();
    try {
      yield* haveField(kernels, version, table, ids, field);
    } finally {
      version.release();
    }
  }
}

/** Takes a database, a measurement or a retention policy of it out of schema and stores. */
export function applyDrop(schema: Schema, stores: readonly Store[], drop: Drop): void {
  const tables = schema.drop(drop.database, drop.measurement, drop.retentionPolicy);
  if (tables.length > 0) for (const store of stores) store.drop(tables);
}

/** Series of a store that a deletion took rows from. */
interface Touched {
  readonly store: Store;
  readonly table: Table;
  readonly series: Uint32Array;
}

/** Whether a field has no value left by the deletion. */
function isOfAll({ retentionPolicy, where, ranges }: RangeDeletion): boolean {
  const [range] = ranges;
  return retentionPolicy === null && where === null && range![0] <= MIN_TIME && range![1] >= MAX_TIME;
}

/**
 * Brings a deletion to the stores; applied again it takes nothing that the log does not give again. What it gives may have
 * no rows any more (`Store.dropEmpty`).
 */
export function applyDeletion(
  kernels: Kernels,
  schema: Schema,
  stores: readonly Store[],
  deletion: DeletionRecord,
): Touched[] {
  if ("points" in deletion) return applyPoints(schema, stores, deletion);
  const touched: Touched[] = [];
  for (const table of tablesOf(schema, deletion)) {
    for (const store of stores) {
      const selector = new SeriesSelector(kernels, store.catalog);
      const { ids: series } = selector.select(table.id, deletion.where);
      selector.close();
      if (series.length === 0) continue;
      store.delete(
        table,
        [{ series, all: deletion.where === null, ranges: deletion.ranges }],
        deletion.fields ?? null,
      );
      touched.push({ store, table, series });
    }
  }
  if (deletion.measurement !== null && isOfAll(deletion))
    for (const name of deletion.fields ?? [])
      schema.measurements(deletion.database).get(deletion.measurement)?.forget(name);
  return touched;
}

function tablesOf(schema: Schema, deletion: RangeDeletion): Table[] {
  const { database, measurement, retentionPolicy } = deletion;
  const names = measurement === null ? [...schema.measurements(database).keys()] : [measurement];
  return names
    .flatMap((name) => schema.tablesOf(database, name))
    .filter((table) => retentionPolicy === null || table.retentionPolicy === retentionPolicy);
}

function applyPoints(schema: Schema, stores: readonly Store[], deletion: PointDeletion): Touched[] {
  const { database, retentionPolicy, measurement, points } = deletion;
  const table = schema.findTable(database, retentionPolicy, measurement);
  if (!table) return [];
  const byStore = Map.groupBy(points, ([key]) => {
    const hash = Bun.hash.xxHash64(Buffer.from(key, "latin1")) as bigint;
    return stores[Number(hash % BigInt(stores.length))]!;
  });
  return [...byStore].map(([store, own]) => {
    const found = own.map(([key, ranges]) => ({
      id: store.catalog.find(table.id, Buffer.from(key, "latin1")),
      ranges,
    }));
    const known = found.filter(({ id }) => id >= 0);
    store.delete(
      table,
      known.map(({ id, ranges }) => ({ series: [id], all: false, ranges })),
      deletion.fields ?? null,
    );
    return { store, table, series: Uint32Array.from(known, ({ id }) => id) };
  });
}
