// The rows that an input of a plan asks its source for.
import { assert } from "../base/assert.ts";
import type { Selection } from "../model/scan.ts";
import type { Input, SelectPlan } from "./plan.ts";

export function selectionOf(plan: SelectPlan, input: Input): Selection {
  const { source } = input;
  assert(source.kind === "measurement", "a subquery reached a scan");
  return {
    database: source.database,
    retentionPolicy: source.retentionPolicy,
    measurement: source.measurement,
    minTime: plan.minTime,
    maxTime: plan.maxTime,
    where: input.where,
  };
}
