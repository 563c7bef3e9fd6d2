// Decimal digits to binary: eight digits at a time, and the nearest double of mantissa x 10^exponent.
//
// A double is found in three steps, each taken only when the one before cannot be sure:
//   1. mantissa <= 2^53 and |exponent| <= 22: both are exact doubles, one multiplication or division rounds once
//      (Clinger, How to read floating point numbers accurately, 1990)
//   2. the top 128 bits of mantissa x 5^exponent (Lemire, Number parsing at a gigabyte per second, 2021; that it needs no
//      fall-back for mantissas below 2^64: Mushtak and Lemire, Fast number parsing without fallback, 2023)
//   3. more than 19 digits: step 2 for the first 19 digits and for those plus one; where they differ, big integers (decimal.ts)
import { roundDecimal } from "./decimal";

const MIN_POWER: i32 = -342;
const MAX_POWER: i32 = 308;

// 128-bit approximations of 5^MIN_POWER .. 5^MAX_POWER, high half first; filled once from TypeScript
// (ingest/powers.ts)
const powers: usize = memory.data(651 * 16);

const exactPowers: usize = memory.data<f64>([
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]);

const integerPowers: usize = memory.data<u64>([1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000]);

/** Where the table of powers of five belongs: 651 pairs of u64 (high, low), for 5^-342 to 5^308. */
export function powersOfFive(): usize {
  return powers;
}

/** Eight bytes less '0': bytes 0 to 9 where they were digits. */
@inline export function lessZeros(p: usize): u64 {
  return load<u64>(p) ^ 0x3030303030303030;
}

/** How many of the eight bytes of `lessZeros` are digits before the first that is not (0 to 8). */
@inline export function countDigits(w: u64): u32 {
  return <u32>(ctz<u64>(((w + 0x7676767676767676) | w) & 0x8080808080808080) >> 3);
}

/** The number that the first `n` (1 to 8) bytes of `lessZeros` spell. */
@inline export function firstDigits(w: u64, n: u32): u64 {
  const d = w << (64 - (<u64>n << 3)); // leading zeros in front
  const pairs = d * 10 + (d >> 8); // of two digits each, in bytes 0, 2, 4, 6
  const first = (pairs & 0x000000ff000000ff) * 0x000f424000000064; // 1,000,000 and 100
  const second = ((pairs >> 16) & 0x000000ff000000ff) * 0x0000271000000001; // 10,000 and 1
  return (first + second) >> 32;
}

/** 10^n for n of 0 to 8. */
@inline export function integerPower(n: u32): u64 {
  return load<u64>(integerPowers + (n << 3));
}

/** The double nearest to mantissa x 10^-n, for n of 0 to 22. */
@inline export function scaleDown(mantissa: u64, n: u32): f64 {
  if (mantissa <= 1 << 53) return <f64>mantissa / load<f64>(exactPowers + (n << 3));
  return scale(mantissa, -<i32>n);
}

/** The double nearest to mantissa x 10^exponent, ties to even; may be 0 or infinity. */
export function scale(mantissa: u64, exponent: i32): f64 {
  if (mantissa == 0 || exponent < MIN_POWER) return 0;
  if (exponent > MAX_POWER) return Infinity;
  if (mantissa <= 1 << 53 && exponent >= -22 && exponent <= 22) {
    const power = load<f64>(exactPowers + (abs(exponent) << 3));
    return exponent < 0 ? <f64>mantissa / power : <f64>mantissa * power;
  }
  const zeros = clz<u64>(mantissa);
  const w = mantissa << zeros;
  const entry = powers + ((exponent - MIN_POWER) << 4);
  const power = load<u64>(entry);
  let high = multiplyHigh(w, power);
  let low = w * power;
  if ((high & 0x1ff) == 0x1ff) {
    // too close to a boundary to tell: the lower half of the power decides
    const more = multiplyHigh(w, load<u64>(entry, 8));
    low += more;
    if (more > low) high++;
  }
  const upper = high >> 63;
  const shift = upper + 9; // leaves 53 bits and one to round by
  let bits = high >> shift;
  let binary = ((217706 * exponent) >> 16) + 63 + <i32>upper - <i32>zeros + 1023;
  if (binary <= 0) {
    if (binary <= -63) return 0;
    bits >>= <u64>(1 - binary);
    bits += bits & 1;
    bits >>= 1;
    return reinterpret<f64>(bits); // rounding up to 2^52 makes the smallest normal number by itself
  }
  // exactly half way between two doubles: only possible for small exponents
  if (low <= 1 && exponent >= -4 && exponent <= 23 && (bits & 3) == 1 && bits << shift == high) bits &= ~1;
  bits += bits & 1;
  bits >>= 1;
  if (bits >= 1 << 53) {
    bits = 1 << 52;
    binary++;
  }
  if (binary >= 0x7ff) return Infinity;
  return reinterpret<f64>((bits & ((1 << 52) - 1)) | (<u64>binary << 52));
}

/** Upper 64 bits of the 128-bit product. */
@inline function multiplyHigh(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const highLow = aHigh * bLow;
  const middle = ((aLow * bLow) >> 32) + (highLow & 0xffffffff) + aLow * bHigh;
  return aHigh * bHigh + (highLow >> 32) + (middle >> 32);
}

/**
 * The double nearest to the decimal number at [start, end), ties to even: digits, optionally `.` and digits,
 * optionally `e`, a sign and digits; at least one digit before the `e`. No sign in front. NaN when it is not of
 * that form.
 */
export function parseDecimal(start: usize, end: usize): f64 {
  let p = start;
  let mantissa: u64 = 0;
  let kept: u32 = 0; // significant digits in `mantissa`, at most 19
  let exponent: i64 = 0;
  let anyDigit = false;
  let dropped = false; // a digit other than 0 did not fit
  let point = false;
  for (; p < end; p++) {
    const c = load<u8>(p);
    if (c == 0x2e && !point) {
      point = true;
      continue;
    }
    const digit = <u32>c - 0x30;
    if (digit > 9) break;
    anyDigit = true;
    if (kept < 19) {
      mantissa = mantissa * 10 + digit;
      if (mantissa != 0) kept++;
      if (point) exponent--;
    } else {
      if (digit != 0) dropped = true;
      if (!point) exponent++;
    }
  }
  const digitsEnd = p;
  if (!anyDigit) return NaN;
  if (p < end) {
    if ((load<u8>(p) | 0x20) != 0x65) return NaN;
    p++;
    const negative = p < end && load<u8>(p) == 0x2d;
    if (p < end && (negative || load<u8>(p) == 0x2b)) p++;
    if (p == end) return NaN;
    let written: i64 = 0;
    for (; p < end; p++) {
      const digit = <u32>load<u8>(p) - 0x30;
      if (digit > 9) return NaN;
      if (written < 1_000_000_000_000) written = written * 10 + digit;
    }
    exponent += negative ? -written : written;
  }
  const clamped = <i32>max<i64>(-100_000, min<i64>(100_000, exponent));
  const below = scale(mantissa, clamped);
  if (!dropped) return below;
  const above = scale(mantissa + 1, clamped);
  return below == above ? below : roundDecimal(start, digitsEnd, clamped, below);
}
