// The fold path and the raw path are two ways to one answer, and tables of series a third way to give it: generated queries over
// generated data take them all.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { systemClock } from "../src/base/clock.ts";
import { defaultAllowance, QueryBudget } from "../src/query/budget.ts";
import { executeParts, executeSelect } from "../src/query/execute.ts";
import { parseQuery } from "../src/query/parse/parser.ts";
import type { SelectPlan } from "../src/query/plan.ts";
import { planStatement } from "../src/query/planner/planner.ts";
import { type ResultSeries, seriesOf } from "../src/query/result.ts";
import { SeriesTable } from "../src/query/series-table.ts";
import { ShortSeries } from "../src/query/short-series.ts";
import { pointArbitrary, queryArbitrary, selectorArbitrary, tabularArbitrary } from "./oracle/arbitraries.ts";
import { expectSameAnswer, joined } from "./oracle/compare.ts";
import { Oracle, type OraclePoint } from "./oracle/oracle.ts";

const nowNs = 400_000_000_000n;

test("fold path = raw path = tables of series", async () => {
  let answered = 0;
  let tables = 0;
  let selected = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(pointArbitrary, { maxLength: 40, size: "max" }),
      fc.oneof(
        { weight: 3, arbitrary: queryArbitrary },
        { weight: 1, arbitrary: fc.oneof(tabularArbitrary, selectorArbitrary) },
      ),
      async (points, text) => {
        const oracle = oracleOf(points);
        const plan = await planOf(text, oracle);
        const folded = await answer(plan, oracle, "fold");
        expectSameAnswer(folded, await answer(plan, oracle, "rows"));
        const budget = new QueryBudget(defaultAllowance, systemClock);
        const context = { source: oracle, budget, nowNs, takesTables: true };
        expectSameAnswer(folded, joined(await Array.fromAsync(seriesOf(executeParts(plan, { ...context })))));
        for await (const part of executeParts(plan, context)) {
          if (part instanceof SeriesTable) tables++;
          if (part instanceof ShortSeries && plan.inputs.every(({ calls }) => calls.length > 0)) selected++;
        }
        if (folded.length > 0) answered++;
      },
    ),
    { numRuns: 800 },
  );
  // the generator must not drift into queries that select nothing
  expect(answered).toBeGreaterThan(120);
  expect(tables).toBeGreaterThan(30);
  expect(selected).toBeGreaterThan(30);
}, 30_000);

test("the order of writes of different points does not matter, nor how rows are cut into blocks", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(pointArbitrary, { maxLength: 30, size: "max" }),
      queryArbitrary,
      async (points, text) => {
        const unique = [...new Map(points.map((point) => [pointKey(point), point])).values()];
        const oracle = oracleOf(unique);
        const plan = await planOf(text, oracle);
        const other = oracleOf(unique.toReversed(), 100);
        expectSameAnswer(await answer(plan, oracle, "fold"), await answer(plan, other, "fold"));
      },
    ),
    { numRuns: 200 },
  );
}, 30_000);

function oracleOf(points: readonly OraclePoint[], blockRows = 3): Oracle {
  const oracle = new Oracle({ blockRows });
  oracle.createDatabase("db0");
  for (const point of points) oracle.write("db0", point);
  return oracle;
}

function pointKey({ measurement, tags, timeNs }: OraclePoint): string {
  return [measurement, tags["host"], tags["rack"], timeNs].join();
}

async function planOf(text: string, oracle: Oracle): Promise<SelectPlan> {
  const context = { metadata: oracle, administration: oracle, database: "db0", retentionPolicy: "", nowNs };
  const plan = await planStatement(parseQuery(text)[0]!, context);
  expect(plan.kind).toBe("select");
  return plan as SelectPlan;
}

async function answer(plan: SelectPlan, source: Oracle, path: "fold" | "rows"): Promise<ResultSeries[]> {
  const budget = new QueryBudget(defaultAllowance, systemClock);
  return joined(await Array.fromAsync(executeSelect(plan, { source, budget, nowNs, path })));
}
