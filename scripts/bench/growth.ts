// How cost grows: loads of growing size into servers of their own, and what each costs.
//
//   by values   1,000 hosts x 10 fields, more and more steps
//   by series   one row of 10 fields for each of more and more hosts
//
// Each run: load -> settle -> stop -> size -> start (timed) -> memory -> a query over everything (timed, checked).
import { unlinkSync } from "node:fs";
import { type Bodies, generateIngest, generateNewSeries } from "./dataset.ts";
import type { Product } from "./products.ts";
import { type Limits, median, Trial } from "./trial.ts";
import { FIELD_COUNT } from "./tsbs.ts";

export const axes = ["values", "series"] as const;
export type Axis = (typeof axes)[number];

/** Sizes of the runs, rising: values, and series. */
export type GrowthPlan = Readonly<Record<Axis, readonly number[]>>;

export interface GrowthRun {
  readonly axis: Axis;
  /** Values or series, as the axis says. */
  readonly size: number;
  readonly values: number;
  readonly series: number;
  readonly costs: Readonly<Record<Cost, number>>;
}

export const costs = ["cpuS", "diskBytes", "peakBytes", "startMs", "startedBytes", "queryMs"] as const;
/**
 * CPU until all is flushed, s; size on disk; peak memory of the load; time until a server with the data is ready, ms; its
 * memory then; a query that counts all rows, ms.
 */
export type Cost = (typeof costs)[number];

const HOSTS = 1000;
const BATCH_ROWS = 5000;
const QUERY_REPETITIONS = 5;

export function growthPlan({ quick, large }: { quick: boolean; large: boolean }): GrowthPlan {
  if (quick) return { values: [10_000, 100_000], series: [100, 1000] };
  return large
    ? { values: [1e6, 1e7, 1e8], series: [1e3, 1e5, 1e6] }
    : { values: [1e6, 1e7], series: [1e3, 1e5] };
}

/** Throws an Error when a load is not done in time, or the query's answer is wrong. */
export async function measureGrowth(
  product: Product,
  folder: string,
  plan: GrowthPlan,
  { seed, limits, note }: { seed: number; limits: Limits; note: (text: string) => void },
): Promise<GrowthRun[]> {
  const runs: GrowthRun[] = [];
  for (const axis of axes) {
    for (const size of plan[axis]) {
      note(`growth: ${size.toLocaleString("en")} ${axis}`);
      const bodies =
        axis === "values" ? bodiesOfValues(folder, size, seed) : bodiesOfSeries(folder, size, seed);
      const trial = new Trial(product, folder, limits);
      try {
        runs.push(await measureRun(trial, axis, size, bodies));
      } finally {
        await trial.close();
        unlinkSync(bodies.path);
      }
    }
  }
  return runs;
}

function bodiesOfValues(folder: string, size: number, seed: number): Bodies {
  const hostCount = Math.min(HOSTS, Math.ceil(size / FIELD_COUNT / 10));
  const stepCount = Math.round(size / FIELD_COUNT / hostCount);
  return generateIngest(folder, "cpu", { hostCount, stepCount, batchRows: BATCH_ROWS, seed });
}

function bodiesOfSeries(folder: string, size: number, seed: number): Bodies {
  return generateNewSeries(folder, size, BATCH_ROWS, seed);
}

async function measureRun(trial: Trial, axis: Axis, size: number, bodies: Bodies): Promise<GrowthRun> {
  const { product } = trial;
  const { report, flushedCpuS, sizeBytes, peakRssBytes } = await trial.load(bodies);
  if (!report.complete) throw new Error(`${product.name} did not take ${size} ${axis} in time`);
  const { child, base, startMs } = await trial.reopen();
  const startedBytes = child.rssBytes();
  const values = bodies.rowCount * FIELD_COUNT;
  const times: number[] = [];
  for (let i = 0; i < QUERY_REPETITIONS; i++) {
    const start = performance.now();
    const counted = await product.countValues(base, "cpu");
    times.push(performance.now() - start);
    if (counted !== values) throw new Error(`${product.name} counts ${counted} values of ${values}`);
  }
  await trial.stop();
  return {
    axis,
    size,
    values,
    series: axis === "series" ? size : Math.min(HOSTS, values / FIELD_COUNT),
    costs: {
      cpuS: flushedCpuS,
      diskBytes: sizeBytes,
      peakBytes: peakRssBytes,
      startMs,
      startedBytes,
      queryMs: median(times),
    },
  };
}

/**
 * How a cost of one value or series changes with their number, from the smallest to the largest run: the exponent of a
 * power. 0 = flat; 0.3 = ten times as many cost twice as much each; -1 = all together cost what few did.
 */
export function slopeOf(runs: readonly GrowthRun[], cost: Cost): number {
  const [first, last] = [runs[0]!, runs.at(-1)!];
  const each = (run: GrowthRun) => run.costs[cost] / run.size;
  return Math.log(each(last) / each(first)) / Math.log(last.size / first.size);
}
