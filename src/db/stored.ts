// What a write is on its way through the database, and what is counted of it.
import type { Refusal } from "../ingest/reasons.ts";
import type { LogPosition } from "../model/log.ts";
import type { AcceptedWrite } from "./forwarding.ts";

/** Where it goes; both exist. */
export interface Place {
  readonly database: string;
  readonly retentionPolicy: string;
}

/** The texts of refusals: with the points that they tell of, where these are known. */
export type Locate = (refusals: readonly Refusal[]) => string[];

/** What became of it. */
export interface Stored {
  /** What subscribers get once it is durable; absent: there are none. */
  readonly accepted?: AcceptedWrite;
  /** 0 = nothing was logged. */
  readonly position: LogPosition;
  readonly rows: number;
  readonly dropped: number;
  readonly errors: readonly Refusal[];
}

/** Counters since the database was opened. */
export interface Counters {
  writes: number;
  rows: number;
  dropped: number;
  statements: number;
  slowStatements: number;
}
