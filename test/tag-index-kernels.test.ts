// The kernels of a catalog's index of tags against their twin, for any input.
import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Kernels } from "../src/kernels/kernels.ts";
import { encodeSeriesKey } from "../src/model/serieskey.ts";
import { BothCatalogs, bytesOf, freeCatalog, latin1, openCatalog } from "./support/store-kernels.ts";
import { DROPPED } from "./twin/catalog.ts";
import { TagIndexTwin } from "./twin/tagindex.ts";

const kernels = new Kernels();

// every test frees what it took
afterAll(() => expect(kernels.usedBytes).toBe(0));

describe("tag index", () => {
  const name = fc.constantFrom("a", "b", "host", "a b", "a,b", "k=v", "\\x", "a\\,b", "a\\=b", "\\\\ x", "é");
  const tags = fc.uniqueArray(fc.record({ key: name, value: name }), {
    selector: ({ key }) => key,
    maxLength: 4,
  });
  const series = fc.record({ table: fc.integer({ min: 0, max: 2 }), measurement: name, tags });
  const step = fc.oneof(
    { weight: 6, arbitrary: series },
    { weight: 2, arbitrary: fc.constantFrom("extend" as const, "drop" as const) },
    { weight: 2, arbitrary: fc.nat() },
  );

  const pointerOf = (text: string, at: number) => {
    kernels.put(at, bytesOf(text));
    return [at, text.length] as const;
  };

  /** Everything the index says of a table, against the twin; `scratch`: an area with room for it. */
  function checkTable(catalog: BothCatalogs, table: number, scratch: number): void {
    const twin = new TagIndexTwin(catalog.twin);
    const { call } = kernels;
    const find = (text: string) =>
      call.tagIndexFind(catalog.record, table, ...pointerOf(text, scratch)) >>> 0;
    const textsAt = (at: number, count: number) => {
      const pairs = kernels.u32(at, count * 2);
      return Array.from({ length: count }, (_, i) => latin1(kernels.view(pairs[i * 2]!, pairs[i * 2 + 1]!)));
    };
    const keysOf = (root: number) => {
      call.tagIndexKeys(root, scratch);
      return textsAt(scratch, call.tagIndexKeyCount(root)).sort();
    };
    const valuesOf = (tagKey: number) => {
      call.tagIndexValues(catalog.record, tagKey, scratch);
      return textsAt(scratch, call.tagIndexCount(tagKey)).sort();
    };
    const seriesOf = (reference: number) => {
      call.tagIndexSeries(catalog.record, reference, scratch);
      return [...kernels.u32(scratch, call.tagIndexCount(reference))];
    };
    const ids = catalog.list(table);
    const root = find("");
    expect(root !== 0).toBe(ids.length > 0);
    if (root === 0) return;
    expect(seriesOf(root)).toEqual(ids);
    expect(keysOf(root)).toEqual([...twin.tagKeys(table)].sort());
    for (const key of [...twin.tagKeys(table), "nowhere"]) {
      const tagKey = find(key);
      expect(tagKey !== 0).toBe(key !== "nowhere");
      if (tagKey !== 0) expect(valuesOf(tagKey)).toEqual([...twin.tagValues(table, key)].sort());
      for (const value of twin.tagValues(table, key)) {
        const reference = find(`${key}=${value}`);
        expect(seriesOf(reference)).toEqual(twin.postings(table, `${key}=${value}`));
        const [at, behind] = [scratch, scratch + 65_536];
        const parts = [...pointerOf(key, at), ...pointerOf(value, behind)] as const;
        expect(call.tagIndexFindValue(catalog.record, table, ...parts) >>> 0).toBe(reference);
      }
      const at = scratch + ids.length * 8;
      kernels.u32(at, ids.length).set(ids);
      const text = pointerOf(key, at + ids.length * 4);
      call.tagIndexValuesOf(catalog.record, table, at, ids.length, ...text, scratch);
      expect(textsAt(scratch, ids.length)).toEqual(ids.map((id) => twin.valueOf(id, key)));
      // equal values stand at the same place
      const pairs = kernels.u32(scratch, ids.length * 2);
      const pointers = new Set(ids.map((_, i) => pairs[i * 2]!).filter((pointer) => pointer !== 0));
      expect(pointers.size).toBe(twin.tagValues(table, key).size);
    }
  }

  test("says of escaped keys and values what a look at every series says, as series come and go", () => {
    const scratch = kernels.alloc(1 << 17);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.constantFrom(0, 400), (steps, others) => {
        const catalog = openCatalog(kernels);
        // (of few series the index is built anew when one is dropped)
        catalog.appendAll(
          9,
          Array.from({ length: others }, (_, n) => `m,host=${n}`),
        );
        for (const step of steps) {
          if (step === "extend") {
            expect(kernels.call.tagIndexExtend(catalog.record)).toBeTruthy();
            for (const table of [0, 1, 2]) checkTable(catalog, table, scratch);
          } else if (step === "drop") catalog.drop(1);
          else if (typeof step === "number") {
            if (catalog.twin.series.length > 0) catalog.dropSeries([step % catalog.twin.series.length]);
          } else catalog.add(step.table, latin1(encodeSeriesKey(step.measurement, step.tags)));
        }
        expect(kernels.call.tagIndexExtend(catalog.record)).toBeTruthy();
        for (const table of [0, 1, 2]) checkTable(catalog, table, scratch);
        expect(kernels.call.tagIndexFind(catalog.record, DROPPED, scratch, 0)).toBe(0);
        freeCatalog(kernels, catalog);
      }),
      { numRuns: 300 },
    );
    kernels.free(scratch);
  });

  test("keys that no client could have written are taken as they are: no value, `=` in one, no tag, bare backslashes", () => {
    const scratch = kernels.alloc(1 << 17);
    const catalog = openCatalog(kernels);
    for (const key of ["m", "m,a=", "m,a=,b=1", "m\\,x,a=1", "m\\", "m,a=\\\\\\,", "m\\=,a=b=c"])
      catalog.add(0, key);
    kernels.call.tagIndexExtend(catalog.record);
    checkTable(catalog, 0, scratch);
    freeCatalog(kernels, catalog);
    kernels.free(scratch);
  });

  test("takes names and values of all lengths, in keys that are packed and in those that are not", () => {
    const scratch = kernels.alloc(1 << 19);
    const catalog = openCatalog(kernels);
    const [long, longer] = ["l".repeat(20_000), "v".repeat(45_000)];
    const values = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 254, 255, 256].map((n) => "v".repeat(n + 1));
    // (of each value one series, or several; the same value packed and not)
    for (const [n, value] of values.entries()) {
      catalog.add(0, `m,a=${value},b=1,n=${n}`);
      catalog.add(n % 2, `m,b=1,n=${n},nn=${value},z=${longer}`);
      catalog.add(n % 2, `m,b=1,n=${n},nn=${value}`);
      catalog.add(2, `m,${"n".repeat(n + 1)}=${n % 3},${long}=${n % 2}`);
      catalog.add(3, `m,${"n".repeat(n + 1)}=${n % 3},${long}=${n % 2}${longer}`);
    }
    for (const count of [31, 32, 33, 63, 64, 65]) {
      const tags = Array.from({ length: count }, (_, i) => `,t${10 + i}=${i % 2}${i < 9 ? count : ""}`);
      catalog.add(4, `m${tags.join("")}`);
      catalog.add(4, `m,a=1${tags.join("")}`);
    }
    for (const dropped of [[], [0, 3, 5, 82]]) {
      catalog.dropSeries(dropped);
      kernels.call.tagIndexExtend(catalog.record);
      for (let table = 0; table < 5; table++) checkTable(catalog, table, scratch);
    }
    freeCatalog(kernels, catalog);
    kernels.free(scratch);
  });

  test("of values with one hash each is its own, also when one of them is dropped", () => {
    const scratch = kernels.alloc(1 << 17);
    const catalog = openCatalog(kernels);
    const byHash = new Map<bigint, number>();
    let pairs = 0;
    for (let n = 100_000; n < 400_000; n++) {
      const hash = (Bun.hash.xxHash64(`a=${n}`, 0n) as bigint) & 0xffff_ffffn;
      const other = byHash.get(hash);
      byHash.set(hash, n);
      if (other === undefined) continue;
      for (const value of [other, n, pairs++]) catalog.add(0, `m,a=${value},b=${value % 2}`);
    }
    expect(pairs).toBeGreaterThan(2);
    // (of few series the index is built anew when one is dropped)
    for (let n = 0; n < 400; n++) catalog.add(1, `m,a=${n}`);
    for (const dropped of [[], [1], [3], [0], [4]]) {
      catalog.dropSeries(dropped);
      kernels.call.tagIndexExtend(catalog.record);
      checkTable(catalog, 0, scratch);
    }
    for (const id of [1, 0]) catalog.add(0, catalog.twin.series[id]!.key);
    kernels.call.tagIndexExtend(catalog.record);
    checkTable(catalog, 0, scratch);
    freeCatalog(kernels, catalog);
    kernels.free(scratch);
  });

  test("grows over 20,000 values, each found, and lists over many chunks", () => {
    const scratch = kernels.alloc(1 << 19);
    const catalog = openCatalog(kernels);
    for (let n = 0; n < 20_000; n++) {
      catalog.add(0, `m,host=${n},pair=${n >> 1},parity=${n % 2}`);
      // (gaps of one byte to three)
      catalog.add(1, `m,rare=${n % 700 === 0},late=${n < 19_990}`);
      if (n % 7_000 === 0) kernels.call.tagIndexExtend(catalog.record);
    }
    kernels.call.tagIndexExtend(catalog.record);
    for (const table of [0, 1]) {
      const twin = new TagIndexTwin(catalog.twin);
      const texts =
        table === 1 ? ["late=true", "late=false", "rare=true", "rare=false"] : ["host=0", "host=19999"];
      if (table === 0) texts.push("pair=0", "pair=9999", "parity=1", "parity=0", "host=20000");
      for (const text of texts) {
        const reference = kernels.call.tagIndexFind(catalog.record, table, ...pointerOf(text, scratch)) >>> 0;
        const ids = twin.postings(table, text);
        expect(reference !== 0).toBe(ids.length > 0);
        if (reference === 0) continue;
        kernels.call.tagIndexSeries(catalog.record, reference, scratch);
        expect([...kernels.u32(scratch, kernels.call.tagIndexCount(reference))]).toEqual(ids);
      }
    }
    for (const [key, count] of [
      ["host", 20_000],
      ["pair", 10_000],
    ] as const) {
      const tagKey = kernels.call.tagIndexFind(catalog.record, 0, ...pointerOf(key, scratch)) >>> 0;
      expect(kernels.call.tagIndexCount(tagKey)).toBe(count);
      kernels.call.tagIndexValues(catalog.record, tagKey, scratch);
      const pairs = kernels.u32(scratch, count * 2);
      const values = Array.from({ length: count }, (_, i) =>
        latin1(kernels.view(pairs[i * 2]!, pairs[i * 2 + 1]!)),
      );
      expect(values).toEqual(Array.from({ length: count }, (_, n) => `${n}`));
    }
    freeCatalog(kernels, catalog);
    kernels.free(scratch);
  });

  test("lists of series that are far from each other stay within their chunks", () => {
    const catalog = openCatalog(kernels);
    // (differences of three bytes, as near to those of two as can be)
    const values = 2 ** 14;
    for (let n = 0; n < 7 * values; n++) catalog.add(n < values ? 1 : 0, `m,n=${n},value=${n % values}`);
    kernels.call.tagIndexExtend(catalog.record);
    const scratch = kernels.alloc(1 << 16);
    for (let value = 0; value < values; value++) {
      const text = pointerOf(`value=${value}`, scratch);
      const reference = kernels.call.tagIndexFind(catalog.record, 0, ...text) >>> 0;
      kernels.call.tagIndexSeries(catalog.record, reference, scratch);
      const ids = [...kernels.u32(scratch, kernels.call.tagIndexCount(reference))];
      const expected = Array.from({ length: 6 }, (_, i) => (i + 1) * values + value);
      if (ids.join() !== expected.join()) throw new Error(`series of ${value} are not ${ids}`);
    }
    freeCatalog(kernels, catalog);
    kernels.free(scratch);
  });

  test("the same tag in many tables is each table's own", () => {
    const catalog = openCatalog(kernels);
    const scratch = kernels.alloc(1 << 16);
    for (let table = 0; table < 60_000; table++) catalog.add(table, "m,host=a");
    kernels.call.tagIndexExtend(catalog.record);
    for (let table = 0; table < 60_000; table++) {
      const reference =
        kernels.call.tagIndexFind(catalog.record, table, ...pointerOf("host=a", scratch)) >>> 0;
      kernels.call.tagIndexSeries(catalog.record, reference, scratch);
      if (kernels.u32(scratch, 1)[0] !== table) throw new Error(`the series of table ${table} is another's`);
    }
    freeCatalog(kernels, catalog);
    kernels.free(scratch);
  });

  test("is whole or not there, wherever memory ends", () => {
    const own = new Kernels();
    const record = own.alloc(64);
    own.bytes.fill(0, record, record + 64);
    const catalog = new BothCatalogs(own, record);
    for (let n = 0; n < 40_000; n++) catalog.add(n % 3, `m,host=${n},pair=${n >> 1},dc=${n % 7}`);
    const scratch = own.alloc(1 << 18);
    const pages: number[] = [];
    for (let bytes = 2 ** 30; bytes >= 65_536; bytes /= 2)
      for (let at = own.call.areaAlloc(bytes); at !== 0; at = own.call.areaAlloc(bytes)) pages.push(at);
    const find = (text: string) => {
      own.put(scratch, bytesOf(text));
      return own.call.tagIndexFind(record, 0, scratch, text.length) >>> 0;
    };
    let missed = 0;
    for (; !own.call.tagIndexExtend(record); missed++) {
      expect(find("dc=0")).toBe(0);
      own.call.areaFree(pages.pop()!);
    }
    expect(missed).toBeGreaterThan(3);
    const reference = find("dc=0");
    own.call.tagIndexSeries(record, reference, scratch);
    const ids = [...own.u32(scratch, own.call.tagIndexCount(reference))];
    expect(ids).toEqual(catalog.list(0).filter((id) => id % 7 === 0));
    // and when series are dropped, each of which leaves a node of its host
    for (let at = own.call.areaAlloc(65_536); at !== 0; at = own.call.areaAlloc(65_536)) pages.push(at);
    let dropped = 0;
    for (; find("dc=0") !== 0; dropped++) {
      own.u32(scratch, 1).set([3 * dropped]);
      own.call.tagIndexDrop(record, scratch, 1);
      own.call.catalogDropSeries(record, scratch, 1);
    }
    expect(dropped).toBeGreaterThan(10);
    expect(dropped).toBeLessThan(40_000 / 8);
    while (!own.call.tagIndexExtend(record)) own.call.areaFree(pages.pop()!);
    expect(find(`host=${3 * dropped - 3}`)).toBe(0);
    expect(find(`host=${3 * dropped}`)).not.toBe(0);
  });

  test("is small where many series share few values, and where each has its own", () => {
    const bytesOfEach = (key: (n: number) => string) => {
      const catalog = openCatalog(kernels);
      for (let n = 0; n < 100_000; n++) catalog.add(0, key(n));
      const before = kernels.usedBytes;
      kernels.call.tagIndexExtend(catalog.record);
      const bytes = kernels.usedBytes - before;
      freeCatalog(kernels, catalog);
      return bytes / 100_000;
    };
    // three lists; and two of them beside the 262,144 slots of a partition of 65,537 to 131,072 values
    expect(bytesOfEach((n) => `m,a=${n % 300},b=${Math.floor(n / 300)}`)).toBeLessThan(8);
    expect(bytesOfEach((n) => `m,a=${n}`)).toBeLessThan(15);
  });

  test("tags behind the 32nd have their values, too", () => {
    const scratch = kernels.alloc(1 << 18);
    const catalog = openCatalog(kernels);
    const tagsOf = (n: number) =>
      Array.from({ length: 40 }, (_, i) => `t${10 + i}=${i < 20 ? 7 : n}`).join(",");
    for (const n of [1, 2, 3, 3]) catalog.add(0, `m,${tagsOf(n)},u=${n}`);
    kernels.call.tagIndexExtend(catalog.record);
    checkTable(catalog, 0, scratch);
    freeCatalog(kernels, catalog);
    kernels.free(scratch);
  });
});
