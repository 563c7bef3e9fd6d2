// Column pages: every value comes back bit for bit, whatever it is, from the kernels and from their twin.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeTimes, encodeTimes, maxPageBytes } from "../src/codec/codec.ts";
import { FieldType } from "../src/model/types.ts";
import {
  areas,
  bitsOf,
  decode,
  decoded,
  decodeStrings,
  encode,
  encodeStrings,
  floatColumn,
  integerColumn,
  kernels,
  pageArea,
  presence,
  twoDecimals,
  uniform,
  walk,
  wrapped,
} from "./support/columns.ts";
import { asVersion2 } from "./support/old-pages.ts";
import { readPage } from "./twin/page.ts";

/** The kernel and its twin read back what was encoded, also in the form of older files. */
function roundTrip(type: FieldType, slots: BigUint64Array, present: Uint8Array | null): Uint8Array {
  const bytes = encode(type, slots, present);
  const out = decode(type, bytes, slots.length);
  const expected = present ? slots.map((slot, row) => (present[row] ? slot : 0n)) : slots;
  expect(out.slots).toEqual(expected);
  expect(out.present).toEqual(present?.includes(0) ? present : null);
  const read = readPage(bytes, slots.length);
  expect(read.slots).toEqual(Array.from(expected));
  expect(read.present).toEqual(Array.from(slots, (_, row) => present?.[row] !== 0));
  const old = asVersion2(bytes, slots.length, read.present.filter(Boolean).length);
  expect(readPage(old, Number.NaN)).toEqual(read);
  expect(decode(type, old, slots.length)).toEqual(out);
  return bytes;
}

describe("round trips", () => {
  test("integers of every shape, with and without nulls", () => {
    fc.assert(
      fc.property(
        integerColumn.chain((list) => fc.tuple(fc.constant(list), presence(list.length))),
        ([list, present]) => {
          roundTrip(FieldType.Integer, wrapped(list), present);
          roundTrip(FieldType.Unsigned, wrapped(list), present);
        },
      ),
      { numRuns: 120 },
    );
  });

  test("floats of every shape, with and without nulls", () => {
    fc.assert(
      fc.property(
        floatColumn.chain((list) => fc.tuple(fc.constant(list), presence(list.length))),
        ([list, present]) => {
          roundTrip(FieldType.Float, bitsOf(list), present);
        },
      ),
      { numRuns: 120 },
    );
  });

  test("NaN payloads and the sign of zero", () => {
    const odd = BigUint64Array.of(
      0x7ff8000000000001n,
      0xfff0000000000123n,
      0x8000000000000000n,
      0x7ff0000000000000n,
    );
    roundTrip(FieldType.Float, odd, null);
    const among = bitsOf(Array.from({ length: 500 }, (_, i) => i / 4));
    odd.forEach((slot, i) => {
      among[i * 100] = slot;
    });
    roundTrip(FieldType.Float, among, null);
  });

  test("booleans", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 2500, size: "max" }), (list) => {
        const bytes = roundTrip(
          FieldType.Boolean,
          BigUint64Array.from(list, (x) => (x ? 1n : 0n)),
          null,
        );
        expect(bytes.length).toBeLessThanOrEqual(list.length / 8 + 12);
      }),
      { numRuns: 60 },
    );
  });

  test("every row count up to 100, and 65,536", () => {
    for (let rowCount = 0; rowCount <= 100; rowCount++) {
      roundTrip(FieldType.Float, bitsOf(walk(rowCount, rowCount)), null);
      roundTrip(FieldType.Float, bitsOf(walk(rowCount, rowCount).map(twoDecimals)), null);
      roundTrip(
        FieldType.Integer,
        wrapped(walk(rowCount, rowCount).map((x) => BigInt(Math.round(x * 100)))),
        null,
      );
    }
    roundTrip(FieldType.Float, bitsOf(walk(65_536, 1).map(twoDecimals)), null);
    roundTrip(FieldType.Float, bitsOf(walk(65_536, 1)), null);
  });
});

describe("strings", () => {
  const column = fc.oneof(
    fc.array(fc.option(fc.string({ unit: "binary" }), { freq: 5 }), { maxLength: 300, size: "max" }),
    fc.array(fc.option(fc.constantFrom("", "up", "down", "x".repeat(200)), { freq: 20 }), {
      maxLength: 2500,
    }),
    fc.array(
      fc.nat().map((n) => `request ${n} took ${n % 97} ms at /api/v1/things`),
      { maxLength: 500, size: "max" },
    ),
  );
  test("come back, nulls too, from heaps that share bytes and heaps that do not", () => {
    fc.assert(
      fc.property(column, fc.boolean(), (list, share) => {
        const bytes = encodeStrings(list, share);
        expect(decodeStrings(bytes, list.length)).toEqual(list);
        expect(readPage(bytes, list.length).texts).toEqual(list);
      }),
      { numRuns: 150 },
    );
  });

  test("few distinct ones cost their codes, similar ones are compressed", () => {
    const states = Array.from(
      { length: 1000 },
      (_, i) => ["running", "stopped", "failed", "waiting"][(i * 7919) % 4]!,
    );
    expect(encodeStrings(states, false).length).toBeLessThan(310);
    const lines = Array.from({ length: 1000 }, (_, i) => `GET /api/v1/items/${i} HTTP/1.1`);
    expect(encodeStrings(lines, false).length).toBeLessThan(12_000);
  });
});

describe("times", () => {
  const pageOf = (times: bigint[]) => {
    const source = areas.values.reserve(times.length * 8);
    const room = maxPageBytes(FieldType.Integer, times.length, 0);
    const page = pageArea.reserve(room);
    kernels.i64(source, times.length).set(times);
    return kernels.view(page, encodeTimes(kernels, source, times.length, page)).slice();
  };
  const back = (bytes: Uint8Array, rowCount: number) => {
    const page = pageArea.reserve(bytes.length);
    kernels.put(page, bytes);
    const out = decoded.values.reserve(rowCount * 8);
    decodeTimes(kernels, page, bytes.length, rowCount, out);
    return Array.from(kernels.i64(out, rowCount));
  };
  const start = 1_700_000_000_000_000_000n;

  test("a regular interval takes a few bytes a page", () => {
    const times = Array.from({ length: 1000 }, (_, i) => start + BigInt(i) * 10_000_000_000n);
    expect(pageOf(times).length).toBeLessThanOrEqual(20);
    expect(back(pageOf(times), 1000)).toEqual(times);
  });

  test("jitter in ms, gaps, and many short series", () => {
    const random = uniform(3);
    const jitter = Array.from(
      { length: 1000 },
      (_, i) => start + BigInt(i * 10_000 + Math.floor(random() * 20)) * 1_000_000n,
    );
    expect(pageOf(jitter).length).toBeLessThan(820);
    expect(back(pageOf(jitter), 1000)).toEqual(jitter);
    const gaps = Array.from(
      { length: 1000 },
      (_, i) => start + BigInt(i + 50 * Math.floor(i / 100)) * 10_000_000_000n,
    );
    expect(pageOf(gaps).length).toBeLessThan(60);
    expect(back(pageOf(gaps), 1000)).toEqual(gaps);
    const short = Array.from({ length: 1000 }, (_, i) => start + BigInt(i % 10) * 10_000_000_000n);
    expect(pageOf(short).length).toBeLessThan(300);
    expect(back(pageOf(short), 1000)).toEqual(short);
  });

  test("the ends of int64", () => {
    for (const times of [
      [-(2n ** 63n), 2n ** 63n - 1n],
      [-9223372036854775806n],
      [-1n, 0n, 1n, 9223372036854775806n],
      [],
    ])
      expect(back(pageOf(times), times.length)).toEqual(times);
  });
});

describe("sizes", () => {
  test("a two-decimal walk of 1,000 rows takes at most 1.12 bytes a value", () => {
    let total = 0;
    for (let seed = 0; seed < 50; seed++)
      total += roundTrip(FieldType.Float, bitsOf(walk(1000, seed).map(twoDecimals)), null).length;
    expect(total / 50_000).toBeLessThanOrEqual(1.12);
  });

  test("tiny and constant pages", () => {
    expect(roundTrip(FieldType.Float, bitsOf([50.25]), null).length).toBeLessThanOrEqual(8);
    expect(roundTrip(FieldType.Float, bitsOf(new Array(2000).fill(97.5)), null).length).toBeLessThanOrEqual(
      9,
    );
    expect(roundTrip(FieldType.Integer, wrapped([7n, 8n, 9n]), null).length).toBeLessThanOrEqual(6);
    expect(roundTrip(FieldType.Boolean, wrapped(new Array(500).fill(1n)), null).length).toBeLessThanOrEqual(
      6,
    );
  });

  test("noise of full precision costs no more than its bits", () => {
    const random = uniform(9);
    const noise = BigUint64Array.from(
      { length: 1000 },
      () => BigInt(Math.floor(random() * 2 ** 32)) * 2n ** 32n + BigInt(Math.floor(random() * 2 ** 32)),
    );
    expect(roundTrip(FieldType.Float, noise, null).length).toBeLessThanOrEqual(8008);
    expect(roundTrip(FieldType.Integer, noise, null).length).toBeLessThanOrEqual(8040);
  });
});
