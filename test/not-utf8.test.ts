// Names and texts that are no UTF-8, as old agents send them: tags and texts are kept as they came, whatever the batch needs;
// what has such a name of a measurement or field is refused.
import { expect, test } from "bun:test";
import { Database } from "../src/db/database.ts";
import { BatchBuilder } from "../src/ingest/builder.ts";
import { printLines } from "../src/ingest/print-lines.ts";
import { bytesOfText } from "../src/model/bytetext.ts";
import { MemoryDisk } from "./disk/memory.ts";

const OPTIONS = { dataDir: "/data", partitions: 2 };
const TARGET = { database: "d" };

async function rowsOf(db: Database, q: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const { series } of db.run(q, TARGET)) for await (const part of series) rows.push(...part.rows);
  return rows;
}

/** The same before and after a restart, out of the log, and out of segments. */
async function expectKept(disk: MemoryDisk, db: Database, q: string, rows: unknown[]): Promise<void> {
  expect(await rowsOf(db, q)).toEqual(rows);
  await db.close();
  const again = await Database.open(OPTIONS, disk);
  expect(await rowsOf(again, q)).toEqual(rows);
  await again.flush();
  expect(await rowsOf(again, q)).toEqual(rows);
  await again.close();
}

async function opened(): Promise<{ disk: MemoryDisk; db: Database }> {
  const disk = new MemoryDisk(1);
  const db = await Database.open(OPTIONS, disk);
  await db.createDatabase("d");
  return { disk, db };
}

test("tags keep their bytes in a batch of which a value is converted", async () => {
  const { disk, db } = await opened();
  const lines = bytesOfText("u,h=\xe4 v=1 1\nu,h=\xf6 v=2i 1\nu,h=\xfc v=3 1");
  expect((await db.writeLines(lines, TARGET)).errors).toEqual([]);
  // a tag that is written again is the same
  expect((await db.writeLines(bytesOfText("u,h=\xe4 v=4 1\nx n=1 1\nx n=2i 2"), TARGET)).errors).toEqual([]);
  await expectKept(disk, db, "SELECT sum(v), count(v) FROM u", [[0n, 9, 3]]);
});

test("tags and texts keep their bytes in a batch of which a point is refused", async () => {
  const { disk, db } = await opened();
  const lines = bytesOfText('u,h=\xe4 s="\xe4" 1\nu,h=\xf6 s="\xf6" 1\nz v=1 1\nz v="s" 2');
  const { rows, dropped } = await db.writeLines(lines, TARGET);
  expect([rows, dropped]).toEqual([3, 1]);
  await expectKept(disk, db, "SELECT count(s), count(distinct(s)) FROM u", [[0n, 2, 1]]);
});

test("points whose measurement or field has no name in UTF-8 are refused, each with the reason", async () => {
  const { disk, db } = await opened();
  const lines = bytesOfText("u \xe4=1 1\nu \xf6=2 1\nu v=1 1\n\xfc v=1 1\nu v=2,\xe4=3 2");
  const { rows, dropped, errors } = await db.writeLines(lines, TARGET);
  expect([rows, dropped]).toEqual([1, 4]);
  expect(errors).toEqual([
    'invalid field name: input field "\ufffd" on measurement "u" is not UTF-8 at line 1',
    'invalid measurement name: "\ufffd" is not UTF-8 at line 4',
  ]);
  expect((await db.writeLines(bytesOfText("u \xe4=1 3"), TARGET)).dropped).toBe(1);
  // the character itself is a name as others are
  expect((await db.writeLines("u \ufffd=5 3", TARGET)).errors).toEqual([]);
  await expectKept(disk, db, "SELECT * FROM u", [
    [1n, 1, null],
    [3n, null, 5],
  ]);
});

test("subscribers get the bytes, too", () => {
  const batch = new BatchBuilder({ database: "d" }, bytesOfText);
  batch.add("u", [{ key: "h", value: "\xe4" }], [["s", '"\xf6']], 1n);
  expect([...printLines(batch.finish())]).toEqual(['u,h=\xe4 s="\\"\xf6" 1']);
});
