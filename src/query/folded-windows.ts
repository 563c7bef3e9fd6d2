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
  readonly first: number;
  readonly before = null;
  readonly after = null;
  readonly #call: Call;
  readonly #folded: FoldedColumn;
  #values: readonly Cell[] | undefined;

  constructor(call: Call, { first, column }: FoldedField) {
    this.first = first;
    this.#call = call;
    this.#folded = column;
  }

  get values(): readonly Cell[] {
    this.#values ??= this.#cells();
    return this.#values;
  }

  /** As `values.length`, without making them. */
  get length(): number {
    return this.#folded.count.length;
  }

  /** Index of the first value that is not null, -1 = there is none. */
  get filledFrom(): number {
    if (!this.#asItIs()) return this.values.findIndex((value) => value !== null);
    const { count } = this.#folded;
    for (let w = 0; w < count.length; w++) if (count[w] !== 0) return w;
    return -1;
  }

  /** Whether each of the windows [from, to) has a value. */
  isFull(from: number, to: number): boolean {
    if (from < this.first || to > this.first + this.length || !this.#asItIs()) return false;
    const { count } = this.#folded;
    for (let w = from - this.first; w < to - this.first; w++) if (count[w] === 0) return false;
    return true;
  }

  /** The windows [from, to) as a column, null = none has a value; undefined: it has to be made of `values`. */
  column(from: number, to: number): Column | null | undefined {
    const source = this.#asItIs();
    if (source === null) return undefined;
    const isFull = this.isFull(from, to);
    const length = to - from;
    const shift = from - this.first;
    let present: Uint8Array | null = null;
    if (!isFull) {
      present = new Uint8Array(length);
      const { count } = this.#folded;
      for (let i = 0; i < length; i++) present[i] = (count[i + shift] ?? 0) === 0 ? 0 : 1;
      if (!present.includes(1)) return null;
    }
    if (this.#call.function === "mean") {
      const { count } = this.#folded;
      const values = new Float64Array(length);
      if (isFull && source instanceof Float64Array)
        for (let i = 0; i < length; i++) values[i] = source[i + shift]! / count[i + shift]!;
      else
        for (let i = 0; i < length; i++)
          if (present === null || present[i] === 1)
            values[i] = Number(source[i + shift]!) / count[i + shift]!;
      return { type: FieldType.Float, present, values };
    }
    const isAligned = shift === 0 && source.length === length;
    const values = isAligned ? source : partOf(source, shift, length);
    return { type: this.#folded.type, present, values } as Column;
  }

  // The aggregate that the call shows or, for a mean, that it divides; null: it is made of several.
  #asItIs(): FoldValues | null {
    const { sum, min, max, first, last } = this.#folded;
    switch (this.#call.function) {
      case "mean":
      case "sum":
        return kept(sum);
      case "min":
        return kept(min);
      case "max":
        return kept(max);
      case "first":
        return kept(first);
      case "last":
        return kept(last);
      default:
        return null;
    }
  }

  #cells(): Cell[] {
    const { count } = this.#folded;
    const read = valueReader(this.#call, this.#folded);
    const values: Cell[] = new Array(count.length);
    for (let w = 0; w < count.length; w++) values[w] = count[w] === 0 ? null : read(w);
    return values;
  }
}

// `length` values from index `shift` on, which may begin before the array and end behind it.
function partOf<T extends FoldValues>(values: T, shift: number, length: number): T {
  const part = new (values.constructor as new (length: number) => T)(length);
  const from = Math.max(shift, 0);
  const to = Math.min(shift + length, values.length);
  if (to > from) part.set(values.subarray(from, to) as never, from - shift);
  return part;
}

/** Time of the row that a selector selected in window `w`. */
export function foldedTime(call: Call, field: FoldedField, w: number): bigint {
  const { column } = field;
  const times =
    call.function === "min"
      ? column.minTime
      : call.function === "max"
        ? column.maxTime
        : call.function === "first"
          ? column.firstTime
          : column.lastTime;
  assert(times !== undefined, `a fold lacks the times of ${call.function}`);
  return times[w - field.first]!;
}

function valueReader(call: Call, column: FoldedColumn): (w: number) => Cell {
  switch (call.function) {
    case "count":
      return (w) => column.count[w]!;
    case "mean": {
      const sum = kept(column.sum);
      return (w) => Number(sum[w]!) / column.count[w]!;
    }
    case "stddev": {
      const deviations = kept(column.deviations);
      return (w) => (column.count[w]! < 2 ? null : Math.sqrt(deviations[w]! / (column.count[w]! - 1)));
    }
    case "spread": {
      const smallest = cells(kept(column.min));
      const largest = cells(kept(column.max));
      return (w) => subtract(column.type, largest(w), smallest(w));
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

function cells(values: FoldValues): (w: number) => number | bigint {
  return values instanceof Float64Array ? (w) => values[w]! : (w) => integerCell(values[w]!);
}

/** Fields whose values a fold can aggregate: numbers, as they are stored. */
export function isFoldable(call: Call): boolean {
  if (call.fold === 0 || call.argument.kind !== "field") return false;
  const { field } = call.argument;
  if (field.reference.kind !== "field" || field.reference.type !== field.type) return false;
  const isNumber = field.type !== FieldType.Boolean && field.type !== FieldType.String;
  return isNumber || call.function === "count";
}
