// What drops and deletions cost: over many measurements a walk over the series, not one for each measurement; of a few series no
// walk. Time of the processor is counted, not that of the clock, which others' work is in.
import { expect, test } from "bun:test";
import { Database } from "../src/db/database.ts";
import { MemoryDisk } from "./disk/memory.ts";

const SERIES = 60_000;

async function opened(measurements: number, series = SERIES): Promise<Database> {
  const db = await Database.open({ dataDir: "/data", partitions: 1 }, new MemoryDisk(1));
  await db.createDatabase("d");
  const each = series / measurements;
  for (let m = 0; m < measurements; m++) {
    const lines = Array.from({ length: each }, (_, s) => `m${m},host=h${s} v=1 1`);
    expect((await db.writeLines(lines.join("\n"), { database: "d" })).errors).toEqual([]);
  }
  await db.flush();
  return db;
}

async function rows(db: Database, text: string): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const { series } of db.run(text, { database: "d" }))
    for await (const part of series) all.push(...part.rows);
  return all;
}

/** Milliseconds of the processor. */
async function cost(db: Database, text: string): Promise<number> {
  const before = process.cpuUsage();
  await rows(db, text);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

test("of 300 measurements it is a few times that of one with as many series", async () => {
  const few = await opened(1);
  const many = await opened(300);
  // (and what is compiled the first time is compiled)
  for (const db of [few, many]) await cost(db, "DROP SERIES WHERE host = 'h0'");
  const statements = ["DROP SERIES WHERE host = 'h1'", "DELETE WHERE host = 'h2' AND time < 5"];
  for (const text of statements) {
    const ofOne = await cost(few, text);
    expect([text, (await cost(many, text)) < 20 * Math.max(10, ofOne)]).toEqual([text, true]);
  }
  expect(await rows(many, "SHOW SERIES CARDINALITY")).toEqual([[SERIES - 3 * 300]]);
  expect(await rows(many, "SHOW TAG VALUES FROM m299 WITH KEY = host LIMIT 2")).toEqual([
    ["host", "h10"],
    ["host", "h100"],
  ]);
  const drop = "DROP DATABASE d";
  const ofOne = await cost(few, drop);
  expect([drop, (await cost(many, drop)) < 20 * Math.max(5, ofOne)]).toEqual([drop, true]);
  await few.close();
  await many.close();
}, 60_000);

test("of a series among 200,000 it is a few times that of one among 2,000, with the next statement that looks for some", async () => {
  const costs: number[] = [];
  for (const series of [2_000, 200_000]) {
    const db = await opened(1, series);
    const drop = async (s: number) => {
      await rows(db, `DROP SERIES FROM m0 WHERE host = 'h${s}'`);
      expect(await rows(db, `SHOW SERIES WHERE host = 'h${s}' OR host = 'h1999'`)).toEqual([
        ["m0,host=h1999"],
      ]);
    };
    for (let s = 0; s < 20; s++) await drop(s);
    const before = process.cpuUsage();
    for (let s = 20; s < 60; s++) await drop(s * 30);
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / 1000);
    expect(await rows(db, "SHOW SERIES CARDINALITY")).toEqual([[series - 60]]);
    await db.close();
  }
  expect(costs[1]!).toBeLessThan(8 * Math.max(50, costs[0]!));
}, 60_000);
