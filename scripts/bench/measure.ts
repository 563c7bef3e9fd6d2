// What is measured of one product, in which order. What the figures mean: figures.ts.
import { measureParser } from "../bench-parser.ts";
import { compress } from "./compressed.ts";
import { INGEST_MEASUREMENT, type Ingest, measureDashboards } from "./dashboards.ts";
import { type Bodies, type Dataset, generate, generateIngest, generateNewSeries } from "./dataset.ts";
import type { Measured, ShapeResult } from "./figures.ts";
import { MANY_CONNECTIONS } from "./figures-more.ts";
import type { Flags } from "./flags.ts";
import { measureFold } from "./fold-speed.ts";
import { dropPageCache } from "./page-cache.ts";
import { ceiling, type Product } from "./products.ts";
import { paths, queries } from "./queries.ts";
import { generateShape, type ShapedData, shapeMeasurement, shapeNames, shapes } from "./shapes.ts";
import { measureSingles, singleForms } from "./singles.ts";
import { checkStored } from "./stored.ts";
import { milliseconds } from "./table.ts";
import { type Limits, type Running, Trial } from "./trial.ts";
import { FIELD_COUNT, kindNames, START_S, STEP_S } from "./tsbs.ts";

export const BATCH_ROWS = 5000;
/** Steps of the bodies that are written again and again, later each time. */
const INGEST_STEPS = 100;
const SMALL_HOSTS = 20;
/** Months before all others: whoever keeps files by time has them in files of their own. */
const SMALL = { measurement: "small", startS: START_S - 90 * 86_400 };

/** What all products get. */
export interface Material {
  readonly datasets: readonly Dataset[];
  readonly burst: Bodies | null;
  /** The first data set's, compressed. */
  readonly gzip: Bodies | null;
  /** What is written beside dashboards. */
  readonly ingest: Ingest | null;
  /** What the queries are asked of to warm up their code, and not the data that is asked for then. */
  readonly small: Dataset | null;
  readonly shaped: readonly ShapedData[];
}

export function limitsOf(flags: Flags): Limits {
  return {
    connections: 4,
    loadTimeoutMs: 300_000,
    settleTimeoutMs: 120_000,
    warmUpMs: flags.quick ? 100 : 1000,
    queryTimeoutMs: 10_000,
    repetitions: flags.repetitions,
    measureMs: flags.quick ? 0 : 1000,
    coldRepetitions: flags.quick ? 1 : 3,
    coldWarmUpMs: 100,
  };
}

/** Generates it once, in files below `folder`. */
export function generateMaterial(folder: string, flags: Flags): Material {
  const datasets = flags.kinds.map((kind) => {
    note(`generating ${flags.hostCount} hosts x ${flags.stepCount} steps, ${kindNames[kind]}`);
    return generate(folder, kind, { ...flags, batchRows: BATCH_ROWS });
  });
  const { seriesCount, seed } = flags;
  const burst = seriesCount > 0 ? generateNewSeries(folder, seriesCount, BATCH_ROWS, seed) : null;
  const gzip = flags.more ? compress(datasets[0]!.bodies) : null;
  const stepCount = flags.quick ? INGEST_STEPS / 5 : INGEST_STEPS;
  const ingest = flags.more && {
    bodies: generateIngest(folder, INGEST_MEASUREMENT, { ...flags, stepCount, batchRows: BATCH_ROWS }),
    spanS: stepCount * STEP_S,
  };
  const few = { ...flags, hostCount: SMALL_HOSTS, batchRows: BATCH_ROWS };
  const small = flags.more ? generate(folder, flags.kinds[0]!, few, SMALL) : null;
  const shape = { ...flags, stepCount: flags.quick ? 50 : 500, batchRows: BATCH_ROWS };
  const shaped = flags.more ? shapes.map((name) => generateShape(folder, name, shape)) : [];
  return { datasets, burst, gzip, ingest: ingest || null, small, shaped };
}

/** Starts servers of the product, one after the other; none is left. Throws an Error at a wrong answer. */
export async function measure(
  product: Product,
  folder: string,
  material: Material,
  flags: Flags,
): Promise<Measured> {
  const limits = limitsOf(flags);
  const measured: Measured = {
    ...{
      loads: new Map(),
      queries: new Map(),
      parser: new Map(),
      ceiling: new Map(),
      folds: new Map(),
      cold: new Map(),
      coldWarm: new Map(),
      singles: new Map(),
      shapes: new Map(),
    },
  };
  if (product.isOwn) await measureLimits(folder, limits, material.datasets, measured);
  const trial = new Trial(product, folder, limits);
  try {
    await measureWith(trial, product, material, flags, measured);
    return measured;
  } finally {
    await trial.close();
  }
}

async function measureWith(
  trial: Trial,
  product: Product,
  { datasets, burst, gzip, ingest, small, shaped }: Material,
  flags: Flags,
  measured: Measured,
): Promise<void> {
  const data = datasets[0]!;
  if (product.queriesOnly === true) {
    note(`${product.name}: loading ${kindNames[data.kind]}`);
    const { report } = await trial.load(data.bodies);
    if (!report.complete) return;
    const running = await trial.reopen();
    await askAll(product, running, trial, data, flags, measured);
    if (small) await askCold(product, running, trial, data, small, flags, measured);
    await trial.stop();
    return;
  }
  if (burst) {
    note(`${product.name}: ${burst.rowCount} new series`);
    measured.burst = await trial.load(burst);
  }
  if (gzip) {
    note(`${product.name}: loading gzip`);
    measured.gzip = await trial.load(gzip);
    measured.gzipOfMany = await trial.load(gzip, undefined, MANY_CONNECTIONS);
  }
  if (flags.more) await measureMore(trial, product, flags, measured);
  for (const each of shaped) {
    note(`${product.name}: ${shapeNames[each.shape]}`);
    measured.shapes.set(each.shape, await measureShape(trial, product, each));
  }
  // the first kind last: its data is what the queries run over
  for (const each of [...datasets].reverse()) {
    note(`${product.name}: loading ${kindNames[each.kind]}`);
    measured.loads.set(each.kind, await trial.load(each.bodies));
  }
  if (!flags.queries || !measured.loads.get(data.kind)?.report.complete) return;
  const running = await trial.reopen();
  measured.startMs = running.startMs;
  await askAll(product, running, trial, data, flags, measured);
  if (ingest) {
    note(`${product.name}: dashboards and ingest`);
    const period = { forMs: flags.quick ? 1000 : 10_000, seed: flags.seed };
    measured.dashboards = await measureDashboards(product, running, data, ingest, period);
  }
  if (small) await askCold(product, running, trial, data, small, flags, measured);
  await trial.stop();
}

/** What no server can be faster than, on this machine: the parser alone, with it the receiving, and a fold alone. */
async function measureLimits(
  folder: string,
  limits: Limits,
  datasets: readonly Dataset[],
  measured: Measured,
): Promise<void> {
  for (const { kind, bodies } of datasets) {
    note(`the parser and Elysia alone, ${kindNames[kind]}`);
    const alone = new Trial(ceiling, folder, limits);
    try {
      const { answeredCpuS } = await alone.load(bodies);
      measured.ceiling.set(kind, (bodies.rowCount * FIELD_COUNT) / answeredCpuS);
    } finally {
      await alone.close();
    }
  }
  for (const each of datasets) {
    measured.parser.set(each.kind, measureParser(each));
    measured.folds.set(each.kind, measureFold(each));
  }
}

async function measureShape(trial: Trial, product: Product, data: ShapedData): Promise<ShapeResult> {
  const { report, sizeBytes } = await trial.load(data.bodies, async (base) => {
    await checkStored(product, base, shapeMeasurement(data.shape), data.valueCount);
  });
  if (!report.complete) throw new Error(`${product.name} did not load ${data.shape} in time`);
  return { bytesPerValue: sizeBytes / data.valueCount };
}

async function measureMore(trial: Trial, product: Product, flags: Flags, measured: Measured): Promise<void> {
  const period = flags.quick ? { warmUpMs: 300, forMs: 700 } : { warmUpMs: 2000, forMs: 10_000 };
  const running = await trial.startEmpty();
  for (const form of singleForms) {
    note(`${product.name}: single points, ${form}`);
    measured.singles.set(form, await measureSingles(product, running, form, period));
  }
  await trial.stop();
}

async function askAll(
  product: Product,
  running: Running,
  trial: Trial,
  data: Dataset,
  flags: Flags,
  measured: Measured,
): Promise<void> {
  // all of them share code, which has been running for long where people ask: the first to be measured is not to pay for it
  note(`${product.name}: warming up`);
  for (const query of [...queries, ...paths]) await trial.warmUp(running, query, data, flags.seed);
  for (const query of [...queries, ...paths]) {
    const result = await trial.query(running, query, data, flags.seed);
    measured.queries.set(query, result);
    if (result)
      note(`${product.name}: ${query.name} ${milliseconds(result.medianMs)} (${result.repetitions} times)`);
  }
}

/** Every query of data that no one has read since the machine started: as the first after a start, and with its code warm. */
async function askCold(
  product: Product,
  running: Running,
  trial: Trial,
  data: Dataset,
  small: Dataset,
  flags: Flags,
  measured: Measured,
): Promise<void> {
  if (!dropPageCache()) {
    note("no queries with a cold page cache: only root can empty it");
    return;
  }
  note(`${product.name}: queries with a cold page cache`);
  await trial.add(running, small.bodies);
  for (const query of queries) measured.cold.set(query, await trial.coldQuery(query, data, flags.seed));
  note(`${product.name}: queries with a cold page cache and warm code`);
  for (const query of queries)
    measured.coldWarm.set(query, await trial.coldQuery(query, data, flags.seed, small));
}

export function note(text: string): void {
  console.error(`bench: ${text}`);
}
