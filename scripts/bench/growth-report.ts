// What growth.ts measured, as a page: tables, a paragraph about every slope that is not flat, and a plot (growth-plot.ts).
import { type Axis, axes, type Cost, costs, type GrowthRun, slopeOf } from "./growth.ts";
import { Random } from "./random.ts";
import { megabytes, milliseconds, tableText } from "./table.ts";
import { hostPrefix } from "./tsbs.ts";

export const costNames: Readonly<Record<Cost, string>> = {
  cpuS: "CPU of the load",
  diskBytes: "bytes on disk",
  peakBytes: "peak memory of the load",
  startMs: "start",
  startedBytes: "memory after the start",
  queryMs: "count of all rows",
};

const formats: Readonly<Record<Cost, (run: GrowthRun) => string>> = {
  cpuS: ({ costs: { cpuS }, values }) =>
    `${cpuS.toFixed(2)} s (${((cpuS / values) * 1e9).toFixed(0)} ns a value)`,
  diskBytes: ({ costs: { diskBytes }, values }) => `${(diskBytes / values).toFixed(2)} a value`,
  peakBytes: (run) => megabytes(run.costs.peakBytes),
  startMs: (run) => milliseconds(run.costs.startMs),
  startedBytes: (run) => megabytes(run.costs.startedBytes),
  queryMs: (run) => milliseconds(run.costs.queryMs),
};

/** Slopes between these are called flat: what repeated runs of the same differ by. */
export const FLAT = 0.1;

/** Why a cost of one value or series falls as they become more. */
const falls: Readonly<Record<Axis, Readonly<Record<Cost, string>>>> = {
  values: {
    cpuS: "starting, compiling the kernels and warming up are paid once, and the series are new only in the first rows",
    diskBytes:
      "the catalog, the keys and the index of a series are written once for all of its rows, and longer pages compress better",
    peakBytes:
      "rows in memory are bounded by `max-mem-size`, whatever comes, and the program itself is there from the start (mapped pages of segments that merges read count, too)",
    startMs: "a start reads manifests and catalogs, which grow with segments and series, and no rows",
    startedBytes: "segments are mapped, not loaded",
    queryMs: "the request is paid once, and pages that are counted whole are counted from their statistics",
  },
  series: {
    cpuS: "starting, compiling the kernels and warming up are paid once",
    diskBytes: "files have heads and take whole blocks of the disk, in each partition",
    peakBytes: "the program itself is there from the start",
    startMs: "starting the program and its threads is paid once",
    startedBytes: "the program itself is there from the start",
    queryMs: "the request is paid once, and series share row groups",
  },
};

/** Why it can rise. */
const rises: Partial<Record<Cost, string>> = {
  cpuS: "merges write again what small segments hold, and tables of series outgrow the caches of the processor",
  peakBytes: "a flush runs beside new rows, so that memory holds up to twice `max-mem-size`",
};

/** `plot`: where the picture is, from the page. */
export function renderGrowth(runs: readonly GrowthRun[], head: string, plot: string): string {
  const parts = ["# How cost grows", head, `![cost of one value, or series, as they become more](${plot})`];
  for (const axis of axes) {
    const ofAxis = runs.filter((run) => run.axis === axis);
    const rows = [
      [axis, ...costs.map((cost) => costNames[cost])],
      ...ofAxis.map((run) => [run.size.toLocaleString("en"), ...costs.map((cost) => formats[cost](run))]),
      ["slope", ...costs.map((cost) => slopeOf(ofAxis, cost).toFixed(2))],
    ];
    parts.push(`## By ${axis}`, tableText(rows), explain(axis, ofAxis));
  }
  const bySeries = runs.filter(({ axis }) => axis === "series");
  // (from fewer there is no line to ten million)
  if (bySeries.at(-1)!.size >= LEAST_SERIES)
    parts.push(`## ${MANY_SERIES.toLocaleString("en")} series`, tenMillion(bySeries));
  return `${parts.join("\n\n")}\n`;
}

const MANY_SERIES = 10_000_000;
const LEAST_SERIES = 100_000;
const PARTITIONS = 16;

/** What many series cost by what the last ones that were measured cost each, and in the catalog by its layout. */
export function tenMillion(runs: readonly GrowthRun[]): string {
  const [smaller, larger] = [runs.at(-2)!, runs.at(-1)!];
  const slope = (cost: Cost) => (larger.costs[cost] - smaller.costs[cost]) / (larger.size - smaller.size);
  const costOf = (cost: Cost) => larger.costs[cost] + slope(cost) * (MANY_SERIES - larger.size);
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const { keyBytes, tags, valueBytes } = meanKey();
  const inCatalog = catalogBytes(MANY_SERIES, tags, valueBytes);
  const between = `${smaller.size.toLocaleString("en")} and ${larger.size.toLocaleString("en")}`;
  return [
    `By what each series between ${between} costs: CPU of the load ${costOf("cpuS").toFixed(0)} s, disk ${gigabytes(costOf("diskBytes"))}, start ${(costOf("startMs") / 1000).toFixed(1)} s, memory after the start ${gigabytes(costOf("startedBytes"))} (${slope("startedBytes").toFixed(0)} bytes a series), count of all rows ${(costOf("queryMs") / 1000).toFixed(1)} s.`,
    `On paper: the catalog (\`src/kernels/assembly/catalog.ts\`) has 6 bytes of each series, one of each of its tags and their values, here ${(tags + valueBytes).toFixed(0)} for a key of ${keyBytes.toFixed(0)}, whose names stand there once for all, 4 for its place by id and 4 in a hash table of which at most half is used, both of a power of two: ${gigabytes(inCatalog)}, ${(inCatalog / MANY_SERIES).toFixed(0)} bytes a series. It stands in linear memory, of which a thread has 4 GiB: of ${Math.floor((2 ** 32 / inCatalog) * 10)} million such series one thread would have no room for rows. Threads share the series between them.`,
  ].join("\n");
}

// Of the series that `growth.ts` writes: the key, its tags, the bytes of their values.
function meanKey(): { keyBytes: number; tags: number; valueBytes: number } {
  const random = new Random(1);
  const some = 1000;
  const keys = Array.from({ length: some }, (_, i) => hostPrefix(MANY_SERIES - 1 - i, random));
  const values = keys.map((key) => [...key.matchAll(/=([^,]*)/g)].map(([, value]) => value!.length));
  const sum = (lengths: readonly number[]) => lengths.reduce((total, length) => total + length, 0);
  return {
    keyBytes: sum(keys.map(({ length }) => length)) / some,
    tags: values[0]!.length,
    valueBytes: sum(values.flat()) / some,
  };
}

/** What a catalog of so many series of one shape takes, in all partitions, bytes. */
export function catalogBytes(seriesCount: number, tags: number, valueBytes: number): number {
  const each = seriesCount / PARTITIONS;
  const powerOfTwo = (least: number) => 2 ** Math.ceil(Math.log2(least));
  const places = powerOfTwo(each) * 4;
  const slots = powerOfTwo(2 * each) * 4;
  return PARTITIONS * (each * (6 + tags + valueBytes) + places + slots);
}

/** Every slope that is not flat, and why. */
export function explain(axis: Axis, runs: readonly GrowthRun[]): string {
  const one = axis === "values" ? "value" : "series";
  const sentences = costs.flatMap((cost) => {
    const slope = slopeOf(runs, cost);
    if (Math.abs(slope) <= FLAT) return [];
    const name = `${costNames[cost]} for one ${one}`;
    if (slope < 0) return [`${capital(name)} falls (${slope.toFixed(2)}): ${falls[axis][cost]}.`];
    const why = rises[cost] ?? "nothing in the design says so, and a profile should";
    return [`${capital(name)} rises (${slope.toFixed(2)}): ${why}.`];
  });
  const meaning = `The slope is the exponent with which the cost of one ${one} grows: 0 is flat, -1 means that many cost what few do.`;
  return [meaning, ...(sentences.length > 0 ? sentences : ["All are flat."])].join("\n");
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
