// Generated SELECTs, mostly senseless: the planner refuses them with a typed error or makes a plan that holds together.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { SerieError } from "../src/base/errors.ts";
import { FieldType } from "../src/model/types.ts";
import { explain } from "../src/query/explain.ts";
import { parseQuery } from "../src/query/parse/parser.ts";
import type { Output, SelectPlan } from "../src/query/plan.ts";
import { planStatement } from "../src/query/planner/planner.ts";
import { contextOf, cpu } from "./support/planning.ts";

/** `host` is a tag of one measurement, and both tag and field of the other. */
const context = contextOf({
  cpu,
  mem: {
    fields: [
      { name: "free", type: FieldType.Integer },
      { name: "host", type: FieldType.Float },
    ],
    tags: ["host"],
  },
});

const name = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("value", "n") },
  fc.constantFrom(
    "b",
    "s",
    "host",
    "nope",
    "free",
    "*",
    "/v/",
    "*::field",
    "host::tag",
    "value::integer",
    "time",
  ),
);
const argument = fc.oneof(
  { weight: 3, arbitrary: name },
  fc.constantFrom("2", "10s", "'x'", "DISTINCT value", "1.5", "true", "-3", "0s"),
);
const called = fc.constantFrom(
  ..."mean count max first top bottom distinct derivative difference moving_average percentile percentile90 integral".split(
    " ",
  ),
  ..."cumulative_sum mode spread stddev bogus time now abs sin pow floor exponential_moving_average sample elapsed holt_winters percentile_approx count_distinct".split(
    " ",
  ),
);
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3 },
    fc.tuple(called, argument).map(([f, a]) => `${f}(${a})`),
    argument,
    fc.tuple(called, tie("expression"), argument).map(([f, a, b]) => `${f}(${a}, ${b})`),
    fc.tuple(called, tie("expression")).map(([f, a]) => `${f}(${a})`),
    fc
      .tuple(tie("expression"), fc.constantFrom("+", "/", "%", "&"), tie("expression"))
      .map((parts) => parts.join(" ")),
    tie("expression").map((inner) => `(${inner})`),
  ),
}));
const statement = fc
  .tuple(
    fc.array(expression, { minLength: 1, maxLength: 3 }).map((list) => list.join(", ")),
    fc.constantFrom(
      "cpu",
      "cpu",
      "mem",
      "cpu, mem",
      "/./",
      "nope",
      "(SELECT max(value) AS value FROM cpu GROUP BY host)",
      "(SELECT * FROM cpu), mem",
    ),
    fc.oneof(
      fc.constantFrom("", " WHERE time > now() - 1h", " WHERE host = 'a' OR n > 1 AND time < 5"),
      expression.map((left) => ` WHERE ${left} = 'a' AND time > 5`),
    ),
    fc.constantFrom(
      "",
      "",
      " GROUP BY host",
      " GROUP BY *, time(1m, 5s)",
      " GROUP BY time(1m)",
      " GROUP BY /h/, nope",
    ),
    fc.constantFrom("", "", " fill(none)", " fill(0)", " ORDER BY time DESC LIMIT 1", " tz('Europe/Berlin')"),
  )
  .map(([fields, ...rest]) => `SELECT ${fields} FROM ${rest.join("")}`);

test("plans hold together", async () => {
  let planned = 0;
  await fc.assert(
    fc.asyncProperty(statement, async (text) => {
      try {
        const plan = await planStatement(parseQuery(text)[0]!, context);
        expectWhole(plan as SelectPlan);
        planned++;
      } catch (error) {
        if (!(error instanceof SerieError)) throw error;
      }
    }),
    { numRuns: 8_000 },
  );
  expect(planned).toBeGreaterThan(300);
});

function expectWhole(plan: SelectPlan): void {
  expect(explain(plan).length).toBeGreaterThan(2);
  const names = plan.columns.slice(1).map((column) => column.name);
  expect(new Set(names).size).toBe(names.length);
  expect(plan.dimensions).toEqual([...new Set(plan.dimensions)].sort());
  for (const input of plan.inputs) {
    expect(input.outputs.length).toBe(names.length);
    if (input.source.kind === "measurement") expect(input.fields.length).toBeGreaterThan(0);
    else
      for (const { rows } of input.source.parts) {
        if (rows.kind !== "subquery") continue;
        expect(rows.plan.inputs.length).toBeGreaterThan(0);
        expectWhole(rows.plan);
      }
    expect(input.fields).toEqual([...new Set(input.fields)].sort());
    for (const [index, call] of input.calls.entries()) {
      expect(call.parameters.every(Number.isFinite)).toBe(true);
      if (call.argument.kind === "call") expect(call.argument.call).toBeLessThan(index);
      else if (call.argument.field.reference.kind === "field")
        expect(input.fields).toContain(call.argument.field.reference.name);
    }
    for (const output of input.outputs) expectRead(output, input.fields, input.calls.length);
  }
}

/** What an output reads is asked for. */
function expectRead(output: Output, fields: readonly string[], callCount: number): void {
  if (output.kind === "row" && output.reference.kind === "field")
    expect(fields).toContain(output.reference.name);
  if (output.kind === "call") expect(output.call).toBeLessThan(callCount);
  if (output.kind === "binary") {
    expect(output.type === null).toBe(output.left.type === null || output.right.type === null);
    expectRead(output.left, fields, callCount);
    expectRead(output.right, fields, callCount);
  }
}
