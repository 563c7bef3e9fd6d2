// Reading ahead: over a disk that has forgotten all pages but those that were asked for ahead, queries answer as ever.

import { ptr } from "bun:ffi";
import { expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../src/base/clock.ts";
import { loadLibc } from "../src/base/libc.ts";
import { Database } from "../src/db/database.ts";
import { replaceFile } from "../src/disk/disk.ts";
import { nodeDisk } from "../src/disk/node.ts";
import { RamDisk } from "../src/disk/ram.ts";
import { Stretches } from "../src/segment/pages-ahead.ts";
import { readParts } from "../src/segment/reader.ts";
import { answerOf } from "./oracle/compare.ts";

const HOSTS = 40;
const HOST_ROWS = 300;
const LONG_ROWS = 20_000;
const SHORT_SERIES = 300;
const MB = 1024 * 1024;
const PAGE = 64 * 1024;
const POSIX_FADV_DONTNEED = 4;
const options = { dataDir: "/data", partitions: 4 };

/** Everything is on it at first. */
class ForgetfulDisk extends RamDisk {
  askedBytes = 0;
  asked = 0;
  readonly #mapped = new Map<Uint8Array, { readonly whole: Uint8Array; readonly path: string }>();

  override map(path: string): Uint8Array {
    const whole = super.map(path);
    const bytes = whole.slice();
    if (path.endsWith(".seg")) this.#mapped.set(bytes, { whole, path });
    return bytes;
  }

  override readAhead(bytes: Uint8Array, start: number, end: number): void {
    const { whole } = this.#mapped.get(bytes)!;
    bytes.set(whole.subarray(start, end), start);
    this.askedBytes += end - start;
    this.asked++;
  }

  /** Of all that is mapped the pages are gone. */
  forget(): void {
    for (const [bytes, { whole, path }] of this.#mapped)
      bytes.fill(0xaa, 64, readParts(path, whole).footer.indexOffset);
  }
}

/** Long series with row groups of their own, and short ones that share theirs. */
async function written(): Promise<ForgetfulDisk> {
  const disk = new ForgetfulDisk();
  const db = await Database.open(options, disk, clock);
  const lines: string[] = [];
  const add = (tags: string, row: number) =>
    lines.push(
      `m,${tags} a=${(row * 7) % 101},b=${row % 13}i,c="t${row % 5}",d=${row / 3} ${row * 10}000000000`,
    );
  for (let row = 0; row < LONG_ROWS; row++) add("host=long", row);
  for (let host = 0; host < HOSTS; host++)
    for (let row = 0; row < HOST_ROWS; row++) add(`host=h${host}`, row);
  for (let i = 0; i < SHORT_SERIES; i++) for (let row = 0; row < 3; row++) add(`host=s${i}`, row + i);
  expect((await db.writeLines(lines.join("\n"), { database: "db" })).errors).toEqual([]);
  await db.flush();
  await db.close();
  return disk;
}

const clock: Clock = { nowNs: () => 0n, elapsedMs: () => 0, every: () => () => {} };
const answer = (db: Database, query: string) =>
  answerOf(query, { source: db.source, administration: db, clock, database: "db" });
/** How much a query asks for ahead. */
const askedOf = (disk: ForgetfulDisk, db: Database) => async (query: string) => {
  const before = disk.askedBytes;
  await answer(db, query);
  return disk.askedBytes - before;
};

const hosts = ["h3", "h11", "h17", "h25", "s7", "s8", "long"].map((host) =>
  `host = 'h${host}'`.replace("'h", "'"),
);
const queries = [
  "SELECT mean(a), sum(b) FROM m WHERE time >= 0 AND time < 3000s GROUP BY time(7m), host",
  "SELECT max(d) FROM m WHERE host = 'h5' AND time >= 500s AND time < 1700s GROUP BY time(1m)",
  `SELECT max(a), max(d) FROM m WHERE (${hosts.join(" OR ")}) AND time >= 300s AND time < 190000s GROUP BY time(11m)`,
  "SELECT min(b) FROM m WHERE host = 'long' AND time >= 101017s AND time < 110003s GROUP BY time(13m)",
  "SELECT count(a) FROM m WHERE a > 50 AND time >= 0 AND time < 9000s GROUP BY time(7m)",
  "SELECT * FROM m WHERE host = 'long' AND time >= 50000s AND time < 90000s",
  "SELECT c, d FROM m WHERE host =~ /s1.*/",
  "SELECT a FROM m",
];

test("what a query reads it has asked for ahead", async () => {
  const disk = await written();
  let db = await Database.open(options, disk, clock);
  const expected = [];
  for (const query of queries) expected.push(await answer(db, query));
  await db.close();
  for (const [i, query] of queries.entries()) {
    db = await Database.open(options, disk, clock);
    disk.forget();
    expect(await answer(db, query), query).toEqual(expected[i]!);
    await db.close();
  }
});

test("little is asked for where little is read, nothing where statistics tell", async () => {
  const disk = await written();
  const db = await Database.open(options, disk, clock);
  const askedBy = askedOf(disk, db);
  expect(await askedBy("SELECT max(a), min(b) FROM m WHERE time >= 0 AND time < 30d")).toBe(0);
  expect(await askedBy("SELECT * FROM m GROUP BY * ORDER BY time DESC LIMIT 1")).toBe(0);
  expect(await askedBy("SELECT a FROM m WHERE a > 1000")).toBe(0);
  const one = await askedBy(
    "SELECT mean(a) FROM m WHERE host = 'h5' AND time >= 0 AND time < 3000s GROUP BY time(7m)",
  );
  expect(one).toBeGreaterThan(0);
  // (its pages, and what lies between those that are near to each other)
  expect(one).toBeLessThan(5000);
  const all = await askedBy("SELECT a, d FROM m");
  expect(all).toBeGreaterThan(20 * one);
  await db.close();
});

test("what is read of more row groups than are asked for at once is asked for as well", async () => {
  const disk = new ForgetfulDisk();
  let db = await Database.open({ ...options, partitions: 1 }, disk, clock);
  for (let host = 0; host < 1300; host++) {
    const lines: string[] = [];
    for (let row = 0; row < 384; row++)
      lines.push(`n,host=h${1000 + host} a=${(row * 7) % 101} ${row}000000000`);
    expect((await db.writeLines(lines.join("\n"), { database: "db" })).errors).toEqual([]);
  }
  await db.flush();
  const query = "SELECT mean(a), count(a) FROM n WHERE time >= 0 AND time < 200s GROUP BY time(70s)";
  const most = `${query.replace("200s", "200s AND host != 'h1500'")}, host`;
  const askedBy = async (text: string) => {
    disk.askedBytes = 0;
    return { answer: await answer(db, text), askedBytes: disk.askedBytes };
  };
  const all = await askedBy(query);
  const grouped = await askedBy(most);
  await db.close();
  db = await Database.open({ ...options, partitions: 1 }, disk, clock);
  disk.forget();
  expect(await askedBy(query)).toEqual(all);
  await db.close();
  db = await Database.open({ ...options, partitions: 1 }, disk, clock);
  disk.forget();
  expect((await askedBy(most)).answer).toEqual(grouped.answer);
  await db.close();
});

test("of ten fields of many series one is read, not what stands around it", async () => {
  const disk = new ForgetfulDisk();
  const db = await Database.open({ ...options, partitions: 1 }, disk, clock);
  let value = 1;
  for (let host = 0; host < 400; host++) {
    const lines: string[] = [];
    for (let row = 0; row < 200; row++) {
      const fields: string[] = [];
      for (let f = 0; f < 10; f++) {
        // (nothing compresses them: 8 bytes each)
        value = (value * 48271) % 0x7fffffff;
        fields.push(`f${f}=${Math.sqrt(value)}`);
      }
      lines.push(`n,host=h${host} ${fields} ${row}000000000`);
    }
    expect((await db.writeLines(lines.join("\n"), { database: "db" })).errors).toEqual([]);
  }
  await db.flush();
  const askedBy = askedOf(disk, db);
  const one = await askedBy("SELECT mean(f3) FROM n WHERE time >= 0 AND time < 150s GROUP BY time(1m)");
  expect(one).toBeGreaterThan(0.9 * 400 * 200 * 7);
  expect(one).toBeLessThan(1.5 * 400 * 200 * 8);
  const all = await askedBy("SELECT * FROM n WHERE time < 150s");
  expect(all).toBeGreaterThan(8 * one);
  await db.close();
});

test("columns that stand side by side are asked for in one stretch, whatever their number", async () => {
  const disk = new ForgetfulDisk();
  const db = await Database.open({ ...options, partitions: 1 }, disk, clock);
  const lines: string[] = [];
  for (let host = 0; host < 3; host++)
    for (let row = 0; row < 400; row++) {
      const fields = Array.from({ length: 150 }, (_, f) => `f${f}=${row * f * 0.7 + host}`);
      lines.push(`w,host=h${host} ${fields} ${row}000000000`);
    }
  expect((await db.writeLines(lines.join("\n"), { database: "db" })).errors).toEqual([]);
  await db.flush();
  const before = disk.asked;
  await answer(db, "SELECT * FROM w WHERE time < 150s");
  expect(disk.asked - before).toBe(1);
  await db.close();
});

test("pages near to each other are read in one stretch", () => {
  const asked: number[][] = [];
  const ahead = new Stretches((start, end) => asked.push([start, end]));
  ahead.end();
  for (const [start, end] of [
    [100_000, 100_010],
    [100_010, 101_000],
    [110_000, 120_000],
    [200_000, 200_001],
  ])
    ahead.add(start!, end!);
  ahead.end();
  ahead.end();
  expect(asked).toEqual([
    [100_000, 120_000],
    [200_000, 200_001],
  ]);
});

test.skipIf(process.platform !== "linux")(
  "a part of a file that is not in memory is read, and no more",
  async () => {
    const libc = loadLibc({
      mincore: { args: ["ptr", "u64", "ptr"], returns: "i32" },
      posix_fadvise: { args: ["i32", "i64", "i64", "i32"], returns: "i32" },
    })!;
    const folder = mkdtempSync(join(tmpdir(), "serie-ahead-"));
    try {
      const path = join(folder, "file");
      await replaceFile(nodeDisk, path, new Uint8Array(32 * MB).fill(7));
      const descriptor = openSync(path, "r");
      libc.posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
      closeSync(descriptor);
      const bytes = nodeDisk.map(path);
      const isThere = (at: number) => {
        const found = new Uint8Array(1);
        libc.mincore((ptr(bytes) + at) as never, 1, found as never);
        return found[0] === 1;
      };
      // (a file system in memory forgets nothing)
      const canForget = !isThere(20 * MB);
      nodeDisk.readAhead(bytes, 5 * MB + 5, 11 * MB);
      for (let i = 0; i < 1000 && !isThere(11 * MB - PAGE); i++) await Bun.sleep(5);
      const places = [5 * MB - PAGE, 5 * MB, 8 * MB, 11 * MB - PAGE, 11 * MB, 20 * MB];
      if (canForget) expect(places.map(isThere)).toEqual([false, true, true, true, false, false]);
      nodeDisk.readAhead(bytes, 32 * MB - 3, 32 * MB);
      nodeDisk.readAhead(bytes, 10, 10);
      expect([bytes[5 * MB], bytes[32 * MB - 1]]).toEqual([7, 7]);
      nodeDisk.unmap(bytes);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
