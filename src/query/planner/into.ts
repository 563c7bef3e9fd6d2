// SELECT ... INTO to its plan: the names of the target resolved, as those of sources are.
//
// What INTO :MEASUREMENT writes of several measurements is planned for each of them by itself: beside each other their fields of one
// name would have one type, and a copy would lose what does not fit it.
import type { MeasurementSource, SelectStatement, Source } from "../ast.ts";
import type { IntoPart, SelectIntoPlan, SelectPlan } from "../plan.ts";
import { type PlanContext, resolveDatabase, resolvePolicy } from "./context.ts";
import { planSelect } from "./select.ts";
import { measurementNames } from "./sources.ts";

export async function planInto(
  statement: SelectStatement,
  into: MeasurementSource,
  context: PlanContext,
): Promise<SelectIntoPlan> {
  const database = resolveDatabase(context, into.database);
  // of all together first: for its errors, which come before those of the target, and for people
  const whole = partOf(await planSelect(statement, context));
  const retentionPolicy = resolvePolicy(context, database, into.retentionPolicy);
  const target = { database, retentionPolicy, measurement: into.name };
  const parts: IntoPart[] = [];
  if (into.name === "")
    for (const each of await perMeasurement(statement, context))
      parts.push(partOf(await planSelect(each, context)));
  return { kind: "select into", plan: whole.plan, parts: parts.length > 1 ? parts : [whole], target };
}

function partOf(select: SelectPlan): IntoPart {
  // empty windows have nothing to write, and are not counted
  const plan: SelectPlan = select.fill.kind === "null" ? { ...select, fill: { kind: "none" } } : select;
  const tagColumns = plan.columns.flatMap(({ isWrittenAsTag }, column) => (isWrittenAsTag ? [column] : []));
  return { plan, tagColumns };
}

/** The statement over one measurement at a time; none where it counts the series of all of them, or reads others than measurements. */
async function perMeasurement(statement: SelectStatement, context: PlanContext): Promise<SelectStatement[]> {
  const { sources, seriesLimit, seriesOffset } = statement;
  if (seriesLimit > 0 || seriesOffset > 0) return [];
  const byName = new Map<string, Source[]>();
  for (const source of sources) {
    if (source.kind !== "measurement") return [];
    const database = resolveDatabase(context, source.database);
    for (const name of await measurementNames(source, database, context))
      byName.set(name, [...(byName.get(name) ?? []), { ...source, name, pattern: null }]);
  }
  return [...byName.values()].map((own) => ({ ...statement, sources: own }));
}
