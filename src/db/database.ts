// Database: an open data directory: the engine of its stores, names, users, what runs by the clock, and the query language.
//
//   dataDir/LOCK        held while open        dataDir/databases    names, retention policies, number of partitions
//   dataDir/wal/        the log                dataDir/p00/ ...     one folder a partition: manifest, catalog, segments
import { type Clock, systemClock } from "../base/clock.ts";
import { ClosedError } from "../base/errors.ts";
import { type Disk, type DiskLock, makeDurableFolder } from "../disk/disk.ts";
import { nodeDisk } from "../disk/node.ts";
import type { Point } from "../ingest/points.ts";
import type { Administration } from "../model/administration.ts";
import type { RetentionPolicy } from "../model/retention.ts";
import type { Source } from "../model/scan.ts";
import type { StatementResult } from "../query/result.ts";
import type { SlowStatement } from "../query/slow.ts";
import { ChangeFile, Changes } from "./changes.ts";
import { ContinuousScheduler, type SkippedRun } from "./continuous-queries.ts";
import type { Databases } from "./databases.ts";
import { Engine } from "./engine.ts";
import { Into, rowsWritten } from "./into.ts";
import { arrange } from "./layout.ts";
import { type OpenParts, openDatabases, openParts } from "./open.ts";
import { type Options, type OptionsInput, resolveOptions } from "./options.ts";
import { Queries } from "./queries.ts";
import type { Retention } from "./retention.ts";
import { Figures } from "./server-status.ts";
import { type RunOptions, Sessions } from "./sessions.ts";
import { check, type Health, headMetrics, type Metric } from "./status.ts";
import type { WriteOutcome, WriteTarget } from "./stored.ts";
import { Forwarder } from "./subscriptions.ts";
import type { Team } from "./team.ts";
import { takeOver } from "./unfinished.ts";
import type { Users } from "./users.ts";
import { WholeDeletions } from "./whole-deletions.ts";

export class Database {
  readonly options: Options;
  readonly source: Source;
  readonly into: Into;
  readonly queries: Queries;
  readonly status: Figures;
  /** Of this thread alone. */
  readonly deletions: WholeDeletions;
  readonly retention: Retention;
  readonly continuousQueries: ContinuousScheduler;
  readonly subscriptions: Forwarder;
  readonly users: Users;
  /** What statements ask: of this thread alone, or of all. */
  readonly administration: Administration;
  readonly engine: Engine;
  readonly #sessions: Sessions;
  readonly #parts: OpenParts;
  readonly #lock: DiskLock;
  readonly #databases: Databases;
  readonly #threads: number;
  /** Those beside this one that take requests. */
  readonly #others: ReadonlySet<number>;
  #closed: Promise<void> | undefined;
  #isClosing = false;

  /** `team`: the other threads; null = this one has all partitions. */
  constructor(parts: OpenParts, lock: DiskLock, team: Team | null = null) {
    this.options = parts.options;
    this.#parts = parts;
    this.#lock = lock;
    this.#databases = parts.databases;
    this.#databases.beforeSave = () => parts.log.sync();
    const { clock } = parts;
    const hasDatabase = (database: string) => this.#databases.has(database);
    this.users = parts.users;
    this.queries = new Queries(clock, parts.options.maxConcurrentQueries, team?.companions);
    this.#threads = team?.companions.seat.count ?? 1;
    this.#others = team?.companions.ready ?? new Set();
    const { partitions } = parts.databases;
    const inForce = { ...parts.options, partitions, threads: this.#threads };
    this.status = new Figures(inForce, clock, () => this.metrics());
    this.subscriptions = new Forwarder(parts.subscriptions, hasDatabase);
    this.engine = new Engine(parts, team?.companions ?? null, {
      // (to have it made would bring back one that is being dropped, and wait for what else changes)
      createDatabase: (database) =>
        hasDatabase(database) ? this.databasesRead() : this.administration.createDatabase(database),
      subscriptions: this.subscriptions,
      failure: () => this.continuousQueries.failure ?? this.subscriptions.failure,
      holdOthers: async (database, name) =>
        team?.holdWindows(database, name) ?? { windows: [], release: async () => undefined },
      mayForget: (database, measurement, field) => team?.mayForget(database, measurement, field) ?? true,
      declare: async (database, fields) => team?.declare(this, database, fields) ?? fields,
    });
    this.source = this.engine.source;
    this.deletions = new WholeDeletions(this, new Changes(new ChangeFile(parts.disk, parts.options.dataDir)));
    this.retention = this.engine.retention;
    this.into = new Into((batch, rows, target) => this.engine.writeBatch(batch, rows, target));
    this.continuousQueries = new ContinuousScheduler(parts.continuous, {
      ...{ clock, hasDatabase },
      run: (text, database) => rowsWritten(this.run(text, { database })),
    });
    this.administration = team?.administration(this) ?? this;
    this.#sessions = new Sessions(this.engine, this.administration, parts.options, clock);
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
      const databases = await openDatabases(options, disk);
      const found = await arrange(options, disk, clock, databases, 1);
      const parts = await openParts(options, disk, clock, databases);
      takeOver(parts, found);
      return new Database(parts, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Told of windows that a continuous query passes over. */
  set onSkippedWindows(report: (run: SkippedRun) => void) {
    this.continuousQueries.onSkip = report;
  }

  /** Told of statements that took longer than `slowQueryThreshold`. */
  set onSlowStatement(report: (statement: SlowStatement) => void) {
    this.#sessions.onSlowStatement = report;
  }

  /** Writes line protocol. Resolves when every stored row is durable; refused lines are in the outcome. */
  writeLines(body: Uint8Array | string, target: WriteTarget): Promise<WriteOutcome> {
    return this.engine.writeLines(body, target);
  }

  /** Writes JSON: one point, an array, or a point a line. Otherwise as `writeLines`. */
  writeJson(body: Uint8Array | string, target: WriteTarget): Promise<WriteOutcome> {
    return this.engine.writeJson(body, target);
  }

  /** Writes points. All of them are stored or, when one is malformed (`InputError`), none. */
  writePoints(points: readonly Point[], target: WriteTarget): Promise<WriteOutcome> {
    return this.engine.writePoints(points, target);
  }

  /**
   * Runs one or more statements. Throws `InputError` when the text does not parse; then nothing has run. Results are to
   * be consumed in order; what goes wrong in a statement is thrown by its `series`.
   */
  run(text: string, options: RunOptions = {}): AsyncIterable<StatementResult> {
    if (this.#closed) throw new ClosedError("the database is closed");
    return this.#sessions.run(text, options);
  }

  databases(): string[] {
    return this.#databases.names();
  }

  retentionPolicies(database: string): readonly RetentionPolicy[] | undefined {
    return this.#databases.policies(database);
  }

  async createDatabase(database: string): Promise<void> {
    this.engine.checkWritable();
    await this.#databases.create(database);
  }

  /** `others`: the same drop in the other threads, before the database's name goes on disk. */
  async dropDatabase(database: string, others: () => Promise<void> = async () => undefined): Promise<void> {
    this.engine.checkWritable();
    // first: a crash in between leaves the database, never its privileges and queries for another one of its name
    await this.#forgetAllOf(database);
    // and what has come meanwhile, in the step that takes the name: what comes after it is another database's
    await this.engine.deletions.drop(database, null, () => this.#forgetAllOf(database));
    await others();
    await this.#databases.save();
  }

  // What is there by a database's name beside its rows. Durable when resolved.
  async #forgetAllOf(database: string): Promise<void> {
    await Promise.all([
      this.users.forgetDatabase(database),
      this.continuousQueries.dropDatabase(database),
      this.subscriptions.dropDatabase(database),
    ]);
  }

  async dropMeasurement(database: string, measurement: string): Promise<void> {
    await this.engine.deletions.drop(database, measurement);
  }

  /** Brings all rows in memory to segments. Resolves when they are durable there. */
  flush(): Promise<void> {
    return this.engine.flush();
  }

  get isClosed(): boolean {
    return this.#closed !== undefined || this.#isClosing;
  }

  /** Finishes what is in flight, flushes and closes; calling again waits for the same. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Of this thread, and how many of all are `running`. */
  health(running = this.#threads): Health {
    const { status, message, checks } = this.engine.health();
    const all = this.#threads === 1 ? "1 thread" : `${this.#threads} threads`;
    const problem = running === this.#threads ? undefined : `${running} of ${all} run`;
    return { status, message, checks: [...checks, check("threads", problem, all)] };
  }

  /** What recovery found normal after a crash, such as a record cut off at the end of the log. */
  get warnings(): readonly string[] {
    const { partitions } = this.#databases;
    const { warnings } = this.#parts.log.recovery;
    if (partitions === this.options.partitions) return warnings;
    const fixed = `the data folder has ${partitions} partitions since it was made; partitions = ${this.options.partitions} has no effect`;
    return [fixed, ...warnings];
  }

  metrics(): readonly Metric[] {
    const threads = { all: this.#threads, running: 1 + this.#others.size };
    const own = headMetrics(this.continuousQueries, this.subscriptions, threads);
    return [...this.engine.metrics(this.queries), ...own];
  }

  hasDatabase(database: string): boolean {
    return this.#databases.has(database);
  }

  /** Has `told` know what the file of databases says, before it counts. */
  onDatabases(told: () => Promise<void>): void {
    this.#databases.onSave = told;
  }

  /** Resolves when all have been told that are to know what the file of databases says by now. Throws `DiskError`. */
  databasesRead(): Promise<void> {
    return this.#databases.settled();
  }

  /** Ends the queries that run, and what runs by the clock. */
  async closeSessions(): Promise<void> {
    this.#isClosing = true;
    this.#sessions.close();
    await this.continuousQueries.close();
    await this.subscriptions.close();
  }

  async #close(): Promise<void> {
    try {
      await this.closeSessions();
      await this.deletions.settled();
    } finally {
      await this.engine.close().finally(() => this.#lock.release());
    }
  }
}
