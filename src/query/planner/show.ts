// SHOW to its plan: measurements resolved, each with the condition over its tags.
import { InputError } from "../../base/errors.ts";
import { fieldsOf } from "../../model/predicate.ts";
import type { MeasurementSource, Node, ShowStatement } from "../ast.ts";
import type { UnsupportedPlan } from "../plan.ts";
import type { CardinalityPlan, KeyCondition, ShowNamesPlan, ShowPlan, ShowTarget } from "../show-plan.ts";
import { everything, splitCondition, type TimeRange } from "./condition.ts";
import { type PlanContext, requireDatabase, resolveDatabase, resolvePolicy } from "./context.ts";
import { planDimensions, planWindow } from "./dimensions.ts";
import { fieldMap, isTimeName, NO_NAMES, type Schema, TS_IS_NO_TIME, tagSet } from "./schema.ts";
import { keyCondition, namesIn, seriesCondition } from "./show-condition.ts";
import { measurementNames } from "./sources.ts";

export async function planShow(
  statement: ShowStatement,
  context: PlanContext,
): Promise<ShowPlan | UnsupportedPlan> {
  const { subject, filter, limit, offset } = statement;
  switch (subject) {
    case "databases":
      return { kind: "show databases" };
    case "retention policies":
      return { kind: "show retention policies", database: resolveDatabase(context, statement.database) };
    case "measurements": {
      if (statement.cardinality !== null) return planCardinality(statement, subject, context);
      // A database that does not exist has no measurements: clients ask this to see whether the server lives.
      const database = requireDatabase(context, statement.database);
      const condition = conditionWithoutTime(statement, "SHOW MEASUREMENTS", context);
      return { kind: "show measurements", database, filter, condition, limit, offset };
    }
    case "series":
    case "tag keys":
    case "tag values":
    case "field keys":
      return statement.cardinality === null
        ? planNames(statement, subject, context)
        : planCardinality(statement, subject, context);
    default:
      return { kind: "unsupported", statement };
  }
}

async function planNames(
  statement: ShowStatement,
  subject: "series" | "tag keys" | "tag values" | "field keys",
  context: PlanContext,
): Promise<ShowNamesPlan> {
  const { range, rest } = conditionOf(statement, context);
  const { limit, offset, seriesLimit, seriesOffset } = statement;
  const targets = await planTargets(statement, rest, context);
  const asksValues = targets.some(({ where }) => where !== null && fieldsOf(where).length > 0);
  const kind = `show ${subject}` as const;
  return {
    kind,
    targets,
    keys: keyConditions(statement, rest),
    range: asksValues ? (range ?? everything) : range,
    limit,
    offset,
    seriesLimit,
    seriesOffset,
  };
}

async function planCardinality(
  statement: ShowStatement,
  subject: CardinalityPlan["of"],
  context: PlanContext,
): Promise<ShowPlan> {
  const { cardinality, sources, condition, dimensions, limit, offset } = statement;
  const isWhole = sources.length === 0 && condition === null && dimensions.length === 0;
  const ofDatabase = subject === "measurements" || subject === "series";
  if (cardinality === "estimated" && ofDatabase && isWhole && limit === 0 && offset === 0) {
    const database = requireDatabase(context, statement.database);
    return { kind: "show database cardinality", of: subject, database };
  }
  for (const { database } of writtenSources(statement))
    resolveDatabase(context, database || statement.database);
  const rest = conditionWithoutTime(statement, cardinalityNames[subject], context);
  if (planWindow(dimensions, { nowNs: context.nowNs, timezone: null }) !== null)
    throw new InputError("SHOW ... CARDINALITY has no rows in time: GROUP BY tags only");
  const targets = await planTargets(statement, rest, context);
  const tags = new Set<string>();
  if (dimensions.some(({ kind }) => kind === "wildcard" || kind === "regex"))
    for (const { database, measurement } of targets)
      for (const key of await context.metadata.tagKeys(database, measurement, null)) tags.add(key);
  return {
    kind: "show cardinality",
    of: subject,
    targets,
    keys: keyConditions(statement, rest),
    dimensions: planDimensions(dimensions, [], { fields: new Map(), tags }),
    offset,
  };
}

/** As InfluxDB's messages name them. */
const cardinalityNames: Readonly<Record<CardinalityPlan["of"], string>> = {
  measurements: "SHOW MEASUREMENT EXACT CARDINALITY",
  series: "SHOW SERIES EXACT CARDINALITY",
  "tag keys": "SHOW TAG KEY EXACT CARDINALITY",
  "tag values": "SHOW TAG VALUES EXACT CARDINALITY",
  "field keys": "SHOW FIELD KEY CARDINALITY",
};

/** Throws where time is asked about, whatever it is compared with. */
function conditionWithoutTime(statement: ShowStatement, what: string, context: PlanContext): Node | null {
  const refused = new InputError(`${what} doesn't support time in WHERE clause`);
  if (comparesTime(statement.condition)) throw refused;
  const { range, rest } = conditionOf(statement, context);
  if (range !== null) throw refused;
  return rest;
}

/** Time stands on the left of a comparison. */
function comparesTime(node: Node | null): boolean {
  if (node?.kind === "paren") return comparesTime(node.inner);
  if (node?.kind !== "binary") return false;
  const { operator, left, right } = node;
  if (operator === "and" || operator === "or") return comparesTime(left) || comparesTime(right);
  return left.kind === "reference" && isTimeName(TS_IS_NO_TIME, left.name);
}

/** The range is null when nothing is said of time; `ts` is a tag here. */
function conditionOf(
  { condition }: ShowStatement,
  context: PlanContext,
): { readonly range: TimeRange | null; readonly rest: Node | null } {
  const { range, rest } = splitCondition(condition, TS_IS_NO_TIME, { nowNs: context.nowNs, timezone: null });
  return { range: range.min === null && range.max === null ? null : range, rest };
}

function keyConditions({ subject, filter }: ShowStatement, rest: Node | null): KeyCondition[] {
  const asked = subject === "tag values" ? keyCondition(rest) : null;
  return [filter, asked].filter((condition) => condition !== null);
}

const ANYTHING: MeasurementSource = {
  kind: "measurement",
  database: "",
  retentionPolicy: "",
  name: "",
  pattern: "",
};

const writtenSources = ({ sources }: ShowStatement): readonly MeasurementSource[] =>
  sources.length === 0 ? [ANYTHING] : (sources as readonly MeasurementSource[]);

/** Every measurement once, with all retention policies that it is asked about in. */
async function planTargets(
  statement: ShowStatement,
  condition: Node | null,
  context: PlanContext,
): Promise<ShowTarget[]> {
  const { subject } = statement;
  const counts = statement.cardinality !== null;
  // (sources of these have no database of their own)
  if (!counts && subject !== "series" && subject !== "field keys")
    resolveDatabase(context, statement.database);
  const asked = new Map<string, Omit<ShowTarget, "where">>();
  for (const source of writtenSources(statement)) {
    const of = resolveDatabase(context, source.database || statement.database);
    const policies = policiesOf(statement, source, of, context);
    for (const measurement of await measurementNames(source, of, context)) {
      const key = JSON.stringify([measurement, of]);
      const known = asked.get(key)?.retentionPolicies ?? [];
      asked.set(key, {
        database: of,
        measurement,
        retentionPolicies: [...new Set([...known, ...policies])],
      });
    }
  }
  const schemas = await schemasOf(asked, condition === null || counts ? [] : namesIn(condition), context);
  const fields = new Set([...schemas.values()].flatMap((schema) => [...schema.fields.keys()]));
  // (a condition over tags is wrong where no measurement is met, too)
  if (asked.size === 0 && !counts && (subject === "tag keys" || subject === "tag values"))
    seriesCondition(condition, { measurement: "", counts, fields, schema: NO_NAMES });
  const targets: ShowTarget[] = [];
  for (const [key, target] of asked) {
    const schema = schemas.get(key) ?? NO_NAMES;
    const ownFields = fields.difference(schema.tags);
    const scope = { measurement: target.measurement, counts, fields: ownFields, schema };
    const where = seriesCondition(condition, scope);
    if (where !== false) targets.push({ ...target, where: where === true ? null : where });
  }
  return targets.sort((a, b) => (a.measurement < b.measurement ? -1 : 1));
}

/** Of each measurement the fields that are asked about, and where there are any its tags. */
async function schemasOf(
  asked: ReadonlyMap<string, Omit<ShowTarget, "where">>,
  names: readonly string[],
  { metadata }: PlanContext,
): Promise<Map<string, Schema>> {
  const schemas = new Map<string, Schema>();
  if (names.length === 0) return schemas;
  for (const [key, { database, measurement }] of asked) {
    const all = fieldMap(await metadata.fields(database, measurement));
    const fields = new Map(names.filter((name) => all.has(name)).map((name) => [name, all.get(name)!]));
    if (fields.size > 0) schemas.set(key, { fields, tags: new Set() });
  }
  if (schemas.size === 0) return schemas;
  for (const [key, { database, measurement }] of asked) {
    const tags = tagSet(await metadata.tagKeys(database, measurement, null));
    const fields = [...(schemas.get(key)?.fields ?? [])].filter(([name]) => !tags.has(name));
    schemas.set(key, { fields: new Map(fields), tags });
  }
  return schemas;
}

/**
 * Tags are one index over all retention policies, so that the names of tags and their values are asked of all; rows, fields and
 * counts are asked of the source's or the default one.
 */
function policiesOf(
  { subject, cardinality }: ShowStatement,
  source: MeasurementSource,
  database: string,
  context: PlanContext,
): string[] {
  if (cardinality === null && (subject === "tag keys" || subject === "tag values"))
    return (context.administration.retentionPolicies(database) ?? []).map(({ name }) => name);
  return [resolvePolicy(context, database, source.retentionPolicy)];
}
