// SHOW ... CARDINALITY: counts of measurements, series, tag keys, tag values and field keys, out of the index.
//
// The answer is a series with one row for each measurement and group, or, for measurements, for each group. Nothing is made
// per series: groups and distinct tag values are what is held.

import { listKey } from "../model/listkey.ts";
import type { SeriesCount } from "../model/scan.ts";
import { byTags } from "./gather.ts";
import type { ResultSeries } from "./result.ts";
import { sortedKeys } from "./series-keys.ts";
import { fieldsOf, keyMatcher, type ShowContext } from "./show-names.ts";
import type { CardinalityPlan, ShowPlan, ShowTarget } from "./show-plan.ts";

type DatabasePlan = Extract<ShowPlan, { readonly kind: "show database cardinality" }>;

/** "Estimation" is InfluxDB's word: the count is exact. */
export async function* databaseCardinality(
  plan: DatabasePlan,
  { source, budget }: ShowContext,
): AsyncGenerator<ResultSeries> {
  const names = await source.measurements(plan.database, null);
  let count = names.length;
  if (plan.of === "series") {
    count = 0;
    for (const name of names) {
      budget.check();
      count += await source.seriesCardinality(plan.database, name);
    }
  }
  yield { columns: ["cardinality estimation"], timeColumn: -1, rows: [[count]] };
}

export async function* cardinality(
  plan: CardinalityPlan,
  context: ShowContext,
): AsyncGenerator<ResultSeries> {
  if (plan.offset > 0) return;
  const measurements = new Map<string, { readonly tags: readonly string[]; count: number }>();
  for (const target of plan.targets) {
    context.budget.check();
    const groups = await countsOf(plan, target, context);
    if (plan.of === "measurements") {
      for (const { tags } of groups) {
        const key = listKey(tags);
        const group = measurements.get(key);
        if (group === undefined) measurements.set(key, { tags, count: 1 });
        else group.count++;
      }
      continue;
    }
    for (const group of sorted(groups)) yield seriesOf(plan, group, target.measurement);
  }
  for (const group of sorted([...measurements.values()])) yield seriesOf(plan, group, null);
}

function seriesOf(plan: CardinalityPlan, { tags, count }: SeriesCount, name: string | null): ResultSeries {
  return {
    ...(name === null ? {} : { name }),
    ...(tags.length === 0 ? {} : { tags: new Map(plan.dimensions.map((key, i) => [key, tags[i]!])) }),
    columns: ["count"],
    timeColumn: -1,
    rows: [[count]],
  };
}

/** By group of a measurement what is to be counted of it; groups with nothing are left out. */
async function countsOf(
  plan: CardinalityPlan,
  target: ShowTarget,
  context: ShowContext,
): Promise<SeriesCount[]> {
  const series = await seriesCounts(target, plan.dimensions, context);
  switch (plan.of) {
    case "measurements":
    case "series":
      return series;
    case "field keys": {
      if (series.length === 0) return [];
      const { length } = await fieldsOf(target, context);
      return series.map(({ tags }) => ({ tags, count: length }));
    }
    default:
      return plan.dimensions.length === 0
        ? distinctCount(plan, target, context)
        : distinctCounts(plan, target, context);
  }
}

async function seriesCounts(
  { database, measurement, retentionPolicies, where }: ShowTarget,
  dimensions: readonly string[],
  { source, budget }: ShowContext,
): Promise<SeriesCount[]> {
  const counts = new Map<string, { readonly tags: readonly string[]; count: number }>();
  for (const policy of retentionPolicies) {
    for (const { tags, count } of await source.countSeries(
      database,
      policy,
      measurement,
      where,
      dimensions,
    )) {
      const key = listKey(tags);
      const group = counts.get(key);
      if (group === undefined) {
        budget.hold(100 + key.length * 2);
        counts.set(key, { tags, count });
      } else group.count += count;
    }
  }
  return [...counts.values()];
}

/** Distinct tag keys with a value, or distinct values of the tag keys wanted, of all series together. */
async function distinctCount(
  plan: CardinalityPlan,
  target: ShowTarget,
  context: ShowContext,
): Promise<SeriesCount[]> {
  const keys = await wantedKeys(plan, target, context);
  let count = 0;
  if (plan.of === "tag keys") count = keys.length;
  else {
    const values = valuesOf(target, keys, context);
    for await (const { length } of sortedKeys(values, Number.POSITIVE_INFINITY, context.budget))
      count += length;
  }
  return count === 0 ? [] : [{ tags: [], count }];
}

async function* valuesOf(
  { database, measurement, where, retentionPolicies }: ShowTarget,
  keys: Iterable<string>,
  { source, budget }: ShowContext,
): AsyncGenerator<string[]> {
  for (const key of keys)
    for (const policy of retentionPolicies) {
      budget.check();
      yield* source.tagValues(database, measurement, key, where, policy);
    }
}

async function wantedKeys(
  plan: CardinalityPlan,
  { database, measurement, where, retentionPolicies }: ShowTarget,
  { source }: ShowContext,
): Promise<string[]> {
  const keys = new Set<string>();
  for (const policy of retentionPolicies)
    for (const key of await source.tagKeys(database, measurement, where, policy)) keys.add(key);
  return [...keys].filter(keyMatcher(plan.keys));
}

/** By group: distinct tag keys, or distinct values of the tag keys wanted, which count once whatever the key. */
async function distinctCounts(
  plan: CardinalityPlan,
  target: ShowTarget,
  context: ShowContext,
): Promise<SeriesCount[]> {
  const { dimensions, of } = plan;
  const groups = new Map<string, { readonly tags: readonly string[]; readonly found: Set<string> }>();
  for (const key of await wantedKeys(plan, target, context)) {
    context.budget.check();
    for (const { tags } of await seriesCounts(target, [...dimensions, key], context)) {
      const value = tags.at(-1)!;
      if (value === "") continue;
      const group = tags.slice(0, -1);
      const groupKey = listKey(group);
      let known = groups.get(groupKey);
      if (known === undefined) {
        known = { tags: group, found: new Set() };
        groups.set(groupKey, known);
      }
      known.found.add(of === "tag keys" ? key : value);
    }
  }
  return [...groups.values()].map(({ tags, found }) => ({ tags, count: found.size }));
}

function sorted(groups: readonly SeriesCount[]): SeriesCount[] {
  return groups.toSorted(byTags);
}
