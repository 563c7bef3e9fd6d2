// Continuous queries: kept in their file, run by the clock.
//
// Once a second those that are due run, one after the other; one that fails does not keep the others from running. What a
// run has done is remembered in memory at once and on disk once a minute and at close: running a window again writes the same
// points again, so a crash costs at most that work. A run that fails is tried again with the next one, over both ranges; when
// what it asks for is wrong (an unknown field type, no such database) its windows are passed over instead, which is said, and so
// is one window that is too much for a query. That the database can write nothing now, or has no room, is no fault of a window.
import type { Clock } from "../base/clock.ts";
import { ClosedError, DiskError, InputError, NotFoundError, OverloadedError } from "../base/errors.ts";
import type {
  ContinuousQueries,
  ContinuousQuery,
  ContinuousQueryStatus,
  SkippedWindows,
} from "../model/continuous-queries.ts";
import {
  type ContinuousSchedule,
  type ContinuousStatement,
  parseContinuousQuery,
  scheduleOf,
  selectOver,
} from "../query/continuous.ts";
import type { ContinuousFile } from "./continuous-file.ts";
import { boundary, type DueRun, dueRun } from "./continuous-schedule.ts";

const TICK_MS = 1000;
const SAVE_MS = 60_000;
/** Windows caught up in one run; halved with each failure, so that a range too large for a query's bounds gets smaller. */
const MOST_WINDOWS = 1 << 10;
/** Failures after which a run covers one window. */
const MOST_HALVINGS = 10;

interface Entry {
  readonly database: string;
  readonly name: string;
  readonly text: string;
  readonly statement: ContinuousStatement;
  readonly schedule: ContinuousSchedule | null;
  doneNs: bigint;
  lastRunNs: bigint | null;
  lastDurationMs: number | null;
  lastRows: number | null;
  lastError: string | null;
  runs: number;
  failures: number;
  skipped: number;
  lastSkipped: SkippedWindows | null;
  failuresInRow: number;
  /** After a failure: not again before this time. */
  notBeforeNs: bigint;
}

/** Windows that were passed over. */
export interface SkippedRun {
  readonly database: string;
  readonly name: string;
  /** Computes them when somebody runs it. */
  readonly statement: string;
  readonly error: string;
}

export interface ContinuousContext {
  readonly clock: Clock;
  readonly hasDatabase: (database: string) => boolean;
  /** Runs a SELECT INTO; resolves with the rows written. */
  readonly run: (text: string, database: string) => Promise<number>;
}

export class ContinuousScheduler implements ContinuousQueries {
  readonly #file: ContinuousFile;
  readonly #context: ContinuousContext;
  #entries: Entry[];
  readonly #stopTimer: () => void;
  /** Told of windows that are passed over. */
  onSkip: (run: SkippedRun) => void = () => undefined;
  #round: Promise<void> | undefined;
  #closed = false;
  /** Runs that the file does not know yet. */
  #unsaved = false;
  #savedMs: number;
  #runs = 0;
  #failures = 0;
  #skipped = 0;

  /** Reads the file. Throws `CorruptionError`. */
  constructor(file: ContinuousFile, context: ContinuousContext) {
    this.#file = file;
    this.#context = context;
    this.#entries = file
      .read()
      .filter(({ database }) => context.hasDatabase(database))
      .map(({ database, name, text, doneNs }) => newEntry(database, { name, text }, doneNs));
    this.#savedMs = context.clock.elapsedMs();
    this.#stopTimer = context.clock.every(TICK_MS, () => this.#tick());
  }

  get failure(): DiskError | undefined {
    return this.#file.failure;
  }

  /** Since the database was opened. */
  get statistics(): { count: number; runs: number; failures: number; skipped: number } {
    const [count, runs, failures] = [this.#entries.length, this.#runs, this.#failures];
    return { count, runs, failures, skipped: this.#skipped };
  }

  /** Resolves when what is due has run. */
  async settled(): Promise<void> {
    await this.#round;
  }

  list(database: string): readonly ContinuousQueryStatus[] {
    return this.#entries.filter((entry) => entry.database === database);
  }

  async create(database: string, query: ContinuousQuery): Promise<void> {
    const known = this.#entries.find((each) => each.database === database && each.name === query.name);
    if (known !== undefined && known.text !== query.text)
      throw new InputError("continuous query already exists");
    if (!this.#context.hasDatabase(database)) throw new NotFoundError(`database not found: ${database}`);
    if (known === undefined) {
      const nowNs = this.#context.clock.nowNs();
      const { schedule } = newEntry(database, query, nowNs);
      // the first run covers the windows that end from now on
      const doneNs = schedule === null ? nowNs : boundary(schedule, nowNs, schedule.everyNs);
      this.#entries.push(newEntry(database, query, doneNs));
    }
    await this.#save();
  }

  async drop(database: string, name: string): Promise<void> {
    await this.#remove((entry) => entry.database === database && entry.name === name);
  }

  /** Removes those of a database; durable when resolved. */
  async dropDatabase(database: string): Promise<void> {
    await this.#remove((entry) => entry.database === database);
  }

  /** Starts nothing new, waits for what runs (its query must be ended by the caller), and saves what was done. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopTimer();
    await this.#round;
    if (this.#unsaved && !this.failure) await this.#save();
  }

  async #remove(which: (entry: Entry) => boolean): Promise<void> {
    const left = this.#entries.filter((entry) => !which(entry));
    if (left.length === this.#entries.length) return;
    this.#entries = left;
    await this.#save();
  }

  async #save(): Promise<void> {
    this.#unsaved = false;
    this.#savedMs = this.#context.clock.elapsedMs();
    await this.#file.save(() => this.#entries);
  }

  #tick(): void {
    if (this.#closed || this.#round !== undefined || this.#entries.length === 0) return;
    this.#round = this.#runDue().finally(() => {
      this.#round = undefined;
    });
  }

  async #runDue(): Promise<void> {
    // round after round: a query that catches up much lets the others have their turns
    for (let ran = true; ran && !this.#closed; ) {
      ran = false;
      for (const entry of [...this.#entries]) {
        const due = this.#dueOf(entry);
        if (due === null || this.#closed || !this.#entries.includes(entry)) continue;
        ran = true;
        await this.#run(entry, due);
      }
    }
    if (this.#unsaved && !this.failure && this.#context.clock.elapsedMs() - this.#savedMs >= SAVE_MS)
      await this.#save().catch(() => undefined); // `failure` says it
  }

  #dueOf({ schedule, doneNs, notBeforeNs, failuresInRow }: Entry): DueRun | null {
    const nowNs = this.#context.clock.nowNs();
    if (schedule === null || nowNs < notBeforeNs) return null;
    return dueRun(schedule, doneNs, nowNs, MOST_WINDOWS >> Math.min(failuresInRow, MOST_HALVINGS));
  }

  async #run(entry: Entry, due: DueRun): Promise<void> {
    const { clock, run } = this.#context;
    const startMs = clock.elapsedMs();
    const nowNs = clock.nowNs();
    const finish = (error: Error | null, rows: number) => {
      entry.lastRunNs = nowNs;
      entry.lastDurationMs = clock.elapsedMs() - startMs;
      entry.lastRows = rows;
      entry.lastError = error === null ? null : error.message;
      entry.runs++;
      this.#runs++;
      this.#unsaved = true;
      if (error !== null) {
        entry.failures++;
        this.#failures++;
        if (!isPassing(error) || entry.failuresInRow < MOST_HALVINGS) entry.failuresInRow++;
      } else entry.failuresInRow = 0;
    };
    if (due.toNs <= due.fromNs) {
      entry.doneNs = due.doneNs;
      return;
    }
    const statement = selectOver(entry.statement, due.fromNs, due.toNs);
    try {
      const rows = await run(statement, entry.database);
      entry.doneNs = due.doneNs;
      finish(null, rows);
    } catch (error) {
      if (this.#closed || error instanceof ClosedError) return;
      finish(error as Error, 0);
      const { intervalNs, everyNs } = entry.schedule!;
      const isWrong = error instanceof InputError || error instanceof NotFoundError;
      // the smallest range that there is has failed too often: it would hold up all that come after it
      const isStuck = entry.failuresInRow > MOST_HALVINGS && !isPassing(error);
      // (those behind it are tried as often)
      if (isStuck) entry.failuresInRow = 0;
      if (isWrong || isStuck) this.#skip(entry, due, statement, (error as Error).message);
      else entry.notBeforeNs = nowNs + (everyNs < intervalNs ? everyNs : intervalNs);
    }
  }

  #skip(entry: Entry, { fromNs, toNs, doneNs }: DueRun, statement: string, error: string): void {
    entry.doneNs = doneNs;
    entry.skipped++;
    this.#skipped++;
    entry.lastSkipped = { fromNs, toNs, error };
    this.onSkip({ database: entry.database, name: entry.name, statement, error });
  }
}

/** Whether the same run may succeed at another time. */
function isPassing(error: unknown): boolean {
  return error instanceof DiskError || error instanceof OverloadedError;
}

function newEntry(database: string, { name, text }: ContinuousQuery, doneNs: bigint): Entry {
  const statement = parseContinuousQuery(text);
  const schedule = scheduleOf(statement);
  return {
    ...{ database, name, text, statement, schedule, doneNs },
    ...{ lastRunNs: null, lastDurationMs: null, lastRows: null, runs: 0, failures: 0, failuresInRow: 0 },
    ...{ skipped: 0, lastSkipped: null },
    lastError: schedule === null ? "it never runs: it has no GROUP BY time(...)" : null,
    notBeforeNs: doneNs,
  };
}
