// The benchmark as its users run it, quick, and what it says of how cost grows.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { type Axis, axes, type Cost, costs, type GrowthRun, slopeOf } from "../scripts/bench/growth.ts";
import { plotGrowth } from "../scripts/bench/growth-plot.ts";
import { catalogBytes, explain, renderGrowth, tenMillion } from "../scripts/bench/growth-report.ts";
import { Kernels } from "../src/kernels/kernels.ts";

/** A run whose costs are `each(cost)` for one value or series. */
function growthRun(axis: Axis, size: number, each: (cost: Cost) => number): GrowthRun {
  const entries = costs.map((cost) => [cost, each(cost) * size]);
  return { axis, size, values: size, series: size, costs: Object.fromEntries(entries) as GrowthRun["costs"] };
}

/** The CPU of one gets dearer, its memory cheaper, the rest stays. */
const growing = axes.flatMap((axis) =>
  [1e6, 1e7, 1e8].map((size) =>
    growthRun(axis, size, (cost) => (cost === "cpuS" ? size ** 0.5 : cost === "peakBytes" ? 1e6 / size : 1)),
  ),
);

test("growth: slopes are those of one value, and each that is not flat is explained", () => {
  const runs = growing.filter(({ axis }) => axis === "values");
  expect(slopeOf(runs, "cpuS")).toBeCloseTo(0.5, 9);
  expect(slopeOf(runs, "peakBytes")).toBeCloseTo(-1, 9);
  expect(slopeOf(runs, "startMs")).toBeCloseTo(0, 9);
  const lines = explain("values", runs).split("\n");
  expect(lines).toHaveLength(3);
  expect(lines[1]).toStartWith("CPU of the load for one value rises (0.50): merges");
  expect(lines[2]).toStartWith("Peak memory of the load for one value falls (-1.00): rows in memory");
  const flat = [1e6, 1e7].map((size) => growthRun("series", size, () => 2));
  expect(explain("series", flat)).toEndWith("\nAll are flat.");
  const page = renderGrowth(growing, "head", "plot.svg");
  expect(page).toContain("](plot.svg)");
  expect(page.match(/^\| 100,000,000 /gm)).toHaveLength(2);
});

test("growth: what ten million series cost follows from the last two runs, and is what a catalog takes", () => {
  const runs = [1e5, 1e6].map((size) =>
    growthRun("series", size, (cost) => (cost === "startedBytes" ? 300 : 1e-5)),
  );
  const text = tenMillion(runs);
  expect(text).toContain("memory after the start 3.0 GB (300 bytes a series)");
  expect(text).toContain("CPU of the load 100 s");
  expect(renderGrowth(growing, "head", "plot.svg")).toContain("## 10,000,000 series");
  const few = axes.map((axis) => growthRun(axis, 1000, () => 1));
  expect(renderGrowth(few, "head", "plot.svg")).not.toContain("10,000,000");
  // as the kernels lay it out
  const kernels = new Kernels();
  const record = kernels.alloc(64);
  kernels.view(record, 64).fill(0);
  const before = kernels.call.areaUsed();
  kernels.call.catalogOpen(record);
  const key = new TextEncoder().encode("m,host=000000");
  const at = kernels.alloc(64);
  const count = 150_000;
  for (let i = 0; i < count; i++) {
    kernels.put(at, key);
    kernels.put(at + 7, new TextEncoder().encode(String(i).padStart(6, "0")));
    kernels.call.catalogAppend(record, Bun.hash.xxHash64(kernels.view(at, 13)) as bigint, 0, at, 13);
  }
  const used = kernels.call.areaUsed() - before;
  expect(used / (catalogBytes(16 * count, 1, 6) / 16)).toBeWithin(0.95, 1.1);
});

test("growth: the plot has every run of every cost inside its frame", () => {
  const svg = plotGrowth(growing);
  const lines = [...svg.matchAll(/<polyline points="([^"]+)"/g)].map(([, points]) =>
    points!.split(" ").map((point) => point.split(",").map(Number)),
  );
  expect(lines).toHaveLength(axes.length * costs.length);
  for (const line of lines) {
    expect(line.map(([x]) => x)).toEqual([0, 210, 420]);
    for (const [, y] of line) expect(y! >= 0 && y! <= 300).toBe(true);
  }
  // CPU rises by a decade, memory falls by two, on a scale of three
  expect(lines[0]!.map(([, y]) => y)).toEqual([100, 50, 0]);
  expect(lines[2]!.map(([, y]) => y)).toEqual([100, 200, 300]);
  const open = svg.match(/<(g|text)\b/g)!.length;
  expect(svg.match(/<\/(g|text)>/g)).toHaveLength(open);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});

/** Runs the benchmark as its users do; its table. */
async function runBench(...args: string[]): Promise<string> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "../scripts/bench.ts"), ...args], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  expect(child.exitCode, errors).toBe(0);
  return output;
}

test("a quick run has a figure in every row of every section", async () => {
  const table = await runBench("--quick", "--peers", "none", "--kinds", "decimal", "--series", "2000");
  expect(table).toContain("A quick run shows that everything runs.");
  const rows = table.split("\n").filter((line) => line.startsWith("| "));
  const titles = rows.filter((row) => row.startsWith("| **")).map((row) => /\*\*(.+?)[,*]/.exec(row)![1]);
  expect(titles).toEqual([
    "alone",
    "load",
    "queries",
    "other paths",
    "the same queries",
    "the same with a cold page cache",
    "start-up with this data",
    "2",
    "load of gzip bodies",
    "stages of the load",
    "single points from 64 connections",
    "single points from 64 connections",
    "8 dashboards",
    "bytes a value on disk",
  ]);
  for (const row of rows.slice(2)) {
    if (row.startsWith("| **")) continue;
    expect(row).toMatch(/\| +-?\d[\d.]*( [\w/%]+)? \|$/);
  }
}, 240_000);

test("a quick look at growth", async () => {
  const page = await runBench("--quick", "--growth");
  expect(page.match(/^\| [\d,]+ +\|/gm)).toHaveLength(4);
  expect(page).toContain("Made by `bun run bench --quick --growth`.");
  expect(page).toContain("not for comparison");
  expect(page).not.toMatch(/NaN|Infinity|undefined/);
}, 120_000);
