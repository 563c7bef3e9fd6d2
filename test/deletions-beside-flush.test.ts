// A deletion that comes into a flush waits for one store of it, not for all; wherever a crash comes, it was done whole or not at
// all, and what was written after it stays.
import { expect, test } from "bun:test";
import type { Clock } from "../src/base/clock.ts";
import { Database } from "../src/db/database.ts";
import { MemoryDisk } from "./disk/memory.ts";

const options = { dataDir: "/data", partitions: 4 };
const clock: Clock = { nowNs: () => 1_000n, elapsedMs: () => 0, every: () => () => {} };
const SERIES = 12;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function ask(db: Database, text: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const { series } of db.run(text, { database: "d" }))
    for await (const part of series) rows.push(...part.rows);
  return rows;
}

function write(
  db: Database,
  retentionPolicy: string,
  time: number,
  value: number | string,
): Promise<unknown> {
  const lines = Array.from({ length: SERIES }, (_, s) => `m,w=x,s=${s} v=1,f=${value} ${time}`);
  return db.writeLines(lines.join("\n"), { database: "d", retentionPolicy });
}

const statements: readonly [statement: string, field: "v" | "f"][] = [
  ["DELETE FROM m WHERE time < 10", "v"],
  ["DELETE FROM m WHERE w = 'x'", "v"],
  ["DELETE f FROM m", "f"],
  ["DROP SERIES FROM m WHERE w = 'x'", "v"],
  ["DROP MEASUREMENT m", "v"],
  ["DROP DATABASE d; CREATE DATABASE d", "v"],
  [
    "DROP RETENTION POLICY p ON d; CREATE RETENTION POLICY p ON d DURATION 0s REPLICATION 1 SHARD DURATION 2h DEFAULT",
    "v",
  ],
];

for (const [statement, field] of statements)
  test(`${statement.split(";")[0]}: all or nothing, and soon`, async () => {
    const isOfAll = statement.startsWith("DROP DATABASE");
    const policy = isOfAll ? "" : "p";
    // what is found of before: all, or nothing
    const lefts = new Set<number>();
    let isOver = false;
    for (let operation = 1; !isOver; operation += 3) {
      const disk = new MemoryDisk(operation + 1);
      const db = await Database.open(options, disk, clock);
      await ask(db, "CREATE DATABASE d");
      if (!isOfAll) await ask(db, "CREATE RETENTION POLICY p ON d DURATION 0s REPLICATION 1 DEFAULT");
      await write(db, policy, 1, 1);
      await db.flush();
      await write(db, policy, 2, 2);
      let left: MemoryDisk | undefined;
      let count = 0;
      let isAtSecond = false;
      const died = new Promise<void>((resolve) => {
        disk.fault = (_, path) => {
          isAtSecond ||= path.startsWith("/data/p01/");
          if (count++ !== operation) return undefined;
          left = disk.crash(operation % 2 === 0 ? "machine" : "process");
          resolve();
          return "EIO";
        };
      });
      const done: string[] = [];
      const flushed = db.flush().then(() => done.push("flush"));
      flushed.catch(() => undefined);
      const live = async () => {
        while (!isAtSecond) {
          if (left) return;
          await turn();
        }
        await ask(db, statement);
        done.push("statement");
        // (the field may have another type from now on)
        await write(db, policy, 20, field === "f" ? '"new"' : 3);
        done.push("write");
        await flushed;
      };
      await Promise.race([live().catch(() => undefined), died]);
      isOver = left === undefined;
      disk.fault = undefined;
      if (isOver) {
        expect(done).toEqual(["statement", "write", "flush"]);
        await db.close();
      }
      for (let start = 0; start < 2; start++) {
        const again = await Database.open(options, left ?? disk, clock);
        const times = (await ask(again, `SELECT ${field} FROM m`).catch(() => [])).map((row) =>
          Number((row as bigint[])[0]),
        );
        const old = times.filter((time) => time < 10).length;
        const isWhole = old === 0 || (old === 2 * SERIES && !done.includes("statement"));
        expect([operation, start, old, isWhole]).toEqual([operation, start, old, true]);
        if (done.includes("write")) expect(times.filter((time) => time === 20).length).toBe(SERIES);
        expect(again.health().status).toBe("pass");
        lefts.add(old);
        await again.flush();
        await again.close();
      }
    }
    expect(lefts).toEqual(new Set([2 * SERIES, 0]));
  }, 60_000);
