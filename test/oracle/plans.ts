// Plans by hand, for tests of the executor alone: one measurement, calls over its fields.
import { type FieldType, MAX_TIME, MIN_TIME } from "../../src/model/types.ts";
import { type FunctionName, functions } from "../../src/query/functions.ts";
import type { Call, Input, SelectPlan } from "../../src/query/plan.ts";

export interface CallSpec {
  readonly function: FunctionName;
  readonly field: string;
  readonly type: FieldType;
  readonly parameters?: readonly number[];
}

/** SELECT f(field), ... FROM m with the clauses of `rest`. */
export function aggregatePlan(specs: readonly CallSpec[], rest: Partial<SelectPlan> = {}): SelectPlan {
  const calls = specs.map((spec): Call => {
    const info = functions[spec.function];
    const reference = { kind: "field", name: spec.field, type: spec.type } as const;
    return {
      function: spec.function,
      argument: { kind: "field", field: { kind: "row", reference, type: spec.type } },
      parameters: spec.parameters ?? [],
      distinctBy: [],
      type: info.gives === "same" ? spec.type : info.gives,
      fold: info.fold,
      extraWindows: 0,
    };
  });
  const input: Input = {
    source: { kind: "measurement", database: "db0", retentionPolicy: "autogen", measurement: "m" },
    where: null,
    fields: [...new Set(specs.map((spec) => spec.field))].sort(),
    calls,
    outputs: calls.map((call, index) => ({ kind: "call", call: index, type: call.type })),
    rowTime:
      rest.window == null && calls.length === 1 && functions[calls[0]!.function].kind !== "aggregate"
        ? "row"
        : "window",
    foldable: calls.every((call) => call.fold !== 0),
  };
  return {
    kind: "select",
    columns: [
      { name: "time", type: "time" },
      ...calls.map((call) => ({ name: call.function, type: call.type })),
    ],
    inputs: [input],
    minTime: MIN_TIME,
    maxTime: MAX_TIME,
    aggregateTime: 0n,
    window: null,
    dimensions: [],
    fill: { kind: "null" },
    descending: false,
    limit: 0,
    offset: 0,
    seriesLimit: 0,
    seriesOffset: 0,
    timezone: null,
    ...rest,
  };
}
