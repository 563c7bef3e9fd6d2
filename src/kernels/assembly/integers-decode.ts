// The integer codec, reading side; integers-encode.ts chooses, here is what it writes. Every other codec ends in it.
//
// count numbers (count known from the page), modulo 2^64:
//
//   u8 flags      ORDER  1   differences of neighbours are coded, not the numbers
//                 ZIGZAG 2   residuals are signed (zigzag), else they are >= 0
//                 UNARY  4   residuals are Rice codes, else fixed width
//                 PATCH  8   there are exceptions
//                 SCALE 16   everything is a multiple of a scale
//                 NARROW 32  promise: all sums below fit an int32
//                 LAST  64   the page ends with these numbers (only told with UNARY)
//                 LEVEL 128  the centre is 0
//   u8 width      low bits of a residual, 0 to 64
//   zigzag varint base
//   zigzag varint centre           only ORDER, not LEVEL
//   u8 scale                       only SCALE: 1 to 19 = 10^scale, 64 + s = 2^s
//   varint plane size in bytes     only UNARY, not LAST: then it takes what the other sections leave of the page
//   varint patch count, u8 width of patches     only PATCH
//   low plane: residuals modulo 2^width, packed
//   unary plane: residual >> width, 0 for exceptions                   only UNARY
//   patch rows, packed at the width of (residual count - 1); patch values, packed: residual >> width   only PATCH
//
// ORDER:  number[0] = base, number[i] = number[i-1] + (centre + residual[i-1]) * scale; else number[i] = base + residual[i] * scale.
// A regular or constant column is base and centre with width 0: a handful of bytes. Fixed width with exceptions is
// PFOR (Zukowski, Heman, Nes, Boncz, "Super-Scalar RAM-CPU Cache Compression", ICDE 2006); Rice codes split into a
// plane of low bits and a unary plane keep both decodable many at a time.
import { bitLength, packedBytes, unpackOne, unpackWide, unzigzag } from "./bits";
import { rebuildWide, sumNarrow, sumSteps, toDecimals, widenToDecimals, widenToIntegers } from "./rebuild";
import { bytesLeft, pageFailed, readByte, readVarint, takeBytes } from "./reader";
import { decodeUnary } from "./unary";
import { NARROW_WIDTH, SHORT_WIDTH, unpackNarrow, unpackShort } from "./unpack";
import { highs, steps, sums } from "./workspace";

export const ORDER: u32 = 1;
export const ZIGZAG: u32 = 2;
export const UNARY: u32 = 4;
export const PATCH: u32 = 8;
export const SCALE: u32 = 16;
export const NARROW: u32 = 32;
export const LAST: u32 = 64;
export const LEVEL: u32 = 128;
const EXACT: i64 = 1 << 52; // a double holds the sum of a smaller base and an int32

/** What a scale byte stands for; 0 for one that was never written. */
export function scaleOf(byte: u32): u64 {
  if (byte >= 64 && byte < 128) return <u64>1 << (byte - 64);
  if (byte == 0 || byte > 19) return 0;
  let scale: u64 = 1;
  for (let i: u32 = 0; i < byte; i++) scale *= 10;
  return scale;
}

// what the head of the column at hand says
let flags: u32 = 0;
let width: u32 = 0;
let base: i64 = 0;
let centre: i64 = 0;
let scale: u64 = 1;
let low: usize = 0;
let highPart: usize = 0;

// Reads the head and finds the sections of `count` > 0 numbers; false when the bytes cannot have been written.
function openIntegers(count: u32): bool {
  flags = readByte();
  width = readByte();
  base = unzigzag(readVarint());
  centre = (flags & (ORDER | LEVEL)) == ORDER ? unzigzag(readVarint()) : 0;
  scale = flags & SCALE ? scaleOf(readByte()) : 1;
  let planeSize = (flags & (UNARY | LAST)) == UNARY ? readVarint() : 0;
  const patches = flags & PATCH ? readVarint() : 0;
  const patchWidth = flags & PATCH ? readByte() : 0;
  const coded = count - (flags & ORDER); // residuals
  if (pageFailed() || width > 64 || scale == 0) return false;
  if (patches > <u64>coded || width + patchWidth > 64 || planeSize > 0xffff_ffff) return false;
  if (flags & UNARY && width > 56) return false;

  low = takeBytes(packedBytes(coded, width));
  patchCount = <u32>patches;
  patchRowBytes = patchValueBytes = 0;
  if (patches) {
    patchRowWidth = bitLength(coded - 1);
    patchRowBytes = packedBytes(patchCount, patchRowWidth);
    patchValueWidth = patchWidth;
    patchValueBytes = packedBytes(patchCount, patchWidth);
  }
  if ((flags & (UNARY | LAST)) == (UNARY | LAST)) {
    const rest = bytesLeft();
    if (patchRowBytes + patchValueBytes > rest) return false;
    planeSize = rest - patchRowBytes - patchValueBytes;
  }
  const plane = takeBytes(planeSize);
  patchRows = takeBytes(patchRowBytes);
  patchValues = takeBytes(patchValueBytes);
  if (pageFailed()) return false;
  highPart = flags & UNARY ? highs : 0;
  return !highPart || decodeUnary(plane, <u32>planeSize, coded, highPart);
}

// @ts-ignore: decorator
@inline function isProgression(): bool {
  return width == 0 && !(flags & (UNARY | PATCH));
}

// @ts-ignore: decorator
@inline function isNarrow(): bool {
  return (flags & NARROW) != 0 && width <= NARROW_WIDTH;
}

// Differences of which eight add up to 16 bits and a sign, without exceptions: the usual walk.
function isShort(): bool {
  if ((flags & (NARROW | ORDER | PATCH)) != (NARROW | ORDER) || width > SHORT_WIDTH) return false;
  const bits = width + (flags & UNARY ? 4 : 0); // the unary plane's numbers have four
  return bits <= <u32>(flags & ZIGZAG ? 13 : 12);
}

// The int32 sums of a narrow column's `coded` residuals at `target`; false when the bytes cannot have been written.
function narrowSums(coded: u32, target: usize): bool {
  if (isShort()) {
    unpackShort(low, coded, width, highPart, flags & ZIGZAG, steps);
    sumSteps(steps, coded, <i32>centre, target);
    return true;
  }
  unpackNarrow(low, coded, width, highPart, target);
  if (!patchNarrow(coded, width, target)) return false;
  sumNarrow(target, coded, flags & ORDER, flags & ZIGZAG, <i32>centre);
  return true;
}

/**
 * Decodes `count` numbers at the cursor to i64[count], or, with a `power` that is not 0, divided by it to f64[count];
 * false when the bytes cannot have been written.
 */
export function decodeIntegers(count: u32, target: usize, power: f64): bool {
  if (count == 0) return true;
  if (!openIntegers(count)) return false;
  const order = flags & ORDER;
  const coded = count - order;
  if (isProgression()) {
    progress(target, count, base, order ? centre * scale : 0);
  } else if (isNarrow()) {
    if (!narrowSums(coded, sums)) return false;
    if (power != 0 && scale == 1 && base < EXACT && base > -EXACT) {
      if (order) store<f64>(target, <f64>base / power);
      widenToDecimals(sums, coded, base, power, target + (order << 3));
      return true;
    }
    if (order) store<i64>(target, base);
    widenToIntegers(sums, coded, base, <i64>scale, target + (order << 3));
  } else {
    const residuals = target + (order << 3);
    if (order) store<i64>(target, base);
    unpackWide(low, coded, width, residuals);
    if (highPart) addHighs(coded, width, residuals);
    if (!patchWide(coded, width, residuals)) return false;
    rebuildWide(residuals, coded, order, flags & ZIGZAG, base, centre, <i64>scale);
  }
  if (power != 0) toDecimals(target, count, power);
  return true;
}

/** What `decodeOffsets` has decoded. */
export const NOTHING: u32 = 0;
export const OFFSETS: u32 = 1;
export const STEPS: u32 = 2;

/**
 * Decodes `count` > 0 numbers at the cursor as distances from one number (`offsetBase`): OFFSETS = i32[count] in `sums`, or, where the
 * caller `takesSteps` and they are short, STEPS = i16[count] in `steps`, to each of which `stepCentre` is to be added: from a number to
 * the next, from the last one 0, and seven more zeros. NOTHING: they need more bits, have a scale, or cannot have been written.
 */
export function decodeOffsets(count: u32, takesSteps: bool): u32 {
  if (!openIntegers(count) || isProgression() || !isNarrow() || scale != 1) return NOTHING;
  const order = flags & ORDER;
  const coded = count - order;
  if (takesSteps && isShort()) {
    unpackShort(low, coded, width, highPart, flags & ZIGZAG, steps);
    return STEPS;
  }
  if (order) store<i32>(sums, 0);
  return narrowSums(coded, sums + (order << 2)) ? OFFSETS : NOTHING;
}

/** What the offsets of the last `decodeOffsets` are distances from. */
export function offsetBase(): i64 {
  return base;
}

/** What is to be added to each of its steps. */
export function stepCentre(): i64 {
  return centre;
}

// An arithmetic progression, four numbers at a time.
function progress(target: usize, count: u32, base: i64, step: i64): void {
  const end = target + (<usize>count << 3);
  let pair = i64x2.add(i64x2.splat(base), i64x2.replace_lane(i64x2.splat(0), 1, step));
  const twoSteps = i64x2.splat(step * 2), fourSteps = i64x2.splat(step * 4);
  for (; target + 32 <= end; target += 32) {
    v128.store(target, pair);
    v128.store(target, i64x2.add(pair, twoSteps), 16);
    pair = i64x2.add(pair, fourSteps);
  }
  for (let x = i64x2.extract_lane(pair, 0); target < end; target += 8) {
    store<i64>(target, x);
    x += step;
  }
}

function addHighs(coded: u32, width: u32, residuals: usize): void {
  for (let i: usize = 0; i < coded; i++) {
    const at = residuals + (i << 3);
    store<u64>(at, load<u64>(at) | (<u64>load<u8>(highs + i) << width));
  }
}

// the exceptions of the page at hand
let patchCount: u32 = 0;
let patchRows: usize = 0;
let patchRowWidth: u32 = 0;
let patchRowBytes: u32 = 0;
let patchValues: usize = 0;
let patchValueWidth: u32 = 0;
let patchValueBytes: u32 = 0;

function patchWide(coded: u32, width: u32, residuals: usize): bool {
  for (let i: u32 = 0; i < patchCount; i++) {
    const row = <u32>unpackOne(patchRows, patchRowBytes, i, patchRowWidth);
    if (row >= coded) return false;
    const at = residuals + (<usize>row << 3);
    store<u64>(at, load<u64>(at) | (unpackOne(patchValues, patchValueBytes, i, patchValueWidth) << width));
  }
  return true;
}

function patchNarrow(coded: u32, width: u32, target: usize): bool {
  for (let i: u32 = 0; i < patchCount; i++) {
    const row = <u32>unpackOne(patchRows, patchRowBytes, i, patchRowWidth);
    if (row >= coded) return false;
    const at = target + (<usize>row << 2);
    store<u32>(at, load<u32>(at) | (<u32>unpackOne(patchValues, patchValueBytes, i, patchValueWidth) << width));
  }
  return true;
}
