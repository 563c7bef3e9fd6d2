// The store's small files under review: their bytes as written today, read back, and what `serie inspect` says of them.
// After an intended change of a format: UPDATE_GOLDEN=1 bun test test/store-golden.test.ts
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import type { Clock } from "../src/base/clock.ts";
import { Database } from "../src/db/database.ts";
import { encodeSealed } from "../src/disk/sealed.ts";
import { MIN_TIME } from "../src/model/types.ts";
import { inspectCatalog, inspectSealed, inspectTombstones } from "../src/store/inspect.ts";
import { decodeManifest } from "../src/store/manifest.ts";
import { RangesBuilder, SeriesRanges } from "../src/store/series-ranges.ts";
import { decodeTombstones, encodeTombstones } from "../src/store/tombstone-file.ts";
import type { Tombstone } from "../src/store/tombstones.ts";
import { MemoryDisk } from "./disk/memory.ts";
import { cellsOf, DATABASE } from "./support/possible.ts";

const GOLDEN = `${import.meta.dir}/golden`;
const clock: Clock = { nowNs: () => 0n, elapsedMs: () => 0, every: () => () => {} };
const options = { dataDir: "/data", partitions: 1 };
const samples = [
  { path: "/data/databases", golden: "databases", dump: inspectSealed.bind(null, "serie databases") },
  { path: "/data/p00/manifest", golden: "manifest", dump: inspectSealed.bind(null, "serie manifest") },
  { path: "/data/p00/catalog-4", golden: "catalog", dump: inspectCatalog },
];

/** Two flushes, a drop between them, and a time window each. */
async function makeDisk(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const db = await Database.open(options, disk, clock);
  await db.createDatabase(DATABASE);
  await db.writeLines("cpu,host=a x=1 1\ngone v=1 1\ncpu,host=b\\ c,region=eu x=2 2", { database: DATABASE });
  await db.flush();
  await db.dropMeasurement(DATABASE, "gone");
  await db.writeLines("mem,host=a used=5i 700000000000000000", { database: DATABASE });
  await db.flush();
  await db.writeLines("mem,host=z used=6i 700000000000000000", { database: DATABASE });
  await db.close();
  return disk;
}

const dumpOf = ({ path, dump }: (typeof samples)[number], bytes: Uint8Array) =>
  `${[...dump(path, bytes)].join("\n")}\n`;

test("the golden files are what is written, and their dumps are what inspect prints", async () => {
  const disk = await makeDisk();
  for (const sample of samples) {
    const bytes = disk.readFile(sample.path);
    const golden = `${GOLDEN}/${sample.golden}`;
    if (process.env["UPDATE_GOLDEN"]) {
      writeFileSync(golden, bytes);
      writeFileSync(`${golden}.txt`, dumpOf(sample, bytes));
    }
    expect(dumpOf(sample, bytes)).toBe(readFileSync(`${golden}.txt`, "utf8"));
    expect([sample.golden, Buffer.compare(bytes, readFileSync(golden))]).toEqual([sample.golden, 0]);
  }
});

test("the golden files are read", async () => {
  const disk = await makeDisk();
  for (const { path, golden } of samples)
    disk.open(path, "create").append(readFileSync(`${GOLDEN}/${golden}`));
  const db = await Database.open(options, disk, clock);
  expect([...(await cellsOf(db, ["cpu", "gone", "mem"]))]).toEqual([
    ["cpu a 1 x", 1],
    ["cpu b c 2 region", "eu"], // a tag that is not grouped by
    ["cpu b c 2 x", 2],
    ["mem a 700000000000000000 used", 5],
    ["mem z 700000000000000000 used", 6],
  ]);
  await db.close();
});

test("manifests of versions before are read", () => {
  const today = decodeManifest(readFileSync(`${GOLDEN}/manifest`), "manifest");
  const before = decodeManifest(readFileSync(`${GOLDEN}/manifest-2`), "manifest");
  // (weeks began on Thursdays, segments were larger, and catalogs had the keys of what was dropped)
  const DAY_NS = 86_400_000_000_000n;
  expect(before.segments.map(({ windowStart }) => (windowStart / DAY_NS) % 7n)).toEqual([0n, 0n, 0n]);
  const segments = before.segments.map((segment, i) => {
    const { windowStart, windowEnd, sizeBytes } = today.segments[i]!;
    return { ...segment, windowStart, windowEnd, sizeBytes };
  });
  expect<unknown>({ ...before, segments, catalogBytes: today.catalogBytes }).toEqual(today);
});

const common = { database: "db", retentionPolicy: "autogen", measurement: "cpu", before: 4 };
const own = new RangesBuilder();
own.add(3, BigInt64Array.of(5n, 5n, 7n, 2n ** 62n));
own.add(4_000_000_000, BigInt64Array.of(MIN_TIME, -1n));
const tombstones: Tombstone[] = [
  { ...common, taken: SeriesRanges.shared(null, [[-(2n ** 60n), 2n ** 60n]]) },
  {
    ...common,
    taken: SeriesRanges.shared(Uint32Array.of(1, 7), [
      [1n, 1n],
      [3n, 4n],
    ]),
    fields: ["x", "ü \n"],
  },
  { ...common, taken: own.build() },
];

test("tombstones of manifests of before are read, and those of today come back", () => {
  const path = `${GOLDEN}/tombstones`;
  const bytes = encodeTombstones(tombstones);
  if (process.env["UPDATE_GOLDEN"]) {
    writeFileSync(path, bytes);
    writeFileSync(`${path}.txt`, `${[...inspectTombstones(path, bytes)].join("\n")}\n`);
  }
  expect(Buffer.compare(bytes, readFileSync(path))).toBe(0);
  expect([...inspectTombstones(path, bytes)].join("\n").concat("\n")).toBe(
    readFileSync(`${path}.txt`, "utf8"),
  );
  expect(decodeTombstones(readFileSync(path), path)).toEqual(tombstones);
  // version 3 had them in itself, each with the same ranges for all of its series
  const inline = [
    { ...common, series: null, ranges: [[String(-(2n ** 60n)), String(2n ** 60n)]] },
    {
      ...common,
      series: [7, 1],
      ranges: [
        ["3", "4"],
        ["1", "1"],
      ],
      fields: ["x", "ü \n"],
    },
  ];
  const nothing = {
    partition: 0,
    partitionCount: 1,
    logPosition: 0,
    nextSegment: 1,
    catalogFile: "",
    catalogBytes: 0,
    segments: [],
  };
  const before = encodeSealed("serie manifest", 3, { ...nothing, tombstones: inline });
  expect(decodeManifest(before, "manifest")).toEqual({
    ...nothing,
    tombstoneFile: "",
    tombstones: tombstones.slice(0, 2),
  });
});

test("a dump says where a file is damaged, whatever byte is flipped", () => {
  for (const sample of [...samples, { path: "", golden: "tombstones", dump: inspectTombstones }]) {
    const bytes = readFileSync(`${GOLDEN}/${sample.golden}`);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x10;
      expect([sample.golden, at, dumpOf(sample, damaged).includes("DAMAGED")]).toEqual([
        sample.golden,
        at,
        true,
      ]);
    }
  }
});
