// EXPLAIN and EXPLAIN ANALYZE as statements: the plan's lines, and behind them what running it took.
//
//   scan: 12 blocks, 24000 rows of 12 series in 1.204 ms       what was read row by row
//   fold: 16 groups, 100000 values in 0.310 ms                 what the stores have aggregated themselves
//   shares: 2, 48000 bytes in 0.910 ms                         what threads have made and written themselves
//   evaluation: 0.420 ms                                       all else
import type { Clock } from "../base/clock.ts";
import { type ExecutionContext, executeParts } from "./execute.ts";
import { explain } from "./explain.ts";
import { MeteredRows, MeteredShares } from "./metered.ts";
import type { ExplainPlan } from "./plan.ts";
import { areMany, type ResultSeries, rowCount, WrittenSeries } from "./result.ts";

export async function* executeExplain(
  plan: ExplainPlan,
  context: ExecutionContext,
  clock: Clock,
): AsyncGenerator<ResultSeries> {
  const lines = explain(plan.plan);
  if (plan.analyze) lines.push(...(await analyze(plan, context, clock)));
  yield { columns: ["QUERY PLAN"], timeColumn: -1, rows: lines.map((line) => [line]) };
}

async function analyze(plan: ExplainPlan, context: ExecutionContext, clock: Clock): Promise<string[]> {
  const metered = new MeteredRows(context.source, clock);
  const shares = context.shares && new MeteredShares(context.shares, clock);
  const startMs = clock.elapsedMs();
  let rows = 0;
  let series = 0;
  let wasPartial = false;
  // (as it is run for whoever asks for JSON)
  const within = { ...context, source: metered, takesTables: true, ...(shares ? { shares } : {}) };
  for await (const part of executeParts(plan.plan, within)) {
    rows += rowCount(part);
    if (areMany(part) || part instanceof WrittenSeries) series += part.seriesCount;
    else if (!wasPartial) series++;
    wasPartial = "partial" in part && part.partial === true;
  }
  const totalMs = clock.elapsedMs() - startMs;
  const lines = [`ROWS: ${rows}`, `SERIES: ${series}`];
  const { scans, blocks, rows: read, series: of, scanMs, folds, groups, values, foldMs } = metered;
  if (scans > 0)
    lines.push(`SCAN: ${blocks} blocks, ${read} rows of ${of} series in ${milliseconds(scanMs)}`);
  if (folds > 0) lines.push(`FOLD: ${groups} groups, ${values} values in ${milliseconds(foldMs)}`);
  if (shares !== undefined && shares.count > 0)
    lines.push(`SHARES: ${shares.count}, ${shares.bytes} bytes in ${milliseconds(shares.ms)}`);
  const sharesMs = shares?.ms ?? 0;
  lines.push(`EVALUATION TIME: ${milliseconds(Math.max(0, totalMs - scanMs - foldMs - sharesMs))}`);
  lines.push(`EXECUTION TIME: ${milliseconds(totalMs)}`);
  return lines;
}

const milliseconds = (ms: number) => `${ms.toFixed(3)} ms`;
