// Transformations: points in, points out. The input is the points of a group in the order in which the answer
// is wanted (so differences of a descending query go backwards), or the windows of another call without the empty ones.
//
// Points at the same time (several series in one group) do not advance a difference or a derivative: all but the
// first are passed over, as in InfluxDB; moving averages and sums take every one.
import { assert } from "../../base/assert.ts";
import type { Budget } from "../../model/scan.ts";
import { FieldType } from "../../model/types.ts";
import { wordsOf } from "../../model/words.ts";
import { elapsedNs } from "../cells.ts";
import type { Call } from "../plan.ts";
import { add, subtract, sumOf } from "./aggregates.ts";
import { elapsed } from "./elapsed.ts";
import { holtWinters } from "./holt-winters.ts";
import { reversed, type Sequence, SequenceBuilder } from "./sequence.ts";
import { isTechniqueName, technicalAnalysis } from "./technical-analysis.ts";

/** Applies a call that is a transformation. The budget ends long work by throwing. */
export function transform(call: Call, input: Sequence, { budget }: { readonly budget: Budget }): Sequence {
  if (isTechniqueName(call.function)) return technicalAnalysis(call.function, input, call.parameters);
  const parameter = call.parameters[0] ?? 0;
  switch (call.function) {
    case "derivative":
    case "non_negative_derivative":
      return derivative(input, parameter, call.function === "non_negative_derivative");
    case "difference":
    case "non_negative_difference":
      return difference(input, call.function === "non_negative_difference");
    case "elapsed":
      return elapsed(input, parameter);
    case "holt_winters":
    case "holt_winters_with_fit":
      return forecast(call, input, () => budget.check());
    case "moving_average":
      return movingAverage(input, parameter);
    case "cumulative_sum":
      return cumulativeSum(input);
    default:
      return assert(false, `${call.function} is not a transformation`) as never;
  }
}

/** Change of value per `unitNs`; with `onlyRises`, negative ones are left out. */
function derivative(input: Sequence, unitNs: number, onlyRises: boolean): Sequence {
  const { times, values, count } = input;
  const words = wordsOf(times);
  const output = new SequenceBuilder(count);
  let previous = 0;
  for (let i = 1; i < count; i++) {
    const elapsed = elapsedNs(words, previous, i);
    if (elapsed === 0) continue;
    const change = Number(subtract(input.type, values[i]!, values[previous]!));
    // backwards in time the quotient of two negatives stays the slope; InfluxDB counts time forwards
    const slope = change / (Math.abs(elapsed) / unitNs);
    if (!onlyRises || slope >= 0) output.add(times[i]!, slope);
    previous = i;
  }
  return output.finish(FieldType.Float);
}

/** With `onlyRises`, negative ones are left out. */
function difference(input: Sequence, onlyRises: boolean): Sequence {
  const { times, values, count } = input;
  const words = wordsOf(times);
  const output = new SequenceBuilder(count);
  let previous = 0;
  for (let i = 1; i < count; i++) {
    if (elapsedNs(words, previous, i) === 0) continue;
    const change = subtract(input.type, values[i]!, values[previous]!);
    if (!onlyRises || change >= 0) output.add(times[i]!, change);
    previous = i;
  }
  return output.finish(input.type);
}

/** Mean of the last `size` values, from the first time that there are so many. */
function movingAverage(input: Sequence, size: number): Sequence {
  const { times, values, count } = input;
  const output = new SequenceBuilder(count);
  let sum: number | bigint = 0;
  for (let i = 0; i < count; i++) {
    // what leaves goes first, as in InfluxDB: the rounding is the same
    if (i >= size) sum = sumOf(input.type, sum, -values[i - size]!);
    sum = sumOf(input.type, sum, values[i]!);
    if (i >= size - 1) output.add(times[i]!, Number(sum) / size);
  }
  return output.finish(FieldType.Float);
}

function cumulativeSum(input: Sequence): Sequence {
  const { times, values, count } = input;
  const output = new SequenceBuilder(count);
  let sum: number | bigint = 0;
  for (let i = 0; i < count; i++) {
    sum = add(input.type, sum, values[i]!);
    output.add(times[i]!, sum);
  }
  return output.finish(input.type);
}

/** Always made in the direction of time, and then turned to that of the answer. */
function forecast(call: Call, input: Sequence, check: () => void): Sequence {
  const [horizon = 0, season = 0, everyNs = 1] = call.parameters;
  const withFit = call.function === "holt_winters_with_fit";
  const how = { horizon, season, intervalNs: BigInt(everyNs), withFit };
  const descends = input.count > 1 && input.times[0]! > input.times[input.count - 1]!;
  return descends ? reversed(holtWinters(reversed(input), how, check)) : holtWinters(input, how, check);
}
