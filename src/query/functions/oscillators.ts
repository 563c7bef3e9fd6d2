// Indicators of how a sequence moves: what goes up against what goes down, and how straight the way is.
//
// As in InfluxDB 1.7 and later the value before the first counts as 0, so its rise is among the first changes of the relative
// strength index and of the smoothed oscillator, until the averages have forgotten it.
import { type Indicator, MovingAverage, type Warmup } from "./moving-averages.ts";

/** The sum of the last `size` values; taken anew each time round, so that rounding does not pile up. */
class MovingSum {
  readonly #values: Float64Array;
  #place = 0;
  #sum = 0;

  constructor(size: number) {
    this.#values = new Float64Array(size);
  }

  add(value: number): number {
    const values = this.#values;
    this.#sum += value - values[this.#place]!;
    values[this.#place] = value;
    this.#place++;
    if (this.#place === values.length) {
      this.#place = 0;
      this.#sum = 0;
      for (const each of values) this.#sum += each;
    }
    return this.#sum;
  }
}

/** Averages of rises and falls, with Wilder's alpha of 1 / period. */
function risesAndFalls(period: number, warmup: Warmup): (value: number) => [up: number, down: number] {
  const ups = new MovingAverage(period + 1, warmup, 1 / period);
  const downs = new MovingAverage(period + 1, warmup, 1 / period);
  let before = 0;
  return (value) => {
    const change = value - before;
    before = value;
    return [ups.add(Math.max(change, 0)), downs.add(Math.max(-change, 0))];
  };
}

/** 0 to 100: the share of rises in all that moved. Wilder, "New Concepts in Technical Trading Systems" (1978). */
export function relativeStrength(period: number, warmup: Warmup): Indicator {
  const averages = risesAndFalls(period, warmup);
  return (value) => {
    const [up, down] = averages(value);
    return 100 - 100 / (1 + up / down);
  };
}

/**
 * -100 to 100: rises less falls, by all that moved. Chande and Kroll, "The New Technical Trader" (1994). Warm-up "none": over
 * the last `period` changes, as there; otherwise over averages of them.
 */
export function momentumOscillator(period: number, warmup: Warmup | "none"): Indicator {
  if (warmup !== "none") {
    const averages = risesAndFalls(period, warmup);
    return (value) => {
      const [up, down] = averages(value);
      return 100 * ((up - down) / (up + down));
    };
  }
  const ups = new MovingSum(period);
  const downs = new MovingSum(period);
  let before: number | null = null;
  return (value) => {
    const change = before === null ? 0 : value - before;
    before = value;
    const up = ups.add(Math.max(change, 0));
    const down = downs.add(Math.max(-change, 0));
    return up + down === 0 ? 0 : 100 * ((up - down) / (up + down));
  };
}

/** 0 to 1: the way from `period` values ago as the crow flies, by the way gone. Kaufman, "Smarter Trading" (1995). */
export function efficiencyRatio(period: number): Indicator {
  const values = new Float64Array(period);
  const steps = new MovingSum(period);
  let place = 0;
  let before = 0;
  return (value) => {
    const signal = Math.abs(value - values[place]!);
    values[place] = value;
    place = (place + 1) % period;
    const noise = steps.add(Math.abs(value - before));
    before = value;
    return signal === 0 || noise === 0 ? 0 : signal / noise;
  };
}

/** Kaufman's average: as quick as one of 2 values on a straight way, as slow as one of 30 where nothing comes of the moves. */
export function adaptiveAverage(period: number): Indicator {
  const ratio = efficiencyRatio(period);
  // of 2 values 2 / (2 + 1), of 30 2 / (30 + 1); what lies between is 56 / 93, rounded once
  const slow = 2 / 31;
  const between = 56 / 93;
  let average = 0;
  let before = 0;
  let count = 0;
  return (value) => {
    // until the ratio has all its values the average starts from the value before
    if (count <= period) average = before;
    before = value;
    count++;
    const alpha = (ratio(value) * between + slow) ** 2;
    average += alpha * (value - average);
    return average;
  };
}
