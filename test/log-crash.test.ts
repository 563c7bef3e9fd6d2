// The log on a disk that crashes at any moment: what was acknowledged is there, whole, once, in order; again and again.
import { expect, test } from "bun:test";
import { Wal } from "../src/log/wal.ts";
import { MemoryDisk, randomNumbers } from "./disk/memory.ts";

const FOLDER = "/data/wal";

/** The payload of a position, so that a record can be told from any other. */
function payload(position: number, size: number, life: number): Uint8Array {
  const bytes = new Uint8Array(12 + size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, position);
  view.setUint32(4, life);
  view.setUint32(8, size);
  bytes.fill(position * 31 + life, 12);
  return bytes;
}

interface World {
  disk: MemoryDisk;
  /** Every append ever tried: position -> the payloads that were given to it, newest last. */
  written: Map<number, string[]>;
  acked: Map<number, string>;
  trimmed: number;
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

async function checkRecovered(world: World, fileBytes = 1500): Promise<Wal> {
  const wal = await Wal.open(world.disk, FOLDER, { fileBytes });
  const found = new Map<number, string>();
  let previous = 0;
  wal.replay(0, (bytes, position) => {
    expect(position).toBeGreaterThan(previous);
    previous = position;
    found.set(position, text(bytes));
  });
  for (const [position, bytes] of found) expect(world.written.get(position)).toContain(bytes);
  for (const [position, bytes] of world.acked)
    if (position > world.trimmed) expect(found.get(position)).toBe(bytes);
  expect(wal.recovery.corruptions).toEqual([]);
  expect(wal.recovery.quarantined.length === 0 || wal.recovery.warnings.length > 0).toBe(true);
  // what recovery kept counts from here on like an acknowledged record
  for (const [position, bytes] of found) world.acked.set(position, bytes);
  // a position of the future is free again
  for (const position of world.written.keys()) if (position > wal.last) world.written.delete(position);
  expect(wal.last).toBeGreaterThanOrEqual(Math.max(0, ...world.acked.keys()));
  return wal;
}

/** The only failure that there is in these worlds. */
function crashed(error: unknown): void {
  expect((error as Error).message).toContain("ENODEV");
}

/** One life of a process: appends, waits, rotates, trims, until its disk is gone under it. */
async function live(world: World, wal: Wal, random: () => number, life: number): Promise<void> {
  const steps = 1 + Math.floor(random() * 25);
  for (let step = 0; step < steps; step++) {
    const choice = random();
    if (choice < 0.7) {
      const bytes = payload(wal.last + 1, Math.floor(random() ** 3 * 1800), life);
      const position = wal.append(bytes);
      world.written.set(position, [...(world.written.get(position) ?? []), text(bytes)]);
      if (random() < 0.7) wal.durable(position).then(() => world.acked.set(position, text(bytes)), crashed);
    } else if (choice < 0.8) {
      wal.rotate();
    } else if (choice < 0.85 && world.acked.size > 0) {
      const position = [...world.acked.keys()][Math.floor(random() * world.acked.size)]!;
      if (position > wal.last) continue;
      world.trimmed = Math.max(world.trimmed, position);
      wal.trim(position).catch(crashed);
    } else {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}

for (const kind of ["machine", "process", "either"] as const) {
  test(`many crashes in a row (${kind}): every acknowledged record is there`, async () => {
    const seed = Number(process.env["SEED"] ?? 20261123);
    let acked = 0;
    for (let round = 0; round < 150; round++) {
      const random = randomNumbers(seed + round);
      const world: World = {
        disk: new MemoryDisk(seed + round),
        written: new Map(),
        acked: new Map(),
        trimmed: 0,
      };
      try {
        for (let life = 0; life < 8; life++) {
          const wal = await checkRecovered(world);
          if (random() < 0.2) await wal.close();
          else await live(world, wal, random, life);
          world.disk = world.disk.crash(kind === "either" ? (random() < 0.5 ? "machine" : "process") : kind);
        }
        await checkRecovered(world);
      } catch (error) {
        throw new Error(`round ${round}: rerun with SEED=${seed + round}`, { cause: error });
      }
      acked += world.acked.size;
    }
    expect(acked).toBeGreaterThan(1000);
  });
}

test("records small and large, more of them than are gathered, and crashes between: each that was acknowledged is there", async () => {
  for (let round = 0; round < 60; round++) {
    const random = randomNumbers(4096 + round);
    const world: World = { disk: new MemoryDisk(round), written: new Map(), acked: new Map(), trimmed: 0 };
    for (let life = 0; life < 4; life++) {
      const wal = await checkRecovered(world, 200_000);
      for (let step = 0; step < 6; step++) {
        // (about the size up to which records are gathered, and any)
        const sizes = [() => 40, () => 4070 + Math.floor(random() * 30), () => Math.floor(random() * 9000)];
        for (let count = Math.floor(random() * 40); count > 0; count--) {
          const bytes = payload(wal.last + 1, sizes[Math.floor(random() * 3)]!(), life);
          const position = wal.append(bytes);
          world.written.set(position, [...(world.written.get(position) ?? []), text(bytes)]);
          if (random() < 0.5)
            wal.durable(position).then(() => world.acked.set(position, text(bytes)), crashed);
        }
        if (random() < 0.2) wal.rotate();
        for (let turns = Math.floor(random() * 5); turns > 0; turns--)
          await new Promise<void>((resolve) => setImmediate(resolve));
      }
      if (random() < 0.3) await wal.close();
      world.disk = world.disk.crash(random() < 0.5 ? "machine" : "process");
    }
    await checkRecovered(world, 200_000);
    expect(world.acked.size).toBeGreaterThan(50);
  }
});

test("a crash at every disk operation of a recovery: the next recovery finds the same records", async () => {
  // three files; the middle one damaged, the last one torn
  const makeDisk = async () => {
    const disk = new MemoryDisk(5);
    const wal = await Wal.open(disk, FOLDER);
    for (let position = 1; position <= 9; position++) {
      await wal.durable(wal.append(payload(position, 50, 0)));
      if (position % 3 === 0) wal.rotate();
    }
    await wal.durable(wal.append(payload(10, 50, 0)));
    const names = disk.list(FOLDER);
    const flip = disk.open(`${FOLDER}/${names[1]}`, "append");
    flip.writeAt(250, new Uint8Array([255]));
    await flip.sync();
    const torn = disk.open(`${FOLDER}/${names[3]}`, "append");
    torn.append(new Uint8Array([1, 2, 3]));
    await torn.sync();
    return disk;
  };
  const positions = (wal: Wal) => {
    const found: number[] = [];
    wal.replay(0, (_, position) => found.push(position));
    return found;
  };
  const expected = positions(await Wal.open(await makeDisk(), FOLDER));
  expect(expected.length).toBe(9);
  let crashes = 0;
  for (let operation = 0; ; operation++) {
    const disk = await makeDisk();
    let count = 0;
    disk.fault = () => (count++ >= operation ? "EIO" : undefined);
    const outcome = await Wal.open(disk, FOLDER).then(
      () => "opened",
      () => "crashed",
    );
    if (outcome === "opened") break;
    crashes++;
    const again = await Wal.open(disk.crash(), FOLDER);
    expect(positions(again)).toEqual(expected);
    await again.durable(again.append(payload(11, 50, 1)));
    expect(positions(await Wal.open(disk.crash("process"), FOLDER)).length).toBeGreaterThanOrEqual(9);
  }
  expect(crashes).toBeGreaterThan(20);
});

test("two trims at once and a crash leave no gap", async () => {
  for (let seed = 1; seed <= 600; seed++) {
    const disk = new MemoryDisk(seed);
    const wal = await Wal.open(disk, FOLDER);
    for (let position = 1; position <= 4; position++) {
      await wal.durable(wal.append(payload(position, 10, 0)));
      wal.rotate();
    }
    wal.trim(1).catch(crashed);
    wal.trim(3).catch(crashed);
    for (let turn = 0; turn < seed % 12; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
    const again = await Wal.open(disk.crash(), FOLDER);
    expect(again.recovery.corruptions).toEqual([]);
    expect(again.last).toBe(4);
  }
});
