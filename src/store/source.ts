// Store source: answers the read contract (model/scan.ts) out of the stores of this thread.

import { CorruptionError } from "../base/errors.ts";
import { Pause } from "../base/pause.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { Expression } from "../model/expression.ts";
import type { FoldedGroups, FoldRequest, RowBatch, ScanRequest, SeriesCount, Source } from "../model/scan.ts";
import type { FieldInfo } from "../model/types.ts";
import { foldStores } from "./fold-stores.ts";
import { giveWay, openStores } from "./open-stores.ts";
import { RowScan } from "./row-scan.ts";
import type { Measurement, Schema, Table } from "./schema.ts";
import { SeriesSelector } from "./select.ts";
import { countDistinct, GroupCounts, hashesOf } from "./series-count.ts";
import type { Store } from "./store.ts";

/** With no query for so long what they have read of segments goes out of memory. */
const QUIET_MS = 10_000;

/** Keys of series, or values of a tag, in a chunk: sorting one takes a few milliseconds. */
const KEYS_PER_CHUNK = 8192;

const NO_FIELDS: readonly FieldInfo[] = [];

const text = new TextDecoder("utf-8", { ignoreBOM: true });

export class StoreSource implements Source {
  readonly #kernels: Kernels;
  readonly #schema: Schema;
  readonly #stores: readonly Store[];
  /** Since the last call of `rest`. */
  #hasRead = false;
  #quietFromMs = Number.POSITIVE_INFINITY;
  /** Of tables that were asked for, whether they have series, and the sum of the catalogs' changes then. */
  readonly #haveSeries = new WeakMap<Table, { readonly changes: number; readonly hasSeries: boolean }>();
  /** The same of measurements and their tag keys. */
  readonly #tagKeys = new WeakMap<
    Measurement,
    { readonly changes: number; readonly keys: readonly string[] }
  >();

  constructor(kernels: Kernels, schema: Schema, stores: readonly Store[]) {
    this.#kernels = kernels;
    this.#schema = schema;
    this.#stores = stores;
  }

  /** Called from time to time: once no query came for a while, what they have read of segments goes back to the system. */
  rest(nowMs: number): void {
    if (this.#hasRead) this.#quietFromMs = nowMs + QUIET_MS;
    this.#hasRead = false;
    if (nowMs < this.#quietFromMs) return;
    this.#quietFromMs = Number.POSITIVE_INFINITY;
    for (const { version } of this.#stores) for (const { reader } of version.segments) reader.rest();
  }

  async *scan(request: ScanRequest): AsyncGenerator<RowBatch> {
    this.#hasRead = true;
    const table = this.#schema.findTable(request.database, request.retentionPolicy, request.measurement);
    if (!table) return;
    const pause = new Pause();
    const scan = new RowScan(this.#kernels, table, request);
    try {
      for (const open of openStores(this.#kernels, this.#stores, table, request, scan)) {
        if (open === null) {
          await giveWay(pause, request.budget);
          continue;
        }
        try {
          for (const _ of scan.add(open)) {
            if (pause.due()) await pause.wait();
            for (const batch of scan.take()) yield batch;
          }
        } catch (error) {
          if (error instanceof CorruptionError) open.store.reportDamage(error);
          throw error;
        }
      }
      for (const batch of scan.take(true)) yield batch;
    } finally {
      scan.close();
    }
  }

  fold(request: FoldRequest): AsyncIterable<FoldedGroups> {
    this.#hasRead = true;
    const table = this.#schema.findTable(request.database, request.retentionPolicy, request.measurement);
    return table ? foldStores(this.#kernels, table, this.#stores, request) : nothing();
  }

  async measurements(database: string, where: Expression | null): Promise<string[]> {
    const names: string[] = [];
    for (const name of this.#schema.measurements(database).keys())
      if (await this.#anySeries(database, name, where)) names.push(name);
    return names.sort();
  }

  async #anySeries(database: string, measurement: string, where: Expression | null): Promise<boolean> {
    const pause = new Pause();
    for (const { selector, table } of this.#selectors(database, measurement)) {
      if (selector.select(table.id, where).ids.length > 0) return true;
      if (pause.due()) await pause.wait();
    }
    return false;
  }

  async fields(
    database: string,
    measurement: string,
    retentionPolicy?: string,
    hasSeries = false,
  ): Promise<readonly FieldInfo[]> {
    // (without series it is not there, though the schema keeps its types for the next write)
    if (retentionPolicy !== undefined) {
      const table = this.#schema.findTable(database, retentionPolicy, measurement);
      return table !== undefined && (hasSeries || this.#hasSeries(table)) ? table.fields : NO_FIELDS;
    }
    if (!hasSeries && !this.#schema.tablesOf(database, measurement).some((table) => this.#hasSeries(table)))
      return NO_FIELDS;
    return this.#schema.measurements(database).get(measurement)?.fieldsByName ?? NO_FIELDS;
  }

  /** Every query asks: it is looked for again when a series has come or gone. */
  #hasSeries(table: Table): boolean {
    const changes = this.#changes();
    let remembered = this.#haveSeries.get(table);
    if (remembered?.changes !== changes) {
      remembered = { changes, hasSeries: this.#findsSeries(table) };
      this.#haveSeries.set(table, remembered);
    }
    return remembered.hasSeries;
  }

  #findsSeries(table: Table): boolean {
    for (const { selector } of this.#selectorsOf(table)) if (selector.count(table.id) > 0) return true;
    return false;
  }

  #changes(): number {
    let changes = 0;
    for (const { catalog } of this.#stores) changes += catalog.changes;
    return changes;
  }

  async tagKeys(
    database: string,
    measurement: string,
    where: Expression | null,
    retentionPolicy?: string,
  ): Promise<readonly string[]> {
    const known = this.#schema.measurements(database).get(measurement);
    if (known === undefined) return [];
    if (where !== null || retentionPolicy !== undefined)
      return this.#tagKeysOf(known, where, retentionPolicy);
    // every query asks: they are looked for again when a series has come or gone
    const changes = this.#changes();
    let remembered = this.#tagKeys.get(known);
    if (remembered?.changes !== changes) {
      remembered = { changes, keys: await this.#tagKeysOf(known, null) };
      this.#tagKeys.set(known, remembered);
    }
    return remembered.keys;
  }

  async #tagKeysOf(
    { database, name }: Measurement,
    where: Expression | null,
    retentionPolicy?: string,
  ): Promise<string[]> {
    const keys = new Set<string>();
    // (the first to ask has the tag index made)
    const pause = new Pause();
    for (const { selector, table } of this.#selectors(database, name, retentionPolicy)) {
      if (pause.due()) await pause.wait();
      const all = selector.tagKeys(table.id);
      if (where === null) for (const key of all) keys.add(key);
      else {
        const { ids } = selector.select(table.id, where);
        for (const key of all) {
          if (!keys.has(key) && selector.valuesOf(table.id, ids, key).some((value) => value !== ""))
            keys.add(key);
        }
      }
    }
    return [...keys].sort();
  }

  async *tagValues(
    database: string,
    measurement: string,
    key: string,
    where: Expression | null,
    retentionPolicy?: string,
  ): AsyncGenerator<string[]> {
    const pause = new Pause();
    for (const { selector, table } of this.#selectors(database, measurement, retentionPolicy)) {
      const values =
        where === null ? selector.tagValues(table.id, key) : valuesWhere(selector, table, key, where);
      for (let at = 0; at < values.length; at += KEYS_PER_CHUNK) {
        if (pause.due()) await pause.wait();
        yield values.slice(at, at + KEYS_PER_CHUNK).sort();
      }
    }
  }

  async *seriesKeys(
    database: string,
    measurement: string,
    where: Expression | null,
  ): AsyncGenerator<string[]> {
    const pause = new Pause();
    for (const { selector, table, store } of this.#selectors(database, measurement)) {
      const { ids } = selector.select(table.id, where);
      for (let at = 0; at < ids.length; at += KEYS_PER_CHUNK) {
        const chunk = Array.from(ids.subarray(at, at + KEYS_PER_CHUNK), (id) =>
          text.decode(store.catalog.key(id)),
        );
        if (pause.due()) await pause.wait();
        yield chunk.sort();
      }
    }
  }

  async countSeries(
    database: string,
    retentionPolicy: string,
    measurement: string,
    where: Expression | null,
    groupBy: readonly string[],
  ): Promise<SeriesCount[]> {
    const counts = new GroupCounts(groupBy);
    const pause = new Pause();
    for (const { selector, table } of this.#selectors(database, measurement, retentionPolicy)) {
      if (where === null && groupBy.length === 0) counts.addAll(selector.count(table.id));
      else {
        const { ids } = selector.select(table.id, where);
        if (groupBy.length === 0) counts.addAll(ids.length);
        else counts.add(selector, table.id, ids);
      }
      if (pause.due()) await pause.wait();
    }
    return counts.result();
  }

  async seriesCardinality(database: string, measurement: string): Promise<number> {
    const policies = new Set<Table>();
    let count = 0;
    for (const { selector, table } of this.#selectors(database, measurement)) {
      const here = selector.count(table.id);
      if (here > 0) policies.add(table);
      count += here;
    }
    if (policies.size < 2) return count;
    const hashes: BigUint64Array[] = [];
    const pause = new Pause();
    for (const { selector, table, store } of this.#selectors(database, measurement)) {
      hashes.push(hashesOf(store.catalog, selector.select(table.id, null).ids));
      if (pause.due()) await pause.wait();
    }
    return countDistinct(hashes);
  }

  *#selectors(database: string, measurement: string, retentionPolicy?: string) {
    for (const table of this.#schema.tablesOf(database, measurement))
      if (retentionPolicy === undefined || table.retentionPolicy === retentionPolicy)
        yield* this.#selectorsOf(table);
  }

  *#selectorsOf(table: Table) {
    let selector: SeriesSelector | undefined;
    try {
      for (const store of this.#stores) {
        selector = selector?.over(store.catalog) ?? new SeriesSelector(this.#kernels, store.catalog);
        yield { selector, table, store };
      }
    } finally {
      selector?.close();
    }
  }
}

/** The values of a tag among the series of a table that satisfy a condition, each once. */
function valuesWhere(selector: SeriesSelector, table: Table, key: string, where: Expression): string[] {
  const { ids } = selector.select(table.id, where);
  const values = new Set(selector.valuesOf(table.id, ids, key));
  values.delete("");
  return [...values];
}

async function* nothing(): AsyncGenerator<never> {}
