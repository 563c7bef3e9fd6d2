// Merging one run's aggregates into a window's accumulators: `slot` is the value's entry, `slot + stride` that of its
// time; `had` is how many rows the window had before (0: the entries mean nothing yet).

/** Whether `x` is strictly better than `best`; a number beats a NaN, a NaN beats nothing. */
// @ts-ignore: decorator
@inline export function beats<T>(x: T, best: T, largest: bool): bool {
  if (isFloat<T>() && best != best) return x == x;
  return largest ? x > best : x < best;
}

/** Minimum or maximum: of equal ones the earliest. */
// @ts-ignore: decorator
@inline export function mergeExtreme<T>(slot: usize, stride: usize, had: f64, x: T, time: i64, largest: bool): void {
  if (had != 0) {
    const best = load<T>(slot);
    if (!beats<T>(x, best, largest) && (x != best || time >= load<i64>(slot + stride))) return;
  }
  store<T>(slot, x);
  store<i64>(slot + stride, time);
}

/** Earliest value; of several at one time the largest. */
// @ts-ignore: decorator
@inline export function mergeFirst<T>(slot: usize, stride: usize, had: f64, x: T, time: i64): void {
  if (had != 0) {
    const best = load<i64>(slot + stride);
    if (time > best || (time == best && !beats<T>(x, load<T>(slot), true))) return;
  }
  store<T>(slot, x);
  store<i64>(slot + stride, time);
}

/** Latest value; of several at one time the largest. */
// @ts-ignore: decorator
@inline export function mergeLast<T>(slot: usize, stride: usize, had: f64, x: T, time: i64): void {
  if (had != 0) {
    const best = load<i64>(slot + stride);
    if (time < best || (time == best && !beats<T>(x, load<T>(slot), true))) return;
  }
  store<T>(slot, x);
  store<i64>(slot + stride, time);
}

/**
 * Mean at `slot`, sum of squared deviations from it at `slot + stride` (Chan, Golub, LeVeque, "Updating Formulae and a
 * Pairwise Algorithm for Computing Sample Variances", 1979).
 */
export function mergeDeviations(slot: usize, stride: usize, had: f64, count: f64, mean: f64, squares: f64): void {
  if (had == 0) {
    store<f64>(slot, mean);
    store<f64>(slot + stride, squares);
    return;
  }
  const total = had + count;
  const apart = mean - load<f64>(slot);
  store<f64>(slot, load<f64>(slot) + (apart * count) / total);
  store<f64>(slot + stride, load<f64>(slot + stride) + squares + (apart * apart * had * count) / total);
}
