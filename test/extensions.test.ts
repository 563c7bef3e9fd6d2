// Every example of docs/extensions.md and docs/influxql.md is a statement that runs, and the pages name all that there is.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../src/base/clock.ts";
import { FieldType } from "../src/model/types.ts";
import { functions } from "../src/query/functions.ts";
import { runQuery } from "../src/query/session.ts";
import { Oracle } from "./oracle/oracle.ts";

const read = (page: string) => readFileSync(join(import.meta.dir, "../docs", page), "utf8");
const extensions = read("extensions.md");
const influxql = read("influxql.md");

const examplesOf = (page: string): string[] =>
  [...page.matchAll(/```sql\n(.*?)```/gs)].flatMap(([, block]) =>
    // a statement ends at an empty line, or where the next one begins
    block!
      .split(/\n\n|\n(?=(?:SELECT|DELETE|SHOW|CREATE|DROP|GRANT|REVOKE|SET)\b)/)
      .map((text) => text.trim())
      .filter((text) => text !== ""),
  );

function filled(): Oracle {
  const oracle = new Oracle({ blockRows: 4 });
  for (const [measurement, field] of [
    ["weather", "value"],
    ["cpu", "usage"],
    ["cpu", "usage_idle"],
    ["cpu", "usage_guest"],
    ["meter", "energy"],
    ["errors", "value"],
    ["requests", "value"],
  ])
    for (let i = 0; i < 20; i++)
      oracle.write("db", {
        measurement: measurement!,
        tags: { host: `h${i % 2}`, location: "HELSINKI" },
        fields: { [field!]: { type: FieldType.Float, value: i } },
        timeNs: BigInt(Date.UTC(2024, 0, 15, i)) * 1_000_000n,
      });
  return oracle;
}

/** Rows of its answers. */
async function run(text: string, oracle: Oracle): Promise<number> {
  const session = { source: oracle, administration: oracle, clock: systemClock, database: "db" };
  let count = 0;
  for await (const { series } of runQuery(text, session))
    for await (const { rows } of series) count += rows.length;
  return count;
}

/** Functions that InfluxDB 1.8 documents. */
const influxdbs: ReadonlySet<string> = new Set(
  `count distinct integral mean median mode spread stddev sum bottom first last max min percentile sample top abs acos asin atan
  atan2 ceil cos cumulative_sum derivative difference elapsed exp floor ln log log2 log10 moving_average non_negative_derivative
  non_negative_difference pow round sin sqrt tan holt_winters holt_winters_with_fit chande_momentum_oscillator
  exponential_moving_average double_exponential_moving_average kaufmans_efficiency_ratio kaufmans_adaptive_moving_average
  triple_exponential_moving_average triple_exponential_derivative relative_strength_index`.split(/\s+/),
);

describe("extensions.md", () => {
  const oracle = filled();
  const examples = examplesOf(extensions);

  test("there are examples", () => {
    expect(examples.length).toBeGreaterThan(10);
  });

  test.each(examples)("%s", (text) => run(text, oracle));

  test.each([
    ...Object.keys(functions).filter((name) => !influxdbs.has(name)),
    ..."avg range percentile90 ts BETWEEN HAVING JOIN USING LEFT RIGHT FULL STATUS TOKEN TOKENS 1mo 1y SLIMIT".split(
      " ",
    ),
    ..."WITH KEY,fill(previous, 1h),EXPLAIN ANALYZE,/write/json,--slow-query-threshold,::unsigned".split(","),
  ])("%s is in it", (word) => {
    expect(extensions).toMatch(new RegExp(`(?<!\\w)${RegExp.escape(word)}(?!\\w)`));
  });
});

describe("influxql.md", () => {
  const oracle = filled();

  test.each(examplesOf(influxql))("%s", async (text) => {
    const rows = await run(text, oracle);
    if (/^(?:SELECT|SHOW)/.test(text)) expect(rows).toBeGreaterThan(0);
  });

  test.each(Object.keys(functions))("%s is in it", (name) => {
    expect(influxql).toMatch(new RegExp(`\`${name}[(\`]`));
  });
});
