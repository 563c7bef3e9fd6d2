// The kernels of the catalog and of the keys in it against their twin, for any input.
import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Kernels } from "../src/kernels/kernels.ts";
import { BothCatalogs, bytesOf, freeCatalog, latin1, openCatalog } from "./support/store-kernels.ts";
import { DROPPED } from "./twin/catalog.ts";

const kernels = new Kernels();

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
        const catalog = openCatalog(kernels);
        for (const [what, table, key] of actions) {
          if (what === "drop") catalog.drop(table);
          else if (what === "drop series") catalog.dropSeries(catalog.list(table).filter((id) => id % 3 > 0));
          else if (what === "append all") catalog.appendAll(table, key);
          else catalog[what](table, key);
        }
        catalog.check();
        for (let table = 0; table < 5; table++) catalog.list(table);
        catalog.list(0, 2, 3);
        freeCatalog(kernels, catalog);
      }),
      { numRuns: 200 },
    );
  });

  test("one key in many tables is as many series", () => {
    const catalog = openCatalog(kernels);
    for (let table = 0; table < 3_000; table++) catalog.add(table, "m,host=a");
    for (let table = 0; table < 3_000; table++) expect(catalog.find(table, "m,host=a")).toBe(table);
    catalog.check();
    freeCatalog(kernels, catalog);
  });

  test("grows over 100,000 series, and finds all of them after a drop", () => {
    const catalog = openCatalog(kernels);
    for (let n = 0; n < 120_000; n++) catalog.add(n % 3, `m,host=server-${n},region=eu`);
    catalog.check();
    catalog.drop(1);
    expect(catalog.find(1, "m,host=server-1,region=eu")).toBeUndefined();
    catalog.check();
    // a dropped series that comes again is a new one
    expect(catalog.add(1, "m,host=server-1,region=eu")).toBe(120_000);
    catalog.list(1);
    freeCatalog(kernels, catalog);
  });

  test("a few of many that are dropped leave all others where they are found, at the cost of these few", () => {
    const catalog = openCatalog(kernels);
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
    freeCatalog(kernels, catalog);
  });

  test("a series that was dropped again and again costs the next drop a look at each time, not at all pairs of them", () => {
    const catalog = openCatalog(kernels);
    const before = process.cpuUsage();
    catalog.appendAll(DROPPED, new Array(150_000).fill("m,host=a"));
    catalog.add(1, "m,host=a");
    catalog.drop(1);
    const { user } = process.cpuUsage(before);
    expect(user / 1000).toBeLessThan(1000);
    expect(catalog.find(1, "m,host=a")).toBeUndefined();
    freeCatalog(kernels, catalog);
  });

  test("of equal series the first is found, also once there are more slots", () => {
    const catalog = openCatalog(kernels);
    const keys = Array.from({ length: 40 }, (_, n) => `m,host=${n}`);
    for (let round = 0; round < 3; round++) for (const key of keys) catalog.append(7, key);
    for (let n = 0; n < 60_000; n++) catalog.append(1, `m,host=${n}`);
    for (const [n, key] of keys.entries()) expect(catalog.find(7, key)).toBe(n);
    catalog.check();
    freeCatalog(kernels, catalog);
  });

  test("keys of all lengths stand end to end, up to the last byte of an area", () => {
    const catalog = openCatalog(kernels);
    // an area of 64 KiB that one entry fills, but for its link and what stands before the key
    catalog.add(1, "z".repeat(65_536 - 8 - 6));
    for (let length = 1; length < 700; length++) catalog.add(length % 3, "m".repeat(length));
    catalog.add(1, "y".repeat(65_536 - 8 - 6));
    catalog.check();
    kernels.call.tagIndexExtend(catalog.record);
    freeCatalog(kernels, catalog);
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
        const [catalog, other] = [openCatalog(kernels), openCatalog(kernels)];
        for (const each of keys) {
          catalog.add(1, each);
          other.add(2, each);
        }
        // (what differs in one byte is another, whatever its shape has in common with it)
        for (const each of keys)
          for (const at of [0, each.length >> 1, each.length - 1])
            catalog.find(1, `${each.slice(0, at)}~${each.slice(at + 1)}`);
        freeCatalog(kernels, other);
        catalog.check();
        freeCatalog(kernels, catalog);
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
      const [first, second] = [openCatalog(kernels), openCatalog(kernels)];
      for (let n = 0; n < 30_000; n++) (n % 2 ? first : second).add(1, key(round, n));
      freeCatalog(kernels, first);
      const third = openCatalog(kernels);
      for (let n = 0; n < 40_000; n += 3) third.add(1, key(round, n));
      second.check();
      freeCatalog(kernels, second);
      third.check();
      const taken = kernels.usedBytes;
      // (10 bytes each beside slots and places; without shapes they would be 42)
      for (let n = 0; n < 40_000; n += 3) third.add(2, key(round, n));
      expect(kernels.usedBytes - taken).toBeLessThan(500_000);
      freeCatalog(kernels, third);
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
    const catalog = openCatalog(kernels);
    const keys = Array.from({ length: 66_000 }, (_, n) => `m,tag${n}=x,host=a`);
    catalog.appendAll(1, keys);
    catalog.appendAll(1, ["m,tag7=y,host=b", "m,tag65999=y,host=b"]);
    catalog.check();
    freeCatalog(kernels, catalog);
  });

  test("keys of 1 to 65,535 bytes differ in any of their bytes", () => {
    const catalog = openCatalog(kernels);
    for (const length of [1, 7, 8, 15, 16, 17, 31, 33, 255, 4_096, 65_519, 65_520, 65_534, 65_535]) {
      const key = "k".repeat(length);
      for (const at of new Set([0, length >> 1, length - 1]))
        catalog.add(1, `${key.slice(0, at)}\xff${key.slice(at + 1)}`);
      catalog.add(1, key);
      // (the name of a tag, as long as the key may be)
      for (const name of ["a", "b"]) if (length > 4) catalog.add(1, `m,${key.slice(5)}${name}=1`);
    }
    catalog.check();
    freeCatalog(kernels, catalog);
  });
});
