// Slow statements: what took longer than a threshold is reported with its plan when it has ended.
import type { Clock } from "../base/clock.ts";
import type { Statement } from "./ast.ts";
import { explain } from "./explain.ts";
import type { Plan } from "./plan.ts";
import { printStatement } from "./print.ts";
import { type AnswerPart, rowCount } from "./result.ts";

export interface SlowStatement {
  /** Printed anew: passwords are left out. */
  readonly text: string;
  /** The request's; "" = none. */
  readonly database: string;
  /** Time spent on it, without the time that the reader of the answer took. */
  readonly durationMs: number;
  /** Rows of the answer. */
  readonly rows: number;
  /** Why it ended early; null = it did not. */
  readonly error: string | null;
  /** The lines of EXPLAIN; empty for what is no SELECT. */
  readonly plan: readonly string[];
}

export interface SlowLog {
  readonly thresholdMs: number;
  report(statement: SlowStatement): void;
}

/** Measures one statement. */
export class Stopwatch {
  readonly #log: SlowLog;
  readonly #statement: Statement;
  readonly #database: string;
  readonly #clock: Clock;
  #spentMs = 0;
  #rows = 0;
  #isOver = false;
  /** Once it is known. */
  plan: Plan | null = null;

  constructor(log: SlowLog, statement: Statement, database: string, clock: Clock) {
    this.#log = log;
    this.#statement = statement;
    this.#database = database;
    this.#clock = clock;
  }

  /** One step of the statement. */
  async measure(step: () => Promise<IteratorResult<AnswerPart>>): Promise<IteratorResult<AnswerPart>> {
    const startMs = this.#clock.elapsedMs();
    try {
      const result = await step();
      this.#spentMs += this.#clock.elapsedMs() - startMs;
      if (result.done) this.end(null);
      else this.#rows += rowCount(result.value);
      return result;
    } catch (error) {
      this.#spentMs += this.#clock.elapsedMs() - startMs;
      this.end((error as Error).message);
      throw error;
    }
  }

  /** The statement is over, whoever ended it. */
  end(error: string | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#spentMs < this.#log.thresholdMs) return;
    this.#log.report({
      text: printStatement(this.#statement),
      database: this.#database,
      durationMs: this.#spentMs,
      rows: this.#rows,
      error,
      plan: linesOf(this.plan),
    });
  }
}

function linesOf(plan: Plan | null): string[] {
  if (plan?.kind === "select") return explain(plan);
  return plan?.kind === "select into" || plan?.kind === "explain" ? explain(plan.plan) : [];
}
