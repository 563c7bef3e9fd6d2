// What SHOW QUERIES and KILL QUERY ask of the database that runs queries.
import type { Awaitable } from "../base/awaitable.ts";

export interface RunningQuery {
  /** Unique among the queries since the database was opened. */
  readonly id: number;
  /** All statements of the text, printed anew: passwords are left out. */
  readonly text: string;
  /** "" = none given. */
  readonly database: string;
  readonly durationMs: number;
  readonly killed: boolean;
}

/** A query's place among the running ones. */
export interface QueryTicket {
  readonly id: number;
  /** Whether an operator has killed it. */
  readonly killed: boolean;
  /** Call it when the last statement has ended, however it did. */
  end(): void;
}

export interface QueryRegistry {
  /**
   * Takes a query in. `text` is asked only when somebody wants to see it.
   * @throws InputError when as many run as may.
   */
  begin(text: () => string, database: string): QueryTicket;
  /** By id. */
  list(): Awaitable<readonly RunningQuery[]>;
  /** Asks a query to end; it does at its next check. Throws `InputError` when there is none, or it was killed before. */
  kill(id: bigint): Awaitable<void>;
}
