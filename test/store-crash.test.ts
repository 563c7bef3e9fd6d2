// Power cuts, kills and refusals of the disk at any moment of writes, flushes, compactions, drops and recoveries: what was
// acknowledged is there with its value, what was dropped is not, and nothing is there that nobody wrote.
import { expect, test } from "bun:test";
import type { Clock } from "../src/base/clock.ts";
import { DiskError } from "../src/base/errors.ts";
import { Database } from "../src/db/database.ts";
import { FieldType } from "../src/model/types.ts";
import { MemoryDisk, randomNumbers } from "./disk/memory.ts";
import {
  type Cell,
  type Cells,
  cellsOf,
  DATABASE,
  linesOf,
  Possible,
  type Write,
} from "./support/possible.ts";

const measurements = ["m", "other"];
const options = { dataDir: "/data", partitions: 2 };
const clock: Clock = { nowNs: () => 0n, elapsedMs: () => 0, every: () => () => {} };
const WEEK_NS = 604_800_000_000_000n;

/** Other seeds: CRASH_SEED=1000 CRASH_SEEDS=100 bun test test/store-crash.test.ts */
const firstSeed = Number(process.env["CRASH_SEED"] ?? 1);

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const typed = [
  (value: number) => value + 0.25,
  (value: number) => BigInt(value),
  (value: number) => `${value}`,
];

/** Random writes whose values never repeat. */
class Writes {
  #value = 0;
  /** By measurement what its field `t` has for values: another type once all of them were deleted. */
  readonly typeOf = new Map<string, number>();

  constructor(readonly random: () => number) {}

  below(end: number): number {
    return Math.floor(this.random() * end);
  }

  /** Every value so far is within 1 of it or less. */
  get last(): number {
    return this.#value;
  }

  next(): Write[] {
    return Array.from({ length: 1 + this.below(6) }, () => {
      const value = ++this.#value;
      const fields: Record<string, number | bigint | string> = {};
      if (this.random() < 0.7) fields["x"] = value + 0.5;
      if (this.random() < 0.4) fields["n"] = BigInt(value);
      if (this.random() < 0.3 || Object.keys(fields).length === 0) fields["s"] = `text ${value}`;
      const measurement = measurements[this.below(measurements.length)]!;
      if (this.random() < 0.4) fields["t"] = typed[this.typeOf.get(measurement) ?? 0]!(value);
      return {
        measurement,
        host: "abc"[this.below(3)]!,
        time: BigInt(this.below(3) - 1) * WEEK_NS + BigInt(this.below(8)),
        fields,
      };
    });
  }
}

/** A deletion of points or fields, and what it hits. */
function deletion(writes: Writes, measurement: string): { text: string; isHit: (cell: Cell) => boolean } {
  const names = [["t"], ["t"], ["x", "n"], ["s", "t"], ["x", "n", "s", "t"], []][writes.below(6)]!;
  const host = "abc"[writes.below(3)]!;
  const time = BigInt(writes.below(3) - 1) * WEEK_NS + BigInt(writes.below(8));
  const limit = writes.below(writes.last + 1);
  const [where, isRow] = (
    [
      ["", () => true],
      [` WHERE host = '${host}'`, (cell) => cell.host === host],
      [` WHERE time >= ${time}`, (cell) => cell.time >= time],
      [` WHERE host != '${host}' AND time < ${time}`, (cell) => cell.host !== host && cell.time < time],
      [` WHERE x > ${limit}`, ({ of }) => Number(of("x") ?? -1) > limit],
    ] as const satisfies readonly [string, (cell: Cell) => boolean][]
  )[writes.below(5)]!;
  return {
    // by regex: a name that is no field (any more) would be an error
    text: `DELETE ${names.map((name) => `/^${name}$/`).join(", ")} FROM ${measurement}${where}`,
    isHit: (cell) => isRow(cell) && (names.length === 0 || names.includes(cell.field)),
  };
}

async function run(db: Database, text: string): Promise<void> {
  try {
    for await (const { series } of db.run(text, { database: DATABASE }))
      for await (const part of series) expect(part).toBeUndefined();
  } catch (error) {
    // a condition over a field that no point has: it hits none
    if (!/^DELETE: \w+ has no field x at/.test((error as Error).message)) throw error;
  }
}

/** What `t` is by now: a deletion may have been done, or half way, when the crash came. */
function learnTypes(db: Database, writes: Writes): void {
  for (const measurement of measurements) {
    // (of a measurement without series, too: writes go by the schema)
    const field = db.engine.schema.measurements(DATABASE).get(measurement)?.field("t");
    const types: readonly FieldType[] = [FieldType.Float, FieldType.Integer, FieldType.String];
    writes.typeOf.set(measurement, field ? types.indexOf(field.type) : writes.below(3));
  }
}

/** The series that are shown are those that have cells. */
async function checkSeries(db: Database, cells: Cells): Promise<void> {
  const shown = new Set<string>();
  for (const measurement of measurements)
    for await (const keys of db.source.seriesKeys(DATABASE, measurement, null))
      for (const key of keys) shown.add(key);
  const wanted = [...cells.keys()].map((key) => key.split(" ").slice(0, 2).join(",host="));
  expect([...shown].sort()).toEqual([...new Set(wanted)].sort());
}

/** Issues operations without waiting for most of them. */
async function load(db: Database, writes: Writes, possible: Possible, operations: number): Promise<void> {
  const refused = () => undefined;
  const drop = () => {
    const measurement = measurements[writes.below(measurements.length)]!;
    if (writes.random() < 0.2)
      return db.dropMeasurement(DATABASE, measurement).then(possible.drop(measurement));
    const { text, isHit } = deletion(writes, measurement);
    return run(db, text).then(possible.drop(measurement, isHit));
  };
  const writing: Promise<unknown>[] = [];
  for (let i = 0; i < operations; i++) {
    const choice = writes.random();
    let done: Promise<unknown> = Promise.resolve();
    if (choice < 0.7) {
      const batch = writes.next();
      const acknowledge = possible.write(batch);
      done = db.writeLines(linesOf(batch), { database: DATABASE }).then(({ errors }) => {
        expect(errors).toEqual([]);
        acknowledge();
      });
      writing.push(done);
    } else if (choice < 0.93) {
      done = db.flush();
    } else {
      // a drop waits for the flush before it, and writes may overtake it: none does here
      await Promise.all(writing.splice(0));
      await drop();
      learnTypes(db, writes);
    }
    done.catch(refused);
    if (writes.random() < 0.6) for (let t = writes.below(12); t >= 0; t--) await turn();
  }
  if (writes.random() < 0.2) {
    await Promise.all(writing);
    drop().catch(refused);
    for (let t = writes.below(6); t > 0; t--) await turn();
  }
}

test("machine and process crashes lose nothing that was acknowledged", async () => {
  for (let seed = firstSeed; seed < firstSeed + Number(process.env["CRASH_SEEDS"] ?? 20); seed++) {
    try {
      const random = randomNumbers(seed);
      const writes = new Writes(random);
      const possible = new Possible();
      let disk = new MemoryDisk(seed);
      for (let crash = 0; crash < 4; crash++) {
        const db = await Database.open(options, disk, clock);
        if (crash === 0) await db.createDatabase(DATABASE);
        expect(db.health().message).toBe("ready for queries and writes");
        const found = await cellsOf(db, measurements);
        possible.check(found);
        await checkSeries(db, found);
        learnTypes(db, writes);
        await load(db, writes, possible, 5 + writes.below(40));
        disk = disk.crash(random() < 0.7 ? "machine" : "process");
        // the recovery dies too, at any of its moments
        for (let again = writes.below(3); again > 0; again--) {
          const recovering = Database.open(options, disk, clock).catch(() => undefined);
          for (let t = writes.below(25); t > 0; t--) await turn();
          disk = disk.crash(random() < 0.7 ? "machine" : "process");
          void recovering;
        }
      }
      const db = await Database.open(options, disk, clock);
      expect(db.health().message).toBe("ready for queries and writes");
      const found = await cellsOf(db, measurements);
      possible.check(found);
      await checkSeries(db, found);
      await db.close();
      const again = await Database.open(options, disk, clock);
      expect(await cellsOf(again, measurements)).toEqual(found);
      await again.close();
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
}, 60_000);

const changes = new Set(["open", "write", "sync", "rename", "sync folder", "truncate", "unlink"]);

/** The disk refuses its operation number `index`, counted from now, and works again after it. */
function refuseOnce(disk: MemoryDisk, index: number, errno: string): { refused: string | undefined } {
  const outcome: { refused: string | undefined } = { refused: undefined };
  let count = 0;
  disk.fault = (operation, path) => {
    if (!changes.has(operation) || count++ !== index) return undefined;
    outcome.refused = `${operation} ${path}`;
    return errno;
  };
  return outcome;
}

async function filled(disk: MemoryDisk): Promise<{ db: Database; cells: Cells }> {
  const db = await Database.open(options, disk, clock);
  await db.createDatabase(DATABASE);
  const writes = new Writes(randomNumbers(7));
  for (let i = 0; i < 12; i++) {
    await db.writeLines(linesOf(writes.next()), { database: DATABASE });
    // three segments in each window: the flush under test brings the fourth, and so a compaction
    if (i % 4 === 3 && i < 12) await db.flush();
  }
  for (let i = 0; i < 3; i++) await db.writeLines(linesOf(writes.next()), { database: DATABASE });
  await run(db, "DELETE FROM other WHERE host = 'a'");
  await run(db, "DELETE x, t FROM m WHERE host = 'b'");
  await run(db, "DELETE s FROM m");
  return { db, cells: await cellsOf(db, measurements) };
}

test("the disk refuses any one operation of a flush and compaction: refused writes, right reads", async () => {
  let operations = 0;
  for (let isOver = false; !isOver; operations++) {
    const disk = new MemoryDisk(operations + 1);
    const { db, cells } = await filled(disk);
    const isFull = operations % 2 === 0;
    const fault = refuseOnce(disk, operations, isFull ? "ENOSPC" : "EIO");
    await db.flush().catch((error) => expect(error).toBeInstanceOf(DiskError));
    for (let t = 0; t < 60; t++) await turn();
    disk.fault = undefined;
    isOver = fault.refused === undefined;
    const place = `${fault.refused}`;
    expect([place, await cellsOf(db, measurements)]).toEqual([place, cells]);
    const written = await db.writeLines("m,host=new x=1 1", { database: DATABASE }).then(
      () => "written",
      (error) => (error instanceof DiskError ? "refused" : error),
    );
    // a merge of which no row is left gives up its file, which the next start removes
    const isHarmless = isOver || (fault.refused?.startsWith("unlink") && fault.refused.endsWith(".seg.tmp"));
    expect([place, written, db.health().status]).toEqual(
      isHarmless ? [place, "written", "pass"] : [place, "refused", "fail"],
    );
    await db.close().catch((error) => expect(error).toBeInstanceOf(DiskError));
    if (isOver) continue;
    if (isHarmless) cells.set("m new 1 x", 1);
    const left = disk.crash(isFull ? "process" : "machine");
    const again = await Database.open(options, left, clock);
    expect([place, await cellsOf(again, measurements)]).toEqual([place, cells]);
    expect(again.health().status).toBe("pass");
    await again.close();
  }
  expect(operations).toBeGreaterThan(20);
}, 60_000);

/** The process dies at the first sync of the folder after a rename of the file: the new file is read, and not durable. */
async function killedAtRename(
  disk: MemoryDisk,
  path: string,
  work: () => Promise<unknown>,
): Promise<MemoryDisk> {
  let isRenamed = false;
  disk.fault = (operation, of) => {
    if (operation === "rename" && of === `${path}.tmp`) isRenamed = true;
    // (a sync that is held never ends: the process is killed in it)
    if (operation === "sync folder" && isRenamed) disk.holdSyncs = true;
    return undefined;
  };
  void work().catch(() => undefined);
  for (let t = 0; t < 1000 && !disk.holdSyncs; t++) await turn();
  expect(disk.holdSyncs).toBe(true);
  return disk.crash("process");
}

test("what a start found in files that a dead process had renamed last is there after a power cut, too", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const disk = new MemoryDisk(seed);
    const { db, cells } = await filled(disk);
    const isMerge = seed % 2 === 0;
    if (isMerge) {
      // the manifest that is replaced next is that of a merge
      await db.flush();
      expect(disk.list("/data/p00").filter((name) => name.endsWith(".seg")).length).toBeGreaterThan(4);
    }
    let left = await killedAtRename(disk, "/data/p00/manifest", () => (isMerge ? Bun.sleep(0) : db.flush()));
    await Database.open(options, left, clock);
    left = left.crash("machine");
    const again = await Database.open(options, left, clock);
    expect([seed, again.health().message]).toEqual([seed, "ready for queries and writes"]);
    expect(await cellsOf(again, measurements)).toEqual(cells);
    await again.close();
  }
});

test("a database that a start found is there with its rows after a power cut", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const disk = new MemoryDisk(seed);
    const db = await Database.open(options, disk, clock);
    let left = await killedAtRename(disk, "/data/databases", () => db.createDatabase(DATABASE));
    const found = await Database.open(options, left, clock);
    expect(found.databases()).toEqual([DATABASE]);
    await found.writeLines("m,host=a x=1 1", { database: DATABASE });
    left = left.crash("machine");
    const again = await Database.open(options, left, clock);
    expect([seed, [...(await cellsOf(again, measurements))]]).toEqual([seed, [["m a 1 x", 1]]]);
    await again.close();
  }
});

test("a database that is dropped while another is made takes its rows along, whenever a crash comes", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const disk = new MemoryDisk(seed);
    const whole = disk.open.bind(disk);
    // the log is slow, and nothing else
    let isSlow = false;
    disk.open = (path, mode) => {
      const file = whole(path, mode);
      const sync = file.sync;
      if (path.startsWith("/data/wal/")) file.sync = () => (isSlow ? new Promise(() => {}) : sync());
      return file;
    };
    const db = await Database.open(options, disk, clock);
    await db.writeLines("m,host=a x=1 1", { database: DATABASE });
    isSlow = true;
    void db.writeLines("m,host=a x=2 2", { database: DATABASE });
    await turn();
    void db.dropDatabase(DATABASE);
    while (db.databases().includes(DATABASE)) await turn();
    void db.createDatabase("other");
    for (let turns = 0; turns < 40; turns++) await turn();
    const again = await Database.open(options, disk.crash(seed % 2 === 0 ? "machine" : "process"), clock);
    const isThere = again.databases().includes(DATABASE);
    await again.createDatabase(DATABASE);
    const cells = await cellsOf(again, measurements);
    expect([seed, isThere, cells.get("m a 1 x")]).toEqual([seed, isThere, isThere ? 1 : undefined]);
    await again.close();
  }
});
