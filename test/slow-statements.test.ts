// The slow-query log, and the figures of SHOW STATS and SHOW DIAGNOSTICS.
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../src/base/version.ts";
import { Database } from "../src/db/database.ts";
import type { OptionsInput } from "../src/db/options.ts";
import type { ResultSeries } from "../src/query/result.ts";
import type { SlowStatement } from "../src/query/slow.ts";

const folders: string[] = [];
const opened: Database[] = [];

afterEach(async () => {
  for (const db of opened.splice(0)) await db.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A database whose clock goes on by 10 ms whenever somebody looks at it. */
async function openSlow(options: OptionsInput): Promise<{ db: Database; slow: SlowStatement[] }> {
  const dataDir = mkdtempSync(join(tmpdir(), "serie-slow-"));
  folders.push(dataDir);
  let nowMs = 0;
  const clock = {
    nowNs: () => 1_700_000_000_000_000_000n,
    elapsedMs: () => (nowMs += 10),
    every: () => () => undefined,
  };
  const db = await Database.open({ partitions: 2, ...options, dataDir }, undefined, clock);
  opened.push(db);
  const slow: SlowStatement[] = [];
  db.onSlowStatement = (statement) => slow.push(statement);
  await db.writeLines("m,t=a v=1 1\nm,t=b v=2 2", { database: "db" });
  return { db, slow };
}

async function series(db: Database, query: string): Promise<ResultSeries[]> {
  const all: ResultSeries[] = [];
  for await (const result of db.run(query, { database: "db" }))
    for await (const part of result.series) all.push(part);
  return all;
}

test("a statement over the threshold is reported with its plan and rows, and counted", async () => {
  const { db, slow } = await openSlow({ slowQueryThreshold: "10ms" });
  await series(db, "SELECT v FROM m WHERE t = 'a'");
  expect(slow.length).toBe(1);
  const [{ plan, durationMs, ...rest }] = slow as [SlowStatement];
  expect(rest).toEqual({ text: "SELECT v FROM m WHERE t = 'a'", database: "db", rows: 1, error: null });
  expect(durationMs).toBeGreaterThanOrEqual(10);
  expect(plan).toContain("    where: (t::tag = 'a')");
  expect(db.metrics().find(({ name }) => name === "serie_slow_statements_total")!.value).toBe(1);
});

test("one that fails is reported once, with its error", async () => {
  const { db, slow } = await openSlow({ slowQueryThreshold: "10ms" });
  expect(series(db, "SELECT bogus(v) FROM m")).rejects.toThrow("undefined function bogus()");
  await Bun.sleep(20);
  expect(slow.map(({ error, plan }) => [error, plan])).toEqual([["undefined function bogus()", []]]);
});

test("one that is quicker is not, and without a threshold none is", async () => {
  const quick = await openSlow({ slowQueryThreshold: "10m" });
  await series(quick.db, "SELECT v FROM m");
  const off = await openSlow({});
  await series(off.db, "SELECT v FROM m");
  expect([...quick.slow, ...off.slow]).toEqual([]);
});

test("SHOW STATS has InfluxDB's modules with figures that are true, and one alone", async () => {
  const { db } = await openSlow({});
  const all = await series(db, "SHOW STATS");
  expect(all.map(({ name }) => name)).toEqual([
    "runtime",
    "queryExecutor",
    "write",
    "subscriber",
    "cq",
    "serie",
  ]);
  const [write] = await series(db, "SHOW STATS FOR 'write'");
  expect(write!.columns).toEqual(["pointReq", "req", "writeDrop", "writeOk"]);
  expect(write!.rows).toEqual([[2, 1, 0, 1]]);
  const [queries] = await series(db, "SHOW STATS FOR 'queryExecutor'");
  expect(queries!.columns).toEqual([
    "queriesActive",
    "queriesExecuted",
    "queriesFinished",
    "queryDurationNs",
  ]);
  expect(queries!.rows[0]!.slice(0, 3)).toEqual([1, 3, 2]);
  expect(await series(db, "SHOW STATS FOR 'nothing'")).toEqual([]);
});

test("SHOW DIAGNOSTICS names version, process and options", async () => {
  const { db } = await openSlow({ maxMemSize: "2MiB" });
  const all = await series(db, "SHOW DIAGNOSTICS");
  expect(all.map(({ name }) => name)).toEqual(["build", "config", "network", "runtime", "system"]);
  const [build] = await series(db, "SHOW DIAGNOSTICS FOR 'build'");
  expect([build!.columns, build!.rows]).toEqual([
    ["Branch", "Build Time", "Commit", "Version"],
    [["", "", "", version]],
  ]);
  const config = all[1]!;
  expect(config.rows[0]![config.columns.indexOf("max-mem-size")]).toBe(2 * 2 ** 20);
  expect(all[4]!.rows[0]![all[4]!.columns.indexOf("PID")]).toBe(process.pid);
});

test("SHOW DIAGNOSTICS names the partitions that the data folder has, whatever was asked for, and the threads that run", async () => {
  const { db } = await openSlow({});
  await db.close();
  const again = await Database.open({ dataDir: db.options.dataDir, partitions: 7 });
  opened.push(again);
  const [config] = await series(again, "SHOW DIAGNOSTICS FOR 'config'");
  expect(config!.rows[0]![config!.columns.indexOf("partitions")]).toBe(2);
  // (asked for: 0)
  expect(config!.rows[0]![config!.columns.indexOf("threads")]).toBe(1);
  expect(again.warnings[0]).toContain("has 2 partitions since it was made; partitions = 7 has no effect");
});
