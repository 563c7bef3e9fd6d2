// The rows that an input of a plan asks its source for (a derived one, which has no database, for rows of its name).
import type { Selection } from "../model/scan.ts";
import type { Input, SelectPlan } from "./plan.ts";

export function selectionOf(plan: SelectPlan, input: Input): Selection {
  const { source } = input;
  const { minTime, maxTime } = plan;
  if (source.kind === "derived")
    return { database: "", retentionPolicy: "", measurement: source.name, minTime, maxTime, where: null };
  const { database, retentionPolicy, measurement } = source;
  return { database, retentionPolicy, measurement, minTime, maxTime, where: input.where };
}
