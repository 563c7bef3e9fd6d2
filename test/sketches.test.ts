// The sketches behind percentile_approx and count_distinct: how far off they are, and that memory does not grow with the rows.
import { expect, test } from "bun:test";
import type { RowBatch, Rows, ScanRequest } from "../src/model/scan.ts";
import { FieldType } from "../src/model/types.ts";
import { executeSelect } from "../src/query/execute.ts";
import { explain } from "../src/query/explain.ts";
import { DistinctSketch, EXACT_BELOW, STANDARD_ERROR } from "../src/query/functions/distinct-sketch.ts";
import { QuantileSketch, RELATIVE_ERROR } from "../src/query/functions/quantile-sketch.ts";
import { parseQuery } from "../src/query/parse/parser.ts";
import type { SelectPlan } from "../src/query/plan.ts";
import { planStatement } from "../src/query/planner/planner.ts";

/** A linear congruential generator (Numerical Recipes' constants). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const random = seeded(42);
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const distributions: Readonly<Record<string, () => number>> = {
  uniform: random,
  normal,
  "log-normal, over many magnitudes": () => Math.exp(5 * normal()),
  "negative and positive integers": () => Math.floor(random() * 2001) - 1000,
  "mostly zero": () => (random() < 0.9 ? 0 : random()),
  "the ends of doubles": () => 10 ** (random() * 600 - 300) * (random() < 0.5 ? -1 : 1),
};

for (const [name, draw] of Object.entries(distributions))
  test(`every percentile within the relative error: ${name}`, () => {
    const values = Array.from({ length: 20_000 }, draw);
    const whole = new QuantileSketch();
    const parts = [new QuantileSketch(), new QuantileSketch(), new QuantileSketch()];
    for (const [i, value] of values.entries()) {
      whole.add(value);
      parts[i % 3]!.add(value);
    }
    const merged = new QuantileSketch();
    for (const part of parts) merged.merge(part);
    const sorted = values.toSorted((a, b) => a - b);
    expect(merged.count).toBe(values.length);
    for (let rank = 0; rank < sorted.length; rank += 101) {
      const exact = sorted[rank]!;
      const bound = RELATIVE_ERROR * Math.abs(exact) * (1 + 1e-9);
      expect(Math.abs(whole.at(rank) - exact)).toBeLessThanOrEqual(bound);
      expect(merged.at(rank)).toBe(whole.at(rank));
    }
  });

test("a sketch of quantiles is never larger than all bins of both signs", () => {
  const sketch = new QuantileSketch();
  for (let i = 0; i < 200_000; i++) sketch.add(10 ** (random() * 616 - 308) * (random() < 0.5 ? -1 : 1));
  sketch.add(Number.MAX_VALUE);
  sketch.add(5e-324);
  sketch.add(Number.POSITIVE_INFINITY);
  sketch.add(Number.NaN);
  expect(sketch.count).toBe(200_003);
  expect(sketch.sizeBytes).toBeLessThan(2 * 8 * 90_000);
});

test("distinct values are counted exactly while there are few, whatever their order and number", () => {
  const sketch = new DistinctSketch();
  for (let round = 0; round < 3; round++)
    for (let i = 0; i < EXACT_BELOW - 3; i++) sketch.addNumber(i % 2 === 0 ? i : i / 7);
  sketch.addNumber(-0);
  sketch.addNumber(0);
  sketch.addInteger(2n ** 63n - 1n);
  sketch.addInteger(-(2n ** 63n));
  expect(sketch.count()).toBe(EXACT_BELOW - 1);
});

test("many are counted within four standard errors, alone and merged, as numbers and as text", () => {
  for (const count of [3_000, 20_000, 100_000, 1_000_000]) {
    const numbers = new DistinctSketch();
    const left = new DistinctSketch();
    const right = new DistinctSketch();
    const texts = new DistinctSketch();
    for (let i = 0; i < count; i++) {
      numbers.addNumber(i * 0.37);
      (i % 3 === 0 ? left : right).addNumber(i * 0.37);
      if (i % 5 === 0) left.addNumber(i * 0.37);
      if (count <= 100_000) texts.addText(`user-${i}`);
    }
    left.merge(right);
    expect(left.count()).toBe(numbers.count());
    const bound = 4 * STANDARD_ERROR * count;
    expect(Math.abs(numbers.count() - count)).toBeLessThan(bound);
    if (count <= 100_000) expect(Math.abs(texts.count() - count)).toBeLessThan(bound);
    expect(numbers.sizeBytes).toBeLessThan(17_000);
  }
});

/** 20 million rows of one series, made block by block: what a query holds of them it must have copied. */
const ROWS = 10_000;
const BLOCKS = 2_000;
async function* manyBlocks({ fields }: ScanRequest): AsyncGenerator<RowBatch> {
  const series = { key: "m,host=a", tags: new Map([["host", "a"]]) };
  const times = new BigInt64Array(ROWS);
  for (let b = 0; b < BLOCKS; b++) {
    for (let i = 0; i < ROWS; i++) times[i] = BigInt(b * ROWS + i);
    const values = new Float64Array(ROWS);
    for (let i = 0; i < ROWS; i++) values[i] = 1 + ((b * ROWS + i) % 1_000_003);
    const column = { type: FieldType.Float, values, present: null };
    yield { series: [series], ends: [ROWS], times: times.slice(), columns: fields.map(() => column) };
  }
}

test("a group of 20 million values is answered in less than 100 KB", async () => {
  const source = {
    scan: manyBlocks,
    fold: () => {
      throw new Error("nothing here is folded");
    },
  } as unknown as Rows;
  const plan = (await planStatement(
    parseQuery("SELECT percentile_approx(v, 99), percentile_approx(v, 50), count_distinct(v) FROM m")[0]!,
    {
      database: "db0",
      retentionPolicy: "",
      nowNs: 0n,
      administration: {
        retentionPolicies: () => [{ name: "autogen", durationNs: 0n, shardDurationNs: 1n, isDefault: true }],
      },
      metadata: {
        measurements: async () => ["m"],
        fields: async () => [{ name: "v", type: FieldType.Float }],
        tagKeys: async () => ["host"],
      },
    } as unknown as Parameters<typeof planStatement>[1],
  )) as SelectPlan;
  expect(explain(plan)).toContain("  from m (db0.autogen): scan of v into sketches");
  let held = 0;
  let most = 0;
  const budget = {
    check: () => {},
    hold: (sizeBytes: number) => {
      held += sizeBytes;
      most = Math.max(most, held);
    },
  };
  const context = { source, budget, nowNs: 0n } as unknown as Parameters<typeof executeSelect>[1];
  const [series] = await Array.fromAsync(executeSelect(plan, context));
  const [, p99, p50, distinct] = series!.rows[0] as [bigint, number, number, number];
  expect(Math.abs(p99 - 990_003) / 990_003).toBeLessThan(1.1 * RELATIVE_ERROR);
  expect(Math.abs(p50 - 500_002) / 500_002).toBeLessThan(1.1 * RELATIVE_ERROR);
  expect(Math.abs(distinct - 1_000_003) / 1_000_003).toBeLessThan(4 * STANDARD_ERROR);
  expect(most).toBeLessThan(100_000);
});
