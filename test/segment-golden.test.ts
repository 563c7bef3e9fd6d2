// The segment format under review: fixed contents, their bytes, and what `serie inspect` says about each byte.
//
// A change of the format or of a codec's choices changes these files: look at the difference, then rewrite them with
// `UPDATE_GOLDEN=1 bun test test/segment-golden.test.ts`. Files of an older serie must stay readable all the same.
import { afterAll, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../src/base/errors.ts";
import { nodeDisk } from "../src/disk/node.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { inspectFile, segmentFormat } from "../src/segment/inspect.ts";
import { SegmentReader } from "../src/segment/reader.ts";
import { readTestSegment, writeTestSegment } from "./support/segment-rows.ts";
import { everyType, shortAndLong } from "./support/segment-samples.ts";

const kernels = new Kernels();
const folder = mkdtempSync(join(tmpdir(), "serie-golden-"));
afterAll(() => rmSync(folder, { recursive: true }));

const dumpOf = (path: string) => `${[...inspectFile(nodeDisk, path, [segmentFormat])].join("\n")}\n`;

const samples = [
  { name: "every-type", tables: everyType, groupRows: 6 },
  { name: "short-and-long", tables: shortAndLong, groupRows: 16 },
];

for (const { name, tables, groupRows } of samples) {
  const golden = join(import.meta.dir, "golden", `${name}.segment`);
  const dump = golden.replace(".segment", ".segment.txt");

  test(`${name}: the writer writes the golden bytes, the dump explains them, the reader reads them`, async () => {
    const path = join(folder, `${name}.segment`);
    await writeTestSegment(nodeDisk, path, kernels, tables, groupRows);
    if (process.env["UPDATE_GOLDEN"]) {
      copyFileSync(path, golden);
      writeFileSync(dump, dumpOf(path));
    }
    // the dump first: where bytes differ it says in which part
    expect(dumpOf(path)).toBe(readFileSync(dump, "utf8"));
    expect(dumpOf(golden)).toBe(readFileSync(dump, "utf8"));
    expect(Buffer.compare(readFileSync(path), readFileSync(golden))).toBe(0);
    expect(readTestSegment(SegmentReader.open(nodeDisk, golden, kernels), kernels)).toEqual(tables);
  });

  for (const version of [1, 2, 3])
    test(`${name}: a file of version ${version} is read as it was`, () => {
      const before = golden.replace(".segment", `-${version}.segment`);
      expect(dumpOf(before)).toStartWith(`segment, format version ${version}, `);
      expect(readTestSegment(SegmentReader.open(nodeDisk, before, kernels), kernels)).toEqual(tables);
    });

  test(`${name}: the dump covers every byte once`, () => {
    const lines = dumpOf(golden).split("\n");
    let end = 0;
    for (const line of lines) {
      const [, offset, hex, size] =
        /^ {0,7}(\d+) {2}((?:[0-9a-f]{2} )+) *[^(]*(?:.*\((\d+) bytes\))?$/.exec(line) ?? [];
      if (offset === undefined || hex === undefined) continue;
      expect(Number(offset)).toBe(end);
      end += size === undefined ? hex.trim().split(" ").length : Number(size);
    }
    expect(end).toBe(nodeDisk.size(golden));
    expect(lines.filter((line) => line.includes("NOT DESCRIBED"))).toEqual([]);
  });

  test(`${name}: damage is named in the dump, whatever byte is flipped`, () => {
    const bytes = readFileSync(golden);
    for (let at = 8; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x10;
      const text = [...segmentFormat.dump(golden, damaged)].join("\n");
      if (!text.includes("DAMAGED")) throw new Error(`byte ${at} flipped: the dump does not say so`);
    }
  });
}

test("inspectFile finds the format by its magic and refuses files that are not serie's", () => {
  const path = join(folder, "note.txt");
  writeFileSync(path, "a note to myself");
  const note = { magic: "a note", dump: (_: string, bytes: Uint8Array) => [`${bytes.length} bytes`] };
  expect([...inspectFile(nodeDisk, path, [segmentFormat, note])]).toEqual(["16 bytes"]);
  expect(() => inspectFile(nodeDisk, path, [segmentFormat])).toThrow(InputError);
  writeFileSync(path, "");
  expect(() => inspectFile(nodeDisk, path, [segmentFormat, note])).toThrow(InputError);
});
