// Stripes: what is asked of one field of many series lies together in a segment, and is all that is read of it.
import { afterAll, expect, spyOn, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { nodeDisk } from "../src/disk/node.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { FieldType } from "../src/model/types.ts";
import { Cursor } from "../src/segment/bytes.ts";
import { GroupPages } from "../src/segment/group-pages.ts";
import { PagePlaces } from "../src/segment/page-places.ts";
import { PagesAhead } from "../src/segment/pages-ahead.ts";
import { readParts, SegmentReader } from "../src/segment/reader.ts";
import { readTableIndex, type TableIndex } from "../src/segment/table-index.ts";
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

// Of stripes of so many groups with three pages each: of 100 bytes, none in every third group, of 30,000.
function placesOf(stripeGroups: readonly number[]): PagePlaces {
  const groups = stripeGroups.reduce((sum, count) => sum + count, 0);
  const sizes = Array.from({ length: groups }, (_, g) => [100, g % 3 === 0 ? 0 : 50, 30_000]).flat();
  const cursor = new Cursor("nowhere", new Uint8Array(0), 0, 0);
  return new PagePlaces(cursor, Uint32Array.from(stripeGroups), Uint32Array.from(sizes), 3, 64);
}

test("of groups that are read one after the other ever more are copied at once, of each column in one copy", () => {
  const places = placesOf([60, 3]);
  const file = Uint8Array.from({ length: places.end }, (_, i) => (i * 2654435761) >>> 24);
  const pages = new GroupPages(kernels);
  const put = spyOn(kernels, "put");
  const copiesFor = (group: number, wanted: readonly number[]) => {
    const before = put.mock.calls.length;
    pages.load(file, places, group, wanted);
    for (const page of wanted) {
      const [start, end] = [places.start(group, page), places.pageEnd(group, page)];
      if (end === start) continue;
      const at = pages.page(file, page, start, end);
      expect(kernels.view(at, end - start)).toEqual(file.subarray(start, end));
    }
    return put.mock.calls.length - before;
  };
  try {
    const first = (count: number) => Array.from({ length: count }, (_, group) => group);
    const loads = (copies: readonly number[]) =>
      copies.flatMap((count, group) => (count > 0 ? [`${group}: ${count}`] : []));
    // (the first group has one page, and the stripe ends before group 60; no more than 16 at once)
    const all = first(63).map((group) => copiesFor(group, [0, 1]));
    expect(loads(all)).toEqual(["0: 1", "1: 2", "3: 2", "7: 2", "15: 2", "31: 2", "47: 2", "60: 2"]);
    // no more than 128 KiB at once
    const large = first(12).map((group) => copiesFor(group, [2]));
    expect(loads(large)).toEqual(["0: 1", "1: 1", "3: 1", "7: 1", "11: 1"]);
    // not in that order
    expect([9, 8, 6, 6, 4].map((group) => copiesFor(group, [0]))).toEqual([1, 1, 1, 0, 1]);
    // a page that was not loaded is copied by itself
    const [start, end] = [places.start(4, 1), places.pageEnd(4, 1)];
    expect(kernels.view(pages.page(file, 1, start, end), 50)).toEqual(file.subarray(start, end));
  } finally {
    put.mockRestore();
    pages.release();
  }
});

test("what was asked for ahead is asked for again after a second, not before", () => {
  const places = placesOf([10, 3]);
  const index = { places, pagesPerGroup: 3, checksums: new Uint32Array(39) } as TableIndex;
  const asked: number[][] = [];
  const ahead = new PagesAhead(index, (start, end) => asked.push([start, end]));
  const now = spyOn(performance, "now");
  const ask = (nowMs: number, pages: readonly number[], groups: readonly number[]) => {
    now.mockReturnValue(nowMs);
    asked.length = 0;
    ahead.begin(pages);
    const sizeBytes = groups.reduce((sum, group) => sum + ahead.add(group), 0);
    ahead.end();
    return { sizeBytes, asked: [...asked] };
  };
  try {
    const column = [places.start(4, 2), places.pageEnd(5, 2)];
    // the times are too far away
    const both = [[places.start(4, 0), places.pageEnd(5, 0)], column];
    expect(ask(0, [0, 2], [4, 5])).toEqual({ sizeBytes: 60_200, asked: both });
    expect(ask(1000, [0, 2], [4, 5])).toEqual({ sizeBytes: 60_200, asked: [] });
    expect(ask(1000, [0, 1, 2], [5]).asked).toEqual([[places.start(5, 1), places.pageEnd(5, 1)]]);
    expect(ask(1001, [0, 2], [4, 5]).asked).toEqual(both);
    // where a stripe's last column and the next one's first ones meet they are one stretch
    expect(ask(3000, [0, 2], [9, 10]).asked).toEqual([
      [places.start(9, 0), places.pageEnd(9, 0)],
      [places.start(9, 2), places.pageEnd(10, 2)],
    ]);
    const again = [...asked];
    expect(ask(5000, [0, 2], [9, 10]).asked).toEqual(again);
  } finally {
    now.mockRestore();
  }
});

// Of groups of 50 rows: texts of so many bytes each, a small number, and texts of not so many.
function tableOf(textBytes: readonly number[]): TestTable {
  const series = textBytes.map((bytes, id) => ({
    id,
    rows: Array.from({ length: 50 }, (_, row) => ({
      time: BigInt(row) * 1_000_000_000n,
      values: [randomText(bytes, id * 50 + row), id + row / 8, randomText(Math.min(bytes, 4000), row)],
    })),
  }));
  const fields = [
    { name: "text", type: FieldType.String },
    { name: "number", type: FieldType.Float },
    { name: "more", type: FieldType.String },
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
  // 50 rows of 60,000 bytes are 3 MB, of 9,000 and 4,000 more than half of what fits
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
