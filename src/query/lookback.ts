// fill(previous, 1h): what the windows before the first value take, from at most so far before the range.
//
//        looked at                      read
//     |       3    5 |                 7           |      values
//     +--+----+----+-+--+----+----+----+----+----+-+      windows; the one that holds the lower bound is cut there
//                  5    5    5    5    7    7    7        previous
//
// It is the value that the last window with one before the range would have shown: for last() the last value, for mean() or
// sum() that of its window. Such a fill runs along time also when the answer is descending, and a group with values only in
// the stretch that is looked at is part of the answer.
import { InputError } from "../base/errors.ts";
import { addMonths } from "./calendar.ts";
import { type Frame, windowCount } from "./frame.ts";
import type { Input, SelectPlan, Window } from "./plan.ts";
import { printFill } from "./print.ts";
import type { Cell } from "./result.ts";
import type { PointValues, WindowValues } from "./values.ts";
import { MAX_WINDOWS, WindowRule } from "./windows.ts";
import { Zone } from "./zones.ts";

/** The frame of the stretch before `frame` that is looked at; null when nothing is. */
export function lookbackFrame(plan: SelectPlan, input: Input, frame: Frame): Frame | null {
  const { fill, window, timezone } = plan;
  if (window === null || fill.kind !== "previous" || fill.within === undefined || frame.openStart)
    return null;
  const { ns, months = 0 } = fill.within;
  const zone = timezone === null ? null : new Zone(timezone);
  const minTime = (months === 0 ? frame.minTime : addMonths(frame.minTime, -months, zone)) - ns;
  const maxTime = frame.minTime - 1n;
  // the last value is the same however the stretch is cut
  const isCut = input.calls.some((call) => call.argument.kind === "field" && call.function !== "last");
  const bounds = isCut ? windowBounds(plan, window, minTime, maxTime) : BigInt64Array.of(minTime, 0n);
  bounds[bounds.length - 1] = frame.minTime;
  return { ...frame, minTime, maxTime, bounds, lead: 0, trail: 0, tail: 0, time: (i) => bounds[i]! };
}

function windowBounds(plan: SelectPlan, window: Window, minTime: bigint, maxTime: bigint): BigInt64Array {
  const rule = new WindowRule(window, plan.timezone);
  const count = rule.estimate(minTime, maxTime);
  if (count <= MAX_WINDOWS) return rule.bounds(minTime, maxTime);
  throw new InputError(
    `${printFill(plan.fill)} would look at ${count} windows before the range, more than ${MAX_WINDOWS}: let it look less far, or use last() alone`,
  );
}

/** The value of the last window that has one; null: none has. */
export function lastValue(values: WindowValues | PointValues | null): Cell {
  if (values === null || "times" in values) return null;
  return values.values.findLast((value) => value !== null) ?? null;
}

/** A call without values in the frame, whose windows all show what stood before it. */
export function carriedWindows(frame: Frame, value: Cell): WindowValues {
  return { first: 0, values: new Array(windowCount(frame)).fill(value) };
}
