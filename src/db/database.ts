// Database: an open data directory: wires log, stores, schema and query language together.
//
//   dataDir/LOCK        held while open        dataDir/databases    names, retention policies, number of partitions
//   dataDir/wal/        the log                dataDir/p00/ ...     one folder a partition: manifest, catalog, segments
import { type Clock, systemClock } from "../base/clock.ts";
import { ClosedError, DiskError, InputError, NotFoundError, OverloadedError } from "../base/errors.ts";
import { type Disk, type DiskLock, makeDurableFolder } from "../disk/disk.ts";
import { nodeDisk } from "../disk/node.ts";
import { parseJson } from "../ingest/json.ts";
import { LineParser } from "../ingest/line.ts";
import { encodePoints, type Point } from "../ingest/points.ts";
import type { Kernels, Pointer } from "../kernels/kernels.ts";
import type { Wal } from "../log/wal.ts";
import type { RetentionPolicy } from "../model/retention.ts";
import type { TimeUnit } from "../model/types.ts";
import type { Access } from "../model/users.ts";
import type { Parameters } from "../query/parameters.ts";
import type { StatementResult } from "../query/result.ts";
import { runQuery } from "../query/session.ts";
import type { SlowLog, SlowStatement } from "../query/slow.ts";
import type { Schema } from "../store/schema.ts";
import { StoreSource } from "../store/source.ts";
import type { Store } from "../store/store.ts";
import type { Applier } from "./applier.ts";
import { ContinuousScheduler } from "./continuous-queries.ts";
import type { Databases } from "./databases.ts";
import { Deletions } from "./deletions.ts";
import { type AcceptedWrite, asItCame } from "./forwarding.ts";
import { Into, rowsWritten } from "./into.ts";
import { Maintenance } from "./maintenance.ts";
import { checkNameOfWrite } from "./names.ts";
import { type OpenParts, openParts } from "./open.ts";
import { type Options, type OptionsInput, resolveOptions } from "./options.ts";
import { Queries } from "./queries.ts";
import { Retention } from "./retention.ts";
import { Figures } from "./server-status.ts";
import { type Health, healthOf, type Metric, metricsOf } from "./status.ts";
import type { Counters, Locate, Place, Stored } from "./stored.ts";
import { Forwarder } from "./subscriptions.ts";
import type { Users } from "./users.ts";

export interface WriteTarget {
  readonly database: string;
  /** Absent or "": the database's default one. */
  readonly retentionPolicy?: string;
  /** Unit of the timestamps that are integers; absent: ns. */
  readonly precision?: TimeUnit;
  /** One line that cannot be read refuses all of them: nothing is stored. */
  readonly allOrNothing?: boolean;
}

export interface WriteOutcome {
  /** Rows stored, durably. */
  readonly rows: number;
  /** Points refused. */
  readonly dropped: number;
  /** Why, each complete and in InfluxDB's words; empty = everything was stored. */
  readonly errors: readonly string[];
  /** Each line could be read, or some points were stored: InfluxDB's "partial write". */
  readonly partial: boolean;
}

export interface RunOptions {
  readonly database?: string;
  readonly retentionPolicy?: string;
  /** Values of `$name` in the text. */
  readonly params?: Parameters;
  /** Aborted: end the query. */
  readonly signal?: AbortSignal;
  /** The caller promised to change nothing: statements that do warn. */
  readonly readOnly?: boolean;
  /** Who asks; absent: one who may do everything, as in the same process. */
  readonly access?: Access;
}

/** How often expired shards are looked for. */
const RETENTION_CHECK_MS = 30_000;
/** How long a write waits for a flush to make room before it is refused. */
const ROOM_TIMEOUT_MS = 5_000;
/** Linear memory that writes leave to flushes and queries is the rest of 4 GiB. */
const MOST_LINEAR_BYTES = 3 * 2 ** 30;
/** What a batch takes in memtable and catalog, at most, in its own size. */
const GROWTH = 4;

export class Database {
  readonly options: Options;
  readonly source: StoreSource;
  readonly into = new Into((batch, rows, target) => this.#writeBatch(target, () => ({ batch, rows })));
  readonly queries: Queries;
  readonly status: Figures;
  /** Told of statements that took longer than `slowQueryThreshold`. */
  onSlowStatement: (statement: SlowStatement) => void = () => undefined;
  readonly deletions: Deletions;
  readonly retention: Retention;
  readonly continuousQueries: ContinuousScheduler;
  readonly subscriptions: Forwarder;
  readonly users: Users;
  readonly #clock: Clock;
  readonly #kernels: Kernels;
  readonly #schema: Schema;
  readonly #lock: DiskLock;
  readonly #databases: Databases;
  readonly #log: Wal;
  readonly #stores: readonly Store[];
  readonly #applier: Applier;
  readonly #parser: LineParser;
  readonly #maintenance: Maintenance;
  readonly #counters: Counters = { writes: 0, rows: 0, dropped: 0, statements: 0, slowStatements: 0 };
  readonly #stopTimer: () => void;
  #oldestRowMs: number | undefined;
  #nextExpiryMs = 0;
  #poison: DiskError | undefined;
  #closed: Promise<void> | undefined;
  /** Ends the queries that still run when the database closes. */
  readonly #closing = new AbortController();

  private constructor(parts: OpenParts) {
    this.options = parts.options;
    this.#clock = parts.clock;
    this.status = new Figures(parts.options, parts.clock, () => this.metrics());
    this.users = parts.users;
    this.queries = new Queries(parts.clock, parts.options.maxConcurrentQueries);
    this.#kernels = parts.kernels;
    this.#schema = parts.schema;
    this.#lock = parts.lock;
    this.#databases = parts.databases;
    this.#log = parts.log;
    this.#stores = parts.stores;
    this.#applier = parts.applier;
    this.#parser = new LineParser(parts.kernels);
    this.#maintenance = new Maintenance(parts.log, parts.stores);
    this.source = new StoreSource(parts.kernels, parts.schema, parts.stores);
    if (this.#stores.some((store) => store.rowsInMemory > 0)) this.#oldestRowMs = parts.clock.elapsedMs();
    this.subscriptions = new Forwarder(parts.subscriptions, (database) => this.#databases.has(database));
    this.continuousQueries = new ContinuousScheduler(parts.continuous, {
      clock: parts.clock,
      hasDatabase: (database) => this.#databases.has(database),
      run: (text, database) => rowsWritten(this.run(text, { database })),
    });
    const checkWritable = () => this.#checkWritable();
    this.deletions = new Deletions({ ...parts, maintenance: this.#maintenance, checkWritable });
    this.retention = new Retention({
      ...{ ...parts, maintenance: this.#maintenance, deletions: this.deletions, checkWritable },
      subscriptions: this.subscriptions,
    });
    const period = Math.min(1000, parts.options.flushInterval);
    this.#stopTimer = parts.clock.every(period, () => {
      this.#flushWhenOld();
      this.#expireWhenDue();
    });
  }

  /** See `open`. A test gives its own disk and clock. */
  static async open(
    given: OptionsInput,
    disk: Disk = nodeDisk,
    clock: Clock = systemClock,
  ): Promise<Database> {
    const options = resolveOptions(given);
    await makeDurableFolder(disk, options.dataDir);
    const lock = await disk.lock(`${options.dataDir}/LOCK`);
    try {
      return new Database(await openParts(options, disk, clock, lock));
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Writes line protocol. Resolves when every stored row is durable; refused lines are in the outcome. */
  async writeLines(body: Uint8Array | string, target: WriteTarget): Promise<WriteOutcome> {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    const place = await this.#admit(target);
    const nowNs = this.#clock.nowNs();
    const options = { ...place, ...precisionOf(target), nowNs };
    const parsed = this.#parser.parse(bytes, options);
    const refused = { count: parsed.errorCount, errors: parsed.errors.map((error) => error.message) };
    let stored: Stored;
    try {
      if (target.allOrNothing && refused.count > 0)
        return await this.#finish({ position: 0, rows: 0, dropped: 0, errors: [] }, refused);
      const { batch, batchBytes, rows } = parsed;
      stored = this.#store({ pointer: batch, sizeBytes: batchBytes, rows }, place);
    } finally {
      parsed.free();
    }
    const { accepted } = stored;
    if (accepted && refused.count + stored.dropped === 0)
      stored = { ...stored, accepted: asItCame(accepted, bytes, target.precision ?? "ns", nowNs) };
    return this.#finish(stored, refused, (refusals) => this.#parser.locate(bytes, options, refusals));
  }

  /** Writes JSON: one point, an array, or a point a line. Otherwise as `writeLines`. */
  async writeJson(body: Uint8Array | string, target: WriteTarget): Promise<WriteOutcome> {
    const place = await this.#admit(target);
    const parsed = parseJson(body, { ...place, ...precisionOf(target), nowNs: this.#clock.nowNs() });
    const stored = this.#storeBytes(parsed.batch, parsed.rows, place);
    return this.#finish(stored, { count: parsed.errorCount, errors: parsed.errors }, parsed.locate);
  }

  /** Writes points. All of them are stored or, when one is malformed (`InputError`), none. */
  async writePoints(points: readonly Point[], target: WriteTarget): Promise<WriteOutcome> {
    const nowNs = this.#clock.nowNs();
    return this.#writeBatch(target, (place) => ({
      ...encodePoints(points, place, nowNs),
      rows: points.length,
    }));
  }

  async #writeBatch(
    target: WriteTarget,
    encode: (place: Place) => { batch: Uint8Array; rows: number; locate?: Locate },
  ): Promise<WriteOutcome> {
    const place = await this.#admit(target);
    const { batch, rows, locate } = encode(place);
    return this.#finish(this.#storeBytes(batch, rows, place), { count: 0, errors: [] }, locate);
  }

  /**
   * Runs one or more statements. Throws `InputError` when the text does not parse; then nothing has run. Results are to
   * be consumed in order; what goes wrong in a statement is thrown by its `series`.
   */
  run(text: string, options: RunOptions = {}): AsyncIterable<StatementResult> {
    if (this.#closed) throw new ClosedError("the database is closed");
    this.#counters.statements++;
    const { queryTimeout, queryMemory } = this.options;
    const closing = this.#closing.signal;
    // both are asked: AbortSignal.any() would cost microseconds a query
    const signals = options.signal ? [options.signal, closing] : [closing];
    return runQuery(text, {
      source: this.source,
      administration: this,
      clock: this.#clock,
      allowance: { timeoutMs: queryTimeout, maxHeldBytes: queryMemory, signals },
      ...(options.database === undefined ? {} : { database: options.database }),
      ...(options.retentionPolicy === undefined ? {} : { retentionPolicy: options.retentionPolicy }),
      ...(options.params === undefined ? {} : { params: options.params }),
      readOnly: options.readOnly ?? false,
      slow: this.#slow,
      ...(options.access === undefined ? {} : { access: options.access }),
    });
  }

  get #slow(): SlowLog | undefined {
    const thresholdMs = this.options.slowQueryThreshold;
    if (thresholdMs === 0) return undefined;
    const report = (statement: SlowStatement) => {
      this.#counters.slowStatements++;
      this.onSlowStatement(statement);
    };
    return { thresholdMs, report };
  }

  databases(): string[] {
    return this.#databases.names();
  }

  retentionPolicies(database: string): readonly RetentionPolicy[] | undefined {
    return this.#databases.policies(database);
  }

  async createDatabase(database: string): Promise<void> {
    this.#checkWritable();
    await this.#databases.create(database);
  }

  async dropDatabase(database: string): Promise<void> {
    // first: a crash in between leaves the database, never its privileges and queries for another one of its name
    await this.users.forgetDatabase(database);
    await this.continuousQueries.dropDatabase(database);
    await this.subscriptions.dropDatabase(database);
    await this.deletions.drop(database, null);
    await this.continuousQueries.dropDatabase(database); // one that was created meanwhile
    await this.subscriptions.dropDatabase(database);
  }

  async dropMeasurement(database: string, measurement: string): Promise<void> {
    await this.deletions.drop(database, measurement);
  }

  /** Brings all rows in memory to segments. Resolves when they are durable there. */
  async flush(): Promise<void> {
    if (this.#closed) throw new ClosedError("the database is closed");
    this.#oldestRowMs = undefined;
    await this.#maintenance.flush();
  }

  /** Finishes what is in flight, flushes and closes; calling again waits for the same. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  health(): Health {
    return healthOf({
      failure: this.#failure,
      recovery: this.#log.recovery,
      stores: this.#stores,
      closed: this.#closed !== undefined,
    });
  }

  /** What recovery found normal after a crash, such as a record cut off at the end of the log. */
  get warnings(): readonly string[] {
    const { partitions } = this.#databases;
    if (partitions === this.options.partitions) return this.#log.recovery.warnings;
    const fixed = `the data folder has ${partitions} partitions since it was made; partitions = ${this.options.partitions} has no effect`;
    return [fixed, ...this.#log.recovery.warnings];
  }

  metrics(): readonly Metric[] {
    return metricsOf({
      counters: this.#counters,
      log: this.#log.statistics,
      stores: this.#stores,
      kernels: this.#kernels,
      maintenance: this.#maintenance,
      queries: this.queries,
      continuousQueries: this.continuousQueries,
      subscriptions: this.subscriptions,
    });
  }

  get #failure(): DiskError | undefined {
    return (
      this.#poison ??
      this.#log.failure ??
      this.#maintenance.failure ??
      this.#databases.failure ??
      this.continuousQueries.failure ??
      this.subscriptions.failure
    );
  }

  #checkWritable(): void {
    if (this.#closed) throw new ClosedError("the database is closed");
    const failure = this.#failure;
    if (failure)
      throw new DiskError(`writes are refused since the disk failed: ${failure.message}`, { cause: failure });
  }

  // Whether a write may come in, and where it goes. Waits for room.
  async #admit(target: WriteTarget): Promise<Place> {
    this.#checkWritable();
    const { database } = target;
    if (database === "") throw new InputError("database is required");
    // also when another write is creating it: no row may be acknowledged for a database that a crash forgets
    if (!this.#databases.isDurable(database)) {
      if (!this.#databases.has(database)) {
        if (!this.options.autoCreateDatabase) throw new NotFoundError(`database not found: "${database}"`);
        checkNameOfWrite(database);
      }
      await this.#databases.create(database);
    }
    const policies = this.#databases.policies(database) ?? [];
    const retentionPolicy = target.retentionPolicy || policies.find((policy) => policy.isDefault)?.name || "";
    if (!policies.some(({ name }) => name === retentionPolicy))
      throw new NotFoundError(`retention policy not found: ${retentionPolicy}`);
    await this.#waitForRoom();
    return { database, retentionPolicy };
  }

  get #memoryBytes(): number {
    let sum = this.#applier.activeBytes;
    for (const store of this.#stores) sum += store.sealedBytes;
    return sum;
  }

  // Sealed and active memtables together may take twice maxMemSize: one being flushed, one being filled.
  async #waitForRoom(): Promise<void> {
    const { maxMemSize } = this.options;
    const deadline = this.#clock.elapsedMs() + ROOM_TIMEOUT_MS;
    while (this.#memoryBytes > 2 * maxMemSize) {
      if (this.#clock.elapsedMs() > deadline)
        throw new OverloadedError("rows come faster than they can be flushed: send again later");
      void this.#maintenance.flush().catch(() => undefined);
      await Bun.sleep(2);
      this.#checkWritable();
    }
  }

  #storeBytes(bytes: Uint8Array, rows: number, place: Place): Stored {
    const pointer = this.#applier.put(bytes);
    try {
      return this.#store({ pointer, sizeBytes: bytes.length, rows }, place);
    } finally {
      this.#kernels.free(pointer);
    }
  }

  // Synchronous from the types to the memtables: see applier.ts.
  #store(batch: { pointer: Pointer; sizeBytes: number; rows: number }, place: Place): Stored {
    this.#checkWritable();
    // a DROP DATABASE may have come while the write waited for room
    if (!this.#databases.has(place.database))
      throw new NotFoundError(`database not found: "${place.database}"`);
    const { database, retentionPolicy } = place;
    if (!this.#databases.policies(database)?.some(({ name }) => name === retentionPolicy))
      throw new NotFoundError(`retention policy not found: ${retentionPolicy}`);
    if (batch.rows === 0) return { position: 0, rows: 0, dropped: 0, errors: [] };
    const oldestTime = this.retention.oldestTime(database, retentionPolicy);
    const fitted = this.#applier.fit(batch, place, this.options.strictTypes, oldestTime);
    try {
      const { rows, dropped, errors } = fitted;
      if (rows === 0) return { position: 0, rows, dropped, errors };
      this.#checkMemory(fitted.sizeBytes);
      const position = this.#log.append(this.#kernels.view(fitted.pointer, fitted.sizeBytes));
      try {
        this.#applier.apply(fitted);
      } catch (error) {
        // the log has rows that memory does not: only a restart brings them together again
        this.#poison = new DiskError(
          `rows in the log could not be brought to memory: ${(error as Error).message}`,
        );
        throw error;
      }
      this.#oldestRowMs ??= this.#clock.elapsedMs();
      if (!this.subscriptions.wants(place)) return { position, rows, dropped, errors };
      const bytes = this.#kernels.view(fitted.pointer, fitted.sizeBytes).slice();
      const accepted: AcceptedWrite = { ...place, rows, batch: bytes, lines: null, precision: "ns" };
      return { position, rows, dropped, errors, accepted };
    } finally {
      fitted.free();
    }
  }

  // Refuses before the log has the rows: what is there must fit in memory, at the next start as well.
  #checkMemory(batchBytes: number): void {
    if (this.#kernels.usedBytes + GROWTH * batchBytes <= MOST_LINEAR_BYTES) return;
    void this.flush().catch(() => undefined);
    throw new OverloadedError("memory is full of rows and series: send again later, or drop measurements");
  }

  async #finish(
    stored: Stored,
    refused: { count: number; errors: readonly string[] },
    locate: Locate = (refusals) => refusals.map(({ reason }) => reason),
  ): Promise<WriteOutcome> {
    if (this.#applier.activeBytes > this.options.maxMemSize) void this.flush().catch(() => undefined);
    if (stored.position > 0) await this.#log.durable(stored.position);
    if (stored.accepted) this.subscriptions.offer(stored.accepted);
    const dropped = stored.dropped + refused.count;
    this.#counters.writes++;
    this.#counters.rows += stored.rows;
    this.#counters.dropped += dropped;
    const errors = [...refused.errors, ...locate(stored.errors)];
    return {
      rows: stored.rows,
      dropped,
      errors,
      partial: errors.length > 0 && stored.rows + stored.dropped > 0,
    };
  }

  #expireWhenDue(): void {
    const nowMs = this.#clock.elapsedMs();
    if (nowMs < this.#nextExpiryMs || this.#failure || this.#closed) return;
    this.#nextExpiryMs = nowMs + RETENTION_CHECK_MS;
    void this.retention.enforce().catch(() => undefined);
  }

  #flushWhenOld(): void {
    const oldest = this.#oldestRowMs;
    if (oldest === undefined || this.#failure || this.#closed) return;
    if (this.#clock.elapsedMs() - oldest >= this.options.flushInterval)
      void this.flush().catch(() => undefined);
  }

  async #close(): Promise<void> {
    this.#stopTimer();
    this.#closing.abort();
    try {
      await this.continuousQueries.close();
      await this.subscriptions.close();
      if (!this.#failure) await this.#maintenance.flush();
    } finally {
      await this.#maintenance.close();
      await this.#log.close().finally(() => this.#release());
    }
  }

  #release(): void {
    for (const store of this.#stores) store.close();
    this.#applier.close();
    this.#parser.close();
    this.#lock.release();
  }
}

function precisionOf(target: WriteTarget): { precision?: TimeUnit } {
  return target.precision === undefined ? {} : { precision: target.precision };
}
