// The planner: names, types, times and columns of a statement against a small schema; plans compared as EXPLAIN
// prints them.
import { expect, test } from "bun:test";
import { FieldType } from "../src/model/types.ts";
import { explain } from "../src/query/explain.ts";
import { columnsOf, errorOf, planOf, select } from "./support/planning.ts";

test("the query of the design works as written", async () => {
  const plan = await select(
    "SELECT ts, location, value FROM weather WHERE ts >= '2024-01-10' AND ts <= '2024-01-25' AND location = 'HELSINKI' AND value > -10.0",
  );
  expect(plan.columns).toEqual([
    { name: "ts", type: "time" },
    { name: "location", type: "tag" },
    { name: "value", type: FieldType.Float },
  ]);
  expect(explain(plan)).toEqual([
    "SELECT ts, location, value",
    "  time: 2024-01-10T00:00:00Z .. 2024-01-25T00:00:00Z",
    "  from weather (db0.autogen): scan of value",
    "    where: ((location::tag = 'HELSINKI') AND (value::float > -10))",
    "    location = location::tag",
    "    value = value::float",
  ]);
});

test("a fold answers what it can; windows, dimensions, order and limits stand in the plan", async () => {
  const plan = await select(
    `SELECT mean(value) / max(n) AS r, count(s) FROM cpu WHERE time >= 0 AND time < 1m AND region != 'eu'
     GROUP BY time(20s, 5s), region, "host"::tag, region fill(previous) ORDER BY time DESC LIMIT 3 OFFSET 1 SLIMIT 2 SOFFSET 4
     tz('Europe/Berlin')`,
  );
  expect(explain(plan)).toEqual([
    "SELECT time, r, count",
    "  time: 1970-01-01T00:00:00Z .. 1970-01-01T00:00:59.999999999Z, windows of 20s offset by 5s by the clock of Europe/Berlin, fill(previous)",
    "  group by: host, region",
    "  newest first, limit 3, offset 1, series limit 2, series offset 4",
    "  from cpu (db0.autogen): fold of n [max], s [count], value [count sum]",
    "    where: (region::tag != 'eu')",
    "    r = (mean(value::float) / max(n::integer))",
    "    count = count(s::string)",
  ]);
  expect(plan.inputs[0]).toMatchObject({ foldable: true, rowTime: "window", fields: ["n", "s", "value"] });
});

test("which calls need the values themselves", async () => {
  const foldable = async (fields: string) => (await select(`SELECT ${fields} FROM cpu`)).inputs[0]!.foldable;
  for (const yes of [
    "sum(n)",
    "spread(value)",
    "range(n)",
    "stddev(value)",
    "avg(value)",
    "first(n), last(value)",
    "max(n) + 1",
    "count(b)",
  ]) {
    expect([yes, await foldable(yes)]).toEqual([yes, true]);
  }
  for (const no of [
    "median(value)",
    "first(s)",
    "max(b)",
    "max(value), host",
    "percentile90(value)",
    "count(distinct(value))",
    "mean(value), mode(n)",
    "mean(value::integer)",
    "top(value, 2)",
    "value",
    "difference(value)",
  ]) {
    expect([no, await foldable(no)]).toEqual([no, false]);
  }
});

test("calls are made once, arguments first, with their parameters and types", async () => {
  const { inputs } = await select(
    "SELECT derivative(mean(n)), derivative(mean(n), 10s), moving_average(mean(n), 3), mean(n) FROM cpu WHERE time > 0 GROUP BY time(1m)",
  );
  expect(
    inputs[0]!.calls.map((call) => [call.function, call.parameters, call.extraWindows, call.type]),
  ).toEqual([
    ["mean", [], 0, FieldType.Float],
    ["derivative", [60e9], 1, FieldType.Float],
    ["derivative", [10e9], 1, FieldType.Float],
    ["moving_average", [3], 2, FieldType.Float],
  ]);
  const rows = await select("SELECT derivative(value), cumulative_sum(n), integral(value) FROM cpu");
  expect(rows.inputs[0]!.calls.map((call) => call.function)).toEqual([
    "derivative",
    "cumulative_sum",
    "integral",
  ]);
  const top = (await select("SELECT top(value, host, nope, 2) FROM cpu")).inputs[0]!;
  expect(top.calls[0]).toMatchObject({
    function: "top",
    parameters: [2],
    distinctBy: [
      { kind: "tag", name: "host" },
      { kind: "tag", name: "nope" },
    ],
  });
  expect(
    (await select("SELECT percentile90(value), percentile(n, 99.9) FROM cpu")).inputs[0]!.calls,
  ).toMatchObject([
    { function: "percentile", parameters: [90] },
    { function: "percentile", parameters: [99.9] },
  ]);
});

test("whose time a row has", async () => {
  const rowTime = async (rest: string) => (await select(`SELECT ${rest}`)).inputs[0]!.rowTime;
  for (const row of [
    "value FROM cpu",
    "max(value) FROM cpu",
    "max(value) * 2 FROM cpu",
    "max(value), max(value) FROM cpu",
    "max(value), host FROM cpu",
    "top(value, 2) FROM cpu GROUP BY time(1m)",
    "derivative(value) FROM cpu",
    "percentile(value, 5) FROM cpu",
  ]) {
    expect([row, await rowTime(row)]).toEqual([row, "row"]);
  }
  for (const window of [
    "mean(value) FROM cpu",
    "max(value), min(value) FROM cpu",
    "max(value) FROM cpu GROUP BY time(1m)",
    "distinct(value) FROM cpu",
    "count(distinct(value)) FROM cpu",
    "difference(mean(value)) FROM cpu GROUP BY time(1m)",
  ]) {
    expect([window, await rowTime(window)]).toEqual([window, "window"]);
  }
});

test("names of columns", async () => {
  for (const [fields, names] of [
    ["value, host", "time value host"],
    ["-value, value*2+n", "time value value_n"],
    ["mean(value), mean(n), mean(value) AS mean_1", "time mean mean_2 mean_1"],
    ["mean(value), mean(n), mean(value)", "time mean mean_1 mean_2"],
    ["mean(value) + max(n)", "time mean_max"],
    ["avg(value), range(n), percentile90(n)", "time avg range percentile90"],
    ["time AS t, value", "t value"],
    ["value, ts", "ts value"],
    ['mean(value) AS "a b"', "time a b"],
    ["count(*)", "time count_b count_n count_s count_value"],
    ["mean(*)", "time mean_n mean_value"],
    ["max(*)", "time max_b max_n max_value"],
    ["mean(/^v/) AS m", "time m_value"],
    ["*", "time b host n region s value"],
    ["*::field", "time b n s value"],
    ["*::tag, value", "time host region value"],
    ["/^[hv]/", "time host value"],
    ["last(value), *", "time last b host n region s value"],
    ["top(value, host, 2)", "time top host"],
    ["value::integer, n::float, host::tag", "time value n host"],
  ] as const) {
    expect([fields, await columnsOf(`SELECT ${fields} FROM cpu`)]).toEqual([fields, names]);
  }
  expect(await columnsOf("SELECT * FROM cpu GROUP BY host")).toBe("time b n region s value");
  expect(await columnsOf("SELECT * FROM cpu GROUP BY *")).toBe("time b n s value");
  expect(await columnsOf("SELECT derivative(mean(*), 1s) FROM cpu WHERE time > 0 GROUP BY time(1m)")).toBe(
    "time derivative_n derivative_value",
  );
});

test("several sources share columns; what a source lacks is absent there", async () => {
  const plan = await select("SELECT * FROM /cpu|mem/ GROUP BY host");
  expect(plan.columns.map(({ name }) => name)).toEqual(["time", "b", "free", "n", "region", "s", "value"]);
  expect(plan.inputs.map(({ fields }) => fields)).toEqual([["b", "n", "s", "value"], ["free"]]);
  expect(plan.inputs[1]!.outputs.map(({ kind }) => kind)).toEqual([
    "absent",
    "row",
    "absent",
    "absent",
    "absent",
    "absent",
  ]);
  expect(
    (await select("SELECT value FROM mem, weather, cpu, cpu, nope")).inputs.map(({ source }) => source),
  ).toEqual([
    { kind: "measurement", database: "db0", retentionPolicy: "autogen", measurement: "cpu" },
    { kind: "measurement", database: "db0", retentionPolicy: "autogen", measurement: "weather" },
  ]);
  expect((await select("SELECT value FROM short.cpu")).inputs[0]!.source).toMatchObject({
    retentionPolicy: "short",
  });
});

test("arithmetic with a name that nothing has is null, but its rows are there", async () => {
  const [input] = (await select("SELECT value + nope FROM cpu")).inputs;
  expect([input!.fields, input!.outputs[0]!.type]).toEqual([["value"], null]);
  const aggregate = (await select("SELECT mean(value) + mean(nope) FROM cpu")).inputs[0]!;
  expect(aggregate.outputs[0]).toMatchObject({ kind: "binary", type: null, left: { kind: "call", call: 0 } });
});

test("nothing to read: unknown names, tags alone, an empty range", async () => {
  for (const rest of [
    "value FROM nope",
    "nope FROM cpu",
    "host FROM cpu",
    "mean(host) FROM cpu",
    "s::float FROM cpu",
    "value FROM cpu WHERE time > 10 AND time < 5",
  ]) {
    expect([rest, (await select(`SELECT ${rest}`)).inputs]).toEqual([rest, []]);
  }
});

test("a subquery's columns are the names of the statement around it; its time and tags reach in", async () => {
  const plan = await select(
    "SELECT mean(top_value) FROM (SELECT max(value) AS top_value FROM cpu GROUP BY region) WHERE time < 100 AND region = 'eu' GROUP BY host",
  );
  expect(explain(plan)).toEqual([
    "SELECT time, mean",
    "  time: the first row .. 1970-01-01T00:00:00.000000099Z",
    "  group by: host",
    "  from a subquery:",
    "      SELECT time, top_value",
    "        time: the first row .. 1970-01-01T00:00:00.000000099Z",
    "        group by: host, region",
    "        from cpu (db0.autogen): fold of value [max]",
    "          top_value = max(value::float)",
    "    where: (region::tag = 'eu')",
    "    mean = mean(top_value::float)",
  ]);
});

test("statements that make no sense are told why", async () => {
  for (const [rest, message] of [
    ["value FROM cpu WHERE b", "invalid condition expression: b"],
    ["mean(value), value FROM cpu", "mixing aggregate and non-aggregate queries is not supported"],
    [
      "max(value), min(value), host FROM cpu",
      "mixing multiple selector functions with tags or fields is not supported",
    ],
    ["bogus(value) FROM cpu", "undefined function bogus()"],
    ["mean(s) FROM cpu", "unsupported mean iterator type: *query.stringInterruptIterator"],
    ["derivative(b) FROM cpu", "unsupported derivative iterator type: *query.booleanInterruptIterator"],
    [
      "moving_average(s, 2) FROM cpu",
      "unsupported moving average iterator type: *query.stringInterruptIterator",
    ],
    ["time FROM cpu", "at least 1 non-time field must be queried"],
    ["value FROM cpu GROUP BY time(1m)", "GROUP BY requires at least one aggregate function"],
    ["value FROM cpu fill(none)", "fill(none) must be used with a function"],
    ["mean() FROM cpu", "invalid number of arguments for mean, expected 1, got 0"],
    ["mean(value, 2) FROM cpu", "invalid number of arguments for mean, expected 1, got 2"],
    ["mean(value + 1) FROM cpu", "expected field argument in mean()"],
    ["percentile(value) FROM cpu", "invalid number of arguments for percentile, expected 2, got 1"],
    ["percentile(value, 'x') FROM cpu", "expected float argument in percentile()"],
    [
      "derivative(value, 1s, 2) FROM cpu",
      "invalid number of arguments for derivative, expected at least 1 but no more than 2, got 3",
    ],
    ["derivative(value, 0s) FROM cpu", "duration argument must be positive, got 0s"],
    ["derivative(mean(value)) FROM cpu", "derivative aggregate requires a GROUP BY interval"],
    [
      "derivative(value) FROM cpu GROUP BY time(1m)",
      "aggregate function required inside the call to derivative",
    ],
    ["moving_average(value, 1) FROM cpu", "moving_average window must be greater than 1, got 1"],
    [
      "distinct(value), n FROM cpu",
      "aggregate function distinct() cannot be combined with other functions or fields",
    ],
    ["distinct(value, n) FROM cpu", "distinct function can only have one argument"],
    ["top(value, 2), max(n) FROM cpu", "selector function top() cannot be combined with other functions"],
    ["top(value, host) FROM cpu", "expected integer as last argument in top(), found host"],
    ["top(value, 0) FROM cpu", "limit (0) in top function must be at least 1"],
    [
      "top(value, 5) FROM cpu LIMIT 2",
      "limit (5) in top function can not be larger than the LIMIT (2) in the select statement",
    ],
    ["* + 1 FROM cpu", "unable to use wildcard in a binary expression"],
    ["mean(*) + 1 FROM cpu", "unsupported expression with wildcard: mean()"],
    ["1 FROM cpu", "field must contain at least one variable"],
    ["mean(value) FROM cpu GROUP BY time", "time() is a function and expects at least one argument"],
    ["mean(value) FROM cpu GROUP BY time(5)", "time dimension must have duration argument"],
    ["mean(value) FROM cpu GROUP BY time(-1s)", "time dimension must be longer than zero"],
    ["mean(value) FROM cpu GROUP BY time(0s), time(1s)", "multiple time dimensions not allowed"],
    ["mean(value) FROM cpu GROUP BY time(1m), time(2m)", "multiple time dimensions not allowed"],
    ["mean(value) FROM cpu GROUP BY 5", "only time and tag dimensions allowed"],
    ["value FROM cpu WHERE time != 5", "invalid time comparison operator: !="],
    [
      "value FROM cpu WHERE time > 'x'",
      "invalid operation: time and *influxql.StringLiteral are not compatible",
    ],
    ["value FROM cpu WHERE time > '2024-02-30'", "invalid timestamp string: '2024-02-30'"],
    ["value FROM cpu WHERE mean(n) > 1", "invalid function call in condition: mean(n)"],
    ["value FROM cpu WHERE abs(n, 1) > 1", "invalid number of arguments for abs, expected 1, got 2"],
    ["value FROM nope.cpu", "retention policy not found: nope"],
    ["value FROM nope..cpu", "database not found: nope"],
    [
      "value FROM /(/",
      "error parsing query: error parsing regexp: missing closing ): `(` at line 1, char 18",
    ],
  ] as const) {
    expect([rest, await errorOf(`SELECT ${rest}`)]).toEqual([rest, message]);
  }
  expect(await errorOf("SELECT value FROM cpu", { database: "" })).toBe("database name required");
  expect(await errorOf("SELECT value FROM cpu", { database: "x" })).toBe("database not found: x");
  expect(await errorOf("SELECT value FROM cpu", { retentionPolicy: "x" })).toBe(
    "retention policy not found: x",
  );
});

test("SHOW, schema statements", async () => {
  expect(
    await planOf("SHOW TAG VALUES FROM /m/ WITH KEY = host WHERE region = 'eu' AND time > 5 LIMIT 2"),
  ).toEqual({
    kind: "show tag values",
    targets: [
      {
        database: "db0",
        measurement: "mem",
        retentionPolicies: ["autogen", "short"],
        where: {
          kind: "binary",
          operator: "=",
          left: { kind: "tag", name: "region" },
          right: { kind: "string", value: "eu" },
        },
      },
    ],
    keys: [{ kind: "names", names: ["host"], negated: false }],
    range: { min: 6n, max: null },
    limit: 2,
    offset: 0,
    seriesLimit: 0,
    seriesOffset: 0,
  });
  expect(await planOf("SHOW SERIES")).toMatchObject({
    targets: ["cpu", "mem", "ticks", "weather"].map((measurement) => ({ measurement, where: null })),
    range: null,
  });
  expect(await planOf("SHOW MEASUREMENTS ON gone")).toMatchObject({
    kind: "show measurements",
    database: "gone",
  });
  expect(await errorOf("SHOW TAG KEYS ON gone")).toBe("database not found: gone");
  expect(await planOf("DROP MEASUREMENT m")).toEqual({
    kind: "drop measurement",
    database: "db0",
    measurement: "m",
  });
  expect(await planOf("SHOW SERIES CARDINALITY")).toEqual({
    kind: "show database cardinality",
    of: "series",
    database: "db0",
  });
  expect(await planOf("DELETE FROM cpu WHERE region = 'eu' AND time < 5")).toMatchObject({
    operation: { kind: "delete", requests: [{ database: "db0", measurement: "cpu", maxTime: 4n }] },
  });
  expect(await planOf("DELETE value, /^v/ FROM cpu, nothing WHERE region = 'eu'")).toMatchObject({
    operation: { kind: "delete", requests: [{ measurement: "cpu", fields: ["value"] }] },
  });
  for (const text of [
    "DELETE none FROM nothing",
    "DELETE /none/ FROM cpu",
    "DELETE FROM nothing WHERE none > 1",
  ])
    expect([text, await planOf(text)]).toMatchObject([text, { operation: { kind: "delete", requests: [] } }]);
  for (const text of [
    "DELETE FROM cpu WHERE none = 'a' AND none != '' OR none =~ /a/ OR 'b' = none OR none = host OR none::tag = 5",
    "DELETE FROM cpu, mem WHERE free > 1",
    "DELETE free FROM cpu, mem",
    "DELETE FROM cpu WHERE (host = 'a' OR value > 1) AND (time > 5) AND time < 9",
    "DELETE FROM ticks WHERE ts > 5 OR ts < 3",
  ])
    expect([text, await errorOf(text)]).toEqual([text, "no error"]);
  const noTime =
    "DELETE takes no time beside OR: run one DELETE for each side, or write (... OR ...) AND time ... at line 1, char";
  for (const [text, error] of [
    [
      "DELETE value, region FROM cpu",
      "DELETE takes fields before FROM: region is a tag of cpu at line 1, char 15",
    ],
    [
      "DELETE value, time FROM cpu",
      "DELETE takes fields before FROM: time is the time of points at line 1, char 15",
    ],
    [
      'DELETE "TIME" FROM cpu',
      "DELETE takes fields before FROM: TIME is the time of points at line 1, char 8",
    ],
    ["DELETE value, none FROM cpu", "DELETE: cpu has no field none at line 1, char 15"],
    ["DELETE none FROM cpu, mem", "DELETE: no measurement has a field none at line 1, char 8"],
    ["DELETE FROM cpu\n  WHERE value > 1 AND none > 1", "DELETE: cpu has no field none at line 2, char 23"],
    ["DELETE FROM cpu WHERE 2 * (none) = value", "DELETE: cpu has no field none at line 1, char 28"],
    ["DELETE FROM cpu WHERE abs(none) = 'a'", "DELETE: cpu has no field none at line 1, char 27"],
    ["DELETE FROM cpu WHERE none::field = 'a'", "DELETE: cpu has no field none at line 1, char 23"],
    ["DELETE FROM cpu WHERE none = true", "DELETE: cpu has no field none at line 1, char 23"],
    ["DELETE WHERE none > 1", "DELETE: no measurement has a field none at line 1, char 14"],
    ["DELETE FROM cpu WHERE value > 1 OR time > 0", `${noTime} 36`],
    ["DELETE FROM cpu WHERE value > 1 OR (host = 'a' AND (5 < time))", `${noTime} 57`],
    ["DELETE FROM cpu WHERE host = 'a' OR host = 'b' AND time > 0", `${noTime} 52`],
    ["DELETE WHERE time > 5 OR time < 3", `${noTime} 14`],
    ["DELETE FROM cpu WHERE ts > 5 OR host = 'a'", `${noTime.replace("AND time", "AND ts")} 23`],
    ["DELETE FROM nothing WHERE time > 5 OR host = 'a'", `${noTime} 27`],
  ] as const)
    expect([text, await errorOf(text)]).toEqual([text, error]);
  expect(await errorOf("DROP SERIES FROM cpu WHERE time < 5")).toBe(
    "DROP SERIES doesn't support time in WHERE clause",
  );
  expect(await planOf("SELECT value INTO x FROM cpu")).toMatchObject({
    kind: "select into",
    target: { database: "db0", retentionPolicy: "autogen", measurement: "x" },
  });
  expect(await planOf("EXPLAIN ANALYZE SELECT value FROM cpu")).toMatchObject({
    kind: "explain",
    analyze: true,
  });
});
