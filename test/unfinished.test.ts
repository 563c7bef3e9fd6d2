// A change of several steps that a crash came into: whichever threads had done their parts, and wherever further crashes come
// into the starts that do the rest, it is done whole, and what was written since a thread has done its part stays.
import { expect, spyOn, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Clock } from "../src/base/clock.ts";
import { OverloadedError } from "../src/base/errors.ts";
import { type Change, ChangeFile, type PendingChange } from "../src/db/changes.ts";
import { Database } from "../src/db/database.ts";
import { Head } from "../src/db/head.ts";
import { arrange, ownersOf, shareOf } from "../src/db/layout.ts";
import { Maintenance } from "../src/db/maintenance.ts";
import { openDatabases, openParts } from "../src/db/open.ts";
import { resolveOptions } from "../src/db/options.ts";
import { doPart } from "../src/db/unfinished.ts";
import { encodePoints } from "../src/ingest/points.ts";
import { openBatch } from "../src/model/batchview.ts";
import type { DeleteRequest } from "../src/model/deletions.ts";
import { MAX_TIME, MIN_TIME } from "../src/model/types.ts";
import { partitionOfHash } from "../src/ring/partition.ts";
import { MemoryDisk } from "./disk/memory.ts";
import { seed } from "./support/seed.ts";

const PARTITIONS = 3;
const THREADS = 3;
const SERIES = 12;
const WEEK_NS = 604_800_000_000_000n;
const options = resolveOptions({ dataDir: "/data", partitions: PARTITIONS });
const clock: Clock = { nowNs: () => 3n * WEEK_NS, elapsedMs: () => 0, every: () => () => {} };
const place = { database: "d", retentionPolicy: "autogen" };

async function ask(db: Pick<Database, "run">, text: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const { series } of db.run(text, { database: "d" }))
    for await (const part of series) for (const row of part.rows) rows.push([part.name, ...row]);
  return rows;
}

const looks = ["SELECT n, f FROM a, b, c", "SHOW FIELD KEYS", "SHOW SERIES", "SHOW RETENTION POLICIES ON d"];
looks.push("SHOW CONTINUOUS QUERIES", "SHOW SUBSCRIPTIONS", "SHOW DATABASES", "SHOW GRANTS FOR u");

async function seen(db: Database): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const look of looks)
    answers.push(await ask(db, look).catch((error: Error) => error.message.replace(/at line.*/, "")));
  return answers;
}

/** A data directory as several threads leave it: rows in segments and in their logs. */
async function made(seed: number): Promise<{ disk: MemoryDisk; shard: bigint }> {
  const disk = new MemoryDisk(seed);
  const db = await Database.open(options, disk, clock);
  await ask(db, "CREATE USER u WITH PASSWORD ''; CREATE DATABASE d; CREATE DATABASE e; GRANT READ ON d TO u");
  await ask(
    db,
    "CREATE CONTINUOUS QUERY q ON d BEGIN SELECT count(n) INTO e..o FROM a GROUP BY time(1h) END; CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL 'udp://localhost:9'",
  );
  for (const week of [1n, 2n]) {
    const lines = ["a", "b", "c"].flatMap((name) =>
      Array.from({ length: SERIES }, (_, s) => `${name},w=x,s=${s} n=${s}i,f="t" ${week * WEEK_NS}`),
    );
    await db.writeLines(lines.join("\n"), { database: "d" });
    if (week === 1n) await db.flush();
  }
  const [shard] = await db.retention.shards();
  await db.close();
  await arrange(options, disk, clock, await openDatabases(options, disk), THREADS);
  return { disk, shard: BigInt(shard!.id) };
}

/** One thread does its part; then it may be flushed, and write newer rows to its series. */
async function partOf(
  disk: MemoryDisk,
  thread: number,
  pending: PendingChange,
  then: { readonly flushes: boolean; readonly writes: boolean },
): Promise<void> {
  const share = shareOf("/data", PARTITIONS, thread, THREADS);
  const parts = await openParts(options, disk, clock, await openDatabases(options, disk), share);
  const maintenance = new Maintenance(parts.log, parts.stores);
  await doPart(pending, parts, maintenance);
  if (then.flushes) await maintenance.flush();
  for (let s = 0; then.writes && s < SERIES; s++) {
    const tags = { w: "x", s: String(s) };
    const point = { measurement: "a", tags, fields: { n: 100n, f: "new" }, time: WEEK_NS + 1n };
    const { batch } = encodePoints([point], place, 0n);
    const partition = partitionOfHash(openBatch(batch).tables[0]!.seriesHash(0), PARTITIONS);
    if (share.partitions.includes(partition)) parts.log.append(batch);
  }
  await maintenance.close();
  await parts.log.close();
}

const wide = { fields: null, where: null, minTime: MIN_TIME, maxTime: MAX_TIME };
const tagged: DeleteRequest["where"] = {
  ...{ kind: "binary", operator: "=" },
  left: { kind: "tag", name: "w" },
  right: { kind: "string", value: "x" },
} as DeleteRequest["where"];
const requests = (each: Partial<DeleteRequest>, ...names: string[]): readonly DeleteRequest[] =>
  names.map((measurement) => ({ ...wide, database: "d", measurement, ...each }));

type Made = (shard: bigint) => Change;
const changes: readonly [name: string, isOfRows: boolean, change: Made][] = [
  ["DELETE of all", true, () => ({ kind: "delete", requests: requests({}, "a", "b") })],
  ["DELETE by tags", true, () => ({ kind: "delete", requests: requests({ where: tagged }, "a", "b") })],
  [
    "DELETE by time",
    true,
    () => ({ kind: "delete", requests: requests({ maxTime: WEEK_NS + 9n }, "a", "c") }),
  ],
  ["DELETE of a field", true, () => ({ kind: "delete", requests: requests({ fields: ["n"] }, "b", "a") })],
  ["DROP SHARD", true, (shard) => ({ kind: "drop shard", shard })],
  ["DROP MEASUREMENT", false, () => ({ kind: "drop", database: "d", measurement: "a" })],
  ["DROP DATABASE", false, () => ({ kind: "drop", database: "d", measurement: null })],
  ["DROP RETENTION POLICY", false, () => ({ kind: "drop policy", database: "d", policy: "autogen" })],
];

/** What is there when no crash comes: every thread does its part, those of `writes` write newer rows then. */
async function wholeOf(seed: number, pending: PendingChange, writes: readonly number[]): Promise<unknown[]> {
  const { disk } = await made(seed);
  for (const thread of [0, 1, 2])
    await partOf(disk, thread, pending, { flushes: false, writes: writes.includes(thread) });
  // of drops the names are left, of the others nothing
  const names: Change = pending.change.kind.startsWith("drop")
    ? pending.change
    : { kind: "delete", requests: [] };
  const left: Change = pending.change.kind === "drop shard" ? { kind: "drop shard", shard: 0n } : names;
  await new ChangeFile(disk, "/data").write(left);
  const db = await Database.open(options, disk, clock);
  const answers = await seen(db);
  await db.close();
  return answers;
}

/** Threads that have done their parts before the crash, and whether they are flushed then. */
const begun: readonly [threads: readonly number[], flushes: boolean][] = [
  [[], false],
  [[0], true],
  [[2, 1], false],
  [[1, 2, 0], true],
];

for (const [name, isOfRows, change] of changes)
  test(`${name}, begun by some of the threads, is done whole by the starts after a crash`, async () => {
    let crashes = 0;
    for (const [round, [done, flushes]] of begun.entries()) {
      const { disk: first, shard } = await made(seed + round);
      let disk = first;
      const pending = await new ChangeFile(disk, "/data").write(change(shard));
      for (const thread of done) await partOf(disk, thread, pending, { flushes, writes: isOfRows });
      const expected = await wholeOf(seed + round, pending, isOfRows ? done : []);
      // some more operations of the disk before each crash, until a start comes through
      for (let most = (seed + 5 * round) % 23; ; most += 23) {
        disk = disk.crash("machine");
        let left = most;
        disk.fault = () => (left-- > 0 ? undefined : "EIO");
        const db = await Database.open(options, disk, clock).catch(() => null);
        if (left < 0) {
          crashes++;
          continue;
        }
        disk.fault = undefined;
        expect([done, flushes, most, await seen(db!)]).toEqual([done, flushes, most, expected]);
        expect(disk.exists("/data/change")).toBe(false);
        await db!.close();
        break;
      }
      const again = await Database.open(options, disk, clock);
      expect(await seen(again)).toEqual(expected);
      await again.close();
    }
    expect(crashes).toBeGreaterThan(begun.length);
  });

test("the start that does what is left says how many records the logs had", async () => {
  const { disk } = await made(seed);
  const pending = await new ChangeFile(disk, "/data").write({ kind: "delete", requests: requests({}, "a") });
  for (const thread of [0, 2]) await partOf(disk, thread, pending, { flushes: false, writes: true });
  let records = 0;
  for (let thread = 0; thread < THREADS; thread++) {
    const copy = disk.crash("machine");
    const share = shareOf("/data", PARTITIONS, thread, THREADS);
    const { log } = await openParts(options, copy, clock, await openDatabases(options, copy), share);
    records += log.recovery.records;
  }
  expect(records).toBeGreaterThan(2);
  const db = await Database.open(options, disk.crash("machine"), clock);
  expect(db.health().checks.find(({ name }) => name === "log")!.message).toBe(
    `${records} records recovered; a crash came into a delete, which is done now`,
  );
  await db.close();
});

test("a part that finds no memory is not done: it is done when it is asked for again", async () => {
  const { disk } = await made(seed);
  const pending: PendingChange = { id: "one", change: { kind: "delete", requests: requests({}, "a", "b") } };
  for (const thread of [0, 1, 2]) {
    const share = shareOf("/data", PARTITIONS, thread, THREADS);
    const parts = await openParts(options, disk, clock, await openDatabases(options, disk), share);
    const maintenance = new Maintenance(parts.log, parts.stores);
    const short = spyOn(parts.stores[0]!, "delete").mockImplementation(() => {
      throw new OverloadedError("out of linear memory: no room to delete fields");
    });
    await expect(doPart(pending, parts, maintenance)).rejects.toThrow("out of linear memory");
    short.mockRestore();
    await doPart(pending, parts, maintenance);
    await maintenance.flush();
    await maintenance.close();
    await parts.log.close();
  }
  const db = await Database.open(options, disk, clock);
  expect(await ask(db, "SELECT count(n) FROM a, b, c")).toEqual([["c", 0n, 2 * SERIES]]);
  await db.close();
});

test("a DELETE of several measurements in one thread is done whole or not at all, wherever crashes come", async () => {
  const lefts = new Set<number>();
  for (let most = 0; most < 80; most += 2) {
    let disk = new MemoryDisk(seed + most);
    const db = await Database.open(options, disk, clock);
    const lines = ["a", "b", "c"].flatMap((name) =>
      Array.from({ length: SERIES }, (_, s) => `${name},w=x,s=${s} n=${s}i 1`),
    );
    await db.writeLines(lines.join("\n"), { database: "d" });
    if (most % 4 === 0) await db.flush();
    let left = most;
    disk.fault = () => (left-- > 0 ? undefined : "EIO");
    const isAnswered = await ask(db, "DELETE WHERE w = 'x'").then(
      () => true,
      () => false,
    );
    let again: Database | null = null;
    for (let round = 0; again === null; round++) {
      disk = disk.crash("machine");
      // the first start may meet one, too
      let room = round === 0 ? most * 3 : Number.POSITIVE_INFINITY;
      disk.fault = () => (room-- > 0 ? undefined : "EIO");
      again = await Database.open(options, disk, clock).catch(() => null);
      if (room < 0) again = null;
    }
    disk.fault = undefined;
    const rows = (await ask(again, "SELECT n FROM a, b, c")).length;
    const isWhole = rows === 0 || (rows === 3 * SERIES && !isAnswered);
    expect([most, rows, isWhole]).toEqual([most, rows, true]);
    lefts.add(rows);
    await again.close();
  }
  expect(lefts).toEqual(new Set([0, 3 * SERIES]));
});

test("damage is said: of the file, and of a log that is opened to do what is left", async () => {
  const { disk } = await made(seed);
  const pending = await new ChangeFile(disk, "/data").write({
    kind: "drop",
    database: "d",
    measurement: "a",
  });
  await partOf(disk, 0, pending, { flushes: false, writes: false });
  const change = disk.readFile("/data/change");
  const put = async (path: string, bytes: Uint8Array) => {
    const file = disk.open(path, "create");
    file.append(bytes);
    await file.sync();
    file.close();
  };
  await put("/data/change", change.with(change.length - 5, 7));
  await expect(Database.open(options, disk, clock)).rejects.toThrow("/data/change is corrupt");
  expect(disk.list("/data").filter((name) => name.startsWith("wal-"))).toEqual(["wal-0-of-3"]);
  await put("/data/change", change);
  const path = "/data/wal-0-of-3/00000000000000000001.log";
  const log = disk.readFile(path);
  await put(path, log.with(log.indexOf("SDR1".charCodeAt(0), 150) + 2, 7));
  await expect(Database.open(options, disk, clock)).rejects.toThrow(
    "wal-0-of-3/quarantine: look at it, start with threads = 3 as before",
  );
  const db = await Database.open(options, disk, clock);
  expect(await ask(db, "SHOW MEASUREMENTS")).toEqual([
    ["measurements", "b"],
    ["measurements", "c"],
  ]);
  await db.close();
});

// (a head does its part of a drop before the others do)
const killed: readonly [statement: string, threads: number, keepsNewer: boolean, left: readonly string[]][] =
  [
    ["DELETE FROM a WHERE w = 'x'", 3, true, ["b", "c"]],
    ["DELETE WHERE w = 'x'", 1, true, []],
    ["DROP SERIES FROM /a|b/", 2, true, ["c"]],
    ["DROP MEASUREMENT a", 3, false, ["b", "c"]],
    ["DROP DATABASE d", 1, false, []],
    ["DROP RETENTION POLICY autogen ON d", 2, false, []],
  ];

test.each(killed)(
  "%s in a process that is killed between two of its threads, and started with %d",
  async (statement, threads, keepsNewer, left) => {
    const owners = ownersOf(16, 3);
    const threadOf = (key: string) =>
      owners[partitionOfHash(Bun.hash.xxHash64(Buffer.from(key)) as bigint, owners.length)]!;
    const newer = Array.from({ length: SERIES }, (_, s) => s).filter((s) => threadOf(`a,s=${s},w=x`) === 1);
    const lines = newer.map((s) => `a,w=x,s=${s} n=1000i ${WEEK_NS + 1n}`).join("\n");
    let middles = 0;
    for (let round = 0; round < 5 && middles === 0; round++) {
      const dataDir = mkdtempSync(`${tmpdir()}/serie-unfinished-`);
      const before = await Head.open(resolveOptions({ dataDir, threads: 3 }));
      const old = ["a", "b", "c"].flatMap((name) =>
        Array.from({ length: SERIES }, (_, s) => `${name},w=x,s=${s} n=1i ${WEEK_NS}`),
      );
      await before.writeLines(old.join("\n"), { database: "d" });
      await before.close();
      const script = new URL("./crash/changing.ts", import.meta.url).pathname;
      const child = Bun.spawn([process.execPath, script, dataDir, statement, keepsNewer ? lines : ""], {
        ...{ stdout: "pipe", stderr: "inherit" },
      });
      const output = await new Response(child.stdout).text();
      await child.exited;
      expect(child.signalCode).toBe("SIGKILL");
      if (output.includes("middle")) middles++;
      const db =
        threads === 1
          ? await Database.open({ dataDir })
          : await Head.open(resolveOptions({ dataDir, threads }));
      try {
        const shown = (await ask(db, "SELECT sum(n) FROM a, b, c").catch(() => [])) as [
          string,
          bigint,
          number,
        ][];
        const expected = left.map((name) => [name, SERIES]);
        if (keepsNewer) expected.unshift(["a", 1000 * newer.length]);
        expect([output, shown.map(([name, , sum]) => [name, sum])]).toEqual([output, expected as never]);
        const names = (await ask(db, "SHOW DATABASES")).length;
        expect(names).toBe(statement.startsWith("DROP DATABASE") ? 0 : 1);
        if (statement.includes("POLICY")) expect(await ask(db, "SHOW RETENTION POLICIES ON d")).toEqual([]);
        // what comes then
        await ask(db, "CREATE DATABASE d").catch(() => undefined);
        if (!statement.includes("POLICY"))
          expect((await db.writeLines("z v=1 1", { database: "d" })).rows).toBe(1);
      } finally {
        await db.close();
      }
      rmSync(dataDir, { recursive: true });
    }
    expect(middles).toBeGreaterThan(0);
  },
  60_000,
);

test("a thread that dies once it has logged its part takes nothing that is written when it is there again", async () => {
  const dataDir = mkdtempSync(`${tmpdir()}/serie-unfinished-`);
  const head = await Head.open(resolveOptions({ dataDir, threads: 2 }));
  const logBytes = () =>
    readdirSync(`${dataDir}/wal-1-of-2`)
      .filter((name) => name.endsWith(".log"))
      .reduce((sum, name) => sum + statSync(`${dataDir}/wal-1-of-2/${name}`).size, 0);
  const owners = ownersOf(16, 2);
  try {
    for (let round = 0; round < 8; round++) {
      const keys = Array.from({ length: SERIES }, (_, s) => `a${round},s=${s},w=x`);
      const own = keys.filter((key) => {
        const partition = partitionOfHash(Bun.hash.xxHash64(Buffer.from(key)) as bigint, owners.length);
        return owners[partition] === 1;
      });
      await head.writeLines(keys.map((key) => `${key} n=1i 1`).join("\n"), { database: "d" });
      const before = logBytes();
      const deleting = ask(head, `DELETE FROM a${round} WHERE w = 'x'`);
      while (logBytes() === before) await new Promise((resolve) => setImmediate(resolve));
      head.kill(1);
      await new Promise((resolve) => setImmediate(resolve));
      const newer = own.map((key) => `${key} n=5i 2`).join("\n");
      for (let stored = 0; stored === 0; )
        stored = await head.writeLines(newer, { database: "d" }).then(
          ({ rows }) => rows,
          () => Bun.sleep(1).then(() => 0),
        );
      await deleting;
      expect(await ask(head, `SELECT count(n), sum(n) FROM a${round}`)).toEqual([
        [`a${round}`, 0n, own.length, 5 * own.length],
      ]);
    }
  } finally {
    await head.close();
    rmSync(dataDir, { recursive: true });
  }
}, 60_000);
