// The rows of one group's answer, from the values of its calls.
//
// When every call has a value a window, rows are the windows. When one has points of its own (top, distinct, a
// transformation), calls are joined by time: a row takes the next point of every call that has one at the
// earliest time left.
import type { Column } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import type { ColumnarRows } from "./columnar.ts";
import { fillNumber } from "./fill.ts";
import { FoldedWindows } from "./folded-windows.ts";
import type { Frame } from "./frame.ts";
import { windowCount } from "./frame.ts";
import { functions } from "./functions.ts";
import { compileOutput, type Evaluate, type Position } from "./outputs.ts";
import { PART_ROWS, type Row } from "./parts.ts";
import { type Input, type Output, readsRow, type SelectPlan } from "./plan.ts";
import type { Cell } from "./result.ts";
import { filledCells, filledRows } from "./selected-windows.ts";
import { type CallValues, type FilledValues, type PointValues, windowValue } from "./values.ts";
import { columnOf, FEW_WINDOWS, timesFrom, timesOf, windowColumns } from "./window-columns.ts";

/** The calls that columns use, and what they gave for the group in hand (by call index; null = nothing). */
export interface GroupValues {
  readonly tags: readonly string[];
  readonly values: (CallValues | null)[];
}

/** Makes the rows of one group after the other. */
export class AnswerRows {
  readonly #plan: SelectPlan;
  readonly #input: Input;
  readonly #roots: readonly number[];
  readonly #frame: Frame | null;
  readonly #evaluate: readonly Evaluate[];
  /** By call: what it shows in the rows of a group for which it gave nothing. */
  readonly #absent: readonly Cell[];
  /** A selector's whole rows, one a window. */
  readonly #selectsRows: boolean;

  /** `roots`: the calls that columns use; `frame`: the one of window values, null when no call has any. */
  constructor(plan: SelectPlan, input: Input, roots: readonly number[], frame: Frame | null) {
    this.#plan = plan;
    this.#input = input;
    this.#roots = roots;
    this.#frame = frame;
    this.#evaluate = input.outputs.map((output) => compileOutput(output, [], input.fields));
    const { fill } = plan;
    this.#absent = input.calls.map(({ type }) => {
      if (fill.kind !== "number") return null;
      return type === FieldType.Boolean || type === FieldType.String
        ? fill.value
        : fillNumber(type, fill.value);
    });
    this.#selectsRows =
      plan.window !== null &&
      input.calls.every((call) => functions[call.function].kind === "selector") &&
      input.outputs.some(readsRow);
  }

  /** Rows in the order of the answer: an array when there are few. */
  of(group: GroupValues): readonly Row[] | Generator<Row> {
    const present = this.#roots.filter((call) => group.values[call] !== null);
    if (present.length === 0) return [];
    const frame = this.#frame;
    if (frame === null || !present.every((call) => group.values[call]!.kind === "windows")) {
      const joined = joinedRows(this.#plan, this.#input, present, group, frame, this.#absent);
      if (frame === null || this.#plan.window === null) return joined;
      if (this.#selectsRows) return filledRows(this.#plan, this.#input, joined, frame);
      return this.#plan.fill.kind === "previous" && this.#input.outputs.some(readsRow)
        ? filledCells(this.#plan, this.#input, joined)
        : joined;
    }
    const windows = present.map((call) => (group.values[call] as CallValues & { kind: "windows" }).windows);
    const { from, to } = windowRange(this.#plan, windows, frame);
    if (to - from > PART_ROWS) return this.#windowRows(present, windows, frame, from, to);
    const rows: Row[] = [];
    const at = this.#position();
    for (let k = 0; k < to - from; k++) {
      const row = this.#windowRow(present, windows, frame, this.#plan.descending ? to - 1 - k : from + k, at);
      if (row !== null) rows.push(row);
    }
    return rows;
  }

  /** The rows of windows as columns where that costs less, after OFFSET and up to LIMIT; null: `of` gives them. */
  columns(group: GroupValues): ColumnarRows | null {
    const plan = this.#plan;
    const frame = this.#frame;
    const present = this.#roots.filter((call) => group.values[call] !== null);
    if (frame === null || plan.window === null || plan.having !== null || present.length === 0) return null;
    if (!present.every((call) => group.values[call]!.kind === "windows")) return null;
    const filled = present.map((call) => (group.values[call] as CallValues & { kind: "windows" }).windows);
    const { from, to } = windowRange(plan, filled, frame);
    if (to - from > PART_ROWS) return null;
    const { outputs } = this.#input;
    const areFew = to - from < FEW_WINDOWS;
    if (areFew && !filled.every((windows) => windows instanceof FoldedWindows)) return null;
    // every window makes a row, and every column is a call
    const isStraight =
      (plan.fill.kind !== "none" ||
        filled.some((windows) => windows instanceof FoldedWindows && windows.isFull(from, to))) &&
      outputs.every(({ kind }) => kind === "call");
    if (isStraight) {
      const columns: (Column | null)[] = [];
      for (const output of outputs) {
        const column = this.#columnOf(group, output, from, to);
        if (column === undefined) return null;
        columns.push(column);
      }
      return windowColumns(plan, timesFrom(frame, from, to), columns);
    }
    if (areFew) return null;
    const windows: number[] = [];
    const cells: Cell[][] = this.#evaluate.map(() => []);
    const at = this.#position();
    for (let window = from; window < to; window++) {
      if (!take(present, filled, window, at) && plan.fill.kind === "none") continue;
      windows.push(window);
      for (let c = 0; c < cells.length; c++) cells[c]!.push(this.#evaluate[c]!(at));
    }
    const columns: (Column | null)[] = [];
    for (const [c, { type }] of outputs.entries()) {
      const column = columnOf(cells[c]!, type);
      if (column === undefined) return null;
      columns.push(column);
    }
    return windowColumns(plan, timesOf(frame, windows), columns);
  }

  /** What a column that is a call shows in the windows [from, to); undefined: see `columnOf`. */
  #columnOf(group: GroupValues, output: Output, from: number, to: number): Column | null | undefined {
    const { call } = output as Output & { kind: "call" };
    const values = group.values[call];
    if (values?.kind === "windows" && values.windows instanceof FoldedWindows) {
      const column = values.windows.column(from, to);
      if (column === null || (column !== undefined && column.type === output.type)) return column;
    }
    return columnOf(this.#cellsOf(values, call, from, to), output.type);
  }

  #cellsOf(values: CallValues | null | undefined, call: number, from: number, to: number): readonly Cell[] {
    if (values?.kind !== "windows") return new Array<Cell>(to - from).fill(this.#absent[call]!);
    const { windows } = values;
    if (windows.first === from && windows.values.length === to - from) return windows.values;
    return Array.from({ length: to - from }, (_, i) => windowValue(windows, from + i));
  }

  *#windowRows(
    present: readonly number[],
    windows: readonly FilledValues[],
    frame: Frame,
    from: number,
    to: number,
  ): Generator<Row> {
    const at = this.#position();
    for (let k = 0; k < to - from; k++) {
      const row = this.#windowRow(present, windows, frame, this.#plan.descending ? to - 1 - k : from + k, at);
      if (row !== null) yield row;
    }
  }

  #position(): Position {
    return { calls: this.#absent.slice(), block: 0, row: 0 };
  }

  /** The row of window `i`; null when fill(none) leaves it out. */
  #windowRow(
    present: readonly number[],
    windows: readonly FilledValues[],
    frame: Frame,
    i: number,
    at: Position,
  ): Row | null {
    const plan = this.#plan;
    const isEmpty = !take(present, windows, i, at);
    if (isEmpty && plan.window !== null && plan.fill.kind === "none") return null;
    return rowOf(plan.window === null ? plan.aggregateTime : frame.time(i), this.#evaluate, at);
  }
}

/** Takes the calls' values of a window; false: none has one. */
function take(
  present: readonly number[],
  windows: readonly FilledValues[],
  window: number,
  at: Position,
): boolean {
  let isFound = false;
  for (let c = 0; c < present.length; c++) {
    const value = windowValue(windows[c]!, window);
    at.calls[present[c]!] = value;
    if (value !== null) isFound = true;
  }
  return isFound;
}

/** The windows that rows are made for: [from, to). */
function windowRange(
  plan: SelectPlan,
  windows: readonly FilledValues[],
  frame: Frame,
): { from: number; to: number } {
  const hull = { from: Number.POSITIVE_INFINITY, to: 0 };
  for (const each of windows) {
    const isFolded = each instanceof FoldedWindows;
    const filled = isFolded ? each.filledFrom : each.values.findIndex((value) => value !== null);
    if (filled >= 0) hull.from = Math.min(hull.from, each.first + filled);
    hull.to = Math.max(hull.to, each.first + (isFolded ? each.length : each.values.length));
  }
  const from =
    plan.window !== null && plan.fill.kind === "none" ? hull.from : frame.openStart ? hull.from : frame.lead;
  const to =
    plan.window !== null && plan.fill.kind === "none"
      ? hull.to
      : windowCount(frame) - frame.trail + frame.tail;
  return { from: Number.isFinite(from) ? from : to, to };
}

function rowOf(time: bigint, evaluate: readonly Evaluate[], at: Position): Row {
  const row: Cell[] = new Array(evaluate.length + 1);
  row[0] = time;
  for (let c = 0; c < evaluate.length; c++) row[c + 1] = evaluate[c]!(at);
  return row;
}

function* joinedRows(
  plan: SelectPlan,
  input: Input,
  present: readonly number[],
  group: GroupValues,
  frame: Frame | null,
  absent: readonly Cell[],
): Generator<Row> {
  const points = present.map((call) => pointsOf(plan, group.values[call]!, frame));
  const rows = points.length === 1 ? points[0]!.rows : null;
  const evaluate = input.outputs.map((output) => compileOutput(output, rows?.blocks ?? [], input.fields));
  const at: Position = { calls: absent.slice(), block: 0, row: 0 };
  const next = new Int32Array(points.length);
  // fill(previous) is for calls that have no point at the time of the others, too
  const keepsBefore = plan.fill.kind === "previous";
  for (;;) {
    let time: bigint | null = null;
    for (let c = 0; c < points.length; c++) {
      if (next[c]! >= points[c]!.values.length) continue;
      const head = points[c]!.times[next[c]!]!;
      if (time === null || (plan.descending ? head > time : head < time)) time = head;
    }
    if (time === null) return;
    for (let c = 0; c < points.length; c++) {
      const index = next[c]!;
      const isNow = index < points[c]!.values.length && points[c]!.times[index] === time;
      const value = isNow ? points[c]!.values[index]! : null;
      if (value !== null || !keepsBefore) at.calls[present[c]!] = value ?? absent[present[c]!]!;
      if (isNow) next[c] = index + 1;
    }
    if (rows !== null) {
      at.block = rows.block[next[0]! - 1]!;
      at.row = rows.row[next[0]! - 1]!;
    }
    yield rowOf(time, evaluate, at);
  }
}

/** Window values as points, for a join with others. */
function pointsOf(plan: SelectPlan, call: CallValues, frame: Frame | null): PointValues {
  if (call.kind === "points") return call.points;
  const { from, to } = windowRange(plan, [call.windows], frame!);
  const times = new BigInt64Array(to - from);
  const values: Cell[] = [];
  for (let k = 0; k < to - from; k++) {
    const i = plan.descending ? to - 1 - k : from + k;
    const value = windowValue(call.windows, i);
    if (value === null && plan.fill.kind === "none") continue;
    times[values.length] = plan.window === null ? plan.aggregateTime : frame!.time(i);
    values.push(value);
  }
  return { times, values, rows: null };
}
