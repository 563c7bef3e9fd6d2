// DELETE by values beside everything else: in steps, between which writes, flushes and merges come; killed, failed and crashed half
// way; with more ranges than it leaves to merges.
import { expect, spyOn, test } from "bun:test";
import type { Clock } from "../src/base/clock.ts";
import { Database } from "../src/db/database.ts";
import { Maintenance } from "../src/db/maintenance.ts";
import { openDatabases, openParts } from "../src/db/open.ts";
import { resolveOptions } from "../src/db/options.ts";
import { ValueDeletion } from "../src/db/value-deletion.ts";
import type { Budget } from "../src/model/scan.ts";
import { FieldType, MAX_TIME, MIN_TIME } from "../src/model/types.ts";
import { SegmentCursor } from "../src/store/segment-cursor.ts";
import { MemoryDisk, randomNumbers } from "./disk/memory.ts";

const options = { dataDir: "/data", partitions: 2 };
const clock: Clock = { nowNs: () => 0n, elapsedMs: () => 0, every: () => () => {} };
const SECOND_NS = 1_000_000_000n;

async function ask(db: Database, text: string): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  for await (const { series } of db.run(text, { database: "d" }))
    for await (const part of series) rows.push(...(part.rows as unknown[][]));
  return rows;
}

const errorOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => "no error",
    (error: Error) => error.message,
  );

async function write(db: Database, lines: readonly string[]): Promise<void> {
  for (let from = 0; from < lines.length; from += 20_000) {
    const text = lines.slice(from, from + 20_000).join("\n");
    expect((await db.writeLines(text, { database: "d" })).errors).toEqual([]);
  }
}

/** One series, a row a second, v = its number modulo 10. */
const longSeries = (count: number, host = "a") =>
  Array.from({ length: count }, (_, i) => `m,h=${host} v=${i % 10},w=${i}i ${BigInt(i) * SECOND_NS}`);

async function start(disk = new MemoryDisk(1)): Promise<Database> {
  const db = await Database.open(options, disk, clock);
  if (!db.databases().includes("d")) await db.createDatabase("d");
  return db;
}

test("a write, a query and a flush come between the steps in one long series", async () => {
  const db = await start();
  await write(db, longSeries(600_000));
  await db.flush();
  const order: string[] = [];
  const note = (name: string) => () => order.push(name);
  const deleted = ask(db, "DELETE FROM m WHERE v >= 5 AND v < 9").then(note("delete"));
  // begun when it is under way
  await Bun.sleep(5);
  await Promise.all([
    deleted,
    write(db, ["m,h=new v=7 1", `m,h=a v=1 ${5n * SECOND_NS}`]).then(note("write")),
    ask(db, "SELECT v FROM m WHERE time = 4s").then(note("query")),
    db.flush().then(note("flush")),
  ]);
  expect(order).toHaveLength(4);
  expect(order.at(-1)).toBe("delete");
  // what does not match stays, and so does row 5, which was written anew before or after its turn
  const others = Array.from({ length: 600_000 }, (_, i) => (i % 10 < 5 ? i : 0)).reduce((a, b) => a + b, 0);
  const [[, count, sum]] = (await ask(db, "SELECT count(v), sum(w) FROM m WHERE h = 'a' AND v < 5")) as [
    number[],
  ];
  expect([count, [others, others + 5].includes(sum!)]).toEqual([300_001, true]);
  expect(await ask(db, "SELECT count(v) FROM m WHERE h = 'a' AND v >= 5")).toEqual([[0n, 60_000]]);
  expect(await ask(db, "SELECT v FROM m WHERE time = 5s")).toEqual([[5n * SECOND_NS, 1]]);
  await db.close();
}, 60_000);

test("killed, by its client or by KILL QUERY, it has deleted rows that match and no others, durably; again it deletes the rest", async () => {
  for (const how of ["kill query", "signal"]) {
    let disk = new MemoryDisk(3);
    let db = await start(disk);
    await write(db, longSeries(400_000));
    await db.flush();
    await write(db, longSeries(1000, "memory"));
    const controller = new AbortController();
    const running = (async () => {
      const signal = controller.signal;
      for await (const { series } of db.run("DELETE FROM m WHERE v != 4", { database: "d", signal }))
        for await (const _ of series);
    })();
    const error = errorOf(running);
    // at the third step
    let steps = 0;
    disk.fault = (operation, path) => {
      if (operation !== "write" || !path.startsWith("/data/wal/") || ++steps !== 3) return undefined;
      const { id } = db.queries.list().find(({ text }) => text.startsWith("DELETE"))!;
      if (how === "signal") controller.abort();
      else void ask(db, `KILL QUERY ${id}`);
      return undefined;
    };
    expect(await error).toBe(how === "signal" ? "query was killed" : "query interrupted");
    const matching = 9 * 40_100;
    const counts = async () => [
      (await ask(db, "SELECT count(v) FROM m WHERE v = 4"))[0]![1],
      ((await ask(db, "SELECT count(v) FROM m WHERE v != 4"))[0]?.[1] ?? 0) as number,
    ];
    const left = await counts();
    expect(left[0]).toBe(40_100);
    // (half way: it would be no test of a half otherwise)
    expect([(left[1]! as number) > 0, (left[1]! as number) < matching]).toEqual([true, true]);
    disk = disk.crash("machine");
    db = await start(disk);
    expect(await counts()).toEqual(left);
    expect(await ask(db, "DELETE FROM m WHERE v != 4")).toEqual([]);
    expect(await counts()).toEqual([40_100, 0]);
    disk = disk.crash("machine");
    db = await start(disk);
    expect(await counts()).toEqual([40_100, 0]);
    await db.close();
  }
}, 60_000);

test("a write into a series that is being deleted is kept when it does not match, whenever it comes", async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const random = randomNumbers(seed);
    const db = await start();
    const hosts = ["a", "b", "c"];
    for (const host of hosts) await write(db, longSeries(40_000, host));
    await db.flush();
    const kept = new Map<string, number>();
    let isDone = false;
    const deleted = ask(db, "DELETE FROM m WHERE v > 2").then(() => {
      isDone = true;
    });
    while (!isDone) {
      const [host, i] = [hosts[Math.floor(random() * 3)]!, Math.floor(random() * 40_000)];
      const value = -1 - kept.size;
      await write(db, [`m,h=${host} v=${value} ${BigInt(i) * SECOND_NS}`]);
      kept.set(`${host} ${i}`, value);
      if (random() < 0.1) await db.flush();
    }
    await deleted;
    expect(kept.size).toBeGreaterThan(3);
    expect(await ask(db, "SELECT count(v) FROM m WHERE v > 2")).toEqual([]);
    const found = new Map<string, number>();
    for (const host of hosts)
      for (const [time, value] of await ask(db, `SELECT v FROM m WHERE h = '${host}' AND v < 0`))
        found.set(`${host} ${(time as bigint) / SECOND_NS}`, value as number);
    expect(found).toEqual(kept);
    await db.close();
  }
}, 60_000);

test("row groups that statistics tell not to match are not read, and what they are told of is what the rows are", async () => {
  const single = await start();
  await write(single, longSeries(100_000));
  await single.flush();
  const read = spyOn(SegmentCursor.prototype, "slice");
  await ask(single, "DELETE FROM m WHERE w > 100000 AND v < 100");
  expect(read).not.toHaveBeenCalled();
  await ask(single, "DELETE FROM m WHERE w >= 99999 AND v < 100");
  expect(read).toHaveBeenCalledTimes(1);
  read.mockRestore();
  await single.close();
  for (let seed = 1; seed <= 6; seed++) {
    const random = randomNumbers(seed);
    const below = (end: number) => Math.floor(random() * end);
    const db = await start();
    const rows = new Map<string, { v: number; w?: number }>();
    for (let flush = 0; flush < 4; flush++) {
      const lines: string[] = [];
      for (let i = 0; i < 30_000; i++) {
        // (long series that ascend, others of a few rows, and both written over again here and there)
        const isLong = random() < 0.9;
        const host = isLong ? `l${below(2)}` : `s${below(400)}`;
        const time = isLong && random() < 0.95 ? flush * 30_000 + i : below(120_000);
        const row = { v: time + below(50), ...(random() < 0.7 ? { w: below(10) } : {}) };
        rows.set(`${host} ${time}`, { ...rows.get(`${host} ${time}`), ...row });
        lines.push(`m,h=${host} v=${row.v}${row.w === undefined ? "" : `,w=${row.w}i`} ${time}`);
      }
      await write(db, lines);
      if (flush < 3 || random() < 0.5) await db.flush();
    }
    const conditions: readonly [
      text: string,
      holds: (row: { v: number; w?: number }, host: string) => boolean,
    ][] = [
      ["v > 1000000", () => false],
      ["v < 2000 OR v >= 119000", ({ v }) => v < 2000 || v >= 119_000],
      ["w = 3 AND v > 60000 AND v <= 61000", ({ v, w }) => w === 3 && v > 60_000 && v <= 61_000],
      ["v = 45000 OR w > 20", ({ v }) => v === 45_000],
      ["w = 9", ({ w }) => w === 9],
      ["v > 118000 OR h =~ /^s1/ AND w = 1", ({ v, w }, h) => v > 118_000 || (h.startsWith("s1") && w === 1)],
    ];
    for (const [text, holds] of conditions) {
      await ask(db, `DELETE FROM m WHERE ${text}`);
      for (const [key, row] of rows) if (holds(row, key.split(" ")[0]!)) rows.delete(key);
      const found = new Map<string, { v: number; w?: number }>();
      for (const [time, host, v, w] of await ask(db, "SELECT h, v, w FROM m"))
        found.set(`${host} ${time}`, { v: v as number, ...(w === null ? {} : { w: Number(w) }) });
      expect([seed, text, found.size]).toEqual([seed, text, rows.size]);
      for (const [key, row] of rows)
        if (!Bun.deepEquals(found.get(key), row)) expect([key, found.get(key)]).toEqual([key, row]);
    }
    await db.close();
  }
}, 60_000);

test("a measurement that is dropped and made anew while it is deleted from keeps its new rows", async () => {
  const db = await start();
  await write(db, longSeries(300_000));
  await db.flush();
  const deleted = ask(db, "DELETE FROM m WHERE v >= 1");
  await Bun.sleep(5);
  await ask(db, "DROP MEASUREMENT m");
  await write(db, ['m,h=a v="text" 5', "m,h=b w=9i 6"]);
  await deleted;
  expect(await ask(db, "SELECT v, w FROM m")).toEqual([
    [5n, "text", null],
    [6n, null, 9],
  ]);
  await db.close();
}, 60_000);

const free: Budget = { check: () => undefined, hold: () => undefined };
const request = {
  database: "d",
  measurement: "m",
  fields: null,
  where: {
    kind: "binary",
    operator: ">",
    left: { kind: "field", name: "v", type: FieldType.Float },
    right: { kind: "float", value: 4 },
  },
  minTime: MIN_TIME,
  maxTime: MAX_TIME,
} as const;

test("more ranges than it leaves to merges are merged before it goes on, and it can be killed while it waits", async () => {
  for (const isKilled of [false, true]) {
    const disk = new MemoryDisk(5);
    let db = await start(disk);
    // every other row: each a range of its own
    const lines = ["a", "b", "c", "d"].flatMap((host) =>
      Array.from({ length: 10_000 }, (_, i) => `m,h=${host} v=${(i % 2) * 9} ${BigInt(i) * SECOND_NS}`),
    );
    await write(db, lines);
    await db.close();
    const lock = await disk.lock("/data/LOCK");
    const resolved = resolveOptions(options);
    const parts = await openParts(resolved, disk, clock, await openDatabases(resolved, disk));
    const maintenance = new Maintenance(parts.log, parts.stores);
    let most = 0;
    let waits = 0;
    const budget: Budget = {
      ...free,
      check: () => {
        most = Math.max(most, ...parts.stores.map(({ deletedRanges }) => deletedRanges));
        if (isKilled && waits > 0) throw new Error("killed while it waits");
      },
    };
    const watched = Object.create(maintenance, {
      settle: {
        value: () => {
          waits++;
          return maintenance.settle();
        },
      },
      flush: { value: () => maintenance.flush() },
      exclusively: { value: <T>(work: () => Promise<T>) => maintenance.exclusively(work) },
    }) as Maintenance;
    const deletion = {
      ...{ ...parts, maintenance: watched, checkWritable: () => undefined },
      ...{ mayForget: () => true, changed: () => undefined },
    };
    const run = new ValueDeletion(deletion, request, budget, 6000).run();
    expect(await errorOf(run)).toBe(isKilled ? "killed while it waits" : "no error");
    // 20,000 ranges of two stores; a step may have 10,000
    expect(waits).toBeGreaterThan(0);
    if (!isKilled) {
      expect(most).toBeLessThan(20_000);
      await maintenance.settle();
      expect(parts.stores.map(({ deletedRanges }) => deletedRanges)).toEqual([0, 0]);
    }
    await maintenance.close();
    await parts.log.close();
    for (const store of parts.stores) store.close();
    lock.release();
    db = await start(disk);
    const [[, left]] = (await ask(db, "SELECT count(v) FROM m")) as [[bigint, number]];
    if (isKilled) expect([left > 20_000, left < 40_000]).toEqual([true, true]);
    else expect(left).toBe(20_000);
    expect(await ask(db, "SELECT count(v) FROM m WHERE v = 0")).toEqual([[0n, 20_000]]);
    await db.close();
  }
}, 60_000);

test("wherever the process or the machine dies, no row comes back and none goes that does not match", async () => {
  const lines = (round: number) =>
    Array.from(
      { length: 60 },
      (_, i) => `m,h=${i % 3} v=${(i + round) % 4},w=${i}i ${BigInt(i + round * 20) * SECOND_NS}`,
    );
  const matches = (value: unknown) => (value as number) >= 2;
  let died = 0;
  for (let operation = 1; ; operation += 2) {
    const disk = new MemoryDisk(operation);
    let next: MemoryDisk | undefined;
    const death = new Promise<void>((resolve) => {
      let count = 0;
      disk.fault = () => {
        if (++count !== operation) return undefined;
        next = disk.crash(operation % 4 === 1 ? "machine" : "process");
        resolve();
        return "ENODEV";
      };
    });
    let isDone = false;
    let written = 0;
    let deleted = 0;
    const live = async () => {
      const db = await start(disk);
      for (let round = 0; round < 3; round++) {
        await write(db, lines(round));
        written = round + 1;
        if (round !== 1) await db.flush();
        await ask(db, "DELETE FROM m WHERE v >= 2");
        deleted = round + 1;
        if (round === 1) await db.flush();
      }
      await db.close();
      isDone = true;
    };
    await Promise.race([live().catch(() => undefined), death]);
    if (isDone) break;
    died++;
    let db = await start(next);
    // by key of the row its value as of each round, the deletions of before taken out
    const acknowledged = new Map<string, number>();
    for (let round = 0; round < written; round++)
      for (const line of lines(round)) {
        const [, host, value, time] = /h=(\d) v=(\d).* (\d+)$/.exec(line)!;
        acknowledged.set(`${host} ${time}`, Number(value));
        if (round === written - 1) continue;
        if (matches(Number(value))) acknowledged.delete(`${host} ${time}`);
      }
    for (let round = 0; round < 2; round++) {
      const found = new Map<string, number>();
      for (const [time, host, value] of await ask(db, "SELECT h, v FROM m"))
        found.set(`${host} ${time}`, value as number);
      for (const [key, value] of acknowledged) {
        // one that does not match is there (an unacknowledged write may have come over it), one of a deletion that was answered is not
        if (!matches(value) && found.get(key) === undefined) {
          const later = lines(written).find(
            (line) => line.includes(`h=${key[0]} `) && line.endsWith(` ${key.slice(2)}`),
          );
          expect([key, later === undefined]).toEqual([key, false]);
        }
      }
      if (deleted === written && deleted > 0) {
        const later = new Set(lines(written).map((line) => line.replace(/^m,h=(\d) .* (\d+)$/, "$1 $2")));
        for (const [key, value] of found)
          expect([key, matches(value) && !later.has(key)]).toEqual([key, false]);
      }
      await db.flush();
      await db.close();
      db = await start(next);
    }
    await ask(db, "DELETE FROM m WHERE w >= 0 AND v >= 2").catch((error: Error) =>
      expect(error.message).toContain("has no field"),
    );
    expect((await ask(db, "SELECT v FROM m")).filter(([, value]) => matches(value))).toEqual([]);
    await db.close();
  }
  expect(died).toBeGreaterThan(20);
}, 120_000);

test("a file of tombstones that is damaged or gone stops the start: rows that were deleted would come back", async () => {
  const disk = new MemoryDisk(7);
  const db = await Database.open({ ...options, partitions: 1 }, disk, clock);
  await db.createDatabase("d");
  await write(db, longSeries(100));
  await db.flush();
  await ask(db, "DELETE FROM m WHERE v > 5");
  await db.flush();
  const left = disk.crash("process");
  const name = left.list("/data/p00").find((each) => each.startsWith("tombstones-"));
  const path = `/data/p00/${name}`;
  const bytes = left.readFile(path);
  const put = (changed: Uint8Array) => left.open(path, "create").append(changed);
  for (const at of [0, 20, 50, 120, bytes.length - 9, bytes.length - 1]) {
    const damaged = bytes.slice();
    damaged[at]! ^= 1;
    put(damaged);
    expect(await errorOf(Database.open(options, left, clock))).toContain(path);
  }
  left.unlink(path);
  expect(await errorOf(Database.open(options, left, clock))).toContain(
    `${path} is corrupt at byte 0: the file is missing`,
  );
  put(bytes);
  const again = await Database.open(options, left, clock);
  expect(await ask(again, "SELECT count(v) FROM m")).toEqual([[0n, 60]]);
  // it goes with the segments that it is about
  await again.flush();
  const files = () => left.list("/data/p00").filter((each) => each.startsWith("tombstones-"));
  await write(again, ["m,h=z v=1 1"]);
  await again.flush();
  for (let turns = 0; files().length > 0 && turns < 200; turns++) await Bun.sleep(5);
  expect(files()).toEqual([]);
  expect(await ask(again, "SELECT count(v) FROM m")).toEqual([[0n, 61]]);
  await again.close();
});

test("a start that replays deletions, and what follows, holds no memory afterwards", async () => {
  const left = async (deletes: boolean) => {
    let disk = new MemoryDisk(9);
    const db = await start(disk);
    await write(db, longSeries(2000));
    if (deletes) {
      await ask(db, "DELETE FROM m WHERE v > 5");
      await write(db, ["m,h=b v=1 1", "m,h=c v=1 1"]);
      await ask(db, "DELETE FROM m WHERE h = 'b'");
      await ask(db, "DELETE w FROM m");
    }
    disk = disk.crash("process");
    const lock = await disk.lock("/data/LOCK");
    const resolved = resolveOptions(options);
    const databases = await openDatabases(resolved, disk);
    const { kernels, stores, log, applier } = await openParts(resolved, disk, clock, databases);
    expect(stores.some(({ rowsInMemory }) => rowsInMemory > 0)).toBe(true);
    for (const store of stores) store.close();
    applier.close();
    await log.close();
    lock.release();
    return kernels.usedBytes;
  };
  expect(await left(true)).toBe(await left(false));
});

test("the query timeout does not end it: again it would come no further", async () => {
  let nowMs = 0;
  const fast: Clock = { ...clock, elapsedMs: () => (nowMs += 9_000) };
  const db = await Database.open({ ...options, queryTimeout: "1m" }, new MemoryDisk(2), fast);
  await db.createDatabase("d");
  await write(db, longSeries(20_000));
  await db.flush();
  expect(await errorOf(ask(db, "SELECT v FROM m WHERE v + 0 > 5 LIMIT 20000"))).toContain("query-timeout");
  expect(await ask(db, "DELETE FROM m WHERE v >= 5")).toEqual([]);
  await db.close();
});
