// The database through its own calls: what flushes, what converts, what is refused, what survives.
import { afterEach, expect, spyOn, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../src/base/clock.ts";
import {
  ClosedError,
  CorruptionError,
  InputError,
  NotFoundError,
  OverloadedError,
} from "../src/base/errors.ts";
import { Database } from "../src/db/database.ts";
import type { OptionsInput } from "../src/db/options.ts";
import { nodeDisk } from "../src/disk/node.ts";
import type { Cell } from "../src/query/result.ts";
import { Store } from "../src/store/store.ts";

const folders: string[] = [];
const opened: Database[] = [];

afterEach(async () => {
  for (const db of opened.splice(0)) await db.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "serie-database-"));
  folders.push(folder);
  return folder;
}

async function openIn(
  dataDir: string,
  options: OptionsInput = {},
  clock: Clock = systemClock,
): Promise<Database> {
  const db = await Database.open({ partitions: 2, ...options, dataDir }, nodeDisk, clock);
  opened.push(db);
  return db;
}

async function rows(db: Database, query: string): Promise<(readonly Cell[])[]> {
  const all: (readonly Cell[])[] = [];
  for await (const result of db.run(query, { database: "db" }))
    for await (const series of result.series) all.push(...series.rows);
  return all;
}

function metric(db: Database, name: string): number {
  const found = db.metrics().find((entry) => entry.name === `serie_${name}`);
  if (!found) throw new Error(`no metric ${name}`);
  return found.value;
}

const target = { database: "db" };

test("a window that is over becomes one segment when nothing was flushed for a second, one that is not stays as it is", async () => {
  const WEEK_NS = 7n * 86_400n * 1_000_000_000n;
  const nowNs = 1_700_000_000_000_000_000n;
  let nowMs = 0;
  const ticks: (() => void)[] = [];
  const clock: Clock = {
    nowNs: () => nowNs + BigInt(nowMs) * 1_000_000n,
    elapsedMs: () => nowMs,
    every(_periodMs, run) {
      ticks.push(run);
      return () => undefined;
    },
  };
  const db = await openIn(newFolder(), { partitions: 1 }, clock);
  const tick = (ms: number) => {
    nowMs += ms;
    for (const run of ticks) run();
  };
  const segmentsAre = async (count: number) => {
    for (let i = 0; i < 200 && metric(db, "segments") !== count; i++) await Bun.sleep(5);
    expect(metric(db, "segments")).toBe(count);
  };
  for (const flush of [0, 1, 2]) {
    await db.writeLines(
      `m v=${flush} ${nowNs}\nm v=${flush} ${nowNs - 2n * WEEK_NS + BigInt(flush)}`,
      target,
    );
    await db.flush();
  }
  expect(metric(db, "segments")).toBe(6);
  tick(0);
  tick(999);
  await Bun.sleep(50);
  expect(metric(db, "compactions_total")).toBe(0);
  tick(1);
  await segmentsAre(4);
  // late rows, and the quiet begins anew
  await db.writeLines(`m v=9 ${nowNs - 2n * WEEK_NS + 1n}`, target);
  await db.flush();
  tick(500);
  await Bun.sleep(50);
  expect(metric(db, "segments")).toBe(5);
  tick(1000);
  await segmentsAre(4);
  expect(await rows(db, `SELECT v FROM m WHERE time < ${nowNs}`)).toEqual([
    [nowNs - 2n * WEEK_NS, 0],
    [nowNs - 2n * WEEK_NS + 1n, 9],
    [nowNs - 2n * WEEK_NS + 2n, 2],
  ]);
  expect(metric(db, "compactions_total")).toBe(2);
});

test("a merge that finds no memory is tried again without a flush, and keeps no other store from merging", async () => {
  const WEEK_NS = 7n * 86_400n * 1_000_000_000n;
  let nowMs = 0;
  const ticks: (() => void)[] = [];
  const clock: Clock = {
    nowNs: () => 1_700_000_000_000_000_000n + BigInt(nowMs) * 1_000_000n,
    elapsedMs: () => nowMs,
    every(_periodMs, run) {
      ticks.push(run);
      return () => undefined;
    },
  };
  const db = await openIn(newFolder(), { partitions: 2 }, clock);
  const tick = async (ms: number) => {
    nowMs += ms;
    for (const run of ticks) run();
    await Bun.sleep(50);
  };
  const segmentsAre = async (count: number) => {
    for (let i = 0; i < 200 && metric(db, "segments") !== count; i++) await Bun.sleep(5);
    expect(metric(db, "segments")).toBe(count);
  };
  // both partitions have some of the series
  const hosts = Array.from({ length: 20 }, (_, host) => `m,host=${host} v=`);
  for (const flush of [0, 1, 2]) {
    const time = clock.nowNs() - 2n * WEEK_NS + BigInt(flush);
    await db.writeLines(hosts.map((start) => `${start}${flush} ${time}`).join("\n"), target);
    await db.flush();
  }
  expect(metric(db, "segments")).toBe(6);
  const first = new Set<Store>();
  const compact = Store.prototype.compact;
  const short = spyOn(Store.prototype, "compact").mockImplementation(async function (this: Store, ...args) {
    first.add(this);
    if (first.size === 1) throw new OverloadedError("out of linear memory: no area of 1 bytes is free");
    return compact.apply(this, args);
  });
  try {
    await tick(0);
    await tick(1000);
    await segmentsAre(4);
    expect([short.mock.calls.length, db.health().status]).toEqual([3, "pass"]);
  } finally {
    short.mockRestore();
  }
  await tick(1000);
  await tick(9999);
  expect(metric(db, "segments")).toBe(4);
  await tick(1);
  await segmentsAre(2);
  expect(await rows(db, "SELECT count(v), sum(v) FROM m")).toEqual([[0n, 60, 60]]);
});

test("rows are flushed when the oldest is as old as flushInterval, not before", async () => {
  let nowMs = 0;
  const ticks: (() => void)[] = [];
  const clock: Clock = {
    nowNs: () => 1_700_000_000_000_000_000n,
    elapsedMs: () => nowMs,
    every(_periodMs, run) {
      ticks.push(run);
      return () => undefined;
    },
  };
  const db = await openIn(newFolder(), { flushInterval: "10s" }, clock);
  const tick = async () => {
    for (const run of ticks) run();
    await Bun.sleep(50);
  };
  await db.writeLines("m v=1 1", target);
  nowMs = 9_999;
  await tick();
  expect(metric(db, "flushes_total")).toBe(0);
  nowMs = 10_000;
  await tick();
  // how long its syncs take is the disk's to say
  for (let waits = 0; waits < 100 && metric(db, "flushes_total") === 0; waits++) await Bun.sleep(50);
  expect(metric(db, "flushes_total")).toBe(1);
  expect(metric(db, "memtable_rows")).toBe(0);
  expect(metric(db, "segments")).toBe(1);
  expect(await rows(db, "SELECT v FROM m")).toEqual([[1n, 1]]);
});

test("rows are flushed when they take maxMemSize, and the log is trimmed behind them", async () => {
  const db = await openIn(newFolder(), { maxMemSize: "1MiB" });
  for (let batch = 0; batch < 80; batch++) {
    const lines = Array.from(
      { length: 1000 },
      (_, i) => `m,host=${i % 7} a=${i},b=${batch} ${batch * 1000 + i}`,
    );
    await db.writeLines(lines.join("\n"), target);
  }
  await db.flush();
  expect(metric(db, "flushes_total")).toBeGreaterThan(1);
  expect(metric(db, "memtable_rows")).toBe(0);
  expect(metric(db, "log_bytes")).toBeLessThan(4096);
  expect(await rows(db, "SELECT count(a), sum(b) FROM m")).toEqual([[0n, 80_000, 3_160_000]]);
});

test("many flushes leave few segments in a window, and every row", async () => {
  const db = await openIn(newFolder());
  for (let flush = 0; flush < 40; flush++) {
    await db.writeLines(`m,host=a v=${flush} ${flush}\nm,host=b v=${-flush} ${flush % 5}`, target);
    await db.flush();
  }
  for (let i = 0; i < 200 && metric(db, "segments") > 14; i++) await Bun.sleep(10);
  expect(metric(db, "segments")).toBeLessThanOrEqual(14); // 2 partitions
  expect(metric(db, "compactions_total")).toBeGreaterThan(0);
  expect(await rows(db, "SELECT count(v) FROM m WHERE host = 'a'")).toEqual([[0n, 40]]);
  expect(await rows(db, "SELECT v FROM m WHERE host = 'b'")).toEqual(
    [35, 36, 37, 38, 39].map((v, t) => [BigInt(t), -v]),
  );
});

const conflict = (field: string, is: string, was: string, line: number) =>
  `field type conflict: input field "${field}" on measurement "m" is type ${is}, already exists as type ${was} at line ${line}`;

test("a value is converted where that is exact; otherwise its point alone is refused, by name and types", async () => {
  const db = await openIn(newFolder());
  await db.writeLines('m f=1.5,i=1i,s="x",b=true 1', target);
  const converted = await db.writeLines("m f=2i,i=2.0 2", target);
  expect(converted).toEqual({ rows: 1, dropped: 0, errors: [], partial: false });
  const mixed = await db.writeLines("m i=2.5 3\nm f=4 4\nm f=9007199254740993i 5\nm s=1 6\nm b=7i 7", target);
  expect(mixed.rows).toBe(1);
  expect(mixed.dropped).toBe(4);
  expect(mixed.partial).toBe(true);
  expect(mixed.errors).toEqual([
    conflict("i", "float", "integer", 1),
    conflict("f", "integer", "float", 3),
    conflict("s", "float", "string", 4),
    conflict("b", "integer", "boolean", 5),
  ]);
  expect(await rows(db, "SELECT f, i FROM m")).toEqual([
    [1n, 1.5, 1],
    [2n, 2, 2],
    [4n, 4, null],
  ]);
});

test("what is refused for its type names its line or point, whichever way it came in", async () => {
  const db = await openIn(newFolder());
  await db.writeLines("m f=1 1\nn f=1 1", target);
  const conflict = (measurement: string) =>
    `field type conflict: input field "f" on measurement "${measurement}" is type string, already exists as type float`;
  // measurements in turns, a comment, an empty line, a string of two lines, lines that cannot be read
  const lines = `n f=2 2\n# m f="x"\nm f=2,s="\n" 2\n\n  bad\nn f=3 3\r\nm f=3 3\nm f="x" 4\nn f="x" 4\nworse\nm f="y" 5\nn f=6 6`;
  const { errors, dropped } = await db.writeLines(lines, target);
  expect(errors).toEqual([
    "unable to parse 'bad': missing fields at line 6",
    `${conflict("m")} at line 9`,
    `${conflict("n")} at line 10`,
    "unable to parse 'worse': missing fields at line 11",
  ]);
  expect(dropped).toBe(5);
  // with allOrNothing nothing is looked at behind a line that cannot be read; without such a line all are
  const all = { ...target, allOrNothing: true };
  expect((await db.writeLines(lines, all)).errors).toEqual([
    "unable to parse 'bad': missing fields at line 6",
    "unable to parse 'worse': missing fields at line 11",
  ]);
  expect((await db.writeLines('n f=7 7\nn f="x" 8', all)).errors).toEqual([`${conflict("n")} at line 2`]);

  const point = (measurement: string, f: unknown) => ({ measurement, fields: { f } });
  const bodies: [string, string[]][] = [
    [
      JSON.stringify([point("n", 8), point("m", 8), {}, point("m", "x"), point("n", "x")]),
      ["[2].measurement: missing", `[3]: ${conflict("m")}`, `[4]: ${conflict("n")}`],
    ],
    [
      `${JSON.stringify(point("m", 9))}\n\n{"a":1\n${JSON.stringify(point("m", "x"))}\n`,
      [
        'line 3: invalid JSON at column 7: expected "}" or a comma in an object, found the end',
        `line 4: ${conflict("m")}`,
      ],
    ],
    [JSON.stringify(point("m", "x"), null, 2), [conflict("m")]],
    // (plain, so that the kernels read them)
    [
      JSON.stringify([point("n", 8), point("m", "x"), point("n", "x"), point("m", 8), point("m", "y")]),
      [`[1]: ${conflict("m")}`, `[2]: ${conflict("n")}`],
    ],
    [
      `${JSON.stringify(point("n", 9))}\r\n\n${JSON.stringify(point("m", 9))}\n${JSON.stringify(point("n", "x"))}\n`,
      [`line 4: ${conflict("n")}`],
    ],
  ];
  for (const [body, expected] of bodies) expect((await db.writeJson(body, target)).errors).toEqual(expected);
  const points = [
    { measurement: "m", fields: { f: 1 } },
    { measurement: "m", fields: { f: "x" } },
  ];
  expect((await db.writePoints(points, target)).errors).toEqual([`points[1]: ${conflict("m")}`]);
});

test("a number in JSON makes a new field a float, however large it is", async () => {
  const db = await openIn(newFolder());
  const write = async (value: string, metric = "m") =>
    (await db.writeJson(`[{"metric":"${metric}","value":${value},"time":1}]`, target)).errors;
  const refused = /^\[0\]\.value: 9007199254740993 has no exact float/;
  expect(await write("9007199254740993")).toEqual([expect.stringMatching(refused)]);
  expect(await write("1.5")).toEqual([]);
  expect(await write("9007199254740993")).toEqual([expect.stringMatching(refused)]);
  expect(await write("9007199254740992")).toEqual([]);
  await db.writeLines('n value=1i\ns value="x"', target);
  expect(await write("9007199254740993", "n")).toEqual([]);
  expect(await rows(db, "SELECT value FROM n WHERE time = 1")).toEqual([[1n, 9007199254740993n]]);
  expect(await write("9007199254740993", "s")).toEqual([
    expect.stringContaining("already exists as type string"),
  ]);
});

test("strictTypes refuses what would be converted", async () => {
  const db = await openIn(newFolder(), { strictTypes: true });
  await db.writeLines("m f=1.5 1", target);
  const outcome = await db.writeLines("m f=2i 2", target);
  expect(outcome.rows).toBe(0);
  expect(outcome.dropped).toBe(1);
  expect(await rows(db, "SELECT f FROM m")).toEqual([[1n, 1.5]]);
});

test("one batch with two types for a new field keeps the first type and what fits it", async () => {
  const db = await openIn(newFolder());
  const outcome = await db.writeLines("m f=1i 1\nm f=2.5 2\nm f=3 3", target);
  expect(outcome.rows).toBe(2);
  expect(outcome.dropped).toBe(1);
  expect(await rows(db, "SELECT f FROM m")).toEqual([
    [1n, 1],
    [3n, 3],
  ]);
});

test("types hold across flushes and restarts", async () => {
  const folder = newFolder();
  let db = await openIn(folder);
  await db.writeLines("m f=1i 1", target);
  await db.flush();
  await db.writeLines("m g=t 2", target);
  await db.close();
  db = await openIn(folder);
  expect((await db.writeLines("m f=1.5,g=1 3", target)).dropped).toBe(1);
  expect((await db.writeLines("m f=4.0,g=f 4", target)).dropped).toBe(0);
  expect(await rows(db, "SHOW FIELD KEYS")).toEqual([
    ["f", "integer"],
    ["g", "boolean"],
  ]);
});

test("an unknown database is made by its first write, unless that is off; an unknown policy is an error", async () => {
  const db = await openIn(newFolder(), { autoCreateDatabase: false });
  expect(db.writeLines("m v=1", target)).rejects.toThrow(new NotFoundError('database not found: "db"'));
  await db.createDatabase("db");
  expect((await db.writeLines("m v=1", target)).rows).toBe(1);
  expect(db.writeLines("m v=1", { ...target, retentionPolicy: "nope" })).rejects.toThrow(
    "retention policy not found: nope",
  );
});

test("what is dropped stays dropped, and what comes after stays", async () => {
  const folder = newFolder();
  let db = await openIn(folder);
  await db.writeLines("m,t=a v=1 1\nkeep,t=a v=1 1", target);
  await db.flush();
  await db.writeLines("m,t=b v=2 2", target);
  await rows(db, "DROP MEASUREMENT m");
  expect(await rows(db, "SELECT v FROM m")).toEqual([]);
  await db.writeLines('m,t=a v="text" 3', target); // a new type: the old field is gone
  for (const step of ["memory", "flushed", "reopened", "compacted"]) {
    expect([step, await rows(db, "SELECT v FROM m")]).toEqual([step, [[3n, "text"]]]);
    expect(await rows(db, "SHOW SERIES")).toEqual([["keep,t=a"], ["m,t=a"]]);
    expect(await rows(db, "SELECT v FROM keep")).toEqual([[1n, 1]]);
    if (step === "memory") await db.flush();
    if (step === "flushed") {
      await db.close();
      db = await openIn(folder);
    }
    if (step === "reopened")
      for (let i = 0; i < 6; i++) {
        await db.writeLines(`other,t=a v=${i} ${i}\nother,t=b v=${i} ${i}`, target);
        await db.flush();
      }
    if (step === "reopened") await rows(db, "DROP MEASUREMENT other");
  }
  await rows(db, "DROP DATABASE db");
  expect(db.databases()).toEqual([]);
  await db.writeLines("m,t=a v=9 9", target);
  await db.close();
  db = await openIn(folder);
  expect(await rows(db, "SELECT v FROM m")).toEqual([[9n, 9]]);
  expect(await rows(db, "SHOW SERIES")).toEqual([["m,t=a"]]);
});

test("the folder belongs to one database at a time", async () => {
  const folder = newFolder();
  await openIn(folder);
  const second = Bun.spawnSync([
    process.execPath,
    "-e",
    `import { nodeDisk } from "${import.meta.dir}/../src/disk/node.ts"; await nodeDisk.lock("${folder}/LOCK", 50);`,
  ]);
  expect(second.exitCode).not.toBe(0);
  expect(second.stderr.toString()).toContain(`${process.pid}`);
});

test("points: all or nothing when one is malformed; and after close nothing is taken", async () => {
  const db = await openIn(newFolder());
  const good = { measurement: "m", fields: { v: 1 }, time: 1n };
  const bad = { measurement: "m", fields: { v: Number.NaN }, time: 2n };
  expect(db.writePoints([good, bad], target)).rejects.toThrow(InputError);
  expect(await rows(db, "SELECT v FROM m")).toEqual([]);
  await db.writePoints([good], target);
  await db.close();
  expect(db.writePoints([good], target)).rejects.toThrow(ClosedError);
  expect(() => db.run("SHOW DATABASES")).toThrow(ClosedError);
});

test("times at both ends of the range are kept through memory, segments and a restart", async () => {
  const folder = newFolder();
  let db = await openIn(folder);
  const times = [-9223372036854775806n, -1n, 0n, 1n, 9223372036854775806n];
  await db.writeLines(times.map((time, i) => `m v=${i} ${time}`).join("\n"), target);
  const expected = times.map((time, i) => [time, i]);
  expect(await rows(db, "SELECT v FROM m")).toEqual(expected);
  await db.flush();
  expect(await rows(db, "SELECT v FROM m")).toEqual(expected);
  await db.close();
  db = await openIn(folder);
  expect(await rows(db, "SELECT v FROM m")).toEqual(expected);
});

test("a data directory keeps its number of partitions", async () => {
  const folder = newFolder();
  let db = await openIn(folder, { partitions: 3 });
  await db.writeLines("m,t=a v=1 1\nm,t=b v=2 1\nm,t=c v=3 1", target);
  await db.close();
  db = await openIn(folder, { partitions: 8 });
  expect((await rows(db, "SELECT v FROM m")).length).toBe(3);
  expect(db.health().status).toBe("pass");
});

test("a segment that is gone or damaged costs its rows alone, and health says which file", async () => {
  const folder = newFolder();
  let db = await openIn(folder, { partitions: 1 });
  await db.writeLines("m v=1 1", target);
  await db.flush();
  await db.writeLines("m v=2 2\nm v=4 4", target); // (of a single row statistics tell everything)
  await db.close();
  const [first, second] = readdirSync(join(folder, "p00")).filter((name) => name.endsWith(".seg"));
  const path = join(folder, "p00", first!);
  renameSync(path, `${folder}/elsewhere`);
  db = await openIn(folder);
  expect(await rows(db, "SELECT v FROM m")).toEqual([
    [2n, 2],
    [4n, 4],
  ]);
  expect(db.health().status).toBe("fail");
  expect(db.health().message).toContain(first!);
  await db.writeLines("m v=3 3", target);
  await db.close();
  renameSync(`${folder}/elsewhere`, path);
  db = await openIn(folder);
  expect(await rows(db, "SELECT v FROM m")).toEqual([
    [1n, 1],
    [2n, 2],
    [3n, 3],
    [4n, 4],
  ]);
  expect(db.health().status).toBe("pass");
  await db.close();
  const bytes = readFileSync(join(folder, "p00", second!));
  bytes[52]! ^= 0xff; // in a page: found when it is read
  writeFileSync(join(folder, "p00", second!), bytes);
  db = await openIn(folder);
  expect(db.health().status).toBe("pass");
  await expect(rows(db, "SELECT v FROM m")).rejects.toThrow(CorruptionError);
  expect(db.health().status).toBe("fail");
  expect(db.health().message).toContain(second!);
});
