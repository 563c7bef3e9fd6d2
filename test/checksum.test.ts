// CRC32C: the vectors of RFC 3720, and the kernel agrees with its twin at every length, offset and seed.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { crc32c } from "../src/base/checksum.ts";
import { Kernels } from "../src/kernels/kernels.ts";

const kernels = new Kernels();
const area = kernels.alloc(65536);

function kernelCrc(bytes: Uint8Array, seed: number, offset = 0): number {
  kernels.put(area + offset, bytes);
  return kernels.call.crc32c(area + offset, bytes.length, seed) >>> 0;
}

const implementations: [string, (bytes: Uint8Array, seed: number) => number][] = [
  ["twin", crc32c],
  ["kernel", kernelCrc],
];

const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
const vectors: [string, Uint8Array, number][] = [
  ["32 bytes of zeros", new Uint8Array(32), 0x8a9136aa],
  ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["32 bytes ascending", ascending, 0x46dd794e],
  ["32 bytes descending", ascending.toReversed(), 0x113fdb5c],
  ["digits", new TextEncoder().encode("123456789"), 0xe3069283],
  ["nothing", new Uint8Array(0), 0],
];

for (const [name, crc] of implementations) {
  for (const [what, bytes, expected] of vectors) {
    test(`${name}: ${what}`, () => {
      expect(crc(bytes, 0)).toBe(expected);
    });
  }

  test(`${name}: the CRC of a whole is that of its parts in turn`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200, size: "max" }), fc.nat(200), (bytes, cut) => {
        expect(crc(bytes.subarray(cut), crc(bytes.subarray(0, cut), 0))).toBe(crc(bytes, 0));
      }),
    );
  });
}

test("kernel and twin agree", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3000, size: "max" }),
      fc.nat(0xffffffff),
      fc.nat(20),
      (bytes, seed, offset) => {
        expect(kernelCrc(bytes, seed, offset)).toBe(crc32c(bytes, seed));
      },
    ),
  );
});
