// Selectors: the index of the one point of [from, to) whose value is the answer. Never called with no points.
//
// Ties: min and max take the earliest; first and last compare points of the same time (of several series) by value and
// take the greater, for first of booleans false. (InfluxDB's rules; sources fold by the same ones.)
import { FieldType } from "../../model/types.ts";
import type { FunctionName } from "../functions.ts";
import type { Points } from "../points.ts";
import { percentileIndex } from "./order-statistics.ts";

/** Index of the selected point, -1 = none. */
export type Selector = (points: Points, from: number, to: number) => number;

/** The selector of a name; null when the name is not one of a selector. */
export function selectorNamed(name: FunctionName, parameters: readonly number[]): Selector | null {
  switch (name) {
    case "min":
      return (points, from, to) => {
        const { values } = points;
        let best = from;
        for (let i = from + 1; i < to; i++) if (values[i]! < values[best]!) best = i;
        return best;
      };
    case "max":
      return (points, from, to) => {
        const { values } = points;
        let best = from;
        for (let i = from + 1; i < to; i++) if (values[i]! > values[best]!) best = i;
        return best;
      };
    case "first":
      return firstPoint;
    case "last":
      return lastPoint;
    case "percentile":
      return (points, from, to) => percentileIndex(points, from, to, parameters[0]!);
    default:
      return null;
  }
}

function firstPoint(points: Points, from: number, to: number): number {
  const { values, times } = points;
  const wantsSmaller = points.type === FieldType.Boolean;
  const time = times[from]!;
  let best = from;
  for (let i = from + 1; i < to && times[i] === time; i++)
    if (wantsSmaller ? values[i]! < values[best]! : values[i]! > values[best]!) best = i;
  return best;
}

function lastPoint(points: Points, from: number, to: number): number {
  const { values, times } = points;
  const time = times[to - 1]!;
  let best = to - 1;
  for (let i = to - 2; i >= from && times[i] === time; i--) if (values[i]! >= values[best]!) best = i;
  return best;
}
