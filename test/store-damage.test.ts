// One flipped byte, wherever it is in the files of a data directory (the log has its own: log-damage.test.ts): a typed error
// or the right answers, and health says so. Never other answers.
import { beforeAll, expect, test } from "bun:test";
import type { Clock } from "../src/base/clock.ts";
import { CorruptionError, InputError } from "../src/base/errors.ts";
import { Database } from "../src/db/database.ts";
import { Databases } from "../src/db/databases.ts";
import { readManifest } from "../src/store/manifest.ts";
import { MemoryDisk } from "./disk/memory.ts";
import { type Cells, cellsOf, DATABASE } from "./support/possible.ts";

const options = { dataDir: "/data", partitions: 1 };
const clock: Clock = { nowNs: () => 0n, elapsedMs: () => 0, every: () => () => {} };
const WEEK_NS = 604_800_000_000_000n;
const measurements = ["m", "gone", "again"];
const files = new Map<string, Uint8Array>();
let cells: Cells;

beforeAll(async () => {
  const disk = new MemoryDisk();
  const db = await Database.open(options, disk, clock);
  await db.createDatabase(DATABASE);
  const write = async (...lines: string[]) => {
    expect((await db.writeLines(lines.join("\n"), { database: DATABASE })).errors).toEqual([]);
    await db.flush();
  };
  await write("gone,host=a x=1 1", "again,host=a x=1 1", 'm,host=a x=1.5,n=1i,s="text" 1', "m,host=b x=2 2");
  await db.dropMeasurement(DATABASE, "gone");
  await db.dropMeasurement(DATABASE, "again");
  await write(`m,host=c x=3,b=true ${WEEK_NS}`, "again,host=b x=9i 2");
  cells = await cellsOf(db, measurements);
  await db.close();
  files.set("/data/databases", disk.readFile("/data/databases"));
  for (const folder of ["/data/p00", "/data/wal"])
    for (const name of disk.list(folder)) files.set(`${folder}/${name}`, disk.readFile(`${folder}/${name}`));
});

function diskWith(path: string, change: (bytes: Uint8Array) => Uint8Array | null): MemoryDisk {
  const disk = new MemoryDisk();
  for (const folder of ["/data/p00", "/data/wal"]) disk.makeFolder(folder);
  for (const [name, bytes] of files) {
    const written = name === path ? change(bytes.slice()) : bytes;
    if (written) disk.open(name, "create").append(written);
  }
  return disk;
}

const pathsOf = (pattern: RegExp) => [...files.keys()].filter((path) => pattern.test(path));

/** Opens the directory with each byte of the file flipped in turn. */
async function eachFlip(path: string, check: (disk: MemoryDisk, at: number) => Promise<void>): Promise<void> {
  const { length } = files.get(path)!;
  expect(length).toBeGreaterThan(30);
  for (let at = 0; at < length; at++) {
    const disk = diskWith(path, (bytes) => {
      bytes[at]! ^= 1 << (at % 8);
      return bytes;
    });
    try {
      await check(disk, at);
    } catch (error) {
      throw new Error(`${path}, byte ${at}: ${(error as Error).message}`, { cause: error });
    }
  }
}

test("unharmed, the files give the answers", async () => {
  const db = await Database.open(
    options,
    diskWith("", (bytes) => bytes),
    clock,
  );
  expect(await cellsOf(db, measurements)).toEqual(cells);
  expect(db.health().status).toBe("pass");
  expect([cells.size, [...cells.keys()].filter((key) => key.startsWith("again "))]).toEqual([
    7,
    ["again b 2 x"],
  ]);
  await db.close();
});

test("manifest and databases: the directory is not opened, and the error names the file", async () => {
  const refusals = { reader: 0, open: 0 };
  const refuses = (path: string, error: unknown) => {
    expect(error instanceof CorruptionError || error instanceof InputError).toBe(true);
    expect((error as Error).message).toContain(path);
  };
  // Each byte before the reader of the file; some of each part before the whole database as well: every one has 4 GiB of
  // addresses for its linear memory, and the runtime collects all garbage of the process for each few of them.
  for (const [path, read] of [
    ["/data/databases", (disk: MemoryDisk) => new Databases(disk, "/data/databases", 1)],
    ["/data/p00/manifest", (disk: MemoryDisk) => readManifest(disk, "/data/p00/manifest")],
  ] as const)
    await eachFlip(path, async (disk, at) => {
      try {
        read(disk);
      } catch (error) {
        refuses(path, error);
        refusals.reader++;
      }
      const { length } = files.get(path)!;
      if (at > 2 && at % 31 > 0 && at < length - 2) return;
      refusals.open++;
      refuses(path, await Database.open(options, disk, clock).catch((error) => error));
      // nothing was touched: what is mended is whole
      for (const [name, bytes] of files)
        if (name !== path && !name.includes("/wal/")) expect(disk.readFile(name)).toEqual(bytes);
    });
  expect(refusals.reader).toBe(
    files.get("/data/databases")!.length + files.get("/data/p00/manifest")!.length,
  );
  expect(refusals.open).toBeGreaterThan(30);
  const missing = Database.open(
    options,
    diskWith("/data/databases", () => null),
    clock,
  );
  await expect(missing).rejects.toBeInstanceOf(CorruptionError);
  const disk = diskWith("/data/p00/manifest", () => null);
  await expect(Database.open(options, disk, clock)).rejects.toBeInstanceOf(CorruptionError);
  expect(disk.list("/data/p00").filter((name) => name.endsWith(".seg"))).toHaveLength(3);
}, 60_000);

test("catalog: rebuilt from the segments, reported, and whole again after a flush", async () => {
  const [path] = pathsOf(/catalog/);
  const check = async (disk: MemoryDisk) => {
    const db = await Database.open(options, disk, clock);
    expect(await cellsOf(db, measurements)).toEqual(cells);
    expect([db.health().status, db.health().message.includes(path!)]).toEqual(["fail", true]);
    await db.writeLines("m,host=new x=5 5", { database: DATABASE });
    await db.close();
    const again = await Database.open(options, disk, clock);
    expect(await cellsOf(again, measurements)).toEqual(new Map([...cells, ["m new 5 x", 5]]));
    expect(again.health().status).toBe("pass");
    await again.close();
  };
  await eachFlip(path!, check);
  await check(diskWith(path!, () => null));
  await check(diskWith(path!, (bytes) => bytes.subarray(0, 20)));
}, 240_000);

test("segment: set aside at the start or an error of the query that meets it; never silence, never other values", async () => {
  const [path] = pathsOf(/\.seg$/);
  let setAside = 0;
  let refused = 0;
  await eachFlip(path!, async (disk, at) => {
    const db = await Database.open(options, disk, clock);
    let found: Cells | undefined;
    try {
      found = await cellsOf(db, measurements);
    } catch (error) {
      expect(error).toBeInstanceOf(CorruptionError);
      expect((error as CorruptionError).file).toBe(path!);
      refused++;
    }
    if (found) {
      for (const [key, value] of found) expect([key, value]).toEqual([key, cells.get(key)!]);
      expect(found.size === cells.size || db.health().status === "fail").toBe(true);
    }
    // either way it goes on
    await db.writeLines("m,host=new x=5 5", { database: DATABASE });
    if (!found) {
      expect(db.health().message).toContain(path!);
      await db.close();
    } else if (db.health().status === "fail") {
      setAside++;
      expect(db.health().message).toContain(path!);
      if (at % 5 > 0) return;
      // said again by a process that was killed at once, and by one that was closed
      const left = disk.crash("process");
      for (let start = 0; start < 2; start++) {
        const again = await Database.open(options, left, clock);
        expect([again.health().status, again.health().message.includes(path!)]).toEqual(["fail", true]);
        expect((await cellsOf(again, measurements)).get("m new 5 x")).toBe(5);
        await again.close();
      }
      expect(left.readFile(`${path}.corrupt`).length).toBe(files.get(path!)!.length);
    } else await db.close();
  });
  expect([setAside > 50, refused > 20]).toEqual([true, true]);
}, 240_000);
