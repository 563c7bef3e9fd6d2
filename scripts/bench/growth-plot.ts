// The plot of growth.ts: for each axis, the cost of one value or series relative to that in the smallest run.
//
// Both scales are logarithmic. A level line is a cost that grows as the data does, one that falls a cost that grows less.
import { type Axis, axes, type Cost, costs, type GrowthRun } from "./growth.ts";
import { costNames } from "./growth-report.ts";

const WIDTH = 420;
const HEIGHT = 300;
const LEFT = 56;
const TOP = 40;
const GAP = 80;
const LEGEND = 20 + 18 * costs.length;

// (distinct also without colours: each has its own dashes)
const strokes: Readonly<Record<Cost, readonly [colour: string, dashes: string]>> = {
  cpuS: ["#0072b2", ""],
  diskBytes: ["#d55e00", "8 3"],
  peakBytes: ["#009e73", "2 3"],
  startMs: ["#cc79a7", "8 3 2 3"],
  startedBytes: ["#666666", "4 4"],
  queryMs: ["#b8860b", "12 4"],
};

/** An SVG document. */
export function plotGrowth(runs: readonly GrowthRun[]): string {
  const width = LEFT + axes.length * (WIDTH + GAP);
  const height = TOP + HEIGHT + 50 + LEGEND;
  const panels = axes.map((axis, i) => {
    const ofAxis = runs.filter((run) => run.axis === axis);
    return `<g transform="translate(${LEFT + i * (WIDTH + GAP)} ${TOP})">${panel(axis, ofAxis)}</g>`;
  });
  const legend = costs.map((cost, i) => {
    const y = TOP + HEIGHT + 60 + 18 * i;
    return `<path d="M ${LEFT} ${y} h 40" ${stroke(cost)}/><text x="${LEFT + 48}" y="${y + 4}">${costNames[cost]}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    "<title>How the cost of one value and of one series changes as they become more</title>",
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...panels,
    ...legend,
    "</svg>\n",
  ].join("\n");
}

function panel(axis: Axis, runs: readonly GrowthRun[]): string {
  const decades = (values: readonly number[]) => ({
    low: Math.floor(Math.log10(Math.min(...values)) + 1e-9),
    high: Math.max(
      Math.ceil(Math.log10(Math.max(...values)) - 1e-9),
      Math.floor(Math.log10(Math.min(...values))) + 1,
    ),
  });
  const relative = (run: GrowthRun, cost: Cost) =>
    run.costs[cost] / run.size / (runs[0]!.costs[cost] / runs[0]!.size);
  const xs = decades(runs.map((run) => run.size));
  const ys = decades(runs.flatMap((run) => costs.map((cost) => relative(run, cost))));
  const x = (size: number) => ((Math.log10(size) - xs.low) / (xs.high - xs.low)) * WIDTH;
  const y = (ratio: number) => (1 - (Math.log10(ratio) - ys.low) / (ys.high - ys.low)) * HEIGHT;
  const parts = [
    `<text x="0" y="-16" font-weight="bold">cost of one ${axis === "values" ? "value" : "series"}, 1 = in the smallest run</text>`,
    `<text x="${WIDTH / 2}" y="${HEIGHT + 34}" text-anchor="middle">${axis}</text>`,
  ];
  for (let power = xs.low; power <= xs.high; power++) {
    const at = x(10 ** power).toFixed(1);
    parts.push(`<path d="M ${at} 0 V ${HEIGHT}" stroke="#dddddd"/>`);
    parts.push(
      `<text x="${at}" y="${HEIGHT + 16}" text-anchor="middle">${(10 ** power).toLocaleString("en")}</text>`,
    );
  }
  for (let power = ys.low; power <= ys.high; power++) {
    const at = y(10 ** power).toFixed(1);
    parts.push(`<path d="M 0 ${at} H ${WIDTH}" stroke="${power === 0 ? "#888888" : "#dddddd"}"/>`);
    parts.push(`<text x="-6" y="${Number(at) + 4}" text-anchor="end">${10 ** power}</text>`);
  }
  for (const cost of costs) {
    const points = runs.map((run) => `${x(run.size).toFixed(1)},${y(relative(run, cost)).toFixed(1)}`);
    parts.push(`<polyline points="${points.join(" ")}" ${stroke(cost)}/>`);
    for (const point of points) {
      const [cx, cy] = point.split(",");
      parts.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${strokes[cost][0]}"/>`);
    }
  }
  return parts.join("\n");
}

function stroke(cost: Cost): string {
  const [colour, dashes] = strokes[cost];
  return `fill="none" stroke="${colour}" stroke-width="2"${dashes ? ` stroke-dasharray="${dashes}"` : ""}`;
}
