// What the statements about continuous queries ask of the database that runs them.
import type { Awaitable } from "../base/awaitable.ts";

export interface ContinuousQuery {
  readonly name: string;
  /** The whole CREATE CONTINUOUS QUERY statement, every source and the target with database and retention policy. */
  readonly text: string;
}

export interface ContinuousQueryStatus extends ContinuousQuery {
  /** Windows that end at or before this are done, ns. */
  readonly doneNs: bigint;
  /** When it last ran, ns; null = not since the database was opened. The figures below are null with it. */
  readonly lastRunNs: bigint | null;
  readonly lastDurationMs: number | null;
  /** Rows that its last run wrote. */
  readonly lastRows: number | null;
  /** Why its last run failed; null = it did not. */
  readonly lastError: string | null;
  /** Since the database was opened; `skipped` are those failures whose windows were passed over: nothing computes them any more. */
  readonly runs: number;
  readonly failures: number;
  readonly skipped: number;
  /** The last time that windows were passed over; null = never since the database was opened. */
  readonly lastSkipped: SkippedWindows | null;
}

export interface SkippedWindows {
  /** [fromNs, toNs). */
  readonly fromNs: bigint;
  readonly toNs: bigint;
  readonly error: string;
}

export interface ContinuousQueries {
  /** In the order of their creation. */
  list(database: string): Awaitable<readonly ContinuousQueryStatus[]>;
  /** No error for the same text again. Durable when resolved. Throws `InputError` when the name has another one. */
  create(database: string, query: ContinuousQuery): Promise<void>;
  /** No error when there is none. Durable when resolved. */
  drop(database: string, name: string): Promise<void>;
}
