// The oracle: a Source and Administration over plain maps of points, slow and obviously right.
//
// Rows live in a map from time to a map of fields; the last write of a field wins. Scans sort, filter row by
// row with the reference evaluation (model/evaluate.ts) and cut into small blocks on purpose; folds walk rows, and give one
// partial answer a series on purpose: whoever consumes them must merge.
import { systemClock } from "../../src/base/clock.ts";
import { NotFoundError } from "../../src/base/errors.ts";
import { ContinuousFile } from "../../src/db/continuous-file.ts";
import { ContinuousScheduler } from "../../src/db/continuous-queries.ts";
import { resolveOptions } from "../../src/db/options.ts";
import { Queries } from "../../src/db/queries.ts";
import { SealedList } from "../../src/db/sealed-list.ts";
import { Figures } from "../../src/db/server-status.ts";
import { Forwarder } from "../../src/db/subscriptions.ts";
import { Users } from "../../src/db/users.ts";
import type { Administration } from "../../src/model/administration.ts";
import type { BatchWriter } from "../../src/model/batch-writer.ts";
import { openBatch } from "../../src/model/batchview.ts";
import type { DeleteRequest, DeletionAdministration } from "../../src/model/deletions.ts";
import { evaluate } from "../../src/model/evaluate.ts";
import type { Expression, Reference } from "../../src/model/expression.ts";
import { RegexCache } from "../../src/model/regex.ts";
import type { RetentionAdministration, RetentionPolicy } from "../../src/model/retention.ts";
import {
  type Column,
  Fold,
  type FoldedColumn,
  type FoldedGroups,
  type FoldRequest,
  type RowBatch,
  type ScanRequest,
  type Selection,
  type Series,
  type SeriesCount,
  type Source,
} from "../../src/model/scan.ts";
import { decodeSeriesKey } from "../../src/model/serieskey.ts";
import { type FieldInfo, FieldType } from "../../src/model/types.ts";
import { MemoryDisk } from "../disk/memory.ts";

/** float = number, integer and unsigned = bigint. */
export type Value = number | bigint | boolean | string;

export interface OraclePoint {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, { readonly type: FieldType; readonly value: Value }>>;
  readonly timeNs: bigint;
}

interface Row {
  readonly time: bigint;
  readonly values: Map<string, Value>;
}

interface StoredSeries extends Series {
  readonly rows: Map<bigint, Row>;
}

interface Table {
  readonly fields: Map<string, FieldType>;
  readonly series: Map<string, StoredSeries>;
}

export class Oracle implements Source, Administration {
  readonly #databases = new Map<string, Map<string, Table>>();
  readonly #regexes = new RegexCache();
  readonly #blockRows: number;

  constructor(options: { readonly blockRows?: number } = {}) {
    this.#blockRows = options.blockRows ?? 3;
  }

  // ---- writing ----------------------------------------------------------------------------------------------

  /** Stores a point; a field whose type differs from the first one written is dropped. */
  write(database: string, point: OraclePoint): void {
    let tables = this.#databases.get(database);
    if (tables === undefined) {
      tables = new Map();
      this.#databases.set(database, tables);
    }
    let table = tables.get(point.measurement);
    if (table === undefined) {
      table = { fields: new Map(), series: new Map() };
      tables.set(point.measurement, table);
    }
    const tags = new Map(Object.entries(point.tags).sort(([a], [b]) => (a < b ? -1 : 1)));
    const key = [escaped(point.measurement, /[, ]/g)]
      .concat([...tags].map(([k, v]) => `${escaped(k, /[,= ]/g)}=${escaped(v, /[,= ]/g)}`))
      .join(",");
    let series = table.series.get(key);
    if (series === undefined) {
      series = { key, tags, rows: new Map() };
      table.series.set(key, series);
    }
    let row = series.rows.get(point.timeNs);
    if (row === undefined) {
      row = { time: point.timeNs, values: new Map() };
      series.rows.set(point.timeNs, row);
    }
    for (const [name, { type, value }] of Object.entries(point.fields)) {
      const known = table.fields.get(name) ?? type;
      table.fields.set(name, known);
      if (known === type) row.values.set(name, value);
    }
  }

  /** The time at which continuous queries are made. */
  nowNs: () => bigint = () => 0n;
  readonly queries = new Queries(systemClock, 0);
  readonly status = new Figures(resolveOptions(), systemClock, () => []);
  readonly subscriptions = new Forwarder(
    new SealedList(new MemoryDisk(1), "/subscriptions", "serie subscriptions"),
    (database) => this.#databases.has(database),
  );
  /** Kept, never run. */
  readonly continuousQueries = new ContinuousScheduler(
    new ContinuousFile(new MemoryDisk(1), "/continuous-queries"),
    {
      clock: { nowNs: () => this.nowNs(), elapsedMs: () => 0, every: () => () => {} },
      hasDatabase: (database) => this.#databases.has(database),
      run: () => Promise.reject(new Error("the oracle runs none")),
    },
  );
  readonly users = new Users(new MemoryDisk(1), "/users", systemClock, (name) => this.#databases.has(name));

  /** The oracle has one policy and no shards. */
  readonly retention: RetentionAdministration = {
    createDatabase: (database) => this.createDatabase(database),
    createPolicy: () => Promise.reject(new Error("the oracle has one policy")),
    alterPolicy: () => Promise.reject(new Error("the oracle has one policy")),
    dropPolicy: async () => {},
    shards: async () => [],
    dropShard: async () => {},
  };

  readonly deletions: DeletionAdministration = {
    delete: async (requests) => {
      for (const request of requests) this.#delete(request);
    },
  };

  #delete({ database, measurement, fields, where, minTime, maxTime }: DeleteRequest): void {
    const table = this.#table({ database, measurement });
    for (const [key, each] of table?.series ?? []) {
      for (const [time, row] of each.rows) {
        if (time < minTime || time > maxTime || !this.#holds(where, each, row)) continue;
        for (const name of fields ?? []) row.values.delete(name);
        if (fields === null || row.values.size === 0) each.rows.delete(time);
      }
      if (each.rows.size === 0) table?.series.delete(key);
    }
    const rows = [...(table?.series.values() ?? [])].flatMap((each) => [...each.rows.values()]);
    for (const name of fields ?? [])
      if (!rows.some(({ values }) => values.has(name))) table?.fields.delete(name);
  }

  /** INTO writes through the bytes of batches, as the database does. */
  readonly into: BatchWriter = {
    write: async (batch, _rows, { database }) => {
      for (const table of openBatch(batch).tables) {
        const keys = Array.from({ length: table.seriesCount }, (_, i) =>
          decodeSeriesKey(table.seriesKey(i).slice()),
        );
        for (const { series, time, values } of table.rows()) {
          const { measurement, tags } = keys[series]!;
          const fields: Record<string, { type: FieldType; value: Value }> = {};
          for (const [f, raw] of values.entries()) {
            if (raw === undefined) continue;
            const { name, type } = table.fields[f]!;
            const value = raw instanceof Uint8Array ? new TextDecoder().decode(raw) : raw;
            fields[new TextDecoder().decode(name)] = { type, value };
          }
          const pairs = tags.map(({ key, value }) => [key, value] as const);
          this.write(database, { measurement, tags: Object.fromEntries(pairs), fields, timeNs: time });
        }
      }
    },
  };

  // ---- reading rows -----------------------------------------------------------------------------------------

  async *scan(request: ScanRequest): AsyncGenerator<RowBatch> {
    const types = this.#table(request)?.fields;
    for (const { series, rows } of this.#selected(request)) {
      request.budget.check();
      let wanted = rows.filter((row) => request.fields.some((name) => row.values.has(name)));
      if (request.limit < wanted.length)
        wanted = request.descending ? wanted.slice(-request.limit) : wanted.slice(0, request.limit);
      const batches: RowBatch[] = [];
      for (let i = 0; i < wanted.length; i += this.#blockRows) {
        const part = wanted.slice(i, i + this.#blockRows);
        const columns = request.fields.map((name) => columnOf(part, name, types!.get(name)!));
        const times = BigInt64Array.from(part.map((row) => row.time));
        batches.push({ series: [series], ends: [part.length], times, columns });
      }
      if (request.descending) batches.reverse();
      yield* batches;
    }
  }

  async *fold(request: FoldRequest): AsyncGenerator<FoldedGroups> {
    const types = this.#table(request)?.fields;
    const { bounds } = request;
    for (const { series, rows } of this.#selected(request)) {
      request.budget.check();
      const windows = new Map<number, Row[]>();
      for (const row of rows) {
        const window = windowOf(bounds, row.time);
        if (window === null || !request.columns.some(({ field }) => row.values.has(field))) continue;
        windows.set(window, [...(windows.get(window) ?? []), row]);
      }
      if (windows.size === 0) continue;
      const columns = request.columns.map(({ field, keep }) =>
        foldColumn(windows, bounds.length - 1, field, types!.get(field)!, keep),
      );
      yield { count: 1, tags: request.groupBy.map((name) => [series.tags.get(name) ?? ""]), columns };
    }
  }

  *#selected(selection: Selection): Generator<{ series: Series; rows: Row[] }> {
    const table = this.#table(selection);
    if (table === undefined || selection.retentionPolicy !== "autogen") return;
    for (const series of sorted(table.series.values(), (each) => each.key)) {
      const rows = [...series.rows.values()]
        .filter((row) => row.time >= selection.minTime && row.time <= selection.maxTime)
        .filter((row) => this.#holds(selection.where, series, row))
        .sort((a, b) => (a.time < b.time ? -1 : 1));
      if (rows.length > 0) yield { series: { key: series.key, tags: series.tags }, rows };
    }
  }

  #holds(where: Expression | null, series: Series, row: Row | null): boolean {
    if (where === null) return true;
    const read = (reference: Reference): Value | null =>
      reference.kind === "tag"
        ? (series.tags.get(reference.name) ?? "")
        : (row?.values.get(reference.name) ?? null);
    return evaluate(where, read, this.#regexes) === true;
  }

  #table({ database, measurement }: { database: string; measurement: string }): Table | undefined {
    return this.#databases.get(database)?.get(measurement);
  }

  // ---- metadata ---------------------------------------------------------------------------------------------

  async measurements(database: string, where: Expression | null): Promise<string[]> {
    const names = [...(this.#databases.get(database)?.keys() ?? [])].sort();
    return names.filter((name) => this.#matching(database, name, where).length > 0);
  }

  async fields(database: string, measurement: string): Promise<FieldInfo[]> {
    const hasSeries = this.#matching(database, measurement, null).length > 0;
    const fields = (hasSeries && this.#table({ database, measurement })?.fields) || new Map();
    return sorted(
      [...fields].map(([name, type]) => ({ name, type })),
      (each) => each.name,
    );
  }

  async tagKeys(database: string, measurement: string, where: Expression | null): Promise<string[]> {
    const keys = this.#matching(database, measurement, where).flatMap((series) => [...series.tags.keys()]);
    return [...new Set(keys)].sort();
  }

  async *tagValues(
    database: string,
    measurement: string,
    key: string,
    where: Expression | null,
  ): AsyncGenerator<string[]> {
    // as series come: out of order, and some again
    for (const { tags } of this.#matching(database, measurement, where)) {
      const value = tags.get(key);
      if (value !== undefined) yield [value];
    }
  }

  async *seriesKeys(
    database: string,
    measurement: string,
    where: Expression | null,
  ): AsyncGenerator<string[]> {
    const keys = this.#matching(database, measurement, where).map(({ key }) => key);
    // out of order, and one of them twice
    for (let i = keys.length - 1; i >= 0; i--) yield [keys[i]!];
    yield keys.slice(0, 1);
  }

  async countSeries(
    database: string,
    retentionPolicy: string,
    measurement: string,
    where: Expression | null,
    groupBy: readonly string[],
  ): Promise<SeriesCount[]> {
    if (retentionPolicy !== "autogen") return [];
    const counts = new Map<string, { tags: string[]; count: number }>();
    for (const { tags } of this.#matching(database, measurement, where)) {
      const values = groupBy.map((key) => tags.get(key) ?? "");
      const group = counts.get(values.join("\0")) ?? { tags: values, count: 0 };
      group.count++;
      counts.set(values.join("\0"), group);
    }
    return [...counts.values()];
  }

  async seriesCardinality(database: string, measurement: string): Promise<number> {
    return this.#matching(database, measurement, null).length;
  }

  #matching(database: string, measurement: string, where: Expression | null): StoredSeries[] {
    const series = this.#table({ database, measurement })?.series.values() ?? [];
    return sorted(series, (each) => each.key).filter((each) => this.#holds(where, each, null));
  }

  // ---- administration ---------------------------------------------------------------------------------------

  databases(): string[] {
    return [...this.#databases.keys()].sort();
  }

  retentionPolicies(database: string): readonly RetentionPolicy[] | undefined {
    if (!this.#databases.has(database)) return undefined;
    return [
      {
        name: "autogen",
        durationNs: 0n,
        shardDurationNs: 604_800_000_000_000n,
        isDefault: true,
        replication: 1,
      },
    ];
  }

  async createDatabase(database: string): Promise<void> {
    if (!this.#databases.has(database)) this.#databases.set(database, new Map());
  }

  async dropDatabase(database: string): Promise<void> {
    this.#databases.delete(database);
  }

  async dropMeasurement(database: string, measurement: string): Promise<void> {
    const tables = this.#databases.get(database);
    if (tables === undefined) throw new NotFoundError(`database not found: ${database}`);
    tables.delete(measurement);
  }
}

// ---- columns --------------------------------------------------------------------------------------------------

function columnOf(rows: readonly Row[], name: string, type: FieldType): Column | null {
  const values = rows.map((row) => row.values.get(name));
  if (values.every((value) => value === undefined)) return null;
  const present = values.every((value) => value !== undefined)
    ? null
    : Uint8Array.from(values.map((value) => (value === undefined ? 0 : 1)));
  switch (type) {
    case FieldType.Float:
      return { type, present, values: Float64Array.from(values.map((value) => (value as number) ?? 0)) };
    case FieldType.Integer:
      return { type, present, values: BigInt64Array.from(values.map((value) => (value as bigint) ?? 0n)) };
    case FieldType.Unsigned:
      return { type, present, values: BigUint64Array.from(values.map((value) => (value as bigint) ?? 0n)) };
    case FieldType.Boolean:
      return { type, present, values: Uint8Array.from(values.map((value) => (value === true ? 1 : 0))) };
    case FieldType.String:
      return { type, present, values: values.map((value) => (value as string) ?? "") };
  }
}

function windowOf(bounds: BigInt64Array, time: bigint): number | null {
  for (let i = 0; i + 1 < bounds.length; i++) if (time >= bounds[i]! && time < bounds[i + 1]!) return i;
  return null;
}

function foldColumn(
  windows: ReadonlyMap<number, readonly Row[]>,
  length: number,
  field: string,
  type: FieldType,
  keep: number,
): FoldedColumn | null {
  const points = new Map<number, { time: bigint; value: number | bigint }[]>();
  for (const [window, rows] of windows) {
    const present = rows.filter((row) => row.values.has(field));
    if (present.length > 0)
      points.set(
        window,
        present.map((row) => ({ time: row.time, value: row.values.get(field) as number | bigint })),
      );
  }
  if (points.size === 0) return null;
  const values = () =>
    type === FieldType.Integer
      ? new BigInt64Array(length)
      : type === FieldType.Unsigned
        ? new BigUint64Array(length)
        : new Float64Array(length);
  const times = () => new BigInt64Array(length);
  const column = {
    type,
    count: new Float64Array(length),
    ...(keep & Fold.Sum ? { sum: values() } : {}),
    ...(keep & Fold.Min ? { min: values(), minTime: times() } : {}),
    ...(keep & Fold.Max ? { max: values(), maxTime: times() } : {}),
    ...(keep & Fold.First ? { first: values(), firstTime: times() } : {}),
    ...(keep & Fold.Last ? { last: values(), lastTime: times() } : {}),
    ...(keep & Fold.Deviations
      ? { mean: new Float64Array(length), deviations: new Float64Array(length) }
      : {}),
  };
  const put = (to: FoldedColumn["sum"], w: number, value: number | bigint) => {
    (to as Float64Array)[w] = value as number;
  };
  for (const [w, list] of points) {
    column.count[w] = list.length;
    const smallest = list.reduce((a, b) => (b.value < a.value ? b : a));
    const largest = list.reduce((a, b) => (b.value > a.value ? b : a));
    if (column.sum)
      put(
        column.sum,
        w,
        type === FieldType.Float
          ? list.reduce((sum, { value }) => sum + (value as number), 0)
          : list.reduce((sum, { value }) => sum + (value as bigint), 0n),
      );
    if (column.min && column.minTime) {
      put(column.min, w, smallest.value);
      column.minTime[w] = smallest.time;
    }
    if (column.max && column.maxTime) {
      put(column.max, w, largest.value);
      column.maxTime[w] = largest.time;
    }
    if (column.first && column.firstTime) {
      put(column.first, w, list[0]!.value);
      column.firstTime[w] = list[0]!.time;
    }
    if (column.last && column.lastTime) {
      put(column.last, w, list.at(-1)!.value);
      column.lastTime[w] = list.at(-1)!.time;
    }
    if (column.mean && column.deviations) {
      const mean = list.reduce((sum, { value }) => sum + Number(value), 0) / list.length;
      column.mean[w] = mean;
      column.deviations[w] = list.reduce((sum, { value }) => sum + (Number(value) - mean) ** 2, 0);
    }
  }
  return column;
}

function sorted<T>(items: Iterable<T>, key: (item: T) => string): T[] {
  return [...items].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

function escaped(name: string, special: RegExp): string {
  return name.replace(special, "\\$&");
}
