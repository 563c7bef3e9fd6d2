// Calls over the points of one group: what the raw path does where a fold cannot answer, and what both paths do
// with calls whose argument is another call.
import type { Random } from "../base/random.ts";
import type { Budget } from "../model/scan.ts";
import type { FieldType } from "../model/types.ts";
import { fillWindows } from "./fill.ts";
import type { Frame } from "./frame.ts";
import { windowCount } from "./frame.ts";
import { type Aggregate, aggregateNamed } from "./functions/aggregates.ts";
import { integralWindows } from "./functions/integral.ts";
import { samplePoints } from "./functions/sample.ts";
import { type Selector, selectorNamed } from "./functions/selectors.ts";
import { reversed, type Sequence } from "./functions/sequence.ts";
import { distinctPoints, extremes, keyOfRow } from "./functions/several.ts";
import { transform } from "./functions/transformations.ts";
import { functions } from "./functions.ts";
import { carriedWindows } from "./lookback.ts";
import { type Call, type Input, readsRow, type SelectPlan } from "./plan.ts";
import { type Points, pointCell } from "./points.ts";
import type { Cell } from "./result.ts";
import { atOnce, isSteps, STEP, type Steps } from "./turn.ts";
import type { CallValues, PointValues, WindowValues } from "./values.ts";
import { PointWindows } from "./windows.ts";

/** Gives the values of a call whose argument is a field, for the group in hand; null = the group has none. */
export type BaseCall = (call: Call) => Values;

export type Values = WindowValues | PointValues | null;

/** What evaluation needs beside the values. */
export interface Means {
  readonly random: Random;
  /** Ends long work by throwing. */
  readonly budget: Budget;
}

/** Evaluates call number `index` of the input over a group. `carried`: by call, what stood before the frame (lookback.ts). */
export function evaluateCall(
  plan: SelectPlan,
  input: Input,
  index: number,
  frame: Frame,
  base: BaseCall,
  means: Means,
  carried: readonly Cell[] | null = null,
): CallValues | null {
  const call = input.calls[index]!;
  const values =
    call.argument.kind === "field"
      ? base(call)
      : overCall(plan, input, call, call.argument.call, frame, base, means, carried);
  const before = carried?.[index] ?? null;
  if (values === null) {
    if (before === null) return null;
    return { kind: "windows", windows: { ...carriedWindows(frame, before), before, after: before } };
  }
  if ("times" in values) return { kind: "points", points: values };
  return {
    kind: "windows",
    windows: fillWindows(values, call, plan.fill, plan.descending, frame.time, before),
  };
}

function overCall(
  plan: SelectPlan,
  input: Input,
  call: Call,
  argument: number,
  frame: Frame,
  base: BaseCall,
  means: Means,
  carried: readonly Cell[] | null,
): Values {
  const inner = evaluateCall(plan, input, argument, frame, base, means, carried);
  if (inner === null) return null;
  const { type } = input.calls[argument]!;
  if (inner.kind === "points") {
    // they stand in the order of the answer, as a transformation wants them; windows want them ascending
    const { times, values } = inner.points;
    if (functions[call.function].kind === "transformation")
      return wanted(
        transform(call, { type, count: values.length, times, values: values as number[] }, means),
        frame,
      );
    const points = asPoints(inner.points, type);
    const evaluated = evaluatePoints(
      ...([plan, input, call, plan.descending ? reversed(points) : points, frame, means] as const),
    );
    // (it counts them)
    return isSteps(evaluated) ? atOnce(evaluated) : evaluated;
  }
  // the windows that have a value, in the order of the answer
  const windows = windowCount(frame);
  const times = new BigInt64Array(windows);
  const values: (number | bigint)[] = [];
  for (let k = 0; k < windows; k++) {
    const i = plan.descending ? windows - 1 - k : k;
    if (frame.openStart && i < inner.windows.first) continue;
    const at = i - inner.windows.first;
    const value =
      at < 0
        ? inner.windows.before
        : at < inner.windows.values.length
          ? inner.windows.values[at]!
          : inner.windows.after;
    if (value === null) continue;
    times[values.length] = frame.time(i);
    values.push(value as number | bigint);
  }
  const output = transform(call, { type, count: values.length, times, values }, means);
  return wanted(output, frame);
}

/** Leaves out what stands in windows that were read only to begin with; what is foretold stands after all windows. */
function wanted(sequence: Sequence, frame: Frame): PointValues | null {
  const from = frame.time(frame.lead);
  const to = frame.bounds[windowCount(frame) - frame.trail]!;
  const times: bigint[] = [];
  const values: Cell[] = [];
  for (let i = 0; i < sequence.count; i++) {
    const time = sequence.times[i]!;
    if (time < from || (frame.trail > 0 && time >= to)) continue;
    times.push(time);
    values.push(sequence.values[i]!);
  }
  return times.length === 0 ? null : { times: BigInt64Array.from(times), values, rows: null };
}

function asPoints(points: PointValues, type: FieldType): Points {
  return {
    type,
    count: points.values.length,
    times: points.times,
    values: points.values as Points["values"],
    origin: { blocks: [], block: new Uint32Array(0), row: new Uint32Array(0) },
  };
}

/** The values of a call over points, or the steps that give them; null when there are none. */
export function evaluatePoints(
  plan: SelectPlan,
  input: Input,
  call: Call,
  points: Points,
  frame: Frame,
  means: Means,
): Values | Steps<Values> {
  if (points.count === 0) return null;
  const aggregate = aggregateNamed(call.function);
  if (aggregate !== null) return byWindow(points, frame, aggregate);
  const select = selectorNamed(call.function, call.parameters);
  if (select !== null) {
    if (input.rowTime === "row") {
      const index = select(points, 0, points.count);
      return index < 0 ? null : selected(points, [index], points.times.subarray(index, index + 1));
    }
    if (plan.window !== null && input.outputs.some(readsRow))
      return rowsByWindow(plan, points, frame, select);
    return cellsByWindow(points, frame, select);
  }
  switch (call.function) {
    case "integral":
      return integralWindows(points, frame.bounds, call.parameters[0]!);
    case "top":
    case "bottom":
    case "distinct":
    case "sample":
      return several(plan, input, call, points, frame, means);
    default:
      return transformed(plan, call, points, means);
  }
}

function* byWindow(points: Points, frame: Frame, aggregate: Aggregate): Steps<WindowValues> {
  const values: Cell[] = [];
  let first = 0;
  const windows = new PointWindows(points.times, frame.bounds);
  for (let stepEnd = STEP; windows.next(); ) {
    const { window, from, to } = windows;
    if (values.length === 0) first = window;
    while (values.length < window - first) values.push(null);
    const value = aggregate(points, from, to);
    values.push(isSteps<Cell>(value) ? yield* value : value);
    if (to < stepEnd) continue;
    stepEnd = to + STEP;
    yield;
  }
  return { first, values };
}

/** What a selector selects of each window. */
function* cellsByWindow(points: Points, frame: Frame, select: Selector): Steps<WindowValues | null> {
  const cells = yield* byWindow(points, frame, (all, from, to) => {
    const index = select(all, from, to);
    return index < 0 ? null : pointCell(all, index);
  });
  return cells.values.every((cell) => cell === null) ? null : cells;
}

/** The row of each window that has one, at the window's start. */
function* rowsByWindow(
  plan: SelectPlan,
  points: Points,
  frame: Frame,
  select: Selector,
): Steps<PointValues | null> {
  const indices: number[] = [];
  const times: bigint[] = [];
  const windows = new PointWindows(points.times, frame.bounds);
  for (let stepEnd = STEP; windows.next(); ) {
    const { window, from, to } = windows;
    const index = select(points, from, to);
    if (index >= 0) {
      indices.push(index);
      times.push(frame.time(window));
    }
    if (to < stepEnd) continue;
    stepEnd = to + STEP;
    yield;
  }
  if (indices.length === 0) return null;
  if (plan.descending) {
    indices.reverse();
    times.reverse();
  }
  return selected(points, indices, BigInt64Array.from(times));
}

/** Windows in the order of the answer; the points of one always ascend, as in InfluxDB. */
function* several(
  plan: SelectPlan,
  input: Input,
  call: Call,
  points: Points,
  frame: Frame,
  means: Means,
): Steps<PointValues> {
  const chosen: { readonly indices: ArrayLike<number>; readonly window: number }[] = [];
  const choose = chooser(plan, input, call, points, means.random);
  const windows = new PointWindows(points.times, frame.bounds);
  let count = 0;
  for (let stepEnd = STEP; windows.next(); ) {
    const { window, from, to } = windows;
    const indices = yield* choose(from, to);
    chosen.push({ indices, window });
    count += indices.length;
    if (to < stepEnd) continue;
    stepEnd = to + STEP;
    yield;
  }
  if (plan.descending) chosen.reverse();
  const times = new BigInt64Array(count);
  const all = new Uint32Array(count);
  let at = 0;
  for (const { indices, window } of chosen) {
    const start = plan.window === null ? plan.aggregateTime : frame.time(window);
    for (let i = 0; i < indices.length; i++) {
      all[at] = indices[i]!;
      times[at] = call.function === "distinct" ? start : points.times[indices[i]!]!;
      if (++at % STEP === 0) yield;
    }
  }
  return selected(points, all, times);
}

/** The indices that a call chooses of the points [from, to). */
function chooser(
  { descending }: SelectPlan,
  input: Input,
  call: Call,
  points: Points,
  random: Random,
): (from: number, to: number) => Steps<ArrayLike<number>> {
  const count = call.parameters[0]!;
  if (call.function === "distinct") return (from, to) => distinctPoints(points, from, to, descending);
  if (call.function === "sample") return (from, to) => samplePoints(points, from, to, count, random);
  const isBottom = call.function === "bottom";
  const keyOf = call.distinctBy.length > 0 ? keyOfRow(points, call.distinctBy, input.fields) : null;
  return (from, to) => extremes(points, from, to, count, isBottom, keyOf);
}

function selected(points: Points, indices: ArrayLike<number>, times: BigInt64Array): PointValues {
  const { blocks, block, row } = points.origin;
  const values: Cell[] = [];
  const blockOf = new Uint32Array(indices.length);
  const rowOf = new Uint32Array(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!;
    values.push(pointCell(points, index));
    blockOf[i] = block[index]!;
    rowOf[i] = row[index]!;
  }
  return { times, values, rows: { blocks, block: blockOf, row: rowOf } };
}

function transformed(plan: SelectPlan, call: Call, points: Points, means: Means): PointValues | null {
  // only elapsed() takes strings, and it reads no value
  const input = points as Sequence;
  const output = transform(call, plan.descending ? reversed(input) : input, means);
  if (output.count === 0) return null;
  return { times: output.times, values: output.values as readonly (number | bigint)[], rows: null };
}
