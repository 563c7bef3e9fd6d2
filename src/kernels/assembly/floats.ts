// The float codec: decimals as integers, anything else as ordered bits, raw when neither helps.
//
// DECIMAL  ALP (Afroozeh, Kuffo, Boncz, "ALP: Adaptive Lossless floating-Point Compression", SIGMOD 2023) with one
//          change: x = n / 10^e is computed by division, which is correctly rounded for |n| < 2^53 and e <= 22, so that every
//          decimal of up to 15 digits decodes exactly and the second exponent of the paper is not needed.
//          Numbers for which it does not hold (-0, NaN, infinities, full precision) are exceptions.
//     u8 e, varint exception count, rows packed at the width of (count - 1), their bits 8 bytes each, integers
// ALL_DECIMAL  the same without exceptions
//     u8 e, integers
// ORDERED  the bits as an integer that ascends with the number: neighbours of like size have small differences
//     integers
// RAW      8 bytes each
import { bitLength, pack, packedBytes, unpackOne, writeVarint } from "./bits";
import { decodeIntegers, decodeOffsets, NOTHING } from "./integers-decode";
import { encodeIntegers } from "./integers-encode";
import { pageFailed, readByte, readVarint, takeBytes } from "./reader";
import { sampleRow } from "./sample";
import { integers, rows } from "./workspace";

export const RAW: u32 = 2;
export const DECIMAL: u32 = 3;
export const ORDERED: u32 = 4;
export const ALL_DECIMAL: u32 = 7;

const MAX_EXPONENT: u32 = 18;
const SAMPLE: u32 = 32;
const NONE: u32 = 255;
// adding it rounds |x| < 2^51 to an integer that stands in the low bits of the sum
const ROUND: f64 = 6755399441055744.0; // 1.5 * 2^52
const LARGEST: f64 = 2251799813685248.0; // 2^51

const powers: usize = memory.data<f64>([
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
]);
const found: usize = memory.data(19 * 4); // sampled numbers by the exponent they need

let format: u32 = RAW;

/** The format that the last `encodeFloats` chose. */
export function floatFormat(): u32 {
  return format;
}

/** Encodes f64[count], count > 0, at `source`; returns the end: at most 8 * count + 40 bytes are kept. */
export function encodeFloats(source: usize, count: u32, target: usize): usize {
  const exponent = chooseExponent(source, count);
  let end: usize = 0;
  if (exponent != NONE) {
    end = encodeDecimals(source, count, exponent, target);
    if (end && (<u64>(end - target) << 3) < <u64>count * 40) return end;
  }
  const decimalSize = end ? end - target : usize.MAX_VALUE;
  toOrdered(source, count, integers);
  format = ORDERED;
  end = encodeIntegers(integers, count, target, true);
  if (decimalSize <= end - target) {
    end = encodeDecimals(source, count, exponent, target);
  }
  if (end - target >= <usize>count << 3) {
    format = RAW;
    memory.copy(target, source, <usize>count << 3);
    end = target + (<usize>count << 3);
  }
  return end;
}

/** Decodes `count` > 0 numbers at the cursor to f64[count]; false when the bytes cannot have been written. */
export function decodeFloats(wanted: u32, count: u32, target: usize): bool {
  if (wanted == RAW) {
    const from = takeBytes(<u64>count << 3);
    if (pageFailed()) return false;
    memory.copy(target, from, <usize>count << 3);
    return true;
  }
  if (wanted == ORDERED) {
    if (!decodeIntegers(count, target, 0)) return false;
    toOrdered(target, count, target);
    return true;
  }
  return (wanted == DECIMAL || wanted == ALL_DECIMAL) && decodeDecimals(wanted, count, target);
}

// Its own inverse: negative numbers have all bits but the sign turned over.
function toOrdered(source: usize, count: u32, target: usize): void {
  const end = source + (<usize>count << 3);
  for (; source < end; source += 8, target += 8) {
    const x = load<i64>(source);
    store<i64>(target, x ^ ((x >> 63) & i64.MAX_VALUE));
  }
}

// Whether x is n / 10^e for the integer n nearest to x * 10^e.
// @ts-ignore: decorator
@inline function isDecimal(x: f64, power: f64): bool {
  const scaled = x * power;
  if (!(abs(scaled) < LARGEST)) return false;
  return reinterpret<u64>((scaled + ROUND - ROUND) / power) == reinterpret<u64>(x);
}

// The exponent with the smallest expected size for a sample; NONE when most of the sample is no short decimal.
function chooseExponent(source: usize, count: u32): u32 {
  const taken = min<u32>(count, SAMPLE);
  memory.fill(found, 0, 19 * 4);
  let likely: u32 = 0;
  let hits: u32 = 0;
  let lowest = MAX_EXPONENT;
  for (let i: u32 = 0; i < taken; i++) {
    if (hits == 0 && i == 8) return NONE; // measured values of full precision: no need to try them all
    const x = load<f64>(source + (<usize>sampleRow(i, taken, count) << 3));
    if (abs(x) == Infinity || x != x) continue;
    let e = likely;
    while (e <= MAX_EXPONENT && !isDecimal(x, load<f64>(powers + (<usize>e << 3)))) e++;
    if (e > MAX_EXPONENT) continue;
    if (hits == 0) likely = e;
    hits++;
    lowest = min(lowest, e);
    const slot = found + (<usize>e << 2);
    store<u32>(slot, load<u32>(slot) + 1);
  }
  if (hits * 2 < taken) return NONE;
  let best: u32 = NONE;
  let bestCost: u32 = u32.MAX_VALUE;
  let covered: u32 = 0;
  for (let e = lowest; e <= MAX_EXPONENT; e++) {
    const here = load<u32>(found + (<usize>e << 2));
    covered += here;
    if (here == 0) continue;
    // 3.32 bits a digit for each number, 76 for an exception
    const cost = ((e - lowest) * 10 * taken) / 3 + (taken - covered) * 76;
    if (cost < bestCost) {
      bestCost = cost;
      best = e;
    }
  }
  return best;
}

// Sets the format; returns 0 when more than half of the numbers are exceptions.
function encodeDecimals(source: usize, count: u32, exponent: u32, target: usize): usize {
  const power = load<f64>(powers + (<usize>exponent << 3));
  const powers2 = f64x2.splat(power), round2 = f64x2.splat(ROUND), largest2 = f64x2.splat(LARGEST);
  const end = source + (<usize>count << 3);
  let exceptions: usize = 0;
  let at = source;
  let to = integers;
  while (at < end) {
    // pairs of decimals, as long as both are
    while (at + 16 <= end) {
      const pair = v128.load(at);
      const scaled = f64x2.mul(pair, powers2);
      const rounded = f64x2.add(scaled, round2);
      const same = i64x2.eq(f64x2.div(f64x2.sub(rounded, round2), powers2), pair);
      if (!i64x2.all_true(v128.and(same, f64x2.lt(f64x2.abs(scaled), largest2)))) break;
      v128.store(to, i64x2.sub(rounded, round2));
      at += 16;
      to += 16;
    }
    if (at == end) break;
    // one number, maybe an exception: its place is taken by the integer before, which costs the least
    const x = load<f64>(at);
    if (isDecimal(x, power)) {
      store<i64>(to, reinterpret<i64>(x * power + ROUND) - reinterpret<i64>(ROUND));
    } else {
      store<u64>(rows + (exceptions << 3), (at - source) >> 3);
      exceptions++;
      store<i64>(to, at == source ? 0 : load<i64>(to - 8));
    }
    at += 8;
    to += 8;
  }
  if (exceptions << 1 > count) return 0;
  format = exceptions ? DECIMAL : ALL_DECIMAL;
  store<u8>(target++, <u8>exponent);
  if (!exceptions) return encodeIntegers(integers, count, target, true);
  target = writeVarint(exceptions, target);
  target = pack(rows, <u32>exceptions, bitLength(count - 1), target);
  for (let i: usize = 0; i < exceptions; i++) {
    store<u64>(target, load<u64>(source + (load<usize>(rows + (i << 3)) << 3)));
    target += 8;
  }
  return encodeIntegers(integers, count, target, true);
}

function decodeDecimals(wanted: u32, count: u32, target: usize): bool {
  const exponent = readByte();
  const exceptions = wanted == ALL_DECIMAL ? 0 : readVarint();
  if (exponent > MAX_EXPONENT || exceptions > count) return false;
  const rowWidth = bitLength(count - 1);
  const rowBytes = packedBytes(<u32>exceptions, rowWidth);
  const exceptionRows = takeBytes(rowBytes);
  const bits = takeBytes(exceptions << 3);
  if (pageFailed() || !decodeIntegers(count, target, load<f64>(powers + (<usize>exponent << 3)))) return false;
  for (let i: u32 = 0; i < <u32>exceptions; i++) {
    const row = unpackOne(exceptionRows, rowBytes, i, rowWidth);
    if (row >= count) return false;
    store<u64>(target + (<usize>row << 3), load<u64>(bits + (<usize>i << 3)));
  }
  return true;
}

/**
 * As `decodeOffsets`, numbers written as `wanted`: integers to be divided by `offsetPower`. NOTHING also when they are not decimals
 * without exceptions.
 */
export function decodeDecimalOffsets(wanted: u32, count: u32, takesSteps: bool): u32 {
  if (wanted != DECIMAL && wanted != ALL_DECIMAL) return NOTHING;
  const exponent = readByte();
  const exceptions = wanted == ALL_DECIMAL ? 0 : readVarint();
  if (pageFailed() || exponent > MAX_EXPONENT || exceptions != 0) return NOTHING;
  decimalPower = load<f64>(powers + (<usize>exponent << 3));
  return decodeOffsets(count, takesSteps);
}

let decimalPower: f64 = 1;

/** The power of ten of the last `decodeDecimalOffsets`. */
export function offsetPower(): f64 {
  return decimalPower;
}
