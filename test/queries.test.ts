// SHOW QUERIES and KILL QUERY: what runs is listed without passwords, and ends when it is told.
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../src/db/database.ts";
import type { OptionsInput } from "../src/db/options.ts";
import { roundedDuration } from "../src/query/operations.ts";
import type { Cell } from "../src/query/result.ts";

const folders: string[] = [];
const opened: Database[] = [];

afterEach(async () => {
  for (const db of opened.splice(0)) await db.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function openNew(options: OptionsInput = {}): Promise<Database> {
  const dataDir = mkdtempSync(join(tmpdir(), "serie-queries-"));
  folders.push(dataDir);
  const db = await Database.open({ partitions: 2, ...options, dataDir });
  opened.push(db);
  const lines = Array.from({ length: 50_000 }, (_, i) => `m v=${i} ${i}`);
  await db.writeLines(lines.join("\n"), { database: "db" });
  return db;
}

async function rows(db: Database, query: string): Promise<(readonly Cell[])[]> {
  const all: (readonly Cell[])[] = [];
  for await (const result of db.run(query, { database: "db" }))
    for await (const series of result.series) all.push(...series.rows);
  return all;
}

/** A query that has given its first part and has more to give. */
async function begun(db: Database, text: string) {
  const results = db.run(text, { database: "db" })[Symbol.asyncIterator]();
  const { series } = (await results.next()).value!;
  const parts = series[Symbol.asyncIterator]();
  expect((await parts.next()).value!.partial).toBe(true);
  return { results, parts };
}

test("a running query is listed; killed it ends at its next step, and the statements after it do not run", async () => {
  const db = await openNew();
  const { results, parts } = await begun(db, "SELECT  v FROM m; CREATE DATABASE late");
  const [[id, text, database, , status], own] = (await rows(db, "SHOW QUERIES")) as [Cell[], Cell[]];
  expect([text, database, status]).toEqual(["SELECT v FROM m;\nCREATE DATABASE late", "db", "running"]);
  expect(own[1]).toBe("SHOW QUERIES");
  await rows(db, `KILL QUERY ${id}`);
  expect((await rows(db, "SHOW QUERIES"))[0]![4]).toBe("killed");
  expect(rows(db, `KILL QUERY ${id} ON "this-host"`)).rejects.toThrow("already killed");
  expect(parts.next()).rejects.toThrow("query interrupted");
  const next = (await results.next()).value!;
  expect(next.series[Symbol.asyncIterator]().next()).rejects.toThrow("not executed");
  expect((await results.next()).done).toBe(true);
  expect(db.databases()).toEqual(["db"]);
  expect((await rows(db, "SHOW QUERIES")).length).toBe(1);
  expect(rows(db, `KILL QUERY ${id}`)).rejects.toThrow(`no such query id: ${id}`);
});

test("a query that its reader leaves is no longer listed", async () => {
  const db = await openNew();
  const { results } = await begun(db, "SELECT v FROM m");
  await results.return?.();
  expect((await rows(db, "SHOW QUERIES")).map((row) => row[1])).toEqual(["SHOW QUERIES"]);
});

test("passwords are not listed", async () => {
  const db = await openNew();
  const { results } = await begun(db, "SELECT v FROM m; SET PASSWORD FOR ann = 'secret'");
  const listed = JSON.stringify(await rows(db, "SHOW QUERIES"));
  expect(listed).toContain("SET PASSWORD FOR ann = [REDACTED]");
  expect(listed).not.toContain("secret");
  await results.return?.();
});

test("with maxConcurrentQueries one more is refused, as the error of its statement, until one has ended", async () => {
  const db = await openNew({ maxConcurrentQueries: 1 });
  const { results } = await begun(db, "SELECT v FROM m");
  expect(rows(db, "SHOW DATABASES")).rejects.toThrow("max-concurrent-queries limit exceeded(1, 1)");
  await results.return?.();
  expect(await rows(db, "SHOW DATABASES")).toEqual([["db"]]);
});

test("durations are rounded as InfluxDB's", () => {
  const texts = [0.0534, 53.9, 999.99, 1000, 61_500, 3_600_000].map(roundedDuration);
  expect(texts).toEqual(["53µs", "53ms", "999ms", "1s", "1m1s", "1h0m0s"]);
});
