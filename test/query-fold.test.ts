// The fold path and the raw path are two ways to one answer: generated queries over generated data take both.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { systemClock } from "../src/base/clock.ts";
import { FieldType, MIN_TIME } from "../src/model/types.ts";
import { defaultAllowance, QueryBudget } from "../src/query/budget.ts";
import { executeSelect } from "../src/query/execute.ts";
import type { FunctionName } from "../src/query/functions.ts";
import type { SelectPlan } from "../src/query/plan.ts";
import type { ResultSeries } from "../src/query/result.ts";
import { Oracle } from "./oracle/oracle.ts";
import { aggregatePlan } from "./oracle/plans.ts";

const foldable: FunctionName[] = ["count", "sum", "mean", "min", "max", "first", "last", "spread", "stddev"];

const pointArbitrary = fc.record({
  tags: fc.record({ a: fc.constantFrom("x", "y", "z"), b: fc.constantFrom("1", "2") }, { requiredKeys: [] }),
  float: fc.option(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { nil: undefined }),
  integer: fc.option(fc.oneof(fc.bigInt(-50n, 50n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)), {
    nil: undefined,
  }),
  time: fc.bigInt(-40n, 200n),
});

const queryArbitrary = fc.record({
  functions: fc.array(fc.tuple(fc.constantFrom(...foldable), fc.constantFrom("float", "integer")), {
    minLength: 1,
    maxLength: 4,
  }),
  every: fc.option(fc.bigInt(1n, 90n), { nil: null }),
  dimensions: fc.subarray(["a", "b"]),
  fill: fc.constantFrom(
    { kind: "null" },
    { kind: "none" },
    { kind: "previous" },
    { kind: "linear" },
    { kind: "number", value: 7 },
  ) as fc.Arbitrary<SelectPlan["fill"]>,
  minTime: fc.constantFrom(MIN_TIME, -17n, 0n),
  descending: fc.boolean(),
  limit: fc.nat(5),
  offset: fc.nat(2),
});

test("fold path = raw path", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(pointArbitrary, { maxLength: 40 }), queryArbitrary, async (points, query) => {
      const oracle = new Oracle();
      for (const { tags, float, integer, time } of points) {
        const fields = {
          ...(float === undefined ? {} : { float: { type: FieldType.Float, value: float } }),
          ...(integer === undefined ? {} : { integer: { type: FieldType.Integer, value: integer } }),
        };
        oracle.write("db0", { measurement: "m", tags: tags as Record<string, string>, fields, timeNs: time });
      }
      const plan = aggregatePlan(
        query.functions.map(([name, field]) => ({
          function: name,
          field,
          type: field === "float" ? FieldType.Float : FieldType.Integer,
        })),
        {
          window: query.every === null ? null : { everyNs: query.every, offsetNs: 0n },
          dimensions: query.dimensions,
          fill: query.every === null ? { kind: "none" } : query.fill,
          minTime: query.minTime,
          maxTime: 150n,
          descending: query.descending,
          limit: query.limit,
          offset: query.offset,
        },
      );
      expectClose(await answer(plan, oracle, "fold"), await answer(plan, oracle, "rows"));
    }),
    { numRuns: 400 },
  );
}, 30_000);

async function answer(plan: SelectPlan, source: Oracle, path: "fold" | "rows"): Promise<ResultSeries[]> {
  const budget = new QueryBudget(defaultAllowance, systemClock);
  return Array.fromAsync(executeSelect(plan, { source, budget, nowNs: 150n, path }));
}

/** Equal but for the rounding of floats. */
function expectClose(actual: ResultSeries[], expected: ResultSeries[]): void {
  expect(actual.map((series) => series.tags)).toEqual(expected.map((series) => series.tags));
  for (const [s, series] of actual.entries()) {
    expect(series.rows.length).toBe(expected[s]!.rows.length);
    for (const [r, row] of series.rows.entries())
      for (const [c, cell] of row.entries()) {
        const other = expected[s]!.rows[r]![c]!;
        if (typeof cell === "number" && typeof other === "number" && !Number.isInteger(other))
          expect(Math.abs(cell - other)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(other), 1e6));
        else if (typeof cell === "number" && typeof other === "number")
          expect(Math.abs(cell - other)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(other)));
        else expect(cell).toEqual(other);
      }
  }
}
