// Execution of statements about the running database: its queries, those that run by the clock. Shapes are InfluxDB's.
import { urlWithoutPassword } from "../base/redact.ts";
import type { Administration } from "../model/administration.ts";
import type { SkippedWindows } from "../model/continuous-queries.ts";
import type { RunningQuery } from "../model/queries.ts";
import type { Budget } from "../model/scan.ts";
import type { StatusModule } from "../model/server-status.ts";
import { formatInstant } from "../model/timetext.ts";
import type { Access } from "../model/users.ts";
import { executeAccess } from "./access.ts";
import type { Operation } from "./operation-plan.ts";
import type { ResultSeries } from "./result.ts";
import { executeRetention } from "./retention.ts";

/** What the statement answers to `access` (absent: one who may see everything); one that changes something has done so when this resolves. `budget` ends what takes long. */
export async function executeOperation(
  operation: Operation,
  administration: Administration,
  budget: Budget,
  access?: Access,
): Promise<readonly ResultSeries[]> {
  switch (operation.kind) {
    case "access":
      return await executeAccess(operation.statement, administration.users);
    case "show queries":
      return [await showQueries(administration, access)];
    case "kill query":
      await administration.queries.kill(operation.id);
      return [];
    case "show subscriptions":
      return showSubscriptions(administration);
    case "create subscription":
      await administration.subscriptions.create(operation.subscription);
      return [];
    case "drop subscription": {
      const { database, retentionPolicy, name } = operation;
      await administration.subscriptions.drop(database, retentionPolicy, name);
      return [];
    }
    case "show stats":
      return showModules(await administration.status.statistics(), operation.of);
    case "show diagnostics":
      return showModules(await administration.status.diagnostics(), operation.of);
    case "show continuous queries":
      return showContinuousQueries(administration, operation.status, access);
    case "create continuous query":
      await administration.continuousQueries.create(operation.database, operation.query);
      return [];
    case "drop continuous query":
      await administration.continuousQueries.drop(operation.database, operation.name);
      return [];
    case "delete":
      await administration.deletions.delete(operation.requests, budget);
      return [];
    default:
      return executeRetention(operation, administration.retention);
  }
}

async function showSubscriptions(administration: Administration): Promise<ResultSeries[]> {
  const columns = ["retention_policy", "name", "mode", "destinations"];
  const shown: ResultSeries[] = [];
  for (const name of administration.databases()) {
    const list = await administration.subscriptions.list(name);
    const policies = administration.retentionPolicies(name) ?? [];
    const inOrder = policies.flatMap((policy) =>
      list.filter(({ retentionPolicy }) => retentionPolicy === policy.name),
    );
    const rows = inOrder.map((each) => [
      ...[each.retentionPolicy, each.name, each.mode.toUpperCase()],
      each.destinations.map(urlWithoutPassword),
    ]);
    if (rows.length > 0) shown.push({ name, columns, timeColumn: -1, rows });
  }
  return shown;
}

function showModules(modules: readonly StatusModule[], of: string): ResultSeries[] {
  return modules
    .filter(({ name }) => of === "" || name === of)
    .map(({ name, tags, values }) => {
      const columns = Object.keys(values).sort();
      const rows = [columns.map((column) => values[column]!)];
      return { name, ...(tags === undefined ? {} : { tags }), columns, timeColumn: -1, rows };
    });
}

/** A series for each database that may be seen, also for one that has none. */
function showContinuousQueries(
  administration: Administration,
  status: boolean,
  access: Access | undefined,
): Promise<ResultSeries[]> {
  const names = administration.databases().filter((name) => access?.sees(name) ?? true);
  const shown = names.map(async (name) => {
    const queries = await administration.continuousQueries.list(name);
    if (!status) {
      const rows = queries.map((query) => [query.name, query.text]);
      return { name, columns: ["name", "query"], timeColumn: -1, rows };
    }
    const columns = [
      ...["name", "last_run", "duration", "rows", "done_until", "runs", "failures", "last_error"],
      ...["skipped", "last_skipped"],
    ];
    const rows = queries.map((query) => [
      query.name,
      query.lastRunNs === null ? null : formatInstant(query.lastRunNs),
      query.lastDurationMs === null ? null : roundedDuration(query.lastDurationMs),
      query.lastRows,
      formatInstant(query.doneNs),
      ...[query.runs, query.failures, query.lastError],
      ...[query.skipped, query.lastSkipped === null ? null : skippedText(query.lastSkipped)],
    ]);
    return { name, columns, timeColumn: -1, rows };
  });
  return Promise.all(shown);
}

function skippedText({ fromNs, toNs, error }: SkippedWindows): string {
  return `${formatInstant(fromNs)} .. ${formatInstant(toNs)}: ${error}`;
}

/** Who is no administrator sees those that run in the databases they read: a query's text tells of its data. */
async function showQueries({ queries }: Administration, access: Access | undefined): Promise<ResultSeries> {
  const isShown = ({ database }: RunningQuery) => !access || access.isAdmin || access.may("read", database);
  const running = await queries.list();
  const rows = running
    .filter(isShown)
    .map(({ id, text, database, durationMs, killed }) => [
      ...[id, text, database, roundedDuration(durationMs), killed ? "killed" : "running"],
    ]);
  return { columns: ["qid", "query", "database", "duration", "status"], timeColumn: -1, rows };
}

/** As InfluxDB shows the time of a query: whole seconds from one second on, else whole ms, else whole µs. */
export function roundedDuration(ms: number): string {
  if (ms < 1) return `${Math.floor(ms * 1000)}µs`;
  if (ms < 1000) return `${Math.floor(ms)}ms`;
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const tail = `${seconds % 60}s`;
  if (hours > 0) return `${hours}h${minutes % 60}m${tail}`;
  return minutes > 0 ? `${minutes}m${tail}` : tail;
}
