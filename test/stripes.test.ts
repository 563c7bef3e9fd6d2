// Stripes: what is asked of one field of many series lies together in a segment, and is all that is read of it.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { nodeDisk } from "../src/disk/node.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { FieldType } from "../src/model/types.ts";
import { Cursor } from "../src/segment/bytes.ts";
import { PagePlaces } from "../src/segment/page-places.ts";
import { readParts, SegmentReader } from "../src/segment/reader.ts";
import { readTableIndex } from "../src/segment/table-index.ts";
import { readTestSegment, type TestTable, writeTestSegment } from "./support/segment-rows.ts";

const folder = mkdtempSync(join(tmpdir(), "serie-stripes-"));
afterAll(() => rmSync(folder, { recursive: true }));
const kernels = new Kernels();
const MIB = 1024 * 1024;

const shape = fc
  .record({
    pagesPerGroup: fc.integer({ min: 1, max: 5 }),
    stripeGroups: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 8 }),
    start: fc.integer({ min: 0, max: 1e12 }),
  })
  .chain(({ pagesPerGroup, stripeGroups, start }) => {
    const pages = stripeGroups.reduce((sum, count) => sum + count, 0) * pagesPerGroup;
    const sizes = fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: pages, maxLength: pages });
    return fc.record({
      pagesPerGroup: fc.constant(pagesPerGroup),
      stripeGroups: fc.constant(stripeGroups),
      start: fc.constant(start),
      sizes,
    });
  });

test("in each stripe pages stand column after column, one behind the other", () => {
  fc.assert(
    fc.property(shape, ({ pagesPerGroup, stripeGroups, start, sizes }) => {
      const cursor = new Cursor("nowhere", new Uint8Array(0), 0, 0);
      const [groups, ofPages] = [Uint32Array.from(stripeGroups), Uint32Array.from(sizes)];
      const places = new PagePlaces(cursor, groups, ofPages, pagesPerGroup, start);
      let at = start;
      let first = 0;
      for (const count of stripeGroups) {
        for (let page = 0; page < pagesPerGroup; page++)
          for (let group = first; group < first + count; group++) {
            const size = sizes[group * pagesPerGroup + page]!;
            expect(places.start(group, page)).toBe(at);
            expect(places.size(group, page)).toBe(size);
            at += size;
            expect(places.pageEnd(group, page)).toBe(at);
            expect(places.stripeEnd(group)).toBe(first + count);
          }
        first += count;
      }
      expect(places.end).toBe(at);
    }),
  );
});

// Of groups of 50 rows: texts of so many bytes each beside a small number.
function tableOf(textBytes: readonly number[]): TestTable {
  const series = textBytes.map((bytes, id) => ({
    id,
    rows: Array.from({ length: 50 }, (_, row) => ({
      time: BigInt(row) * 1_000_000_000n,
      values: [randomText(bytes, id * 50 + row), id + row / 8],
    })),
  }));
  const fields = [
    { name: "text", type: FieldType.String },
    { name: "number", type: FieldType.Float },
  ];
  return { measurement: "m", fields, series };
}

// Nothing compresses it.
function randomText(bytes: number, seed: number): string {
  let state = seed * 2654435761 + 1;
  let text = "";
  while (text.length < bytes) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += state.toString(36);
  }
  return text.slice(0, bytes);
}

/** Of a segment's only table. */
function stripesIn(path: string): { groups: number; sizeBytes: number }[] {
  const bytes = nodeDisk.map(path);
  const { version, footer, head } = readParts(path, bytes);
  const [{ at, sizeBytes }] = head.tables as [(typeof head.tables)[number]];
  const cursor = new Cursor(path, bytes, at, at + sizeBytes);
  const { places, groupCount, pagesPerGroup } = readTableIndex(cursor, version, footer.indexOffset);
  const stripes: { groups: number; sizeBytes: number }[] = [];
  for (let group = 0; group < groupCount; ) {
    const end = places.stripeEnd(group);
    const pages = places.pageEnd(end - 1, pagesPerGroup - 1) - places.start(group, 0);
    stripes.push({ groups: end - group, sizeBytes: pages });
    group = end;
  }
  nodeDisk.unmap(bytes);
  return stripes;
}

test("a group that is larger than a stripe may be is one by itself, whatever stands beside it", async () => {
  // 50 rows of 60,000 bytes are 3 MB, of 9,000 nearly half of what fits
  const sizes = [10, 20, 9000, 9000, 9000, 60_000, 10, 60_000, 60_000, 9000, 9000, 9000, 9000, 10, 10];
  const table = tableOf(sizes);
  const path = join(folder, "large.segment");
  const used = kernels.usedBytes;
  await writeTestSegment(nodeDisk, path, kernels, [table], 50);
  const reader = SegmentReader.open(nodeDisk, path, kernels);
  expect(readTestSegment(reader, kernels)).toEqual([table]);
  reader.close();
  expect(kernels.usedBytes).toBe(used);
  const stripes = stripesIn(path);
  for (const { groups, sizeBytes } of stripes) if (groups > 1) expect(sizeBytes).toBeLessThanOrEqual(MIB);
  const ofOne = stripes.flatMap(({ sizeBytes }) => (sizeBytes > MIB ? [sizeBytes] : []));
  expect(ofOne.length).toBe(3);
  // also behind them others are put together
  expect(stripes.at(-1)!.groups).toBeGreaterThan(1);
});

test("a stripe has no more than 65,536 pages, however small they are", async () => {
  const fields = Array.from({ length: 3000 }, (_, f) => ({ name: `f${f}`, type: FieldType.Integer }));
  const values = (id: number) => fields.map((_, f) => (f % 50 === id ? BigInt(f) : null));
  const series = Array.from({ length: 50 }, (_, id) => ({ id, rows: [{ time: 5n, values: values(id) }] }));
  const table = { measurement: "m", fields, series };
  const path = join(folder, "wide.segment");
  await writeTestSegment(nodeDisk, path, kernels, [table], 1);
  const reader = SegmentReader.open(nodeDisk, path, kernels);
  expect(readTestSegment(reader, kernels)).toEqual([table]);
  reader.close();
  expect(stripesIn(path).map(({ groups }) => groups)).toEqual([21, 21, 8]);
});
