// The catalog's file: what was appended, in any number of pieces, is what a start finds; damage is reported.
import { afterAll, expect, spyOn, test } from "bun:test";
import fc from "fast-check";
import { CorruptionError } from "../src/base/errors.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { encodeSeriesKey } from "../src/model/serieskey.ts";
import { Catalog } from "../src/store/catalog.ts";
import { encodeFrame, encodeHeader, readFrames } from "../src/store/catalog-file.ts";
import { DROPPED_TABLE, Schema } from "../src/store/schema.ts";
import { MemoryDisk } from "./disk/memory.ts";

const kernels = new Kernels();
afterAll(() => expect(kernels.usedBytes).toBe(0));
const PATH = "/catalog";

/** A catalog with its schema; series are named by database, policy, measurement and host. */
class Fixture {
  readonly schema = new Schema();
  readonly catalog: Catalog;
  readonly #record = kernels.alloc(64);

  constructor() {
    kernels.bytes.fill(0, this.#record, this.#record + 64);
    this.catalog = new Catalog(kernels, this.schema, this.#record);
  }

  add(database: string, policy: string, name: string, host: string): void {
    const table = this.schema.table(this.schema.measurement(database, name), policy);
    const key = encodeSeriesKey(name, [{ key: "host", value: host }]);
    const at = kernels.alloc(key.length + 16);
    kernels.put(at, key);
    const hash = Bun.hash.xxHash64(key) as bigint;
    kernels.call.catalogAdd(this.#record, hash, table.id, at, key.length);
    kernels.free(at);
  }

  drop(database: string, measurement: string | null): void {
    this.catalog.drop(new Set(this.schema.drop(database, measurement).map(({ id }) => id)));
  }

  /** Every series: where it belongs (undefined = dropped) and its key, which those that were dropped need no more. */
  series() {
    return Array.from({ length: this.catalog.count }, (_, id) => {
      const tableId = this.catalog.tableId(id);
      const table = tableId === DROPPED_TABLE ? undefined : this.schema.byId(tableId);
      const { database, name } = table?.measurement ?? {};
      return [database, table?.retentionPolicy, name, new TextDecoder().decode(this.catalog.key(id))];
    });
  }

  close(): void {
    this.catalog.close();
    kernels.free(this.#record);
  }
}

const name = fc.constantFrom("a", "b", "é ,=", "\ufeffm");
const host = fc.oneof(fc.integer({ min: 0, max: 9 }).map(String), fc.constantFrom("x".repeat(65_000)));
type Step = ["add", string, string, string] | ["drop", string, string | null] | ["append"];
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constant("add" as const), name, name, host) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("drop" as const), name, fc.oneof(name, fc.constant(null))) },
  { weight: 2, arbitrary: fc.constant<Step>(["append"]) },
);

test("loads what was appended, piece by piece, without what was dropped before", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const disk = new MemoryDisk();
      const written = new Fixture();
      let sizeBytes = 0;
      let from = 0;
      const append = async () => {
        sizeBytes = await written.catalog.append(disk, PATH, sizeBytes, from);
        from = written.catalog.count;
      };
      for (const step of steps) {
        if (step[0] === "append") await append();
        else if (step[0] === "add") written.add(step[1], "rp", step[2], step[3]);
        else {
          // a drop writes the file anew
          written.drop(step[1], step[2]);
          [sizeBytes, from] = [0, 0];
        }
      }
      await append();
      const read = new Fixture();
      read.catalog.load(disk, PATH, sizeBytes);
      const expected = written
        .series()
        .map((each) => (each[0] === undefined ? [...each.slice(0, 3), ""] : each));
      expect(read.series()).toEqual(expected);
      read.close();
      written.close();
    }),
    { numRuns: 100 },
  );
});

test("reads the keys that older files have of series that were dropped", async () => {
  const disk = new MemoryDisk();
  const keys = ["gone", "m,host=a", "gone,host=b"].map((key) => new TextEncoder().encode(key));
  const series = keys.map(({ length }, i) => ({ table: i === 1 ? 0 : null, keyBytes: length }));
  const file = disk.open(PATH, "create");
  file.append(encodeHeader(), ...encodeFrame([["db", "rp", "m"]], series, (i) => keys[i]!));
  const read = new Fixture();
  read.catalog.load(disk, PATH, file.sizeBytes);
  file.close();
  expect(read.series()).toEqual([
    [undefined, undefined, undefined, "gone"],
    ["db", "rp", "m", "m,host=a"],
    [undefined, undefined, undefined, "gone,host=b"],
  ]);
  read.close();
});

test("has more series than a frame, and cuts off what a crash left behind the counted bytes", async () => {
  const disk = new MemoryDisk();
  const written = new Fixture();
  for (let n = 0; n < 70_000; n++) written.add("db", "rp", `m${n % 2}`, String(n));
  const sizeBytes = await written.catalog.append(disk, PATH, 0, 0);
  const leftOver = disk.open(PATH, "append");
  leftOver.append(new Uint8Array(1000).fill(7));
  await leftOver.sync();
  leftOver.close();
  written.add("db", "rp", "m0", "late");
  const longer = await written.catalog.append(disk, PATH, sizeBytes, 70_000);
  expect(longer).toBeLessThan(sizeBytes + 1000);
  const frames = [...readFrames(PATH, disk.map(PATH).subarray(0, longer))];
  expect(Math.max(...frames.map(({ rawBytes }) => rawBytes))).toBeLessThan(100_000);
  const read = new Fixture();
  read.catalog.load(disk, PATH, longer);
  expect(read.catalog.count).toBe(70_001);
  const [got, wanted] = [read.series(), written.series()];
  for (const id of [0, 1, 4095, 4096, 65_535, 65_536, 69_999, 70_000]) expect(got[id]).toEqual(wanted[id]!);
  read.close();
  written.close();
});

test("gives way to all else while many series are written", async () => {
  const written = new Fixture();
  for (let n = 0; n < 40_000; n++) written.add("d", "rp", "m", `h${n}`);
  const startMs = performance.now();
  let calls = 0;
  // (each look at the clock is later by a slice)
  const clock = spyOn(performance, "now").mockImplementation(() => startMs + 5 * calls++);
  let [turns, isOver] = [0, false];
  const others = (async () => {
    for (; !isOver; turns++) await new Promise((resolve) => setImmediate(resolve));
  })();
  await written.catalog.append(new MemoryDisk(), PATH, 0, 0);
  isOver = true;
  clock.mockRestore();
  await others;
  expect(turns).toBeGreaterThanOrEqual(10);
  written.close();
});

test("every damaged byte is a CorruptionError that names the file", async () => {
  const disk = new MemoryDisk();
  const written = new Fixture();
  for (let n = 0; n < 20; n++) written.add("db", "rp", "m", String(n));
  const sizeBytes = await written.catalog.append(disk, PATH, 0, 0);
  written.close();
  const good = disk.map(PATH).slice();
  for (let at = 0; at < sizeBytes; at++) {
    const damaged = new MemoryDisk();
    const file = damaged.open(PATH, "append");
    file.append(good.map((byte, i) => (i === at ? byte ^ 0x41 : byte)));
    file.close();
    const read = new Fixture();
    expect(() => read.catalog.load(damaged, PATH, sizeBytes)).toThrow(CorruptionError);
    expect(() => read.catalog.load(damaged, PATH, sizeBytes + 1)).toThrow(PATH);
    read.close();
  }
});

test("a key that is longer than any is a CorruptionError", () => {
  const disk = new MemoryDisk();
  const key = new Uint8Array(65_536).fill(120);
  const file = disk.open(PATH, "append");
  file.append(
    encodeHeader(),
    ...encodeFrame([["db", "rp", "m"]], [{ table: 0, keyBytes: key.length }], () => key),
  );
  file.close();
  const read = new Fixture();
  expect(() => read.catalog.load(disk, PATH, disk.map(PATH).length)).toThrow(CorruptionError);
  read.close();
});
