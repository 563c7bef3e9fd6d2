// When a continuous query is due, and over which windows: pure.
//
//   time ────┬────┬────┬────┬──▶     boundaries of `every` (on the grid of the offset and the zone's clock)
//            done       next  now    due once `next`, the first boundary after `done`, has come
//
//   from  one interval (or RESAMPLE FOR) before `next`, at a window's start
//   to    the end of the last window that is whole by now; with `every` shorter than a window, the end of the one that
//         `every` is about to fill
//
// So what was missed while the process was down lies in the range as well. A long absence is caught up in several runs.
import type { ContinuousSchedule } from "../query/continuous.ts";
import { Zone } from "../query/zones.ts";

export interface DueRun {
  /** Range of the SELECT: [fromNs, toNs); empty when there is nothing to compute yet. */
  readonly fromNs: bigint;
  readonly toNs: bigint;
  /** What is done once it has run, ns. */
  readonly doneNs: bigint;
}

/** The run that is due; null = none yet. `mostWindows`: that it covers at most, beside RESAMPLE FOR. */
export function dueRun(
  schedule: ContinuousSchedule,
  doneNs: bigint,
  nowNs: bigint,
  mostWindows: number,
): DueRun | null {
  const { intervalNs, everyNs, forNs } = schedule;
  const now = boundary(schedule, nowNs, everyNs);
  const next = boundary(schedule, doneNs, everyNs) + everyNs;
  if (next > now) return null;
  const far = boundary(schedule, doneNs + BigInt(mostWindows) * intervalNs, everyNs);
  const upTo = far < next ? next : far < now ? far : now;
  const start = next - (forNs ?? (everyNs > intervalNs ? everyNs : intervalNs));
  // FOR says how far to look back at most; without it no time between two runs may be left out
  const isWhole = forNs === null && everyNs > intervalNs;
  const fromNs = boundary(schedule, isWhole ? start : start + intervalNs - 1n, intervalNs);
  const ahead = everyNs < intervalNs ? intervalNs - everyNs : 0n;
  return { fromNs, toNs: boundary(schedule, upTo + ahead, intervalNs), doneNs: upTo };
}

/** The last boundary of `everyNs` at or before a time. */
export function boundary(schedule: ContinuousSchedule, timeNs: bigint, everyNs: bigint): bigint {
  const { offsetNs, timezone } = schedule;
  const shift = offsetNs - (timezone === null ? 0n : new Zone(timezone).offsetNs(timeNs));
  const past = (timeNs - shift) % everyNs;
  return timeNs - (past < 0n ? past + everyNs : past);
}
