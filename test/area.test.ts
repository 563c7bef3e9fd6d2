import { expect, test } from "bun:test";
import fc from "fast-check";
import { Kernels } from "../src/kernels/kernels.ts";

test("areas never overlap, keep their bytes, and merge again when freed", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 3_000_000 }), fc.nat(7)), { maxLength: 60 }),
      (steps) => {
        const kernels = new Kernels();
        const live: { pointer: number; size: number; tag: number }[] = [];
        let tag = 0;
        for (const [size, drop] of steps) {
          const pointer = kernels.alloc(size);
          expect(pointer % 65536).toBe(0);
          const real = kernels.call.areaSize(pointer) >>> 0;
          expect(real).toBeGreaterThanOrEqual(size);
          for (const other of live)
            expect(pointer + real <= other.pointer || other.pointer + other.size <= pointer).toBe(true);
          tag = (tag + 1) % 251;
          kernels.bytes[pointer] = tag;
          kernels.bytes[pointer + real - 1] = tag;
          live.push({ pointer, size: real, tag });
          if (drop < live.length) {
            const gone = live.splice(drop, 1)[0]!;
            const bytes = kernels.view(gone.pointer, gone.size);
            expect(bytes[0]).toBe(gone.tag);
            expect(bytes[gone.size - 1]).toBe(gone.tag);
            kernels.free(gone.pointer);
          }
        }
        for (const { pointer } of live) kernels.free(pointer);
        expect(kernels.usedBytes).toBe(0);
        // everything merged: a large area fits without growing
        const before = kernels.buffer.byteLength;
        const again = steps.length > 0 ? kernels.alloc(65536) : 0;
        expect(kernels.buffer.byteLength).toBe(steps.length > 0 ? before : kernels.buffer.byteLength);
        if (again) kernels.free(again);
      },
    ),
    { numRuns: 60 },
  );
});

test("freeing what is not an area traps", () => {
  const kernels = new Kernels();
  const pointer = kernels.alloc(10);
  kernels.free(pointer);
  expect(() => kernels.free(pointer)).toThrow();
});
