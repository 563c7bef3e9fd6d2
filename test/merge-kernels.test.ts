// The kernels that merge times and columns against their twins, for any input.
import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Kernels } from "../src/kernels/kernels.ts";
import { MAX_TIME, MIN_TIME } from "../src/model/types.ts";
import { RowBlock } from "../src/store/block.ts";
import { bytesOf, latin1 } from "./support/store-kernels.ts";
import { mergeColumnTwin, mergeTimesTwin, packTwin, type TwinColumn } from "./twin/merge.ts";

const kernels = new Kernels();

// every test frees what it took
afterAll(() => expect(kernels.usedBytes).toBe(0));

describe("merge", () => {
  const int64 = fc.oneof(
    fc.bigInt(-20n, 20n),
    fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, MIN_TIME, MAX_TIME),
  );
  const run = fc.uniqueArray(int64, { maxLength: 30 }).map((times) => times.sort((a, b) => (a < b ? -1 : 1)));
  const word = fc.option(fc.bigInt(0n, 2n ** 64n - 1n));
  const columnFor = (times: readonly bigint[]) =>
    fc.oneof(
      fc.array(word, { minLength: times.length, maxLength: times.length }),
      fc.constant(times.map(() => null)),
      fc.constant(times.map(() => 5n)),
    );
  const runs = fc
    .tuple(run, run)
    .chain(([older, newer]) =>
      fc.tuple(fc.constant(older), fc.constant(newer), columnFor(older), columnFor(newer)),
    );

  /** A column in linear memory: no values at all and no gaps as pointers of 0. */
  function put(column: TwinColumn, at: number): { values: number; present: number } {
    if (column.every((value) => value === null)) return { values: 0, present: 0 };
    const words = new BigUint64Array(kernels.buffer, at, column.length);
    const present = at + column.length * 8;
    for (const [row, value] of column.entries()) {
      words[row] = value ?? 0n;
      kernels.bytes[present + row] = value === null ? 0 : 1;
    }
    return { values: at, present: column.includes(null) ? present : 0 };
  }

  test("times and columns of two runs, to the ends of int64", () => {
    const area = kernels.alloc(1 << 20);
    const [newerAt, timesAt, pairsAt] = [area + 4096, area + 8192, area + 16384] as const;
    fc.assert(
      fc.property(runs, fc.constantFrom(0n, 1n, 4096n), ([older, newer, early, late], base) => {
        kernels.i64(area, older.length).set(older);
        kernels.i64(newerAt, newer.length).set(newer);
        const wanted = mergeTimesTwin(older, newer);
        const rows = kernels.call.mergeTimes(area, older.length, newerAt, newer.length, timesAt, pairsAt);
        expect([...kernels.i64(timesAt, rows)]).toEqual(wanted.map(({ time }) => time));
        expect([...kernels.u32(pairsAt, rows * 2)]).toEqual(
          wanted.flatMap(({ older, newer }) => [older ?? 0xffff_ffff, newer ?? 0xffff_ffff]),
        );
        const a = put(early, area + 32768);
        const b = put(late, area + 40960);
        const [values, present] = [area + 49152, area + 57344] as const;
        const made = kernels.call.mergeColumn(
          ...([
            pairsAt,
            rows,
            a.values,
            a.present,
            b.values,
            b.present,
            Number(base),
            values,
            present,
          ] as const),
        );
        const column = mergeColumnTwin(wanted, early, late, base);
        expect(made).toBe(column.filter((value) => value !== null).length);
        expect([...kernels.view(present, rows)]).toEqual(column.map((value) => (value === null ? 0 : 1)));
        const words = new BigUint64Array(kernels.buffer, values, rows);
        expect([...words]).toEqual(column.map((value) => value ?? 0n));
      }),
      { numRuns: 500 },
    );
    kernels.free(area);
  });

  test("strings are packed end to end", () => {
    const area = kernels.alloc(1 << 18);
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 40 })), fc.nat(100), (list, start) => {
        const strings = list.map((text) => latin1(new TextEncoder().encode(text)));
        const [source, heap] = [area + 65536, area + 131072] as const;
        const words = kernels.u32(area, strings.length * 2);
        let at = source + 7;
        for (const [i, text] of strings.entries()) {
          kernels.put(at, bytesOf(text));
          words.set([at - source, text.length], i * 2);
          at += text.length;
        }
        const wanted = packTwin(strings, start);
        expect(kernels.call.heapSize(area, strings.length)).toBe(wanted.heap.length);
        const end = kernels.call.packHeap(area, strings.length, source, heap, start);
        expect(end).toBe(start + wanted.heap.length);
        expect(latin1(kernels.view(heap + start, wanted.heap.length))).toBe(wanted.heap);
        expect([...kernels.u32(area, strings.length * 2)]).toEqual(
          strings.flatMap((text, i) => [wanted.offsets[i]!, text.length]),
        );
      }),
      { numRuns: 200 },
    );
    kernels.free(area);
  });

  test("blockClear zeroes the rows asked for, in every column, and the counts", () => {
    const block = new RowBlock(kernels, 16, Uint32Array.from([2, 5]));
    for (const c of [0, 1]) {
      kernels.bytes.fill(0xaa, block.values(c), block.values(c) + 16 * 8);
      kernels.bytes.fill(1, block.present(c), block.present(c) + 16);
      block.addValues(c, 16);
    }
    block.clear(5);
    for (const c of [0, 1]) {
      expect([...kernels.view(block.values(c), 128)]).toEqual([
        ...Array(40).fill(0),
        ...Array(88).fill(0xaa),
      ]);
      expect([...kernels.view(block.present(c), 16)]).toEqual([...Array(5).fill(0), ...Array(11).fill(1)]);
      expect(block.valueCount(c)).toBe(0);
    }
    expect([...kernels.u32(block.columns, 8)].filter((_, i) => i % 4 === 0)).toEqual([2, 5]);
    block.free();
  });

  test("blockAppend adds the rows of a mask, or all, behind those that there are", () => {
    const area = kernels.alloc(4096);
    const [values, present, mask] = [area, area + 1024, area + 2048] as const;
    const bit = fc.constantFrom(0, 0, 0, 1);
    const row = fc.record({ value: fc.bigInt(1n, 2n ** 32n - 1n), there: bit, wanted: bit });
    const part = fc.record({
      rows: fc.array(row, { maxLength: 40 }),
      ...{ hasGaps: fc.boolean(), hasMask: fc.boolean(), base: fc.constantFrom(0, 7) },
    });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const block = new RowBlock(kernels, 200, Uint32Array.of(3));
        const expected: (bigint | null)[] = [];
        for (const { rows, hasGaps, hasMask, base } of parts) {
          kernels.i64(values, rows.length).set(rows.map(({ value }) => value));
          kernels.put(
            present,
            Uint8Array.from(rows, ({ there }) => there),
          );
          kernels.put(
            mask,
            Uint8Array.from(rows, ({ wanted }) => wanted),
          );
          const added = rows.filter(({ wanted }) => !hasMask || wanted === 1);
          const flags = hasGaps ? present : 0;
          const from = expected.length;
          expect(block.append(0, values, flags, hasMask ? mask : 0, rows.length, base, from)).toBe(
            added.length,
          );
          for (const { value, there } of added)
            expected.push(hasGaps && there === 0 ? null : value + BigInt(base));
        }
        const count = expected.length;
        expect([...kernels.i64(block.values(0), count)]).toEqual(expected.map((value) => value ?? 0n));
        expect([...kernels.view(block.present(0), 200)]).toEqual(
          Array.from({ length: 200 }, (_, i) => (i < count && expected[i] !== null ? 1 : 0)),
        );
        expect(block.valueCount(0)).toBe(expected.filter((value) => value !== null).length);
        block.free();
      }),
      { numRuns: 300 },
    );
    kernels.free(area);
  });
});
