// Subscriptions: accepted writes arrive where they are sent on to, and nothing that happens there is felt by a write.
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../src/db/database.ts";
import type { Cell } from "../src/query/result.ts";
import { serve } from "../src/server.ts";
import { MemoryDisk } from "./disk/memory.ts";

const folders: string[] = [];
const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function openNew(): Promise<Database> {
  const dataDir = mkdtempSync(join(tmpdir(), "serie-subscriptions-"));
  folders.push(dataDir);
  const db = await Database.open({ partitions: 2, dataDir });
  opened.push(db);
  await rows(db, "CREATE DATABASE db");
  return db;
}

async function rows(db: Database, query: string): Promise<(readonly Cell[])[]> {
  const all: (readonly Cell[])[] = [];
  for await (const result of db.run(query, { database: "db" }))
    for await (const series of result.series) all.push(...series.rows);
  return all;
}

const subscribe = (db: Database, mode: string, ...destinations: string[]) =>
  rows(
    db,
    `CREATE SUBSCRIPTION s ON db.autogen DESTINATIONS ${mode} ${destinations.map((each) => `'${each}'`)}`,
  );

/** An HTTP server that keeps what it is sent and answers with what `answer` says. */
function listener(answer: () => Response | Promise<Response> = () => new Response(null, { status: 204 })) {
  const got: { query: string; body: string }[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    maxRequestBodySize: 2 ** 30,
    fetch: async (request) => {
      got.push({ query: new URL(request.url).search, body: await request.text() });
      return answer();
    },
  });
  opened.push({ close: () => server.stop(true) });
  return { url: `http://127.0.0.1:${server.port}`, got };
}

function statistics(db: Database) {
  const { sent, dropped, failed } = db.subscriptions.statistics;
  return { sent, dropped, failed };
}

const target = { database: "db" };

test("line protocol is sent on as it came, to ALL destinations, with its database, policy and precision", async () => {
  const db = await openNew();
  const [a, b] = [listener(), listener()];
  await subscribe(db, "ALL", a.url, `${b.url}/`);
  await db.writeLines("# as typed\nm,t=a   v=1 5\n", { database: "db", precision: "s" });
  await db.writeLines("other v=1 5", { database: "elsewhere" });
  await db.subscriptions.settled();
  const expected = [{ query: "?db=db&rp=autogen&precision=s", body: "# as typed\nm,t=a   v=1 5\n" }];
  expect(a.got).toEqual(expected);
  expect(b.got).toEqual(expected);
  expect(statistics(db)).toEqual({ sent: 2, dropped: 0, failed: 0 });
});

test("what was refused, what has no time, JSON, points and INTO are sent on as the rows that were stored", async () => {
  const db = await openNew();
  const copy = await openNew();
  const server = serve(copy, { host: "127.0.0.1", port: 0 });
  opened.push({ close: () => server.stop() });
  await subscribe(db, "ALL", server.url);
  await db.writeLines("m,t=a v=1 10\nbad line\nm v=2", target);
  const fields = { i: -(2n ** 63n), u: 2n ** 64n - 1n, f: -0, g: 1e-300, b: false, s: 'q "x" \\ \n é' };
  await db.writePoints([{ measurement: "we, ird=", tags: { "k =,": "v ,=\\x" }, fields, time: 7n }], target);
  await db.writeJson('{"measurement":"j","fields":{"v":1},"time":5}', target);
  await rows(db, "SELECT v INTO taken FROM m GROUP BY *");
  await db.subscriptions.settled();
  expect(statistics(db)).toEqual({ sent: 6, dropped: 0, failed: 0 });
  const all = "SELECT * FROM /.*/ GROUP BY *; SHOW FIELD KEYS; SHOW SERIES";
  expect((await rows(db, all)).length).toBeGreaterThan(10);
  expect(await rows(copy, all)).toEqual(await rows(db, all));
});

test("ANY goes in turn, and past a destination that refuses or is not there", async () => {
  const db = await openNew();
  const [a, b] = [listener(), listener()];
  const broken = listener(() => new Response("{}", { status: 500 }));
  await subscribe(db, "ANY", a.url, broken.url, b.url, "http://127.0.0.1:1");
  for (let i = 0; i < 4; i++) {
    await db.writeLines(`m v=${i} ${i}`, target);
    await db.subscriptions.settled();
  }
  expect(a.got.length + b.got.length).toBe(4);
  expect(a.got.length).toBeGreaterThan(0);
  expect(b.got.length).toBeGreaterThan(0);
  expect(broken.got.length).toBeGreaterThan(0);
  expect(statistics(db)).toEqual({ sent: 4, dropped: 0, failed: 0 });
});

test("a destination that does not answer is not felt by writes; what its queue cannot hold is dropped and counted", async () => {
  const db = await openNew();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow = listener(async () => {
    await held;
    return new Response(null, { status: 204 });
  });
  await subscribe(db, "ALL", slow.url);
  const lines = Array.from({ length: 100_000 }, (_, i) => `m,host=abcdefghijklmnop v=${i} ${i}`).join("\n");
  for (let i = 0; i < 10; i++) expect((await db.writeLines(lines, target)).rows).toBe(100_000);
  expect(statistics(db).sent).toBe(0);
  expect(statistics(db).dropped).toBeGreaterThan(0);
  release();
  await db.subscriptions.settled();
  const { sent, dropped, failed } = statistics(db);
  expect([sent + dropped, failed]).toEqual([1_000_000, 0]);
  expect(slow.got.length * 100_000).toBe(sent);
});

test("nobody there: counted as failed, the write is stored", async () => {
  const db = await openNew();
  await subscribe(db, "ALL", "http://127.0.0.1:1");
  await db.writeLines("m v=1 1\nm v=2 2", target);
  await db.subscriptions.settled();
  expect(statistics(db)).toEqual({ sent: 0, dropped: 0, failed: 2 });
  expect(db.metrics().find(({ name }) => name === "serie_subscription_rows_failed_total")!.value).toBe(2);
  expect((await rows(db, "SELECT v FROM m")).length).toBe(2);
});

test("UDP: lines with times in ns, in datagrams that hold whole lines", async () => {
  const db = await openNew();
  const got: string[] = [];
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (_, data) => void got.push(data.toString()) },
  });
  opened.push({ close: () => socket.close() });
  await subscribe(db, "ALL", `udp://127.0.0.1:${socket.port}`);
  const lines = Array.from({ length: 2_000 }, (_, i) => `m,host=a v=${i},s="${"x".repeat(20)}" ${i}`);
  await db.writeLines(lines.join("\n"), { database: "db", precision: "s" });
  await db.subscriptions.settled();
  await Bun.sleep(50);
  expect(got.length).toBeGreaterThan(1);
  expect(got.every((each) => each.endsWith("\n"))).toBe(true);
  const times = got
    .join("")
    .trim()
    .split("\n")
    .map((line) => line.split(" ").at(-1));
  expect(times).toEqual(lines.map((_, i) => `${i}${i === 0 ? "" : "000000000"}`));
});

test("subscriptions survive a crash of the machine; dropped ones and those of a dropped database do not come back", async () => {
  const disk = new MemoryDisk(1);
  const open = (on: MemoryDisk) => Database.open({ partitions: 2, dataDir: "/data" }, on);
  const first = await open(disk);
  const { url, got } = listener();
  await rows(first, `CREATE DATABASE db; CREATE DATABASE gone`);
  for (const [name, database] of [
    ["a", "db"],
    ["b", "db"],
    ["c", "gone"],
  ])
    await rows(first, `CREATE SUBSCRIPTION ${name} ON ${database}.autogen DESTINATIONS ANY '${url}'`);
  await rows(first, "DROP SUBSCRIPTION b ON db.autogen; DROP DATABASE gone; CREATE DATABASE gone");
  const after = disk.crash("machine");
  const second = await open(after);
  opened.push(second);
  expect(await rows(second, "SHOW SUBSCRIPTIONS")).toEqual([["autogen", "a", "ANY", [url]]]);
  await second.writeLines("m v=1 1", target);
  await second.subscriptions.settled();
  expect(got.map(({ body }) => body)).toEqual(["m v=1 1"]);
});

test("a dropped retention policy takes its subscriptions along", async () => {
  const db = await openNew();
  const policy = "CREATE RETENTION POLICY rp ON db DURATION INF REPLICATION 1";
  await rows(db, `${policy}; CREATE SUBSCRIPTION s ON db.rp DESTINATIONS ANY 'http://127.0.0.1:1'`);
  await subscribe(db, "ANY", "http://127.0.0.1:1");
  await rows(db, `DROP RETENTION POLICY rp ON db; ${policy}`);
  expect((await rows(db, "SHOW SUBSCRIPTIONS")).map(([of]) => of)).toEqual(["autogen"]);
});

test("they are shown in the order of the policies", async () => {
  const db = await openNew();
  await rows(db, "CREATE RETENTION POLICY a ON db DURATION 0s REPLICATION 1");
  for (const [name, policy] of [
    ["s1", "a"],
    ["s2", "autogen"],
    ["s3", "a"],
  ])
    await rows(db, `CREATE SUBSCRIPTION ${name} ON db.${policy} DESTINATIONS ANY 'udp://127.0.0.1:1'`);
  const shown = await rows(db, "SHOW SUBSCRIPTIONS");
  expect(shown.map(([policy, name]) => [policy, name])).toEqual([
    ["autogen", "s2"],
    ["a", "s1"],
    ["a", "s3"],
  ]);
});

test("passwords in destinations are used, and shown nowhere", async () => {
  const db = await openNew();
  const seen: (string | null)[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      seen.push(request.headers.get("authorization"));
      return new Response(null, { status: 204 });
    },
  });
  opened.push({ close: () => server.stop(true) });
  const slow: string[] = [];
  db.onSlowStatement = ({ text, error }) => slow.push(`${text} ${error}`);
  (db.options as { slowQueryThreshold: number }).slowQueryThreshold = 1e-9;
  const secret = "s3cr%40et";
  const url = `http://joe:${secret}@127.0.0.1:${server.port}`;
  await subscribe(db, "ALL", url);
  await db.writeLines("m v=1 1", target);
  await db.subscriptions.settled();
  expect(seen).toEqual([`Basic ${btoa("joe:s3cr@et")}`]);

  const shown = `http://joe:xxxxx@127.0.0.1:${server.port}`;
  expect(await rows(db, "SHOW SUBSCRIPTIONS")).toEqual([["autogen", "s", "ALL", [shown]]]);
  expect(slow[0]).toContain(`CREATE SUBSCRIPTION s ON db.autogen DESTINATIONS ALL '${shown}'`);
  const create = "CREATE SUBSCRIPTION t ON db.autogen DESTINATIONS";
  const wrong: [string, string][] = [
    [`${create} ALL 'http://joe:${secret}@host'`, "invalid subscription URL: http://joe:xxxxx@host"],
    [`${create} ALL 'http://joe:${secret}/x@h:1'`, "invalid subscription URL: http://joe:xxxxx@h:1"],
    [`${create} ALL 'http://joe:${secret}%zz@h:1'`, "invalid subscription URL: http://joe:xxxxx@h:1"],
    [`${create} ALL 'ftp://h:1/?u=a&p=${secret}'`, "invalid subscription URL: ftp://h:1/?u=a&p=xxxxx"],
    [`${create} '${url}'`, `error parsing query: found ${shown}, expected ALL, ANY at line 1, char 49`],
    [`${create} ALL "${url}"`, `error parsing query: found ${shown}, expected string at line 1, char 54`],
  ];
  for (const [text, message] of wrong)
    expect(await rows(db, text).catch((e: Error) => e.message)).toBe(message);

  // a GET is warned of what it does, by the statement
  const http = serve(db, { host: "127.0.0.1", port: 0 });
  opened.push({ close: () => http.stop() });
  const query = `${create} ANY '${url}'; SHOW SUBSCRIPTIONS; SHOW QUERIES`;
  const answer = await (await fetch(`${http.url}/query?q=${encodeURIComponent(query)}`)).text();
  expect(answer.split(shown).length).toBeGreaterThan(2);
  for (const text of [answer, ...slow, await (await fetch(`${http.url}/debug/vars`)).text()])
    expect(text).not.toContain("s3cr");
});

test("over HTTP a list of destinations is a list in JSON and one cell in CSV", async () => {
  const db = await openNew();
  await subscribe(db, "ALL", "http://127.0.0.1:1", "udp://127.0.0.1:2");
  const server = serve(db, { host: "127.0.0.1", port: 0 });
  opened.push({ close: () => server.stop() });
  const url = `${server.url}/query?q=SHOW+SUBSCRIPTIONS`;
  const values = [["autogen", "s", "ALL", ["http://127.0.0.1:1", "udp://127.0.0.1:2"]]];
  const json = (await (await fetch(url)).json()) as { results: { series: { values: unknown }[] }[] };
  expect(json.results[0]!.series[0]!.values).toEqual(values);
  const csv = await (await fetch(url, { headers: { Accept: "text/csv" } })).text();
  expect(csv).toContain('"http://127.0.0.1:1,udp://127.0.0.1:2"');
});
