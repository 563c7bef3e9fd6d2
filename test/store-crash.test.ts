// Power cuts, kills and refusals of the disk at any moment of writes, flushes, compactions, drops and recoveries: what was
// acknowledged is there with its value, what was dropped is not, and nothing is there that nobody wrote.
import { expect, test } from "bun:test";
import type { Clock } from "../src/base/clock.ts";
import { DiskError } from "../src/base/errors.ts";
import { Database } from "../src/db/database.ts";
import { MAX_TIME, MIN_TIME } from "../src/model/types.ts";
import { MemoryDisk, randomNumbers } from "./disk/memory.ts";
import { type Cells, cellsOf, DATABASE, linesOf, Possible, type Write } from "./support/possible.ts";

const measurements = ["m", "other"];
const options = { dataDir: "/data", partitions: 2 };
const clock: Clock = { nowNs: () => 0n, elapsedMs: () => 0, every: () => () => {} };
const WEEK_NS = 604_800_000_000_000n;

/** Other seeds: CRASH_SEED=1000 bun test test/store-crash.test.ts */
const firstSeed = Number(process.env["CRASH_SEED"] ?? 1);

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Random writes whose values never repeat. */
class Writes {
  #value = 0;

  constructor(readonly random: () => number) {}

  below(end: number): number {
    return Math.floor(this.random() * end);
  }

  next(): Write[] {
    return Array.from({ length: 1 + this.below(6) }, () => {
      const value = ++this.#value;
      const fields: Record<string, number | bigint | string> = {};
      if (this.random() < 0.7) fields["x"] = value + 0.5;
      if (this.random() < 0.4) fields["n"] = BigInt(value);
      if (this.random() < 0.3 || Object.keys(fields).length === 0) fields["s"] = `text ${value}`;
      return {
        measurement: measurements[this.below(measurements.length)]!,
        host: "abc"[this.below(3)]!,
        time: BigInt(this.below(3) - 1) * WEEK_NS + BigInt(this.below(8)),
        fields,
      };
    });
  }
}

/** Issues operations without waiting for most of them. */
async function load(db: Database, writes: Writes, possible: Possible, operations: number): Promise<void> {
  const refused = () => undefined;
  const drop = () => {
    const measurement = measurements[writes.below(measurements.length)]!;
    const acknowledge = possible.drop(measurement);
    const everything = { database: DATABASE, measurement, where: null, minTime: MIN_TIME, maxTime: MAX_TIME };
    const dropped =
      writes.random() < 0.5 ? db.dropMeasurement(DATABASE, measurement) : db.deletions.delete(everything);
    return dropped.then(acknowledge);
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
    } else if (choice < 0.95) {
      done = db.flush();
    } else {
      // a drop waits for the flush before it, and writes may overtake it: none does here
      await Promise.all(writing.splice(0));
      await drop();
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
  for (let seed = firstSeed; seed < firstSeed + 20; seed++) {
    try {
      const random = randomNumbers(seed);
      const writes = new Writes(random);
      const possible = new Possible();
      let disk = new MemoryDisk(seed);
      for (let crash = 0; crash < 4; crash++) {
        const db = await Database.open(options, disk, clock);
        if (crash === 0) await db.createDatabase(DATABASE);
        expect(db.health().message).toBe("ready for queries and writes");
        possible.check(await cellsOf(db, measurements));
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
      const found = await cellsOf(db, measurements);
      possible.check(found);
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
    expect([place, written, db.health().status]).toEqual(
      isOver ? [place, "written", "pass"] : [place, "refused", "fail"],
    );
    await db.close().catch((error) => expect(error).toBeInstanceOf(DiskError));
    if (isOver) continue;
    const left = disk.crash(isFull ? "process" : "machine");
    const again = await Database.open(options, left, clock);
    expect([place, await cellsOf(again, measurements)]).toEqual([place, cells]);
    expect(again.health().status).toBe("pass");
    await again.close();
  }
  expect(operations).toBeGreaterThan(20);
}, 60_000);
