// SHOW SERIES, TAG KEYS, TAG VALUES and FIELD KEYS: names out of the index, or, with a time range, of the series that have
// rows in it.
import type { Administration } from "../model/administration.ts";
import { RegexCache } from "../model/regex.ts";
import type { Budget, RowBatch, Series, Source } from "../model/scan.ts";
import { type FieldInfo, fieldTypeNames, MAX_TIME, MIN_TIME } from "../model/types.ts";
import type { Access } from "../model/users.ts";
import { inParts, limited, type Row } from "./parts.ts";
import type { TimeRange } from "./planner/condition.ts";
import type { ResultSeries } from "./result.ts";
import { sortedKeys } from "./series-keys.ts";
import type { KeyCondition, ShowNamesPlan, ShowTarget } from "./show-plan.ts";

export interface ShowContext {
  readonly source: Source;
  readonly administration: Administration;
  readonly budget: Budget;
  /** Who asks; absent: one who sees everything. */
  readonly access?: Access;
}

export async function* showNames(plan: ShowNamesPlan, context: ShowContext): AsyncGenerator<ResultSeries> {
  if (plan.kind === "show series") yield* showSeries(plan, context);
  else yield* showByMeasurement(plan, context);
}

// ---- series -------------------------------------------------------------------------------------------------

/** One series of keys over all measurements, in parts as they come. */
async function* showSeries(plan: ShowNamesPlan, context: ShowContext): AsyncGenerator<ResultSeries> {
  let skip = plan.offset;
  let left = plan.limit === 0 ? Number.POSITIVE_INFINITY : plan.limit;
  // a part leaves when the next is there: only then is it known not to be the last
  let ready: Row[] | null = null;
  for (const target of chosen(plan, plan.targets)) {
    if (left <= 0) break;
    context.budget.check();
    for await (const keys of sortedKeys(keysOf(plan, target, context), skip + left, context.budget)) {
      const rows = keys.slice(skip, skip + left).map((key): Row => [key]);
      skip = Math.max(0, skip - keys.length);
      left -= rows.length;
      if (rows.length === 0) continue;
      if (ready !== null) yield { columns: ["key"], timeColumn: -1, rows: ready, partial: true };
      ready = rows;
    }
  }
  if (ready !== null) yield { columns: ["key"], timeColumn: -1, rows: ready };
}

function keysOf({ range }: ShowNamesPlan, target: ShowTarget, context: ShowContext): AsyncIterable<string[]> {
  if (range === null) return context.source.seriesKeys(target.database, target.measurement, target.where);
  return chunksOf(seriesWithin(target, range, context));
}

const CHUNK_KEYS = 8192;

async function* chunksOf(series: AsyncIterable<Series>): AsyncGenerator<string[]> {
  let chunk: string[] = [];
  for await (const { key } of series) {
    chunk.push(key);
    if (chunk.length < CHUNK_KEYS) continue;
    yield chunk.sort();
    chunk = [];
  }
  yield chunk.sort();
}

/** The series of a target that have a row in a range; one may come again, once a retention policy. */
async function* seriesWithin(
  target: ShowTarget,
  { min, max }: TimeRange,
  { source, budget }: ShowContext,
): AsyncGenerator<Series> {
  const { database, measurement, where } = target;
  const [minTime, maxTime] = [min ?? MIN_TIME, max ?? MAX_TIME];
  if (minTime > maxTime) return;
  const fields = (await source.fields(database, measurement)).map(({ name }) => name);
  for (const retentionPolicy of target.retentionPolicies) {
    let last = "";
    const selection = { database, retentionPolicy, measurement, minTime, maxTime, where };
    for await (const batch of source.scan({ ...selection, fields, limit: 1, descending: true, budget })) {
      for (const series of batch.series) {
        if (series.key === last) continue;
        last = series.key;
        yield series;
      }
    }
  }
}

// ---- by measurement -----------------------------------------------------------------------------------------

/** A series for each measurement that has something to show. */
async function* showByMeasurement(plan: ShowNamesPlan, context: ShowContext): AsyncGenerator<ResultSeries> {
  const columns = columnsOf[plan.kind as keyof typeof columnsOf];
  let skip = plan.seriesOffset;
  let left = plan.seriesLimit === 0 ? Number.POSITIVE_INFINITY : plan.seriesLimit;
  for (const target of plan.targets) {
    context.budget.check();
    const rows = [...limited(await rowsOf(plan, target, context), plan.offset, plan.limit)];
    if (rows.length === 0 || skip-- > 0) continue;
    if (left-- <= 0) return;
    yield* inParts({ name: target.measurement, columns, timeColumn: -1 }, rows, context.budget);
  }
}

/** SLIMIT and SOFFSET of a statement whose measurements share one series. */
function chosen(plan: ShowNamesPlan, targets: readonly ShowTarget[]): Iterable<ShowTarget> {
  return limited(targets, plan.seriesOffset, plan.seriesLimit);
}

const columnsOf = {
  "show tag keys": ["tagKey"],
  "show tag values": ["key", "value"],
  "show field keys": ["fieldKey", "fieldType"],
} as const;

async function rowsOf(plan: ShowNamesPlan, target: ShowTarget, context: ShowContext): Promise<Row[]> {
  const { source } = context;
  const { database, measurement, where } = target;
  if (plan.kind === "show field keys") {
    const fields = await fieldsOf(target, context);
    return fields.map((field) => [field.name, fieldTypeNames[field.type]]);
  }
  const matches = keyMatcher(plan.keys);
  if (plan.range !== null) return rowsWithin(plan, plan.range, target, matches, context);
  const keys = (await source.tagKeys(database, measurement, where)).filter(matches);
  if (plan.kind === "show tag keys") return keys.map((key) => [key]);
  const rows: Row[] = [];
  const wanted = plan.limit === 0 ? Number.POSITIVE_INFINITY : plan.offset + plan.limit;
  for (const key of keys) {
    const left = wanted - rows.length;
    if (left <= 0) break;
    const values = source.tagValues(database, measurement, key, where);
    for await (const part of sortedKeys(values, left, context.budget))
      for (const value of part) rows.push([key, value]);
  }
  return rows;
}

async function rowsWithin(
  plan: ShowNamesPlan,
  range: TimeRange,
  target: ShowTarget,
  matches: (key: string) => boolean,
  context: ShowContext,
): Promise<Row[]> {
  const found = new Map<string, Set<string>>();
  for await (const { tags } of seriesWithin(target, range, context)) {
    for (const [key, value] of tags) {
      if (!matches(key)) continue;
      const values = found.get(key);
      if (values === undefined) found.set(key, new Set([value]));
      else values.add(value);
    }
  }
  const keys = [...found.keys()].sort();
  if (plan.kind === "show tag keys") return keys.map((key) => [key]);
  return keys.flatMap((key) => [...found.get(key)!].sort().map((value) => [key, value]));
}

/** Fields of a measurement in the retention policies of the target: with one policy in the database, all of them. */
export async function fieldsOf(
  { database, measurement, retentionPolicies }: ShowTarget,
  { source, administration, budget }: ShowContext,
): Promise<readonly FieldInfo[]> {
  const fields = await source.fields(database, measurement);
  const policies = administration.retentionPolicies(database) ?? [];
  if (policies.every(({ name }) => retentionPolicies.includes(name))) return fields;
  const present: FieldInfo[] = [];
  for (const field of fields) {
    for (const retentionPolicy of retentionPolicies) {
      const selection = { database, retentionPolicy, measurement, minTime: MIN_TIME, maxTime: MAX_TIME };
      const request = { ...selection, where: null, fields: [field.name], limit: 1, descending: true, budget };
      if (!(await hasRow(source.scan(request)))) continue;
      present.push(field);
      break;
    }
  }
  return present;
}

async function hasRow(batches: AsyncIterable<RowBatch>): Promise<boolean> {
  for await (const { times } of batches) if (times.length > 0) return true;
  return false;
}

/** Whether a name passes all conditions. */
export function keyMatcher(conditions: readonly KeyCondition[]): (name: string) => boolean {
  const matchers = conditions.map(matcherOf);
  return (name) => matchers.every((matches) => matches(name));
}

function matcherOf(condition: KeyCondition): (name: string) => boolean {
  switch (condition.kind) {
    case "names": {
      const names = new Set(condition.names);
      return (name) => names.has(name) !== condition.negated;
    }
    case "regex": {
      const regex = new RegexCache().get(condition.pattern);
      return (name) => regex.test(name) !== condition.negated;
    }
    default: {
      const [left, right] = [matcherOf(condition.left), matcherOf(condition.right)];
      return condition.kind === "and"
        ? (name) => left(name) && right(name)
        : (name) => left(name) || right(name);
    }
  }
}
