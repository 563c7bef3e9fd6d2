// Statistics of one column page: what answers a covered window without decoding the page.
//
// One pass, plain left-to-right order, so that a float sum is bit for bit what a loop over the rows would give.

import { lowMask, unzigzag, writeVarint, zigzag } from "./bits";
import { openPage, pageEnded, readByte, readVarint, takeBytes } from "./reader";

const FLOAT: u32 = 1;
const UNSIGNED: u32 = 3;

@inline function has(present: usize, row: u32): bool {
  return present == 0 || load<u8>(present + row) != 0;
}

/**
 * Statistics of `rowCount` values of 8 bytes; `present` is one byte a row, or 0 when every row has a value.
 * Writes 48 bytes at `out`: u32 count of values, u32 usable (0: no value, or a NaN among them), then min, max,
 * sum, first and last, each 8 bytes of the column's type (integer sums wrap around; 0 when not usable).
 */
export function pageStats(type: u32, values: usize, present: usize, rowCount: u32, out: usize): void {
  if (type == FLOAT) floatStats(values, present, rowCount, out);
  else integerStats(type == UNSIGNED, values, present, rowCount, out);
}

// Every row has a value: nothing is decided per row, and the time is that of adding in order.
function denseFloatStats(values: usize, rowCount: u32, out: usize): void {
  const end = values + (<usize>rowCount << 3);
  const first = load<f64>(values);
  let sum = first;
  let bounds = f64x2.splat(first); // smallest, negative of the largest
  bounds = f64x2.replace_lane(bounds, 1, -first);
  const flip = i64x2(0, i64.MIN_VALUE);
  for (let at = values + 8; at < end; at += 8) {
    const pair = v128.load_splat<u64>(at);
    sum += f64x2.extract_lane(pair, 0);
    bounds = f64x2.pmin(bounds, v128.xor(pair, flip));
  }
  // a NaN among the values makes the sum one; opposite infinities do, too: then the careful loop decides
  if (rowCount == 0 || sum != sum) {
    sparseFloatStats(values, 0, rowCount, out);
    return;
  }
  store<u32>(out, rowCount);
  store<u32>(out, 1, 4);
  store<f64>(out, f64x2.extract_lane(bounds, 0), 8);
  store<f64>(out, -f64x2.extract_lane(bounds, 1), 16);
  store<f64>(out, sum, 24);
  store<f64>(out, first, 32);
  store<f64>(out, load<f64>(end - 8), 40);
}

function floatStats(values: usize, present: usize, rowCount: u32, out: usize): void {
  if (present == 0) denseFloatStats(values, rowCount, out);
  else sparseFloatStats(values, present, rowCount, out);
}

function sparseFloatStats(values: usize, present: usize, rowCount: u32, out: usize): void {
  let count: u32 = 0;
  let low: f64 = 0;
  let high: f64 = 0;
  let sum: f64 = 0;
  let first: f64 = 0;
  let last: f64 = 0;
  let ordered = true;
  for (let row: u32 = 0; row < rowCount; row++) {
    if (!has(present, row)) continue;
    const value = load<f64>(values + (<usize>row << 3));
    if (count == 0) {
      low = high = sum = first = value;
    } else {
      if (value < low) low = value;
      if (value > high) high = value;
      sum += value;
    }
    if (value != value) ordered = false;
    last = value;
    count++;
  }
  const usable = ordered && count > 0;
  store<u32>(out, count);
  store<u32>(out, usable ? 1 : 0, 4);
  store<f64>(out, usable ? low : 0, 8);
  store<f64>(out, usable ? high : 0, 16);
  store<f64>(out, usable ? sum : 0, 24);
  store<f64>(out, usable ? first : 0, 32);
  store<f64>(out, usable ? last : 0, 40);
}

// Unsigned values order like signed ones once the top bit is flipped; sums wrap the same way for both.
function integerStats(unsigned: bool, values: usize, present: usize, rowCount: u32, out: usize): void {
  const flip: i64 = unsigned ? i64.MIN_VALUE : 0;
  let count: u32 = 0;
  let low: i64 = i64.MAX_VALUE;
  let high: i64 = i64.MIN_VALUE;
  let sum: i64 = 0;
  let first: i64 = 0;
  let last: i64 = 0;
  for (let row: u32 = 0; row < rowCount; row++) {
    if (!has(present, row)) continue;
    const value = load<i64>(values + (<usize>row << 3));
    low = min(low, value ^ flip);
    high = max(high, value ^ flip);
    sum += value;
    if (count == 0) first = value;
    last = value;
    count++;
  }
  store<u32>(out, count);
  store<u32>(out, count > 0 ? 1 : 0, 4);
  store<i64>(out, count > 0 ? low ^ flip : 0, 8);
  store<i64>(out, count > 0 ? high ^ flip : 0, 16);
  store<i64>(out, sum, 24);
  store<i64>(out, first, 32);
  store<i64>(out, last, 40);
}

// Flags of the statistics in a table's index: segment/stats.ts draws the bytes.
const RAW_VALUES: u32 = 15;
const RAW_SUM: u32 = 1 << 4;
const HAS_COUNT: u32 = 1 << 5;
const HAS_NUMBERS: u32 = 1 << 6;
const NEAR_SUM: u32 = 1 << 7;
// what a sum near a decimal is told by within 5 and 3 bytes: the decimal's integer and the doubles between
const NEAR_LIMIT: f64 = 17179869184; // 2^34
const NEAR: i64 = 1 << 20;
const LIMIT: i64 = 1 << 52;
const NONE: i64 = i64.MIN_VALUE;
const MAX_EXPONENT: u32 = 14;
const powers: usize = memory.data<f64>([1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14]);

/** Writes what `pageStats` left at `stats` in the form of segment/stats.ts, at most 46 bytes; returns the end. */
export function encodeStats(type: u32, rowCount: u32, stats: usize, target: usize): usize {
  const count = load<u32>(stats);
  const hasCount = count < rowCount ? HAS_COUNT : 0;
  const usable = load<u32>(stats, 4) != 0;
  const exponent = usable ? commonExponent(type, stats) : 0;
  const power = load<f64>(powers + (<usize>(exponent == RAW_VALUES ? 0 : exponent) << 3));
  const sum = usable ? scaled(type, stats + 24, power) : 0;
  const near = sum == NONE && type == FLOAT && exponent != RAW_VALUES ? nearest(load<f64>(stats, 24), power) : NONE;
  const sumFlag = sum != NONE ? 0 : near != NONE ? NEAR_SUM : RAW_SUM;
  const flags = usable ? exponent | sumFlag | HAS_NUMBERS : 0;
  store<u8>(target++, <u8>(flags | hasCount));
  if (hasCount) target = writeVarint(count, target);
  if (!usable) return target;
  if (exponent == RAW_VALUES) {
    v128.store(target, v128.load(stats, 8)); // min, max
    v128.store(target, v128.load(stats, 32), 16); // first, last
    target += 32;
  } else {
    const base = scaled(type, stats + 8, power);
    target = writeVarint(zigzag(base), target);
    target = writeVarint(scaled(type, stats + 16, power) - base, target);
    target = writeVarint(scaled(type, stats + 32, power) - base, target);
    target = writeVarint(scaled(type, stats + 40, power) - base, target);
  }
  if (sum != NONE) return writeVarint(zigzag(sum), target);
  if (near != NONE) {
    target = writeVarint(zigzag(near), target);
    return writeVarint(zigzag(load<i64>(stats, 24) - reinterpret<i64>(<f64>near / power)), target);
  }
  store<u64>(target, load<u64>(stats, 24));
  return target + 8;
}

// The smallest e for which min, max, first and last are integers over 10^e, or RAW_VALUES.
function commonExponent(type: u32, stats: usize): u32 {
  const most = type == FLOAT ? MAX_EXPONENT : 0;
  for (let exponent: u32 = 0; exponent <= most; exponent++) {
    const power = load<f64>(powers + (<usize>exponent << 3));
    if (scaled(type, stats + 8, power) == NONE || scaled(type, stats + 16, power) == NONE) continue;
    if (scaled(type, stats + 32, power) == NONE || scaled(type, stats + 40, power) == NONE) continue;
    return exponent;
  }
  return RAW_VALUES;
}

// The value times `power` when that is a small integer from which the division gives back the same bits, or NONE.
function scaled(type: u32, value: usize, power: f64): i64 {
  const bits = load<i64>(value);
  if (type != FLOAT) {
    const small = type == UNSIGNED ? <u64>bits < <u64>LIMIT : bits > -LIMIT && bits < LIMIT;
    return small ? bits : NONE;
  }
  const number = reinterpret<f64>(bits);
  const integer = floor(number * power + 0.5);
  // -0 has no integer form; NaN and the infinities fail the comparisons
  if (bits == i64.MIN_VALUE || !(abs(integer) < <f64>LIMIT) || integer / power != number) return NONE;
  return <i64>integer;
}

// The integer over `power` that a sum comes near to: what rounding left of the sum of decimals; or NONE.
function nearest(sum: f64, power: f64): i64 {
  const integer = floor(sum * power + 0.5);
  if (!(abs(integer) < NEAR_LIMIT)) return NONE;
  const away = reinterpret<i64>(sum) - reinterpret<i64>(integer / power);
  return away > -NEAR && away < NEAR ? <i64>integer : NONE;
}

/**
 * Reads what `encodeStats` wrote of the pages of one field in `groups` row groups into what `pageStats` writes, 48 bytes each at
 * `out` (count 0: there is no page); gives how many of them were whole. `rows`: u32 a group. `ends`: u32 where the statistics of
 * a page end, the first entry that of the page before, every further group's `stride` entries on; they count from where the
 * one at `bytes` begins at `origin`.
 */
export function decodeStats(
  type: u32, bytes: usize, origin: u32, ends: usize, stride: u32, rows: usize, groups: u32, out: usize,
): u32 {
  for (let group: u32 = 0; group < groups; group++) {
    const start = load<u32>(ends);
    const end = load<u32>(ends, 4);
    if (end == start) memory.fill(out, 0, 48);
    else {
      openPage(bytes + (start - origin), end - start);
      decodeOne(type, load<u32>(rows), out);
      if (!pageEnded()) return group;
    }
    ends += <usize>stride << 2;
    rows += 4;
    out += 48;
  }
  return groups;
}

/**
 * The first (`last`: the last) value of the pages of one field in `groups` row groups, of which each is `step` behind the other, as far as
 * statistics tell them to be those of the first (last) row: at `values` 8 bytes each, at `present` 1 or 0 where there is no page. Gives
 * of how many, from the first on. The others: as of `decodeStats`; 32 bytes behind the last statistics may be read.
 */
export function decodeEdges(
  type: u32, bytes: usize, origin: u32, ends: usize, stride: u32, step: u32, groups: u32, last: bool, values: usize, present: usize,
): u32 {
  for (let group: u32 = 0; group < groups; group++) {
    const start = load<u32>(ends);
    const end = load<u32>(ends, 4);
    if (end == start) {
      store<u64>(values, 0);
      store<u8>(present, 0);
    } else {
      const page = bytes + (start - origin);
      if (!decodeShortEdge(type, page, end - start, last, values)) {
        openPage(page, end - start);
        if (!decodeEdge(type, last, values) || !pageEnded()) return group;
      }
      store<u8>(present, 1);
    }
    ends += <usize>(stride * step) << 2;
    values += 8;
    present++;
  }
  return groups;
}

// As decodeEdge, of statistics that are short and have a sum that is no raw double, which most have: false says nothing of others. The
// ends of all varints are found at once, and none of them is a branch to mispredict.
function decodeShortEdge(type: u32, page: usize, sizeBytes: u32, last: bool, out: usize): bool {
  const flags = load<u8>(page);
  if ((flags & (HAS_COUNT | HAS_NUMBERS | RAW_SUM)) != HAS_NUMBERS || (flags & 15) == RAW_VALUES) return false;
  const length = sizeBytes - 1;
  if (length > 16) return false;
  const at = page + 1;
  const ends = ~<u32>i8x16.bitmask(v128.load(at)) & <u32>lowMask(length);
  if (<u32>popcnt(ends) != (flags & NEAR_SUM ? 6 : 5) || ends >> (length - 1) != 1) return false;
  const base = <u32>ctz(ends) + 1;
  const behindBase = dropLowest(ends);
  const ofFirst = dropLowest(behindBase), ofLast = dropLowest(ofFirst);
  const from = <u32>ctz(last ? ofFirst : behindBase) + 1;
  const size = <u32>ctz(last ? ofLast : ofFirst) + 1 - from;
  if (max<u32>(base, size) > 8) return false;
  const value = unzigzag(shortVarint(at, base)) + shortVarint(at + from, size);
  storeUnscaled(type, value, load<f64>(powers + (<usize>(flags & 15) << 3)), out);
  return true;
}

// @ts-ignore: decorator
@inline function dropLowest(bits: u32): u32 {
  return bits & (bits - 1);
}

// LEB128 of 1 to 8 bytes.
// @ts-ignore: decorator
@inline function shortVarint(at: usize, sizeBytes: u32): u64 {
  let x = load<u64>(at) & lowMask(sizeBytes << 3);
  x = (x & 0x007f_007f_007f_007f) | ((x & 0x7f00_7f00_7f00_7f00) >> 1);
  x = (x & 0x0000_3fff_0000_3fff) | ((x & 0x3fff_0000_3fff_0000) >> 2);
  return (x & 0x0fff_ffff) | ((x & 0x0fff_ffff_0000_0000) >> 4);
}

// The first or last value where every row has one, and nothing else.
function decodeEdge(type: u32, last: bool, out: usize): bool {
  const flags = readByte();
  if ((flags & (HAS_COUNT | HAS_NUMBERS)) != HAS_NUMBERS) return false;
  const exponent = flags & 15;
  if (exponent == RAW_VALUES) {
    const raw = takeBytes(32);
    if (raw == 0) return false;
    store<u64>(out, load<u64>(raw + (last ? 24 : 16)));
  } else {
    const base = unzigzag(readVarint());
    readVarint(); // max
    const ofFirst = readVarint();
    const ofLast = readVarint();
    storeUnscaled(type, base + (last ? ofLast : ofFirst), load<f64>(powers + (<usize>exponent << 3)), out);
  }
  if (flags & RAW_SUM) return takeBytes(8) != 0;
  readVarint();
  if (flags & NEAR_SUM) readVarint();
  return true;
}

/** The statistics of one page, at the cursor: those that stand there are whole when the cursor has then ended. */
export function decodeOne(type: u32, rowCount: u32, out: usize): void {
  const flags = readByte();
  store<u32>(out, flags & HAS_COUNT ? <u32>readVarint() : rowCount);
  store<u32>(out, flags & HAS_NUMBERS ? 1 : 0, 4);
  if (!(flags & HAS_NUMBERS)) return;
  const exponent = flags & 15;
  const power = load<f64>(powers + (<usize>(exponent == RAW_VALUES ? 0 : exponent) << 3));
  if (exponent == RAW_VALUES) {
    const raw = takeBytes(32);
    if (raw == 0) return;
    v128.store(out, v128.load(raw), 8); // min, max
    v128.store(out, v128.load(raw, 16), 32); // first, last
  } else {
    const base = unzigzag(readVarint());
    storeUnscaled(type, base, power, out + 8);
    storeUnscaled(type, base + readVarint(), power, out + 16);
    storeUnscaled(type, base + readVarint(), power, out + 32);
    storeUnscaled(type, base + readVarint(), power, out + 40);
  }
  if (flags & RAW_SUM) {
    const raw = takeBytes(8);
    if (raw != 0) store<u64>(out, load<u64>(raw), 24);
    return;
  }
  storeUnscaled(type, unzigzag(readVarint()), power, out + 24);
  if (flags & NEAR_SUM) store<i64>(out, load<i64>(out, 24) + unzigzag(readVarint()), 24);
}

// @ts-ignore: decorator
@inline function storeUnscaled(type: u32, integer: i64, power: f64, out: usize): void {
  if (type == FLOAT) store<f64>(out, <f64>integer / power);
  else store<i64>(out, integer);
}

/** Values among `rowCount` rows: the rows whose byte in `present` (not 0) is set. */
export function presentCount(present: usize, rowCount: u32): u32 {
  let count: u32 = 0;
  for (let row: u32 = 0; row < rowCount; row++) count += load<u8>(present + row) != 0 ? 1 : 0;
  return count;
}

/** Writes the smallest and the largest of `rowCount` (> 0) int64 times at `out`, 16 bytes. */
export function timeBounds(times: usize, rowCount: u32, out: usize): void {
  let low = load<i64>(times);
  let high = low;
  for (let row: u32 = 1; row < rowCount; row++) {
    const time = load<i64>(times + (<usize>row << 3));
    low = min(low, time);
    high = max(high, time);
  }
  store<i64>(out, low);
  store<i64>(out, high, 8);
}
