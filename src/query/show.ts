// SHOW statements: what is stored, as series of names. Shapes are InfluxDB's, down to which of them have a name.
import type { Administration } from "../model/administration.ts";
import { RegexCache } from "../model/regex.ts";
import type { Budget, Metadata } from "../model/scan.ts";
import { fieldTypeNames } from "../model/types.ts";
import type { Access } from "../model/users.ts";
import type { NameFilter } from "./ast.ts";
import { inParts, limited, type Row } from "./parts.ts";
import type { ShowPlan } from "./plan.ts";
import type { ResultSeries } from "./result.ts";

export interface ShowContext {
  readonly source: Metadata;
  readonly administration: Administration;
  readonly budget: Budget;
  /** Who asks; absent: one who sees everything. */
  readonly access?: Access;
}

export async function* executeShow(plan: ShowPlan, context: ShowContext): AsyncGenerator<ResultSeries> {
  switch (plan.kind) {
    case "show databases": {
      const names = context.administration.databases().filter((name) => context.access?.sees(name) ?? true);
      // a series even when there is none
      yield { ...namesOf("databases"), rows: names.map((name) => [name]) };
      return;
    }
    case "show retention policies":
      yield* showRetentionPolicies(plan.database, context.administration);
      return;
    case "show measurements": {
      const matches = matcher(plan.filter);
      const names = (await context.source.measurements(plan.database, plan.where)).filter(matches);
      const rows = Array.from(limited(names, plan.offset, plan.limit), (name) => [name]);
      yield* inParts(namesOf("measurements"), rows, context.budget);
      return;
    }
    case "show series":
      yield* inParts({ columns: ["key"], timeColumn: -1 }, await seriesRows(plan, context), context.budget);
      return;
    default:
      yield* showByMeasurement(plan, context);
  }
}

const namesOf = (name: string) => ({ name, columns: ["name"], timeColumn: -1 });

type MeasurementsPlan = Extract<ShowPlan, { readonly measurements: readonly string[] }>;

async function* showRetentionPolicies(
  database: string,
  administration: Administration,
): AsyncGenerator<ResultSeries> {
  const rows = (administration.retentionPolicies(database) ?? []).map((policy) => [
    policy.name,
    goDuration(policy.durationNs),
    goDuration(policy.shardDurationNs),
    policy.replication,
    policy.isDefault,
  ]);
  const columns = ["name", "duration", "shardGroupDuration", "replicaN", "default"];
  yield { columns, timeColumn: -1, rows };
}

async function seriesRows(plan: MeasurementsPlan, context: ShowContext): Promise<Iterable<Row>> {
  const keys: string[] = [];
  for (const measurement of plan.measurements) {
    context.budget.check();
    for (const series of await context.source.series(plan.database, measurement, plan.where))
      keys.push(series.key);
  }
  return Array.from(limited(keys, plan.offset, plan.limit), (key) => [key]);
}

/** A series for each measurement that has something to show. */
async function* showByMeasurement(
  plan: MeasurementsPlan,
  context: ShowContext,
): AsyncGenerator<ResultSeries> {
  const columns = columnsOf[plan.kind as keyof typeof columnsOf];
  let skip = plan.seriesOffset;
  let left = plan.seriesLimit === 0 ? Number.POSITIVE_INFINITY : plan.seriesLimit;
  for (const name of plan.measurements) {
    context.budget.check();
    const rows = [...limited(await rowsOf(plan, name, context), plan.offset, plan.limit)];
    if (rows.length === 0 || skip-- > 0) continue;
    if (left-- <= 0) return;
    yield* inParts({ name, columns, timeColumn: -1 }, rows, context.budget);
  }
}

const columnsOf = {
  "show tag keys": ["tagKey"],
  "show tag values": ["key", "value"],
  "show field keys": ["fieldKey", "fieldType"],
} as const;

async function rowsOf(plan: MeasurementsPlan, measurement: string, context: ShowContext): Promise<Row[]> {
  const { source } = context;
  const { database, where } = plan;
  if (plan.kind === "show field keys") {
    const fields = await source.fields(database, measurement);
    return fields.map((field) => [field.name, fieldTypeNames[field.type]]);
  }
  const keys = (await source.tagKeys(database, measurement, where)).filter(matcher(plan.filter));
  if (plan.kind === "show tag keys") return keys.map((key) => [key]);
  const rows: Row[] = [];
  for (const key of keys)
    for (const value of await source.tagValues(database, measurement, key, where)) rows.push([key, value]);
  return rows;
}

function matcher(filter: NameFilter | null): (name: string) => boolean {
  if (filter === null) return () => true;
  if (filter.kind === "names") {
    const names = new Set(filter.names);
    return (name) => names.has(name) !== filter.negated;
  }
  const regex = new RegexCache().get(filter.pattern);
  return (name) => regex.test(name) !== filter.negated;
}

/** As Go prints a duration of whole seconds: 0s, 1m0s, 168h0m0s. */
export function goDuration(ns: bigint): string {
  const seconds = ns / 1_000_000_000n;
  const hours = seconds / 3600n;
  const minutes = (seconds / 60n) % 60n;
  const rest = `${seconds % 60n}s`;
  if (hours > 0n) return `${hours}h${minutes}m${rest}`;
  return minutes > 0n ? `${minutes}m${rest}` : rest;
}
