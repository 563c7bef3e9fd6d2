// sample(): which points it takes, with chance held in the hand.
import { expect, test } from "bun:test";
import { FieldType } from "../src/model/types.ts";
import { samplePoints } from "../src/query/functions/sample.ts";
import type { Points } from "../src/query/points.ts";
import { atOnce } from "../src/query/turn.ts";

function pointsOf(values: readonly number[]): Points {
  return {
    type: FieldType.Float,
    count: values.length,
    times: BigInt64Array.from(values, (_value, index) => BigInt(index)),
    values: Float64Array.from(values),
    origin: { blocks: [], block: new Uint32Array(0), row: new Uint32Array(0) },
  };
}

/** A linear congruential generator (Numerical Recipes' constants). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const sampled = (...of: Parameters<typeof samplePoints>) => Array.from(atOnce(samplePoints(...of)));

test("chance decides: the first N stay when it says so, or the last one enters", () => {
  const points = pointsOf([5, 6, 7, 8]);
  expect(sampled(points, 0, 4, 2, () => 0.999)).toEqual([0, 1]);
  expect(sampled(points, 0, 4, 2, () => 0)).toEqual([1, 3]);
  expect(sampled(points, 1, 3, 2, () => 0)).toEqual([1, 2]);
});

test("every pair of six points is as likely as any other", () => {
  const points = pointsOf([0, 1, 2, 3, 4, 5]);
  const random = seeded(7);
  const counts = new Map<string, number>();
  const runs = 30_000;
  for (let run = 0; run < runs; run++) {
    const key = sampled(points, 0, 6, 2, random).join();
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  expect(counts.size).toBe(15);
  const wanted = runs / 15;
  let chiSquare = 0;
  for (const count of counts.values()) chiSquare += (count - wanted) ** 2 / wanted;
  // 14 degrees of freedom: 36.1 is passed by chance once in a thousand, and the seed is fixed
  expect(chiSquare).toBeLessThan(36.1);
});
