// The functions of technical analysis: name(field or call, period [, hold [, 'warm-up']]).
//
// Every value goes through the indicator; the first `hold` results are kept back, since little is behind them. InfluxDB 1.7
// and later have these; the defaults of `hold` are theirs too.
import { FieldType } from "../../model/types.ts";
import {
  doubleAverage,
  exponentialAverage,
  type Indicator,
  tripleAverage,
  tripleDerivative,
  type Warmup,
} from "./moving-averages.ts";
import { adaptiveAverage, efficiencyRatio, momentumOscillator, relativeStrength } from "./oscillators.ts";
import { type Sequence, SequenceBuilder } from "./sequence.ts";

type AnyWarmup = Warmup | "none";

/** One function. */
interface Technique {
  /** Names that a statement may give as last argument, the default first; none: the function has no warm-up. */
  readonly warmups: readonly AnyWarmup[];
  /** The least that may be given; -1 always stands for the default. */
  readonly minimumHold: 0 | 1;
  /** Results kept back when the statement does not say. */
  hold(period: number, warmup: AnyWarmup): number;
  start(period: number, warmup: AnyWarmup): Indicator;
}

const averages: readonly AnyWarmup[] = ["exponential", "simple"];

/** `depth` averages, which begin together or one after the other, and `more` values. */
const holdOf = (depth: number, more: number) => (period: number, warmup: AnyWarmup) =>
  (period - 1) * (warmup === "simple" ? depth : 1) + more;

const table = {
  exponential_moving_average: {
    warmups: averages,
    minimumHold: 0,
    hold: holdOf(1, 0),
    start: (period, warmup) => exponentialAverage(period, warmup as Warmup),
  },
  double_exponential_moving_average: {
    warmups: averages,
    minimumHold: 0,
    hold: holdOf(2, 0),
    start: (period, warmup) => doubleAverage(period, warmup as Warmup),
  },
  triple_exponential_moving_average: {
    warmups: averages,
    minimumHold: 0,
    hold: holdOf(3, 0),
    start: (period, warmup) => tripleAverage(period, warmup as Warmup),
  },
  triple_exponential_derivative: {
    warmups: averages,
    minimumHold: 1,
    hold: holdOf(3, 1),
    start: (period, warmup) => tripleDerivative(period, warmup as Warmup),
  },
  relative_strength_index: {
    warmups: averages,
    minimumHold: 0,
    hold: (period) => period,
    start: (period, warmup) => relativeStrength(period, warmup as Warmup),
  },
  chande_momentum_oscillator: {
    warmups: ["none", "exponential", "simple"],
    minimumHold: 0,
    hold: (period, warmup) => (warmup === "none" ? period - 1 : period),
    start: momentumOscillator,
  },
  kaufmans_efficiency_ratio: {
    warmups: [],
    minimumHold: 0,
    hold: (period) => period,
    start: efficiencyRatio,
  },
  kaufmans_adaptive_moving_average: {
    warmups: [],
    minimumHold: 0,
    hold: (period) => period,
    start: adaptiveAverage,
  },
} satisfies Record<string, Technique>;

export type TechniqueName = keyof typeof table;

/** By name. */
export const techniques: Readonly<Record<TechniqueName, Technique>> = table;

export function isTechniqueName(name: string): name is TechniqueName {
  return Object.hasOwn(table, name);
}

/** The parameters of a call as numbers: period, results kept back, index of the warm-up. */
export function techniqueParameters(
  name: TechniqueName,
  period: number,
  hold: number,
  warmup: string | null,
): number[] {
  const { warmups, hold: holdByDefault } = techniques[name];
  const index = warmup === null ? 0 : warmups.indexOf(warmup as AnyWarmup);
  return [period, hold >= 0 ? hold : holdByDefault(period, warmups[index] ?? "none"), index];
}

/** The values of an indicator from the first that is not kept back; infinite ones are left out. */
export function technicalAnalysis(
  name: TechniqueName,
  { times, values, count }: Sequence,
  [period = 1, hold = 0, warmup = 0]: readonly number[],
): Sequence {
  const { warmups, start } = techniques[name];
  const next = start(period, warmups[warmup] ?? "none");
  const output = new SequenceBuilder(count);
  for (let i = 0; i < count; i++) {
    const value = next(Number(values[i]!));
    if (i >= hold && Math.abs(value) !== Number.POSITIVE_INFINITY) output.add(times[i]!, value);
  }
  return output.finish(FieldType.Float);
}
