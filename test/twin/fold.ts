// The plain twin of assembly/fold.ts: a row at a time, a loop over everything.

export interface TwinWindow {
  count: number;
  sum: number | bigint;
  min?: number | bigint;
  minTime?: bigint;
  max?: number | bigint;
  maxTime?: bigint;
  first?: number | bigint;
  firstTime?: bigint;
  last?: number | bigint;
  lastTime?: bigint;
  numbers: number[];
}

export interface TwinRow {
  time: bigint;
  /** null: no value, or masked out. */
  value: number | bigint | null;
}

const isNaNumber = (x: number | bigint) => typeof x === "number" && Number.isNaN(x);
const beats = (x: number | bigint, best: number | bigint, largest: boolean) =>
  isNaNumber(best) ? !isNaNumber(x) : largest ? x > best : x < best;

/** Folds rows (of any number of series, in any order) into windows; sums of integers are not wrapped. */
export function foldTwin(rows: readonly TwinRow[], bounds: readonly bigint[], zero: 0 | 0n): TwinWindow[] {
  return bounds.slice(1).map((end, index) => {
    const start = bounds[index]!;
    const window: TwinWindow = { count: 0, sum: zero, numbers: [] };
    for (const { time, value } of rows) {
      if (value === null || time < start || time >= end) continue;
      window.count++;
      window.sum = (window.sum as number) + (value as number);
      window.numbers.push(Number(value));
      const sameMin = value === window.min && time < window.minTime!;
      if (window.min === undefined || beats(value, window.min, false) || sameMin) {
        window.min = value;
        window.minTime = time;
      }
      const sameMax = value === window.max && time < window.maxTime!;
      if (window.max === undefined || beats(value, window.max, true) || sameMax) {
        window.max = value;
        window.maxTime = time;
      }
      const { first, firstTime, last, lastTime } = window;
      if (first === undefined || time < firstTime! || (time === firstTime && beats(value, first, true))) {
        window.first = value;
        window.firstTime = time;
      }
      if (last === undefined || time > lastTime! || (time === lastTime && beats(value, last, true))) {
        window.last = value;
        window.lastTime = time;
      }
    }
    return window;
  });
}

export function meanAndDeviations(numbers: readonly number[]): { mean: number; deviations: number } {
  const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
  return { mean, deviations: numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) };
}
