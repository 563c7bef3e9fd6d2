// Column pages under test: encoding and decoding with guards around every area, and shapes of columns.
import { expect } from "bun:test";
import fc from "fast-check";
import { decodePage, encodePage, maxPageBytes, pageHeapBytes } from "../../src/codec/codec.ts";
import { Kernels, type Pointer, Scratch } from "../../src/kernels/kernels.ts";
import { FieldType } from "../../src/model/types.ts";

export const kernels = new Kernels();
export const areas = {
  values: new Scratch(kernels),
  present: new Scratch(kernels),
  heap: new Scratch(kernels),
};
export const decoded = {
  values: new Scratch(kernels),
  present: new Scratch(kernels),
  heap: new Scratch(kernels),
};
export const pageArea = new Scratch(kernels);

/** Encodes u64 slots (and a heap for strings); returns a copy of the page. */
export function encode(
  type: FieldType,
  slots: BigUint64Array,
  present: Uint8Array | null,
  heap = new Uint8Array(),
) {
  const rowCount = slots.length;
  const values = areas.values.reserve(rowCount * 8);
  const presence = present ? areas.present.reserve(rowCount) : 0;
  const heapAt = areas.heap.reserve(heap.length);
  const room = maxPageBytes(type, rowCount, heap.length);
  const page = pageArea.reserve(room + 32);
  kernels.view(page + room, 32).fill(0xa5);
  kernels.put(values, new Uint8Array(slots.buffer, slots.byteOffset, rowCount * 8));
  if (present) kernels.put(presence, present);
  kernels.put(heapAt, heap);
  const column = { type, rowCount, values, present: presence, heap: heapAt, heapBytes: heap.length };
  const sizeBytes = encodePage(kernels, column, page);
  expect(sizeBytes).toBeLessThanOrEqual(room);
  expect(kernels.view(page + room, 32).every((byte) => byte === 0xa5)).toBe(true);
  return kernels.view(page, sizeBytes).slice();
}

export interface Decoded {
  slots: BigUint64Array;
  present: Uint8Array | null;
  heap: Uint8Array;
}

/** Decodes into areas whose surroundings are checked for stray writes. */
export function decode(type: FieldType, bytes: Uint8Array, rowCount: number): Decoded {
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

export const bitsOf = (numbers: ArrayLike<number>) => new BigUint64Array(Float64Array.from(numbers).buffer);
export const wrapped = (numbers: bigint[]) => BigUint64Array.from(numbers, (x) => BigInt.asUintN(64, x));

/** Deterministic uniform numbers in [0, 1): mulberry32. */
export function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

/** A walk with N(0,1) steps clamped to [0,100], as TSBS makes them. */
export function walk(rowCount: number, seed: number): number[] {
  const random = uniform(seed);
  let at = random() * 100;
  return Array.from({ length: rowCount }, () => {
    at += Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    at = Math.min(100, Math.max(0, at));
    return at;
  });
}
export const twoDecimals = (x: number) => Math.round(x * 100) / 100;

/** Shapes of integer columns: each exercises another choice of the encoder. */
export const integerColumn = fc.oneof(
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
  // small sums with exceptions: what the 32-bit lanes decode
  fc
    .tuple(fc.bigInt(-(2n ** 40n), 2n ** 40n), fc.array(fc.nat(), { maxLength: 3000, size: "max" }))
    .map(([first, list]) => list.map((x) => first + BigInt(x % 50 === 7 ? x % 2 ** 24 : x % 60))),
);

/** Shapes of float columns. */
export const floatColumn = fc.oneof(
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
export const presence = (rowCount: number) =>
  fc.option(
    fc
      .array(fc.constantFrom(0, 1), { minLength: rowCount, maxLength: rowCount })
      .map((list) => Uint8Array.from(list)),
  );

/** Encodes texts; `share`: equal ones share their bytes in the heap. */
export function encodeStrings(list: (string | null)[], share: boolean) {
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

export function decodeStrings(bytes: Uint8Array, rowCount: number): (string | null)[] {
  const { slots, present, heap } = decode(FieldType.String, bytes, rowCount);
  const decoder = new TextDecoder();
  return Array.from(slots, (slot, row) => {
    if (present && !present[row]) return null;
    const offset = Number(slot & 0xffffffffn);
    return decoder.decode(heap.subarray(offset, offset + Number(slot >> 32n)));
  });
}
