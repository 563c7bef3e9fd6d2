// Unpacking narrow numbers (up to 25 bits) and short ones (up to 9) with SIMD, eight at a time; bits.ts has the layout and the
// general case.
//
// Eight numbers of width w fill w bytes, four of them start at a known bit: a byte shuffle brings the four bytes around
// each number into its 32-bit lane, a multiplication by a power of two (SIMD has no shift of its own per lane) moves
// its highest bit to bit 31, and one shift right by 32 - w leaves the number alone. Two bytes hold a short number wherever it
// starts: eight of them stand in the lanes of one vector.
import { packedBytes, unpackOne } from "./bits";
import { pageEnd } from "./reader";

export const NARROW_WIDTH: u32 = 25;
export const SHORT_WIDTH: u32 = 9;

// per width: shuffle and factors of numbers 0-3, then of numbers 4-7
const plans: usize = memory.data(26 * 64);
// per width: shuffle and factors of eight short numbers
const shortPlans: usize = memory.data(10 * 32);

function buildPlans(): void {
  for (let width: u32 = 1; width <= NARROW_WIDTH; width++) {
    for (let half: u32 = 0; half < 2; half++) {
      const plan = plans + (<usize>width << 6) + (<usize>half << 5);
      const offset = half ? (width << 2) & 7 : 0;
      for (let lane: u32 = 0; lane < 4; lane++) {
        const bit = offset + lane * width;
        for (let byte: u32 = 0; byte < 4; byte++) store<u8>(plan + (lane << 2) + byte, <u8>((bit >> 3) + byte));
        store<u32>(plan + (lane << 2), <u32>1 << (32 - width - (bit & 7)), 16);
      }
    }
  }
  for (let width: u32 = 1; width <= SHORT_WIDTH; width++) {
    const plan = shortPlans + (<usize>width << 5);
    for (let lane: u32 = 0; lane < 8; lane++) {
      const bit = lane * width;
      store<u8>(plan + (lane << 1), <u8>(bit >> 3));
      store<u8>(plan + (lane << 1), <u8>((bit >> 3) + 1), 1);
      store<u16>(plan + (lane << 1), <u16>(<u32>1 << (16 - width - (bit & 7))), 16);
    }
  }
}
buildPlans();

/**
 * Unpacks `count` numbers of `width` (0 to 25) bits to u32[count], with highs[i] << width (u8[count], or 0) in front of each.
 * `source` lies in the page that is open. Writes up to 8 lanes past the end.
 */
export function unpackNarrow(source: usize, count: u32, width: u32, highs: usize, target: usize): void {
  let i: u32 = 0;
  if (width > 0) {
    const plan = plans + (<usize>width << 6);
    const shuffle0 = v128.load(plan), factors0 = v128.load(plan, 16);
    const shuffle4 = v128.load(plan, 32), factors4 = v128.load(plan, 48);
    const right = <i32>(32 - width);
    const half = source + (width >> 1); // numbers 4-7 start at bit 4 * width
    const end = pageEnd();
    // a group reads 16 bytes from `half` on, and up to the page's end anything may be read
    const readable = <i32>(end - half) - 16;
    const groups: u32 = readable < 0 ? 0 : min<u32>(count >> 3, <u32>readable / width + 1);
    let from: usize = 0;
    if (highs) {
      for (const all = groups << 3; i < all; i += 8) {
        const a = i32x4.shr_u(i32x4.mul(i8x16.swizzle(v128.load(source + from), shuffle0), factors0), right);
        const b = i32x4.shr_u(i32x4.mul(i8x16.swizzle(v128.load(half + from), shuffle4), factors4), right);
        const high = v128.load8x8_u(highs + i);
        const at = target + (<usize>i << 2);
        v128.store(at, v128.or(a, i32x4.shl(i32x4.extend_low_i16x8_u(high), <i32>width)));
        v128.store(at, v128.or(b, i32x4.shl(i32x4.extend_high_i16x8_u(high), <i32>width)), 16);
        from += width;
      }
    } else {
      for (const all = groups << 3; i < all; i += 8) {
        const at = target + (<usize>i << 2);
        v128.store(at, i32x4.shr_u(i32x4.mul(i8x16.swizzle(v128.load(source + from), shuffle0), factors0), right));
        v128.store(at, i32x4.shr_u(i32x4.mul(i8x16.swizzle(v128.load(half + from), shuffle4), factors4), right), 16);
        from += width;
      }
    }
  } else if (!highs) {
    memory.fill(target, 0, <usize>count << 2);
    return;
  }
  const size = packedBytes(count, width);
  for (; i < count; i++) {
    const high = highs ? <u32>load<u8>(highs + i) << width : 0;
    store<u32>(target + (<usize>i << 2), <u32>unpackOne(source, size, i, width) | high);
  }
}

/**
 * Unpacks `count` numbers of `width` (0 to 9) bits to u16[count], with highs[i] << width (u8[count], or 0) in front of each; `signed`:
 * zigzag to i16. `source` lies in the page that is open. Behind them stand up to eight zeros.
 */
export function unpackShort(source: usize, count: u32, width: u32, highs: usize, signed: u32, target: usize): void {
  const plan = shortPlans + (<usize>width << 5);
  const shuffle = v128.load(plan), factors = v128.load(plan, 16);
  const right = <i32>(16 - width);
  // a group reads 16 bytes, and up to the page's end anything may be read
  const readable = <i32>(pageEnd() - source) - 16;
  const groups: u32 = width == 0 ? count >> 3 : readable < 0 ? 0 : min<u32>(count >> 3, <u32>readable / width + 1);
  const all = groups << 3;
  let from = source;
  let i: u32 = 0;
  if (highs && signed) {
    for (; i < all; i += 8) {
      const low = i16x8.shr_u(i16x8.mul(i8x16.swizzle(v128.load(from), shuffle), factors), right);
      const high = i16x8.shl(v128.load8x8_u(highs + i), <i32>width);
      v128.store(target + (<usize>i << 1), unzigzag8(v128.or(low, high)));
      from += width;
    }
  } else {
    for (; i < all; i += 8) {
      let x = i16x8.shr_u(i16x8.mul(i8x16.swizzle(v128.load(from), shuffle), factors), right);
      if (highs) x = v128.or(x, i16x8.shl(v128.load8x8_u(highs + i), <i32>width));
      v128.store(target + (<usize>i << 1), signed ? unzigzag8(x) : x);
      from += width;
    }
  }
  const size = packedBytes(count, width);
  for (; i < count; i++) {
    const x = <u32>unpackOne(source, size, i, width) | (highs ? <u32>load<u8>(highs + i) << width : 0);
    store<u16>(target + (<usize>i << 1), <u16>(signed ? (x >> 1) ^ -(x & 1) : x));
  }
  v128.store(target + (<usize>count << 1), i16x8.splat(0));
}

// @ts-ignore: decorator
@inline function unzigzag8(z: v128): v128 {
  return v128.xor(i16x8.shr_u(z, 1), i16x8.neg(v128.and(z, i16x8.splat(1))));
}
