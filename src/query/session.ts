// A query text run against a database: parsed as a whole, then its statements planned and executed one after the other.
//
//   text ── parse (an error here: nothing runs) ──> statements
//   each statement, when its series are asked for: plan ── execute ──> series, in parts
//
// A statement's failure is its own: the others run. Planning waits for its turn because an earlier statement of the same
// text may have created what it reads.
import type { Clock } from "../base/clock.ts";
import { InputError } from "../base/errors.ts";
import type { Administration } from "../model/administration.ts";
import type { Source } from "../model/scan.ts";
import type { Statement } from "./ast.ts";
import { type Allowance, defaultAllowance, QueryBudget } from "./budget.ts";
import { executeSelect } from "./execute.ts";
import { explain } from "./explain.ts";
import type { Parameters } from "./parameters.ts";
import { parseQuery } from "./parse/parser.ts";
import type { Plan, SchemaPlan } from "./plan.ts";
import { planStatement } from "./planner/planner.ts";
import { printStatement } from "./print.ts";
import type { Message, ResultSeries, StatementResult } from "./result.ts";
import { executeShow } from "./show.ts";

/** What a query runs against, and for whom. */
export interface Session {
  readonly source: Source;
  readonly administration: Administration;
  readonly clock: Clock;
  /** Database and retention policy of statements that name none; "" or absent = none, the default policy. */
  readonly database?: string;
  readonly retentionPolicy?: string;
  /** Values of `$name`. */
  readonly params?: Parameters;
  /** Bounds of each statement; absent: `defaultAllowance`. */
  readonly allowance?: Allowance;
  /** The request promised not to change anything (a GET): statements that do carry a warning. */
  readonly readOnly?: boolean;
}

/**
 * Runs a text of one or more statements. Throws `InputError` at once when it does not parse; what goes wrong later is thrown by
 * the `series` of its statement. Results must be consumed in order.
 */
export function runQuery(text: string, session: Session): AsyncIterable<StatementResult> {
  return results(parseQuery(text, session.params ?? {}), session);
}

async function* results(statements: readonly Statement[], session: Session): AsyncGenerator<StatementResult> {
  for (const [statementId, statement] of statements.entries())
    yield { statementId, messages: messagesOf(statement, session), series: execute(statement, session) };
}

async function* execute(statement: Statement, session: Session): AsyncGenerator<ResultSeries> {
  const { source, administration, clock } = session;
  const budget = new QueryBudget(session.allowance ?? defaultAllowance, clock);
  const nowNs = clock.nowNs();
  const plan: Plan = await planStatement(statement, {
    metadata: source,
    administration,
    database: session.database ?? "",
    retentionPolicy: session.retentionPolicy ?? "",
    nowNs,
  });
  switch (plan.kind) {
    case "select":
      yield* executeSelect(plan, { source, budget, nowNs });
      return;
    case "explain": {
      const lines = explain(plan.plan);
      if (plan.analyze) {
        const startMs = clock.elapsedMs();
        let rows = 0;
        for await (const part of executeSelect(plan.plan, { source, budget, nowNs }))
          rows += part.rows.length;
        lines.push(`ROWS: ${rows}`, `EXECUTION TIME: ${(clock.elapsedMs() - startMs).toFixed(3)} ms`);
      }
      yield { columns: ["QUERY PLAN"], timeColumn: -1, rows: lines.map((line) => [line]) };
      return;
    }
    case "create database":
    case "drop database":
    case "drop measurement":
      await change(plan, administration);
      return;
    case "unsupported":
      throw new InputError(`${printStatement(plan.statement)} is not supported yet`);
    default:
      yield* executeShow(plan, { source, administration, budget });
  }
}

function change(plan: SchemaPlan, administration: Administration): Promise<void> {
  switch (plan.kind) {
    case "create database":
      return administration.createDatabase(plan.database);
    case "drop database":
      return administration.dropDatabase(plan.database);
    case "drop measurement":
      return administration.dropMeasurement(plan.database, plan.measurement);
  }
}

function messagesOf(statement: Statement, session: Session): Message[] {
  if (session.readOnly !== true || !changesSomething(statement)) return [];
  const written = printStatement(statement);
  const text = `deprecated use of '${written}' in a read only context, please use a POST request instead`;
  return [{ level: "warning", text }];
}

function changesSomething(statement: Statement): boolean {
  switch (statement.kind) {
    case "select":
      return statement.into !== null;
    case "explain":
    case "show":
      return false;
    default:
      return true;
  }
}
