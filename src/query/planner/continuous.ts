// CREATE CONTINUOUS QUERY to what is stored of it: its text with every name resolved, so that it means the same in any request.
import type { MeasurementSource } from "../ast.ts";
import { type ContinuousStatement, mapSources } from "../continuous.ts";
import type { Operation } from "../operation-plan.ts";
import { printStatement } from "../print.ts";
import { type PlanContext, resolveDatabase, resolvePolicy } from "./context.ts";

export function planContinuousQuery(statement: ContinuousStatement, context: PlanContext): Operation {
  const database = resolveDatabase(context, statement.database);
  // names without a database are of the request's, and of that of the query only where the request has none
  const own: PlanContext = context.database === "" ? { ...context, database, retentionPolicy: "" } : context;
  const place = <S extends MeasurementSource>(source: S): S => {
    const of = resolveDatabase(own, source.database);
    return { ...source, database: of, retentionPolicy: resolvePolicy(own, of, source.retentionPolicy) };
  };
  const select = mapSources(statement.statement, place);
  const text = printStatement({ ...statement, statement: select });
  return { kind: "create continuous query", database, query: { name: statement.name, text } };
}
