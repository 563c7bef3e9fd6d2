// Deletions and retention where a page of a segment is damaged, and deletions of very many ranges: the start, the other rows and
// writes must go on.
import { afterAll, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../src/base/clock.ts";
import { systemClock } from "../src/base/clock.ts";
import { Database } from "../src/db/database.ts";
import { nodeDisk } from "../src/disk/node.ts";
import { SeriesRanges, type TimeRange } from "../src/store/series-ranges.ts";
import { DeletedRanges } from "../src/store/tombstones.ts";

const folder = mkdtempSync(join(tmpdir(), "serie-deletions-damage-"));
afterAll(() => rmSync(folder, { recursive: true }));

const DAY_NS = 86_400_000_000_000n;
const options = (name: string) => ({ dataDir: join(folder, name), partitions: 1 });

async function ask(db: Database, text: string): Promise<unknown> {
  const rows: unknown[] = [];
  try {
    for await (const { series } of db.run(text, { database: "d" }))
      for await (const part of series) rows.push(...part.rows);
  } catch (error) {
    return (error as Error).message;
  }
  return rows;
}

const segmentsOf = (dataDir: string) =>
  readdirSync(join(dataDir, "p00"))
    .filter((name) => name.endsWith(".seg"))
    .sort();

/** Flips bytes of the first page, which is of times. */
function damage(dataDir: string, segment: string): void {
  const path = join(dataDir, "p00", segment);
  const bytes = readFileSync(path);
  for (let at = 60; at < 100; at++) bytes[at]! ^= 0x55;
  writeFileSync(path, bytes);
}

/** Times far from regular, so that their page has bytes to damage, of series that share a row group. */
const unevenLines = (fromNs: bigint) =>
  ["a", "b", "c", "d"].flatMap((host) =>
    Array.from(
      { length: 100 },
      (_, i) => `m,h=${host} v=${i} ${fromNs + BigInt(i * i * 7919 + ((i * 31) % 13))}`,
    ),
  );

test("a DELETE over a damaged page does not keep the next start from its work", async () => {
  const { dataDir } = options("start");
  let db = await Database.open(options("start"));
  await db.createDatabase("d");
  await db.writeLines(unevenLines(1000n).join("\n"), { database: "d" });
  await db.flush();
  await db.close();
  damage(dataDir, segmentsOf(dataDir)[0]!);

  db = await Database.open(options("start"));
  await db.writeLines("other v=1 1", { database: "d" });
  await ask(db, "DELETE FROM m WHERE time < 100000000000");
  expect(db.health().status).toBe("fail");
  // as a crash leaves it
  cpSync(dataDir, join(folder, "crashed"), { recursive: true });
  await db.close();
  const next = await Database.open(options("crashed"));
  expect(await ask(next, "SELECT v FROM other")).toEqual([[1n, 1]]);
  expect((await next.writeLines("other v=2 2", { database: "d" })).rows).toBe(1);
  await next.close();
});

test("retention removes a segment while another of its measurement is damaged", async () => {
  const { dataDir } = options("expire");
  const nowNs = 100n * DAY_NS;
  const clock: Clock = { ...systemClock, nowNs: () => nowNs, every: () => () => undefined };
  const open = () => Database.open(options("expire"), nodeDisk, clock);
  let db = await open();
  await ask(db, "CREATE DATABASE d WITH DURATION INF SHARD DURATION 1d");
  for (const fromNs of [nowNs - 5n * DAY_NS, nowNs - DAY_NS / 24n]) {
    await db.writeLines(unevenLines(fromNs).join("\n"), { database: "d" });
    await db.flush();
  }
  await db.close();
  const [old, young] = segmentsOf(dataDir);
  damage(dataDir, young!);

  db = await open();
  expect(await ask(db, "ALTER RETENTION POLICY autogen ON d DURATION 3d SHARD DURATION 1d")).toEqual([]);
  expect(segmentsOf(dataDir)).not.toContain(old!);
  expect(segmentsOf(dataDir)).toContain(young!);
  await db.close();
});

test("a second deletion of a million ranges is united with the first", () => {
  const ranges = (from: bigint): TimeRange[] =>
    Array.from({ length: 1_000_000 }, (_, i) => [from + BigInt(i) * 4n, from + BigInt(i) * 4n]);
  const taken = (own: TimeRange[]) => SeriesRanges.shared(Uint32Array.of(0), own);
  const deleted = new DeletedRanges([taken(ranges(1n)), taken(ranges(2n))]);
  expect(deleted.within(0, 1n, 10n)).toEqual(BigInt64Array.of(1n, 2n, 5n, 6n, 9n, 10n));
});

test("100,000 rows in memory are deleted by their value in one walk", async () => {
  const db = await Database.open(options("memory"));
  await db.createDatabase("d");
  const lines = Array.from({ length: 100_000 }, (_, i) => `m v=${i % 2} ${i + 1}`);
  await db.writeLines(lines.join("\n"), { database: "d" });
  const started = performance.now();
  expect(await ask(db, "DELETE FROM m WHERE v = 1")).toEqual([]);
  // a walk a range took 13 s and more
  expect(performance.now() - started).toBeLessThan(5000);
  expect(await ask(db, "SELECT count(v), sum(v) FROM m")).toEqual([[0n, 50_000, 0]]);
  await db.close();
});
