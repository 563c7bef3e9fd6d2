// Exponential moving averages, and what is made of several of them one behind the other.
//
//     average += (value - average) * alpha,  alpha = 2 / (period + 1)
//
// The first `period` values are the warm-up, where alpha would give the first value too much weight:
//
//     exponential   alpha = 2 / (count + 2): as if the period were as long as what has been seen so far
//     simple        the mean of what has been seen so far; averages further back wait until the one before is warm
import { assert } from "../../base/assert.ts";

export type Warmup = "exponential" | "simple";

/** Takes the next value of a sequence and says where the indicator stands. */
export type Indicator = (value: number) => number;

/** One average, as indicators are made of it. */
export class MovingAverage {
  /** Values so far, counted up to the period. */
  #count = 0;
  #average = 0;
  readonly #period: number;
  readonly #warmup: Warmup;
  readonly #alpha: number;

  constructor(period: number, warmup: Warmup, alpha = 2 / (period + 1)) {
    this.#period = period;
    this.#warmup = warmup;
    this.#alpha = alpha;
  }

  /** Whether the average behind this one may begin. */
  get feedsNext(): boolean {
    return this.isWarm || this.#warmup === "exponential";
  }

  get isWarm(): boolean {
    return this.#count === this.#period;
  }

  add(value: number): number {
    const count = this.#count;
    if (count === 0) this.#average = value;
    else if (this.isWarm) this.#average += (value - this.#average) * this.#alpha;
    else if (this.#warmup === "simple") this.#average = (this.#average * count + value) / (count + 1);
    else this.#average += (value - this.#average) * (2 / (count + 2));
    if (!this.isWarm) this.#count++;
    return this.#average;
  }
}

/** Values of `depth` averages, each over the one before; one that waits shows what it would be fed with. */
function cascade(depth: number, period: number, warmup: Warmup): (value: number) => number[] {
  const averages = Array.from({ length: depth }, () => new MovingAverage(period, warmup));
  return (value) => {
    let isFed = true;
    let current = value;
    return averages.map((average) => {
      if (isFed) {
        current = average.add(current);
        isFed = average.feedsNext;
      }
      return current;
    });
  };
}

export function exponentialAverage(period: number, warmup: Warmup): Indicator {
  const average = new MovingAverage(period, warmup);
  return (value) => average.add(value);
}

/** Mulloy, "Smoothing data with faster moving averages", Stocks & Commodities 12 (1994): less lag. */
export function doubleAverage(period: number, warmup: Warmup): Indicator {
  const averages = cascade(2, period, warmup);
  return (value) => {
    const [first, second] = averages(value);
    assert(first !== undefined && second !== undefined, "two averages");
    return 2 * first - second;
  };
}

/** The same with three. */
export function tripleAverage(period: number, warmup: Warmup): Indicator {
  const averages = cascade(3, period, warmup);
  return (value) => {
    const [first, second, third] = averages(value);
    assert(first !== undefined && second !== undefined && third !== undefined, "three averages");
    return 3 * first - 3 * second + third;
  };
}

/** TRIX: by how many percent the average of an average of an average changes; infinite at the first value. */
export function tripleDerivative(period: number, warmup: Warmup): Indicator {
  const averages = cascade(3, period, warmup);
  let before = 0;
  return (value) => {
    const current = averages(value)[2]!;
    const rate = (current / before - 1) * 100;
    before = current;
    return rate;
  };
}
