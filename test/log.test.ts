// The log over a disk in memory: what it promises in good times. Crashes: log-crash.test.ts; damage: log-damage.test.ts.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClosedError, DiskError } from "../src/base/errors.ts";
import { nodeDisk } from "../src/disk/node.ts";
import { Wal, type WalOptions } from "../src/log/wal.ts";
import { MemoryDisk } from "./disk/memory.ts";

const FOLDER = "/data/wal";
const openWal = (disk: MemoryDisk, options: WalOptions = {}) => Wal.open(disk, FOLDER, options);
const record = (text: string) => new TextEncoder().encode(text);

function contents(wal: Wal, from = 0): [number, string][] {
  const found: [number, string][] = [];
  wal.replay(from, (bytes, position) => found.push([position, new TextDecoder().decode(bytes)]));
  return found;
}

test("records come back in order, from any position", async () => {
  const disk = new MemoryDisk();
  const wal = await openWal(disk);
  expect(wal.last).toBe(0);
  expect(["a", "", "ccc", "dddddddd"].map((text) => wal.append(record(text)))).toEqual([1, 2, 3, 4]);
  await wal.durable(4);
  await wal.close();
  const again = await openWal(disk);
  expect(again.last).toBe(4);
  expect(again.recovery).toEqual({
    records: 4,
    recordBytes: 12,
    tornBytes: 0,
    warnings: [],
    corruptions: [],
    quarantined: [],
  });
  expect(contents(again)).toEqual([
    [1, "a"],
    [2, ""],
    [3, "ccc"],
    [4, "dddddddd"],
  ]);
  expect(contents(again, 2).map(([position]) => position)).toEqual([3, 4]);
  expect(contents(again, 4)).toEqual([]);
  expect(again.append(record("e"))).toBe(5);
  await again.close();
  expect(contents(await openWal(disk)).length).toBe(5);
});

test("the caller may reuse its bytes as soon as append returns", async () => {
  const disk = new MemoryDisk();
  const wal = await openWal(disk);
  const bytes = record("first");
  wal.append(bytes);
  bytes.fill(0);
  await wal.close();
  expect(contents(await openWal(disk))).toEqual([[1, "first"]]);
});

test("waiters share syncs: one at a time, all that arrive meanwhile share the next one", async () => {
  const disk = new MemoryDisk();
  const wal = await openWal(disk);
  const before = disk.counts.syncs;
  disk.holdSyncs = true;
  const first = wal.durable(wal.append(record("first")));
  while (disk.counts.syncs === before) await Bun.sleep(1);
  const others = Array.from({ length: 100 }, (_, i) => wal.durable(wal.append(record(`${i}`))));
  await Bun.sleep(5);
  expect(disk.counts.syncs - before).toBe(1);
  disk.releaseSyncs();
  await first;
  await Promise.all(others);
  expect(disk.counts.syncs - before).toBe(2);
  await wal.durable(50); // durable already: no sync
  expect(disk.counts.syncs - before).toBe(2);
  expect(wal.statistics).toMatchObject({ appendedRecords: 101, syncs: 2, files: 1 });
});

test("durable does not resolve while the sync is held", async () => {
  const disk = new MemoryDisk();
  const wal = await openWal(disk);
  disk.holdSyncs = true;
  let resolved = false;
  const waiting = wal.durable(wal.append(record("x"))).then(() => {
    resolved = true;
  });
  await Bun.sleep(10);
  expect(resolved).toBe(false);
  disk.releaseSyncs();
  await waiting;
  expect(wal.synced).toBe(1);
});

test("files rotate by size and on demand; trim removes whole files behind the position", async () => {
  const disk = new MemoryDisk();
  const wal = await openWal(disk, { fileBytes: 1000 });
  for (let i = 1; i <= 30; i++) wal.append(new Uint8Array(100).fill(i));
  const names = () => disk.list(FOLDER).map((name) => Number.parseInt(name, 10));
  const starts = names();
  expect(starts.length).toBeGreaterThan(3);
  await wal.trim(starts[2]! - 2); // the second file still has a newer record
  expect(names()).toEqual(starts.slice(1));
  await wal.trim(starts[2]! - 1);
  expect(names()).toEqual(starts.slice(2));
  expect(wal.first).toBe(starts[2]!);
  wal.rotate();
  wal.rotate(); // nothing new: no second file
  await wal.trim(30);
  expect(names()).toEqual([31]);
  const onDisk = disk.list(FOLDER).reduce((sum, name) => sum + disk.size(`${FOLDER}/${name}`), 0);
  expect(wal.statistics.sizeBytes).toBe(onDisk);
  await wal.close();
  const again = await openWal(disk);
  expect([again.last, again.first]).toEqual([30, 31]);
  expect(again.append(record("next"))).toBe(31);
});

test("positions go on behind minimumLast", async () => {
  const disk = new MemoryDisk();
  const wal = await openWal(disk);
  wal.append(record("one"));
  await wal.close();
  const ahead = await openWal(disk, { minimumLast: 10 });
  expect(ahead.last).toBe(10);
  expect(ahead.append(record("eleven"))).toBe(11);
  await ahead.close();
  const again = await openWal(disk, { minimumLast: 5 });
  expect(again.recovery.warnings).toEqual([]);
  expect(contents(again)).toEqual([
    [1, "one"],
    [11, "eleven"],
  ]);
});

test("interval: durable resolves at once, the clock syncs, sync() forces it", async () => {
  const disk = new MemoryDisk();
  let tick = () => {};
  let period = 0;
  let stopped = false;
  const clock = {
    nowNs: () => 0n,
    elapsedMs: () => 0,
    every(periodMs: number, run: () => void) {
      period = periodMs;
      tick = run;
      return () => {
        stopped = true;
      };
    },
  };
  const wal = await openWal(disk, { durability: "interval", intervalMs: 70, clock });
  expect(period).toBe(70);
  const before = disk.counts.syncs;
  await wal.durable(wal.append(record("a")));
  expect([disk.counts.syncs - before, wal.synced]).toEqual([0, 0]);
  tick();
  while (wal.synced < 1) await Bun.sleep(1);
  tick(); // nothing new
  expect(disk.counts.syncs - before).toBe(1);
  wal.append(record("b"));
  await wal.sync();
  expect(wal.synced).toBe(2);
  await wal.close();
  expect(stopped).toBe(true);
});

for (const operation of ["write", "sync", "open", "sync folder"]) {
  test(`a failed ${operation} poisons: writes are refused from then on, reads go on, a restart recovers`, async () => {
    const disk = new MemoryDisk();
    const wal = await openWal(disk);
    await wal.durable(wal.append(record("good")));
    let failures = 0;
    disk.fault = (tried) => (tried === operation && failures++ === 0 ? "EIO" : undefined);
    const attempt = async () => {
      wal.rotate();
      await wal.durable(wal.append(record("bad")));
    };
    await expect(attempt()).rejects.toBeInstanceOf(DiskError);
    expect(failures).toBeGreaterThan(0);
    // the disk is well again, the log does not trust it
    expect(() => wal.append(record("refused"))).toThrow(DiskError);
    await expect(wal.durable(1)).rejects.toBeInstanceOf(DiskError);
    await expect(wal.trim(1)).rejects.toBeInstanceOf(DiskError);
    expect(wal.failure).toMatchObject({ errno: "EIO" });
    const syncs = disk.counts.syncs;
    await expect(wal.close()).rejects.toBeInstanceOf(DiskError);
    expect(disk.counts.syncs).toBe(syncs); // a failed sync is never tried again
    disk.fault = undefined;
    const again = await openWal(disk.crash("process"));
    expect(contents(again)[0]).toEqual([1, "good"]);
    await again.durable(again.append(record("after")));
  });
}

test("interval: the end of the process takes nothing that was durable, as it is called there", async () => {
  const disk = new MemoryDisk();
  const wal = await openWal(disk, { durability: "interval" });
  for (const text of ["small", "large".repeat(2000), "small again"])
    await wal.durable(wal.append(record(text)));
  const again = await openWal(disk.crash("process"));
  expect(contents(again).map(([, text]) => text.length)).toEqual([5, 10_000, 11]);
});

test.each([
  ["at the sync", (wal: Wal) => wal.sync()],
  ["at a rotation", async (wal: Wal) => wal.rotate()],
  ["with a large one behind them", async (wal: Wal) => void wal.append(new Uint8Array(10_000))],
])("gathered records that the disk refuses %s are nobody's: all who wait hear of it", async (_, write) => {
  const disk = new MemoryDisk();
  const wal = await openWal(disk);
  await wal.durable(wal.append(record("good")));
  const waiting = [1, 2, 3].map((number) => wal.durable(wal.append(record(`bad ${number}`))));
  disk.fault = (operation) => (operation === "write" ? "ENOSPC" : undefined);
  const written = write(wal);
  for (const each of [written, ...waiting]) await expect(each).rejects.toMatchObject({ errno: "ENOSPC" });
  disk.fault = undefined;
  expect(() => wal.append(record("refused"))).toThrow(DiskError);
  await expect(wal.close()).rejects.toBeInstanceOf(DiskError);
  expect(contents(await openWal(disk.crash("process")))).toEqual([[1, "good"]]);
});

test("a closed log refuses", async () => {
  const wal = await openWal(new MemoryDisk());
  await wal.close();
  await wal.close();
  expect(() => wal.append(record("x"))).toThrow(ClosedError);
});

test("the same on the real disk", async () => {
  const folder = mkdtempSync(join(tmpdir(), "serie-wal-"));
  try {
    const options = { fileBytes: 100_000 };
    const wal = await Wal.open(nodeDisk, `${folder}/wal`, options);
    const bytes = crypto.getRandomValues(new Uint8Array(30_001));
    const acks: Promise<void>[] = [];
    for (let i = 0; i < 20; i++) {
      bytes[0] = i;
      acks.push(wal.durable(wal.append(bytes)));
      if (i % 3 === 0) await Bun.sleep(0);
    }
    await Promise.all(acks);
    expect(wal.statistics.syncs).toBeLessThan(20);
    await wal.close();
    const again = await Wal.open(nodeDisk, `${folder}/wal`, options);
    const seen: number[] = [];
    again.replay(0, (found) => {
      seen.push(found[0]!);
      expect(Buffer.compare(found.subarray(1), bytes.subarray(1))).toBe(0);
    });
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i));
    await again.trim(20);
    await again.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
