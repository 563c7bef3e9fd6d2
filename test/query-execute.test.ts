// The executor's own machinery: merging series by time, parts of long answers, the query's bounds.
import { describe, expect, test } from "bun:test";
import type { Clock } from "../src/base/clock.ts";
import { QueryAbortedError } from "../src/base/errors.ts";
import { FieldType } from "../src/model/types.ts";
import { QueryBudget } from "../src/query/budget.ts";
import { PART_ROWS } from "../src/query/parts.ts";
import type { ResultSeries } from "../src/query/result.ts";
import { runQuery, type Session } from "../src/query/session.ts";
import { Oracle } from "./oracle/oracle.ts";

describe("a long answer", () => {
  const oracle = new Oracle({ blockRows: 1000 });
  const rowCount = 2 * PART_ROWS + 5;
  for (let i = 0; i < rowCount; i++)
    oracle.write("db0", {
      measurement: "m",
      tags: { t: i % 2 === 0 ? "a" : "b" },
      fields: { v: { type: FieldType.Integer, value: BigInt(i) } },
      timeNs: BigInt(i),
    });

  test("comes in parts, all but the last marked, without loss", async () => {
    const parts = await answer("SELECT v FROM m", oracle);
    expect(parts.map((part) => part.rows.length)).toEqual([PART_ROWS, PART_ROWS, 5]);
    expect(parts.map((part) => part.partial === true)).toEqual([true, true, false]);
    expect(parts.flatMap((part) => part.rows.map((row) => row[1]))).toEqual(
      Array.from({ length: rowCount }, (_, i) => i),
    );
  });

  test("ends exactly at a part's end without an empty part", async () => {
    const parts = await answer(`SELECT v FROM m LIMIT ${PART_ROWS}`, oracle);
    expect(parts.map((part) => [part.rows.length, part.partial === true])).toEqual([[PART_ROWS, false]]);
  });

  test("windows that reach from old data to now are made as they are taken", async () => {
    const results = runQuery("SELECT count(v) FROM m GROUP BY time(1ms)", sessionOver(oracle, 10n ** 15n));
    let taken = 0;
    for await (const result of results)
      for await (const part of result.series) {
        expect(part.rows[0]).toEqual([BigInt(taken) * 1_000_000n, taken === 0 ? rowCount : 0]);
        taken += part.rows.length;
        if (taken >= 3 * PART_ROWS) break;
      }
    expect(taken).toBe(3 * PART_ROWS);
  });

  test("a sum over windows goes on where data has ended", async () => {
    const parts = await answer(
      "SELECT cumulative_sum(count(v)) FROM m WHERE time >= 0 AND time < 20s GROUP BY time(1ms)",
      oracle,
    );
    const rows = parts.flatMap((part) => part.rows);
    expect(rows.length).toBe(20_000);
    expect(rows.at(-1)).toEqual([19_999_000_000n, rowCount]);
  });

  test("but windows that must be held are bounded", async () => {
    const query = "SELECT difference(count(v)) FROM m WHERE time >= 0 AND time < 1000s GROUP BY time(1us)";
    expect(answer(query, oracle)).rejects.toThrow(
      "GROUP BY time would make 1000000000 windows from 1970-01-01T00:00:00Z to 1970-01-01T00:16:39.999999999Z, more than 1000000",
    );
  });

  test("and the range is told, cut to what is stored", async () => {
    const query = "SELECT count(v) FROM m WHERE time >= -1000s AND time < 1000s GROUP BY time(1us)";
    expect(answer(query, oracle)).rejects.toThrow(
      /make 1000000021 windows from 1969-12-31T23:43:20Z to 1970-01-01T00:00:00.000020004Z, more/,
    );
  });
});

describe("a query's bounds", () => {
  const oracle = new Oracle();
  for (let i = 0; i < 100; i++)
    oracle.write("db0", {
      measurement: "m",
      tags: { t: String(i) },
      fields: { v: { type: FieldType.Float, value: i } },
      timeNs: BigInt(i),
    });

  test("time", async () => {
    let elapsedMs = 0;
    const clock: Clock = { nowNs: () => 100n, elapsedMs: () => elapsedMs++, every: () => () => {} };
    const session = { ...sessionOver(oracle, 100n), clock, allowance: { timeoutMs: 50, maxHeldBytes: 0 } };
    expect(answer("SELECT v FROM m", oracle, session)).rejects.toThrow(
      new QueryAbortedError(
        "query-timeout limit exceeded: it ran for more than 50 ms; narrow its time range or raise the timeout",
      ),
    );
  });

  test("memory", async () => {
    const session = { ...sessionOver(oracle, 100n), allowance: { timeoutMs: 0, maxHeldBytes: 5000 } };
    expect(answer("SELECT v FROM m", oracle, session)).rejects.toThrow(
      "query-memory limit exceeded: query holds more than 5000 bytes",
    );
    expect((await answer("SELECT v FROM m WHERE t = '5'", oracle, session)).length).toBe(1);
  });

  test("memory of texts is that of their characters", async () => {
    const texts = new Oracle();
    for (let i = 0; i < 20; i++)
      texts.write("db0", {
        measurement: "m",
        tags: {},
        fields: { s: { type: FieldType.String, value: String(i % 10).repeat(10_000) } },
        timeNs: BigInt(i),
      });
    const within = (maxHeldBytes: number) =>
      answer("SELECT s FROM m", texts, {
        ...sessionOver(texts, 100n),
        allowance: { timeoutMs: 0, maxHeldBytes },
      });
    expect(within(190_000)).rejects.toThrow("query holds more than 190000 bytes");
    expect((await within(210_000))[0]!.rows.length).toBe(20);
  });

  test("memory of series is that of their tags, too", async () => {
    const series = new Oracle();
    for (let i = 0; i < 200; i++)
      series.write("db0", {
        measurement: "m",
        tags: { t: String(i) },
        fields: { v: { type: FieldType.Float, value: i } },
        timeNs: 1n,
      });
    const within = (maxHeldBytes: number) =>
      answer("SELECT v FROM m GROUP BY t", series, {
        ...sessionOver(series, 100n),
        allowance: { timeoutMs: 0, maxHeldBytes },
      });
    expect(within(180_000)).rejects.toThrow("query holds more than 180000 bytes");
    expect((await within(260_000)).length).toBe(200);
  });

  test("a kill", async () => {
    const killed = new AbortController();
    const session = {
      ...sessionOver(oracle, 100n),
      allowance: { timeoutMs: 0, maxHeldBytes: 0, signals: [killed.signal] },
    };
    killed.abort();
    expect(answer("SELECT v FROM m", oracle, session)).rejects.toThrow("query was killed");
  });

  test("what is given back may be held again", () => {
    const clock: Clock = { nowNs: () => 0n, elapsedMs: () => 0, every: () => () => {} };
    const budget = new QueryBudget({ timeoutMs: 0, maxHeldBytes: 10 }, clock);
    budget.hold(8);
    budget.hold(-8);
    budget.hold(10);
    expect(budget.heldBytes).toBe(10);
    expect(() => budget.hold(1)).toThrow(QueryAbortedError);
  });
});

test("EXPLAIN shows the plan and reads nothing; EXPLAIN ANALYZE runs it and counts", async () => {
  const oracle = new Oracle();
  for (const t of ["a", "b"])
    oracle.write("db0", {
      measurement: "m",
      tags: { t },
      fields: { v: { type: FieldType.Float, value: 1 } },
      timeNs: 1n,
    });
  const [plan] = await answer("EXPLAIN SELECT v FROM m", oracle);
  expect(plan!.columns).toEqual(["QUERY PLAN"]);
  expect(plan!.rows.length).toBeGreaterThan(1);
  const [analyzed] = await answer("EXPLAIN ANALYZE SELECT v FROM m", oracle);
  expect(analyzed!.rows.slice(plan!.rows.length)).toEqual([
    ["ROWS: 2"],
    ["SERIES: 1"],
    ["SCAN: 2 blocks, 2 rows of 2 series in 0.000 ms"],
    ["EVALUATION TIME: 0.000 ms"],
    ["EXECUTION TIME: 0.000 ms"],
  ]);
  const [folded] = await answer("EXPLAIN ANALYZE SELECT count(v) FROM m GROUP BY t", oracle);
  expect(folded!.rows.slice(-5)).toEqual([
    ["ROWS: 2"],
    ["SERIES: 2"],
    ["FOLD: 2 groups, 2 values in 0.000 ms"],
    ["EVALUATION TIME: 0.000 ms"],
    ["EXECUTION TIME: 0.000 ms"],
  ]);
  for (const select of [
    "SELECT last(v) FROM m GROUP BY t",
    "SELECT * FROM m GROUP BY t LIMIT 1",
    "SELECT sum(v), count(v) FROM m WHERE time >= 0 AND time < 4 GROUP BY time(1ns), t fill(none)",
    "SELECT sum(v) FROM m WHERE time >= 0 AND time < 4 GROUP BY time(1ns), t",
  ]) {
    const series = await answer(select, oracle);
    const rows = series.reduce((sum, each) => sum + each.rows.length, 0);
    const [counted] = await answer(`EXPLAIN ANALYZE ${select}`, oracle);
    expect(counted!.rows).toContainEqual([`ROWS: ${rows}`]);
    expect(counted!.rows).toContainEqual([`SERIES: ${series.length}`]);
  }
});

test("a statement that is never asked for its series does not run", async () => {
  const oracle = new Oracle();
  for await (const _result of runQuery("CREATE DATABASE zz", sessionOver(oracle, 0n)));
  expect(oracle.databases()).toEqual([]);
});

test("a statement that changes something warns when the request promised not to", async () => {
  const oracle = new Oracle();
  const session = { ...sessionOver(oracle, 0n), readOnly: true };
  const texts: string[] = [];
  const text = "CREATE DATABASE zz WITH DURATION 3d SHARD DURATION 90m; SHOW DATABASES";
  for await (const result of runQuery(text, session)) {
    texts.push(...result.messages.map((message) => `${result.statementId} ${message.level} ${message.text}`));
    for await (const part of result.series) expect(part.rows).toEqual([["zz"]]);
  }
  expect(texts).toEqual([
    "0 warning deprecated use of 'CREATE DATABASE zz WITH DURATION 72h0m0s SHARD DURATION 1h30m0s' in a read only context, please use a POST request instead",
  ]);
});

function sessionOver(oracle: Oracle, nowNs: bigint): Session {
  const clock: Clock = { nowNs: () => nowNs, elapsedMs: () => 0, every: () => () => {} };
  return { source: oracle, administration: oracle, clock, database: "db0" };
}

async function answer(
  text: string,
  oracle: Oracle,
  session: Session = sessionOver(oracle, 10n ** 12n),
): Promise<ResultSeries[]> {
  const parts: ResultSeries[] = [];
  for await (const result of runQuery(text, session))
    for await (const part of result.series) parts.push(part);
  return parts;
}
