// Compaction beside everything else: what it must not lose while tables are dropped or pages are damaged under it.
import { expect, test } from "bun:test";
import type { Clock } from "../src/base/clock.ts";
import { CorruptionError } from "../src/base/errors.ts";
import { Database } from "../src/db/database.ts";
import { pickRun } from "../src/store/compact.ts";
import type { SegmentEntry } from "../src/store/manifest.ts";
import { MemoryDisk } from "./disk/memory.ts";

const options = { dataDir: "/data", partitions: 1 };
const clock: Clock = { nowNs: () => 0n, elapsedMs: () => 0, every: () => () => {} };
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function rowsOf(db: Database, text: string): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const result of db.run(text, { database: "db" }))
    for await (const { rows } of result.series) all.push(...rows);
  return all;
}

function segmentsOf(db: Database): number {
  return db.metrics().find(({ name }) => name === "serie_segments")!.value;
}

/** Three flushes of `rows` rows in tables a and b each; the fourth brings a merge. */
async function almostMerging(disk: MemoryDisk, rows: number): Promise<Database> {
  const db = await Database.open(options, disk, clock);
  await db.createDatabase("db");
  await db.createDatabase("elsewhere");
  await db.writeLines("x v=1 1", { database: "elsewhere" });
  for (let flush = 0; flush < 4; flush++) {
    const lines = Array.from({ length: rows }, (_, i) => {
      const time = flush * rows + i;
      return `a,host=h${i % 7} v=${time} ${time}\nb,host=h${i % 7} v=${time} ${time}`;
    });
    await db.writeLines(lines.join("\n"), { database: "db" });
    if (flush < 3) await db.flush();
  }
  return db;
}

test("a drop of another table at any moment of a merge takes no rows of these", async () => {
  for (let moment = 0; moment < 14; moment++) {
    const db = await almostMerging(new MemoryDisk(moment + 1), 50);
    await db.flush();
    for (let t = 0; t < moment; t++) await turn();
    await db.dropDatabase("elsewhere");
    await db.flush();
    for (let t = 0; t < 40; t++) await turn();
    for (const table of ["a", "b"])
      expect(await rowsOf(db, `SELECT count(v) FROM ${table}`)).toEqual([[0n, 200]]);
    expect(db.health().status).toBe("pass");
    await db.close();
  }
}, 30_000);

test("a merge that meets a damaged page leaves its inputs, says so, and stops no writes and flushes", async () => {
  const disk = new MemoryDisk();
  const db = await almostMerging(disk, 50);
  await db.close();
  // four of database db, behind the one of the other; a page begins behind the header's 47 bytes
  const name = disk.list("/data/p00").filter((name) => name.endsWith(".seg"))[1]!;
  const path = `/data/p00/${name}`;
  const file = disk.open(path, "append");
  const page = disk.readFile(path).subarray(60, 61);
  file.writeAt(60, Uint8Array.of(page[0]! ^ 0xff));
  file.close();

  const again = await Database.open(options, disk, clock);
  for (let flush = 0; flush < 3; flush++) {
    await again.writeLines(`a,host=h0 v=1 ${1000 + flush}`, { database: "db" });
    await again.flush();
    for (let t = 0; t < 40; t++) await turn();
  }
  const before = segmentsOf(again);
  expect(before).toBeGreaterThanOrEqual(4);
  const health = again.health();
  expect([health.status, health.checks.find(({ status }) => status === "fail")?.name]).toEqual([
    "fail",
    "segments",
  ]);
  expect(health.message).toContain(name);
  // what the damage does not touch can be read, what it does is an error and no wrong answer
  expect(await rowsOf(again, "SELECT count(v) FROM a WHERE time >= 1000")).toEqual([[1000n, 3]]);
  await expect(rowsOf(again, "SELECT v FROM a")).rejects.toBeInstanceOf(CorruptionError);
  for (let flush = 0; flush < 8; flush++) {
    await again.writeLines(`a,host=h0 v=2 ${2000 + flush}`, { database: "db" });
    await again.flush();
    for (let t = 0; t < 20; t++) await turn();
  }
  expect(segmentsOf(again)).toBeLessThan(before + 8);
  expect(disk.exists(path)).toBe(true);
  await again.close();
});

test("a segment that is gone and put back later is as old as it was, and what was dropped stays dropped", async () => {
  let disk = new MemoryDisk();
  let db = await Database.open(options, disk, clock);
  const write = async (lines: string) => {
    expect((await db.writeLines(lines, { database: "db" })).errors).toEqual([]);
    await db.flush();
    for (let t = 0; t < 30; t++) await turn();
  };
  const reopen = async () => {
    await db.close();
    disk = disk.crash("process");
    db = await Database.open(options, disk, clock);
  };
  await db.createDatabase("db");
  for (const value of [1, 2, 3])
    await write(
      `m v=${value} 1\nm v=${value} ${value + 1}\ngone v=1 1${value < 3 ? `\nm v=${value} 50` : ""}`,
    );
  await reopen();
  const path = `/data/p00/${disk.list("/data/p00").filter((name) => name.endsWith(".seg"))[1]}`;
  const bytes = disk.readFile(path);
  disk.unlink(path);
  await reopen();
  expect([db.health().status, await rowsOf(db, "SELECT v FROM m")]).toEqual([
    "fail",
    [
      [1n, 3],
      [2n, 1],
      [4n, 3],
      [50n, 1],
    ],
  ]);
  await db.dropMeasurement("db", "gone");
  // enough flushes that the newer ones are merged
  for (let value = 4; value < 12; value++) await write(`m v=${value} ${value + 1}\nm v=9 3`);
  expect(segmentsOf(db)).toBeLessThan(8);
  await reopen();
  disk.open(path, "create").append(bytes);
  await reopen();
  expect(db.health().status).toBe("pass");
  const rows = await rowsOf(db, "SELECT v FROM m WHERE v < 4 OR v = 9");
  // the segment that was away is the second of three: it loses at 1 and 3, and wins at 50
  expect(rows).toEqual([
    [1n, 3],
    [2n, 1],
    [3n, 9],
    [4n, 3],
    [10n, 9],
    [50n, 2],
  ]);
  expect(await rowsOf(db, "SELECT v FROM gone")).toEqual([]);
  await db.close();
});

test("no run reaches across a damaged segment", () => {
  const entries = Array.from({ length: 9 }, (_, i): SegmentEntry => {
    const times = { windowStart: 0n, windowEnd: 1n, minTime: 0n, maxTime: 0n };
    return { id: i, database: "d", retentionPolicy: "r", ...times, rows: 1, sizeBytes: 100, hidden: [] };
  });
  const ids = (damaged: number[]) => pickRun(entries, new Set(damaged))?.map(({ id }) => id) ?? null;
  expect(ids([])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(ids([3])).toEqual([4, 5, 6, 7, 8]);
  expect(ids([8])).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(ids([6])).toEqual([0, 1, 2, 3, 4, 5]);
  expect(ids([3, 6])).toBe(null);
});
