// The simplex method of Nelder and Mead, "A simplex method for function minimization", The Computer Journal 7 (1965).
//
// A simplex of n + 1 points walks downhill: its worst point is reflected at the centre of the others, further out if that
// is best of all, half way back if it is no good, and if nothing helps all points move half way to the best.
//
// Which of equal points counts as worst, that after a shrinking only two values are taken anew, and where it stops are
// those of InfluxDB (which has them from Hutt's program), so that both walk the same way.

const MAX_ITERATIONS = 1000;

/** May change its argument (to keep it within bounds): the simplex then goes on with what it became. */
export type Objective = (point: Float64Array) => number;

export interface Minimum {
  readonly value: number;
  readonly point: Float64Array;
}

/** Walks from `start` until the values of the simplex deviate from their mean by less than `epsilon`. */
export function minimize(objective: Objective, start: Float64Array, epsilon: number): Minimum {
  const simplex = firstSimplex(start);
  const values = simplex.map(objective);
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    step(objective, simplex, values);
    if (deviation(values) < epsilon) break;
  }
  const best = simplex[indexOfLeast(values)]!;
  const point = best.slice();
  return { value: objective(best), point };
}

/** `start` and n points around it, all edges of length 1. */
function firstSimplex(start: Float64Array): Float64Array[] {
  const n = start.length;
  const far = (Math.sqrt(n + 1) - 1 + n) / (n * Math.sqrt(2));
  const near = (Math.sqrt(n + 1) - 1) / (n * Math.sqrt(2));
  const around = Array.from({ length: n }, (_, i) => start.map((x, j) => (i === j ? far : near) + x));
  return [start.slice(), ...around];
}

function step(objective: Objective, simplex: Float64Array[], values: number[]): void {
  const worst = indexOfGreatest(values);
  const best = indexOfLeast(values);
  const second = indexBelow(values, best, worst);
  const centre = centreWithout(simplex, worst);
  const replace = (point: Float64Array, value: number) => {
    simplex[worst]!.set(point);
    values[worst] = value;
  };
  const reflected = along(centre, simplex[worst]!, -1);
  const value = objective(reflected);
  if (value < values[second]! && value >= values[best]!) replace(reflected, value);
  if (value < values[best]!) {
    const expanded = along(centre, reflected, 2);
    const further = objective(expanded);
    if (further < value) replace(expanded, further);
    else replace(reflected, value);
  }
  // best, second and worst may be one point, whose value has just changed: this is asked anew
  if (!(value >= values[second]!)) return;
  const contracted = along(centre, value < values[worst]! ? reflected : simplex[worst]!, 0.5);
  const nearer = objective(contracted);
  if (nearer < values[worst]!) {
    replace(contracted, nearer);
    return;
  }
  const { [best]: target } = simplex;
  for (const [row, point] of simplex.entries())
    if (row !== best)
      for (let i = 0; i < point.length; i++) point[i] = target![i]! + (point[i]! - target![i]!) / 2;
  values[worst] = objective(simplex[worst]!);
  values[second] = objective(simplex[second]!);
}

/** centre + factor * (point - centre), with the signs as InfluxDB rounds them. */
function along(centre: Float64Array, point: Float64Array, factor: number): Float64Array {
  if (factor < 0) return centre.map((c, i) => c + (c - point[i]!));
  return centre.map((c, i) => c + factor * (point[i]! - c));
}

function centreWithout(simplex: readonly Float64Array[], left: number): Float64Array {
  const n = simplex.length - 1;
  const centre = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let row = 0; row <= n; row++) if (row !== left) sum += simplex[row]![i]!;
    centre[i] = sum / n;
  }
  return centre;
}

function indexOfGreatest(values: readonly number[]): number {
  let greatest = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[greatest]!) greatest = i;
  return greatest;
}

function indexOfLeast(values: readonly number[]): number {
  let least = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! < values[least]!) least = i;
  return least;
}

/** The greatest value below the worst one; the best one when there is none between. */
function indexBelow(values: readonly number[], best: number, worst: number): number {
  let second = best;
  for (let i = 0; i < values.length; i++)
    if (values[i]! > values[second]! && values[i]! < values[worst]!) second = i;
  return second;
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const n = values.length - 1;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2 / n, 0));
}
