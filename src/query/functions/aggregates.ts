// Aggregates: one value for the points [from, to) of a window, at the window's time. Never called with none. What takes long for
// each of them is done in steps.
import { assert } from "../../base/assert.ts";
import { FieldType } from "../../model/types.ts";
import { exactly, integerCell } from "../cells.ts";
import type { FunctionName } from "../functions.ts";
import type { Points } from "../points.ts";
import type { Cell } from "../result.ts";
import type { Steps } from "../turn.ts";
import { median, mode } from "./order-statistics.ts";

export type Aggregate = (points: Points, from: number, to: number) => Cell | Steps<Cell>;

/** The aggregate of a name; null when the name is not one of an aggregate of windows. */
export function aggregateNamed(name: FunctionName): Aggregate | null {
  switch (name) {
    case "count":
      return (_points, from, to) => to - from;
    case "sum":
      return sum;
    case "mean":
      return (points, from, to) => Number(sum(points, from, to)) / (to - from);
    case "spread":
      return spread;
    case "stddev":
      return standardDeviation;
    case "median":
      return median;
    case "mode":
      return mode;
    default:
      return null;
  }
}

/** Sum; of integers exact, wrapping at 64 bits as Go's does. */
function sum(points: Points, from: number, to: number): Cell {
  const values = points.values as ArrayLike<number | bigint>;
  if (points.type === FieldType.Float) {
    let total = 0;
    for (let i = from; i < to; i++) total += values[i] as number;
    return total;
  }
  let total = 0;
  let carried = 0n;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    const next = typeof value === "number" ? total + value : Number.NaN;
    if (Number.isSafeInteger(next)) total = next;
    else {
      carried += BigInt(total) + BigInt(value);
      total = 0;
    }
  }
  return carried === 0n ? total : wrap(points.type, carried + BigInt(total));
}

/** Largest minus smallest. */
function spread(points: Points, from: number, to: number): Cell {
  const values = points.values as ArrayLike<number | bigint>;
  let smallest = values[from]!;
  let largest = smallest;
  for (let i = from + 1; i < to; i++) {
    const value = values[i]!;
    if (value < smallest) smallest = value;
    if (value > largest) largest = value;
  }
  return subtract(points.type, largest, smallest);
}

/** Sample standard deviation by Welford's recurrence (Technometrics 4, 1962); null of one point. */
function standardDeviation(points: Points, from: number, to: number): Cell {
  const values = points.values as ArrayLike<number | bigint>;
  if (to - from < 2) return null;
  let mean = 0;
  let deviations = 0;
  for (let i = from; i < to; i++) {
    const value = Number(values[i]!);
    const delta = value - mean;
    mean += delta / (i - from + 1);
    deviations += delta * (value - mean);
  }
  return Math.sqrt(deviations / (to - from - 1));
}

/** a - b of the type: doubles, or 64-bit integers that wrap. */
export function subtract(type: FieldType, a: number | bigint, b: number | bigint): number | bigint {
  if (type === FieldType.Float) return (a as number) - (b as number);
  if (typeof a === "number" && typeof b === "number")
    return exactly(a - b, () => wrapped(type, BigInt(a) - BigInt(b)));
  return wrap(type, BigInt(a) - BigInt(b));
}

/** a + b of the type: doubles, or 64-bit integers that wrap. */
export function add(type: FieldType, a: number | bigint, b: number | bigint): number | bigint {
  if (type === FieldType.Float) return (a as number) + (b as number);
  if (typeof a === "number" && typeof b === "number")
    return exactly(a + b, () => wrapped(type, BigInt(a) + BigInt(b)));
  return wrap(type, BigInt(a) + BigInt(b));
}

/** a + b: doubles, or integers of any size. */
export function sumOf(type: FieldType, a: number | bigint, b: number | bigint): number | bigint {
  if (type === FieldType.Float) return (a as number) + (b as number);
  if (typeof a === "number" && typeof b === "number") return exactly(a + b, () => BigInt(a) + BigInt(b));
  return integerCell(BigInt(a) + BigInt(b));
}

function wrapped(type: FieldType, value: bigint): bigint {
  assert(type === FieldType.Integer || type === FieldType.Unsigned, "integer arithmetic on another type");
  return type === FieldType.Unsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value);
}

/** An integer brought into the 64 bits of its type, as a cell. */
export function wrap(type: FieldType, value: bigint): number | bigint {
  return integerCell(wrapped(type, value));
}
