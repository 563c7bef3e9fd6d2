// Rows of a selector with other columns over windows, `max(f), host ... GROUP BY time(1m)`: what fill() makes of windows without one.
//
//     max host                max host
//      2   a                   2   a
//      -   -   fill(previous)  2   a       the whole row of the window before
//      4   b                   4   b
//
// fill(linear) knows a line for the selector only, fill(number) puts the number into every column. A row that has no value in
// a column takes it as a window without a row does.
import { FieldType } from "../model/types.ts";
import { fillNumber } from "./fill.ts";
import { type Frame, windowCount } from "./frame.ts";
import type { Row } from "./parts.ts";
import type { Input, Output, SelectPlan } from "./plan.ts";
import type { Cell } from "./result.ts";

/** `rows`: those of windows that have one, in the order of the answer. */
export function* filledRows(
  plan: SelectPlan,
  input: Input,
  rows: Iterable<Row>,
  frame: Frame,
): Generator<Row> {
  const { fill, descending } = plan;
  if (fill.kind === "none") {
    yield* rows;
    return;
  }
  const found = [...rows];
  const from = frame.lead;
  const to = windowCount(frame) - frame.trail + frame.tail;
  const empty = (time: bigint, cell: (output: Output) => Cell): Row => [time, ...input.outputs.map(cell)];
  let next = 0;
  let shown: Row | undefined;
  for (let k = 0; k < to - from; k++) {
    const time = frame.time(descending ? to - 1 - k : from + k);
    const before = found[next - 1];
    const row = found[next];
    if (row !== undefined && row[0] === time) {
      shown = filledRow(plan, input, row, shown);
      yield shown;
      next++;
    } else if (frame.openStart && (descending ? row === undefined : before === undefined)) continue;
    else if (fill.kind === "number") yield empty(time, (output) => numberIn(output, fill.value));
    else if (fill.kind === "previous" && shown !== undefined) yield [time, ...shown.slice(1)];
    else if (fill.kind === "linear" && before !== undefined && row !== undefined)
      yield [time, ...input.outputs.map((output, i) => onLine(output, before, row, i + 1, time))];
    else yield empty(time, () => null);
  }
}

/** Rows of calls that give several a window: none is made, but what a row lacks is taken from the one before. */
export function* filledCells(plan: SelectPlan, input: Input, rows: Iterable<Row>): Generator<Row> {
  let shown: Row | undefined;
  for (const row of rows) {
    shown = filledRow(plan, input, row, shown);
    yield shown;
  }
}

/** `before`: the row before, filled. */
function filledRow({ fill }: SelectPlan, { outputs }: Input, row: Row, before: Row | undefined): Row {
  if ((fill.kind !== "previous" && fill.kind !== "number") || !row.includes(null)) return row;
  return row.map((cell, i) => {
    if (cell !== null || i === 0) return cell;
    return fill.kind === "number" ? numberIn(outputs[i - 1]!, fill.value) : (before?.[i] ?? null);
  }) as unknown as Row;
}

/** Whether a number of this column's type can be filled in. */
const isNumber = ({ type }: Output): boolean =>
  type !== null && type !== FieldType.Boolean && type !== FieldType.String;

function numberIn(output: Output, value: number): Cell {
  if (output.kind === "call") return fillNumber(output.type, value);
  if (output.kind === "row") return isNumber(output) ? fillNumber(output.type, value) : value;
  return null;
}

function onLine(output: Output, before: Row, after: Row, column: number, time: bigint): Cell {
  if (output.kind !== "call" || !isNumber(output)) return null;
  const share = Number(time - (before[0] as bigint)) / Number((after[0] as bigint) - (before[0] as bigint));
  const from = Number(before[column]);
  return fillNumber(output.type, from + (Number(after[column]) - from) * share);
}
