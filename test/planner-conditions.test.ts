// The plan of WHERE: ranges of time and conditions.
import { expect, test } from "bun:test";
import { InputError } from "../src/base/errors.ts";
import { MAX_TIME, MIN_TIME } from "../src/model/types.ts";
import { formatExpression } from "../src/query/explain.ts";
import { parseQuery } from "../src/query/parse/parser.ts";
import { parseInstant } from "../src/query/planner/instants.ts";
import { planStatement } from "../src/query/planner/planner.ts";
import { context, errorOf, NOW, select } from "./support/planning.ts";

test("the time range, however it is written", async () => {
  const range = async (condition: string) => {
    const plan = await select(`SELECT value FROM cpu WHERE ${condition}`);
    return [plan.minTime, plan.maxTime, plan.inputs[0]?.where ?? null];
  };
  const s = 1_000_000_000n;
  for (const [condition, min, max] of [
    ["time >= 1700000000000ms and time <= 1700000060000ms", 1700000000n * s, 1700000060n * s],
    ["time > 5 AND 10 > time", 6n, 9n],
    ["(time >= 5) AND ((time < 10))", 5n, 9n],
    ["time = 7", 7n, 7n],
    ["time BETWEEN 5 AND 7", 5n, 7n],
    ["time > now() - 1h", NOW - 3600n * s + 1n, MAX_TIME],
    ["now() - 1h - 30m <= TIME", NOW - 5400n * s, MAX_TIME],
    ["time < '2024-01-10'", MIN_TIME, 1704844800n * s - 1n],
    ["time >= '2024-01-10T00:00:00Z' + 1d", 1704931200n * s, MAX_TIME],
    ["ts <= '2024-01-10 12:30:00.5'", MIN_TIME, 1704889800n * s + 500_000_000n],
    ["time > -1s", -s + 1n, MAX_TIME],
    // Three ranges intersect, whatever stands between them: InfluxDB's reading.
    ["time > 1 OR time > 3 AND time < 9", 4n, 8n],
  ] as const) {
    expect([condition, ...(await range(condition))]).toEqual([condition, min, max, null]);
  }
  const [, , where] = await range("host = 'a' OR host = 'b' AND time > 5");
  expect(formatExpression(where as never)).toBe("((host::tag = 'a') OR (host::tag = 'b'))");
  expect((await select("SELECT value FROM cpu WHERE time < '2024-07-01' tz('Europe/Berlin')")).maxTime).toBe(
    BigInt(Date.UTC(2024, 5, 30, 22)) * 1_000_000n - 1n,
  );
  const windows = await select("SELECT mean(value) FROM cpu GROUP BY time(1m)");
  expect([windows.minTime, windows.maxTime, windows.aggregateTime, windows.fill]).toEqual([
    MIN_TIME,
    NOW,
    0n,
    { kind: "null" },
  ]);
  expect((await select("SELECT mean(value) FROM cpu WHERE time > 5")).aggregateTime).toBe(6n);
});

test("instants", () => {
  const ns = (text: string) => BigInt(Date.parse(text)) * 1_000_000n;
  expect(parseInstant("2024-02-29T23:59:59.123456789+05:30", null)).toBe(
    ns("2024-02-29T18:29:59Z") + 123_456_789n,
  );
  expect(parseInstant("2024-03-31", "Europe/Berlin")).toBe(ns("2024-03-30T23:00:00Z"));
  expect(parseInstant("2024-03-31 12:00:00", "Europe/Berlin")).toBe(ns("2024-03-31T10:00:00Z"));
  expect(parseInstant("1969-12-31 23:59:59.5", null)).toBe(-500_000_000n);
  expect(parseInstant("hello", null)).toBeNull();
  for (const text of [
    "2024-02-30",
    "2024-01-01 25:00:00",
    "2024-01-01 10:61:00",
    "2024-01-01x",
    "2024-13-01",
  ]) {
    expect(() => parseInstant(text, null)).toThrow(InputError);
  }
});

test("conditions: a field before a tag, casts, and unknown names as tags that nothing has", async () => {
  for (const [condition, resolved] of [
    [
      "n > 2.5 AND (b = true OR s =~ /x/)",
      "((n::integer > 2.5) AND ((b::boolean = true) OR s::string =~ /x/))",
    ],
    ["host::field = 'a' OR nope != ''", "((host::float = 'a') OR (nope::tag != ''))"],
    ["value::tag = 'a'", "(value::tag = 'a')"],
    ["value + n * 2 > 10", "((value::float + (n::integer * 2)) > 10)"],
    // (durations are compared with durations alone: no row has the field without a name)
    ["value > 10s", '(value::float > ""::float)'],
    ["1m - 10s > 10s", "(50000000000 > 10000000000)"],
  ] as const) {
    const { where } = (await select(`SELECT value FROM cpu WHERE ${condition}`)).inputs[0]!;
    expect(formatExpression(where!)).toBe(resolved);
  }
  const ticks = await select("SELECT ts FROM ticks WHERE ts > 5");
  expect([ticks.columns.map(({ name }) => name), ticks.minTime]).toEqual([["time", "ts"], MIN_TIME]);
});

test("a number, a text or a length of time that is worked out is no condition", async () => {
  for (const [value, isNone] of [
    ["1.5 - 1", true],
    ["(2 + 1)", true],
    ["'a' + 'b'", true],
    ["5s - 1s", true],
    ["true & true", false],
    ["n + 1", false],
  ] as const)
    for (const condition of [value, `n < 3 AND ${value}`, `${value} OR n < 3`])
      expect((await errorOf(`SELECT n FROM cpu WHERE ${condition}`)).replace(/:.*/, ""), condition).toBe(
        isNone ? "invalid condition expression" : "no error",
      );
});

test("a regex that a bind parameter makes a side of an operator", async () => {
  const parameters = { p: { regex: "a" } };
  const errorOfColumn = async (column: string) => {
    const [statement] = parseQuery(`SELECT ${column} FROM cpu`, parameters);
    return await planStatement(statement!, context).catch((error: Error) => error.message);
  };
  const refusals = {
    "value % $p": "unable to use regex in a binary expression",
    "ceil(-1) * 2 % $p": "cannot perform a binary expression on two literals",
  };
  for (const [column, refusal] of Object.entries(refusals))
    expect(await errorOfColumn(column), column).toBe(refusal);
});
