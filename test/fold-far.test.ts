// Fields whose pages stand so far behind the times of their row group that these are copied apart: a fold of several of them at once.
import { expect, test } from "bun:test";
import { Database } from "../src/db/database.ts";
import { MemoryDisk, randomNumbers } from "./disk/memory.ts";

const ROWS = 4096;
const FIELDS = 12;

async function answerOf(db: Database, text: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const { series } of db.run(text, { database: "db" }))
    for await (const part of series) rows.push(...part.rows);
  return rows;
}

test("they are folded from their own pages, before and after a flush", async () => {
  const random = randomNumbers(7);
  const db = await Database.open({ dataDir: "/data", partitions: 1 }, new MemoryDisk());
  await db.createDatabase("db");
  // of no shorter form (and with times of none), so that pages are long; sums are exact
  const value = () => Math.floor(random() * 2 ** 40) / 2;
  const lines = Array.from({ length: ROWS }, (_, row) => {
    const values = Array.from({ length: FIELDS }, (_, field) => `f${10 + field}=${value()}`);
    return `m ${values.join(",")} ${row * 1000 + Math.floor(random() * 999)}`;
  });
  await db.writeLines(lines.join("\n"), { database: "db" });
  const folds = ["sum(f19), max(f20), count(f21)", "mean(f20), first(f21)", "sum(f10), last(f21)"];
  const texts = folds.flatMap((calls) =>
    ["GROUP BY time(1ms)", ""].map((by) => `SELECT ${calls} FROM m WHERE time >= 0 AND time < 3000000 ${by}`),
  );
  const inMemory: unknown[] = [];
  for (const text of texts) inMemory.push(await answerOf(db, text));
  await db.flush();
  for (const [i, text] of texts.entries()) expect(await answerOf(db, text)).toEqual(inMemory[i] as never);
  await db.close();
});
