// What HTTP needs of an open database.
import type { TimeUnit } from "../model/types.ts";
import type { Parameters } from "../query/parameters.ts";
import type { StatementResult } from "../query/result.ts";

export interface WriteTarget {
  readonly database: string;
  /** Absent: the database's default one. */
  readonly retentionPolicy?: string;
  /** Unit of the timestamps that are integers; absent: ns. */
  readonly precision?: TimeUnit;
}

export interface WriteOutcome {
  /** Rows stored. */
  readonly rows: number;
  /** Points refused. */
  readonly dropped: number;
  /** Why, each complete and in InfluxDB's words; empty = everything was stored. */
  readonly errors: readonly string[];
  /** Some points were stored although others were not. */
  readonly partial: boolean;
}

export interface RunOptions {
  readonly database?: string;
  readonly retentionPolicy?: string;
  /** Values of `$name` in the text. */
  readonly params?: Parameters;
  /** Aborted: the client is gone, so end the query. */
  readonly signal?: AbortSignal;
  /** The request was a GET: statements that change something warn. */
  readonly readOnly?: boolean;
}

export interface Check {
  readonly name: string;
  readonly status: "pass" | "fail";
  readonly message: string;
}

export interface Health {
  readonly status: "pass" | "fail";
  readonly message: string;
  readonly checks: readonly Check[];
}

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Backend {
  /** Resolves when every stored row is durable. */
  writeLines(bytes: Uint8Array, target: WriteTarget): Promise<WriteOutcome>;
  writeJson(bytes: Uint8Array, target: WriteTarget): Promise<WriteOutcome>;
  /** Throws `InputError` on parse errors before anything runs. */
  run(text: string, options: RunOptions): AsyncIterable<StatementResult>;
  health(): Health;
  metrics(): readonly Metric[];
}
