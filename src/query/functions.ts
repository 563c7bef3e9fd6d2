// The functions of the language: what the planner must know of each to check a call and type its result.
//
// A newcomer adds a function here (one entry) and its execution in the executor. Kinds:
//
//   aggregate       one value a group and window, at the window's time            sum, mean, stddev ...
//   selector        the same, but the value is that of one row, whose other columns and time can be kept
//   several         up to N rows a group and window                               top, bottom, distinct, sample
//   transformation  points to points, over rows or over the points of another call (one a window)
//   math            a number of the numbers in a row of the answer (code: model/mathematics.ts)       abs, sin, pow ...

import type { MathName } from "../model/mathematics.ts";
import { Fold } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import type { TechniqueName } from "./functions/technical-analysis.ts";

const { Float, Integer, Unsigned } = FieldType;
const numbers: readonly FieldType[] = [Float, Integer, Unsigned];
const ordered: readonly FieldType[] = [...numbers, FieldType.Boolean];
const all: readonly FieldType[] = [...ordered, FieldType.String];

export type FunctionKind = "aggregate" | "selector" | "several" | "transformation" | "math";

/** What may follow the field in a call. A duration's default is ns, or the GROUP BY interval when there is one. */
export type Parameter =
  | { readonly kind: "number" }
  /** Whole and at least `minimum`. */
  | { readonly kind: "integer"; readonly minimum: number }
  /** Period, results to keep back, warm-up (code and rules: functions/technical-analysis.ts). */
  | { readonly kind: "technique" }
  /** Values to predict, values of a season (functions/holt-winters.ts). */
  | { readonly kind: "forecast" }
  | { readonly kind: "duration"; readonly defaultNs: number; readonly defaultIsWindow: boolean };

export interface FunctionInfo {
  readonly kind: FunctionKind;
  readonly accepts: readonly FieldType[];
  /** "same": the type of the argument. */
  readonly gives: FieldType | "same";
  readonly parameter: Parameter | null;
  /** Bits of `Fold` that answer it for numbers (count: for every type); 0: it needs the values. */
  readonly fold: number;
  /** Answered from a sketch that blocks are fed to, in bounded memory (sketches.ts). */
  readonly isSketched: boolean;
  /** Windows before the first that a transformation of windows needs; "parameter - 1" for a moving window, "parameter" for a period. */
  readonly extraWindows: number | "parameter - 1" | "parameter";
}

const info = (
  kind: FunctionKind,
  accepts: readonly FieldType[],
  gives: FieldType | "same",
  rest: Partial<FunctionInfo> = {},
): FunctionInfo => ({
  kind,
  accepts,
  gives,
  parameter: null,
  fold: 0,
  isSketched: false,
  extraWindows: 0,
  ...rest,
});

const unit = (defaultIsWindow: boolean): Parameter => ({
  kind: "duration",
  defaultNs: 1_000_000_000,
  defaultIsWindow,
});

const technique = info("transformation", numbers, Float, {
  parameter: { kind: "technique" },
  extraWindows: "parameter",
});

const table = {
  count: info("aggregate", all, Integer, { fold: Fold.Count }),
  sum: info("aggregate", numbers, "same", { fold: Fold.Sum }),
  mean: info("aggregate", numbers, Float, { fold: Fold.Count | Fold.Sum }),
  spread: info("aggregate", numbers, "same", { fold: Fold.Min | Fold.Max }),
  stddev: info("aggregate", numbers, Float, { fold: Fold.Count | Fold.Deviations }),
  median: info("aggregate", numbers, Float),
  mode: info("aggregate", all, "same"),
  integral: info("aggregate", numbers, Float, { parameter: unit(false) }),

  percentile_approx: info("aggregate", numbers, Float, {
    parameter: { kind: "number" },
    isSketched: true,
  }),
  count_distinct: info("aggregate", all, Integer, { isSketched: true }),

  min: info("selector", ordered, "same", { fold: Fold.Min }),
  max: info("selector", ordered, "same", { fold: Fold.Max }),
  first: info("selector", all, "same", { fold: Fold.First }),
  last: info("selector", all, "same", { fold: Fold.Last }),
  percentile: info("selector", numbers, "same", { parameter: { kind: "number" } }),

  distinct: info("several", all, "same"),
  top: info("several", numbers, "same", { parameter: { kind: "integer", minimum: 1 } }),
  bottom: info("several", numbers, "same", { parameter: { kind: "integer", minimum: 1 } }),
  sample: info("several", all, "same", { parameter: { kind: "integer", minimum: 1 } }),

  derivative: info("transformation", numbers, Float, { parameter: unit(true), extraWindows: 1 }),
  non_negative_derivative: info("transformation", numbers, Float, { parameter: unit(true), extraWindows: 1 }),
  difference: info("transformation", numbers, "same", { extraWindows: 1 }),
  non_negative_difference: info("transformation", numbers, "same", { extraWindows: 1 }),
  elapsed: info("transformation", all, Integer, {
    parameter: { kind: "duration", defaultNs: 1, defaultIsWindow: false },
    extraWindows: 1,
  }),
  moving_average: info("transformation", numbers, Float, {
    parameter: { kind: "integer", minimum: 2 },
    extraWindows: "parameter - 1",
  }),
  cumulative_sum: info("transformation", numbers, "same"),

  holt_winters: info("transformation", numbers, Float, { parameter: { kind: "forecast" } }),
  holt_winters_with_fit: info("transformation", numbers, Float, { parameter: { kind: "forecast" } }),

  exponential_moving_average: technique,
  double_exponential_moving_average: technique,
  triple_exponential_moving_average: technique,
  triple_exponential_derivative: technique,
  relative_strength_index: technique,
  chande_momentum_oscillator: technique,
  kaufmans_efficiency_ratio: technique,
  kaufmans_adaptive_moving_average: technique,

  abs: info("math", numbers, "same"),
  acos: info("math", numbers, Float),
  asin: info("math", numbers, Float),
  atan: info("math", numbers, Float),
  atan2: info("math", numbers, Float),
  ceil: info("math", numbers, "same"),
  cos: info("math", numbers, Float),
  exp: info("math", numbers, Float),
  floor: info("math", numbers, "same"),
  ln: info("math", numbers, Float),
  log: info("math", numbers, Float),
  log10: info("math", numbers, Float),
  log2: info("math", numbers, Float),
  pow: info("math", numbers, Float),
  round: info("math", numbers, "same"),
  sin: info("math", numbers, Float),
  sqrt: info("math", numbers, Float),
  tan: info("math", numbers, Float),
} satisfies Record<string, FunctionInfo> & Record<MathName | TechniqueName, FunctionInfo>;

export type FunctionName = keyof typeof table;

/** By canonical name. */
export const functions: Readonly<Record<FunctionName, FunctionInfo>> = table;

/** Other names that a statement may use; columns are named as written. */
const synonyms: ReadonlyMap<string, FunctionName> = new Map([
  ["avg", "mean"],
  ["range", "spread"],
]);

/** What a written name means: `percentile90` is percentile with its parameter given. Undefined: no such function. */
export function functionNamed(
  written: string,
): { readonly name: FunctionName; readonly parameter: number | null } | undefined {
  const name = synonyms.get(written) ?? written;
  if (Object.hasOwn(functions, name)) return { name: name as FunctionName, parameter: null };
  const percentile = /^percentile(\d{1,3}(?:_\d+)?)$/.exec(name);
  if (percentile === null) return undefined;
  const parameter = Number(percentile[1]!.replace("_", "."));
  return parameter <= 100 ? { name: "percentile", parameter } : undefined;
}
