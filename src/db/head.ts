// Head: a database whose partitions are shared by threads. This thread has its share of them and everything that there is once;
// it starts the others, tells them of each other, and starts one that dies again.
//
//   a member dies     its channels end: what was under way fails with "send again" (503), as does what comes meanwhile;
//                     a new thread recovers its partitions from their log, and only then do requests reach them again
import { systemClock } from "../base/clock.ts";
import { ClosedError, OverloadedError } from "../base/errors.ts";
import { type DiskLock, makeDurableFolder } from "../disk/disk.ts";
import { closeLeftOpen } from "../disk/left-open.ts";
import { nodeDisk } from "../disk/node.ts";
import type { Point } from "../ingest/points.ts";
import { compiledKernels } from "../kernels/kernels.ts";
import type { DeleteRequest } from "../model/deletions.ts";
import type { Source } from "../model/scan.ts";
import type { SeriesWriter } from "../query/make-share.ts";
import type { StatementResult } from "../query/result.ts";
import type { SlowStatement } from "../query/slow.ts";
import { ServedBudget } from "../threads/budgets.ts";
import type { Handlers, StreamState } from "../threads/channel.ts";
import { ChangeFile } from "./changes.ts";
import { Companions, type DeclaredField, type Seat, sharedBytes } from "./companions.ts";
import type { SkippedRun } from "./continuous-queries.ts";
import { Database } from "./database.ts";
import { arrange, ownersOf, shareOf } from "./layout.ts";
import { type MemberReport, type OfferedWrite, partHandlers } from "./member.ts";
import { foldersOf, openDatabases, openParts } from "./open.ts";
import type { Options } from "./options.ts";
import type { Peers } from "./peers.ts";
import type { RunOptions } from "./sessions.ts";
import type { Check, Health, Metric } from "./status.ts";
import type { WriteOutcome, WriteTarget } from "./stored.ts";
import { Team } from "./team.ts";
import { takeOver } from "./unfinished.ts";
import type { FieldName } from "./unify.ts";
import type { Users } from "./users.ts";

/** Between attempts to start a thread again that could not be: doubled each time, up to the last. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 10_000;
/** For requests that have begun in a thread that is ended. */
const LAST_ANSWERS_MS = 1000;

/** What a thread is told to serve. */
export interface ServeRequest {
  /** URL of the module whose `serve` does it: what stands above this folder is not known here. */
  readonly module: string;
  readonly options: object;
}

export class Head {
  readonly #db: Database;
  readonly #options: Options;
  readonly #companions: Companions;
  readonly #workers: (Worker | undefined)[] = [];
  readonly #ownMetrics: (() => readonly Metric[])[] = [];
  readonly #warnings: string[] = [];
  /** Threads that are being started: whoever starts one sees to it that it is there, or is tried again. */
  readonly #starting = new Set<number>();
  /** What a thread threw that nobody caught, since it was started. */
  readonly #lastErrors = new Map<number, string>();
  readonly #team: Team;
  #serving: ServeRequest | undefined;
  /** All threads served once. */
  #hasServed = false;
  #isClosing = false;
  #closed: Promise<void> | undefined;
  #onSlowStatement: (statement: SlowStatement) => void = () => undefined;
  /** Told of threads that died and were started again. */
  onThread: (message: string) => void = () => undefined;

  private constructor(db: Database, team: Team) {
    this.#db = db;
    this.#options = db.options;
    this.#team = team;
    this.#companions = team.companions;
    db.users.onChange = () => this.#haveRead("reloadUsers");
    db.onDatabases(() => this.#haveRead("reloadDatabases"));
    db.subscriptions.onChange = async () => {
      await this.#companions.reachable("wanted", db.subscriptions.places());
    };
  }

  /** Opens a data directory with `options.threads` threads, this one included: 2 at least, as many as partitions at most. */
  static async open(options: Options): Promise<Head> {
    await makeDurableFolder(nodeDisk, options.dataDir);
    const lock = await nodeDisk.lock(`${options.dataDir}/LOCK`);
    try {
      return await Head.#open(options, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  static async #open(options: Options, lock: DiskLock): Promise<Head> {
    const databases = await openDatabases(options, nodeDisk);
    const { partitions } = databases;
    const count = Math.min(options.threads, partitions);
    const found = await arrange(options, nodeDisk, systemClock, databases, count);
    const shared = new SharedArrayBuffer(sharedBytes(count));
    const companions = new Companions({ index: 0, count, owners: ownersOf(partitions, count), shared });
    const team = new Team(companions, new ChangeFile(nodeDisk, options.dataDir));
    const share = shareOf(options.dataDir, partitions, 0, count);
    const parts = await openParts(options, nodeDisk, systemClock, databases, share);
    takeOver(parts, found);
    const head = new Head(new Database(parts, lock, team), team);
    const started = await Promise.allSettled(team.companions.others.map((thread) => head.#start(thread)));
    for (const each of started) {
      if (each.status === "rejected") {
        await head.close().catch(() => undefined);
        throw each.reason;
      }
      if (found.records === null) parts.log.recovery.records += each.value.records;
    }
    return head;
  }

  get options(): Options {
    return this.#options;
  }

  get users(): Users {
    return this.#db.users;
  }

  get peers(): Peers {
    return this.#companions.peers;
  }

  get source(): Source {
    return this.#db.source;
  }

  get warnings(): readonly string[] {
    return [...this.#db.warnings, ...this.#warnings];
  }

  /** Told of statements that took longer than `slowQueryThreshold`, in any thread. */
  set onSlowStatement(report: (statement: SlowStatement) => void) {
    this.#onSlowStatement = report;
    this.#db.onSlowStatement = report;
  }

  /** Told of windows that a continuous query passes over. */
  set onSkippedWindows(report: (run: SkippedRun) => void) {
    this.#db.onSkippedWindows = report;
  }

  writeLines(body: Uint8Array | string, target: WriteTarget): Promise<WriteOutcome> {
    return this.#db.writeLines(body, target);
  }

  writeJson(body: Uint8Array | string, target: WriteTarget): Promise<WriteOutcome> {
    return this.#db.writeJson(body, target);
  }

  writePoints(points: readonly Point[], target: WriteTarget): Promise<WriteOutcome> {
    return this.#db.writePoints(points, target);
  }

  run(text: string, options: RunOptions = {}): AsyncIterable<StatementResult> {
    return this.#db.run(text, options);
  }

  /** Brings all rows in memory to segments, in all threads. */
  async flush(): Promise<void> {
    await Promise.all([this.#db.flush(), this.#companions.all("flush")]);
  }

  /** Of all threads; one that is not there fails a check of its own. */
  async health(): Promise<Health> {
    const others = await this.#companions.reachable<Health>("health");
    const isReady = (thread: number) => this.#companions.ready.has(thread);
    const own = this.#db.health(
      1 + this.#companions.others.filter((thread, i) => others[i] && isReady(thread)).length,
    );
    const checks = [...own.checks];
    for (const [i, thread] of this.#companions.others.entries()) {
      const health = others[i];
      if (!health) checks.push(this.#notThere(thread));
      else if (!isReady(thread)) checks.push(this.#notReady(thread));
      else
        for (const check of health.checks)
          if (check.status === "fail") checks.push({ ...check, name: `${check.name} of thread ${thread}` });
    }
    const failed = checks.filter(({ status }) => status === "fail");
    if (failed.length === 0) return own;
    return { status: "fail", message: failed.map(({ message }) => message).join("; "), checks };
  }

  #notThere(thread: number): Check {
    const failure = this.#companions.failures.get(thread);
    const because = failure === undefined ? "" : `; it could not start: ${failure}`;
    return {
      name: `thread ${thread}`,
      status: "fail",
      message: `thread ${thread} of ${this.#companions.seat.count} has stopped and recovers its rows from the log; writes to its partitions are answered 503${because}`,
    };
  }

  #notReady(thread: number): Check {
    const { count } = this.#companions.seat;
    const message = `thread ${thread} of ${count} has its rows, but takes no requests yet`;
    return { name: `thread ${thread}`, status: "fail", message };
  }

  metrics(): Promise<Metric[]> {
    const http = this.#ownMetrics.flatMap((metrics) => metrics());
    return this.#team.metrics.all([...this.#db.metrics(), ...http]);
  }

  /** Metrics of what stands above this thread's database. */
  addMetrics(metrics: () => readonly Metric[]): void {
    this.#ownMetrics.push(metrics);
  }

  /** How series of answers are written in this thread. */
  answerWith(writer: SeriesWriter): void {
    this.#db.engine.sharing.writer = writer;
  }

  /** Has every other thread serve the same, and those that are started later. */
  async serveInThreads(request: ServeRequest): Promise<void> {
    this.#serving = request;
    const { ready, others } = this.#companions;
    ready.clear();
    const serving = this.#companions.each("serve", request).map(async (served, i) => {
      await served;
      ready.add(others[i]!);
    });
    for (const each of await Promise.allSettled(serving))
      if (each.status === "rejected" && !isAway(each.reason)) throw each.reason;
    this.#hasServed = true;
  }

  /** Whether all threads that are to serve take requests, or did once: `health` tells of those that have ended. */
  isReady(): boolean {
    return this.#serving === undefined || this.#hasServed;
  }

  /** No thread but this one serves any more; resolves when requests that had begun are answered. */
  async stopServing(graceMs: number): Promise<void> {
    this.#serving = undefined;
    await this.#companions.reachable("stopServing", graceMs);
  }

  /**
   * Finishes what is in flight, flushes and closes, in all threads; calling again waits for the same. Rejects with the first error
   * once all of them have ended.
   */
  close(): Promise<void> {
    this.#isClosing = true;
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const failures: unknown[] = [];
    const note = (error: unknown) => failures.push(error);
    await this.#db.closeSessions().catch(note);
    // a change that some threads have done is done by the others, too
    await this.#team.settled();
    // all of them are gone before somebody else may have the data directory
    await Promise.all(this.#companions.others.map((thread) => this.#closeMember(thread).catch(note)));
    this.#companions.close(new ClosedError("the database is closed"));
    await this.#db.close().catch(note);
    if (failures.length > 0) throw failures[0];
  }

  async #closeMember(thread: number): Promise<void> {
    try {
      await this.#companions.channel(thread).call("close");
    } catch (error) {
      // what one has that is being started is in its log
      if (!isAway(error)) throw error;
    } finally {
      await this.#endWorker(thread);
    }
  }

  // Has the other threads read a file again that has changed; one that is being started does so at the end of that. One that
  // cannot is ended, and is there again when it can: nobody is to be answered by what was before.
  async #haveRead(name: "reloadUsers" | "reloadDatabases"): Promise<void> {
    const reading = this.#companions.others.map(async (thread) => {
      try {
        await this.#companions.channel(thread).call(name);
      } catch (error) {
        if (isAway(error) || this.#isClosing) return;
        this.onThread(
          `thread ${thread} is ended, it could not read what changed: ${(error as Error).message}`,
        );
        await this.#endWorker(thread, LAST_ANSWERS_MS);
      }
    });
    await Promise.all(reading);
  }

  /** Has a thread throw what nobody catches: for tests. */
  kill(thread: number): void {
    if (this.#companions.isConnected(thread)) this.#companions.channel(thread).notify("crash");
  }

  // Starts a thread and connects it with all others; resolves when it has its rows.
  async #start(thread: number): Promise<MemberReport> {
    this.#starting.add(thread);
    try {
      const report = await this.#startWorker(thread);
      // (it may have died between its last answer and this)
      if (this.#workers[thread] === undefined) throw new Error("it has died");
      this.#companions.ready.add(thread);
      return report;
    } catch (error) {
      if (this.#workers[thread] === undefined)
        throw new Error(
          `thread ${thread} died while it started: ${this.#lastErrors.get(thread) ?? "it was ended"}`,
        );
      // its partitions must have one thread: the next is started when this one is gone
      await this.#endWorker(thread);
      throw error;
    } finally {
      this.#starting.delete(thread);
    }
  }

  async #startWorker(thread: number): Promise<MemberReport> {
    const companions = this.#companions;
    const worker = new Worker(new URL("./thread.ts", import.meta.url).href);
    this.#workers[thread] = worker;
    this.#lastErrors.delete(thread);
    const failed = (message: string, stack = message) => {
      this.#lastErrors.set(thread, message);
      this.onThread(`thread ${thread}: ${stack}`);
    };
    // (its program could not be loaded)
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      failed(event.message);
    });
    worker.addEventListener("close", () => this.#ended(thread, worker));
    companions.connect(thread, worker, this.#handlers(failed));
    const channel = companions.channel(thread);
    for (const other of companions.others) {
      if (other === thread || this.#workers[other] === undefined || !companions.isConnected(other)) continue;
      const { port1, port2 } = new MessageChannel();
      channel.notify("connect", other, port1);
      companions.channel(other).notify("connect", thread, port2);
    }
    const seat: Seat = { ...companions.seat, index: thread };
    const report = await channel.call<MemberReport>("start", this.#options, seat, compiledKernels());
    this.#team.adopt(this.#db, report.fields);
    // (else it was started again, and its log says how far it is)
    if (!this.#team.changes.isUnderWay) await channel.call("changeOver");
    this.#warnings.push(...report.warnings);
    await channel.call("wanted", this.#db.subscriptions.places());
    // who has not heard yet that the one before is gone would count a body for this one and send it nowhere
    if (this.#serving) await companions.reachable("checkWritable");
    if (this.#serving) await channel.call("serve", this.#serving);
    return report;
  }

  #ended(thread: number, worker: Worker): void {
    if (this.#workers[thread] !== worker) return;
    this.#workers[thread] = undefined;
    const { owners, count } = this.#companions.seat;
    const { dataDir } = this.#options;
    closeLeftOpen(foldersOf(dataDir, shareOf(dataDir, owners.length, thread, count)));
    this.#companions.disconnect(thread);
    this.#companions.ready.delete(thread);
    this.#companions.forget(thread);
    this.#team.metrics.died(thread);
    if (this.#isClosing) return;
    for (const other of this.#companions.others)
      if (other !== thread && this.#companions.isConnected(other))
        this.#companions.channel(other).notify("disconnect", thread);
    if (this.#starting.has(thread)) return;
    this.onThread(`thread ${thread} has stopped: it is started again`);
    void this.#startAgain(thread, FIRST_PAUSE_MS);
  }

  // Resolves when the thread's worker has ended. Its connections are closed first: Bun answers what reaches a thread that ends, with
  // an empty 204 what has no body.
  async #endWorker(thread: number, graceMs = 0): Promise<void> {
    const worker = this.#workers[thread];
    this.#companions.ready.delete(thread);
    if (this.#companions.isConnected(thread))
      await this.#companions
        .channel(thread)
        .call("stopServing", graceMs)
        .catch(() => undefined);
    // (it has ended of itself meanwhile, and the next one may be there)
    if (worker === undefined || this.#workers[thread] !== worker) return;
    const ended = new Promise<void>((resolve) => {
      worker.addEventListener("close", () => resolve());
    });
    worker.terminate();
    await ended;
  }

  async #startAgain(thread: number, pauseMs: number): Promise<void> {
    try {
      await this.#start(thread);
      this.#companions.failures.delete(thread);
      this.onThread(`thread ${thread} has its rows again`);
    } catch (error) {
      if (this.#isClosing) return;
      const why = (error as Error).message;
      this.#companions.failures.set(thread, why);
      this.onThread(`thread ${thread} could not be started: ${why}`);
      await Bun.sleep(pauseMs);
      if (!this.#isClosing) void this.#startAgain(thread, Math.min(2 * pauseMs, LAST_PAUSE_MS));
    }
  }

  // What a member may ask of the head. `failed`: told of what ends it.
  #handlers(failed: (message: string, stack?: string) => void): Handlers {
    const db = this.#db;
    const { queryMemory } = this.#options;
    const { calls, streams } = partHandlers(db.engine, this.peers, queryMemory);
    return {
      ...(streams ? { streams } : {}),
      tasks: {
        delete: (state: StreamState, requests: readonly DeleteRequest[]) =>
          db.administration.deletions.delete(requests, new ServedBudget(state, queryMemory)),
      },
      calls: {
        ...calls,
        declare: (database: string, fields: readonly DeclaredField[]) =>
          this.#team.declare(db, database, fields),
        knownFields: (database: string, fields: readonly FieldName[]) =>
          this.#team.knownFields(db, database, fields),
        administration: (part: string | null, method: string, args: unknown[]) => {
          const { administration } = db;
          const target = part === null ? administration : administration[part as keyof typeof administration];
          return (target as unknown as Record<string, (...args: unknown[]) => unknown>)[method]!(...args);
        },
        databasesRead: () => db.databasesRead(),
        healthOfAll: () => this.health(),
        isReady: () => this.isReady(),
        metricsOfAll: () => this.metrics(),
      },
      notices: {
        dies: failed,
        offer: (write: OfferedWrite, batch: Uint8Array) => db.subscriptions.offer({ ...write, batch }),
        slow: (statement: SlowStatement) => this.#onSlowStatement(statement),
      },
    };
  }
}

/** Whether what was asked of a thread failed because it is being started. */
function isAway(error: unknown): boolean {
  return error instanceof OverloadedError;
}
