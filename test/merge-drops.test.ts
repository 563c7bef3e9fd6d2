// Policies dropped, rows expired and deleted beside a merge of their segments, at each moment of it: the merge gives up, or leaves
// what is to be left, and writes go on.
import { afterEach, expect, spyOn, test } from "bun:test";
import type { Clock } from "../src/base/clock.ts";
import { Database } from "../src/db/database.ts";
import { MemoryDisk } from "./disk/memory.ts";

const HOUR_NS = 3_600_000_000_000n;
const START_NS = 1_700_000_000_000_000_000n - (1_700_000_000_000_000_000n % HOUR_NS);
const options = { dataDir: "/data", partitions: 1 };

let nowNs = START_NS;
const clock: Clock = { nowNs: () => nowNs, elapsedMs: () => 0, every: () => () => undefined };

async function ask(db: Database, text: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const { series } of db.run(text, { database: "d" }))
    for await (const part of series) rows.push(...part.rows);
  return rows;
}

const now = spyOn(performance, "now");
afterEach(() => {
  now.mockRestore();
});

/** Every slice of long work is one series. */
function pauseOften(): void {
  let ms = 0;
  now.mockImplementation(() => {
    ms += 10;
    return ms;
  });
}

interface Case {
  readonly statements: string;
  /** Of the policy that is merged. */
  readonly measurements: number;
  readonly series: number;
  /** Turns of the event loop before the statements come. */
  readonly moments: readonly number[];
  readonly laterNs: bigint;
  /** Texts of queries and their answers, whenever the statements come. */
  readonly left: readonly (readonly [query: string, rows: readonly unknown[]])[];
}

/** Rows of the same measurements in two policies: four segments of the policy `merged`, whose merge is about to begin. */
async function begun(disk: MemoryDisk, { measurements, series }: Case): Promise<Database> {
  nowNs = START_NS;
  const db = await Database.open(options, disk, clock);
  await ask(db, "CREATE DATABASE d; CREATE RETENTION POLICY merged ON d DURATION 0s REPLICATION 1");
  const lines = (value: number) =>
    Array.from({ length: measurements * series }, (_, i) => {
      return `m${i % measurements},s=${i} v=${value} ${START_NS + BigInt(value)}`;
    }).join("\n");
  expect((await db.writeLines(lines(9), { database: "d" })).errors).toEqual([]);
  for (let value = 1; value <= 4; value++) {
    const target = { database: "d", retentionPolicy: "merged" };
    expect((await db.writeLines(lines(value), target)).errors).toEqual([]);
    await db.flush();
  }
  return db;
}

const mergesOf = (db: Database) => db.metrics().find(({ name }) => name === "serie_compactions_total")!.value;

async function run(each: Case): Promise<void> {
  const compare = async (db: Database) => {
    for (const [query, rows] of each.left) expect([query, await ask(db, query)]).toEqual([query, [...rows]]);
  };
  let merged = 0;
  for (const moment of each.moments) {
    const disk = new MemoryDisk(moment);
    let db = await begun(disk, each);
    for (let turn = 0; turn < moment; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
    if (mergesOf(db) > 0) merged++;
    nowNs += each.laterNs;
    await ask(db, each.statements);
    expect((await db.writeLines(`after v=1 ${nowNs}`, { database: "d" })).errors).toEqual([]);
    await db.engine.maintenance.settle();
    expect(db.health().message).toBe("ready for queries and writes");
    await compare(db);
    await db.close();
    db = await Database.open(options, disk, clock);
    await compare(db);
    await db.close();
  }
  // before the end of the merge
  expect(merged).toBeLessThan(each.moments.length);
}

const moments = Array.from({ length: 40 }, (_, moment) => moment);

test("a policy that is dropped", async () => {
  pauseOften();
  await run({
    ...{ measurements: 6, series: 3, moments, laterNs: 0n },
    statements: "DROP RETENTION POLICY merged ON d",
    left: [
      [
        "SELECT count(v) FROM m0, m5",
        [
          [0n, 3],
          [0n, 3],
        ],
      ],
      ["CREATE RETENTION POLICY merged ON d DURATION 0s REPLICATION 1", []],
      ["SELECT v FROM d.merged.m0, d.merged.m5", []],
    ],
  });
}, 60_000);

test("a measurement and values that are deleted", async () => {
  pauseOften();
  await run({
    ...{ measurements: 6, series: 3, moments, laterNs: 0n },
    statements: "DROP MEASUREMENT m5; DELETE FROM m4 WHERE v > 2 AND v < 9",
    left: [
      ["SELECT count(v) FROM m4", [[0n, 3]]],
      [
        "SELECT count(v) FROM d.merged.m0, d.merged.m4",
        [
          [0n, 12],
          [0n, 6],
        ],
      ],
      ["SELECT v FROM d.merged.m5, d.autogen.m5", []],
    ],
  });
}, 60_000);

// (by the clock: looking for series without rows is faster than the merge, and must overtake it)
test("rows that expire", async () => {
  await run({
    ...{ measurements: 20, series: 400, moments: [1, 2, 3, 4, 6, 8], laterNs: 1000n * HOUR_NS },
    statements: "ALTER RETENTION POLICY merged ON d DURATION 2h SHARD DURATION 1h",
    left: [
      [
        "SELECT count(v) FROM m0, m19",
        [
          [0n, 400],
          [0n, 400],
        ],
      ],
      ["SELECT v FROM d.merged.m0, d.merged.m19", []],
    ],
  });
}, 60_000);
