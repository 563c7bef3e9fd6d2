// Answers in shares: what several threads make and write of an answer is, put together, the bytes that one of them writes alone. And
// where it cannot be so, because a group has series in two of them or one cannot write, nobody sees it.
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Chunks } from "../src/base/chunks.ts";
import { systemClock } from "../src/base/clock.ts";
import { OverloadedError } from "../src/base/errors.ts";
import { encodeJson } from "../src/http/output/json.ts";
import { writeSeries } from "../src/http/output/json-share.ts";
import type { ShareRequest } from "../src/model/scan.ts";
import { FieldType, type TimeUnit } from "../src/model/types.ts";
import { allChunks, makeShare } from "../src/query/make-share.ts";
import type { MeasurementRows } from "../src/query/plan.ts";
import { WrittenSeries } from "../src/query/result.ts";
import { runQuery } from "../src/query/session.ts";
import { ShareReader, ShareWriter } from "../src/query/share-format.ts";
import type { Shares, ShareWork } from "../src/query/shares.ts";
import { Turn } from "../src/query/turn.ts";
import { serveThreads } from "../src/server.ts";
import { Oracle } from "./oracle/oracle.ts";
import { closeAll, makeFolder, openHead, servers } from "./support/threads.ts";

setDefaultTimeout(60_000);

/** Hosts with rows in one of three threads each; data centres have hosts in all. A host has up to 3,000 rows. */
const THREADS = 3;
const HOSTS = 23;
const MOST_ROWS = 3000;

const points = Array.from({ length: HOSTS }, (_, h) => ({
  host: h === 0 ? "" : `höst "${h}"`,
  dc: `dc${h % 2}`,
  rows: h === 7 ? MOST_ROWS : (h * 13) % 40,
})).flatMap(({ host, dc, rows }, h) =>
  Array.from({ length: rows }, (_, row) => ({
    measurement: h % 5 === 4 ? "mem" : "cpu",
    tags: { dc, ...(host === "" ? {} : { host }) },
    fields: {
      v: { type: FieldType.Float, value: ((h * 37 + row * 11) % 1000) / 10 },
      n: { type: FieldType.Integer, value: BigInt(row % 7) },
      s: { type: FieldType.String, value: `"${row}" ü` },
    },
    timeNs: BigInt(row * 60 + h) * 1_000_000_000n,
  })),
);

// a group of which each thread has one row
for (let thread = 0; thread < THREADS; thread++)
  points.push({
    ...{ measurement: "swap", tags: { dc: "rare", host: `r${thread}` } },
    fields: { ...points[0]!.fields, v: { type: FieldType.Float, value: thread } },
    timeNs: BigInt(thread) * 1_000_000_000n,
  });

const whole = new Oracle();
const oracles = Array.from({ length: THREADS }, () => new Oracle());
for (const point of points) {
  whole.write("d", point);
  oracles[(Number(point.timeNs / 1_000_000_000n) % 60) % THREADS]!.write("d", point);
}

const BOUNDS = "time >= 0 AND time < 2d";

async function answered(
  text: string,
  { shares, epoch = "ms", mostBytes = 0 }: { shares?: Shares; epoch?: TimeUnit | null; mostBytes?: number },
): Promise<{ json: string; written: number }> {
  const session = {
    ...{ source: whole, administration: whole, clock: systemClock, database: "d" },
    allowance: { timeoutMs: 0, maxHeldBytes: mostBytes },
  };
  const results = runQuery(text, shares ? { ...session, shares } : session);
  let written = 0;
  async function* counted() {
    for await (const result of results)
      yield {
        ...result,
        parts: (async function* () {
          for await (const part of result.parts!) {
            if (part instanceof WrittenSeries) written++;
            yield part;
          }
        })(),
      };
  }
  let json = "";
  for await (const piece of encodeJson(counted(), { epoch, pretty: false }))
    json += Buffer.from(piece).toString();
  return { json, written };
}

/** Shares of the oracles; counts what is going on. */
function threads(epoch: TimeUnit | null = "ms") {
  const seen = { asked: 0, mixed: 0, open: 0 };
  const counted = (chunks: Chunks): Chunks =>
    (async function* () {
      seen.open++;
      try {
        return yield* chunks;
      } finally {
        seen.open--;
      }
    })();
  const shares: Shares = {
    epoch,
    ask(request: ShareRequest) {
      seen.asked++;
      return oracles.map((oracle) => allChunks(counted(makeShare(oracle, request, writeSeries, () => 0))));
    },
    areMixed() {
      seen.mixed++;
    },
  };
  return { shares, seen };
}

describe("the same bytes", () => {
  const groupings = ["host", "host, dc", "*", "/o/"];
  const calls = [
    "percentile(v, 90), median(n)",
    "top(v, 2)",
    "distinct(n)",
    "derivative(v)",
    "mode(s)",
    "difference(v), cumulative_sum(n)",
    "sample(v, 100000)",
    "median(v), mean(v), last(s)",
  ];
  for (const call of calls)
    test(call, async () => {
      for (const by of groupings)
        for (const [rest, isWindowed] of [
          [`GROUP BY ${by}`, false],
          [`GROUP BY ${by} ORDER BY time DESC LIMIT 3`, false],
          [`AND v > 20 GROUP BY ${by} LIMIT 5 OFFSET 2`, false],
          [`AND host !~ /1/ GROUP BY time(10m), ${by} fill(none)`, true],
          [`GROUP BY time(1h), ${by} fill(previous) ORDER BY time DESC`, true],
        ] as const) {
          if (isWindowed && /derivative|cumulative/.test(call)) continue; // (without an aggregate inside)
          for (const epoch of ["ms", null] as const) {
            const { shares, seen } = threads(epoch);
            const text = `SELECT ${call} FROM cpu, mem WHERE ${BOUNDS} ${rest}`;
            const { json, written } = await answered(text, { shares, epoch });
            expect(json).toBe((await answered(text, { epoch })).json);
            expect({ ...seen, isWritten: written > 0 }).toEqual({
              asked: 2,
              mixed: 0,
              open: 0,
              isWritten: json.includes('"values"'),
            });
          }
        }
    });

  test("groups of which one thread shows nothing alone are put together with what others have of them", async () => {
    for (const measurement of ["cpu", "swap"]) {
      const { shares, seen } = threads();
      const text = `SELECT difference(v) FROM ${measurement} WHERE ${BOUNDS} GROUP BY dc`;
      const { json, written } = await answered(text, { shares });
      expect(json).toContain('"values"');
      expect(json).toBe((await answered(text, {})).json);
      expect({ ...seen, written }).toEqual({ asked: 1, mixed: 1, open: 0, written: 0 });
    }
  });

  test("a thread that cannot write yet: as if there were no shares, and it is asked again", async () => {
    const seen = { mixed: 0 };
    const shares: Shares = {
      epoch: "ms",
      ask: (request) =>
        oracles.map((oracle, i) =>
          allChunks(makeShare(oracle, request, i === 1 ? null : writeSeries, () => 0)),
        ),
      areMixed() {
        seen.mixed++;
      },
    };
    const text = `SELECT median(v) FROM cpu WHERE ${BOUNDS} GROUP BY host`;
    const { json, written } = await answered(text, { shares });
    expect(json).toBe((await answered(text, {})).json);
    expect({ ...seen, written }).toEqual({ mixed: 0, written: 0 });
  });

  test("of a statement FROM many measurements each share has what its one needs", async () => {
    const { shares } = threads();
    const sent: unknown[] = [];
    const ask: Shares["ask"] = (request) => {
      sent.push(
        (request.work as ShareWork).plan.inputs.map(({ source }) => (source as MeasurementRows).measurement),
      );
      return shares.ask(request);
    };
    await answered(`SELECT median(v) FROM /./ WHERE ${BOUNDS} GROUP BY host`, { shares: { ...shares, ask } });
    expect(sent).toEqual([["cpu"], ["mem"], ["swap"]]);
  });

  test("what is not made in shares is not asked for", async () => {
    for (const text of [
      `SELECT v FROM cpu WHERE ${BOUNDS} GROUP BY host`,
      `SELECT mean(v) FROM cpu WHERE ${BOUNDS} GROUP BY host`,
      `SELECT median(v) FROM cpu WHERE ${BOUNDS}`,
      `SELECT median(v) FROM cpu WHERE ${BOUNDS} GROUP BY host SLIMIT 2`,
      `SELECT median(v) FROM cpu WHERE time < 2d GROUP BY time(1h), host`,
      `SELECT median(m) FROM (SELECT median(v) AS m FROM cpu WHERE ${BOUNDS} GROUP BY time(1h), host) GROUP BY host`,
    ]) {
      const { shares, seen } = threads();
      const { json } = await answered(text, { shares });
      expect(json).toContain('"values"');
      expect(json).toBe((await answered(text, {})).json);
      expect(seen.asked).toBe(0);
    }
  });
});

describe("bounds and failures", () => {
  const text = `SELECT median(v) FROM cpu WHERE ${BOUNDS} GROUP BY dc`;

  test("what was held for shares that are none is given back: the query may hold no less than without", async () => {
    const fits = async (mostBytes: number, shares?: Shares) =>
      !(await answered(text, { mostBytes, ...(shares ? { shares } : {}) })).json.includes("query-memory");
    let mostBytes = 1000;
    while (!(await fits(mostBytes))) mostBytes = Math.ceil(mostBytes * 1.05);
    const { shares, seen } = threads();
    // (what all threads hold beside each other may be more than one would, but by no more than the sizes of their batches)
    expect(await fits(mostBytes * 1.5, shares)).toBe(true);
    expect(seen.mixed).toBe(1);
  });

  test("memory that threads hold counts as the query's", async () => {
    const one = oracles[1]!;
    const shares: Shares = {
      epoch: "ms",
      ask: (request) => [allChunks(makeShare(one, request, writeSeries, () => 5_000_000))],
      areMixed: () => undefined,
    };
    const { json } = await answered(`SELECT median(v) FROM cpu WHERE ${BOUNDS} GROUP BY host`, {
      ...{ shares, mostBytes: 4_000_000 },
    });
    expect(json).toContain("query-memory limit exceeded");
  });

  test("a thread that fails, before or amid its series: the error is the statement's, and the others' shares end", async () => {
    const rows = ",[0,1]".repeat(20_000).slice(1);
    const written = ["", ',{"name":"cpu"}', `,{"name":"cpu","columns":["time","v"],"values":[${rows}`];
    for (const [after, bytes] of written.entries()) {
      const { shares, seen } = threads();
      const ask: Shares["ask"] = (request) => {
        async function* failing() {
          if (after > 0) {
            // (the first group of all)
            const writer = new ShareWriter({ tags: [["!"]], heldBytes: 0 });
            writer.add(0, Buffer.from(bytes));
            yield writer.take();
          }
          throw new OverloadedError("thread 1 has stopped: send again");
        }
        return [...shares.ask(request)!.slice(0, 1), failing()];
      };
      const long = `SELECT derivative(v) FROM cpu WHERE ${BOUNDS} GROUP BY host`;
      const { json } = await answered(long, { shares: { ...shares, ask } });
      const [{ series, error }] = JSON.parse(json).results;
      expect(error).toContain("send again");
      expect(series?.[0].values?.length).toBe(after === 2 ? 20_000 : undefined);
      await Bun.sleep(1);
      expect(seen.open).toBe(0);
    }
  });
});

test("EXPLAIN ANALYZE tells of shares where the answer is made of them", async () => {
  const { shares } = threads();
  const lines = async (select: string) => {
    const { json } = await answered(`EXPLAIN ANALYZE ${select}`, { shares });
    return JSON.parse(json).results[0].series[0].values.flat() as string[];
  };
  for (const call of ["derivative(v)", "median(v)"]) {
    const text = `SELECT ${call} FROM cpu WHERE ${BOUNDS} GROUP BY host`;
    const { series } = JSON.parse((await answered(text, {})).json).results[0];
    const rows = series.reduce((sum: number, { values }: { values: unknown[] }) => sum + values.length, 0);
    const told = await lines(text);
    expect(told).toContain(`ROWS: ${rows}`);
    expect(told).toContain(`SERIES: ${series.length}`);
    expect(told.filter((line) => /^SHARES: 3, \d{3,} bytes in \d/.test(line))).toHaveLength(1);
    expect(told.filter((line) => /^(SCAN|FOLD): /.test(line))).toEqual([]);
  }
  // (hosts are in one thread each, data centres in several)
  const mixed = await lines(`SELECT median(v) FROM cpu WHERE ${BOUNDS} GROUP BY dc`);
  expect(mixed.some((line) => line.startsWith("SCAN: "))).toBe(true);
  expect(mixed.some((line) => line.startsWith("SHARES: "))).toBe(false);
});

test("when a share has failed, the others are made no further, also before their first chunk", async () => {
  let isMaking = true;
  const ask: Shares["ask"] = ({ budget }) => {
    async function* long(): AsyncGenerator<Uint8Array> {
      try {
        for (let ms = 0; ms < 5000; ms++) {
          budget.check();
          await Bun.sleep(1);
        }
      } finally {
        isMaking = false;
      }
      yield new Uint8Array(12);
    }
    const next = () => Promise.reject(new OverloadedError("thread 1 has stopped: send again"));
    return [long(), { [Symbol.asyncIterator]: () => ({ next }) }];
  };
  const shares: Shares = { epoch: "ms", ask, areMixed: () => undefined };
  const { json } = await answered(`SELECT median(v) FROM cpu WHERE ${BOUNDS} GROUP BY host`, { shares });
  expect(json).toContain("send again");
  await Bun.sleep(10);
  expect(isMaking).toBe(false);
});

test("chunks keep heads, groups, rows and bytes, whatever is in them", async () => {
  const writer = new ShareWriter({
    tags: [
      ["ä", 'b"', ""],
      ["", "x", "\u{1f600}"],
    ],
    heldBytes: 12,
  });
  const entries = [
    [0, "one"],
    [2, ""],
    [2, "x".repeat(100_000)],
    [2, "ö"],
  ] as const;
  const chunks: Uint8Array[] = [];
  for (const [group, text] of entries) {
    writer.countRows(7);
    writer.add(group, Buffer.from(text));
    if (group === 0) chunks.push(writer.take());
  }
  expect(writer.isFull).toBe(false);
  writer.add(2, new Uint8Array(200_000));
  expect(writer.isFull).toBe(true);
  chunks.push(writer.take());
  expect(writer.isEmpty).toBe(true);
  const reader = new ShareReader(
    (async function* () {
      yield* chunks;
    })(),
  );
  await reader.begin(new Turn({ check: () => undefined, hold: () => undefined }));
  expect(reader.head).toEqual({
    tags: [
      ["ä", 'b"', ""],
      ["", "x", "\u{1f600}"],
    ],
    heldBytes: 12,
  });
  expect([reader.groupCount, reader.rows]).toEqual([3, 7]);
  const read: [number, string][] = [];
  for (; ; await reader.load()) {
    while (!reader.isEmpty) {
      const { group, size } = reader;
      const bytes = reader.take();
      expect(bytes.length).toBe(size);
      read.push([group, Buffer.from(bytes).toString()]);
    }
    if (reader.hasEnded) break;
  }
  expect(read).toEqual([
    ...entries.map(([group, text]): [number, string] => [group, text]),
    [2, "\0".repeat(200_000)],
  ]);
  expect([reader.rows, reader.group]).toEqual([28, -1]);
});

test("the tags of many groups come in pieces, before the first entry", async () => {
  const tags = [0, 1].map((d) => Array.from({ length: 100_000 }, (_, i) => `${d}-${i}`));
  const writer = new ShareWriter({ tags, heldBytes: 3 });
  const chunks: Uint8Array[] = [];
  for (const chunk of writer.opening()) {
    expect(writer.isEmpty).toBe(false);
    chunks.push(chunk);
  }
  writer.countRows(1);
  writer.add(99_999, Buffer.from("one"));
  chunks.push(writer.take());
  expect(writer.isEmpty).toBe(true);
  expect(chunks.length).toBeGreaterThan(10);
  for (const { length } of chunks) expect(length).toBeLessThan(200_000);
  const reader = new ShareReader(
    (async function* () {
      yield* chunks;
    })(),
  );
  await reader.begin(new Turn({ check: () => undefined, hold: () => undefined }));
  expect(reader.head).toEqual({ tags, heldBytes: 3 });
  expect([reader.groupCount, reader.group, reader.rows]).toEqual([100_000, 99_999, 1]);
  expect(Buffer.from(reader.take()).toString()).toBe("one");
});

describe("a server of three threads", () => {
  beforeEach(makeFolder);
  afterEach(closeAll);

  test("its threads write what each of them has, whichever these are, and series that come later", async () => {
    const head = await openHead(3);
    servers.add(await serveThreads(head, { port: 0, logLevel: "silent" }));
    const lines = points.map(
      ({ measurement, tags: { dc, host }, fields: { v }, timeNs }) =>
        `${measurement},dc=${dc}${host === undefined ? "" : `,host=${host.replaceAll(" ", "\\ ")}`} v=${v.value} ${timeNs}`,
    );
    await head.writeLines(lines.join("\n"), { database: "d" });
    const ask = async (where: string, by: string) => {
      const text = `SELECT median(v) FROM cpu WHERE ${BOUNDS} ${where} GROUP BY ${by}`;
      let written = 0;
      async function* watched(writtenEpoch?: "ms") {
        for await (const result of head.run(text, {
          ...{ database: "d" },
          ...(writtenEpoch ? { writtenEpoch } : {}),
        })) {
          const parts = (async function* () {
            for await (const part of result.parts!) {
              if (part instanceof WrittenSeries) written++;
              yield part;
            }
          })();
          yield { ...result, parts };
        }
      }
      const bytes = async (results: ReturnType<typeof watched>) => {
        let json = "";
        for await (const piece of encodeJson(results, { epoch: "ms", pretty: false }))
          json += Buffer.from(piece).toString();
        return json;
      };
      const plain = await bytes(watched());
      expect(written).toBe(0);
      expect(await bytes(watched("ms"))).toBe(plain);
      return written > 0;
    };
    expect(await ask("", "host")).toBe(true);
    expect(await ask("", "dc")).toBe(false);
    expect(await ask("", "host, dc")).toBe(true);
    for (let h = 1; h < HOSTS; h++)
      for (let round = 0; round < 2; round++) await ask(`AND host = 'höst "${h}"'`, "host");
    await head.writeLines(`cpu,dc=dc0,host=new v=1 ${3e9}`, { database: "d" });
    expect(await ask("AND host = 'new'", "host")).toBe(true);
  });
});
