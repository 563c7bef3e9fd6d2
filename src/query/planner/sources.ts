// FROM: the measurements that exist, by name or regex, and subqueries, each with the names it has.
import { RegexCache } from "../../model/regex.ts";
import type { FieldType } from "../../model/types.ts";
import type { MeasurementSource, SelectStatement, Source } from "../ast.ts";
import type { SelectPlan } from "../plan.ts";
import { type PlanContext, resolveDatabase, resolvePolicy } from "./context.ts";
import { fieldMap, type PlannedSource } from "./schema.ts";

/** Sources with at least one field, measurements sorted by name, subqueries after them. */
export async function planSources(
  sources: readonly Source[],
  context: PlanContext,
  planSubquery: (statement: SelectStatement) => Promise<SelectPlan>,
): Promise<PlannedSource[]> {
  const measurements = new Map<string, PlannedSource>();
  const subqueries: PlannedSource[] = [];
  for (const source of sources) {
    if (source.kind === "subquery") subqueries.push(subquerySource(await planSubquery(source.statement)));
    else {
      for (const planned of await planMeasurements(source, context)) {
        measurements.set(JSON.stringify(planned.source), planned);
      }
    }
  }
  const sorted = [...measurements.values()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  return [...sorted, ...subqueries].filter(({ fields }) => fields.size > 0);
}

const nameOf = ({ source }: PlannedSource): string =>
  source.kind === "measurement" ? source.measurement : "";

async function planMeasurements(source: MeasurementSource, context: PlanContext): Promise<PlannedSource[]> {
  const database = resolveDatabase(context, source.database);
  const retentionPolicy = resolvePolicy(context, database, source.retentionPolicy);
  const names = await measurementNames(source, database, context);
  return Promise.all(
    names.map(async (measurement) => {
      const [fields, tags] = await Promise.all([
        context.metadata.fields(database, measurement),
        context.metadata.tagKeys(database, measurement, null),
      ]);
      return {
        source: { kind: "measurement", database, retentionPolicy, measurement },
        fields: fieldMap(fields),
        tags: new Set(tags),
      };
    }),
  );
}

/** The one name, whether it exists or not, or all that match. */
export async function measurementNames(
  source: MeasurementSource,
  database: string,
  context: PlanContext,
): Promise<string[]> {
  if (source.pattern === null) return [source.name];
  const regex = new RegexCache().get(source.pattern);
  return (await context.metadata.measurements(database, null)).filter((name) => regex.test(name));
}

/** A subquery's columns are fields, its tag columns and dimensions are tags. */
function subquerySource(plan: SelectPlan): PlannedSource {
  const fields = new Map<string, FieldType>();
  const tags = new Set(plan.dimensions);
  for (const { name, type } of plan.columns.slice(1)) {
    if (type === "tag") tags.add(name);
    else if (type !== null && type !== "time" && !fields.has(name)) fields.set(name, type);
  }
  return { source: { kind: "subquery", plan }, fields: plan.inputs.length === 0 ? new Map() : fields, tags };
}
