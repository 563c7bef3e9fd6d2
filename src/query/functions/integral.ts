// integral(): the area under the straight lines between points, in units of value x `unitNs`.
//
// With windows, the line that crosses a boundary is cut there and each window gets its part:
//
//        .·'|'·.           the line over a gap of several windows counts, up to the first boundary, for the
//     .·'   |   '·.        window where it starts, and the rest for the window where it ends (InfluxDB's rule)
//     ------+------
//
// Points at the same time (of several series) make no area: the line goes on from the last of them.
import { elapsedNs, wordsOf } from "../cells.ts";
import type { Points } from "../points.ts";
import type { Cell } from "../result.ts";
import type { WindowValues } from "../values.ts";

export function integralWindows(points: Points, bounds: BigInt64Array, unitNs: number): WindowValues {
  const { times, count } = points;
  const values = points.values as ArrayLike<number | bigint>;
  const words = wordsOf(times);
  const single = bounds.length === 2;
  let window = single ? 0 : windowOf(bounds, times[0]!, 0);
  const first = window;
  const areas: Cell[] = [];
  let area = 0;
  let value = Number(values[0]!);
  for (let i = 1; i < count; i++) {
    const next = Number(values[i]!);
    let lineNs = elapsedNs(words, i - 1, i);
    if (lineNs === 0) {
      value = next;
      continue;
    }
    if (!single && times[i]! >= bounds[window + 1]!) {
      const headNs = Number(bounds[window + 1]! - times[i - 1]!);
      const atBoundary = value + ((next - value) / lineNs) * headNs;
      area += 0.5 * (value + atBoundary) * (headNs / unitNs);
      areas.push(area);
      const entered = windowOf(bounds, times[i]!, window);
      while (areas.length < entered - first) areas.push(null);
      window = entered;
      area = 0;
      value = atBoundary;
      lineNs -= headNs;
    }
    area += 0.5 * (value + next) * (lineNs / unitNs);
    value = next;
  }
  areas.push(area);
  return { first, values: areas };
}

function windowOf(bounds: BigInt64Array, time: bigint, from: number): number {
  let low = from;
  let high = bounds.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (bounds[middle]! <= time) low = middle;
    else high = middle;
  }
  return low;
}
