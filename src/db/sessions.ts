// Sessions: query texts run against what a thread sees of the database.
import type { Clock } from "../base/clock.ts";
import type { Administration } from "../model/administration.ts";
import type { Access } from "../model/users.ts";
import type { Parameters } from "../query/parameters.ts";
import type { StatementResult } from "../query/result.ts";
import { runQuery } from "../query/session.ts";
import type { SlowLog, SlowStatement } from "../query/slow.ts";
import type { Engine } from "./engine.ts";
import type { Options } from "./options.ts";

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

export class Sessions {
  /** Told of statements that took longer than `slowQueryThreshold`. */
  onSlowStatement: (statement: SlowStatement) => void = () => undefined;
  readonly #engine: Engine;
  readonly #administration: Administration;
  readonly #options: Options;
  readonly #clock: Clock;
  /** Ends the queries that still run when the database closes. */
  readonly #closing = new AbortController();

  constructor(engine: Engine, administration: Administration, options: Options, clock: Clock) {
    this.#engine = engine;
    this.#administration = administration;
    this.#options = options;
    this.#clock = clock;
  }

  /** See `Database.run`. */
  run(text: string, options: RunOptions): AsyncIterable<StatementResult> {
    this.#engine.counters.statements++;
    const { queryTimeout, queryMemory } = this.#options;
    const closing = this.#closing.signal;
    // both are asked: AbortSignal.any() would cost microseconds a query
    const signals = options.signal ? [options.signal, closing] : [closing];
    return runQuery(text, {
      source: this.#engine.source,
      administration: this.#administration,
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

  /** Ends what runs. */
  close(): void {
    this.#closing.abort();
  }

  get #slow(): SlowLog | undefined {
    const thresholdMs = this.#options.slowQueryThreshold;
    if (thresholdMs === 0) return undefined;
    const report = (statement: SlowStatement) => {
      this.#engine.counters.slowStatements++;
      this.onSlowStatement(statement);
    };
    return { thresholdMs, report };
  }
}
