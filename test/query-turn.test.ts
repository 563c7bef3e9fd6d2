// A query that takes seconds leaves the server awake, and ends soon once nobody wants its answer.
import { afterAll, describe, expect, test } from "bun:test";
import { systemClock } from "../src/base/clock.ts";
import { Pause } from "../src/base/pause.ts";
import { Queries } from "../src/db/queries.ts";
import type { RunOptions } from "../src/db/sessions.ts";
import type { Backend } from "../src/http/backend.ts";
import type { Administration } from "../src/model/administration.ts";
import type { FoldedGroups, FoldRequest, RowBatch, ScanRequest, Source } from "../src/model/scan.ts";
import { FieldType } from "../src/model/types.ts";
import { runQuery } from "../src/query/session.ts";
import { serve } from "../src/server.ts";

const HOSTS = 400;
const ROWS = 5000;
const STEP_NS = 10_000_000_000n;
const START_NS = 1_451_606_400_000_000_000n; // 2016: empty windows of 10 s up to now are 30 million a group

const times = BigInt64Array.from({ length: ROWS }, (_, row) => START_NS + BigInt(row) * STEP_NS);
const values = Float64Array.from({ length: ROWS }, (_, row) => (row * 7919) % 100);

/** Series of a row each, in no order, and as many in a batch. */
const SERIES = 400_000;
const SERIES_A_BATCH = 1000;
const ofSeries = (i: number) => {
  const tags = new Map([
    ["host", `h${(i * 7919) % SERIES}`],
    ["rack", `r${i % 1000}`],
  ]);
  return { key: `pods,host=${tags.get("host")},rack=${tags.get("rack")}`, tags };
};

/** Rows that are there without being read: all time goes into the executor and the writer of the answer. */
const source = {
  fields: async () => [{ name: "idle", type: FieldType.Float }],
  tagKeys: async () => ["host", "rack"],
  async *fold({ groupBy, columns }: FoldRequest): AsyncGenerator<FoldedGroups> {
    for (let from = 0; from < SERIES; from += SERIES_A_BATCH) {
      const series = Array.from({ length: SERIES_A_BATCH }, (_, i) => ofSeries(from + i));
      const values = Float64Array.from(series, (_, i) => ((from + i) * 7919) % 100_003);
      const times = new BigInt64Array(SERIES_A_BATCH).fill(START_NS);
      yield {
        count: SERIES_A_BATCH,
        tags: groupBy.map((key) => series.map(({ tags }) => tags.get(key)!)),
        columns: columns.map(() => ({
          ...{ type: FieldType.Float, count: new Float64Array(SERIES_A_BATCH).fill(1) },
          ...{ sum: values, last: values, lastTime: times },
        })),
      };
    }
  },
  async *scan(request: ScanRequest): AsyncGenerator<RowBatch> {
    if (request.measurement === "pods") {
      const ends = Array.from({ length: SERIES_A_BATCH }, (_, i) => i + 1);
      for (let from = 0; from < SERIES; from += SERIES_A_BATCH)
        yield {
          series: ends.map((end) => ofSeries(from + end - 1)),
          ends,
          times: new BigInt64Array(SERIES_A_BATCH).fill(START_NS),
          columns: request.fields.map(() => ({
            ...{ type: FieldType.Float, present: null },
            values: Float64Array.from(ends, (end) => ((from + end) * 7919) % 100_003),
          })),
        };
      return;
    }
    for (let host = 0; host < HOSTS; host++)
      yield {
        series: [{ key: `cpu,host=${host}`, tags: new Map([["host", String(host)]]) }],
        ends: [ROWS],
        times,
        columns: request.fields.map(() => ({ type: FieldType.Float, present: null, values })),
      };
  },
} as unknown as Source;
const administration = {
  queries: new Queries(systemClock, 0),
  retentionPolicies: () => [{ name: "autogen", durationNs: 0n, shardDurationNs: 0n, isDefault: true }],
} as unknown as Administration;

/** How the last statement ended, and when. */
let ended = Promise.withResolvers<unknown>();
let timeoutMs = 0;
const backend = {
  async *run(text: string, { signal }: RunOptions = {}) {
    const allowance = { timeoutMs, maxHeldBytes: 0, signals: signal ? [signal] : [] };
    const session = { source, administration, clock: systemClock, database: "d", allowance };
    for await (const result of runQuery(text, session)) {
      const parts = async function* () {
        try {
          yield* result.parts!;
          ended.resolve("answered");
        } catch (error) {
          ended.resolve((error as Error).message);
          throw error;
        } finally {
          ended.resolve("not wanted any more");
        }
      };
      yield { ...result, parts: parts() };
    }
  },
} as unknown as Backend;
const server = serve(backend, { port: 0 });
afterAll(() => server.stop(0));

const heavy = {
  // what a dashboard asks by mistake: millions of empty windows a group
  "rows of empty windows": "SELECT percentile(idle, 99) FROM cpu GROUP BY time(10s), host",
  // seconds of evaluation before the first row
  "groups evaluated":
    "SELECT median(idle), mode(idle), percentile(idle, 10), percentile(idle, 90) FROM cpu GROUP BY time(10h), host LIMIT 1",
  "points of one group evaluated": "SELECT mode(idle), median(idle) FROM cpu",
  "points of one group ranked": "SELECT top(idle, host, 3) FROM cpu",
  "windows of one group": "SELECT mode(idle), integral(idle) FROM cpu GROUP BY time(1m) LIMIT 1",
  "series of one group evaluated": "SELECT mode(idle) FROM pods",
  "series of one group ranked": "SELECT top(idle, rack, 3) FROM pods",
  "series of one group merged": "SELECT idle, host FROM pods LIMIT 1 OFFSET 390000",
  "series that are stored rows": "SELECT mean(idle) FROM (SELECT idle FROM pods)",
  "groups by several tags": "SELECT median(idle) FROM pods GROUP BY host, rack LIMIT 1 SLIMIT 1",
  "tables of folds": "SELECT mean(idle) FROM pods GROUP BY rack, host",
  "points of folds": "SELECT last(idle) FROM pods GROUP BY rack, host",
  "rows passed over": "SELECT percentile(idle, 99) FROM cpu GROUP BY time(10s), host LIMIT 1 OFFSET 25000000",
  "rows merged": "SELECT idle, host FROM cpu LIMIT 1 OFFSET 1900000",
  "rows that HAVING leaves out": "SELECT idle, host FROM cpu HAVING idle > 1000",
  "windows that HAVING leaves out":
    "SELECT percentile(idle, 99) AS p FROM cpu GROUP BY time(10s), host HAVING p > 1000",
  "rows of a subquery":
    "SELECT x, host FROM (SELECT idle + 1 AS x FROM cpu GROUP BY host) LIMIT 1 OFFSET 1900000",
  "rows of a join": "SELECT max(a.idle) FROM cpu AS a JOIN cpu AS b USING (time, host)",
};

function ask(text: string, signal: AbortSignal): Promise<number> {
  ended = Promise.withResolvers();
  return fetch(`${server.url}/query?db=d&q=${encodeURIComponent(text)}`, { signal })
    .then(async (response) => {
      let sizeBytes = 0;
      for await (const piece of response.body!) sizeBytes += piece.length;
      return sizeBytes;
    })
    .catch(() => -1);
}

/** Milliseconds of this process since now: of the clock or, where the machine has other work, those that it computed. */
function stopwatch(): () => number {
  const startMs = performance.now();
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return Math.min(performance.now() - startMs, (user + system) / 1000);
  };
}

describe("while a heavy query runs", () => {
  for (const [name, text] of Object.entries(heavy))
    test(`${name}: a ping is answered, and the query ends when its client goes`, async () => {
      timeoutMs = 0;
      const client = new AbortController();
      const answer = ask(text, client.signal);
      let isEnded = false;
      void ended.promise.then(() => {
        isEnded = true;
      });
      const untilMs = performance.now() + 700;
      let slowestMs = 0;
      while (performance.now() < untilMs && !isEnded) {
        const spentMs = stopwatch();
        await (await fetch(`${server.url}/ping`)).arrayBuffer();
        slowestMs = Math.max(slowestMs, spentMs());
        await Bun.sleep(5);
      }
      expect(slowestMs).toBeLessThan(250);
      // one that failed at once would leave the server awake too
      if (isEnded) expect(await ended.promise).toBe("answered");
      const spentMs = stopwatch();
      client.abort();
      await answer;
      await ended.promise;
      expect(spentMs()).toBeLessThan(250);
    });
});

test("the deadline ends a query before its first row and in the middle of its rows", async () => {
  timeoutMs = 100;
  for (const text of [heavy["groups evaluated"], heavy["rows of empty windows"], heavy["rows passed over"]]) {
    const spentMs = stopwatch();
    await ask(text, new AbortController().signal);
    expect(await ended.promise).toContain("query-timeout limit exceeded");
    expect(spentMs()).toBeLessThan(1500);
  }
}, 20_000);

test("of those that give way one goes on in each turn of the event loop, who waits longest first", async () => {
  const order: string[] = [];
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const waits = ["a", "b", "c", "d"].map((name) => new Pause().wait().then(() => order.push(name)));
  for (let i = 0; i < 4; i++) {
    await turn();
    order.push(`turn ${i}`);
  }
  await Promise.all(waits);
  expect(order.filter((each) => !each.startsWith("turn"))).toEqual(["a", "b", "c", "d"]);
  // between two of them everything else that was ready has run
  for (const [first, second] of [
    ["a", "b"],
    ["b", "c"],
    ["c", "d"],
  ] as const)
    expect(
      order.slice(order.indexOf(first), order.indexOf(second)).some((each) => each.startsWith("turn")),
    ).toBe(true);
});

test("many queries do not hold up what writes leave behind: it has every other turn", async () => {
  const order: string[] = [];
  const waits = ["q1", "q2", "q3", "q4", "q5"].map((name) => new Pause().wait().then(() => order.push(name)));
  const flush = new Pause("flush");
  for (const name of ["u1", "u2"]) {
    await flush.wait();
    order.push(name);
  }
  await Promise.all(waits);
  expect(order.filter((name) => name.startsWith("q"))).toEqual(["q1", "q2", "q3", "q4", "q5"]);
  for (const [name, queries] of [
    ["u1", 1],
    ["u2", 2],
  ] as const)
    expect(
      order.slice(0, order.indexOf(name)).filter((each) => each.startsWith("q")).length,
    ).toBeLessThanOrEqual(queries);
});
