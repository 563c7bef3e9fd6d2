// FROM: the measurements that exist, by name or regex, and subqueries, each with the names it has.
import { RegexCache } from "../../model/regex.ts";
import { FieldType } from "../../model/types.ts";
import type { MeasurementSource, Node, SelectStatement, Source } from "../ast.ts";
import type { Input, InputSource, Output, PlannedColumn, SelectPlan } from "../plan.ts";
import type { TimeRange } from "./condition.ts";
import { type PlanContext, resolveDatabase, resolvePolicy } from "./context.ts";
import { planJoin } from "./join.ts";
import { givenType } from "./outputs.ts";
import { fieldMap, type PlannedSource, tagSet } from "./schema.ts";

/** A statement in FROM, planned, and its own time range. */
export interface Subquery {
  readonly plan: SelectPlan;
  readonly range: TimeRange;
  /** Tags that the statement itself groups by. */
  readonly groups: readonly string[];
  /** What time is called among its columns: names without values around it. */
  readonly timeColumns: readonly string[];
}

/** `keys`: tags that it groups by, in place of those of the statement around it. */
export type PlanSubquery = (statement: SelectStatement, keys?: readonly string[]) => Promise<Subquery>;

/** `read`: what the statement reads. Sources with at least one field, sorted by name; of one name the measurement before subqueries. */
export async function planSources(
  sources: readonly Source[],
  context: PlanContext,
  planSubquery: PlanSubquery,
  read: readonly Node[],
): Promise<PlannedSource[]> {
  const measurements = new Map<string, PlannedSource>();
  const subqueries: PlannedSource[] = [];
  for (const source of sources) {
    if (source.kind === "join") subqueries.push(await planJoin(source, read, planSubquery));
    else if (source.kind === "subquery")
      subqueries.push(...subquerySources(await planSubquery(source.statement)));
    else {
      for (const planned of await planMeasurements(source, context)) {
        // (one source never gives the same twice)
        measurements.set(sources.length === 1 ? planned.name : JSON.stringify(planned.rows), planned);
      }
    }
  }
  return [...measurements.values(), ...subqueries]
    .filter(({ fields }) => fields.size > 0)
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Those of a name or a regex, with the names they have. */
export async function planMeasurements(
  source: MeasurementSource,
  context: PlanContext,
): Promise<PlannedSource[]> {
  const database = resolveDatabase(context, source.database);
  const retentionPolicy = resolvePolicy(context, database, source.retentionPolicy);
  const names = await measurementNames(source, database, context);
  const isOnly = context.administration.retentionPolicies(database)?.length === 1;
  const plan = async (measurement: string): Promise<PlannedSource> => {
    const [own, tagKeys, ofAll] = await Promise.all([
      context.metadata.fields(database, measurement, retentionPolicy),
      context.metadata.tagKeys(database, measurement, null),
      isOnly ? [] : context.metadata.fields(database, measurement),
    ]);
    const [fields, tags] = [fieldMap(own), tagSet(tagKeys)];
    const others = ofAll.map(({ name }) => name).filter((name) => !fields.has(name) && !tags.has(name));
    return {
      name: measurement,
      rows: { kind: "measurement", database, retentionPolicy, measurement },
      fields,
      tags,
      ...(others.length === 0 ? {} : { elsewhere: new Set(others) }),
    };
  };
  return names.length === 1 ? [await plan(names[0]!)] : Promise.all(names.map(plan));
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

/** A subquery as one source a name: its columns are fields, its dimensions tags. */
export function subquerySources({ plan, range, groups: own, timeColumns }: Subquery): PlannedSource[] {
  const groups = new Set(own);
  const unlisted = new Set(plan.columns.filter(({ isUnlisted }) => isUnlisted).map(({ name }) => name));
  const names = new Set(plan.inputs.map(({ source }) => sourceName(source)));
  return [...names].map((name) => {
    const inputs = plan.inputs.filter(({ source }) => sourceName(source) === name);
    const columns = describeColumns(
      plan.columns.slice(1).map((column) => column.name),
      inputs,
    );
    const fields = new Map<string, FieldType>();
    const tagColumns = new Set<string>();
    const absent = new Set<string>(timeColumns);
    for (const [index, { name, type: known }] of columns.entries()) {
      // (what is a column of another measurement has no values here, but rows)
      const planned = plan.columns[index + 1]!.type;
      const type = known ?? givenBy(inputs, index) ?? planned;
      if (type === null) absent.add(name);
      if (type === null || type === "time" || fields.has(name)) continue;
      fields.set(name, type === "tag" ? FieldType.String : type);
      // (that of a measurement without the tag, too)
      if ((known ?? planned) === "tag") tagColumns.add(name);
    }
    const tags = new Set(plan.dimensions);
    for (const name of absent) if (fields.has(name)) absent.delete(name);
    const own: SelectPlan = { ...plan, columns: [plan.columns[0]!, ...columns], inputs };
    const rows = { kind: "subquery", plan: own, minTime: range.min, maxTime: range.max } as const;
    return { name, rows, fields, tags, tagColumns, absent, groups, unlisted };
  });
}

/** The type of a column without values. */
function givenBy(inputs: readonly Input[], index: number): FieldType | null {
  for (const { outputs } of inputs) {
    const given = givenType(outputs[index]!);
    if (given !== null) return given;
  }
  return null;
}

export function sourceName(source: InputSource): string {
  return source.kind === "measurement" ? source.measurement : source.name;
}

/** Columns of an answer: a column's type is that of the first input that has it. */
export function describeColumns(names: readonly string[], inputs: readonly Input[]): PlannedColumn[] {
  return names.map((name, index) => {
    const input = inputs.find(({ outputs }) => outputs[index]!.type !== null);
    return { name, type: input === undefined ? null : columnType(input.outputs[index]!, input) };
  });
}

function columnType(output: Output, { source }: Input): FieldType | "tag" | null {
  if (output.kind !== "row") return output.type;
  const { kind, name } = output.reference;
  const isTag = kind === "tag" || (source.kind === "derived" && source.tagColumns.includes(name));
  return isTag ? "tag" : output.type;
}
