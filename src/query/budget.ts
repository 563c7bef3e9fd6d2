// What a query may use: a deadline, a bound on memory held, and signals that kill it.
//
// Everything that works for a query (scans, folds, merges, the writer of the answer) shares one allowance and
// calls `check` every few milliseconds; the first call past a limit throws and so unwinds the whole query.
import type { Clock } from "../base/clock.ts";
import { heldTooMuch, QueryAbortedError } from "../base/errors.ts";
import type { QueryTicket } from "../model/queries.ts";
import type { Budget } from "../model/scan.ts";

/** An AbortSignal, or something less that is asked now and then. */
export type Signal = Pick<AbortSignal, "aborted">;

export interface Allowance {
  /** Time from the start of the query, ms; 0 = no deadline. */
  readonly timeoutMs: number;
  /** Bytes that the query may hold at a time; 0 = no bound. */
  readonly maxHeldBytes: number;
  /** One of them is aborted when the client has gone or the database closes. */
  readonly signals?: readonly Signal[] | undefined;
  /** The query's place among the running ones, where it can be killed by its id. */
  readonly ticket?: QueryTicket | undefined;
}

/** The bounds that a query runs under when nothing else is said. */
export const defaultAllowance: Allowance = { timeoutMs: 120_000, maxHeldBytes: 1 << 30 };

const NONE: readonly Signal[] = [];

export class QueryBudget implements Budget {
  readonly #allowance: Allowance;
  readonly #clock: Clock;
  readonly #startMs: number;
  #heldBytes = 0;

  constructor(allowance: Allowance, clock: Clock) {
    this.#allowance = allowance;
    this.#clock = clock;
    this.#startMs = clock.elapsedMs();
  }

  /** Bytes held now: for tests and metrics. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  check(): void {
    const { signals = NONE, ticket, timeoutMs } = this.#allowance;
    if (ticket?.killed) throw new QueryAbortedError("query interrupted");
    for (const { aborted } of signals) if (aborted) throw new QueryAbortedError("query was killed");
    if (timeoutMs > 0 && this.#clock.elapsedMs() - this.#startMs > timeoutMs)
      throw new QueryAbortedError(
        `query-timeout limit exceeded: it ran for more than ${timeoutMs} ms; narrow its time range or raise the timeout`,
      );
  }

  hold(sizeBytes: number): void {
    this.#heldBytes += sizeBytes;
    const { maxHeldBytes } = this.#allowance;
    if (maxHeldBytes > 0 && this.#heldBytes > maxHeldBytes) throw heldTooMuch(maxHeldBytes);
  }
}
