// Column pages: every value comes back bit for bit, whatever it is; bytes that no encoder wrote are refused.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  decodePage,
  decodeTimes,
  encodePage,
  encodeTimes,
  maxPageBytes,
  pageHeapBytes,
} from "../src/codec/codec.ts";
import { PageError } from "../src/codec/page-error.ts";
import { Kernels, type Pointer, Scratch } from "../src/kernels/kernels.ts";
import { FieldType } from "../src/model/types.ts";

const kernels = new Kernels();
const areas = { values: new Scratch(kernels), present: new Scratch(kernels), heap: new Scratch(kernels) };
const decoded = { values: new Scratch(kernels), present: new Scratch(kernels), heap: new Scratch(kernels) };
const pageArea = new Scratch(kernels);

/** Encodes u64 slots (and a heap for strings); returns a copy of the page. */
function encode(type: FieldType, slots: BigUint64Array, present: Uint8Array | null, heap = new Uint8Array()) {
  const rowCount = slots.length;
  const values = areas.values.reserve(rowCount * 8);
  const presence = present ? areas.present.reserve(rowCount) : 0;
  const heapAt = areas.heap.reserve(heap.length);
  const room = maxPageBytes(type, rowCount, heap.length);
  const page = pageArea.reserve(room);
  kernels.put(values, new Uint8Array(slots.buffer, slots.byteOffset, rowCount * 8));
  if (present) kernels.put(presence, present);
  kernels.put(heapAt, heap);
  const column = { type, rowCount, values, present: presence, heap: heapAt, heapBytes: heap.length };
  const sizeBytes = encodePage(kernels, column, page);
  expect(sizeBytes).toBeLessThanOrEqual(room);
  return kernels.view(page, sizeBytes).slice();
}

interface Decoded {
  slots: BigUint64Array;
  present: Uint8Array | null;
  heap: Uint8Array;
}

/** Decodes into areas whose surroundings are checked for stray writes. */
function decode(type: FieldType, bytes: Uint8Array, rowCount: number): Decoded {
  const page = pageArea.reserve(bytes.length);
  kernels.put(page, bytes);
  const heapBytes = pageHeapBytes(kernels, page, bytes.length);
  const guarded = (area: Scratch, sizeBytes: number): Pointer => {
    const pointer = area.reserve(sizeBytes + 32);
    kernels.view(pointer + sizeBytes, 32).fill(0xa5);
    return pointer;
  };
  const values = guarded(decoded.values, rowCount * 8);
  const present = guarded(decoded.present, rowCount);
  const heap = guarded(decoded.heap, heapBytes);
  const intact = (pointer: Pointer, sizeBytes: number) =>
    expect(kernels.view(pointer + sizeBytes, 32).every((byte) => byte === 0xa5)).toBe(true);
  try {
    const { hasNulls } = decodePage(kernels, type, page, bytes.length, rowCount, { values, present, heap });
    return {
      slots: new BigUint64Array(kernels.buffer, values, rowCount).slice(),
      present: hasNulls ? kernels.view(present, rowCount).slice() : null,
      heap: kernels.view(heap, heapBytes).slice(),
    };
  } finally {
    intact(values, rowCount * 8);
    intact(present, rowCount);
    intact(heap, heapBytes);
  }
}

function roundTrip(type: FieldType, slots: BigUint64Array, present: Uint8Array | null): Uint8Array {
  const bytes = encode(type, slots, present);
  const out = decode(type, bytes, slots.length);
  const expected = present ? slots.map((slot, row) => (present[row] ? slot : 0n)) : slots;
  expect(out.slots).toEqual(expected);
  expect(out.present).toEqual(present?.includes(0) ? present : null);
  return bytes;
}

const bitsOf = (numbers: ArrayLike<number>) => new BigUint64Array(Float64Array.from(numbers).buffer);
const wrapped = (numbers: bigint[]) => BigUint64Array.from(numbers, (x) => BigInt.asUintN(64, x));

/** Deterministic uniform numbers in [0, 1): mulberry32. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

/** A walk with N(0,1) steps clamped to [0,100], as TSBS makes them. */
function walk(rowCount: number, seed: number): number[] {
  const random = uniform(seed);
  let at = random() * 100;
  return Array.from({ length: rowCount }, () => {
    at += Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    at = Math.min(100, Math.max(0, at));
    return at;
  });
}
const twoDecimals = (x: number) => Math.round(x * 100) / 100;

/** Shapes of integer columns: each exercises another choice of the encoder. */
const integerColumn = fc.oneof(
  fc.array(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), { maxLength: 300, size: "max" }),
  fc.array(fc.bigInt(-100n, 100n), { maxLength: 3000, size: "max" }),
  fc.array(fc.constantFrom(0n, 1n), { maxLength: 1000, size: "max" }),
  fc.array(fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 0n, -1n), { maxLength: 40, size: "max" }),
  fc
    .tuple(
      fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
      fc.constantFrom(1n, 1000n, 1_000_000n, 1_000_000_000n, 8n, 2n ** 40n, 2n ** 62n),
      fc.array(
        fc.oneof(
          { weight: 30, arbitrary: fc.bigInt(-9n, 300n) },
          { weight: 1, arbitrary: fc.bigInt(-(2n ** 50n), 2n ** 50n) },
        ),
        { maxLength: 3000, size: "max" },
      ),
    )
    .map(([first, scale, steps]) => {
      let at = first;
      return steps.map((step) => (at = BigInt.asIntN(64, at + step * scale)));
    }),
);

/** Shapes of float columns. */
const floatColumn = fc.oneof(
  fc.array(fc.double(), { maxLength: 300, size: "max" }),
  fc
    .tuple(fc.nat(18), fc.array(fc.integer({ min: -100000, max: 100000 }), { maxLength: 3000, size: "max" }))
    .map(([e, list]) => list.map((n) => n / 10 ** e)),
  fc.array(
    fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 0, max: 10000 }).map((n) => n / 100) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          -0,
          NaN,
          Infinity,
          -Infinity,
          5e-324,
          1.7976931348623157e308,
          0.1 + 0.2,
          2 ** 53,
          2 ** 51,
        ),
      },
    ),
    { maxLength: 2000, size: "max" },
  ),
  fc.array(fc.float(), { maxLength: 300, size: "max" }),
  fc.tuple(fc.nat(3000), fc.nat()).map(([rowCount, seed]) => walk(rowCount, seed)),
);

/** Presence for a column: null, or some rows missing. */
const presence = (rowCount: number) =>
  fc.option(
    fc
      .array(fc.constantFrom(0, 1), { minLength: rowCount, maxLength: rowCount })
      .map((list) => Uint8Array.from(list)),
  );

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
      { numRuns: 250 },
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
      { numRuns: 250 },
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

function encodeStrings(list: (string | null)[], share: boolean) {
  const encoder = new TextEncoder();
  const known = new Map<string, bigint>();
  const chunks: Uint8Array[] = [];
  let offset = 0;
  const slots = BigUint64Array.from(list, (text) => {
    if (text === null) return 0n;
    const before = share ? known.get(text) : undefined;
    if (before !== undefined) return before;
    const bytes = encoder.encode(text);
    const slot = BigInt(offset) | (BigInt(bytes.length) << 32n);
    chunks.push(bytes);
    offset += bytes.length;
    known.set(text, slot);
    return slot;
  });
  const present = list.includes(null) ? Uint8Array.from(list, (text) => (text === null ? 0 : 1)) : null;
  return encode(FieldType.String, slots, present, Buffer.concat(chunks));
}

function decodeStrings(bytes: Uint8Array, rowCount: number): (string | null)[] {
  const { slots, present, heap } = decode(FieldType.String, bytes, rowCount);
  const decoder = new TextDecoder();
  return Array.from(slots, (slot, row) => {
    if (present && !present[row]) return null;
    const offset = Number(slot & 0xffffffffn);
    return decoder.decode(heap.subarray(offset, offset + Number(slot >> 32n)));
  });
}

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
        expect(decodeStrings(encodeStrings(list, share), list.length)).toEqual(list);
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

describe("bytes that no encoder wrote", () => {
  const random = uniform(77);
  const present = Uint8Array.from({ length: 120 }, () => (random() < 0.8 ? 1 : 0));
  const words = Array.from({ length: 120 }, (_, i) => ["a", "bcd", "", "efghij"][(i * i) % 4]!);
  const lines = Array.from({ length: 120 }, (_, i) => `message number ${i} of many`);
  const pages: [string, FieldType, Uint8Array][] = [
    ["two decimals", FieldType.Float, encode(FieldType.Float, bitsOf(walk(120, 1).map(twoDecimals)), null)],
    [
      "decimals with exceptions and nulls",
      FieldType.Float,
      encode(
        FieldType.Float,
        bitsOf(walk(120, 2).map((x, i) => (i % 17 === 3 ? x : twoDecimals(x)))),
        present,
      ),
    ],
    ["full precision", FieldType.Float, encode(FieldType.Float, bitsOf(walk(120, 3)), null)],
    [
      "integers",
      FieldType.Integer,
      encode(
        FieldType.Integer,
        wrapped(walk(120, 4).map((x, i) => BigInt(Math.round(i % 31 === 7 ? x * 1e9 : x)))),
        null,
      ),
    ],
    [
      "progression",
      FieldType.Integer,
      encode(FieldType.Integer, wrapped(Array.from({ length: 120 }, (_, i) => BigInt(i) * 10n)), present),
    ],
    [
      "booleans",
      FieldType.Boolean,
      encode(FieldType.Boolean, wrapped(words.map((w) => (w === "" ? 1n : 0n))), null),
    ],
    ["dictionary", FieldType.String, encodeStrings(words, false)],
    [
      "strings, compressed",
      FieldType.String,
      encodeStrings(
        lines.map((x, i) => (present[i] ? x : null)),
        false,
      ),
    ],
  ];
  const attempt = (type: FieldType, bytes: Uint8Array) => {
    try {
      decode(type, bytes, 120);
      return "values";
    } catch (error) {
      expect(error).toBeInstanceOf(PageError);
      return "refused";
    }
  };

  for (const [name, type, bytes] of pages) {
    test(`${name}: every truncation is refused, every flipped bit is refused or gives values`, () => {
      expect(attempt(type, bytes)).toBe("values");
      for (let length = 0; length < bytes.length; length++)
        expect(attempt(type, bytes.subarray(0, length))).toBe("refused");
      for (let at = 0; at < bytes.length; at++)
        for (const mask of [0x01, 0x80, 0x10, 0xff]) {
          const flipped = bytes.slice();
          flipped[at]! ^= mask;
          attempt(type, flipped);
        }
    });
  }

  test("random bytes behind a plausible start", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 3, 4, 5, 6, 0x81, 0x83, 0x46, 0xc5),
        fc.uint8Array({ maxLength: 400, size: "max" }),
        fc.constantFrom(...Object.values(FieldType)),
        (format, rest, type) => {
          attempt(type, Uint8Array.of(format, 120, ...rest));
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("another type, another row count", () => {
    const [, , bytes] = pages[0]!;
    expect(attempt(FieldType.Integer, bytes)).toBe("refused");
    expect(attempt(FieldType.String, bytes)).toBe("refused");
    expect(() => decode(FieldType.Float, bytes, 121)).toThrow(PageError);
    expect(attempt(FieldType.Float, pages[3]![2])).toBe("refused");
  });
});
