// From residuals back to numbers: the last stage of the integer codec, four lanes at a time where sums fit 32 bits.
//
// A running sum over four lanes takes two shifted additions (Hillis, Steele) and the last lane of the group before.
import { unzigzag } from "./bits";

/** u64 residuals in place to i64: sums of differences (`order`), or numbers. */
export function rebuildWide(residuals: usize, count: u32, order: u32, signed: u32, base: i64, centre: i64, scale: i64): void {
  const end = residuals + (<usize>count << 3);
  if (order) {
    let sum = base;
    // the usual case without its multiplication, which the sum would wait for
    if (signed && scale == 1) {
      for (let at = residuals; at < end; at += 8) {
        sum += unzigzag(load<u64>(at)) + centre;
        store<i64>(at, sum);
      }
      return;
    }
    for (let at = residuals; at < end; at += 8) {
      const z = load<u64>(at);
      sum += (centre + (signed ? unzigzag(z) : <i64>z)) * scale;
      store<i64>(at, sum);
    }
    return;
  }
  for (let at = residuals; at < end; at += 8) {
    const z = load<u64>(at);
    store<i64>(at, base + (signed ? unzigzag(z) : <i64>z) * scale);
  }
}

// @ts-ignore: decorator
@inline function unzigzag4(z: v128): v128 {
  return v128.xor(i32x4.shr_u(z, 1), i32x4.neg(v128.and(z, i32x4.splat(1))));
}

// [a, b, c, d] to [a, a+b, a+b+c, a+b+c+d] plus `carry`
// @ts-ignore: decorator
@inline function runningSum(x: v128, carry: v128): v128 {
  const zero = i32x4.splat(0);
  x = i32x4.add(x, v128.shuffle<i32>(zero, x, 0, 4, 5, 6));
  x = i32x4.add(x, v128.shuffle<i32>(zero, x, 0, 1, 4, 5));
  return i32x4.add(x, carry);
}

/** u32 residuals to the int32 sums (or, without `order`, offsets) that are added to the base; in place. */
export function sumNarrow(residuals: usize, count: u32, order: u32, signed: u32, centre: i32): void {
  const end = residuals + (<usize>count << 2);
  const middle = i32x4.splat(centre);
  let carry = i32x4.splat(0);
  // whole groups: up to three lanes past the end are rewritten
  if (order && signed) {
    for (let at = residuals; at < end; at += 16) {
      const sums = runningSum(i32x4.add(unzigzag4(v128.load(at)), middle), carry);
      v128.store(at, sums);
      carry = v128.shuffle<i32>(sums, sums, 3, 3, 3, 3);
    }
  } else if (order) {
    for (let at = residuals; at < end; at += 16) {
      const sums = runningSum(i32x4.add(v128.load(at), middle), carry);
      v128.store(at, sums);
      carry = v128.shuffle<i32>(sums, sums, 3, 3, 3, 3);
    }
  } else if (signed) {
    for (let at = residuals; at < end; at += 16) v128.store(at, unzigzag4(v128.load(at)));
  }
}

/**
 * Steps i16[count] to int32 sums at `target`, `centre` added to each step. Of eight steps of up to 12 bits and a sign the sums fit 16
 * bits: that of those before and of the centres is added in 32. Writes up to seven sums past the end.
 */
export function sumSteps(steps: usize, count: u32, centre: i32, target: usize): void {
  const end = target + (<usize>count << 2);
  const zero = i16x8.splat(0);
  const four = i32x4.splat(centre * 4);
  let carry = i32x4.mul(i32x4.splat(centre), i32x4(1, 2, 3, 4));
  for (; target < end; target += 32, steps += 16) {
    let x = v128.load(steps);
    x = i16x8.add(x, v128.shuffle<i16>(zero, x, 0, 8, 9, 10, 11, 12, 13, 14));
    x = i16x8.add(x, v128.shuffle<i16>(zero, x, 0, 1, 8, 9, 10, 11, 12, 13));
    x = i16x8.add(x, v128.shuffle<i16>(zero, x, 0, 1, 2, 3, 8, 9, 10, 11));
    const upper = i32x4.extend_high_i16x8_s(x);
    v128.store(target, i32x4.add(i32x4.extend_low_i16x8_s(x), carry));
    carry = i32x4.add(carry, four);
    v128.store(target, i32x4.add(upper, carry), 16);
    carry = i32x4.add(i32x4.add(carry, four), v128.shuffle<i32>(upper, upper, 3, 3, 3, 3));
  }
}

/** target[i] = base + sums[i] * scale, as i64. */
export function widenToIntegers(sums: usize, count: u32, base: i64, scale: i64, target: usize): void {
  const bases = i64x2.splat(base);
  const even = sums + (<usize>(count & ~3) << 2);
  const end = sums + (<usize>count << 2);
  if (scale == 1) {
    for (; sums < even; sums += 16, target += 32) {
      const x = v128.load(sums);
      v128.store(target, i64x2.add(bases, i64x2.extend_low_i32x4_s(x)));
      v128.store(target, i64x2.add(bases, i64x2.extend_high_i32x4_s(x)), 16);
    }
  }
  for (; sums < end; sums += 4, target += 8) store<i64>(target, base + <i64>load<i32>(sums) * scale);
}

/** target[i] = (base + sums[i]) / power, as f64; |base| < 2^52, so that the addition is exact. */
export function widenToDecimals(sums: usize, count: u32, base: i64, power: f64, target: usize): void {
  const bases = f64x2.splat(<f64>base);
  const powers = f64x2.splat(power);
  const even = sums + (<usize>(count & ~3) << 2);
  const end = sums + (<usize>count << 2);
  for (; sums < even; sums += 16, target += 32) {
    const x = v128.load(sums);
    const upper = v128.shuffle<i32>(x, x, 2, 3, 2, 3);
    v128.store(target, f64x2.div(f64x2.add(bases, f64x2.convert_low_i32x4_s(x)), powers));
    v128.store(target, f64x2.div(f64x2.add(bases, f64x2.convert_low_i32x4_s(upper)), powers), 16);
  }
  for (; sums < end; sums += 4, target += 8) store<f64>(target, (<f64>base + <f64>load<i32>(sums)) / power);
}

/** i64 to f64 / power, in place. */
export function toDecimals(values: usize, count: u32, power: f64): void {
  const end = values + (<usize>count << 3);
  for (let at = values; at < end; at += 8) store<f64>(at, <f64>load<i64>(at) / power);
}
