// The kernels of the catalog and its index of tags against their twins, for any input.
import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Kernels } from "../src/kernels/kernels.ts";
import { encodeSeriesKey } from "../src/model/serieskey.ts";
import { BothCatalogs, bytesOf, latin1 } from "./support/store-kernels.ts";
import { DROPPED } from "./twin/catalog.ts";
import { TagIndexTwin } from "./twin/tagindex.ts";

const kernels = new Kernels();

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
    { weight: 1, arbitrary: fc.tuple(fc.constant("drop series" as const), table, fc.constant("")) },
  );

  test("adds, finds, appends, drops and lists as the twin does", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const catalog = newCatalog();
        for (const [what, table, key] of actions) {
          if (what === "drop") catalog.drop(table);
          else if (what === "drop series") catalog.dropSeries(catalog.list(table).filter((id) => id % 3 > 0));
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
    catalog.drop(1);
    expect(catalog.find(1, "m,host=server-1,region=eu")).toBeUndefined();
    catalog.check();
    // a dropped series that comes again is a new one
    expect(catalog.add(1, "m,host=server-1,region=eu")).toBe(120_000);
    catalog.list(1);
    closeCatalog(catalog);
  });

  test("a few of many that are dropped leave all others where they are found, at the cost of these few", () => {
    const catalog = newCatalog();
    // (half of the slots are taken, which is the most, and some keys are there twice)
    const keys = Array.from({ length: 131_000 }, (_, n) => `m,host=server-${n}`);
    catalog.appendAll(1, keys);
    for (let n = 0; n < 50; n++) catalog.append(1, keys[n * 1_000]!);
    const before = process.cpuUsage();
    const gone: number[] = [];
    for (let n = 0; n < 1_000; n++) gone.push((n * 7_919) % keys.length);
    for (let n = 0; n < 400; n++) {
      const at = kernels.alloc(65_536);
      kernels.u32(at, 1).set([gone[n]!]);
      kernels.call.catalogDropSeries(catalog.record, at, 1);
      kernels.free(at);
    }
    const { user } = process.cpuUsage(before);
    // to place all of them anew took some 8 ms each time
    expect(user / 1000).toBeLessThan(1000);
    catalog.twin.dropSeries(gone.slice(0, 400));
    catalog.check();
    // runs of slots that follow each other, as many as there are
    for (const n of [1, 10, 589, 16_000, 17_000]) catalog.dropSeries(catalog.list(1).slice(0, n));
    catalog.check();
    for (const n of [7, 70_000]) expect(catalog.add(1, keys[n]!)).toBe(catalog.find(1, keys[n]!)!);
    closeCatalog(catalog);
  });

  test("a series that was dropped again and again costs the next drop a look at each time, not at all pairs of them", () => {
    const catalog = newCatalog();
    const before = process.cpuUsage();
    catalog.appendAll(DROPPED, new Array(150_000).fill("m,host=a"));
    catalog.add(1, "m,host=a");
    catalog.drop(1);
    const { user } = process.cpuUsage(before);
    expect(user / 1000).toBeLessThan(1000);
    expect(catalog.find(1, "m,host=a")).toBeUndefined();
    closeCatalog(catalog);
  });

  test("of equal series the first is found, also once there are more slots", () => {
    const catalog = newCatalog();
    const keys = Array.from({ length: 40 }, (_, n) => `m,host=${n}`);
    for (let round = 0; round < 3; round++) for (const key of keys) catalog.append(7, key);
    for (let n = 0; n < 60_000; n++) catalog.append(1, `m,host=${n}`);
    for (const [n, key] of keys.entries()) expect(catalog.find(7, key)).toBe(n);
    catalog.check();
    closeCatalog(catalog);
  });

  test("keys of all lengths stand end to end, up to the last byte of an area", () => {
    const catalog = newCatalog();
    // an area of 64 KiB that one entry fills, but for its link and what stands before the key
    catalog.add(1, "z".repeat(65_536 - 8 - 6));
    for (let length = 1; length < 700; length++) catalog.add(length % 3, "m".repeat(length));
    catalog.add(1, "y".repeat(65_536 - 8 - 6));
    catalog.check();
    kernels.call.tagIndexExtend(catalog.record);
    closeCatalog(catalog);
  });

  test("a series without room for it is not half there", () => {
    const own = new Kernels();
    const record = own.alloc(64);
    own.bytes.fill(0, record, record + 64);
    new BothCatalogs(own, record);
    const pages: number[] = [];
    const take = (bytes: number) => {
      for (let at = own.call.areaAlloc(bytes); at !== 0; at = own.call.areaAlloc(bytes)) pages.push(at);
    };
    for (let bytes = 2 ** 30; bytes >= 2 ** 24; bytes /= 2) take(bytes);
    own.call.areaFree(pages.pop()!);
    take(65_536);
    const at = pages.pop()! >>> 0;
    const key = (n: number): [bigint, number, number, number] => {
      own.put(at, bytesOf(`m,host=${String(n).padStart(100, "0")}`));
      return [Bun.hash.xxHash64(own.view(at, 107)) as bigint, 5, at, 107];
    };
    const add = (n: number) => own.call.catalogAdd(record, ...key(n)) >>> 0;
    const find = (n: number) => own.call.catalogFind(record, ...key(n)) >>> 0;
    // more keys, more slots, more places: each in turn is what there is no area for
    let missed = 0;
    for (let n = 0; n < 40_000; n++) {
      if (add(n) === n) continue;
      missed++;
      expect(own.call.catalogCount(record) >>> 0).toBe(n);
      expect(find(n)).toBe(DROPPED);
      do own.call.areaFree(pages.pop()!);
      while (add(n) !== n);
    }
    expect(missed).toBeGreaterThan(10);
    for (let n = 0; n < 40_000; n++) if (find(n) !== n) throw new Error(`${n} is not found`);
  });

  test("keys of one shape and of many, with values of all lengths, are found and come back as they are", () => {
    const name = fc.constantFrom("a", "b", "host", "b\\,c", "d\\=e", "x".repeat(17), "back\\");
    const value = fc.oneof(
      fc.constantFrom("1", "2", "a\\,b", "c\\=d", "=", "back\\", "v".repeat(255), "v".repeat(256)),
      fc.string({ unit: fc.constantFrom("a", "é", "=", "\\"), minLength: 1, maxLength: 40 }),
    );
    const tag = fc.tuple(name, value).map((pair) => pair.join("="));
    const key = fc
      .tuple(fc.constantFrom("m", "cpu", "disk\\,io"), fc.array(tag, { maxLength: 70, size: "max" }))
      .map(([measurement, tags]) => latin1(new TextEncoder().encode([measurement, ...tags].join(","))));
    fc.assert(
      fc.property(fc.array(key, { maxLength: 40 }), (keys) => {
        const [catalog, other] = [newCatalog(), newCatalog()];
        for (const each of keys) {
          catalog.add(1, each);
          other.add(2, each);
        }
        // (what differs in one byte is another, whatever its shape has in common with it)
        for (const each of keys)
          for (const at of [0, each.length >> 1, each.length - 1])
            catalog.find(1, `${each.slice(0, at)}~${each.slice(at + 1)}`);
        closeCatalog(other);
        catalog.check();
        closeCatalog(catalog);
      }),
      { numRuns: 100 },
    );
  });

  // Keys of one to 67 tags, and with names and values of all lengths at which they are packed or compared another way.
  function keysOfAllSizes(): string[] {
    const keys: string[] = [];
    for (const count of [1, 2, 31, 32, 33, 62, 63, 64, 65, 66, 67])
      keys.push(`m${Array.from({ length: count }, (_, i) => `,t${10 + i}=${i}`).join("")}`);
    for (const length of [...Array(36).keys(), 253, 254, 255, 256, 257]) {
      const [name, value] = ["n".repeat(length + 1), "v".repeat(length)];
      keys.push(
        `m,${name}=1,z=2`,
        `m,a=${value},z=2`,
        name,
        `m,a=~${value},z=2`,
        `m,a=${value}`,
        `${name},a=1`,
      );
    }
    // (and some that no client could have written)
    keys.push(...", m, m,a m,a,b=1 m,a=1, m,=1 ,a=1 m\\ m\\,a=1 m,a\\=1 m,a=1\\ m,a=1\\,b=2".split(" "));
    return [...new Set(keys)];
  }

  test("of keys with one hash each is its own, whichever byte differs, and nothing is read behind a key", () => {
    const own = new Kernels();
    const record = own.alloc(64);
    own.bytes.fill(0, record, record + 64);
    expect(own.call.catalogOpen(record)).toBeTruthy();
    own.free(own.alloc(2 ** 23));
    let end = 0;
    while (end !== own.buffer.byteLength) end = own.alloc(65_536) + 65_536;
    const call = (name: "catalogFind" | "catalogAppend", hash: bigint, key: string): number => {
      own.put(end - key.length, bytesOf(key));
      return own.call[name](record, hash, 1, end - key.length, key.length) >>> 0;
    };
    const keys = keysOfAllSizes();
    for (const [id, key] of keys.entries()) {
      const hash = BigInt(id + 1) << 32n;
      expect(call("catalogAppend", hash, key)).toBe(id);
      const others = [key.slice(1), key.slice(0, -1), `${key}=`, `${key},`, ""];
      for (let at = 0; at < key.length; at++) others.push(`${key.slice(0, at)}!${key.slice(at + 1)}`);
      for (const other of others)
        if (!keys.includes(other) && call("catalogFind", hash, other) !== DROPPED)
          throw new Error(`${other} is found as ${key}`);
      if (call("catalogFind", hash, key) !== id) throw new Error(`${key} is not found`);
    }
    for (const [id, key] of keys.entries()) {
      const entry = own.call.catalogEntry(record, id);
      expect(latin1(own.view(own.call.entryKey(entry), own.call.entryLength(entry)))).toBe(key);
    }
    expect(end).toBe(own.buffer.byteLength);
  });

  test("shapes are there as long as one of all catalogs, and go with the last", () => {
    const before = kernels.usedBytes;
    const key = (round: number, n: number) => `measurement,name${round}of${n}=a,name${n}=b`;
    for (let round = 0; round < 3; round++) {
      const [first, second] = [newCatalog(), newCatalog()];
      for (let n = 0; n < 30_000; n++) (n % 2 ? first : second).add(1, key(round, n));
      closeCatalog(first);
      const third = newCatalog();
      for (let n = 0; n < 40_000; n += 3) third.add(1, key(round, n));
      second.check();
      closeCatalog(second);
      third.check();
      const taken = kernels.usedBytes;
      // (10 bytes each beside slots and places; without shapes they would be 42)
      for (let n = 0; n < 40_000; n += 3) third.add(2, key(round, n));
      expect(kernels.usedBytes - taken).toBeLessThan(500_000);
      closeCatalog(third);
      expect(kernels.usedBytes).toBe(before);
    }
  });

  test("what memory has no room for, shape or key, leaves what is there as it is, to its last byte", () => {
    const own = new Kernels();
    const record = own.alloc(64);
    own.bytes.fill(0, record, record + 64);
    const catalog = new BothCatalogs(own, record);
    catalog.add(1, "m,host=a");
    const areas: number[] = [];
    for (let bytes = 2 ** 30; bytes >= 65_536; bytes /= 2)
      for (let at = own.call.areaAlloc(bytes); at !== 0; at = own.call.areaAlloc(bytes)) areas.push(at >>> 0);
    const last = areas.findIndex((at) => at === own.buffer.byteLength - 65_536);
    expect(last).toBeGreaterThan(-1);
    const [, input] = [areas.splice(last, 1), areas.pop()!];
    const add = (key: string, hash = Bun.hash.xxHash64(bytesOf(key)) as bigint) => {
      own.put(input, bytesOf(key));
      return own.call.catalogAdd(record, hash, 1, input, key.length) >>> 0;
    };
    // fills what is begun
    const keys = ["m,host=a"];
    const addAll = (key: (n: number) => string) => {
      for (; ; keys.push(key(keys.length))) if (add(key(keys.length)) !== keys.length) return;
    };
    addAll((n) => `m,tag${n}=v`);
    own.call.areaFree(own.buffer.byteLength - 65_536);
    addAll((n) => `m,tag${n}=${"v".repeat(200)}`);
    for (let length = 200; length > 0; length--) addAll((n) => String(n).padStart(length, "0"));
    expect(add("k".repeat(65_535))).toBe(DROPPED);
    expect(own.call.catalogCount(record)).toBe(keys.length);
    for (const [id, key] of keys.entries()) if (add(key) !== id) throw new Error(`${key} is not found`);
  });

  test("when shapes have run out keys are kept as they are, and shapes that are there are used on", () => {
    const catalog = newCatalog();
    const keys = Array.from({ length: 66_000 }, (_, n) => `m,tag${n}=x,host=a`);
    catalog.appendAll(1, keys);
    catalog.appendAll(1, ["m,tag7=y,host=b", "m,tag65999=y,host=b"]);
    catalog.check();
    closeCatalog(catalog);
  });

  test("keys of 1 to 65,535 bytes differ in any of their bytes", () => {
    const catalog = newCatalog();
    for (const length of [1, 7, 8, 15, 16, 17, 31, 33, 255, 4_096, 65_519, 65_520, 65_534, 65_535]) {
      const key = "k".repeat(length);
      for (const at of new Set([0, length >> 1, length - 1]))
        catalog.add(1, `${key.slice(0, at)}\xff${key.slice(at + 1)}`);
      catalog.add(1, key);
      // (the name of a tag, as long as the key may be)
      for (const name of ["a", "b"]) if (length > 4) catalog.add(1, `m,${key.slice(5)}${name}=1`);
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
        const catalog = newCatalog();
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
        closeCatalog(catalog);
      }),
      { numRuns: 300 },
    );
    kernels.free(scratch);
  });

  test("keys that no client could have written are taken as they are: no value, `=` in one, no tag, bare backslashes", () => {
    const scratch = kernels.alloc(1 << 17);
    const catalog = newCatalog();
    for (const key of ["m", "m,a=", "m,a=,b=1", "m\\,x,a=1", "m\\", "m,a=\\\\\\,", "m\\=,a=b=c"])
      catalog.add(0, key);
    kernels.call.tagIndexExtend(catalog.record);
    checkTable(catalog, 0, scratch);
    closeCatalog(catalog);
    kernels.free(scratch);
  });

  test("takes names and values of all lengths, in keys that are packed and in those that are not", () => {
    const scratch = kernels.alloc(1 << 19);
    const catalog = newCatalog();
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
    closeCatalog(catalog);
    kernels.free(scratch);
  });

  test("of values with one hash each is its own, also when one of them is dropped", () => {
    const scratch = kernels.alloc(1 << 17);
    const catalog = newCatalog();
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
    closeCatalog(catalog);
    kernels.free(scratch);
  });

  test("grows over 20,000 values, each found, and lists over many chunks", () => {
    const scratch = kernels.alloc(1 << 19);
    const catalog = newCatalog();
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
    closeCatalog(catalog);
    kernels.free(scratch);
  });

  test("lists of series that are far from each other stay within their chunks", () => {
    const catalog = newCatalog();
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
    closeCatalog(catalog);
    kernels.free(scratch);
  });

  test("the same tag in many tables is each table's own", () => {
    const catalog = newCatalog();
    const scratch = kernels.alloc(1 << 16);
    for (let table = 0; table < 60_000; table++) catalog.add(table, "m,host=a");
    kernels.call.tagIndexExtend(catalog.record);
    for (let table = 0; table < 60_000; table++) {
      const reference =
        kernels.call.tagIndexFind(catalog.record, table, ...pointerOf("host=a", scratch)) >>> 0;
      kernels.call.tagIndexSeries(catalog.record, reference, scratch);
      if (kernels.u32(scratch, 1)[0] !== table) throw new Error(`the series of table ${table} is another's`);
    }
    closeCatalog(catalog);
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
      const catalog = newCatalog();
      for (let n = 0; n < 100_000; n++) catalog.add(0, key(n));
      const before = kernels.usedBytes;
      kernels.call.tagIndexExtend(catalog.record);
      const bytes = kernels.usedBytes - before;
      closeCatalog(catalog);
      return bytes / 100_000;
    };
    // three lists; and two of them beside the 262,144 slots of a partition of 65,537 to 131,072 values
    expect(bytesOfEach((n) => `m,a=${n % 300},b=${Math.floor(n / 300)}`)).toBeLessThan(8);
    expect(bytesOfEach((n) => `m,a=${n}`)).toBeLessThan(15);
  });

  test("tags behind the 32nd have their values, too", () => {
    const scratch = kernels.alloc(1 << 18);
    const catalog = newCatalog();
    const tagsOf = (n: number) =>
      Array.from({ length: 40 }, (_, i) => `t${10 + i}=${i < 20 ? 7 : n}`).join(",");
    for (const n of [1, 2, 3, 3]) catalog.add(0, `m,${tagsOf(n)},u=${n}`);
    kernels.call.tagIndexExtend(catalog.record);
    checkTable(catalog, 0, scratch);
    closeCatalog(catalog);
    kernels.free(scratch);
  });
});
