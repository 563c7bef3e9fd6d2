// Order statistics: what needs the points [from, to) of a window sorted by value.
import { FieldType } from "../../model/types.ts";
import { type Points, pointCell } from "../points.ts";
import type { Cell } from "../result.ts";
import { sortIndices } from "../sorting.ts";
import { STEP, type Steps } from "../turn.ts";

/** The middle value, or half way between the two middle ones: a float also for integers. */
export function median(points: Points, from: number, to: number): Cell {
  const sorted = sortedValues(points, from, to);
  const middle = (to - from) >> 1;
  const high = Number(sorted[middle]!);
  if ((to - from) % 2 === 1) return high;
  const low = Number(sorted[middle - 1]!);
  return low + (high - low) / 2;
}

/**
 * Index of the point at a percentile, 0 to 100, by nearest rank: the point at floor(n * p / 100 + 0.5) of n in
 * order of value, from 1; -1 when that rank is not one of a point.
 */
export function percentileIndex(points: Points, from: number, to: number, percentile: number): number {
  const rank = Math.floor(((to - from) * percentile) / 100 + 0.5) - 1;
  if (rank < 0 || rank >= to - from) return -1;
  const sorted = sortedValues(points, from, to);
  const value = sorted[rank]!;
  // equal values keep their order in time: the point wanted is the k-th that has this value
  let k = 0;
  while (rank - k > 0 && sorted[rank - k - 1] === value) k++;
  const { values } = points;
  for (let i = from; i < to; i++) if (values[i] === value && k-- === 0) return i;
  return -1;
}

/**
 * The most frequent value. InfluxDB's choice among equals is kept, oddity included: walking the values in
 * ascending order, a later one replaces the winner if it occurs as often and its first point is not later than the
 * winner's last one; and values that occur once never replace the smallest. Of booleans it is true when half of them are.
 */
export function mode(points: Points, from: number, to: number): Cell | Steps<Cell> {
  const { values, type } = points;
  if (type === FieldType.Boolean) {
    let trues = 0;
    for (let i = from; i < to; i++) trues += Number(values[i]!);
    return 2 * trues >= to - from;
  }
  const order = new Uint32Array(to - from);
  for (let i = from; i < to; i++) order[i - from] = i;
  // ties by index = by time
  const compare = (a: number, b: number) =>
    values[a]! < values[b]! ? -1 : values[a]! > values[b]! ? 1 : a - b;
  return order.length > STEP ? modeOfMany(points, order, compare) : modeOf(points, order.sort(compare));
}

function* modeOfMany(
  points: Points,
  order: Uint32Array,
  compare: (a: number, b: number) => number,
): Steps<Cell> {
  return modeOf(points, yield* sortIndices(order, compare));
}

/** `order`: the indices of the points in the order of their values, and then of time. */
function modeOf(points: Points, order: Uint32Array): Cell {
  const { values } = points;
  let winner = order[0]!;
  let winnerCount = 0;
  let winnerLast = points.times[winner]!;
  for (let i = 0; i < order.length; ) {
    const first = order[i]!;
    let end = i + 1;
    while (end < order.length && values[order[end]!] === values[first]) end++;
    const count = end - i;
    const isRepeated = count > 1 || i === 0;
    if (
      isRepeated &&
      (count > winnerCount || (count === winnerCount && points.times[first]! <= winnerLast))
    ) {
      winner = first;
      winnerCount = count;
      winnerLast = points.times[order[end - 1]!]!;
    }
    i = end;
  }
  return pointCell(points, winner);
}

function sortedValues(points: Points, from: number, to: number): ArrayLike<number | bigint> {
  const { values, type } = points;
  if (values instanceof Float64Array) return values.slice(from, to).sort();
  const copy = (values as (number | bigint)[]).slice(from, to);
  return type === FieldType.String ? copy : copy.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
