// Functions of numbers, as Go's package math computes them: what columns and conditions call by these names.
//
// What is not defined is NaN or infinite, here and in whatever is made of it; the answer shows both as null.
//
//   exact in both        abs, ceil, floor, round, sqrt
//   within the last ulp  everything else: JavaScript leaves sin, exp, pow ... to the engine, Go computes them by itself.
//                        log, log2 and log10 take Go's way, log(x, b) = ln x / ln b, log2 by the exponent, so that powers
//                        of two are whole

/** Nearest double to log10(2): the quotient of Math.LN2 and Math.LN10 is not it. */
const LOG10_2 = 0.3010299956639812;

/** `round` goes half away from zero. `atan2(y, x)`, `log(x, base)`, `pow(base, exponent)`. */
const table = {
  abs: Math.abs,
  acos: Math.acos,
  asin: Math.asin,
  atan: Math.atan,
  atan2: Math.atan2,
  ceil: Math.ceil,
  cos: Math.cos,
  exp: Math.exp,
  floor: Math.floor,
  ln: Math.log,
  log: (x: number, base: number) => Math.log(x) / Math.log(base),
  log10: (x: number) => log2(x) * LOG10_2,
  log2,
  pow,
  round,
  sin: Math.sin,
  sqrt: Math.sqrt,
  tan: Math.tan,
} satisfies Record<string, (a: number, b: number) => number>;

export type MathName = keyof typeof table;

const binary: ReadonlySet<MathName> = new Set(["atan2", "log", "pow"] as const);
const typeKeeping: ReadonlySet<MathName> = new Set(["abs", "ceil", "floor", "round"] as const);

export function isMathName(name: string): name is MathName {
  return Object.hasOwn(table, name);
}

/** How many operands the function takes. */
export function operandCount(name: MathName): 1 | 2 {
  return binary.has(name) ? 2 : 1;
}

/** Whether an integer stays one (ceil, floor and round then change nothing). Otherwise the function gives floats. */
export function keepsType(name: MathName): boolean {
  return typeKeeping.has(name);
}

/** The function over doubles; those of one operand ignore the second. */
export function mathematics(name: MathName): (a: number, b: number) => number {
  return table[name];
}

/** Half away from zero, and -0.25 to -0, where Math.round goes up. */
function round(x: number): number {
  const whole = Math.trunc(x);
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole;
}

/** C99's: 1 to any power is 1, and so is -1 to an infinite one, where JavaScript has NaN. */
function pow(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY)) return 1;
  return base ** exponent;
}

function log2(x: number): number {
  if (!(x > 0) || x === Number.POSITIVE_INFINITY) return Math.log(x);
  // x = fraction * 2^exponent with 1/2 <= fraction < 1; divided in two steps, since 2^1074 is no double
  let exponent = Math.floor(Math.log2(x)) + 1;
  const half = exponent >> 1;
  let fraction = x / 2 ** half / 2 ** (exponent - half);
  if (fraction >= 1) {
    fraction /= 2;
    exponent++;
  } else if (fraction < 0.5) {
    fraction *= 2;
    exponent--;
  }
  return fraction === 0.5 ? exponent - 1 : Math.log(fraction) * Math.LOG2E + exponent;
}
