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
import { WindowRule } from "../query/windows.ts";

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
  const runs = ruleOf(schedule, everyNs);
  const windows = ruleOf(schedule, intervalNs);
  const now = runs.start(nowNs);
  const next = following(runs, runs.start(doneNs));
  if (next > now) return null;
  const far = runs.start(doneNs + BigInt(mostWindows) * intervalNs);
  const upTo = far < next ? next : far < now ? far : now;
  const ahead = everyNs < intervalNs ? intervalNs - everyNs : 0n;
  return { fromNs: fromOf(), toNs: windows.start(upTo + ahead), doneNs: upTo };

  // FOR says how far to look back at most; without it no time between two runs may be left out
  function fromOf(): bigint {
    if (forNs === null) return windows.start(everyNs > intervalNs ? runs.start(next - 1n) : next - 1n);
    const within = windows.start(next - forNs);
    return within === next - forNs ? within : following(windows, within);
  }
}

/** The last boundary of `everyNs` at or before a time. */
export function boundary(schedule: ContinuousSchedule, timeNs: bigint, everyNs: bigint): bigint {
  return ruleOf(schedule, everyNs).start(timeNs);
}

// The boundaries are those of the query's windows, also where the clock of its zone is changed.
function ruleOf({ offsetNs, timezone }: ContinuousSchedule, everyNs: bigint): WindowRule {
  return new WindowRule({ everyNs, offsetNs, everyMonths: 0, offsetMonths: 0 }, timezone);
}

/** The boundary behind one. */
function following(rule: WindowRule, bound: bigint): bigint {
  return rule.bounds(bound, bound)[1]!;
}
