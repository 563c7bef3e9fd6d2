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

test("conditions over a tag of many values find the same beside others that leave few series", async () => {
  const folder = mkdtempSync(join(tmpdir(), "serie-values-"));
  const db = await open({ dataDir: folder, partitions: 1 });
  try {
    const tagsOf = (i: number) => ({
      c: i % 11 === 0 ? "" : `c${(i * 7919) % 3000}`,
      host: i % 29 === 0 ? "" : `h${i % 100}`,
      i: `${i}`,
      zone: `z${i % 3}`,
    });
    const all = Array.from({ length: 3000 }, (_, i) => tagsOf(i));
    const keyOf = (tags: Record<string, string>) =>
      [
        "m",
        ...Object.entries(tags).flatMap(([key, value]) => (value === "" ? [] : `${key}=${value}`)),
      ].join();
    await db.writeLines(all.map((tags) => `${keyOf(tags)} v=1 1`).join("\n"), { database: "d" });
    type Tags = (typeof all)[number];
    const over: readonly (readonly [string, (tags: Tags) => boolean])[] = [
      ["c != ''", ({ c }) => c !== ""],
      ["c = ''", ({ c }) => c === ""],
      ["c =~ /^c1/", ({ c }) => c.startsWith("c1")],
      ["c !~ /7$/", ({ c }) => !c.endsWith("7")],
      ["c !~ /./", ({ c }) => c === ""],
      ["c != 'c7919'", () => true],
      ["c != i", ({ c, i }) => c !== i],
      ["(c =~ /^c2/ OR c = '')", ({ c }) => c.startsWith("c2") || c === ""],
    ];
    const few: typeof over = [
      ["host = 'h3'", ({ host }) => host === "h3"],
      ["host =~ /^h4.$/", ({ host }) => /^h4.$/.test(host)],
      ["(host = 'h5' OR host = '')", ({ host }) => host === "h5" || host === ""],
      ["host = 'h6' AND zone != 'z1'", ({ host, zone }) => host === "h6" && zone !== "z1"],
      ["host = 'nowhere'", () => false],
      ["zone = 'z2'", ({ zone }) => zone === "z2"],
    ];
    const alone = async (left: readonly Tags[]) => {
      for (const [where, holds] of over) {
        const answer = await db.query(`SHOW SERIES FROM m WHERE ${where}`, { database: "d" });
        const found = answer.flatMap(({ rows }) => rows.map(([key]) => key as string));
        expect([where, found]).toEqual([where, left.filter(holds).map(keyOf).sort()]);
      }
    };
    await alone(all);
    for (const [one, isOne] of over)
      for (const [other, isOther] of few) {
        const expected = all.filter((tags) => isOne(tags) && isOther(tags)).map(keyOf);
        for (const where of [`${one} AND ${other}`, `${other} AND ${one}`]) {
          const answer = await db.query(`SHOW SERIES FROM m WHERE ${where}`, { database: "d" });
          const found = answer.flatMap(({ rows }) => rows.map(([key]) => key as string));
          expect([where, found]).toEqual([where, expected.sort()]);
        }
      }
    await db.query("DROP SERIES FROM m WHERE host =~ /^h[1-4].$/", { database: "d" });
    await alone(all.filter(({ host }) => !/^h[1-4].$/.test(host)));
  } finally {
    await db.close();
    rmSync(folder, { recursive: true });
  }
});

test("a condition over a tag of many values gives way between the partitions", async () => {
  const folder = mkdtempSync(join(tmpdir(), "serie-values-"));
  const db = await open({ dataDir: folder, partitions: 8 });
  try {
    for (let from = 0; from < HOSTS; from += 20_000) {
      const lines = Array.from({ length: 20_000 }, (_, i) => `m,host=h${from + i} v=1 1`).join("\n");
      await db.writeLines(lines, { database: "d" });
    }
    await db.flush();
    // what part of its time a query keeps others waiting for at once, at best
    let longest = 1;
    for (let run = 0; run < 5; run++) {
      const turns: number[] = [];
      let last = performance.now();
      const look = () => {
        turns.push(performance.now() - last);
        last = performance.now();
      };
      let isOver = false;
      const looks = (async () => {
        while (!isOver) {
          await new Promise((resolve) => setImmediate(resolve));
          look();
        }
      })();
      const answer = await db.query("SELECT count(v) FROM m WHERE host !~ /7$/", { database: "d" });
      look();
      isOver = true;
      await looks;
      expect(answer[0]!.rows[0]![1]).toBe((HOSTS / 10) * 9);
      longest = Math.min(longest, Math.max(...turns) / turns.reduce((sum, ms) => sum + ms, 0));
    }
    expect(longest).toBeLessThan(0.5);
  } finally {
    await db.close();
    rmSync(folder, { recursive: true });
  }
});
