// The integer codec, writing side: chooses order, centre, scale, width and kind of code by computed size.
//
// The bytes are described in integers-decode.ts. The choice takes one pass for the ranges, a look at up to 64
// residuals for each of four candidates (numbers or differences, around a median or above a minimum), and one
// pass that makes the residuals and counts their bit lengths; from that histogram the exact or expected size of
// every width follows, with exceptions and with Rice codes.
import { bitLength, lowMask, pack, writeVarint, zigzag } from "./bits";
import { LAST, LEVEL, NARROW, ORDER, PATCH, SCALE, scaleOf, UNARY, ZIGZAG } from "./integers-decode";
import { sampleRow } from "./sample";
import { encodeUnary } from "./unary";
import { residuals, rows } from "./workspace";

const SAMPLE: u32 = 64;
const MEDIAN_OF: u32 = 15;
// residuals by bit length (0 to 64, and room for a look at four more): four histograms, so that neighbours of one length
// do not wait for each other; the first ends up as the sum
const HISTOGRAM: usize = 72 * 4;
const counts: usize = memory.data(4 * 72 * 4);
const sampled: usize = memory.data(16 * 8);

// what `choose` chose
let chosenWidth: u32 = 0;
let chosenUnary: bool = false;

// the best of the candidates considered so far
let cheapest: u64 = 0;
let bestFlags: u32 = 0;
let bestCentre: i64 = 0;

/**
 * Encodes i64[count] at `source`; `isLast`: the page will end with them. Returns the end of what it wrote: at most 8 * count + 40
 * bytes.
 */
export function encodeIntegers(source: usize, count: u32, target: usize, isLast: bool): usize {
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

  // four candidates on a sample; the later ones must save 3 %, because a sample flatters them
  cheapest = u64.MAX_VALUE;
  consider(source, count, ORDER | ZIGZAG, median(source, count, 1), scale);
  consider(source, count, ORDER, lowStep, scale);
  if (scaleByte == 0 || scaleByte >= 64) {
    consider(source, count, 0, low, scale);
    consider(source, count, ZIGZAG, median(source, count, 0), scale);
  }

  let flags = bestFlags;
  const centre = bestCentre;
  const order = flags & ORDER;
  const coded = count - order;
  fillResiduals(source, count, flags, centre, scale);
  choose(coded, bitLength(coded - 1));
  const width = chosenWidth;
  const range = <u64>high - <u64>low;
  if (scaleByte) flags |= SCALE;
  if (chosenUnary) flags |= isLast ? UNARY | LAST : UNARY;
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
  if ((flags & ORDER) != 0 && centre == 0) flags |= LEVEL;
  store<u8>(target, <u8>flags);
  store<u8>(target, <u8>width, 1);
  target = writeVarint(zigzag(base), target + 2);
  if ((flags & (ORDER | LEVEL)) == ORDER) target = writeVarint(zigzag(centre), target);
  if (flags & SCALE) store<u8>(target++, <u8>scaleByte);
  return target;
}

function writeAll(
  target: usize, flags: u32, width: u32, base: i64, centre: i64, scaleByte: u32,
  coded: u32, limit: u32, patches: u32, longest: u32,
): usize {
  target = writeHeader(target, flags, width, base, centre, scaleByte);
  let planeSize: u32 = 0;
  if (flags & UNARY) {
    planeSize = <u32>(encodeUnary(residuals, coded, width, rows) - rows);
    if (!(flags & LAST)) target = writeVarint(planeSize, target);
  }
  const patchWidth = longest - width;
  if (flags & PATCH) {
    target = writeVarint(patches, target);
    store<u8>(target++, <u8>patchWidth);
  }
  target = pack(residuals, coded, width, target);
  memory.copy(target, rows, planeSize);
  target += planeSize;
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

// About the median of numbers (order 0) or differences (order 1): that of up to 15, evenly spread.
function median(source: usize, count: u32, order: u32): i64 {
  const coded = count - order;
  const taken = min<u32>(coded, MEDIAN_OF);
  for (let i: u32 = 0; i < taken; i++) {
    const at = source + (<usize>sampleRow(i, taken, coded) << 3);
    const x = order ? load<i64>(at, 8) - load<i64>(at) : load<i64>(at);
    let slot = sampled + (<usize>i << 3);
    while (slot > sampled && load<i64>(slot - 8) > x) {
      store<i64>(slot, load<i64>(slot - 8));
      slot -= 8;
    }
    store<i64>(slot, x);
  }
  // a walk without drift: but for the luck of the sample its median is 0, unless one step is the usual one
  if (order && taken == MEDIAN_OF) {
    const usual = load<i64>(sampled, 5 * 8) == load<i64>(sampled, 9 * 8);
    if (!usual && load<i64>(sampled, 3 * 8) < 0 && load<i64>(sampled, 11 * 8) > 0) return 0;
  }
  return load<i64>(sampled + (<usize>(taken >> 1) << 3));
}

function consider(source: usize, count: u32, flags: u32, centre: i64, scale: i64): void {
  const cost = sampleCost(source, count, flags, centre, scale);
  if (cost + (cost >> 5) >= cheapest) return;
  cheapest = cost;
  bestFlags = flags;
  bestCentre = centre;
}

// Expected size in bits of a sample of residuals, spread evenly.
function sampleCost(source: usize, count: u32, flags: u32, centre: i64, scale: i64): u64 {
  const coded = count - (flags & ORDER);
  const taken = min<u32>(coded, SAMPLE);
  memory.fill(counts, 0, HISTOGRAM);
  for (let i: u32 = 0; i < taken; i++) {
    const z = residual(source + (<usize>sampleRow(i, taken, coded) << 3), flags, centre, scale);
    const slot = counts + (<usize>bitLength(z) << 2);
    store<u32>(slot, load<u32>(slot) + 1);
  }
  return choose(taken, bitLength(coded - 1));
}

// Residuals of all numbers, and how many there are of each bit length.
function fillResiduals(source: usize, count: u32, flags: u32, centre: i64, scale: i64): void {
  memory.fill(counts, 0, 4 * HISTOGRAM);
  const coded = count - (flags & ORDER);
  // the usual kinds have loops of their own, without a decision per number
  if (scale != 1) fillLoop(source, coded, flags, centre, scale);
  else if (flags == (ORDER | ZIGZAG)) fillLoop(source, coded, ORDER | ZIGZAG, centre, 1);
  else if (flags == ORDER) fillLoop(source, coded, ORDER, centre, 1);
  else if (flags == ZIGZAG) fillLoop(source, coded, ZIGZAG, centre, 1);
  else fillLoop(source, coded, 0, centre, 1);
  for (let slot = counts; slot < counts + HISTOGRAM; slot += 4) {
    const sum = load<u32>(slot) + load<u32>(slot, HISTOGRAM) + load<u32>(slot, 2 * HISTOGRAM) + load<u32>(slot, 3 * HISTOGRAM);
    store<u32>(slot, sum);
  }
}

// @ts-ignore: decorator
@inline function fillLoop(source: usize, coded: u32, flags: u32, centre: i64, scale: i64): void {
  const end = residuals + (<usize>coded << 3);
  let at = residuals;
  for (; at + 32 <= end; at += 32, source += 32) {
    fillOne(source, at, counts, flags, centre, scale);
    fillOne(source + 8, at + 8, counts + HISTOGRAM, flags, centre, scale);
    fillOne(source + 16, at + 16, counts + 2 * HISTOGRAM, flags, centre, scale);
    fillOne(source + 24, at + 24, counts + 3 * HISTOGRAM, flags, centre, scale);
  }
  for (; at < end; at += 8, source += 8) fillOne(source, at, counts, flags, centre, scale);
}

// @ts-ignore: decorator
@inline function fillOne(from: usize, to: usize, histogram: usize, flags: u32, centre: i64, scale: i64): void {
  const z = residual(from, flags, centre, scale);
  store<u64>(to, z);
  const slot = histogram + (<usize>bitLength(z) << 2);
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

// Sets the cheapest width and kind of code for `coded` residuals whose lengths are in `counts`; returns the size in bits.
// Numbers of bit length k+j have high parts of 1, 2-3, 4-7, 8-15: 1, 2.5, 5.5, 11.5 zeros in the unary plane.
function choose(coded: u32, rowWidth: u32): u64 {
  let longest: u32 = 64;
  while (longest > 0 && load<u32>(counts + (<usize>longest << 2)) == 0) longest--;
  let best = u64.MAX_VALUE;
  let bestRice = u64.MAX_VALUE;
  let width: u32 = 0;
  let riceWidth: u32 = 0;
  let above: u64 = coded; // residuals longer than k bits
  for (let k: u32 = 0; k <= longest; k++) {
    const at = counts + (<usize>k << 2);
    above -= load<u32>(at);
    const patch = rowWidth + longest - k;
    const cost = <u64>coded * k + above * patch;
    if (cost <= best) {
      best = cost;
      width = k;
    }
    if (k <= 48) {
      const one = <u64>load<u32>(at, 4), two = <u64>load<u32>(at, 8), three = <u64>load<u32>(at, 12), four = <u64>load<u32>(at, 16);
      const zeros = (2 * one + 5 * two + 11 * three + 23 * four) >> 1;
      const rice = <u64>coded * (k + 1) + zeros + (above - one - two - three - four) * patch;
      if (rice < bestRice) {
        bestRice = rice;
        riceWidth = k;
      }
    }
  }
  // Rice codes cost more to decode: they must save 1 %
  chosenUnary = bestRice + (bestRice >> 7) < best;
  chosenWidth = chosenUnary ? riceWidth : width;
  return chosenUnary ? bestRice : best;
}
