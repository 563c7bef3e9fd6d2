// Bit packing and varints: what every codec writes its numbers with.
//
// Packed numbers of width w stand one after the other, least significant bit first: number i takes bits
// [i*w, i*w + w) of the little-endian bit string. Eight numbers fill exactly w bytes, so a group of eight always
// starts at a byte and one shuffle brings each number of a group into a lane of its own (no vertical layout,
// no padding to blocks; a page of three values costs three values).

/** Bytes that `count` numbers of `width` bits take. */
// @ts-ignore: decorator
@inline export function packedBytes(count: u32, width: u32): u32 {
  return <u32>((<u64>count * width + 7) >> 3);
}

/** Bits needed for a number; 0 for 0. */
// @ts-ignore: decorator
@inline export function bitLength(x: u64): u32 {
  return <u32>(64 - clz(x));
}

// @ts-ignore: decorator
@inline export function zigzag(x: i64): u64 {
  return (<u64>x << 1) ^ <u64>(x >> 63);
}

// @ts-ignore: decorator
@inline export function unzigzag(x: u64): i64 {
  return <i64>(x >> 1) ^ -<i64>(x & 1);
}

// @ts-ignore: decorator
@inline export function lowMask(width: u32): u64 {
  return width >= 64 ? ~(<u64>0) : (<u64>1 << width) - 1;
}

/**
 * Writes the low `width` (0 to 64) bits of u64[count] at `source`; returns the end of what it wrote. May scribble on
 * 15 bytes behind the end.
 */
export function pack(source: usize, count: u32, width: u32, target: usize): usize {
  if (width == 0) return target;
  const mask = lowMask(width);
  const end = source + (<usize>count << 3);
  if (width <= 16) {
    // eight numbers are two words of 4 * width bits each: all shifts independent of each other
    const w = <u64>width;
    for (; source + 64 <= end; source += 64) {
      const low = fourWords(source, w, mask);
      const high = fourWords(source + 32, w, mask);
      if (width == 16) {
        store<u64>(target, low);
        store<u64>(target, high, 8);
      } else {
        store<u64>(target, low | (high << (w << 2)));
        // bits of `high` that the first word has no room for: none below width 9
        if (width > 8) store<u64>(target, high >> (64 - (w << 2)), 8);
      }
      target += width;
    }
  }
  let pending: u64 = 0; // the low `fill` bits are not stored yet
  let fill: u32 = 0;
  for (; source < end; source += 8) {
    const x = load<u64>(source) & mask;
    pending |= x << fill;
    fill += width;
    if (fill >= 64) {
      store<u64>(target, pending);
      target += 8;
      fill -= 64;
      pending = fill ? x >> (width - fill) : 0;
    }
  }
  return storeLow(pending, fill, target);
}

// @ts-ignore: decorator
@inline function fourWords(source: usize, width: u64, mask: u64): u64 {
  return (
    (load<u64>(source) & mask) |
    ((load<u64>(source, 8) & mask) << width) |
    ((load<u64>(source, 16) & mask) << (width << 1)) |
    ((load<u64>(source, 24) & mask) << (width * 3))
  );
}

/** Stores the low `bits` bits of `x` as whole bytes; returns the end. */
export function storeLow(x: u64, bits: u32, target: usize): usize {
  for (let left = <i32>bits; left > 0; left -= 8) {
    store<u8>(target++, <u8>x);
    x >>= 8;
  }
  return target;
}

/** One number of a packed run of `size` bytes, reading no byte outside it. */
export function unpackOne(source: usize, size: u32, index: u32, width: u32): u64 {
  const bit = <u64>index * width;
  const byte = <u32>(bit >> 3);
  const shift = <u32>bit & 7;
  let x: u64 = 0;
  const last = min<u32>(byte + 8, size);
  for (let at = byte, k: u32 = 0; at < last; at++, k += 8) x |= <u64>load<u8>(source + at) << k;
  x >>= shift;
  if (shift + width > 64 && byte + 8 < size) x |= <u64>load<u8>(source + byte + 8) << (64 - shift);
  return x & lowMask(width);
}

/** Unpacks `count` numbers of `width` (0 to 64) bits to u64[count]; reads exactly packedBytes(count, width). */
export function unpackWide(source: usize, count: u32, width: u32, target: usize): void {
  if (width == 0) {
    memory.fill(target, 0, <usize>count << 3);
    return;
  }
  if (width == 64) {
    memory.copy(target, source, <usize>count << 3);
    return;
  }
  const size = packedBytes(count, width);
  const mask = lowMask(width);
  // numbers whose nine bytes from their first byte on lie inside
  const safe: u32 = size < 9 ? 0 : min<u32>(count, <u32>((<u64>(size - 9) << 3) / width));
  let i: u32 = 0;
  let bit: u64 = 0;
  if (width <= 57) {
    for (; i < safe; i++) {
      store<u64>(target + (<usize>i << 3), (load<u64>(source + <usize>(bit >> 3)) >> (bit & 7)) & mask);
      bit += width;
    }
  } else {
    for (; i < safe; i++) {
      const from = source + <usize>(bit >> 3);
      const shift = bit & 7;
      // (x << 1) << (63 - shift) = x << (64 - shift) that is 0 for shift 0
      const x = (load<u64>(from) >> shift) | ((<u64>load<u8>(from, 8) << 1) << (63 - shift));
      store<u64>(target + (<usize>i << 3), x & mask);
      bit += width;
    }
  }
  for (; i < count; i++) store<u64>(target + (<usize>i << 3), unpackOne(source, size, i, width));
}

/** LEB128; returns the end. */
export function writeVarint(x: u64, target: usize): usize {
  while (x >= 0x80) {
    store<u8>(target++, <u8>x | 0x80);
    x >>= 7;
  }
  store<u8>(target, <u8>x);
  return target + 1;
}
