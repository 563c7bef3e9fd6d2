// Sorting in steps: the order of Array.prototype.sort, and no step that does more than its share.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { listKey } from "../src/model/listkey.ts";
import { sortIndices, sortTexts } from "../src/query/sorting.ts";
import { atOnce, STEP } from "../src/query/turn.ts";

const steps = (work: Iterator<void>): number => {
  let count = 0;
  while (work.next().done !== true) count++;
  return count;
};

test.each([
  ["keys of series", (i: number) => `m,host=h${(i * 7919) % 30_011},rack=r${i % 7}`],
  ["many of the same", (i: number) => (i % 2 === 0 ? "same" : `s${i % 5}`)],
  ["nothing but the same", () => "m,host=a"],
  [
    "texts that others begin with",
    (i: number) => "a".repeat(i % 9) + (i % 3 === 0 ? "" : `\u00ff${i % 400}`),
  ],
  ["units beyond eight bits", (i: number) => `k${String.fromCharCode((i * 7919) % 65_536)}${i % 11}`],
  ["empty ones", (i: number) => (i % 4 === 0 ? "" : String((i * 31) % 20_011))],
])("texts: %s", (_, textOf) => {
  const texts = Array.from({ length: 40_000 }, (_, i) => textOf(i));
  expect(atOnce(sortTexts(texts.slice()))).toEqual(texts.toSorted());
  expect(steps(sortTexts(texts))).toBeGreaterThanOrEqual(Math.floor(texts.length / STEP / 2));
});

test("indices: those that compare alike keep their order", () => {
  const lengths = fc.constantFrom(0, 1, 2, STEP - 1, STEP, STEP + 1, 3 * STEP, 5 * STEP + 17);
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 5000 }), fc.nat(), (length, distinct, seed) => {
      const values = Uint32Array.from(
        { length },
        (_, i) => (Math.imul(i + seed, 2_654_435_761) >>> 8) % distinct,
      );
      const indices = Uint32Array.from(values.keys());
      const expected = [...indices].sort((a, b) => values[a]! - values[b]!);
      const sorted = atOnce(sortIndices(indices, (a, b) => values[a]! - values[b]!));
      expect(Array.from(sorted)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

test("keys of lists are in the order of the lists", () => {
  const text = fc.string({ unit: fc.constantFrom("\0", "\x01", "\x02", "a", "b", "é"), maxLength: 4 });
  const two = fc.integer({ min: 1, max: 4 }).chain((length) => {
    const list = fc.array(text, { minLength: length, maxLength: length });
    return fc.tuple(list, list);
  });
  fc.assert(
    fc.property(two, ([a, b]) => {
      const differs = a.findIndex((each, i) => each !== b[i]);
      expect(listKey(a) < listKey(b)).toBe(differs >= 0 && a[differs]! < b[differs]!);
    }),
    { numRuns: 20_000 },
  );
});
