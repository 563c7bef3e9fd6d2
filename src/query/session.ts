// A query text run against a database: parsed as a whole, then its statements planned and executed one after the other.
//
//   text ── parse (an error here: nothing runs) ──> statements
//   each statement, when its series are asked for: plan ── execute ──> series, in parts
//
// After one that fails the others are not run: they may have relied on it (SELECT INTO, then DROP MEASUREMENT). Planning waits
// for its turn because an earlier statement of the same text may have created what it reads.
import type { Clock } from "../base/clock.ts";
import { InputError } from "../base/errors.ts";
import type { Administration } from "../model/administration.ts";
import type { QueryTicket } from "../model/queries.ts";
import type { Source } from "../model/scan.ts";
import type { Access } from "../model/users.ts";
import type { Statement } from "./ast.ts";
import { type Allowance, defaultAllowance, QueryBudget } from "./budget.ts";
import { executeParts } from "./execute.ts";
import { executeExplain } from "./explain-analyze.ts";
import { executeInto } from "./into.ts";
import { executeOperation } from "./operations.ts";
import type { Parameters } from "./parameters.ts";
import { parseQuery } from "./parse/parser.ts";
import type { Plan, SchemaPlan } from "./plan.ts";
import { planStatement } from "./planner/planner.ts";
import { printStatement } from "./print.ts";
import { authorize } from "./privileges.ts";
import { type AnswerPart, type Message, type StatementResult, seriesOf } from "./result.ts";
import type { Shares } from "./shares.ts";
import { executeShow } from "./show.ts";
import { type SlowLog, Stopwatch } from "./slow.ts";

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
  /** Where statements that took long are reported; absent: nowhere. */
  readonly slow?: SlowLog | undefined;
  /** Who asks; absent: one who may do everything. */
  readonly access?: Access;
  /** Threads that write series as the reader of `parts` takes them; absent: it takes none, or there is one thread. */
  readonly shares?: Shares;
}

/**
 * Runs a text of one or more statements. Throws at once `InputError` when it does not parse, `ForbiddenError` when it may not run; what goes wrong later is thrown by
 * the `series` of its statement. Results must be consumed in order: a statement runs when its series are asked for, also one that
 * only changes something.
 */
export function runQuery(text: string, session: Session): AsyncIterable<StatementResult> {
  const statements = parseQuery(text, session.params ?? {});
  if (session.access) authorize(statements, session.access, session.database ?? "");
  return results(statements, session);
}

async function* results(statements: readonly Statement[], session: Session): AsyncGenerator<StatementResult> {
  const text = () => statements.map(printStatement).join(";\n");
  let ticket: QueryTicket;
  try {
    ticket = session.administration.queries.begin(text, session.database ?? "");
  } catch (error) {
    yield answered(0, { messages: [], parts: failing(error) });
    return;
  }
  const { timeoutMs, maxHeldBytes, signals } = session.allowance ?? defaultAllowance;
  const allowance: Allowance = { timeoutMs, maxHeldBytes, signals, ticket };
  try {
    let hasFailed = false;
    const onFailure = () => {
      hasFailed = true;
    };
    for (const [statementId, statement] of statements.entries()) {
      if (hasFailed) {
        yield answered(statementId, { messages: [], parts: failing(new InputError("not executed")) });
        continue;
      }
      const parts = execute(statement, session, allowance, onFailure);
      const messages = messagesOf(statement, session);
      yield answered(
        statementId,
        messages.length === 0 ? { messages, parts } : await warned(parts, messages),
      );
    }
  } finally {
    ticket.end();
  }
}

interface Answered {
  readonly messages: readonly Message[];
  readonly parts: AsyncIterable<AnswerPart>;
}

function answered(statementId: number, { messages, parts }: Answered): StatementResult {
  return { statementId, messages, series: seriesOf(parts), parts };
}

/** A statement begun, so that only one that does not fail at once has its warnings. */
async function warned(parts: AsyncIterable<AnswerPart>, messages: readonly Message[]): Promise<Answered> {
  const iterator = parts[Symbol.asyncIterator]();
  try {
    const first = await iterator.next();
    return { messages, parts: first.done ? nothing() : continued(first.value, iterator) };
  } catch (error) {
    return { messages: [], parts: failing(error) };
  }
}

async function* continued(first: AnswerPart, rest: AsyncIterator<AnswerPart>): AsyncGenerator<AnswerPart> {
  try {
    for (let next: IteratorResult<AnswerPart> = { value: first }; !next.done; next = await rest.next())
      yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** The series of a statement, planned when the first is asked for. */
function execute(
  statement: Statement,
  session: Session,
  allowance: Allowance,
  onFailure: () => void,
): AsyncIterable<AnswerPart> {
  return {
    [Symbol.asyncIterator]() {
      const { slow, database = "", clock } = session;
      const watch = slow && new Stopwatch(slow, statement, database, clock);
      let started: AsyncIterator<AnswerPart> | undefined;
      const step = async () => {
        try {
          started ??= (await begin(statement, session, allowance, watch))[Symbol.asyncIterator]();
          return await started.next();
        } catch (error) {
          onFailure();
          throw error;
        }
      };
      return {
        next: () => (watch === undefined ? step() : watch.measure(step)),
        return: async () => {
          watch?.end(null);
          return (await started?.return?.()) ?? { done: true, value: undefined };
        },
      };
    },
  };
}

/** Plans a statement; one that changes something has done so when this resolves. */
async function begin(
  statement: Statement,
  session: Session,
  allowance: Allowance,
  watch: Stopwatch | undefined,
): Promise<AsyncIterable<AnswerPart>> {
  const { source, administration, clock } = session;
  const budget = new QueryBudget(allowance, clock);
  budget.check();
  const nowNs = clock.nowNs();
  const plan: Plan = await planStatement(statement, {
    metadata: source,
    administration,
    database: session.database ?? "",
    retentionPolicy: session.retentionPolicy ?? "",
    nowNs,
  });
  if (watch !== undefined) watch.plan = plan;
  const own = { source, administration, budget, nowNs, takesTables: true };
  const context = session.shares ? { ...own, shares: session.shares } : own;
  switch (plan.kind) {
    case "select":
      return executeParts(plan, context);
    case "select into":
      return executeInto(plan, own, administration.into);
    case "operation":
      return inOrder(
        await executeOperation(plan.operation, administration, lasting(allowance, clock), session.access),
      );
    case "explain":
      return executeExplain(plan, context, clock);
    case "create database":
    case "drop database":
    case "drop measurement":
      await change(plan, administration);
      return nothing();
    case "unsupported":
      throw new InputError(`${printStatement(plan.statement)} is not supported yet`);
    default:
      return executeShow(plan, session.access ? { ...own, access: session.access } : own);
  }
}

/** A budget without a deadline: a deletion that is ended is begun from the start the next time, and would never come further. */
function lasting(allowance: Allowance, clock: Clock): QueryBudget {
  return new QueryBudget({ ...allowance, timeoutMs: 0 }, clock);
}

/** The text itself was fine: what cannot begin is a statement's error. */
// biome-ignore lint/correctness/useYield: it ends before it has a series
async function* failing(error: unknown): AsyncGenerator<AnswerPart> {
  throw error;
}

async function* nothing(): AsyncGenerator<AnswerPart> {}

async function* inOrder(series: readonly AnswerPart[]): AsyncGenerator<AnswerPart> {
  yield* series;
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
    case "kill query":
    // (InfluxDB says nothing of DELETE, either)
    case "delete":
      return false;
    default:
      return true;
  }
}
