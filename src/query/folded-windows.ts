// The values of a call by window, from the aggregates of its field: as cells once somebody asks for them, else a column as it is.
import { assert } from "../base/assert.ts";
import type { Column, FoldedColumn, FoldValues } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import { integerCell } from "./cells.ts";
import type { FoldedField } from "./folds.ts";
import { subtract } from "./functions/aggregates.ts";
import type { Call } from "./plan.ts";
import type { Cell } from "./result.ts";
import type { FilledValues } from "./values.ts";

/** null where a window has no value, as without fill() or with fill(null). */
export class FoldedWindows implements FilledValues {
  readonly first = 0;
  readonly before = null;
  readonly after = null;
  readonly length: number;
  readonly #call: Call;
  readonly #folded: FoldedColumn;
  readonly #at: number;
  #values: readonly Cell[] | undefined;

  constructor(call: Call, { column, at, windows }: FoldedField) {
    this.length = windows;
    this.#call = call;
    this.#folded = column;
    this.#at = at;
  }

  get values(): readonly Cell[] {
    this.#values ??= this.#cells();
    return this.#values;
  }

  /** Index of the first value that is not null, -1 = there is none. */
  get filledFrom(): number {
    if (!this.#asItIs()) return this.values.findIndex((value) => value !== null);
    const { count } = this.#folded;
    for (let w = 0; w < this.length; w++) if (count[this.#at + w] !== 0) return w;
    return -1;
  }

  /** Whether each of the windows [from, to) has a value. */
  isFull(from: number, to: number): boolean {
    if (from < 0 || to > this.length || !this.#asItIs()) return false;
    const { count } = this.#folded;
    for (let i = this.#at + from; i < this.#at + to; i++) if (count[i] === 0) return false;
    return true;
  }

  /** The windows [from, to) as a column, null = none has a value; undefined: it has to be made of `values`. */
  column(from: number, to: number): Column | null | undefined {
    const source = this.#asItIs();
    if (source === null) return undefined;
    const isFull = this.isFull(from, to);
    const length = to - from;
    const shift = this.#at + from;
    const there = Math.min(length, this.length - from);
    const { count } = this.#folded;
    let present: Uint8Array | null = null;
    if (!isFull) {
      present = new Uint8Array(length);
      for (let i = 0; i < there; i++) present[i] = count[shift + i] === 0 ? 0 : 1;
      if (!present.includes(1)) return null;
    }
    if (this.#call.function === "mean") {
      const values = new Float64Array(length);
      if (isFull && source instanceof Float64Array)
        for (let i = 0; i < length; i++) values[i] = source[shift + i]! / count[shift + i]!;
      else
        for (let i = 0; i < length; i++)
          if (present === null || present[i] === 1)
            values[i] = Number(source[shift + i]!) / count[shift + i]!;
      return { type: FieldType.Float, present, values };
    }
    return { type: this.#folded.type, present, values: partOf(source, shift, there, length) } as Column;
  }

  #asItIs(): FoldValues | null {
    const shown = shownArray(this.#call);
    return shown === null ? null : kept(this.#folded[shown]);
  }

  #cells(): Cell[] {
    const { count } = this.#folded;
    const read = valueReader(this.#call, this.#folded);
    const values: Cell[] = new Array(this.length);
    for (let w = 0, i = this.#at; w < this.length; w++, i++) values[w] = count[i] === 0 ? null : read(i);
    return values;
  }
}

/** The array of a fold that the call shows or, for a mean, that it divides; null: it is made of several. */
export function shownArray(call: Call): "sum" | "min" | "max" | "first" | "last" | null {
  switch (call.function) {
    case "mean":
      return "sum";
    case "sum":
    case "min":
    case "max":
    case "first":
    case "last":
      return call.function;
    default:
      return null;
  }
}

// `length` values: `count` of them from index `from` on, then 0.
function partOf<T extends FoldValues>(values: T, from: number, count: number, length: number): T {
  if (count === length) return values.slice(from, from + count) as T;
  const part = new (values.constructor as new (length: number) => T)(length);
  part.set(values.subarray(from, from + count) as never);
  return part;
}

/** The arrays of a fold that have what a selector selects, and its time; null: the call selects nothing that a fold has. */
export function timedArrays(call: Call) {
  switch (call.function) {
    case "min":
      return ["min", "minTime"] as const;
    case "max":
      return ["max", "maxTime"] as const;
    case "first":
      return ["first", "firstTime"] as const;
    case "last":
      return ["last", "lastTime"] as const;
    default:
      return null;
  }
}

/** Time of the row that a selector selected in the first window. */
export function foldedTime(call: Call, { column, at }: FoldedField): bigint {
  const arrays = timedArrays(call);
  const times = arrays === null ? undefined : column[arrays[1]];
  assert(times !== undefined, `a fold lacks the times of ${call.function}`);
  return times[at]!;
}

// By place in the arrays.
function valueReader(call: Call, column: FoldedColumn): (i: number) => Cell {
  switch (call.function) {
    case "count":
      return (i) => column.count[i]!;
    case "mean": {
      const sum = kept(column.sum);
      return (i) => Number(sum[i]!) / column.count[i]!;
    }
    case "stddev": {
      const deviations = kept(column.deviations);
      return (i) => (column.count[i]! < 2 ? null : Math.sqrt(deviations[i]! / (column.count[i]! - 1)));
    }
    case "spread": {
      const smallest = cells(kept(column.min));
      const largest = cells(kept(column.max));
      return (i) => subtract(column.type, largest(i), smallest(i));
    }
    case "sum":
      return cells(kept(column.sum));
    case "min":
      return cells(kept(column.min));
    case "max":
      return cells(kept(column.max));
    case "first":
      return cells(kept(column.first));
    case "last":
      return cells(kept(column.last));
    default:
      return assert(false, `${call.function} is not answered by a fold`) as never;
  }
}

function kept<T>(array: T | undefined): T {
  assert(array !== undefined, "a fold lacks an aggregate that was asked for");
  return array;
}

function cells(values: FoldValues): (i: number) => number | bigint {
  return values instanceof Float64Array ? (i) => values[i]! : (i) => integerCell(values[i]!);
}

/** Fields whose values a fold can aggregate: numbers, as they are stored. */
export function isFoldable(call: Call): boolean {
  if (call.fold === 0 || call.argument.kind !== "field") return false;
  const { field } = call.argument;
  if (field.reference.kind !== "field" || field.reference.type !== field.type) return false;
  const isNumber = field.type !== FieldType.Boolean && field.type !== FieldType.String;
  return isNumber || call.function === "count";
}
