// Store source: answers the read contract (model/scan.ts) out of the stores of this thread.

import { CorruptionError } from "../base/errors.ts";
import { Pause } from "../base/pause.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { Expression } from "../model/expression.ts";
import { fieldsOf } from "../model/predicate.ts";
import { RegexCache } from "../model/regex.ts";
import type {
  FoldedGroups,
  FoldRequest,
  ScanRequest,
  Series,
  SeriesBlock,
  SeriesCount,
  Source,
} from "../model/scan.ts";
import type { FieldInfo } from "../model/types.ts";
import { edgeRow } from "./edge-row.ts";
import { foldStores } from "./fold-stores.ts";
import { Frontier } from "./frontier.ts";
import { mayHold, type ValueRange } from "./prune.ts";
import type { GroupRows } from "./runs.ts";
import { type Field, knownFields, type Measurement, type Schema, type Table } from "./schema.ts";
import { SeriesSelector } from "./select.ts";
import { countDistinct, GroupCounts, hashesOf } from "./series-count.ts";
import { SeriesReader } from "./series-reader.ts";
import { copyColumn, filterSlice, partOf, pick, type Slice } from "./slice.ts";
import type { Store } from "./store.ts";

/** Keys of `seriesKeys` in a chunk: sorting one takes a few milliseconds. */
const KEYS_PER_CHUNK = 8192;

const text = new TextDecoder("utf-8", { ignoreBOM: true });

export class StoreSource implements Source {
  readonly #kernels: Kernels;
  readonly #schema: Schema;
  readonly #stores: readonly Store[];
  /** Of measurements that were asked for, and the sum of the catalogs' changes then. */
  readonly #tagKeys = new WeakMap<
    Measurement,
    { readonly changes: number; readonly keys: readonly string[] }
  >();

  constructor(kernels: Kernels, schema: Schema, stores: readonly Store[]) {
    this.#kernels = kernels;
    this.#schema = schema;
    this.#stores = stores;
  }

  async *scan(request: ScanRequest): AsyncGenerator<SeriesBlock> {
    const table = this.#schema.findTable(request.database, request.retentionPolicy, request.measurement);
    if (!table) return;
    const pause = new Pause();
    let wanted = request;
    const frontier =
      request.firstRows === undefined ? null : new Frontier(request.firstRows, request.descending);
    // once: a field that is deleted meanwhile and comes again is another one
    const known = knownFields(table.measurement, request.fields, request.where);
    for (const { store, selector } of this.#selectorsOf(table)) {
      const version = store.version.retain();
      try {
        for (const block of this.#scanStore(store, selector, version, { table, known }, wanted, frontier)) {
          if (pause.due()) await pause.wait();
          if (request.edge === true) wanted = beyond(wanted, edgeTime(block, request.descending));
          yield block;
        }
        const last = frontier?.time ?? null;
        if (last !== null) wanted = beyond(wanted, behind(last, request.descending));
      } catch (error) {
        if (error instanceof CorruptionError) store.reportDamage(error);
        throw error;
      } finally {
        version.release();
      }
    }
  }

  *#scanStore(
    store: Store,
    selector: SeriesSelector,
    version: Store["version"],
    { table, known }: { readonly table: Table; readonly known: readonly Field[] },
    request: ScanRequest,
    frontier: Frontier | null,
  ): Generator<SeriesBlock> {
    const wanted = request.fields.map((name) => known.findIndex((field) => field.name === name));
    let reader: SeriesReader | undefined;
    const regexes = new RegexCache();
    const columnsOf = memoized((condition: Expression) => {
      const names = fieldsOf(condition);
      return known.map(({ name }) => names.includes(name));
    });
    try {
      const { ids, residuals } = selector.select(table.id, request.where);
      if (ids.length === 0) return;
      request.onSeries?.();
      reader = new SeriesReader(
        ...([this.#kernels, version, table.measurement, table.retentionPolicy] as const),
        ...([known, request.minTime, request.maxTime] as const),
      );
      const rows = reader;
      // what cannot be wanted any more once a series' rows are known is not read of the others
      const narrow = (blocks: readonly SeriesBlock[]): void => {
        if (request.edge === true && blocks.length > 0)
          rows.beyond(edgeTime(blocks[0]!, request.descending), request.descending);
        if (frontier === null) return;
        for (const block of blocks) frontier.add(block);
        const last = frontier.time;
        if (last !== null) rows.beyond(behind(last, request.descending), request.descending);
      };
      for (let i = 0; i < ids.length; i++) {
        request.budget.check();
        const residual = residuals?.[i] ?? null;
        if (request.limit === 1 && residual === null) {
          const place = reader.edge(ids[i]!, request.descending) ?? reader.only(ids[i]!);
          if (place === "none") continue;
          const edge = place && edgeRow(this.#kernels, place, known, wanted, request.descending);
          if (edge !== null) {
            const { rowCount, times, columns } = edge;
            const block = { series: store.catalog.series(ids[i]!), rowCount, times, columns };
            narrow([block]);
            yield block;
            continue;
          }
        }
        const blocks: SeriesBlock[] = [];
        let left = request.limit;
        let series: Series | undefined;
        const maskOf = (slice: Slice) =>
          residual ? filterSlice(this.#kernels, slice, known, residual, regexes) : null;
        const takeSlice = (whole: Slice, mask: Uint8Array | null): boolean => {
          const slice = mask === null ? edgeOf(whole, wanted, left, request.descending) : whole;
          const rows = rowsOf(this.#kernels, slice, wanted, mask, left, request.descending);
          if (rows?.length === 0) return true;
          series ??= store.catalog.series(ids[i]!);
          const block = blockOf(this.#kernels, series, slice, known, wanted, rows);
          left -= block.rowCount;
          blocks.push(block);
          return left > 0;
        };
        reader.clusters(ids[i]!, request.descending, (runs) => {
          const place = runs.length === 1 && residual === null ? runs[0]!.place : null;
          if (place !== null && (left === 1 || runs[0]!.rowCount === 1)) {
            const edge = edgeRow(this.#kernels, place, known, wanted, request.descending);
            if (edge !== null) {
              series ??= store.catalog.series(ids[i]!);
              blocks.push({ series, ...edge });
              left--;
              return left > 0;
            }
          }
          if (residual !== null && runs.length === 1) {
            // the columns of the condition first: the others are read where it holds
            const run = runs[0]!;
            const { place } = run;
            if (place && !mayHold(residual, (name) => rangeOf(place, known, name))) return true;
            reader!.freeStrings();
            const mask = maskOf(run.read(columnsOf(residual)));
            return !mask?.includes(1) || takeSlice(run.read(), mask);
          }
          for (const slice of reader!.read(runs, request.descending))
            if (slice.rowCount > 0 && !takeSlice(slice, maskOf(slice))) return false;
          return true;
        });
        narrow(blocks);
        yield* blocks;
      }
    } finally {
      reader?.close();
    }
  }

  fold(request: FoldRequest): AsyncIterable<FoldedGroups> {
    const table = this.#schema.findTable(request.database, request.retentionPolicy, request.measurement);
    return table ? foldStores(this.#kernels, table, this.#selectorsOf(table), request) : nothing();
  }

  async measurements(database: string, where: Expression | null): Promise<string[]> {
    const names: string[] = [];
    for (const name of this.#schema.measurements(database).keys())
      if (this.#anySeries(database, name, where)) names.push(name);
    return names.sort();
  }

  #anySeries(database: string, measurement: string, where: Expression | null): boolean {
    for (const { selector, table } of this.#selectors(database, measurement))
      if (selector.select(table.id, where).ids.length > 0) return true;
    return false;
  }

  async fields(
    database: string,
    measurement: string,
    retentionPolicy?: string,
  ): Promise<readonly FieldInfo[]> {
    if (retentionPolicy !== undefined)
      return this.#schema.findTable(database, retentionPolicy, measurement)?.fields ?? [];
    return this.#schema.measurements(database).get(measurement)?.fieldsByName ?? [];
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
    let changes = 0;
    for (const { catalog } of this.#stores) changes += catalog.changes;
    let remembered = this.#tagKeys.get(known);
    if (remembered?.changes !== changes) {
      remembered = { changes, keys: this.#tagKeysOf(known, null) };
      this.#tagKeys.set(known, remembered);
    }
    return remembered.keys;
  }

  #tagKeysOf({ database, name }: Measurement, where: Expression | null, retentionPolicy?: string): string[] {
    const keys = new Set<string>();
    for (const { selector, table } of this.#selectors(database, name, retentionPolicy)) {
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

  async tagValues(
    database: string,
    measurement: string,
    key: string,
    where: Expression | null,
    retentionPolicy?: string,
  ): Promise<string[]> {
    const values = new Set<string>();
    for (const { selector, table } of this.#selectors(database, measurement, retentionPolicy)) {
      if (where === null) for (const { value } of selector.tagValues(table.id, key)) values.add(value);
      else {
        const { ids } = selector.select(table.id, where);
        for (const value of selector.valuesOf(table.id, ids, key)) if (value !== "") values.add(value);
      }
    }
    return [...values].sort();
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

async function* nothing(): AsyncGenerator<never> {}

// The least and the greatest value of a field in a row group, as far as statistics tell.
function rangeOf({ cursor, index }: GroupRows, known: readonly FieldInfo[], name: string): ValueRange {
  const column = known.findIndex((field) => field.name === name);
  const field = column < 0 ? -1 : cursor.fieldIndex(column);
  return field < 0 || cursor.table.pageBytes(index, field) === 0 ? "none" : cursor.table.stats(index, field);
}

function memoized<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>();
  return (key) => {
    let value = made.get(key);
    if (value === undefined) {
      value = make(key);
      made.set(key, value);
    }
    return value;
  };
}

function edgeTime(block: SeriesBlock, descending: boolean): bigint {
  return block.times[descending ? block.rowCount - 1 : 0]!;
}

// The next time behind that of a row: what is not beyond it includes other rows of the same time.
function behind(time: bigint, descending: boolean): bigint {
  return descending ? time - 1n : time + 1n;
}

// What is left of a request for an edge once a row at `time` is known.
function beyond(request: ScanRequest, time: bigint): ScanRequest {
  return request.descending ? { ...request, minTime: time + 1n } : { ...request, maxTime: time - 1n };
}

// The first or last `limit` rows of a slice, when they are sure to be rows to give: one of the wanted fields has no gap.
function edgeOf(slice: Slice, wanted: readonly number[], limit: number, descending: boolean): Slice {
  if (slice.rowCount <= limit || !wanted.some((field) => slice.columns[field]?.present === 0)) return slice;
  return partOf(slice, descending ? slice.rowCount - limit : 0, limit);
}

/**
 * The rows to give: those that the mask admits and that have one of the wanted fields, the first or last `limit`
 * of them; null = all.
 */
function rowsOf(
  kernels: Kernels,
  slice: Slice,
  wanted: readonly number[],
  mask: Uint8Array | null,
  limit: number,
  descending: boolean,
): Uint32Array | null {
  const columns = wanted.map((field) => (field < 0 ? null : slice.columns[field])).filter((c) => !!c);
  if (columns.length === 0) return new Uint32Array(0);
  const someFull = columns.some((column) => column.present === 0);
  if (mask === null && someFull && slice.rowCount <= limit) return null;
  const flags = columns.map((column) => kernels.view(column.present, column.present ? slice.rowCount : 0));
  const rows = new Uint32Array(slice.rowCount);
  let count = 0;
  for (let i = 0; i < slice.rowCount && count < limit; i++) {
    const row = descending ? slice.rowCount - 1 - i : i;
    if (mask !== null && mask[row] === 0) continue;
    if (!someFull && !flags.some((present) => present[row] === 1)) continue;
    rows[count++] = row;
  }
  const chosen = rows.slice(0, count);
  return descending ? chosen.reverse() : chosen;
}

function blockOf(
  kernels: Kernels,
  series: Series,
  slice: Slice,
  known: readonly FieldInfo[],
  wanted: readonly number[],
  rows: Uint32Array | null,
): SeriesBlock {
  const { rowCount, columns } = slice;
  return {
    series,
    rowCount: rows ? rows.length : rowCount,
    times: pick(kernels.i64(slice.times, rowCount), rows),
    columns: wanted.map((field) => {
      const column = field < 0 ? null : columns[field];
      return column ? copyColumn(kernels, known[field]!.type, column, rowCount, rows) : null;
    }),
  };
}
