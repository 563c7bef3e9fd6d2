// Every cut and every flipped byte of a log: the records or fewer of them with a report, never a different record.
import { expect, test } from "bun:test";
import { makeDurableFolder } from "../src/disk/disk.ts";
import { nodeDisk } from "../src/disk/node.ts";
import { fileName, HEADER_BYTES } from "../src/log/format.ts";
import { Wal } from "../src/log/wal.ts";
import { MemoryDisk } from "./disk/memory.ts";

const FOLDER = "/data/wal";
const TEXTS = ["first", "", "the third, a little longer", "4444", "fifth record of the log", "six"];

/** The files of a log with TEXTS, made with acknowledgement after each record or only at the end. */
async function makeLog(
  options: { ackEach?: boolean; close?: boolean; rotateAfter?: number[] } = {},
): Promise<Map<string, Uint8Array>> {
  const disk = new MemoryDisk();
  const wal = await Wal.open(disk, FOLDER, { salt: () => 42n });
  for (const [index, text] of TEXTS.entries()) {
    const position = wal.append(new TextEncoder().encode(text));
    if (options.ackEach) await wal.durable(position);
    if (options.rotateAfter?.includes(position)) wal.rotate();
    if (index === TEXTS.length - 1) await wal.durable(position);
  }
  if (options.close) await wal.close();
  return new Map(disk.list(FOLDER).map((name) => [name, disk.readFile(`${FOLDER}/${name}`)]));
}

async function diskWith(files: Map<string, Uint8Array>): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await makeDurableFolder(disk, FOLDER);
  for (const [name, bytes] of files) {
    const file = disk.open(`${FOLDER}/${name}`, "create");
    file.append(bytes);
    file.close();
  }
  return disk;
}

function contents(wal: Wal): Map<number, string> {
  const found = new Map<number, string>();
  let previous = 0;
  wal.replay(0, (bytes, position) => {
    expect(position).toBeGreaterThan(previous);
    previous = position;
    found.set(position, new TextDecoder().decode(bytes));
  });
  return found;
}

const expectTrue = (found: Map<number, string>) => {
  for (const [position, text] of found) expect(text).toBe(TEXTS[position - 1]!);
};

/** Writes go on after recovery, and a second recovery finds everything and nothing to complain about. */
async function expectGoesOn(disk: MemoryDisk, wal: Wal, found: Map<number, string>): Promise<void> {
  const position = wal.append(new TextEncoder().encode("after"));
  await wal.durable(position);
  const again = await Wal.open(disk.crash(), FOLDER);
  expect(again.recovery.warnings).toEqual([]);
  expect(again.recovery.corruptions).toEqual([]);
  expect(contents(again)).toEqual(new Map([...found, [position, "after"]]));
}

for (const close of [false, true]) {
  test(`every cut of ${close ? "a closed" : "an open"} log yields a prefix of its records, and a second crash loses nothing`, async () => {
    const files = await makeLog({ close });
    const whole = files.get(fileName(1))!;
    let most = 0;
    for (let cut = 0; cut <= whole.length; cut++) {
      const disk = await diskWith(new Map([[fileName(1), whole.slice(0, cut)]]));
      const wal = await Wal.open(disk, FOLDER);
      const found = contents(wal);
      expect([...found.keys()]).toEqual(Array.from(found, (_, i) => i + 1));
      expectTrue(found);
      expect(found.size).toBeGreaterThanOrEqual(most);
      most = found.size;
      expect(wal.recovery.corruptions).toEqual([]);
      expect(wal.recovery.records).toBe(found.size);
      await expectGoesOn(disk, wal, found);
    }
    expect(most).toBe(TEXTS.length);
  });
}

test("a tail of zeros, at every length, is torn", async () => {
  const whole = (await makeLog()).get(fileName(1))!;
  for (let cut = 0; cut <= whole.length; cut += 3) {
    const zeroed = new Uint8Array(whole.length + 100);
    zeroed.set(whole.subarray(0, cut));
    const disk = await diskWith(new Map([[fileName(1), zeroed]]));
    const wal = await Wal.open(disk, FOLDER);
    const found = contents(wal);
    expectTrue(found);
    if (cut === 0 || cut >= HEADER_BYTES) {
      expect(wal.recovery.corruptions).toEqual([]);
      expect(wal.recovery.tornBytes).toBeGreaterThanOrEqual(100);
    }
    await expectGoesOn(disk, wal, found);
  }
});

for (const layout of [
  { ackEach: true, close: true },
  { ackEach: false, close: false },
  { ackEach: true, rotateAfter: [2, 4], close: true },
  { ackEach: false, rotateAfter: [1, 5] },
]) {
  test(`every flipped byte: the same records, or fewer and a report (${JSON.stringify(layout)})`, async () => {
    const files = await makeLog(layout);
    for (const [name, whole] of files) {
      for (let at = 0; at < whole.length; at++) {
        for (const mask of [0x01, 0x80, 0xff]) {
          const flipped = whole.slice();
          flipped[at]! ^= mask;
          const disk = await diskWith(new Map([...files, [name, flipped]]));
          const wal = await Wal.open(disk, FOLDER);
          const found = contents(wal);
          expectTrue(found);
          const { warnings, corruptions, quarantined } = wal.recovery;
          const lost = TEXTS.length - found.size;
          // one byte is in one record: all the others are kept
          expect(lost).toBeLessThanOrEqual(1);
          if (lost > 0) expect(warnings.length + corruptions.length).toBeGreaterThan(0);
          if (lost > 0 && layout.ackEach && layout.close) {
            expect(corruptions.length).toBeGreaterThan(0);
            expect(corruptions[0]).toMatchObject({ file: `${FOLDER}/${name}` });
            expect(Math.abs(corruptions[0]!.offset - at)).toBeLessThan(100);
          }
          if (corruptions.length > 0) {
            expect(quarantined).toEqual([`${FOLDER}/quarantine/${name}`]);
            expect(disk.readFile(quarantined[0]!)).toEqual(flipped);
          }
          if (mask === 0xff && at % 5 === 0) await expectGoesOn(disk, wal, found);
        }
      }
    }
  });
}

test("a missing file in the middle is reported, and the rest kept", async () => {
  const files = await makeLog({ ackEach: true, rotateAfter: [2, 4] });
  files.delete(fileName(3));
  const disk = await diskWith(files);
  const wal = await Wal.open(disk, FOLDER);
  expect(wal.recovery.corruptions[0]!.message).toContain("records 3 to 4 are lost");
  const found = contents(wal);
  expect([...found.keys()]).toEqual([1, 2, 5, 6]);
  await expectGoesOn(disk, wal, found);
});

test("two damaged files: each in quarantine, a second time under another name", async () => {
  const files = await makeLog({ ackEach: true, rotateAfter: [2, 4], close: true });
  for (const name of [fileName(1), fileName(3)]) files.get(name)![HEADER_BYTES + 42]! ^= 1;
  const disk = await diskWith(files);
  const wal = await Wal.open(disk, FOLDER);
  expect([...contents(wal).keys()]).toEqual([2, 4, 5, 6]);
  expect(wal.recovery.quarantined.length).toBe(2);
  await wal.close();
  const path = `${FOLDER}/${fileName(1)}`;
  const file = disk.open(path, "append");
  file.writeAt(HEADER_BYTES, new Uint8Array(8));
  file.close();
  const again = await Wal.open(disk, FOLDER);
  expect(again.recovery.quarantined).toEqual([`${FOLDER}/quarantine/${fileName(1)}.2`]);
});

test("a frame inside a payload is never taken for a record, even behind bad bytes", async () => {
  // a log whose record holds a whole log file's bytes, as anyone could write them in a string
  const inner = (await makeLog({ ackEach: true })).get(fileName(1))!;
  const disk = new MemoryDisk();
  const wal = await Wal.open(disk, FOLDER, { salt: () => 43n });
  await wal.durable(wal.append(inner));
  await wal.durable(wal.append(new TextEncoder().encode("outer")));
  const bytes = disk.readFile(`${FOLDER}/${fileName(1)}`);
  bytes[HEADER_BYTES] = 0; // the frame's header: its end is no longer known
  const damaged = await Wal.open(await diskWith(new Map([[fileName(1), bytes]])), FOLDER);
  expect(contents(damaged)).toEqual(new Map([[2, "outer"]]));
});

test("both copies of the header gone: quarantine, and positions never come back", async () => {
  const files = await makeLog({ ackEach: true });
  const bytes = files.get(fileName(1))!;
  bytes.fill(7, 0, HEADER_BYTES);
  const disk = await diskWith(files);
  const wal = await Wal.open(disk, FOLDER);
  expect(contents(wal).size).toBe(0);
  expect(wal.recovery.quarantined.length).toBe(1);
  expect(wal.recovery.warnings.length + wal.recovery.corruptions.length).toBeGreaterThan(0);
  expect(wal.append(new Uint8Array(1))).toBeGreaterThan(TEXTS.length);
});

test("a log of a newer version is refused, not quarantined", async () => {
  const files = await makeLog();
  const bytes = files.get(fileName(1))!;
  const view = new DataView(bytes.buffer);
  view.setUint32(8, 2, true);
  view.setBigUint64(40, Bun.hash.xxHash64(bytes.subarray(0, 40)), true);
  const disk = await diskWith(files);
  await expect(Wal.open(disk, FOLDER)).rejects.toThrow("version 2");
  expect(disk.readFile(`${FOLDER}/${fileName(1)}`)).toEqual(bytes);
});

test("a file that is not the log's is left alone", async () => {
  const files = await makeLog();
  files.set("notes.txt", new Uint8Array([1]));
  files.set("00000000000000000007.log.tmp", new Uint8Array([1]));
  const disk = await diskWith(files);
  const wal = await Wal.open(disk, FOLDER);
  expect(contents(wal).size).toBe(TEXTS.length);
  expect(disk.list(FOLDER)).toEqual([fileName(1), "notes.txt"]);
});

test("the real disk: a torn tail is cut although the log was mapped before", async () => {
  const folder = `${process.env["TMPDIR"] ?? "/tmp"}/serie-torn-${process.pid}`;
  try {
    const wal = await Wal.open(nodeDisk, folder);
    wal.append(new TextEncoder().encode("one"));
    wal.append(new Uint8Array(10_000));
    await wal.close();
    const path = `${folder}/${fileName(1)}`;
    contents(await Wal.open(nodeDisk, folder));
    const file = nodeDisk.open(path, "append");
    file.truncate(5000);
    file.close();
    const again = await Wal.open(nodeDisk, folder);
    expect(contents(again)).toEqual(new Map([[1, "one"]]));
    expect(again.recovery.tornBytes).toBeGreaterThan(4000);
    await again.close();
  } finally {
    nodeDisk.removeFolder(folder);
  }
});
