// SHOW to its plan: measurements resolved, the condition over tags alone.
import type { Expression } from "../../model/expression.ts";
import type { MeasurementSource, Node, ShowStatement } from "../ast.ts";
import type { ShowPlan, UnsupportedPlan } from "../plan.ts";
import { resolveCondition, splitCondition } from "./condition.ts";
import { type PlanContext, requireDatabase, resolveDatabase } from "./context.ts";
import type { Schema } from "./schema.ts";
import { measurementNames } from "./sources.ts";

export async function planShow(
  statement: ShowStatement,
  context: PlanContext,
): Promise<ShowPlan | UnsupportedPlan> {
  const { subject, filter, limit, offset, seriesLimit, seriesOffset } = statement;
  if (statement.cardinality !== null) return { kind: "unsupported", statement };
  switch (subject) {
    case "databases":
      return { kind: "show databases" };
    case "retention policies":
      return { kind: "show retention policies", database: resolveDatabase(context, statement.database) };
    case "measurements": {
      // A database that does not exist has no measurements: clients ask this to see whether the server lives.
      const database = requireDatabase(context, statement.database);
      const where = planTagCondition(statement.condition, context);
      return { kind: "show measurements", database, filter, where, limit, offset };
    }
    case "series":
    case "tag keys":
    case "tag values":
    case "field keys": {
      const database = resolveDatabase(context, statement.database);
      const measurements = await showMeasurements(statement, database, context);
      const where = planTagCondition(statement.condition, context);
      return {
        kind: `show ${subject}`,
        database,
        measurements,
        filter,
        where,
        limit,
        offset,
        seriesLimit,
        seriesOffset,
      };
    }
    default:
      return { kind: "unsupported", statement };
  }
}

async function showMeasurements(
  statement: ShowStatement,
  database: string,
  context: PlanContext,
): Promise<string[]> {
  const sources = statement.sources as readonly MeasurementSource[];
  if (sources.length === 0) return context.metadata.measurements(database, null);
  const names = new Set<string>();
  for (const source of sources) {
    for (const name of await measurementNames(source, database, context)) names.add(name);
  }
  return [...names].sort();
}

/** Every name is a tag's; time is left out, as what is indexed has no times. */
function planTagCondition(condition: Node | null, context: PlanContext): Expression | null {
  const { rest } = splitCondition(condition, NO_NAMES, { nowNs: context.nowNs, timezone: null });
  return rest === null ? null : resolveCondition(rest, NO_NAMES);
}

const NO_NAMES: Schema = { fields: new Map(), tags: new Set() };
