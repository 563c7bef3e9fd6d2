// What growth.ts measured, as a page: tables, a paragraph about every slope that is not flat, and a plot (growth-plot.ts).
import { type Axis, axes, type Cost, costs, type GrowthRun, slopeOf } from "./growth.ts";
import { megabytes, milliseconds, tableText } from "./table.ts";

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
  return `${parts.join("\n\n")}\n`;
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
