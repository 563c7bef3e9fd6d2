// Statements to plans: the door of the planner.
import type { Statement } from "../ast.ts";
import type { Plan } from "../plan.ts";
import { type PlanContext, resolveDatabase } from "./context.ts";
import { planInto } from "./into.ts";
import { planOperation } from "./operations.ts";
import { planSelect } from "./select.ts";
import { planShow } from "./show.ts";

export type { PlanContext } from "./context.ts";

/**
 * What the executor is to do for a statement. Throws InputError where the statement makes no sense for what is
 * stored, NotFoundError for a database or retention policy that does not exist: that statement's error, HTTP 200.
 */
export async function planStatement(statement: Statement, context: PlanContext): Promise<Plan> {
  if (statement.kind === "select")
    return statement.into === null
      ? planSelect(statement, context)
      : planInto(statement, statement.into, context);
  const operation = await planOperation(statement, context);
  if (operation !== null) return operation;
  switch (statement.kind) {
    case "explain":
      return {
        kind: "explain",
        analyze: statement.analyze,
        plan: await planSelect(statement.statement, context),
      };
    case "show":
      return planShow(statement, context);
    case "create database":
      return { kind: "create database", database: statement.database };
    case "drop database":
      return { kind: "drop database", database: statement.database };
    case "drop measurement":
      return {
        kind: "drop measurement",
        database: resolveDatabase(context, ""),
        measurement: statement.measurement,
      };
    default:
      return { kind: "unsupported", statement };
  }
}
