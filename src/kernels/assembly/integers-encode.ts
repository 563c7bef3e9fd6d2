// The integer codec, writing side: chooses order, centre, scale, width and kind of code by computed size.
//
// The bytes are described in integers-decode.ts. The choice takes one pass for the ranges, a look at up to 128
// residuals for each of four candidates (numbers or differences, around a median or above a minimum), and one
// pass that makes the residuals and counts their bit lengths; from that histogram the exact or expected size of
// every width follows, with exceptions and with Rice codes.
import { bitLength, lowMask, pack, writeVarint, zigzag } from "./bits";
import { NARROW, ORDER, PATCH, SCALE, scaleOf, UNARY, ZIGZAG } from "./integers-decode";
import { encodeUnary, UNARY_LIMIT } from "./unary";
import { residuals, rows } from "./workspace";

const SAMPLE: u32 = 128;
const MEDIAN_OF: u32 = 15;
const counts: usize = memory.data(72 * 4); // numbers by bit length
const sampled: usize = memory.data(16 * 8);

// what `cheapest` chose last
let chosenWidth: u32 = 0;
let chosenUnary: bool = false;

/** Encodes i64[count] at `source`; returns the end of what it wrote: at most 8 * count + 40 bytes. */
export function encodeIntegers(source: usize, count: u32, target: usize): usize {
  if (count == 0) return target;
  const first = load<i64>(source);
  let low = first, high = first;
  let lowStep = i64.MAX_VALUE, highStep = i64.MIN_VALUE;
  let bits: u64 = 0;
  const end = source + (<usize>count << 3);
  for (let at = source + 8, before = first; at < end; at += 8) {
    const x = load<i64>(at);
    low = x < low ? x : low;
    high = x > high ? x : high;
    const step = x - before;
    before = x;
    bits |= <u64>step;
    lowStep = step < lowStep ? step : lowStep;
    highStep = step > highStep ? step : highStep;
  }
  if (bits == 0) return writeHeader(target, 0, 0, first, 0, 0);
  if (lowStep == highStep) return writeHeader(target, ORDER, 0, first, lowStep, 0);

  const scaleByte = chooseScale(source, count, bits);
  const scale = scaleByte ? <i64>scaleOf(scaleByte) : 1;
  const decimalScale = scaleByte > 0 && scaleByte < 64;
  const stepMedian = median(source, count, 1);

  // the four candidates on a sample
  let best = sampleCost(source, count, ORDER, lowStep, scale);
  let flags = ORDER;
  let centre = lowStep;
  let cost = sampleCost(source, count, ORDER | ZIGZAG, stepMedian, scale);
  if (cost < best) {
    best = cost;
    flags = ORDER | ZIGZAG;
    centre = stepMedian;
  }
  if (!decimalScale) {
    cost = sampleCost(source, count, 0, low, scale);
    if (cost <= best) {
      best = cost;
      flags = 0;
      centre = low;
    }
    const valueMedian = median(source, count, 0);
    cost = sampleCost(source, count, ZIGZAG, valueMedian, scale);
    if (cost < best) {
      flags = ZIGZAG;
      centre = valueMedian;
    }
  }

  const order = flags & ORDER;
  const coded = count - order;
  fillResiduals(source, count, flags, centre, scale);
  cheapest(coded, coded);
  const width = chosenWidth;
  const range = <u64>high - <u64>low;
  if (scaleByte) flags |= SCALE;
  if (chosenUnary) flags |= UNARY;
  const limit = width + (chosenUnary ? 4 : 0); // longer residuals are exceptions
  let patches: u32 = 0;
  let longest: u32 = 0;
  for (let length = limit + 1; length <= 64; length++) {
    const here = load<u32>(counts + (<usize>length << 2));
    patches += here;
    if (here) longest = length;
  }
  if (patches) flags |= PATCH;
  if (range < <u64>1 << 62 && range / <u64>scale < 1 << 29 && width <= 25) flags |= NARROW;
  return writeAll(target, flags, width, order ? first : centre, order ? centre / scale : 0, scaleByte, coded, limit, patches, longest);
}

function writeHeader(target: usize, flags: u32, width: u32, base: i64, centre: i64, scaleByte: u32): usize {
  store<u8>(target, <u8>flags);
  store<u8>(target, <u8>width, 1);
  target = writeVarint(zigzag(base), target + 2);
  if (flags & ORDER) target = writeVarint(zigzag(centre), target);
  if (flags & SCALE) store<u8>(target++, <u8>scaleByte);
  return target;
}

function writeAll(
  target: usize, flags: u32, width: u32, base: i64, centre: i64, scaleByte: u32,
  coded: u32, limit: u32, patches: u32, longest: u32,
): usize {
  target = writeHeader(target, flags, width, base, centre, scaleByte);
  const end = residuals + (<usize>coded << 3);
  if (flags & UNARY) {
    // the size of the plane stands before it
    let zeros: u64 = 0;
    for (let at = residuals; at < end; at += 8) {
      const x = load<u64>(at) >> width;
      zeros += x < UNARY_LIMIT ? x : 0;
    }
    target = writeVarint((zeros + coded + 7) >> 3, target);
  }
  const patchWidth = longest - width;
  if (flags & PATCH) {
    target = writeVarint(patches, target);
    store<u8>(target++, <u8>patchWidth);
  }
  target = pack(residuals, coded, width, target);
  if (flags & UNARY) target = encodeUnary(residuals, coded, width, target);
  if (flags & PATCH) {
    // rows and values of the exceptions, gathered at the start of the residuals: each slot was read before
    const most = lowMask(limit);
    let found: usize = 0;
    for (let i: u32 = 0; i < coded; i++) {
      const x = load<u64>(residuals + (<usize>i << 3));
      if (x <= most) continue;
      store<u64>(rows + (found << 3), i);
      store<u64>(residuals + (found << 3), x >> width);
      found++;
    }
    target = pack(rows, patches, bitLength(coded - 1), target);
    target = pack(residuals, patches, patchWidth, target);
  }
  return target;
}

// The largest power of ten, or else of two, that divides every difference; 0 = none that pays.
function chooseScale(source: usize, count: u32, bits: u64): u32 {
  const twos = <u32>ctz(bits);
  if (twos == 0) return 0; // an odd difference: no power of ten either
  for (let power: u32 = 9; power > 0; power -= 3) {
    if (twos < power) continue;
    if (dividesAll(source, count, <i64>scaleOf(power))) return power;
  }
  return twos * count >= 16 ? 64 + twos : 0;
}

function dividesAll(source: usize, count: u32, scale: i64): bool {
  let before = load<i64>(source);
  for (let i: u32 = 1; i < count; i++) {
    const x = load<i64>(source + (<usize>i << 3));
    if ((x - before) % scale != 0) return false;
    before = x;
  }
  return true;
}

// The median of up to 15 numbers (order 0) or differences (order 1), evenly spread.
function median(source: usize, count: u32, order: u32): i64 {
  const coded = count - order;
  const taken = min<u32>(coded, MEDIAN_OF);
  for (let i: u32 = 0; i < taken; i++) {
    const at = source + (<usize>(<u64>i * coded / taken) << 3);
    const x = order ? load<i64>(at, 8) - load<i64>(at) : load<i64>(at);
    let slot = sampled + (<usize>i << 3);
    while (slot > sampled && load<i64>(slot - 8) > x) {
      store<i64>(slot, load<i64>(slot - 8));
      slot -= 8;
    }
    store<i64>(slot, x);
  }
  return load<i64>(sampled + (<usize>(taken >> 1) << 3));
}

// Expected size in bits of all residuals, from a sample of them.
function sampleCost(source: usize, count: u32, flags: u32, centre: i64, scale: i64): u64 {
  const coded = count - (flags & ORDER);
  const taken = min<u32>(coded, SAMPLE);
  const stride = coded / taken;
  memory.fill(counts, 0, 72 * 4);
  for (let i: u32 = 0; i < taken; i++)
    countLength(residual(source + (<usize>(i * stride) << 3), flags, centre, scale));
  return cheapest(taken, coded);
}

// Residuals of all numbers, and how many there are of each bit length.
function fillResiduals(source: usize, count: u32, flags: u32, centre: i64, scale: i64): void {
  const coded = count - (flags & ORDER);
  memory.fill(counts, 0, 72 * 4);
  for (let i: usize = 0; i < coded; i++) {
    const z = residual(source + (i << 3), flags, centre, scale);
    store<u64>(residuals + (i << 3), z);
    countLength(z);
  }
}

// @ts-ignore: decorator
@inline function countLength(z: u64): void {
  const slot = counts + (<usize>bitLength(z) << 2);
  store<u32>(slot, load<u32>(slot) + 1);
}

// The residual of the number (or of the difference to the next number) at `at`. Both terms are divided before they
// are subtracted: their difference may leave the int64 range, its scaled form cannot.
// @ts-ignore: decorator
@inline function residual(at: usize, flags: u32, centre: i64, scale: i64): u64 {
  if (flags & ORDER) {
    let step = load<i64>(at, 8) - load<i64>(at);
    if (scale != 1) {
      step /= scale;
      centre /= scale;
    }
    return flags & ZIGZAG ? zigzag(step - centre) : <u64>(step - centre);
  }
  const x = load<i64>(at) - centre;
  const shift = ctz(scale); // without ORDER a scale is a power of two
  return flags & ZIGZAG ? zigzag(x >> shift) : <u64>x >> <u64>shift;
}

// The cheapest width and kind of code for `counts` (of `taken` numbers), and its size in bits for `coded` numbers.
// Numbers of bit length k+j have high parts of 1, 2-3, 4-7, 8-15: 1, 2.5, 5.5, 11.5 zeros in the unary plane.
function cheapest(taken: u32, coded: u32): u64 {
  let longest: u32 = 64;
  while (longest > 0 && load<u32>(counts + (<usize>longest << 2)) == 0) longest--;
  const rowWidth = bitLength(coded - 1);
  let best = u64.MAX_VALUE;
  let bestRice = u64.MAX_VALUE;
  let width: u32 = 0;
  let riceWidth: u32 = 0;
  let above: u64 = taken; // numbers longer than k bits
  for (let k: u32 = 0; k <= longest; k++) {
    const at = counts + (<usize>k << 2);
    above -= load<u32>(at);
    const cost = <u64>taken * k + above * (rowWidth + longest - k);
    if (cost <= best) {
      best = cost;
      width = k;
    }
    if (k <= 48) {
      const one = <u64>load<u32>(at, 4), two = <u64>load<u32>(at, 8), three = <u64>load<u32>(at, 12), four = <u64>load<u32>(at, 16);
      const over = above - one - two - three - four;
      const rice = <u64>taken * (k + 1) + ((2 * one + 5 * two + 11 * three + 23 * four) >> 1) + over * (rowWidth + longest - k);
      if (rice < bestRice) {
        bestRice = rice;
        riceWidth = k;
      }
    }
  }
  // Rice codes cost more to decode: they must save 1 %
  chosenUnary = coded >= 32 && bestRice + (bestRice >> 7) < best;
  chosenWidth = chosenUnary ? riceWidth : width;
  return (chosenUnary ? bestRice : best) * coded / taken;
}
