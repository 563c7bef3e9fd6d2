// The database at its edges: linear memory that is full, and a DROP DATABASE beside writes and what is made of its name.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NotFoundError, OverloadedError } from "../src/base/errors.ts";
import { Database } from "../src/db/database.ts";
import { Head } from "../src/db/head.ts";
import { resolveOptions } from "../src/db/options.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { MemoryDisk } from "./disk/memory.ts";

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "serie-edges-"));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

async function count(db: Database, database: string): Promise<number> {
  for await (const { series } of db.run("SELECT count(v) FROM m", { database }))
    for await (const { rows } of series) return Number(rows[0]![1]);
  return 0;
}

test("when linear memory is nearly full a write is refused before it is logged, and accepted when there is room", async () => {
  const db = await Database.open({ dataDir });
  await db.writeLines("m v=1 1", { database: "d" });
  const used = Object.getOwnPropertyDescriptor(Kernels.prototype, "usedBytes")!;
  Object.defineProperty(Kernels.prototype, "usedBytes", { ...used, get: () => 3.5 * 2 ** 30 });
  try {
    await expect(db.writeLines("m v=2 2", { database: "d" })).rejects.toBeInstanceOf(OverloadedError);
  } finally {
    Object.defineProperty(Kernels.prototype, "usedBytes", used);
  }
  expect(db.health().status).toBe("pass");
  expect(db.metrics().find(({ name }) => name === "serie_log_records_total")!.value).toBe(1);
  await db.writeLines("m v=3 3", { database: "d" });
  expect(await count(db, "d")).toBe(2);
  await db.close();
});

test("an area larger than linear memory is refused, not cut to 32 bits", () => {
  const kernels = new Kernels();
  expect(() => kernels.alloc(2 ** 32 + 8)).toThrow(OverloadedError);
  expect(() => kernels.alloc(2 ** 30 + 1)).toThrow(OverloadedError);
});

test("rows that are written beside a DROP DATABASE are not in the next database of that name", async () => {
  for (let round = 0; round < 5; round++) {
    const db = await Database.open({ dataDir, autoCreateDatabase: false });
    await db.createDatabase("d");
    const target = { database: "d" };
    await db.writeLines("m v=1 1", target);
    let dropped = false;
    const dropping = db.dropDatabase("d").then(() => {
      dropped = true;
    });
    const writes: Promise<unknown>[] = [];
    for (let time = 2; !dropped; time++) {
      writes.push(db.writeLines(`m v=1 ${time}`, target).catch(() => undefined));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await dropping;
    await Promise.all(writes);
    // rows that no database has would come back with the next one of its name
    expect(db.databases()).toEqual([]);
    await db.createDatabase("d");
    expect(await count(db, "d")).toBe(0);
    await db.dropDatabase("d");
    await db.close();
  }
}, 20_000);

test("what is made of a database beside its DROP goes with it, or is of the next one of its name and stays", async () => {
  const query = (name: string) =>
    `CREATE CONTINUOUS QUERY ${name} ON d BEGIN SELECT count(v) INTO n FROM m GROUP BY time(1m) END`;
  const subscription = (name: string) =>
    `CREATE SUBSCRIPTION ${name} ON d.autogen DESTINATIONS ANY 'http://127.0.0.1:1'`;
  const made = (db: Database) => ({
    queries: db.continuousQueries.list("d").map(({ name }) => name),
    subscriptions: db.subscriptions.list("d").map(({ name }) => name),
    grants: db.users.grants("u").map(({ database, privilege }) => [database, privilege]),
  });
  const outcomes = new Set<boolean>();
  for (let turns = 0; turns < 50; turns++) {
    const disk = new MemoryDisk(turns + 1);
    const db = await Database.open({ dataDir: "/data", partitions: 1 }, disk);
    const ask = async (text: string) => {
      for await (const { series } of db.run(text)) for await (const _ of series);
    };
    const statements = (name: string) => [query(name), subscription(name), "GRANT READ ON d TO u"];
    for (const text of ["CREATE USER u WITH PASSWORD ''", "CREATE DATABASE d", ...statements("old")])
      await ask(text);
    const dropping = db.dropDatabase("d");
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    const answers: Promise<unknown>[] = [];
    // each begins while those before it are on their way
    for (const text of ["CREATE DATABASE d", ...statements("next")]) {
      answers.push(ask(text).catch((error) => expect(error).toBeInstanceOf(NotFoundError)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all([dropping, ...answers]);
    const isThere = db.databases().includes("d");
    outcomes.add(isThere);
    if (!isThere) await db.createDatabase("d");
    const expected = isThere
      ? { queries: ["next"], subscriptions: ["next"], grants: [["d", "read"]] }
      : { queries: [], subscriptions: [], grants: [] };
    expect([turns, made(db)]).toEqual([turns, expected as ReturnType<typeof made>]);
    const again = await Database.open({ dataDir: "/data", partitions: 1 }, disk.crash("machine"));
    expect([turns, again.databases(), made(again)]).toEqual([
      ...[turns, ["d"]],
      expected as ReturnType<typeof made>,
    ]);
    await again.close();
  }
  expect(outcomes).toEqual(new Set([false, true]));
}, 60_000);

test.each([1, 2])(
  "texts with NUL in them make no two groups one, nor two fields, in %d threads",
  async (threads) => {
    const db =
      threads === 1
        ? await Database.open({ dataDir })
        : await Head.open(resolveOptions({ dataDir, threads }));
    const ask = async (text: string) => {
      const answer: unknown[] = [];
      for await (const { series } of db.run(text, { database: "d" }))
        for await (const { tags, rows } of series)
          answer.push([...(tags?.values() ?? []), ...[...rows].flatMap((row) => row.slice(1))]);
      return answer.sort();
    };
    const pairs = [
      ["x\0y", "z"],
      ["x", "y\0z"],
      ["x\0y\0z", "-"],
    ] as const;
    const lines = pairs.flatMap(([a, b], i) => [1, 2].map((time) => `m,a=${a},b=${b} v=${i} ${time}`));
    await db.writeLines(lines.join("\n"), { database: "d" });
    const expected = pairs.map(([a, b], i) => [a, b, i]).sort();
    for (const calls of ["last(v)", "mean(v)", "median(v)", "percentile_approx(v, 50)"])
      expect([calls, await ask(`SELECT ${calls} FROM m GROUP BY a, b`)]).toEqual([calls, expected]);
    const windows = "WHERE time < 4 GROUP BY time(2ns), a, b fill(previous)";
    expect((await ask(`SELECT last(v) FROM m ${windows}`)).length).toBe(3);
    expect(
      await ask("SELECT x.v, y.v FROM m AS x JOIN m AS y USING (time, a, b) GROUP BY a, b"),
    ).toHaveLength(3);
    expect(
      await ask("SELECT sum(s) FROM (SELECT sum(v) AS s FROM m GROUP BY a, b) GROUP BY a, b"),
    ).toHaveLength(3);
    expect(await ask("SELECT count_distinct(v), count(v) FROM m GROUP BY a, b")).toHaveLength(3);
    expect(await ask("SHOW SERIES EXACT CARDINALITY FROM m GROUP BY a, b")).toHaveLength(3);
    // deletions of fields that wait for the same segment
    await db.writeLines("f,h=x c\0d=1,c=1,d=1,e=1 1\nf,h=x c\0d=1,c=1,d=1,e=1 2", { database: "d" });
    await db.flush();
    for (const fields of ['"c\0d"', "c, d"]) await ask(`DELETE ${fields} FROM f WHERE e = 1 AND time = 1`);
    expect(await ask("SELECT * FROM f")).toEqual([[null, null, null, 1, "x", 1, 1, 1, 1, "x"]]);
    await db.close();
  },
);
