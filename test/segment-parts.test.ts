import { expect, test } from "bun:test";
import fc from "fast-check";
import { AssertionError } from "../src/base/assert.ts";
import { CorruptionError } from "../src/base/errors.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { FieldType } from "../src/model/types.ts";
import { bloomAdd, bloomBytes, bloomHas } from "../src/segment/bloom.ts";
import { ByteWriter, Cursor } from "../src/segment/bytes.ts";
import { FORMAT_VERSION, readHeader, writeHeader } from "../src/segment/format.ts";
import { readSeriesList, writeSeriesList } from "../src/segment/series-list.ts";
import { type PageStats, readStats } from "../src/segment/stats.ts";
import { putColumn, type Value } from "./support/segment-rows.ts";
import { plainStats, writeStats } from "./twin/stats.ts";

const kernels = new Kernels();
const cursorOf = (out: ByteWriter) => new Cursor("file", out.written.slice(), 0, out.size);

test("varints and zigzag varints come back, at every length", () => {
  const edges = Array.from({ length: 53 }, (_, bit) => 2 ** bit).flatMap((power) => [power - 1, power]);
  const numbers = fc.oneof(fc.constantFrom(...edges, Number.MAX_SAFE_INTEGER), fc.maxSafeNat());
  fc.assert(
    fc.property(
      fc.array(fc.tuple(numbers, fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 }))),
      (pairs) => {
        const out = new ByteWriter();
        for (const [plain, signed] of pairs) {
          out.varint(plain);
          out.zigzag(signed);
        }
        const cursor = cursorOf(out);
        for (const [plain, signed] of pairs) {
          expect(cursor.varint("plain")).toBe(plain);
          expect(cursor.zigzag("signed")).toBe(signed + 0);
        }
        expect(cursor.remaining).toBe(0);
      },
    ),
  );
  expect(() => new ByteWriter().varint(-1)).toThrow(AssertionError);
});

test("zigzag varints of 64 bits come back, at every length, and are those of fewer bits", () => {
  const edges = Array.from({ length: 64 }, (_, bit) => 2n ** BigInt(bit)).flatMap((p) => [p - 1n, -p]);
  const numbers = fc.oneof(fc.constantFrom(...edges), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
  fc.assert(
    fc.property(fc.array(numbers), fc.maxSafeNat(), (list, small) => {
      const out = new ByteWriter();
      for (const number of list) out.zigzag64(number);
      out.zigzag64(2n ** 64n + 5n);
      out.zigzag64(BigInt(-(small >>> 1)));
      const cursor = cursorOf(out);
      for (const number of list) expect(cursor.zigzag64("number")).toBe(number);
      expect(cursor.zigzag64("modulo 2^64")).toBe(5n);
      expect(cursor.zigzag("small")).toBe(0 - (small >>> 1));
      expect(cursor.remaining).toBe(0);
    }),
  );
});

test("a read past the end, an endless varint or one beyond 2^53 is corruption at the place", () => {
  const read = (bytes: number[], run: (cursor: Cursor) => unknown) => {
    try {
      run(new Cursor("file", Uint8Array.from([0, 0, ...bytes]), 2, 2 + bytes.length));
    } catch (error) {
      return error instanceof CorruptionError ? error.offset : error;
    }
  };
  expect(read([], (cursor) => cursor.varint("n"))).toBe(2);
  expect(read([0x80], (cursor) => cursor.varint("n"))).toBe(3);
  expect(read([1, 2, 3], (cursor) => cursor.u32("n"))).toBe(2);
  expect(read([1, 2, 3, 4, 5, 6, 7], (cursor) => cursor.i64("n"))).toBe(2);
  expect(read(new Array(12).fill(0x80), (cursor) => cursor.varint("n"))).toBe(2);
  expect(read([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], (cursor) => cursor.varint("n"))).toBe(2);
  expect(read(new Array(8).fill(0xff), (cursor) => cursor.u64("n"))).toBe(2);
  expect(read([0xff, 0x80], (cursor) => cursor.zigzag64("n"))).toBe(2);
  expect(read(new Array(12).fill(0x80), (cursor) => cursor.zigzag64("n"))).toBe(2);
  expect(read([5, 65], (cursor) => cursor.text("name"))).toBe(3);
  expect(read([1, 0xff], (cursor) => cursor.text("name"))).toBe(3);
  expect(read([200, 1], (cursor) => cursor.count("things", 1))).toBe(2);
});

test("the Bloom filter has what was added, and few others", () => {
  const count = 20_000;
  const filter = new Uint8Array(bloomBytes(count));
  expect(filter.length / count).toBeLessThan(10.1 / 8);
  for (let i = 0; i < count; i++) bloomAdd(filter, i * 3);
  let wrong = 0;
  for (let i = 0; i < count; i++) {
    if (!bloomHas(filter, i * 3)) throw new Error(`series ${i * 3} was added`);
    if (bloomHas(filter, i * 3 + 1)) wrong++;
  }
  expect(wrong / count).toBeLessThan(0.02);
  expect(bloomBytes(0)).toBe(32);
});

test("series lists come back, as runs or gaps, with uniform rows or not", () => {
  const gaps = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2 ** 20 }));
  const rows = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 500 }));
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(fc.tuple(gaps, rows), { minLength: 1, maxLength: 60 }),
        fc.array(fc.tuple(fc.constant(1), fc.constant(4)), { minLength: 1, maxLength: 600 }),
      ),
      (pairs) => {
        let id = 0;
        const list = {
          ids: Uint32Array.from(pairs, ([gap]) => (id += gap)),
          rows: Uint32Array.from(pairs, ([, count]) => count),
        };
        const out = new ByteWriter();
        writeSeriesList(out, list);
        const rowCount = list.rows.reduce((sum, count) => sum + count);
        const cursor = cursorOf(out);
        expect(readSeriesList(cursor, list.ids[0]!, id, rowCount)).toEqual(list);
        expect(cursor.remaining).toBe(0);
        if (pairs.every(([gap, count]) => gap === 1 && count === 4)) expect(out.size).toBeLessThan(6);
      },
    ),
  );
});

const floats = fc.oneof(
  fc.double(),
  fc.integer().map((cents) => cents / 100),
  fc.constantFrom(0, -0, 1e300, 5e-324, Number.NEGATIVE_INFINITY, 2 ** 52, -(2 ** 53)),
);
const cents = fc.integer({ min: -100_000, max: 100_000 }).map((value) => value / 100);
const integers = fc.oneof(
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  fc.bigInt(-1000n, 1000n),
  fc.constantFrom(2n ** 52n, 2n ** 52n - 1n, -(2n ** 52n)),
);
const unsigned = fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 1000n));
const byType = [
  [FieldType.Float, floats],
  [FieldType.Float, cents],
  [FieldType.Integer, integers],
  [FieldType.Unsigned, unsigned],
] as const;

for (const [index, [type, value]] of byType.entries()) {
  test(`type ${type} (${index}): the statistics kernel is its twin, and its answer comes back from the index`, () => {
    const out = kernels.alloc(256);
    fc.assert(
      fc.property(
        fc.array(fc.option(value as fc.Arbitrary<Value>, { freq: 8 }), { minLength: 1, maxLength: 100 }),
        (values) => {
          const column = putColumn(kernels, type, values, (sizeBytes) => kernels.alloc(sizeBytes));
          const plain = plainStats(type, values);
          if (!column) return;
          kernels.call.pageStats(type, column.values, column.present, values.length, out);
          const view = new DataView(kernels.buffer, out, 48);
          expect(view.getUint32(0, true)).toBe(plain.count);
          expect(view.getUint32(4, true)).toBe(plain.stats ? 1 : 0);
          if (column.present) {
            expect(kernels.call.presentCount(column.present, values.length)).toBe(plain.count);
            kernels.free(column.present);
          }
          kernels.free(column.values);
          if (plain.stats) {
            const names = ["min", "max", "sum", "first", "last"] as const;
            for (const [i, name] of names.entries()) {
              const at = 8 + 8 * i;
              const bits = view.getBigUint64(at, true);
              const expected = plain.stats[name];
              if (typeof expected === "bigint") expect(bits).toBe(BigInt.asUintN(64, expected));
              else expect(view.getFloat64(at, true)).toBe(expected);
            }
          }
          const written = new ByteWriter();
          writeStats(written, type, values.length, plain.count, plain.stats);
          const end = kernels.call.encodeStats(type, values.length, out, out + 48) >>> 0;
          expect(kernels.view(out + 48, end - out - 48)).toEqual(written.written);
          const read = readStats(cursorOf(written), type, values.length);
          expect(read).toEqual({ count: plain.count, stats: plain.stats });
          // the same by the kernel: of a page, of none, and of one that is cut off
          const [bytes, ends, rows, again] = [out + 48, out + 104, out + 120, out + 128];
          kernels.u32(ends, 4).set([0, end - bytes, end - bytes, end - bytes - 1]);
          kernels.u32(rows, 2).set([values.length, values.length]);
          kernels.view(again, 96).fill(0xff);
          expect(kernels.call.decodeStats(type, bytes, 0, ends, 1, rows, 2, again)).toBe(2);
          const whole = kernels.view(again, 48);
          if (plain.stats) expect(whole).toEqual(kernels.view(out, 48));
          else expect([...kernels.u32(again, 2)]).toEqual([plain.count, 0]);
          expect(kernels.view(again + 48, 48)).toEqual(new Uint8Array(48));
          // the first and last values alone, where every row has one
          kernels.u32(ends, 4).set([0, end - bytes, end - bytes, end - bytes]);
          for (const last of [0, 1]) {
            const told = kernels.call.decodeEdges(type, bytes, 0, ends, 1, 1, 2, last, again, again + 24);
            const isTold = plain.stats !== null && plain.count === values.length;
            expect(told).toBe(isTold ? 2 : 0);
            if (!isTold) continue;
            expect(kernels.view(again, 8)).toEqual(kernels.view(out + (last ? 40 : 32), 8));
            expect([...kernels.view(again + 8, 8), ...kernels.view(again + 24, 2)]).toEqual([
              ...new Uint8Array(8),
              ...[1, 0],
            ]);
          }
          kernels.u32(ends, 2).set([0, end - bytes - 1]);
          expect(kernels.call.decodeStats(type, bytes, 0, ends, 1, rows, 1, again)).toBe(
            end - bytes === 1 ? 1 : 0,
          );
          const cut = kernels.call.decodeEdges(type, bytes, 0, ends, 1, 1, 1, 1, again, again + 24);
          expect(cut).toBe(end - bytes === 1 ? 1 : 0);
        },
      ),
    );
    kernels.free(out);
  });
}

test("statistics of two-decimal floats and of small integers are short", () => {
  const sizeOf = (type: FieldType, stats: PageStats) => {
    const out = new ByteWriter();
    writeStats(out, type, 1000, 1000, stats);
    return out.size;
  };
  const walk = { count: 1000, min: 0.25, max: 99.5, sum: 50123.0700001, first: 50.31, last: 47.98 };
  expect(sizeOf(FieldType.Float, walk)).toBeLessThanOrEqual(1 + 1 + 3 * 2 + 4 + 3);
  expect(sizeOf(FieldType.Float, { ...walk, sum: 50123.06999999998 })).toBe(1 + 1 + 3 * 2 + 4 + 1);
  const counts = { count: 1000, min: 100n, max: 1100n, sum: 600_000n, first: 100n, last: 1100n };
  expect(sizeOf(FieldType.Integer, counts)).toBeLessThanOrEqual(1 + 2 + 2 + 1 + 2 + 3);
});

test("the smallest and largest time of unordered times", () => {
  const at = kernels.alloc(65536);
  fc.assert(
    fc.property(
      fc.array(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), { minLength: 1, maxLength: 50 }),
      (times) => {
        kernels.i64(at, times.length).set(times);
        kernels.call.timeBounds(at, times.length, at + 32768);
        const sorted = times.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
        expect([...kernels.i64(at + 32768, 2)]).toEqual([sorted[0]!, sorted.at(-1)!]);
      },
    ),
  );
  kernels.free(at);
});

test("a header keeps its names, and a window at the end of time its int64 part", () => {
  const out = new ByteWriter();
  const names = { database: "a".repeat(300), retentionPolicy: "2 weeks – Ω" };
  writeHeader(out, { ...names, windowStartNs: -(2n ** 64n), windowEndNs: 2n ** 64n });
  const refuse = (): never => {
    throw new Error("refused");
  };
  const header = readHeader(cursorOf(out), refuse);
  expect(header).toEqual({
    version: FORMAT_VERSION,
    ...names,
    windowStartNs: -(2n ** 63n),
    windowEndNs: 2n ** 63n - 1n,
  });
});
