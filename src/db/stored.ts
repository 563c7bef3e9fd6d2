// What a write is on its way through the database, from where it is to go to what became of it, and what is counted.
import type { Located, Refusal } from "../ingest/reasons.ts";
import type { Pointer } from "../kernels/kernels.ts";
import type { LogPosition } from "../model/log.ts";
import type { TimeUnit } from "../model/types.ts";
import type { AcceptedWrite } from "./forwarding.ts";

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
  /** Why, each complete and in InfluxDB's words, in the order of the lines or points; empty = everything was stored. */
  readonly errors: readonly string[];
  /** Each line could be read, or some points were stored: InfluxDB's "partial write". */
  readonly partial: boolean;
}

/** A batch in linear memory. */
export interface PlacedBatch {
  readonly pointer: Pointer;
  readonly sizeBytes: number;
  readonly rows: number;
}

/** Where it goes; both exist. */
export interface Place {
  readonly database: string;
  readonly retentionPolicy: string;
}

/** The texts of refusals: with the points that they tell of, where these are known. */
export type Locate = (refusals: readonly Refusal[]) => Located[];

/** What became of the rows of one thread. */
export interface StoredPart {
  readonly rows: number;
  readonly dropped: number;
  readonly errors: readonly Refusal[];
}

/** What became of it. */
export interface Stored extends StoredPart {
  /** What subscribers get once it is durable; absent: there are none. */
  readonly accepted?: AcceptedWrite;
  /** 0 = nothing was logged. */
  readonly position: LogPosition;
}

/** Lines and points that could not be read. */
export interface Refused {
  readonly count: number;
  /** Those of them that could not be read. */
  readonly unread: number;
  readonly errors: readonly Located[];
}

export const NONE_REFUSED: Refused = { count: 0, unread: 0, errors: [] };

const NO_ERRORS: readonly string[] = [];

export function outcomeOf(
  stored: StoredPart,
  refused: Refused,
  locate: Locate = (refusals) => refusals.map(({ reason }) => ({ number: 0, text: reason })),
): WriteOutcome {
  const errors =
    refused.errors.length + stored.errors.length === 0
      ? NO_ERRORS
      : [...refused.errors, ...locate(stored.errors)]
          .sort((a, b) => a.number - b.number)
          .map(({ text }) => text);
  return {
    rows: stored.rows,
    dropped: stored.dropped + refused.count,
    errors,
    partial: errors.length > 0 && (stored.rows + stored.dropped > 0 || refused.unread === 0),
  };
}

/** Counters since the database was opened. */
export interface Counters {
  writes: number;
  rows: number;
  dropped: number;
  statements: number;
  slowStatements: number;
}
