// Execution of statements about the running database: SHOW QUERIES, KILL QUERY. Shapes are InfluxDB's.
import type { Administration } from "../model/administration.ts";
import type { Operation } from "./operation-plan.ts";
import type { ResultSeries } from "./result.ts";

/** What the statement answers; one that changes something has done so when this resolves. */
export async function executeOperation(
  operation: Operation,
  administration: Administration,
): Promise<readonly ResultSeries[]> {
  switch (operation.kind) {
    case "show queries":
      return [showQueries(administration)];
    case "kill query":
      administration.queries.kill(operation.id);
      return [];
  }
}

function showQueries({ queries }: Administration): ResultSeries {
  const rows = queries
    .list()
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
