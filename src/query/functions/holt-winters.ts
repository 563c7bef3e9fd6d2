// holt_winters(call, N, S): N values of the future by Holt's and Winters' damped method, with a season of S values.
//
//     level    l' = alpha * y / s  + (1 - alpha) * (l + phi * b)         y: the value predicted for this step
//     trend    b' = beta * (l' - l) + (1 - beta) * phi * b
//     season   s' = gamma * y / (l + phi * b) + (1 - gamma) * s
//     value    y' = (l' + (phi + phi^1 + phi^2 ...) * b') * s
//
// alpha, beta, gamma, phi, the first level, trend and seasons are those that make the squared errors least, found by
// Nelder and Mead from sixteen beginnings. All of it is InfluxDB's, with what is peculiar in it (a step goes on from the value
// that was predicted, not observed; the seasons are a ring walked in twos, and what a prediction leaves in it stays
// for the next one), because forecasts should be the same. Hyndman and Athanasopoulos, "Forecasting: principles and
// practice", chapter 8, tell the method as it is meant.
import { InputError } from "../../base/errors.ts";
import { FieldType } from "../../model/types.ts";
import { minimize } from "./nelder-mead.ts";
import { type Sequence, SequenceBuilder } from "./sequence.ts";

export interface Forecast {
  /** Values wanted after the last one. */
  readonly horizon: number;
  /** Values in a season; below 2: none. */
  readonly season: number;
  /** Between two values, ns. */
  readonly intervalNs: bigint;
  /** Also the values that the method gives for the past. */
  readonly withFit: boolean;
}

/** Of alpha, beta, gamma and phi each. */
const GUESSES = [0.3, 0.7];
const EPSILON = 1e-4;
/**
 * Steps of predictions that a forecast may take: seconds, in which the thread does nothing else. A thousand values take 25
 * million at most, and the number grows faster than theirs.
 */
const MOST_STEPS = 50_000_000;
/** Before the seasons: alpha, beta, gamma, phi, level, trend. */
const SEASONS = 6;

/**
 * The forecast of a sequence that ascends; empty when there are too few values. `check` is called every few milliseconds and
 * may throw to end the work. Throws `InputError` when there are so many values that it would take too long.
 */
export function holtWinters(input: Sequence, forecast: Forecast, check: () => void): Sequence {
  const { horizon, season, intervalNs, withFit } = forecast;
  const isSeasonal = season >= 2;
  const observed = regular(input, intervalNs);
  if (observed.length < 2 || (isSeasonal && Math.min(input.count, observed.length) < season))
    return new SequenceBuilder(0).finish(FieldType.Float);
  const start = firstGuess(observed, isSeasonal ? season : 0);
  let least = Number.POSITIVE_INFINITY;
  let best = start;
  let hasBest = false;
  const predicted = new Float64Array(observed.length);
  const powers = new Float64Array(observed.length);
  let steps = 0;
  let checkedSteps = 0;
  const squaredErrors = (parameters: Float64Array) => {
    steps += observed.length;
    if (steps > MOST_STEPS)
      throw new InputError(
        `holt_winters over ${observed.length} values takes too long: ask for fewer, by a shorter range or longer windows`,
      );
    if (steps - checkedSteps > 100_000) {
      check();
      checkedSteps = steps;
    }
    predict(observed[0]!, parameters, predicted, powers);
    return errorOf(predicted, observed);
  };
  for (const alpha of GUESSES)
    for (const beta of GUESSES)
      for (const gamma of GUESSES)
        for (const phi of GUESSES) {
          start.set([alpha, beta, gamma, phi]);
          const { value, point } = minimize(squaredErrors, start, EPSILON);
          if (hasBest && !(value < least)) continue;
          hasBest = true;
          least = value;
          best = point;
        }
  const whole = new Float64Array(observed.length + horizon);
  predict(observed[0]!, best, whole, new Float64Array(whole.length));
  const output = new SequenceBuilder(whole.length);
  // what stands after the last window goes on from that window's time, even where rows stand aside of the grid
  const first = withFit ? input.times[0]! : input.times[input.count - 1]! + intervalNs;
  const values = withFit ? whole : whole.subarray(observed.length);
  for (const [i, value] of values.entries())
    if (!Number.isNaN(value)) output.add(first + intervalNs * BigInt(i), value);
  return output.finish(FieldType.Float);
}

/** A value an interval, NaN where there is none; of several in one interval the first. */
function regular({ times, values, count }: Sequence, intervalNs: bigint): number[] {
  if (count === 0) return [];
  const rounded = (time: bigint) => {
    const rest = time % intervalNs;
    return time / intervalNs + (rest > intervalNs / 2n ? 1n : 0n);
  };
  const observed = [Number(values[0]!)];
  const first = rounded(times[0]!);
  for (let i = 1; i < count; i++) {
    const place = Number(rounded(times[i]!) - first);
    if (place < observed.length) continue;
    while (observed.length < place) observed.push(Number.NaN);
    observed.push(Number(values[i]!));
  }
  return observed;
}

/** Room for alpha to phi, then a level, a trend and the seasons to begin with. */
function firstGuess(observed: readonly number[], season: number): Float64Array {
  const guess = new Float64Array(SEASONS + season);
  if (season === 0) {
    guess[4] = 0.5 * observed[0]!;
    guess[5] = Number.isNaN(observed[1]!) ? 0 : 0.5 * (observed[1]! - observed[0]!);
    return guess;
  }
  let level = 0;
  let trend = 0;
  for (let i = 0; i < season; i++) {
    const value = observed[i]!;
    if (Number.isNaN(value)) continue;
    level += (1 / season) * value;
    const next = observed[season + i];
    if (next !== undefined && !Number.isNaN(next)) trend += (1 / (season * season)) * (next - value);
  }
  guess[4] = level;
  guess[5] = trend;
  for (let i = 0; i < season; i++) {
    const value = observed[i]!;
    guess[SEASONS + i] = Number.isNaN(value) ? 0 : value / level;
  }
  return guess;
}

/** Fills `predicted`; `powers` is scratch as long. Brings the first four parameters into [0, 1], and leaves the last seasons in the rest. */
function predict(
  first: number,
  parameters: Float64Array,
  predicted: Float64Array,
  powers: Float64Array,
): void {
  for (let i = 0; i < 4; i++) {
    if (parameters[i]! > 1) parameters[i] = 1;
    if (parameters[i]! < 0) parameters[i] = 0;
  }
  const [alpha = 0, beta = 0, gamma = 0, phi = 0] = parameters;
  let level = parameters[4]!;
  let trend = parameters[5]!;
  const season = parameters.length - SEASONS;
  fillPowers(powers, phi);
  let damping = phi;
  let value = first;
  predicted[0] = value;
  for (let t = 1; t < predicted.length; t++) {
    const place = SEASONS + (season === 0 ? 0 : (2 * t - 2) % season);
    const current = season === 0 ? 1 : parameters[place]!;
    const wanted = season === 0 ? 1 : parameters[SEASONS + ((2 * t - 2 + (t % season)) % season)]!;
    const nextLevel = alpha * (value / current) + (1 - alpha) * (level + phi * trend);
    const nextTrend = beta * (nextLevel - level) + (1 - beta) * phi * trend;
    const nextSeason = gamma * (value / (level + phi * trend)) + (1 - gamma) * current;
    value = (nextLevel + damping * nextTrend) * wanted;
    level = nextLevel;
    trend = nextTrend;
    damping += powers[t]!;
    if (season > 0) parameters[place] = nextSeason;
    predicted[t] = value;
  }
}

/**
 * Powers of a number from 0 on. Each is what squaring gives that goes through the exponent's bits from the lowest, as Go does
 * it: the last digits decide which way the simplex walks.
 */
function fillPowers(powers: Float64Array, base: number): void {
  powers[0] = 1;
  let square = base;
  for (let bit = 1; bit < powers.length; bit *= 2) {
    const end = Math.min(2 * bit, powers.length);
    for (let exponent = bit; exponent < end; exponent++) powers[exponent] = powers[exponent - bit]! * square;
    square *= square;
  }
}

/** Sum of the squared errors where there is a value. */
function errorOf(predicted: Float64Array, observed: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < predicted.length; i++) {
    const wanted = observed[i]!;
    if (Number.isNaN(wanted)) continue;
    if (Number.isNaN(predicted[i]!)) return Number.POSITIVE_INFINITY;
    const error = predicted[i]! - wanted;
    sum += error * error;
  }
  return sum;
}
