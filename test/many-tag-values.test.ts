// Statements about the values of tags where there are many: each once, in order, whatever partitions and threads have them; and other
// work goes on meanwhile.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open, type Serie } from "../src/index.ts";

const HOSTS = 100_000;
const hostOf = (i: number) => `h${(i * 7919) % HOSTS}`;

describe.each([1, 3])("threads: %d", (threads) => {
  const folder = mkdtempSync(join(tmpdir(), "serie-values-"));
  let db: Serie;

  beforeAll(async () => {
    db = await open({ dataDir: folder, threads });
    const lines = (from: number, to: number, line: (i: number) => string) =>
      db.writeLines(Array.from({ length: to - from }, (_, i) => line(from + i)).join("\n"), {
        database: "d",
      });
    for (let from = 0; from < HOSTS; from += 20_000)
      await lines(from, from + 20_000, (i) => `m,host=${hostOf(i)},rack=r${i % 50} v=1 1`);
    // values that other series have, too, and those of another key
    await lines(0, 20_000, (i) => `m,host=${hostOf(i)},rack=r7,zone=z v=1 1`);
    await lines(0, 10, (i) => `m,rack=h${i} v=1 1`);
  });

  afterAll(async () => {
    await db.close();
    rmSync(folder, { recursive: true });
  });

  const rowsOf = async (statement: string) =>
    (await db.query(statement, { database: "d" })).flatMap(({ rows }) => rows);

  test("all values come once and in order, and LIMIT and OFFSET cut them", async () => {
    const all = Array.from({ length: HOSTS }, (_, i) => `h${i}`).sort();
    const rows = await rowsOf("SHOW TAG VALUES FROM m WITH KEY = host");
    expect(rows.map(([, value]) => value as string)).toEqual(all);
    const some = await rowsOf("SHOW TAG VALUES FROM m WITH KEY = host LIMIT 4 OFFSET 30000");
    expect(some).toEqual(all.slice(30_000, 30_004).map((value) => ["host", value]));
    const last = await rowsOf(`SHOW TAG VALUES FROM m WITH KEY IN (host, rack) LIMIT 4 OFFSET ${HOSTS - 2}`);
    expect(last).toEqual([
      ...all.slice(-2).map((value) => ["host", value]),
      ...["h0", "h1"].map((value) => ["rack", value]),
    ]);
  });

  test("they are counted once, whatever the key, with conditions and by group", async () => {
    const counted = async (rest: string) => await rowsOf(`SHOW TAG VALUES CARDINALITY FROM m ${rest}`);
    expect(await counted("WITH KEY = host")).toEqual([[HOSTS]]);
    // h0 to h9 are values of rack, too
    expect(await counted("WITH KEY IN (host, rack)")).toEqual([[HOSTS + 50]]);
    expect(await counted("WITH KEY = host WHERE zone = 'z'")).toEqual([[20_000]]);
    expect(await counted("WITH KEY = host WHERE zone = 'z' GROUP BY zone")).toEqual([[20_000]]);
    expect(await counted("WITH KEY = nowhere")).toEqual([]);
    expect(await rowsOf("SHOW TAG KEY CARDINALITY FROM m")).toEqual([[3]]);
    expect(await rowsOf("SHOW TAG KEY CARDINALITY FROM m WHERE rack = 'r8'")).toEqual([[2]]);
    expect(await rowsOf("SHOW MEASUREMENTS WHERE host = 'h99999'")).toEqual([["m"]]);
    expect(await rowsOf("SHOW MEASUREMENTS WHERE host != 'h99999'")).toEqual([]);
  });
});

test("what is held counts against the query's memory, and LIMIT bounds it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "serie-values-"));
  const db = await open({ dataDir: folder, queryMemory: "1MiB" });
  try {
    const lines = Array.from({ length: 60_000 }, (_, i) => `m,host=h${i} v=1 1`).join("\n");
    await db.writeLines(lines, { database: "d" });
    const counted = db.query("SHOW TAG VALUES CARDINALITY FROM m WITH KEY = host", { database: "d" });
    await expect(counted).rejects.toThrow(/1048576 bytes|query-memory/);
    const few = await db.query("SHOW TAG VALUES FROM m WITH KEY = host LIMIT 1", { database: "d" });
    expect(few[0]!.rows).toEqual([["host", "h0"]]);
  } finally {
    await db.close();
    rmSync(folder, { recursive: true });
  }
});
