// SHOW statements: what is stored, as series of names. Shapes are InfluxDB's, down to which of them have a name.
import type { Administration } from "../model/administration.ts";
import { cardinality, databaseCardinality } from "./cardinality.ts";
import { goDuration } from "./duration.ts";
import { inParts, limited } from "./parts.ts";
import type { ResultSeries } from "./result.ts";
import { measurementsWhere } from "./show-measurements.ts";
import { keyMatcher, type ShowContext, showNames } from "./show-names.ts";
import type { ShowPlan } from "./show-plan.ts";

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
      const matches = keyMatcher(plan.filter === null ? [] : [plan.filter]);
      const names = await measurementsWhere(plan.database, plan.condition, context.source);
      const rows = Array.from(limited(names.filter(matches), plan.offset, plan.limit), (name) => [name]);
      yield* inParts(namesOf("measurements"), rows, context.budget);
      return;
    }
    case "show database cardinality":
      yield* databaseCardinality(plan, context);
      return;
    case "show cardinality":
      yield* cardinality(plan, context);
      return;
    default:
      yield* showNames(plan, context);
  }
}

const namesOf = (name: string) => ({ name, columns: ["name"], timeColumn: -1 });

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
