// SELECT ... INTO on a real database: what is written is durable, typed and bounded.
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../src/db/database.ts";
import type { Cell } from "../src/query/result.ts";

const folders: string[] = [];
const opened: Database[] = [];

afterEach(async () => {
  for (const db of opened.splice(0)) await db.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function openNew(dataDir = mkdtempSync(join(tmpdir(), "serie-into-"))): Promise<Database> {
  if (!folders.includes(dataDir)) folders.push(dataDir);
  const db = await Database.open({ partitions: 2, dataDir });
  opened.push(db);
  return db;
}

async function rows(db: Database, query: string): Promise<(readonly Cell[])[]> {
  const all: (readonly Cell[])[] = [];
  for await (const result of db.run(query, { database: "db" }))
    for await (const series of result.series) all.push(...series.rows);
  return all;
}

const target = { database: "db" };

test("every type comes through, integers beyond 2^53 too, and survives a restart", async () => {
  const db = await openNew();
  await db.writeLines('m,t=a f=1.5,i=9223372036854775807i,b=true,s="x y" 10\nm,t=b i=-3i 20', target);
  expect(await rows(db, "SELECT * INTO copy FROM m GROUP BY *")).toEqual([[0n, 2]]);
  const expected = [
    [10n, true, 1.5, 9223372036854775807n, "x y", "a"],
    [20n, null, null, -3, null, "b"],
  ];
  expect(await rows(db, "SELECT * FROM copy")).toEqual(expected);
  await db.close();
  const again = await openNew(db.options.dataDir);
  expect(await rows(again, "SELECT * FROM copy")).toEqual(expected);
});

test("a field of another type is reported as a partial write, the rest is stored", async () => {
  const db = await openNew();
  await db.writeLines('copy v="text" 1\nm v=1 10', target);
  expect(rows(db, "SELECT v, v AS w INTO copy FROM m")).rejects.toThrow(
    'partial write: field type conflict: input field "v" on measurement "copy" is type float, already exists as type string dropped=1',
  );
});

test("sources of several types: each value keeps its own, those that fit no more are refused by name", async () => {
  const db = await openNew();
  await db.writeLines("a v=1i 10\nb v=2.5 10", target);
  await rows(db, "SELECT v INTO copy FROM b");
  expect(await rows(db, "SELECT v INTO copy FROM a")).toEqual([[0n, 1]]);
  expect(await rows(db, "SELECT v INTO db..:MEASUREMENT FROM /a|b/")).toEqual([[0n, 2]]);
  expect(await rows(db, "SELECT v FROM a, b")).toEqual([
    [10n, 1],
    [10n, 2.5],
  ]);
});

test("a copy of several measurements has the types and names of each", async () => {
  const db = await openNew();
  const lines = 'a,t=x v=9223372036854775807i 10\na,t=y v=2i 20\nb v="text",t="field" 10\nc v=2.5,w=true 10';
  await db.writeLines(lines, target);
  await rows(db, "CREATE DATABASE copy; CREATE DATABASE part");
  expect(await rows(db, "SELECT * INTO copy.autogen.:MEASUREMENT FROM /.*/ GROUP BY *")).toEqual([[0n, 4]]);
  const at = (database: string, query: string) => rows(db, query.replaceAll("..", `${database}..`));
  expect(await at("copy", "SHOW FIELD KEYS ON copy")).toEqual(await rows(db, "SHOW FIELD KEYS ON db"));
  expect(await at("copy", "SHOW SERIES ON copy")).toEqual(await rows(db, "SHOW SERIES ON db"));
  for (const name of ["a", "b", "c"])
    expect(await at("copy", `SELECT * FROM ..${name}`)).toEqual(await at("db", `SELECT * FROM ..${name}`));
  // named one by one, of two policies, windows
  await rows(db, "CREATE RETENTION POLICY p ON db DURATION INF REPLICATION 1");
  await db.writeLines("a,t=x v=5i 30", { ...target, retentionPolicy: "p" });
  const last = "SELECT last(v) AS v INTO part.autogen.:MEASUREMENT FROM a, p.a, b GROUP BY t";
  expect(await rows(db, last)).toEqual([[0n, 3]]);
  expect(await at("part", "SELECT v, t FROM ..a")).toEqual([
    [20n, 2, "y"],
    [30n, 5, "x"],
  ]);
  expect(await at("part", "SELECT v FROM ..b")).toEqual([[10n, "text"]]);
  expect(await rows(db, "SHOW FIELD KEYS ON part")).toEqual([
    ["v", "integer"],
    ["v", "string"],
  ]);
});

test("an answer of many rows goes through in batches, also into the measurement that it is read from", async () => {
  const db = await openNew();
  const lines = Array.from({ length: 150_000 }, (_, i) => `m,t=${i % 3} v=${i} ${i}`);
  await db.writeLines(lines.join("\n"), target);
  const before = db.metrics().find(({ name }) => name === "serie_writes_total")!.value;
  expect(await rows(db, "SELECT v * 2 AS v INTO m FROM m GROUP BY *")).toEqual([[0n, 150_000]]);
  expect(db.metrics().find(({ name }) => name === "serie_writes_total")!.value).toBeGreaterThan(before + 1);
  expect(await rows(db, "SELECT sum(v), count(v) FROM m")).toEqual([[0n, 150_000 * 149_999, 150_000]]);
});

test("an aggregate that is not a number is left out", async () => {
  const db = await openNew();
  await db.writeLines("m v=1 10", target);
  expect(await rows(db, "SELECT stddev(v) AS s, count(v) AS n INTO copy FROM m")).toEqual([[0n, 1]]);
  expect(await rows(db, "SELECT * FROM copy")).toEqual([[0n, 1]]);
});
