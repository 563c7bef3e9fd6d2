// Sessions: query texts run against what a thread sees of the database.
import type { Clock } from "../base/clock.ts";
import type { Administration } from "../model/administration.ts";
import type { TimeUnit } from "../model/types.ts";
import type { Access } from "../model/users.ts";
import type { Signal } from "../query/budget.ts";
import type { Parameters } from "../query/parameters.ts";
import type { StatementResult } from "../query/result.ts";
import { runQuery, type Session } from "../query/session.ts";
import type { SlowLog, SlowStatement } from "../query/slow.ts";
import type { Engine } from "./engine.ts";
import type { Options } from "./options.ts";

export interface RunOptions {
  readonly database?: string;
  readonly retentionPolicy?: string;
  /** Values of `$name` in the text. */
  readonly params?: Parameters;
  /** Aborted: end the query. */
  readonly signal?: Signal;
  /** The caller promised to change nothing: statements that do warn. */
  readonly readOnly?: boolean;
  /** Who asks; absent: one who may do everything, as in the same process. */
  readonly access?: Access;
  /** The reader of `parts` takes series as the threads write them, with times in this unit (null: RFC 3339); absent: it does not. */
  readonly writtenEpoch?: TimeUnit | null;
}

export class Sessions {
  /** Told of statements that took longer than `slowQueryThreshold`. */
  onSlowStatement: (statement: SlowStatement) => void = () => undefined;
  readonly #engine: Engine;
  readonly #administration: Administration;
  readonly #options: Options;
  readonly #clock: Clock;
  readonly #report = (statement: SlowStatement) => {
    this.#engine.counters.slowStatements++;
    this.onSlowStatement(statement);
  };
  /** Ends the queries that still run when the database closes. */
  readonly #closing = { aborted: false };

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
    const signals = options.signal ? [options.signal, this.#closing] : [this.#closing];
    const session: { -readonly [K in keyof Session]: Session[K] } = {
      source: this.#engine.source,
      administration: this.#administration,
      clock: this.#clock,
      allowance: { timeoutMs: queryTimeout, maxHeldBytes: queryMemory, signals },
      database: options.database ?? "",
      retentionPolicy: options.retentionPolicy ?? "",
      readOnly: options.readOnly ?? false,
      slow: this.#slow,
    };
    if (options.params !== undefined) session.params = options.params;
    if (options.access !== undefined) session.access = options.access;
    if (options.writtenEpoch !== undefined) {
      const shares = this.#engine.sharing.shares(options.writtenEpoch);
      if (shares !== null) session.shares = shares;
    }
    return runQuery(text, session);
  }

  /** Ends what runs. */
  close(): void {
    this.#closing.aborted = true;
  }

  get #slow(): SlowLog | undefined {
    const thresholdMs = this.#options.slowQueryThreshold;
    return thresholdMs === 0 ? undefined : { thresholdMs, report: this.#report };
  }
}
