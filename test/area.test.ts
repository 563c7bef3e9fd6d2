import { expect, test } from "bun:test";
import fc from "fast-check";
import { canGiveBack } from "../src/base/give-back.ts";
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
          // gives free areas back when few pages were handed out since the step before
          kernels.rest();
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

test.skipIf(!canGiveBack())("free areas go back to the system once it is quiet, live ones stay", () => {
  const areaBytes = 64 * 2 ** 20;
  const kernels = new Kernels();
  const [before, between, behind] = [
    kernels.alloc(65536),
    kernels.alloc(areaBytes),
    kernels.alloc(areaBytes),
  ];
  for (const pointer of [between, behind]) kernels.bytes.fill(7, pointer, pointer + areaBytes);
  kernels.bytes.fill(5, before, before + 65536);
  const rss = () => process.memoryUsage.rss();
  const fullBytes = rss();
  kernels.free(between);
  // much was asked for since the last call
  kernels.rest();
  expect(rss()).toBeGreaterThan(fullBytes - areaBytes / 2);
  kernels.rest();
  expect(rss()).toBeLessThan(fullBytes - areaBytes / 2);
  expect(kernels.bytes.subarray(before, before + 65536).every((byte) => byte === 5)).toBe(true);
  expect(Buffer.compare(kernels.view(behind, areaBytes), Buffer.alloc(areaBytes, 7))).toBe(0);

  // once back, they are not touched again for nothing; what is handed out again is memory like any other
  const again = kernels.alloc(areaBytes);
  expect(again).toBe(between);
  kernels.bytes.fill(9, again, again + areaBytes);
  kernels.rest();
  kernels.rest();
  expect(Buffer.compare(kernels.view(again, areaBytes), Buffer.alloc(areaBytes, 9))).toBe(0);
  for (const pointer of [before, again, behind]) kernels.free(pointer);
  expect(kernels.usedBytes).toBe(0);
});
