// Deletions: drops, DELETE and DROP SERIES, from the statement to the log and the stores, and from the log again.
//
//   by tags and time   one record a measurement, applied to every store in the same step; nobody's leaving comes between two
//   by values          step by step, each with a record of the points found (value-deletion.ts)
//   of fields          as these two; a field that then has no value anywhere is forgotten, as a record of its own says: the
//                      deletion of all of its values
import { assert } from "../base/assert.ts";
import { Pause } from "../base/pause.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { Wal } from "../log/wal.ts";
import { type DeleteRequest, type DeletionAdministration, isByValue } from "../model/deletions.ts";
import type { Budget } from "../model/scan.ts";
import { MAX_TIME, MIN_TIME } from "../model/types.ts";
import { partitionOfHash } from "../ring/partition.ts";
import { dropEmptySeries, haveField, type TableSeries } from "../store/empty.ts";
import type { Field, Schema, Table } from "../store/schema.ts";
import { SeriesSelector } from "../store/select.ts";
import { RangesBuilder, SeriesRanges } from "../store/series-ranges.ts";
import type { Store } from "../store/store.ts";
import { Version } from "../store/version.ts";
import { NO_STEPS, type Steps } from "./changes.ts";
import type { Databases } from "./databases.ts";
import type { Maintenance } from "./maintenance.ts";
import {
  type DeletionRecord,
  type Drop,
  encodeDeletion,
  encodeDrop,
  type PointDeletion,
  type RangeDeletion,
  type Step,
} from "./record.ts";
import { ValueDeletion } from "./value-deletion.ts";

/** Of what is done to its end once it has begun. */
export const UNENDING: Budget = { check: () => undefined, hold: () => undefined };

/** How long requests beside one by values go on in one section before flushes may come. */
const SECTION_MS = 200;

export interface DeletionParts {
  readonly kernels: Kernels;
  readonly schema: Schema;
  readonly stores: readonly Store[];
  readonly databases: Databases;
  readonly log: Wal;
  readonly maintenance: Maintenance;
  /** Throws when nothing may be written. */
  checkWritable(): void;
  /** See `Surroundings`. */
  mayForget(database: string, measurement: string, field: string | null): boolean;
  /** Told when series or fields may have gone. */
  changed(): void;
}

export class Deletions implements DeletionAdministration {
  readonly #parts: DeletionParts;

  constructor(parts: DeletionParts) {
    this.#parts = parts;
  }

  /** `steps`: a request each, when none is by values. */
  async delete(requests: readonly DeleteRequest[], budget: Budget, steps: Steps = NO_STEPS): Promise<void> {
    const left = requests.filter((request) => !isByValue(request) || request.fields !== null);
    if (!requests.some(isByValue)) return this.#section(left, budget, Number.POSITIVE_INFINITY, steps);
    for (const request of requests)
      if (isByValue(request)) await new ValueDeletion(this.#parts, request, budget).run();
    while (left.length > 0) await this.#section(left, budget, SECTION_MS);
  }

  // As many of the requests as have their time, taken off the list: what they leave without rows goes in one step for all of them. A
  // flush may come between two sections. With time for all, nothing ends it once it has begun, and closing waits for it.
  #section(left: DeleteRequest[], budget: Budget, mostMs: number, steps = NO_STEPS): Promise<void> {
    const { maintenance, log, checkWritable } = this.#parts;
    const isWhole = mostMs === Number.POSITIVE_INFINITY;
    return maintenance[isWhole ? "soon" : "exclusively"](async () => {
      const check = () => {
        budget.check();
        checkWritable();
      };
      check();
      const requests: DeleteRequest[] = [];
      const pause = new Pause();
      const endMs = performance.now() + mostMs;
      const touched: Touched[] = [];
      while (left.length > 0 && (requests.length === 0 || performance.now() < endMs)) {
        const request = left.shift()!;
        const { database, measurement, fields, where, minTime, maxTime } = request;
        const step = requests.push(request) - 1;
        if (isByValue(request) || steps.isDone(step)) continue;
        const ranges = [[minTime, maxTime]] as const;
        const named = fields === null ? {} : { fields };
        const deletion = { database, retentionPolicy: null, measurement, where, ranges, ...named };
        touched.push(...this.#log(withStep(deletion, steps.of(step))));
        steps.done(step);
        if (pause.due()) await pause.wait();
      }
      await this.#dropEmpty(touched, pause);
      const checkStep = isWhole ? () => undefined : check;
      for (const { database, measurement, fields } of requests)
        for (const name of fields ?? []) await this.#forgetEmpty(database, measurement, name, checkStep);
      await log.sync();
    });
  }

  /**
   * DROP DATABASE or, with a name, DROP MEASUREMENT. Durable when resolved, but for the database's name, which the caller saves.
   * `forget` is called in the same step and waited for. Throws `DiskError`.
   */
  async drop(
    database: string,
    measurement: string | null,
    forget: () => Promise<void> = async () => undefined,
  ): Promise<void> {
    const { schema, stores, databases, log, maintenance, checkWritable } = this.#parts;
    await maintenance.soon(async () => {
      checkWritable();
      log.append(encodeDrop({ database, measurement }));
      applyDrop(schema, stores, { database, measurement });
      // in the same step: the rows of a write that comes now belong to a new database, or to none
      if (measurement === null) databases.forget(database);
      this.#parts.changed();
      // also with durability "interval": the databases file must not be ahead of the log
      await Promise.all([log.sync(), forget()]);
    });
  }

  /**
   * Logs a deletion and applies it, in one step, then drops the series that are empty. The caller syncs the log, and keeps
   * flushes away until this has resolved. `steps`: it is the only one of them.
   */
  async log(deletion: RangeDeletion, steps: Steps = NO_STEPS): Promise<void> {
    const touched = this.#log(withStep(deletion, steps.of(0)));
    steps.done(0);
    await this.#dropEmpty(touched, new Pause());
  }

  #log(deletion: DeletionRecord): Touched[] {
    const { kernels, schema, stores, log } = this.#parts;
    log.append(encodeDeletion(deletion));
    return applyDeletion(kernels, schema, stores, deletion);
  }

  async #dropEmpty(touched: readonly Touched[], pause: Pause): Promise<void> {
    for (const [store, own] of Map.groupBy(touched, (each) => each.store))
      await dropEmptySeries(store, own, pause);
    this.#parts.changed();
  }

  async #forgetEmpty(database: string, measurement: string, name: string, check: () => void): Promise<void> {
    const { schema, stores, mayForget } = this.#parts;
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
          if (!pause.due()) continue;
          await pause.wait();
          check();
        }
    check();
    if (!mayForget(database, measurement, name)) return;
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

function withStep(deletion: RangeDeletion, step: Step | undefined): RangeDeletion {
  return step === undefined ? deletion : { ...deletion, step };
}

/** Takes a database, a measurement or a retention policy of it out of schema and stores. `keeps`: see `Schema.drop`. */
export function applyDrop(
  schema: Schema,
  stores: readonly Store[],
  { database, measurement, retentionPolicy }: Drop,
  keeps?: (measurement: string) => boolean,
): void {
  const tables = schema.drop(database, measurement, retentionPolicy, keeps);
  if (tables.length > 0) for (const store of stores) store.drop(tables);
}

/** Series of a store that a deletion took rows from. */
interface Touched extends TableSeries {
  readonly store: Store;
}

/** The series that the deletions of a log took rows from: which of them are empty is looked at once, when all of it is replayed. */
export class TouchedSeries {
  readonly #all: Touched[] = [];

  add(touched: readonly Touched[]): void {
    for (const each of touched) this.#all.push(each);
  }

  dropEmpty(schema: Schema): void {
    for (const [store, ofStore] of Map.groupBy(this.#all, (each) => each.store))
      for (const [table, own] of Map.groupBy(ofStore, (each) => each.table)) {
        const { measurement, retentionPolicy } = table;
        // dropped since, with its series
        if (schema.findTable(measurement.database, retentionPolicy, measurement.name) !== table) continue;
        const ids = new Set<number>();
        for (const { series } of own) for (const id of series) ids.add(id);
        store.dropEmpty(table, ids);
      }
  }
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
      const taken = SeriesRanges.shared(deletion.where === null ? null : series, deletion.ranges);
      store.delete(table, taken, series, deletion.fields ?? null);
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
    const found = stores.find(({ partition: { index, count } }) => index === partitionOfHash(hash, count));
    assert(found, "a deletion of points of another thread's partition");
    return found;
  });
  return [...byStore].map(([store, own]) => {
    const found = own.map(([key, bounds]) => ({
      id: store.catalog.find(table.id, Buffer.from(key, "latin1")),
      bounds,
    }));
    const builder = new RangesBuilder();
    for (const { id, bounds } of found.filter(({ id }) => id >= 0).sort((a, b) => a.id - b.id))
      builder.add(id, bounds);
    const taken = builder.build();
    store.delete(table, taken, taken.ids!, deletion.fields ?? null);
    return { store, table, series: taken.ids! };
  });
}
