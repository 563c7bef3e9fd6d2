// Every example of docs/extensions.md is a statement that runs.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../src/base/clock.ts";
import { FieldType } from "../src/model/types.ts";
import { runQuery } from "../src/query/session.ts";
import { Oracle } from "./oracle/oracle.ts";

const page = readFileSync(join(import.meta.dir, "../docs/extensions.md"), "utf8");
const examples = [...page.matchAll(/```sql\n(.*?)```/gs)].flatMap(([, block]) =>
  // a statement ends at an empty line, or where the next one begins
  block!
    .split(/\n\n|\n(?=(?:SELECT|DELETE|SHOW|CREATE)\b)/)
    .map((text) => text.trim())
    .filter((text) => text !== ""),
);
const oracle = new Oracle({ blockRows: 4 });
for (const [measurement, field] of [
  ["weather", "value"],
  ["cpu", "usage"],
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

test("there are examples", () => {
  expect(examples.length).toBeGreaterThan(10);
});

test.each(examples)("%s", async (text) => {
  const session = { source: oracle, administration: oracle, clock: systemClock, database: "db" };
  for await (const { series } of runQuery(text, session)) {
    for await (const { rows } of series) expect(rows.length).toBeGreaterThan(0);
  }
});
