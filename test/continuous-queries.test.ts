// Continuous queries by a held clock: when they run, over which windows, after failures, restarts and crashes.
import { afterEach, expect, test } from "bun:test";
import type { Clock } from "../src/base/clock.ts";
import { QueryAbortedError } from "../src/base/errors.ts";
import { ContinuousFile } from "../src/db/continuous-file.ts";
import { ContinuousScheduler, type SkippedRun } from "../src/db/continuous-queries.ts";
import { boundary, type DueRun, dueRun } from "../src/db/continuous-schedule.ts";
import { Database } from "../src/db/database.ts";
import type { OptionsInput } from "../src/db/options.ts";
import {
  type ContinuousSchedule,
  parseContinuousQuery,
  scheduleOf,
  selectOver,
} from "../src/query/continuous.ts";
import type { Cell } from "../src/query/result.ts";
import { WindowRule } from "../src/query/windows.ts";
import { MemoryDisk } from "./disk/memory.ts";

const MINUTE = 60_000_000_000n;
const S = 1_000_000_000n;
const T0 = 1_700_000_040_000_000_000n; // a whole minute

class HeldClock implements Clock {
  now = T0;
  readonly #runs = new Set<() => void>();

  nowNs = () => this.now;
  elapsedMs = () => Number((this.now - T0) / 1_000_000n);
  every = (_periodMs: number, run: () => void) => {
    this.#runs.add(run);
    return () => this.#runs.delete(run);
  };

  /** Moves to a time after T0, s, as a second's tick comes. */
  async to(seconds: number, ...databases: Database[]): Promise<void> {
    this.now = T0 + BigInt(seconds) * 1_000_000_000n;
    for (const run of this.#runs) run();
    for (const db of databases) await db.continuousQueries.settled();
  }
}

const opened: Database[] = [];
afterEach(async () => {
  for (const db of opened.splice(0)) await db.close();
});

async function openOn(disk: MemoryDisk, clock: Clock, more: OptionsInput = {}): Promise<Database> {
  const db = await Database.open({ partitions: 2, dataDir: "/data", ...more }, disk, clock);
  opened.push(db);
  return db;
}

/** The machine fails: the old process is gone, time goes on in a new one. */
async function crash(before: MemoryDisk, clock: HeldClock) {
  opened.pop();
  const later = new HeldClock();
  later.now = clock.now;
  const disk = before.crash("machine");
  return { db: await openOn(disk, later), clock: later, disk };
}

async function rows(db: Database, query: string): Promise<(readonly Cell[])[]> {
  const all: (readonly Cell[])[] = [];
  for await (const result of db.run(query, { database: "db" }))
    for await (const series of result.series) all.push(...series.rows);
  return all;
}

/** A row at each of these seconds after T0. */
async function write(db: Database, ...seconds: number[]): Promise<void> {
  const lines = seconds.map((s) => `m,t=a v=${s} ${T0 + BigInt(s) * 1_000_000_000n}`);
  await db.writeLines(lines.join("\n"), { database: "db" });
}

/** What a query has written, times as seconds after T0. */
async function results(db: Database, measurement: string): Promise<[number, Cell][]> {
  const found = await rows(db, `SELECT n FROM ${measurement}`);
  return found.map(([time, n]) => [Number(((time as bigint) - T0) / 1_000_000_000n), n!]);
}

const every = (name: string, resample = "", into = name) =>
  `CREATE CONTINUOUS QUERY ${name} ON db ${resample} BEGIN SELECT count(v) AS n INTO ${into} FROM m GROUP BY time(1m) END`;

test("a query runs at each boundary over the window that has ended, and not before", async () => {
  const clock = new HeldClock();
  const db = await openOn(new MemoryDisk(1), clock);
  await write(db, -10, 0, 10, 59, 60);
  await rows(db, every("c"));
  await clock.to(59, db);
  expect(await results(db, "c")).toEqual([]);
  await clock.to(60, db);
  expect(await results(db, "c")).toEqual([[0, 3]]);
  await write(db, 61);
  await clock.to(119, db);
  expect(await results(db, "c")).toEqual([[0, 3]]);
  await clock.to(125, db);
  expect(await results(db, "c")).toEqual([
    [0, 3],
    [60, 2],
  ]);
  const [status] = db.continuousQueries.list("db");
  expect(status).toMatchObject({
    runs: 2,
    failures: 0,
    lastRows: 1,
    lastError: null,
    doneNs: T0 + 2n * MINUTE,
  });
});

test("RESAMPLE EVERY runs within the window, FOR looks back over several", async () => {
  const clock = new HeldClock();
  const db = await openOn(new MemoryDisk(1), clock);
  await write(db, 0);
  await rows(db, every("c", "RESAMPLE EVERY 30s FOR 2m"));
  await clock.to(30, db);
  expect(await results(db, "c")).toEqual([[0, 1]]);
  await clock.to(60, db);
  await write(db, 1); // late
  await clock.to(90, db);
  await clock.to(120, db);
  expect(await results(db, "c")).toEqual([[0, 2]]);
});

test("what was missed while the database was closed is caught up after the start", async () => {
  const clock = new HeldClock();
  const disk = new MemoryDisk(1);
  const db = await openOn(disk, clock);
  await rows(db, "CREATE DATABASE db");
  await rows(db, every("c"));
  await write(db, 0, 60, 120, 3600 * 50);
  await clock.to(60, db);
  await db.close();
  clock.now = T0 + 3600n * 60n * 1_000_000_000n;
  const again = await openOn(disk, clock);
  await clock.to(3600 * 60, again);
  expect(await results(again, "c")).toEqual([
    [0, 1],
    [60, 1],
    [120, 1],
    [3600 * 50, 1],
  ]);
  // 3,599 windows, in runs of 1,024
  expect(again.continuousQueries.list("db")[0]!.runs).toBe(4);
});

test("a crash repeats the runs of the last minute at most, and they write the same again", async () => {
  const clock = new HeldClock();
  const disk = new MemoryDisk(1);
  const db = await openOn(disk, clock);
  await rows(db, "CREATE DATABASE db");
  await rows(db, every("c").replace("1m", "10s"));
  await write(db, 0, 10, 20, 30);
  for (const at of [10, 20, 30]) await clock.to(at, db);
  const syncs = disk.counts.syncs;
  await clock.to(31, db);
  await clock.to(39, db);
  expect(disk.counts.syncs).toBe(syncs); // nothing is due: nothing is written
  const before = await results(db, "c");
  const { db: again, clock: later, disk: left } = await crash(disk, clock);
  expect(again.continuousQueries.list("db")[0]!.doneNs).toBe(T0); // the file's
  expect(before.length).toBe(3);
  await later.to(40, again);
  expect(await results(again, "c")).toEqual([...before, [30, 1]]);
  await later.to(100, again); // a minute after the last save
  const { db: third } = await crash(left, later);
  expect(third.continuousQueries.list("db")[0]!.doneNs).toBe(T0 + 100n * S);
});

test("one that fails says why and keeps no other from running", async () => {
  const clock = new HeldClock();
  const db = await openOn(new MemoryDisk(1), clock);
  await write(db, 0, 60);
  await db.writeLines(`wrong n="text" ${T0}`, { database: "db" });
  await rows(db, every("bad", "", "wrong"));
  await rows(db, every("good"));
  await clock.to(60, db);
  expect(await results(db, "good")).toEqual([[0, 1]]);
  const statuses = await rows(db, "SHOW CONTINUOUS QUERIES STATUS");
  const why =
    'partial write: field type conflict: input field "n" on measurement "wrong" is type integer, already exists as type string dropped=1';
  const range = "2023-11-14T22:14:00Z .. 2023-11-14T22:15:00Z";
  expect(statuses[0]!.slice(-5)).toEqual([...[1, 1, why], ...[1, `${range}: ${why}`]]);
  expect(statuses[1]!.slice(-5)).toEqual([1, 0, null, 0, null]);
  expect(db.metrics().find(({ name }) => name === "serie_continuous_query_failures_total")!.value).toBe(1);
});

test("a window that is too much for a query is passed over alone, which is said, after as many tries as each has", async () => {
  const clock = new HeldClock();
  const disk = new MemoryDisk(1);
  const db = await openOn(disk, clock);
  await rows(db, "CREATE DATABASE db");
  // (its minute has more than the query may hold)
  const heavy = [3, 4];
  const runs: [from: number, to: number, isDone: boolean][] = [];
  const skipped: SkippedRun[] = [];
  const file = new ContinuousFile(disk, "/data/continuous-queries-of-test");
  const scheduler = new ContinuousScheduler(file, {
    ...{ clock, hasDatabase: () => true },
    run: async (text) => {
      const [from, to] = [...text.matchAll(/time >=? (\d+) AND time < (\d+)/g)]
        .flatMap(([, ...times]) => times)
        .map((time) => Number((BigInt(time) - T0) / MINUTE)) as [number, number];
      const isDone = !heavy.some((minute) => from <= minute && minute < to);
      runs.push([from, to, isDone]);
      if (!isDone) throw new QueryAbortedError("query-memory limit exceeded");
      return 1;
    },
  });
  scheduler.onSkip = (run) => skipped.push(run);
  await scheduler.create("db", { name: "c", text: every("c") });
  for (let minute = 1; minute <= 60; minute++) {
    await clock.to(60 * minute);
    await scheduler.settled();
  }
  const [status] = scheduler.list("db");
  const done = new Set<number>();
  for (const [from, to, isDone] of runs) for (let at = from; isDone && at < to; at++) done.add(at);
  expect([...Array(60).keys()].filter((minute) => !done.has(minute))).toEqual(heavy);
  for (const minute of heavy)
    expect(runs.filter(([from, to]) => from <= minute && minute < to).length).toBeGreaterThanOrEqual(11);
  expect(status).toMatchObject({
    ...{ lastError: null, skipped: 2, failures: 22, doneNs: T0 + 60n * MINUTE },
    lastSkipped: {
      ...{ fromNs: T0 + 4n * MINUTE, toNs: T0 + 5n * MINUTE, error: "query-memory limit exceeded" },
    },
  });
  expect(scheduler.statistics.skipped).toBe(2);
  expect(skipped).toEqual(
    heavy.map((minute) => ({
      ...{ database: "db", name: "c", error: "query-memory limit exceeded" },
      statement: expect.stringContaining(
        `time >= ${T0 + BigInt(minute) * MINUTE} AND time < ${T0 + BigInt(minute + 1) * MINUTE}`,
      ),
    })),
  );
  await scheduler.close();
});

test("what could not run while too many queries did is run later", async () => {
  const clock = new HeldClock();
  const db = await openOn(new MemoryDisk(1), clock, { maxConcurrentQueries: 1 });
  await write(db, 0, 60, 120);
  await rows(db, every("c"));
  const other = db.run("SELECT v FROM m", { database: "db" })[Symbol.asyncIterator]();
  await other.next();
  await clock.to(60, db);
  await other.return?.();
  expect(db.continuousQueries.list("db")[0]!).toMatchObject({
    lastError: "max-concurrent-queries limit exceeded(1, 1)",
    doneNs: T0,
  });
  await clock.to(120, db);
  expect(await results(db, "c")).toEqual([
    [0, 1],
    [60, 1],
  ]);
});

test("however long the disk takes no writes, what was due then is run once it does", async () => {
  const clock = new HeldClock();
  const disk = new MemoryDisk(1);
  const db = await openOn(disk, clock);
  await write(db, 0, 600, 1740);
  await rows(db, every("c"));
  disk.fault = (_, path) => (path.includes("/wal/") ? "ENOSPC" : undefined);
  for (let minute = 1; minute <= 30; minute++) await clock.to(60 * minute, db);
  const [status] = db.continuousQueries.list("db");
  expect(status).toMatchObject({ failures: 30, doneNs: T0 });
  opened.pop();
  await db.close().catch(() => undefined);
  const again = await openOn(disk.crash("process"), clock);
  await clock.to(1801, again);
  expect(await results(again, "c")).toEqual([
    [0, 1],
    [600, 1],
    [1740, 1],
  ]);
});

test("dropped queries run no more; those of a dropped database are not those of a new one", async () => {
  const clock = new HeldClock();
  const disk = new MemoryDisk(1);
  const db = await openOn(disk, clock);
  await write(db, 0);
  await rows(db, `${every("a")}; ${every("b")}; DROP CONTINUOUS QUERY a ON db`);
  await clock.to(60, db);
  expect(await results(db, "a")).toEqual([]);
  expect(await results(db, "b")).toEqual([[0, 1]]);
  await rows(db, "DROP DATABASE db; CREATE DATABASE db");
  const { db: again } = await crash(disk, clock);
  expect(again.continuousQueries.list("db")).toEqual([]);
  expect(again.databases()).toEqual(["db"]);
});

test("an answered CREATE and DROP survive a crash of the machine", async () => {
  const clock = new HeldClock();
  const disk = new MemoryDisk(1);
  const db = await openOn(disk, clock);
  await rows(db, `CREATE DATABASE db; ${every("a")}; ${every("b")}; DROP CONTINUOUS QUERY a ON db`);
  const { db: again } = await crash(disk, clock);
  expect(again.continuousQueries.list("db").map(({ name }) => name)).toEqual(["b"]);
});

test("closing ends a run, and leaves what it was to do for the next start", async () => {
  const clock = new HeldClock();
  const disk = new MemoryDisk(1);
  const db = await openOn(disk, clock);
  await write(db, 0);
  await rows(db, every("c"));
  const running = clock.to(60, db);
  await db.close();
  await running;
  const again = await openOn(disk, clock);
  await clock.to(61, again);
  expect(await results(again, "c")).toEqual([[0, 1]]);
});

const schedule = (text: string) =>
  scheduleOf(parseContinuousQuery(`CREATE CONTINUOUS QUERY c ON d ${text}`)) as ContinuousSchedule;
const body = (group: string) => `BEGIN SELECT mean(v) INTO a FROM b GROUP BY ${group} END`;

test.each([
  // [statement, done, now, from, to], s: the examples of InfluxDB's documentation, 8:00 = 28800
  [body("time(1h)"), 28800, 32400, 28800, 32400],
  [`RESAMPLE EVERY 30m ${body("time(1h)")}`, 28800, 30600, 28800, 32400],
  [`RESAMPLE EVERY 30m ${body("time(1h)")}`, 30600, 32400, 28800, 32400],
  [`RESAMPLE FOR 1h ${body("time(30m)")}`, 28800, 30600, 27000, 30600],
  [`RESAMPLE EVERY 1h FOR 90m ${body("time(30m)")}`, 25200, 28800, 23400, 28800],
  [`RESAMPLE EVERY 1h ${body("time(30m)")}`, 25200, 28800, 25200, 28800],
  [body("time(1h, 15m)"), 29700, 33300, 29700, 33300],
  [`RESAMPLE EVERY 90s ${body("time(1m)")}`, 90, 180, 60, 180],
] as [string, number, number, number, number][])(
  "%s done at %d, at %d: %d to %d",
  (text, done, now, from, to) => {
    const run = dueRun(schedule(text), BigInt(done) * S, BigInt(now) * S, 1000)!;
    expect([Number(run.fromNs / S), Number(run.toNs / S), Number(run.doneNs / S)]).toEqual([from, to, now]);
    expect(dueRun(schedule(text), BigInt(done) * S, BigInt(now) * S - 1n, 1000)).toBeNull();
  },
);

test("windows of a zone start by its clock", () => {
  const daily = schedule(`BEGIN SELECT mean(v) INTO a FROM b GROUP BY time(1d) tz('Europe/Berlin') END`);
  const noon = BigInt(Date.UTC(2023, 6, 1, 12)) * 1_000_000n;
  expect(boundary(daily, noon, daily.everyNs)).toBe(BigInt(Date.UTC(2023, 5, 30, 22)) * 1_000_000n);
});

test.each([
  body("time(1d)"),
  body("time(12h)"),
  `RESAMPLE EVERY 6h ${body("time(1d)")}`,
  `RESAMPLE EVERY 2d ${body("time(1d)")}`,
  `RESAMPLE FOR 3d ${body("time(1d)")}`,
  body("time(1h)"),
])("where the clock of a zone is changed no window is left out: %s", (text) => {
  const zoned = schedule(text.replace(" END", " tz('Europe/Berlin') END"));
  const hour = 3600n * S;
  for (const [month, day] of [
    [2, 24],
    [9, 20],
  ] as const) {
    const startNs = BigInt(Date.UTC(2024, month, day, 11)) * 1_000_000n;
    const rule = new WindowRule(
      { everyNs: zoned.intervalNs, offsetNs: 0n, everyMonths: 0, offsetMonths: 0 },
      "Europe/Berlin",
    );
    const windows = rule.bounds(startNs + 48n * hour, startNs + 12n * 24n * hour);
    const runs: DueRun[] = [];
    let doneNs = boundary(zoned, startNs, zoned.everyNs);
    for (let now = startNs; now < startNs + 16n * 24n * hour; now += hour) {
      const run = dueRun(zoned, doneNs, now, 1000);
      if (run === null) continue;
      runs.push(run);
      doneNs = run.doneNs;
    }
    for (let i = 0; i + 1 < windows.length; i++) {
      const [from, to] = [windows[i]!, windows[i + 1]!];
      // once it is over, and whole
      const later = runs.filter((run) => run.doneNs >= to && run.fromNs <= from && run.toNs >= to);
      expect([new Date(Number(from / 1_000_000n)), later.length > 0]).toEqual([expect.anything(), true]);
    }
    // every run begins and ends where windows do
    const isBound = (time: bigint) => rule.start(time) === time;
    expect(runs.filter(({ fromNs, toNs }) => !isBound(fromNs) || !isBound(toNs))).toEqual([]);
  }
});

test("what WHERE says of time gives way to the run's range", () => {
  const statement = parseContinuousQuery(
    "CREATE CONTINUOUS QUERY c ON d BEGIN SELECT mean(v) INTO a FROM b WHERE (x = 'y' OR z = 1) AND time > now() - 1h GROUP BY time(1m) END",
  );
  expect(selectOver(statement, 5n, 9n)).toBe(
    "SELECT mean(v) INTO a FROM b WHERE ((x = 'y' OR z = 1)) AND (time >= 5 AND time < 9) GROUP BY time(1m)",
  );
});
