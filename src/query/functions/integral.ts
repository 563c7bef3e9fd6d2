// integral(): the area under the straight lines between points, in units of value x `unitNs`.
//
// With windows, the lines are cut at the boundaries and each window gets what lies above it:
//
//        .·'|'·.
//     .·'   |   '·.        (InfluxDB cuts at the first boundary only and gives all the rest of a line over
//     ------+------         several windows to the one where it ends: here each has its share)
//
// Points at the same time (of several series) make no area: the line goes on from the last of them.

import { wordsOf } from "../../model/words.ts";
import { elapsedNs } from "../cells.ts";
import type { Points } from "../points.ts";
import type { Cell } from "../result.ts";
import { STEP, type Steps } from "../turn.ts";
import type { WindowValues } from "../values.ts";

export function* integralWindows(points: Points, bounds: BigInt64Array, unitNs: number): Steps<WindowValues> {
  const { times, count } = points;
  const values = points.values as ArrayLike<number | bigint>;
  const words = wordsOf(times);
  const single = bounds.length === 2;
  let window = single ? 0 : windowOf(bounds, times[0]!);
  const first = window;
  const areas: Cell[] = [];
  let area = 0;
  let value = Number(values[0]!);
  for (let i = 1; i < count; i++) {
    if (i % STEP === 0) yield;
    const next = Number(values[i]!);
    let lineNs = elapsedNs(words, i - 1, i);
    if (lineNs === 0) {
      value = next;
      continue;
    }
    const slope = (next - value) / lineNs;
    let cut = times[i - 1]!;
    while (!single && times[i]! >= bounds[window + 1]!) {
      const boundary = bounds[++window]!;
      const headNs = Number(boundary - cut);
      const atBoundary = value + slope * headNs;
      area += 0.5 * (value + atBoundary) * (headNs / unitNs);
      areas.push(area);
      area = 0;
      value = atBoundary;
      lineNs -= headNs;
      cut = boundary;
    }
    area += 0.5 * (value + next) * (lineNs / unitNs);
    value = next;
  }
  areas.push(area);
  return { first, values: areas };
}

/** Index of the window that holds `time`. */
function windowOf(bounds: BigInt64Array, time: bigint): number {
  let low = 0;
  let high = bounds.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (bounds[middle]! <= time) low = middle;
    else high = middle;
  }
  return low;
}
