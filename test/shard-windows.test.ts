// Shards never overlap, whatever the shard duration was before and wherever a crash came: so that DROP SHARD takes the rows of
// that shard and no others.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import type { Clock } from "../src/base/clock.ts";
import { Database } from "../src/db/database.ts";
import { encodeSealed } from "../src/disk/sealed.ts";
import { MAX_TIME, MIN_TIME } from "../src/model/types.ts";
import { apart, MONDAYS, type TimeWindow, uncovered, windowAt } from "../src/model/windows.ts";
import { MemoryDisk } from "./disk/memory.ts";

const HOUR_NS = 3_600_000_000_000n;
const DAY_NS = 24n * HOUR_NS;
const options = { dataDir: "/data", partitions: 2 };
const clock: Clock = { nowNs: () => 0n, elapsedMs: () => 0, every: () => () => {} };

const bounds = ({ start, end }: TimeWindow) => [start, end];
const anyTime = fc.oneof(
  fc.bigInt(MIN_TIME, MAX_TIME),
  fc.bigInt(-1000n, 1000n),
  fc.constantFrom(MIN_TIME, MAX_TIME, 0n, -1n),
);

test("each time has one window, which is that of all times in it", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1n, 7n, 100n, HOUR_NS, 7n * DAY_NS, 10_000n * DAY_NS),
      fc.constantFrom(0n, 3n, MONDAYS),
      fc.array(fc.tuple(fc.bigInt(-1000n, 1000n), fc.bigInt(1n, 300n)), { maxLength: 12 }),
      fc.array(anyTime, { minLength: 1, maxLength: 20 }),
      (width, origin, starts, times) => {
        const kept = apart(starts.map(([start, length]) => ({ start, end: start + length })));
        const grid = { width, origin, kept };
        for (const time of times) {
          const window = windowAt(grid, time);
          expect(window.start <= time && time < window.end).toBe(true);
          expect(window.start >= MIN_TIME && window.end <= MAX_TIME + 1n).toBe(true);
          // the same from both its ends: no two overlap
          expect(bounds(windowAt(grid, window.start))).toEqual(bounds(window));
          expect(bounds(windowAt(grid, window.end - 1n))).toEqual(bounds(window));
          const covering = kept.find(({ start, end }) => start <= time && time < end);
          if (covering) expect(bounds(window)).toEqual(bounds(covering));
          else {
            expect(kept.some(({ start, end }) => start < window.end && window.start < end)).toBe(false);
            expect(window.end - window.start <= width).toBe(true);
            // it is as wide as it can be: what bounds it is the grid, a kept window or an end of time
            const onGrid = (at: bigint) => (at - origin) % width === 0n;
            expect(
              onGrid(window.start) ||
                window.start === MIN_TIME ||
                kept.some(({ end }) => end === window.start),
            ).toBe(true);
            expect(
              onGrid(window.end) ||
                window.end === MAX_TIME + 1n ||
                kept.some(({ start }) => start === window.end),
            ).toBe(true);
          }
        }
      },
    ),
  );
});

test("what is not covered, by a look at each time", () => {
  const window = fc.tuple(fc.bigInt(0n, 40n), fc.bigInt(1n, 20n));
  const made = ([start, length]: readonly [bigint, bigint]) => ({ start, end: start + length });
  const has = (windows: readonly TimeWindow[], time: bigint) =>
    windows.filter(({ start, end }) => start <= time && time < end).length;
  fc.assert(
    fc.property(window, fc.array(window, { maxLength: 6 }), (one, more) => {
      const others = more.map(made);
      const left = uncovered(made(one), others);
      const kept = apart(others);
      for (let time = 0n; time < 70n; time++) {
        expect(has(left, time)).toBe(has([made(one)], time) === 1 && has(others, time) === 0 ? 1 : 0);
        expect(has(kept, time)).toBeLessThanOrEqual(1);
      }
      expect(kept.length > 0).toBe(others.length > 0);
    }),
  );
});

async function ask(db: Database, text: string): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  for await (const { series } of db.run(text, { database: "d" }))
    for await (const part of series) rows.push(...(part.rows as unknown[][]));
  return rows;
}

interface Shard extends TimeWindow {
  readonly id: number;
}

async function shardsOf(db: Database): Promise<Shard[]> {
  const ns = (text: unknown) => BigInt(Date.parse(String(text))) * 1_000_000n;
  return (await ask(db, "SHOW SHARDS")).map((row) => ({
    id: row[0] as number,
    start: ns(row[4]),
    end: ns(row[5]),
  }));
}

const timesOf = async (db: Database) =>
  (await ask(db, "SELECT v FROM m")).map(([time]) => time as bigint).sort((a, b) => Number(a - b));

function expectApart(shards: readonly Shard[]): void {
  for (const [i, { start }] of shards.entries())
    if (i > 0) expect([i, start >= shards[i - 1]!.end]).toEqual([i, true]);
}

/** Drops one shard after the other: the rows of its times go, and no others. */
async function expectDropsAreExact(db: Database): Promise<void> {
  const shards = await shardsOf(db);
  expectApart(shards);
  let times = await timesOf(db);
  for (const { id, start, end } of shards) {
    expect(times.some((time) => time >= start && time < end)).toBe(true);
    await ask(db, `DROP SHARD ${id}`);
    times = times.filter((time) => time < start || time >= end);
    expect(await timesOf(db)).toEqual(times);
  }
  expect([times, await ask(db, "SHOW SHARDS")]).toEqual([[], []]);
}

const lines = (value: number, ...times: bigint[]) =>
  times.map((time, i) => `m,h=${i % 3} v=${value} ${time}`).join("\n");

async function write(db: Database, text: string): Promise<void> {
  expect((await db.writeLines(text, { database: "d" })).errors).toEqual([]);
}

test("after ALTER of the shard duration DROP SHARD takes the rows of its own shard", async () => {
  const db = await Database.open(options, new MemoryDisk(), clock);
  await db.createDatabase("d");
  const monday = MONDAYS + 106_000n * 7n * DAY_NS;
  await write(db, lines(1, monday + 3n * DAY_NS));
  await db.flush();
  // as influxd 1.6.7: a point goes to the shard that covers its time; where influxd's new one would overlap it ends before
  await ask(db, "ALTER RETENTION POLICY autogen ON d SHARD DURATION 1h");
  await write(db, lines(2, monday + 3n * DAY_NS + 1n, monday + 9n * DAY_NS));
  await db.flush();
  await ask(db, "ALTER RETENTION POLICY autogen ON d SHARD DURATION 4w");
  await write(db, lines(3, monday + 3n * DAY_NS + 2n, monday + 8n * DAY_NS, monday + 9n * DAY_NS + 1n));
  await write(db, lines(4, monday + 9n * DAY_NS + HOUR_NS));
  const shards = await shardsOf(db);
  const hour = monday + 9n * DAY_NS;
  const month = windowAt({ width: 28n * DAY_NS, origin: MONDAYS, kept: [] }, hour);
  expect(shards.map(bounds)).toEqual([
    [monday, monday + 7n * DAY_NS],
    [monday + 7n * DAY_NS, hour],
    [hour, hour + HOUR_NS],
    [hour + HOUR_NS, month.end],
  ]);
  await expectDropsAreExact(db);
  await db.close();
});

test("shards of a policy and of a measurement that were dropped count for no windows of what came after", async () => {
  const db = await Database.open(options, new MemoryDisk(), clock);
  await db.createDatabase("d");
  const monday = MONDAYS + 106_000n * 7n * DAY_NS;
  await write(db, lines(1, monday));
  await db.flush();
  // (its file is still there, for some seconds)
  await ask(db, "DROP RETENTION POLICY autogen ON d");
  await ask(db, "CREATE RETENTION POLICY autogen ON d DURATION INF REPLICATION 1 SHARD DURATION 1h DEFAULT");
  await write(db, lines(2, monday + HOUR_NS, monday + 3n * HOUR_NS));
  await db.flush();
  await ask(db, "ALTER RETENTION POLICY autogen ON d SHARD DURATION 2h");
  await write(db, lines(3, monday + HOUR_NS + 1n, monday + 2n * HOUR_NS));
  expect((await shardsOf(db)).map(({ start, end }) => [start - monday, end - monday])).toEqual([
    [HOUR_NS, 2n * HOUR_NS],
    [2n * HOUR_NS, 3n * HOUR_NS],
    [3n * HOUR_NS, 4n * HOUR_NS],
  ]);
  await expectDropsAreExact(db);
  // the same of a measurement, whose windows are no longer needed
  await write(db, lines(1, monday));
  await db.flush();
  await ask(db, "DROP MEASUREMENT m");
  await ask(db, "ALTER RETENTION POLICY autogen ON d SHARD DURATION 1h");
  await write(db, lines(2, monday, monday + HOUR_NS));
  expect((await shardsOf(db)).length).toBe(2);
  await expectDropsAreExact(db);
  await db.close();
});

test("windows of a week begin on Mondays, as influxd 1.6.7 showed them", async () => {
  const db = await Database.open(options, new MemoryDisk(), clock);
  await db.createDatabase("d");
  await write(db, lines(1, 10n, 1_000_000_000_000n, 1_700_000_000_000_000_000n));
  expect((await ask(db, "SHOW SHARDS")).map((row) => row.slice(4, 6))).toEqual([
    ["1969-12-29T00:00:00Z", "1970-01-05T00:00:00Z"],
    ["2023-11-13T00:00:00Z", "2023-11-20T00:00:00Z"],
  ]);
  await ask(db, "CREATE RETENTION POLICY p ON d DURATION INF REPLICATION 1 SHARD DURATION 4w DEFAULT");
  await write(db, lines(1, 1_710_000_000_000_000_000n));
  expect((await ask(db, "SHOW SHARDS")).map((row) => row.slice(4, 6)).at(-1)).toEqual([
    "2024-03-04T00:00:00Z",
    "2024-04-01T00:00:00Z",
  ]);
  await db.close();
});

test("a folder of before keeps its windows, which began on Thursdays, until the shard duration is changed", async () => {
  const disk = new MemoryDisk();
  let db = await Database.open({ ...options, partitions: 1 }, disk, clock);
  await db.createDatabase("db");
  await db.close();
  disk.open("/data/databases", "create").append(readFileSync(`${import.meta.dir}/golden/databases-1`));
  for (let round = 0; round < 2; round++) {
    db = await Database.open(options, disk, clock);
    const wrote = await db.writeLines(lines(round, 10n, BigInt(round)), { database: "db" });
    expect(wrote.errors).toEqual([]);
    const shards = await ask(db, "SHOW SHARDS");
    expect(shards.map((row) => row.slice(4, 6))).toEqual([["1970-01-01T00:00:00Z", "1970-01-08T00:00:00Z"]]);
    await db.close();
  }
  db = await Database.open(options, disk, clock);
  await ask(db, "ALTER RETENTION POLICY autogen ON db SHARD DURATION 2w");
  await db.writeLines(lines(3, 20n, -10n, 8n * DAY_NS), { database: "db" });
  for (let round = 0; round < 2; round++) {
    expect((await ask(db, "SHOW SHARDS")).map((row) => row.slice(4, 6))).toEqual([
      ["1969-12-22T00:00:00Z", "1970-01-01T00:00:00Z"],
      ["1970-01-01T00:00:00Z", "1970-01-08T00:00:00Z"],
      ["1970-01-08T00:00:00Z", "1970-01-19T00:00:00Z"],
    ]);
    await db.close();
    db = await Database.open(options, disk, clock);
  }
  await db.close();
});

test("shards that overlap in a folder of before are dropped one by one: each takes what it has, and rows in memory that none else covers", async () => {
  for (const which of [0, 1]) {
    const disk = new MemoryDisk();
    let db = await Database.open(options, disk, clock);
    await db.createDatabase("d");
    await ask(db, "ALTER RETENTION POLICY autogen ON d SHARD DURATION 1h");
    await write(db, lines(1, 0n, 5n, 10n));
    await db.close();
    // as an ALTER to a week left it, with windows that knew nothing of each other
    const policy = {
      name: "autogen",
      durationNs: "0",
      shardDurationNs: String(7n * DAY_NS),
      isDefault: true,
    };
    const body = { partitions: 2, databases: [{ name: "d", policies: [policy] }] };
    disk.open("/data/databases", "create").append(encodeSealed("serie databases", 1, body));
    db = await Database.open(options, disk, clock);
    await write(db, lines(2, 7n, 8n, 9n, 2n * HOUR_NS, 3n * HOUR_NS));
    const shards = await shardsOf(db);
    expect(shards.map(bounds)).toEqual([
      [0n, HOUR_NS],
      [0n, 7n * DAY_NS],
    ]);
    await ask(db, `DROP SHARD ${shards[which]!.id}`);
    const left = [
      [7n, 8n, 9n, 2n * HOUR_NS, 3n * HOUR_NS],
      [0n, 5n, 10n],
    ][which]!;
    for (let round = 0; round < 2; round++) {
      expect(await timesOf(db)).toEqual(left);
      expect((await shardsOf(db)).map(({ id }) => id)).toEqual([shards[1 - which]!.id]);
      await db.close();
      db = await Database.open(options, disk, clock);
    }
    // from the next ALTER on they are apart
    await ask(db, "ALTER RETENTION POLICY autogen ON d SHARD DURATION 1d");
    await write(db, lines(3, ...[0n, 5n, 30n, 300n].map((hours) => hours * HOUR_NS + 11n)));
    await expectDropsAreExact(db);
    await db.close();
  }
});

test("wherever the process or the machine dies, shards stay apart", async () => {
  const widths = ["1h", "3d", "4w", "1d"];
  const timesAt = (step: number) =>
    [0n, 5n, 30n, 31n, 200n, 900n].map((hours) => hours * HOUR_NS + BigInt(step));
  let died = 0;
  for (let operation = 1; ; operation += 7) {
    const disk = new MemoryDisk(operation);
    const what = operation % 2 === 0 ? "process" : "machine";
    let next: MemoryDisk | undefined;
    const death = new Promise<void>((resolve) => {
      let count = 0;
      disk.fault = () => {
        if (++count !== operation) return undefined;
        next = disk.crash(what);
        resolve();
        return "ENODEV";
      };
    });
    let isDone = false;
    let acknowledged: bigint[] = [];
    const live = async () => {
      const db = await Database.open(options, disk, clock);
      await db.createDatabase("d");
      for (const [step, width] of widths.entries()) {
        for (const part of [0, 1]) {
          const times = timesAt(step).filter((_, i) => i % 2 === part);
          await write(db, lines(step, ...times));
          acknowledged = acknowledged.concat(times);
          if (step !== 1) await db.flush();
        }
        await ask(db, `ALTER RETENTION POLICY autogen ON d SHARD DURATION ${width}`);
      }
      await write(db, lines(9, ...timesAt(9)));
      await db.close();
      isDone = true;
    };
    await Promise.race([live().catch(() => undefined), death]);
    if (isDone) break;
    died++;
    const left = next!;
    let db = await Database.open(options, left, clock);
    if (db.databases().includes("d")) {
      const found = await timesOf(db);
      expect(acknowledged.filter((time) => !found.includes(time))).toEqual([]);
      await write(db, lines(10, ...timesAt(10)));
      expectApart(await shardsOf(db));
      await ask(db, "ALTER RETENTION POLICY autogen ON d SHARD DURATION 2d");
      await write(db, lines(11, ...timesAt(11)));
      await db.flush();
      await db.close();
      db = await Database.open(options, left, clock);
      expect((await timesOf(db)).length).toBeGreaterThanOrEqual(12);
      await expectDropsAreExact(db);
    } else expect(acknowledged).toEqual([]);
    await db.close();
  }
  expect(died).toBeGreaterThan(20);
}, 120_000);

test("an ALTER whose file could not be written stops flushes: their windows would not be those of the next start", async () => {
  const disk = new MemoryDisk();
  let db = await Database.open(options, disk, clock);
  await db.createDatabase("d");
  await write(db, lines(1, 0n, 40n * HOUR_NS));
  await db.flush();
  await write(db, lines(2, 30n * HOUR_NS, 50n * HOUR_NS));
  disk.fault = (operation, path) => (operation === "sync folder" && path === "/data" ? "EIO" : undefined);
  await expect(ask(db, "ALTER RETENTION POLICY autogen ON d SHARD DURATION 1h")).rejects.toThrow("EIO");
  disk.fault = undefined;
  await expect(ask(db, "SHOW SHARDS")).rejects.toThrow("EIO");
  await expect(db.flush()).rejects.toThrow("EIO");
  await db.close();
  db = await Database.open(options, disk.crash("process"), clock);
  expect(await timesOf(db)).toEqual([0n, 30n, 40n, 50n].map((hours) => hours * HOUR_NS));
  await expectDropsAreExact(db);
  await db.close();
});
