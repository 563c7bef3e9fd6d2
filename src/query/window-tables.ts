// The answer of aggregates as tables of many series (series-table.ts), straight from the fold: where each column is a call whose values
// the fold has as they are, and each series has its rows from the first window to the last, or one row without GROUP BY time.
import type { Column, FoldRequest, FoldValues } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import { TWO_32, wordsOf } from "../model/words.ts";
import type { Fill } from "./ast.ts";
import { canFold, fieldOf, isCount } from "./calls.ts";
import { fillNumber } from "./fill.ts";
import { shownArray } from "./folded-windows.ts";
import type { FoldedTable } from "./folds.ts";
import { type Frame, windowCount } from "./frame.ts";
import { chosenSeries, mayBeMany, type SeriesHead } from "./parts.ts";
import type { Call, Input, SelectPlan } from "./plan.ts";
import { SeriesTable } from "./series-table.ts";

/** Cells of a table at most: what they take in memory, and the time until the next. */
const MOST_CELLS = 16_384;

/** Whether an answer of a fold over this frame is tables. */
export function isTabular(plan: SelectPlan, input: Input, frame: Frame): boolean {
  const { fill } = plan;
  if (!mayBeMany(plan) || plan.limit > 0 || plan.offset > 0) return false;
  if (fill.kind !== "none" && fill.kind !== "null" && fill.kind !== "number") return false;
  // (a series whose range has no lower bound begins at its first window with a value)
  if (fill.kind !== "none" && frame.openStart) return false;
  if (frame.lead > 0 || frame.trail > 0 || frame.tail > 0) return false;
  if (windowCount(frame) * input.outputs.length > MOST_CELLS) return false;
  if (!canFold(input) || input.rowTime !== "window") return false;
  if (input.outputs.some(({ kind }) => kind !== "call")) return false;
  return input.calls.every(
    (call) => call.argument.kind === "field" && tabledArray(call) !== null && isFillable(call, fill),
  );
}

function tabledArray(call: Call): "count" | ReturnType<typeof shownArray> {
  return call.function === "count" ? "count" : shownArray(call);
}

// The number of fill(number) in the column's type; null: there is none.
function filledWith(call: Call, fill: Fill): number | null {
  return fill.kind === "number" ? (fillNumber(call.type, fill.value) as number) : null;
}

// Whether the column can hold that number.
function isFillable(call: Call, fill: Fill): boolean {
  const value = filledWith(call, fill);
  if (value === null || call.type === FieldType.Float) return true;
  return (
    Number.isSafeInteger(value) && !Object.is(value, -0) && (value >= 0 || call.type !== FieldType.Unsigned)
  );
}

/** Tables of the groups of a fold, which are `ordered` by their tags. `columns`: of the request. */
export function* windowTables(
  plan: SelectPlan,
  input: Input,
  frame: Frame,
  folded: FoldedTable,
  ordered: readonly number[],
  columns: FoldRequest["columns"],
  head: SeriesHead,
): Generator<SeriesTable> {
  const rows = windowCount(frame);
  const times = plan.window === null ? BigInt64Array.of(plan.aggregateTime) : frame.bounds.slice(0, rows);
  const chosen = chosenSeries(plan, ordered);
  if (plan.descending) times.reverse();
  const most = Math.max(1, Math.floor(MOST_CELLS / (rows * input.outputs.length)));
  for (let from = 0; from < chosen.length; from += most) {
    const groups = chosen.slice(from, from + most);
    yield new SeriesTable({
      ...{ head, dimensions: plan.dimensions, seriesCount: groups.length },
      tags: plan.dimensions.map((_, key) => groups.map((group) => folded.tag(group, key))),
      times,
      columns: input.outputs.map((output) => {
        const call = input.calls[(output as typeof output & { kind: "call" }).call]!;
        const { name } = fieldOf(call).reference;
        const column = columns.findIndex(({ field }) => field === name);
        const made = columnOf(call, folded, column, groups, plan.fill);
        if (plan.descending && made !== null) reverseWindows(made, rows);
        return made;
      }),
      leavesOutNulls: plan.window !== null && plan.fill.kind === "none",
    });
  }
}

// The values of a call in the windows of groups, group after group.
function columnOf(
  call: Call,
  folded: FoldedTable,
  column: number,
  groups: readonly number[],
  fill: Fill,
): Column | null {
  const { windows } = folded;
  const length = groups.length * windows;
  const shown = tabledArray(call)!;
  // (nothing is counted in a window: if its group has none at all, that shows as nothing)
  const countsNothing = fill.kind === "null" && isCount(call);
  const present = new Uint8Array(length);
  let found = 0;
  let copy: Copy | null = null;
  for (let g = 0, to = 0; g < groups.length; g++, to += windows) {
    const source = folded.column(groups[g]!, column);
    if (source === null) continue;
    const { count } = source;
    const from = folded.place(groups[g]!) * windows;
    let foundHere = 0;
    for (let w = 0; w < windows; w++)
      if (count[from + w] !== 0) {
        present[to + w] = 1;
        foundHere++;
      }
    if (foundHere === 0) continue;
    copy ??= copyOf(call, source.type, length);
    copy.add(source[shown]!, count, from, to, windows);
    if (countsNothing) present.fill(1, to, to + windows);
    found += countsNothing ? windows : foundHere;
  }
  const filled = filledWith(call, fill);
  if (filled !== null && found < length) {
    copy ??= copyOf(call, call.type, length);
    const { values } = copy;
    for (let slot = 0; slot < length; slot++)
      if (present[slot] === 0) values[slot] = copy.type === FieldType.Float ? filled : BigInt(filled);
    found = length;
  }
  if (copy === null) return null;
  const { type, values } = copy;
  return { type, values, present: found === length ? null : present } as Column;
}

// The last window of each group first.
function reverseWindows({ values, present }: Column, windows: number): void {
  for (let from = 0; from < values.length; from += windows) {
    (values as FoldValues).subarray(from, from + windows).reverse();
    present?.subarray(from, from + windows).reverse();
  }
}

interface Copy {
  readonly type: FieldType;
  readonly values: FoldValues;
  add(array: FoldValues, count: Float64Array, from: number, to: number, windows: number): void;
}

function copyOf(call: Call, type: FieldType, length: number): Copy {
  if (call.function === "mean") return new MeansCopy(length);
  return call.function === "count" ? new CountsCopy(length) : new ValuesCopy(type, length);
}

class CountsCopy implements Copy {
  readonly type = FieldType.Integer;
  readonly values: BigInt64Array;
  readonly #words: Int32Array;

  constructor(length: number) {
    this.values = new BigInt64Array(length);
    this.#words = wordsOf(this.values);
  }

  add(_array: FoldValues, count: Float64Array, from: number, to: number, windows: number): void {
    for (let w = 0; w < windows; w++) {
      const rows = count[from + w]!;
      this.#words[2 * (to + w)] = rows;
      this.#words[2 * (to + w) + 1] = Math.floor(rows / TWO_32);
    }
  }
}

class MeansCopy implements Copy {
  readonly type = FieldType.Float;
  readonly values: Float64Array;

  constructor(length: number) {
    this.values = new Float64Array(length);
  }

  add(sums: FoldValues, count: Float64Array, from: number, to: number, windows: number): void {
    const { values } = this;
    if (sums instanceof Float64Array)
      for (let w = 0; w < windows; w++) values[to + w] = sums[from + w]! / count[from + w]!;
    else for (let w = 0; w < windows; w++) values[to + w] = Number(sums[from + w]!) / count[from + w]!;
  }
}

class ValuesCopy implements Copy {
  readonly type: FieldType;
  readonly values: FoldValues;
  readonly #words: Int32Array;
  #array: FoldValues | undefined;
  #arrayWords!: Int32Array;

  constructor(type: FieldType, length: number) {
    this.type = type;
    const { buffer } = new Float64Array(length);
    this.values =
      type === FieldType.Float
        ? new Float64Array(buffer)
        : type === FieldType.Unsigned
          ? new BigUint64Array(buffer)
          : new BigInt64Array(buffer);
    this.#words = new Int32Array(buffer);
  }

  add(array: FoldValues, _count: Float64Array, from: number, to: number, windows: number): void {
    if (this.#array !== array) {
      this.#array = array;
      this.#arrayWords = new Int32Array(array.buffer, array.byteOffset, array.length * 2);
    }
    for (let w = 0; w < 2 * windows; w++) this.#words[2 * to + w] = this.#arrayWords[2 * from + w]!;
  }
}
