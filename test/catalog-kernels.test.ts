// The kernels of the catalog and its index of tags against their twins, for any input.
import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Kernels } from "../src/kernels/kernels.ts";
import { encodeSeriesKey } from "../src/model/serieskey.ts";
import { BothCatalogs, bytesOf, latin1 } from "./support/store-kernels.ts";
import { TagIndexTwin } from "./twin/tagindex.ts";

const kernels = new Kernels();
const DROPPED = 0xffff_ffff;

function newCatalog(): BothCatalogs {
  const record = kernels.alloc(64);
  kernels.bytes.fill(0, record, record + 64);
  return new BothCatalogs(kernels, record);
}

function closeCatalog(catalog: BothCatalogs): void {
  kernels.call.tagIndexClose(catalog.record);
  catalog.close();
  kernels.free(catalog.record);
}

// every test frees what it took
afterAll(() => expect(kernels.usedBytes).toBe(0));

describe("catalog", () => {
  const table = fc.integer({ min: 0, max: 4 });
  const key = fc.constantFrom("a", "b", "m,t=1", "m,t=2", "x".repeat(15), "x".repeat(16), "x".repeat(17));
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom("add" as const, "find" as const), table, key) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("append" as const), table, key) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constant("append all" as const), table, fc.array(key, { maxLength: 5 })),
    },
    { weight: 1, arbitrary: fc.tuple(fc.constant("drop" as const), table, fc.constant("")) },
  );

  test("adds, finds, appends, drops and lists as the twin does", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const catalog = newCatalog();
        for (const [what, table, key] of actions) {
          if (what === "drop") catalog.drop(table, DROPPED);
          else if (what === "append all") catalog.appendAll(table, key);
          else catalog[what](table, key);
        }
        catalog.check();
        for (let table = 0; table < 5; table++) catalog.list(table);
        catalog.list(DROPPED);
        closeCatalog(catalog);
      }),
      { numRuns: 200 },
    );
  });

  test("one key in many tables is as many series", () => {
    const catalog = newCatalog();
    for (let table = 0; table < 3_000; table++) catalog.add(table, "m,host=a");
    for (let table = 0; table < 3_000; table++) expect(catalog.find(table, "m,host=a")).toBe(table);
    catalog.check();
    closeCatalog(catalog);
  });

  test("grows over 100,000 series, and finds all of them after a drop", () => {
    const catalog = newCatalog();
    for (let n = 0; n < 120_000; n++) catalog.add(n % 3, `m,host=server-${n},region=eu`);
    catalog.check();
    catalog.drop(1, DROPPED);
    expect(catalog.find(1, "m,host=server-1,region=eu")).toBeUndefined();
    catalog.check();
    // a dropped series that comes again is a new one
    expect(catalog.add(1, "m,host=server-1,region=eu")).toBe(120_000);
    catalog.list(1);
    closeCatalog(catalog);
  });

  test("keys of 1 to 65,535 bytes differ in any of their bytes", () => {
    const catalog = newCatalog();
    for (const length of [1, 7, 8, 15, 16, 17, 31, 33, 255, 4_096, 65_519, 65_520, 65_534, 65_535]) {
      const key = "k".repeat(length);
      for (const at of new Set([0, length >> 1, length - 1]))
        catalog.add(1, `${key.slice(0, at)}\xff${key.slice(at + 1)}`);
      catalog.add(1, key);
    }
    catalog.check();
    closeCatalog(catalog);
  });
});

describe("tag index", () => {
  const name = fc.constantFrom("a", "b", "host", "a b", "a,b", "k=v", "\\x", "a\\,b", "a\\=b", "\\\\ x", "é");
  const tags = fc.uniqueArray(fc.record({ key: name, value: name }), {
    selector: ({ key }) => key,
    maxLength: 4,
  });
  const series = fc.record({ table: fc.integer({ min: 0, max: 2 }), measurement: name, tags });
  const step = fc.oneof(
    { weight: 6, arbitrary: series },
    { weight: 1, arbitrary: fc.constantFrom("extend" as const, "drop" as const) },
  );

  const pointerOf = (text: string, at: number) => {
    kernels.put(at, bytesOf(text));
    return [at, text.length] as const;
  };

  /** Everything the index says of a table, against the twin; `scratch`: an area with room for it. */
  function checkTable(catalog: BothCatalogs, table: number, scratch: number): void {
    const twin = new TagIndexTwin(catalog.twin);
    const { call } = kernels;
    const node = (text: string) =>
      call.tagIndexNode(catalog.record, table, ...pointerOf(text, scratch)) >>> 0;
    const childrenOf = (parent: number) => {
      const found: string[] = [];
      for (let child = kernels.u32(parent + 4, 1)[0]!; child !== 0; child = kernels.u32(child, 1)[0]!) {
        const [at, length] = kernels.u32(child + 12, 2);
        found.push(latin1(kernels.view(at!, length!)));
      }
      expect(kernels.u32(parent + 36, 1)[0]).toBe(found.length);
      return found.sort();
    };
    const seriesOf = (at: number) => {
      const count = call.tagIndexSeries(at, scratch);
      expect(kernels.u32(at + 24, 1)[0]).toBe(count);
      return [...kernels.u32(scratch, count)];
    };
    const ids = catalog.list(table);
    const root = node("");
    expect(root !== 0).toBe(ids.length > 0);
    if (root === 0) return;
    expect(seriesOf(root)).toEqual(ids);
    expect(childrenOf(root)).toEqual([...twin.tagKeys(table)].sort());
    for (const key of [...twin.tagKeys(table), "nowhere"]) {
      const keyNode = node(key);
      expect(keyNode !== 0).toBe(key !== "nowhere");
      if (keyNode !== 0) expect(childrenOf(keyNode)).toEqual([...twin.tagValues(table, key)].sort());
      for (const text of twin.tagValues(table, key))
        expect(seriesOf(node(text))).toEqual(twin.postings(table, text));
      kernels.u32(scratch, ids.length).set(ids);
      const out = scratch + ids.length * 4;
      const text = pointerOf(key, out + ids.length * 4);
      call.tagIndexValues(catalog.record, table, scratch, ids.length, ...text, out);
      const values = [...kernels.u32(out, ids.length)].map((at) => {
        const [start, length] = at === 0 ? [0, 0] : kernels.u32(at + 12, 2);
        return latin1(kernels.view(start!, length!));
      });
      expect(values).toEqual(ids.map((id) => twin.valueOf(id, key)));
    }
  }

  test("says of escaped keys and values what a look at every series says, as series come and go", () => {
    const scratch = kernels.alloc(1 << 16);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const catalog = newCatalog();
        for (const step of steps) {
          if (step === "extend") {
            expect(kernels.call.tagIndexExtend(catalog.record)).toBeTruthy();
            for (const table of [0, 1, 2]) checkTable(catalog, table, scratch);
          } else if (step === "drop") {
            kernels.call.tagIndexClose(catalog.record); // as store/catalog.ts does
            catalog.drop(1, DROPPED);
          } else catalog.add(step.table, latin1(encodeSeriesKey(step.measurement, step.tags)));
        }
        expect(kernels.call.tagIndexExtend(catalog.record)).toBeTruthy();
        for (const table of [0, 1, 2]) checkTable(catalog, table, scratch);
        expect(kernels.call.tagIndexNode(catalog.record, DROPPED, scratch, 0)).toBe(0);
        closeCatalog(catalog);
      }),
      { numRuns: 300 },
    );
    kernels.free(scratch);
  });

  test("keys that no client could have written are taken as they are: no value, no `=`, no tag, bare backslashes", () => {
    const scratch = kernels.alloc(1 << 16);
    const catalog = newCatalog();
    for (const key of ["m", "m,a=", "m,a=,b=1", "m\\,x,a=1", "m\\", "m,a=\\\\\\,", "m\\=,a=b=c"])
      catalog.add(0, key);
    kernels.call.tagIndexExtend(catalog.record);
    checkTable(catalog, 0, scratch);
    closeCatalog(catalog);
    kernels.free(scratch);
  });

  test("grows over 20,000 values, each found, and postings over many chunks", () => {
    const scratch = kernels.alloc(1 << 18);
    const catalog = newCatalog();
    for (let n = 0; n < 20_000; n++) {
      catalog.add(0, `m,host=${n},parity=${n % 2}`);
      if (n % 7_000 === 0) kernels.call.tagIndexExtend(catalog.record);
    }
    kernels.call.tagIndexExtend(catalog.record);
    for (const [text, ids] of [
      ["host=0", [0]],
      ["host=19999", [19_999]],
      ["parity=1", catalog.twin.list(0).filter((id) => id % 2 === 1)],
    ] as const) {
      const node = kernels.call.tagIndexNode(catalog.record, 0, ...pointerOf(text, scratch)) >>> 0;
      const count = kernels.call.tagIndexSeries(node, scratch);
      expect([...kernels.u32(scratch, count)]).toEqual([...ids]);
    }
    closeCatalog(catalog);
    kernels.free(scratch);
  });
});
