// Doubles as the shortest decimals that read back as the same double, of several the closest; printed as JSON and JavaScript do.
//
// Giulietti, "The Schubfach way to render doubles" (2021): of the decimals with the largest exponent k for which the interval that
// rounds to v must hold one, at most four have to be looked at. 10^-k times the interval's ends and v comes from a table of powers of
// ten (http/output/powers.ts).

/** First power in the table. */
const FIRST_POWER: i32 = -292;
/** 10^0 ... 10^19. */
const integerPowers: usize = memory.data<u64>([
  1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000,
  10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000,
  10000000000000000000,
]);
const HIDDEN: u64 = 1 << 52;
const HIGHEST_INTEGER: f64 = 9007199254740992.0; // 2^53: integers up to it are their own shortest form

const powers: usize = memory.data(617 * 16);

/** Where the table belongs: 10^-292 to 10^324, each as u64 high, u64 low of 128 bits, the top one set, rounded up. */
export function powersOfTen(): usize {
  return powers;
}

/** Writes a finite double; gives where it ends. At most 25 bytes, and 8 behind them may be overwritten. */
export function putDouble(start: usize, value: f64): usize {
  let at = start;
  if (reinterpret<i64>(value) < 0) store<u8>(at++, 0x2d);
  const size = abs<f64>(value);
  if (size < 400_000) {
    // decimals of up to four digits: if d / 10^4 gives the value back, d is its shortest form, as it has few digits
    const scaled = <u32>nearest<f64>(size * 1e4);
    if (<f64>scaled / 1e4 == size) {
      const whole = overTenThousand(scaled);
      const rest = scaled - whole * 10_000;
      at = whole < 100 ? putPair(at, whole) : putUnsigned(at, whole);
      return rest == 0 ? at : putFour(at, rest);
    }
  }
  if (size <= HIGHEST_INTEGER && floor<f64>(size) == size) return putUnsigned(at, <u64>size);
  return putShortest(at, reinterpret<u64>(size));
}

function putShortest(at: usize, bits: u64): usize {
  const fraction = bits & (HIDDEN - 1);
  const biased = <i32>(bits >>> 52);
  const c = biased == 0 ? fraction : fraction | HIDDEN; // the value is c * 2^q
  const q = (biased == 0 ? 1 : biased) - 1075;
  const isEven = (c & 1) == 0; // then the interval's ends round to the value, too
  const isUneven = fraction == 0 && biased > 1; // the next double below is half as far as the one above
  const k = (q * 1_262_611 - (isUneven ? 524_031 : 0)) >> 22; // floor(log10(2^q)), of 3/4 2^q
  const shift = <u64>(q + ((-k * 1_741_647) >> 19) + 1);
  const power = powers + (<usize>(-k - FIRST_POWER) << 4);
  const high = load<u64>(power);
  const low = load<u64>(power, 8);
  // four times the value and the ends of its interval, over 10^k, to the odd where they are not whole
  const middle = scaled(high, low, (c << 2) << shift);
  const lower = scaled(high, low, ((c << 2) - (isUneven ? 1 : 2)) << shift) + (isEven ? 0 : 1);
  const upper = scaled(high, low, ((c << 2) + 2) << shift) - (isEven ? 0 : 1);
  const s = middle >>> 2;
  if (s >= 10) {
    const tenth = tenthOf(s);
    const tens = tenth * 40;
    const isBelow = lower <= tens;
    const isAbove = tens + 40 <= upper;
    if (isBelow != isAbove) return putDecimal(at, tenth + (isAbove ? 1 : 0), k + 1);
  }
  const ones = s << 2;
  const isBelow = lower <= ones;
  const isAbove = ones + 4 <= upper;
  if (isBelow != isAbove) return putDecimal(at, s + (isAbove ? 1 : 0), k);
  const half = ones + 2;
  return putDecimal(at, s + (middle > half || (middle == half && (s & 1) != 0) ? 1 : 0), k);
}

/** The upper 64 bits of (high, low) * factor, the last bit set when something is left over. */
@inline function scaled(high: u64, low: u64, factor: u64): u64 {
  const carry = upperHalf(low, factor);
  const middle = high * factor + carry;
  const top = upperHalf(high, factor) + (middle < carry ? 1 : 0);
  return top | (middle > 1 ? 1 : 0);
}

/** The upper 64 of the 128 bits of a product. */
@inline function upperHalf(a: u64, b: u64): u64 {
  const aLow = a & 0xffff_ffff;
  const aHigh = a >>> 32;
  const bLow = b & 0xffff_ffff;
  const bHigh = b >>> 32;
  const first = aLow * bLow;
  const second = aHigh * bLow + (first >>> 32);
  const third = aLow * bHigh + (second & 0xffff_ffff);
  return aHigh * bHigh + (second >>> 32) + (third >>> 32);
}

/** `digits` * 10^exponent: with exponents of ten from 1e21 and below 1e-6. */
function putDecimal(start: usize, digits: u64, exponent: i32): usize {
  let left = digits;
  let power = exponent;
  for (;;) {
    const tenth = tenthOf(left);
    if (tenth * 10 != left) break;
    left = tenth;
    power++;
  }
  let at = start;
  const count = <i32>digitsOf(left);
  const point = count + power; // digits before the point
  if (point > 21 || point <= -6) {
    putDigits(at + 1, left, count); // one place on: the first digit goes in front of the point
    store<u8>(at, load<u8>(at + 1));
    store<u8>(at + 1, 0x2e);
    at += count == 1 ? 1 : count + 1;
    store<u8>(at, 0x65);
    store<u8>(at + 1, point > 0 ? 0x2b : 0x2d);
    return putUnsigned(at + 2, <u64>(point > 0 ? point - 1 : 1 - point));
  }
  if (point <= 0) {
    store<u64>(at, 0x3030_3030_3030_2e30); // "0.000000"
    at += 2 - point;
    putDigits(at, left, count);
    return at + count;
  }
  if (power >= 0) {
    putDigits(at, left, count);
    at += count;
    for (; power > 0; power--) store<u8>(at++, 0x30);
    return at;
  }
  putDigits(at + 1, left, count);
  for (let i = 0; i < point; i++) store<u8>(at + i, load<u8>(at + i + 1));
  store<u8>(at + point, 0x2e);
  return at + count + 1;
}

// engines do not turn divisions by constants into multiplications

@inline function overTenThousand(value: u32): u32 {
  return <u32>((<u64>value * 3_518_437_209) >>> 45);
}

@inline function tenthOf(value: u64): u64 {
  return upperHalf(value, 0xcccc_cccc_cccc_cccd) >>> 3;
}

/** A number below 100. */
@inline function putPair(at: usize, value: u32): usize {
  if (value < 10) {
    store<u8>(at, <u8>(0x30 + value));
    return at + 1;
  }
  store<u16>(at, pairOf(value));
  return at + 2;
}

/** Two digits as characters. */
@inline function pairOf(value: u32): u16 {
  const tens = (value * 103) >>> 10;
  return <u16>(0x3030 + tens + ((value - tens * 10) << 8));
}

/** A point and four digits, less the zeros at the end; `rest` is not 0. */
@inline function putFour(at: usize, rest: u32): usize {
  const hundreds = (rest * 5243) >>> 19;
  const ones = rest - hundreds * 100;
  store<u8>(at, 0x2e);
  store<u16>(at, pairOf(hundreds), 1);
  if (ones == 0) return at + (load<u8>(at, 2) == 0x30 ? 2 : 3);
  store<u16>(at, pairOf(ones), 3);
  return at + (load<u8>(at, 4) == 0x30 ? 4 : 5);
}

/** A point and `digits` digits (9 at most), less the zeros at the end; `rest` is not 0. */
export function putFraction(at: usize, rest: u32, digits: u32): usize {
  let left = rest;
  let count = digits;
  for (;;) {
    const tenth = <u32>((<u64>left * 0xcccc_cccd) >>> 35);
    if (tenth * 10 != left) break;
    left = tenth;
    count--;
  }
  store<u8>(at, 0x2e);
  putDigits(at + 1, left, count);
  return at + 1 + count;
}

export function putUnsigned(at: usize, value: u64): usize {
  if (value < 10) {
    store<u8>(at, <u8>(0x30 + value));
    return at + 1;
  }
  const digits = digitsOf(value);
  putDigits(at, value, digits);
  return at + digits;
}

export function putInteger(at: usize, value: i64): usize {
  if (value >= 0) return putUnsigned(at, <u64>value);
  store<u8>(at, 0x2d);
  return putUnsigned(at + 1, -(<u64>value));
}

/** Of a value that is not 0. */
@inline function digitsOf(value: u64): u32 {
  const least = ((64 - <u32>clz<u64>(value)) * 1233) >>> 12; // of log10(2) * bits
  return least + (value >= load<u64>(integerPowers + (<usize>least << 3)) ? 1 : 0);
}

/** The last `digits` digits of a value that has no more than them, zeros in front; may overwrite the 8 bytes behind. */
export function putDigits(at: usize, value: u64, digits: u32): void {
  if (digits <= 8) {
    store<u64>(at, eightDigits(<u32>value) >>> ((8 - digits) << 3));
    return;
  }
  const high = overHundredMillion(value);
  const low = <u32>(value - high * 100_000_000);
  if (digits <= 16) store<u64>(at, eightDigits(<u32>high) >>> ((16 - digits) << 3));
  else putDigits(at, high, digits - 8);
  store<u64>(at + digits - 8, eightDigits(low));
}

@inline function overHundredMillion(value: u64): u64 {
  if (value < 100_000_000) return 0;
  let quotient = <u64>(<f64>value * 1e-8); // off by one at most
  if (quotient * 100_000_000 > value) quotient--;
  else if (value - quotient * 100_000_000 >= 100_000_000) quotient++;
  return quotient;
}

/** Eight digits as characters, the first in the lowest byte: halves, quarters and single digits, side by side in one word. */
@inline function eightDigits(value: u32): u64 {
  const high = overTenThousand(value);
  const halves = <u64>high | (<u64>(value - high * 10_000) << 32);
  const hundreds = ((halves * 10_486) >>> 20) & 0x7f_0000_007f;
  const quarters = hundreds | ((halves - hundreds * 100) << 16);
  const tens = ((quarters * 103) >>> 10) & 0x000f_000f_000f_000f;
  return (tens | ((quarters - tens * 10) << 8)) + 0x3030_3030_3030_3030;
}
