// The bytes of the log's format under review: a file made by today's writer is the file in test/golden, byte for byte, and its
// dump reads as it does there. After an intended change of the format: UPDATE_GOLDEN=1 bun test test/log-golden.test.ts
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { makeDurableFolder } from "../src/disk/disk.ts";
import { inspectLog } from "../src/log/inspect.ts";
import { Wal } from "../src/log/wal.ts";
import { MemoryDisk } from "./disk/memory.ts";

const GOLDEN = `${import.meta.dir}/golden`;
const FOLDER = "/data/wal";
const NAME = "00000000000000000001.log";
const text = (value: string) => new TextEncoder().encode(value);
const dump = (bytes: Uint8Array) => `${[...inspectLog(NAME, bytes)].join("\n")}\n`;

async function makeFile(): Promise<Uint8Array> {
  const disk = new MemoryDisk();
  const options = { salt: () => 0x0123_4567_89ab_cdefn };
  const wal = await Wal.open(disk, FOLDER, options);
  await wal.durable(wal.append(text("a record, acknowledged")));
  wal.append(text("8 bytes!"));
  wal.append(text(""));
  await wal.close();
  const again = await Wal.open(disk, FOLDER, { ...options, minimumLast: 0x1_0000_0000 });
  again.append(text("behind a gap ".repeat(8)));
  await again.close();
  return disk.readFile(`${FOLDER}/${NAME}`);
}

test("the golden file is what the writer writes, and its dump is what inspect prints", async () => {
  const bytes = await makeFile();
  if (process.env["UPDATE_GOLDEN"]) {
    writeFileSync(`${GOLDEN}/wal.log`, bytes);
    writeFileSync(`${GOLDEN}/wal.log.txt`, dump(bytes));
  }
  expect(Buffer.compare(bytes, readFileSync(`${GOLDEN}/wal.log`))).toBe(0);
  expect(dump(bytes)).toBe(readFileSync(`${GOLDEN}/wal.log.txt`, "utf8"));
});

test("the golden file is read", async () => {
  const disk = new MemoryDisk();
  await makeDurableFolder(disk, FOLDER);
  disk.open(`${FOLDER}/${NAME}`, "create").append(readFileSync(`${GOLDEN}/wal.log`));
  const wal = await Wal.open(disk, FOLDER);
  const found: [number, string][] = [];
  wal.replay(0, (bytes, position) => found.push([position, new TextDecoder().decode(bytes)]));
  expect(found).toEqual([
    [1, "a record, acknowledged"],
    [2, "8 bytes!"],
    [3, ""],
    [0x1_0000_0001, "behind a gap ".repeat(8)],
  ]);
  expect([...wal.recovery.warnings, ...wal.recovery.corruptions]).toEqual([]);
});

test("a dump shows where a file is damaged", async () => {
  const bytes = await makeFile();
  bytes[96 + 40]! ^= 1;
  expect(dump(bytes)).toContain("DAMAGED payload");
  bytes[96] = 0;
  expect(dump(bytes)).toContain("96 to 160: no whole frame here");
  expect(dump(bytes.slice(0, 300))).toContain("DAMAGED: no whole frame");
  expect(dump(bytes.fill(0, 0, 96))).toContain("the header is damaged");
});
