// SELECT ... INTO to its plan: the names of the target resolved, as those of sources are.
import type { MeasurementSource, SelectStatement } from "../ast.ts";
import type { SelectIntoPlan, SelectPlan } from "../plan.ts";
import { type PlanContext, resolveDatabase, resolvePolicy } from "./context.ts";
import { planSelect } from "./select.ts";

export async function planInto(
  statement: SelectStatement,
  into: MeasurementSource,
  context: PlanContext,
): Promise<SelectIntoPlan> {
  const database = resolveDatabase(context, into.database);
  const retentionPolicy = resolvePolicy(context, database, into.retentionPolicy);
  const select = await planSelect(statement, context);
  // empty windows have nothing to write, and are not counted
  const plan: SelectPlan = select.fill.kind === "null" ? { ...select, fill: { kind: "none" } } : select;
  const target = { database, retentionPolicy, measurement: into.name };
  const tagColumns = plan.columns.flatMap(({ isWrittenAsTag }, column) => (isWrittenAsTag ? [column] : []));
  return { kind: "select into", plan, target, tagColumns };
}
