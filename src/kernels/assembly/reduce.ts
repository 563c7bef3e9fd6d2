// Reductions of a run of 8-byte values [begin, end), at least one, to one value; floats in SIMD lanes.

/** Sum; integers wrap. */
// @ts-ignore: decorator
@inline export function sumOf<T>(begin: usize, end: usize): T {
  return isFloat<T>() ? <T>sumFloats(begin, end) : <T>sumIntegers(begin, end);
}

function sumFloats(begin: usize, end: usize): f64 {
  let a = f64x2.splat(0);
  let b = f64x2.splat(0);
  let at = begin;
  for (; at + 32 <= end; at += 32) {
    a = f64x2.add(a, v128.load(at));
    b = f64x2.add(b, v128.load(at, 16));
  }
  a = f64x2.add(a, b);
  let sum = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
  for (; at < end; at += 8) sum += load<f64>(at);
  return sum;
}

function sumIntegers(begin: usize, end: usize): i64 {
  let a = i64x2.splat(0);
  let at = begin;
  for (; at + 16 <= end; at += 16) a = i64x2.add(a, v128.load(at));
  let sum = i64x2.extract_lane(a, 0) + i64x2.extract_lane(a, 1);
  if (at < end) sum += load<i64>(at);
  return sum;
}

/** Smallest value; NaN only when nothing else is there. */
// @ts-ignore: decorator
@inline export function lowest<T>(begin: usize, end: usize): T {
  return isFloat<T>() ? <T>lowestFloat(begin, end) : extreme<T>(begin, end, false);
}

/** Largest value; NaN only when nothing else is there. */
// @ts-ignore: decorator
@inline export function highest<T>(begin: usize, end: usize): T {
  return isFloat<T>() ? <T>highestFloat(begin, end) : extreme<T>(begin, end, true);
}

function lowestFloat(begin: usize, end: usize): f64 {
  // pmin(a, b) = b < a ? b : a keeps `a` when b is NaN
  let a = f64x2.splat(Infinity);
  let b = a;
  let at = begin;
  for (; at + 32 <= end; at += 32) {
    a = f64x2.pmin(a, v128.load(at));
    b = f64x2.pmin(b, v128.load(at, 16));
  }
  a = f64x2.pmin(a, b);
  let low = min(f64x2.extract_lane(a, 0), f64x2.extract_lane(a, 1));
  for (; at < end; at += 8) {
    const x = load<f64>(at);
    low = x < low ? x : low;
  }
  // Infinity: it is there, or there are only NaNs
  return low != Infinity || contains(begin, end, low) ? low : load<f64>(begin);
}

function highestFloat(begin: usize, end: usize): f64 {
  let a = f64x2.splat(-Infinity);
  let b = a;
  let at = begin;
  for (; at + 32 <= end; at += 32) {
    a = f64x2.pmax(a, v128.load(at));
    b = f64x2.pmax(b, v128.load(at, 16));
  }
  a = f64x2.pmax(a, b);
  let high = max(f64x2.extract_lane(a, 0), f64x2.extract_lane(a, 1));
  for (; at < end; at += 8) {
    const x = load<f64>(at);
    high = x > high ? x : high;
  }
  return high != -Infinity || contains(begin, end, high) ? high : load<f64>(begin);
}

function contains(begin: usize, end: usize, wanted: f64): bool {
  for (let at = begin; at < end; at += 8) if (load<f64>(at) == wanted) return true;
  return false;
}

function extreme<T>(begin: usize, end: usize, largest: bool): T {
  let best = load<T>(begin);
  if (largest) {
    for (let at = begin; at < end; at += 8) {
      const x = load<T>(at);
      best = x > best ? x : best;
    }
  } else {
    for (let at = begin; at < end; at += 8) {
      const x = load<T>(at);
      best = x < best ? x : best;
    }
  }
  return best;
}

/** Where the first value equal to `wanted` stands; the first of all when none is (a NaN). */
export function find<T>(begin: usize, end: usize, wanted: T): usize {
  for (let at = begin; at < end; at += 8) if (load<T>(at) == wanted) return at;
  return begin;
}
