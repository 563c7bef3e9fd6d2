// The frame of a query: which rows it reads and which windows of time its answer has.
//
//      minTime                                                      maxTime
//         |  lead   |        windows of the answer          |         |
//         +----+----+----+----+----+----+----+----+----+----+....+....+
//       bounds[0]  [lead]                          bounds[windows]  tail
//
// `lead` windows (or, descending, `trail` windows at the other end) are read only for a transformation, which looks
// at what came before. The tail are windows up to now that can hold no row, since data ends before: they
// exist as filled rows only, so ten years of empty windows cost nothing until they are printed.
import type { Budget, Rows } from "../model/scan.ts";
import { MAX_TIME, MIN_TIME } from "../model/types.ts";
import { blocksOf } from "./blocks.ts";
import { looksBack, transformsFilled } from "./calls.ts";
import type { Input, SelectPlan } from "./plan.ts";
import { selectionOf } from "./selection.ts";
import { WindowRule } from "./windows.ts";

/** From this many windows on it pays to ask where the data ends. */
const MANY_WINDOWS = 10_000;

export interface Frame {
  /** Inclusive, ns: what is read. */
  readonly minTime: bigint;
  readonly maxTime: bigint;
  /** Ascending; one more than there are windows. Without GROUP BY time one window holds everything. */
  readonly bounds: BigInt64Array;
  readonly lead: number;
  readonly trail: number;
  readonly tail: number;
  /** No lower bound was given: a group's answer begins at its first window with a value. */
  readonly openStart: boolean;
  /** Start of window `index`, also in the tail. */
  time(index: number): bigint;
}

/** Number of windows that rows can fall in. */
export function windowCount(frame: Frame): number {
  return frame.bounds.length - 1;
}

/** The frame of an input, with `extraWindows` before the first; null when it holds no row. */
export async function frameOf(
  plan: SelectPlan,
  input: Input,
  extraWindows: number,
  context: { readonly source: Rows; readonly budget: Budget; readonly nowNs: bigint },
): Promise<Frame | null> {
  let { minTime, maxTime } = plan;
  if (plan.window === null) {
    if (minTime > maxTime) return null;
    const bounds = BigInt64Array.of(minTime, maxTime + 1n);
    return {
      minTime,
      maxTime,
      bounds,
      lead: 0,
      trail: 0,
      tail: 0,
      openStart: false,
      time: (i) => bounds[i]!,
    };
  }
  const rule = new WindowRule(plan.window, plan.timezone);
  const openStart = minTime === MIN_TIME;
  if (maxTime === MAX_TIME) maxTime = context.nowNs;
  const wantedEnd = maxTime;
  const isExtended = extraWindows > 0 && (plan.descending || !openStart);
  // until when rows are read
  let readEnd = isExtended && plan.descending ? rule.shift(maxTime, extraWindows) : maxTime;
  const probe = (descending: boolean) => edgeTime(plan, input, minTime, readEnd, descending, context);
  if (openStart) {
    const first = await probe(false);
    if (first === null) return null;
    minTime = first < maxTime ? first : maxTime;
  }
  if (minTime > maxTime) return null;
  const needsAll = plan.timezone !== null || transformsFilled(plan, input) || looksBack(plan);
  if (!needsAll && rule.estimate(minTime, maxTime) > MANY_WINDOWS) {
    const last = await probe(true);
    if (last === null) return null;
    if (last <= maxTime) maxTime = readEnd = last;
  }
  const inner = rule.bounds(minTime, maxTime);
  const tail = rule.estimate(inner[inner.length - 2]!, wantedEnd) - 1;
  const isTailed = !needsAll && extraWindows === 0;
  if (isExtended && !plan.descending) minTime = rule.shift(minTime, -extraWindows);
  maxTime = readEnd;
  const bounds = extraWindows > 0 ? rule.bounds(minTime, maxTime) : inner;
  const lead = inner.length < bounds.length ? indexOf(bounds, inner[0]!) : 0;
  const times: bigint[] = [];
  const last = bounds[bounds.length - 2]!;
  const windows = bounds.length - 1;
  return {
    minTime,
    maxTime,
    bounds,
    lead,
    trail: bounds.length - inner.length - lead,
    tail: isTailed ? tail : 0,
    openStart,
    time: (i) => {
      if (i >= windows) return rule.after(last, i - windows + 1);
      times[i] ??= bounds[i]!;
      return times[i];
    },
  };
}

/** Time of the first (or last) row of the input within a range; null when there is none. */
async function edgeTime(
  plan: SelectPlan,
  input: Input,
  minTime: bigint,
  maxTime: bigint,
  descending: boolean,
  context: { readonly source: Rows; readonly budget: Budget },
): Promise<bigint | null> {
  const selection = selectionOf(plan, input);
  const request = { ...selection, minTime, maxTime, fields: input.fields, limit: 1, descending };
  let edge: bigint | null = null;
  for await (const batch of context.source.scan({ ...request, edge: true, budget: context.budget }))
    for (const { times, start, rowCount } of blocksOf(batch)) {
      if (rowCount === 0) continue;
      const time = times[descending ? start + rowCount - 1 : start]!;
      if (edge === null || (descending ? time > edge : time < edge)) edge = time;
    }
  return edge;
}

function indexOf(bounds: BigInt64Array, time: bigint): number {
  const index = bounds.indexOf(time);
  return Math.max(index, 0);
}
