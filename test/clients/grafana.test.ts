// Grafana's InfluxDB data source in InfluxQL mode: its health check, the queries of its editor, of variables and annotations, and
// what its builder makes of every function that it offers.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { firstDifference } from "../fuzz/compare.ts";
import { type Answer, basic, createDatabase, exchange, gathered, raw, telegraf } from "./raw.ts";
import { onBoth, type Servers, sameOnBoth, startServers } from "./servers.ts";

let servers: Servers;
let withUsers: Servers;
beforeAll(async () => {
  [servers, withUsers] = await Promise.all([startServers(), startServers({ authEnabled: true })]);
  // a minute of a busy machine, beside what is gathered once
  const busy = Array.from(
    { length: 60 },
    (_, i) =>
      `load,host=h${i % 2} v=${i % 10 > 5 ? 4.5 : (i * 7) % 13},n=${i % 5}i ${1_700_000_000 + i}000000000`,
  );
  await sameOnBoth(servers, async (url) => [
    await createDatabase(url, "telegraf"),
    await telegraf(url, "db=telegraf", `${[...gathered, ...busy].join("\n")}\n`),
  ]);
});
afterAll(async () => {
  await Promise.all([servers.stop(), withUsers.stop()]);
});

const get = (url: string, q: string, more: readonly string[] = [], parameters = "") =>
  raw(url, [
    `GET /query?db=telegraf&epoch=ms&q=${encodeURIComponent(q)}${parameters} HTTP/1.1`,
    "User-Agent: Grafana/11.0.0",
    ...more,
  ]);
const post = (url: string, q: string, more: readonly string[] = []) => {
  const body = `q=${encodeURIComponent(q)}`;
  return raw(
    url,
    [
      "POST /query?db=telegraf&epoch=ms HTTP/1.1",
      "User-Agent: Grafana/11.0.0",
      "Content-Type: application/x-www-form-urlencoded",
      `Content-Length: ${body.length}`,
      ...more,
    ],
    [Buffer.from(body)],
  );
};

/** What its parser asks of an answer; it panics where there are no results. */
function expectReadable({ status, body }: Answer, q: string): void {
  const { results, error } = JSON.parse(body);
  if (status !== 200) return void expect(error).toBeString();
  expect(results.length).toBeGreaterThan(0);
  for (const { columns, values } of results.flatMap((each: { series?: object[] }) => each.series ?? [])) {
    if (/^show tag values/i.test(q)) expect(columns).toEqual(["key", "value"]);
    if (!/^select/i.test(q)) continue;
    expect(columns[0]).toBe("time");
    for (const [time] of values) expect(time).toBeNumber();
  }
}

const range = "time >= 1699999990000ms and time <= 1700000060000ms";

test.each([
  // health check
  "SHOW measurements",
  // the editor's lists
  'SHOW RETENTION POLICIES on "telegraf"',
  "SHOW FIELD KEYS",
  'SHOW FIELD KEYS FROM "cpu"',
  'SHOW FIELD KEYS FROM "autogen"."cpu"',
  "SHOW TAG KEYS",
  'SHOW TAG KEYS FROM "cpu"',
  'SHOW TAG KEYS FROM "autogen"."cpu"',
  "SHOW TAG KEYS FROM /^(?:cpu|disk)$/",
  `SHOW TAG KEYS FROM "cpu" WHERE "host" = 'web 1'`,
  'SHOW TAG VALUES WITH KEY = "host"',
  'SHOW TAG VALUES FROM "autogen"."cpu" WITH KEY = "cpu"',
  `SHOW TAG VALUES FROM "cpu" WITH KEY = "cpu" WHERE "host" =~ /^web 1$/`,
  `SHOW TAG VALUES FROM "cpu" WITH KEY = "cpu" WHERE "host" = 'web 1' AND time > now() - 1h`,
  "SHOW MEASUREMENTS LIMIT 100",
  "SHOW MEASUREMENTS WITH MEASUREMENT =~ /(?i)C\\w+/ LIMIT 100",
  `SHOW MEASUREMENTS WITH MEASUREMENT =~ /(?i)d/ WHERE "host" = 'web 1' LIMIT 100`,
  "SHOW MEASUREMENTS WITH MEASUREMENT =~ /(?i)a\\/b\\.c/ LIMIT 100",
  // variables
  "SHOW DATABASES",
  "SHOW TAG VALUES FROM /^load|cpu$/ WITH KEY =~ /host|cpu/",
  `SHOW SERIES FROM "load" WHERE "host" =~ /^(h0|h1)$/`,
  `SHOW TAG VALUES FROM "load" WITH KEY IN ("host", "region") WHERE "host" !~ /^h1$/`,
  `SELECT DISTINCT("n") FROM (SELECT "n" FROM "load" WHERE "host" =~ /^h0$/)`,
  // annotations
  `SELECT "uptime_format", "host" FROM "system" WHERE ${range}`,
  `SELECT "uptime_format" AS "title", "load1" FROM "system" WHERE ("host" = 'web 1') AND ${range} ORDER BY time DESC LIMIT 100`,
  // the builder
  `SELECT mean("usage_idle") FROM "cpu" WHERE ("host"::tag = 'web 1' AND "cpu" =~ /^cpu[01]$/) AND ${range} GROUP BY time(10s), "cpu"::tag fill(null)`,
  `SELECT mean("usage_idle") AS "idle", non_negative_derivative(mean("usage_user"), 1s) / 100 FROM "autogen"."cpu" WHERE ${range} GROUP BY time(10s), "host" fill(none) ORDER BY time ASC limit 10 slimit 5 tz('Europe/Berlin')`,
  `SELECT percentile("usage_idle", 95), spread("usage_idle") FROM /^cpu$/ WHERE ${range} GROUP BY time(20s) fill(linear)`,
  `SELECT "used" FROM "disk" WHERE ("path"::tag = '/' OR "path"::tag <> 'C:\\\\') and ${range}`,
  `SELECT "v"::field FROM "load" WHERE ("host"::tag != 'h1' AND "v"::field >= 5) AND ${range}`,
  `SELECT * FROM "load" WHERE ${range} ORDER BY time DESC limit 7`,
  `SELECT count(*) FROM "load" WHERE ${range} GROUP BY time(30s) fill(0)`,
  'SELECT mean("nothing") FROM "nowhere" WHERE time >= now() - 6h and time <= now() GROUP BY time(1m)',
  `SELECT mean("v") FROM "load" WHERE ${range} GROUP BY time(10s);SELECT max("v") FROM "load" WHERE ${range}`,
  // mistakes
  "SELECT mean(usage_idle FROM cpu",
  "SELECT bogus(usage_idle) FROM cpu",
  "SELECT mean(usage_idle) FROM cpu WHERE $timeFilter",
  "",
])("%s", async (q) => {
  const seen = await sameOnBoth(servers, async (url) => [
    await get(url, q),
    await get(url, q, ["Accept: application/json"], "&rp="),
    await post(url, q),
  ]);
  for (const answer of seen) expectReadable(answer, q);
});

const windowed = ["count", "distinct", "integral", "mean", "median", "mode", "sum", "first", "last"].concat([
  "max",
  "min",
  "spread",
  "stddev",
]);
const calls = [
  ...windowed.map((name) => `${name}("v")`),
  'percentile("v", 95)',
  'bottom("v", 3)',
  'top("v", 3)',
  'count(distinct("v"))',
  'elapsed("v", 10s)',
  // of rows, and of the windows of another
  ...["derivative", "non_negative_derivative"].map((name) => `${name}(mean("v"), 10s)`),
  ...["difference", "non_negative_difference", "cumulative_sum"].map((name) => `${name}(mean("v"))`),
  'moving_average(mean("v"), 2)',
  'mean("v") / 100 + 1',
  'holt_winters(mean("v"), 3, 2)',
  'holt_winters_with_fit(mean("v"), 3, 2)',
];

test.each(calls)("the builder's %s, in windows and of a tag", async (call) => {
  const ask = (fill: string) =>
    `SELECT ${call} AS "of it" FROM "autogen"."load" WHERE ("n"::field >= 0) AND ${range} GROUP BY time(10s), "host"::tag fill(${fill}) ORDER BY time ASC`;
  // (integral by windows, by tags and over a range is among the deliberate differences: test/fuzz/differences.ts)
  const isIntegral = call.startsWith("integral");
  const fills = isIntegral ? [] : ["null", "none", "0", "previous", "linear"];
  const whole = `SELECT ${call} FROM "load" WHERE "host" = 'h1'${isIntegral ? "" : ` AND ${range} GROUP BY "host"`}`;
  const [serie, influxd] = await onBoth(servers, async (url) => {
    const answers = [await get(url, whole)];
    for (const fill of fills) answers.push(await get(url, ask(fill)));
    return answers.map(({ status, body }) => ({ status, results: JSON.parse(body).results as object[] }));
  });
  // sums in another order differ by rounding
  if (influxd !== null) expect(firstDifference(serie, influxd, "")).toBeNull();
  for (const { status } of serie) expect(status).toBe(200);
  expect(serie.some(({ results }) => "series" in results[0]!)).toBeTrue();
});

test("the builder's moving average, to the digit", async () => {
  const q = `SELECT moving_average("v", 3) FROM "tenths" WHERE ${range}`;
  const tenths = [7.1, 5.3, 6.9, 4.7, 0.1, 9.3].map((v, i) => `tenths v=${v} ${1_700_000_000 + i}000000000`);
  const seen = await sameOnBoth(servers, async (url) => [
    await telegraf(url, "db=telegraf", `${tenths.join("\n")}\n`),
    await get(url, q),
  ]);
  const [{ values }] = JSON.parse(seen[1]!.body).results[0].series;
  expect(values.map(([, value]: number[]) => value)).toEqual([
    6.433333333333333, 5.633333333333333, 3.899999999999999, 4.699999999999999,
  ]);
});

test("a panel with much to show gets it compressed, as from influxd", async () => {
  const q = Array.from({ length: 6 }, () => 'SELECT * FROM "load"').join(";");
  const seen = await sameOnBoth(servers, async (url) => {
    const { status, headers, body } = await exchange(url, [
      `GET /query?db=telegraf&epoch=ms&q=${encodeURIComponent(q)} HTTP/1.1`,
      "User-Agent: Grafana/11.0.0",
    ]);
    return { status, encoding: headers.get("content-encoding"), body };
  });
  expect(seen).toMatchObject({ status: 200, encoding: "gzip" });
  expect(JSON.parse(seen.body).results).toHaveLength(6);
});

test("intervals of a year, which its formatter makes and influxd refuses", async () => {
  const { status, body } = await get(
    servers.serieUrl,
    `SELECT mean("usage_idle") FROM "cpu" WHERE time >= 1600000000000ms and time <= 1700000030000ms GROUP BY time(1y) fill(none)`,
  );
  expect(status).toBe(200);
  expect(JSON.parse(body).results[0].series[0].values).toHaveLength(1);
});

test("with a name and a password, in its header and in the URL of older ones", async () => {
  const reader = [basic("grafana", "r:")];
  const q = "SHOW measurements";
  const seen = await sameOnBoth(withUsers, async (url) => {
    const root = [basic("root", "pw")];
    await post(url, "CREATE USER root WITH PASSWORD 'pw' WITH ALL PRIVILEGES");
    await createDatabase(url, "telegraf", root);
    await telegraf(url, "db=telegraf", `${gathered.join("\n")}\n`, root);
    await post(url, "CREATE USER grafana WITH PASSWORD 'r:'", root);
    return [
      await get(url, q),
      await get(url, q, [basic("grafana", "wrong")]),
      await get(url, 'SELECT "usage_idle" FROM "cpu"', reader),
      await post(url, "GRANT READ ON telegraf TO grafana", root),
      await get(url, q, reader),
      await get(url, 'SELECT "usage_idle" FROM "cpu"', reader),
      await get(url, q, [], "&u=grafana&p=r%3A"),
      await post(url, 'DROP MEASUREMENT "cpu"', reader),
    ];
  });
  expect(seen.map(({ status }) => status)).toEqual([401, 401, 403, 200, 200, 200, 200, 403]);
  for (const answer of seen) expectReadable(answer, q);
});
