// Which rows of a page have a value: a bitmap on disk, one byte a row in memory; values are packed in between.

/** How many of u8[count] are 1. */
export function countPresent(present: usize, count: u32): u32 {
  let total: u32 = 0;
  let i: u32 = 0;
  // bytes are 0 or 1: eight of them add up in the top byte of a product
  for (; i + 8 <= count; i += 8) total += <u32>((load<u64>(present + i) * 0x0101010101010101) >> 56);
  for (; i < count; i++) total += load<u8>(present + i);
  return total;
}

/** Writes the bitmap; returns its end. */
export function encodePresence(present: usize, count: u32, target: usize): usize {
  let i: u32 = 0;
  // gathers bit 0 of eight bytes: each lands in the top byte at its own place
  for (; i + 8 <= count; i += 8) store<u8>(target++, <u8>((load<u64>(present + i) * 0x0102040810204080) >> 56));
  if (i < count) {
    let byte: u32 = 0;
    for (let bit: u32 = 0; i < count; i++, bit++) byte |= <u32>load<u8>(present + i) << bit;
    store<u8>(target++, <u8>byte);
  }
  return target;
}

/** Expands a bitmap to u8[count] of 0 and 1; returns how many are 1. */
export function decodePresence(bitmap: usize, count: u32, present: usize): u32 {
  let total: u32 = 0;
  let i: u32 = 0;
  for (; i + 8 <= count; i += 8) {
    // eight copies of the byte, of each only its own bit; adding 127 carries any bit to the top of its byte
    const bits = (<u64>load<u8>(bitmap + (i >> 3)) * 0x0101010101010101) & 0x8040201008040201;
    const bytes = ((bits + 0x7f7f7f7f7f7f7f7f) >> 7) & 0x0101010101010101;
    store<u64>(present + i, bytes);
    total += <u32>((bytes * 0x0101010101010101) >> 56);
  }
  for (; i < count; i++) {
    const bit = (load<u8>(bitmap + (i >> 3)) >> <u8>(i & 7)) & 1;
    store<u8>(present + i, bit);
    total += bit;
  }
  return total;
}

/** The inverse of `gather` (masks.ts), in place: `having` values at the start of the rows; rows without one become 0. */
export function spread(values: usize, present: usize, count: u32, having: u32): void {
  let from = values + (<usize>having << 3);
  for (let i = <isize>count - 1; i >= 0; i--) {
    // no branch: whether a row is present is as good as random
    const here = <usize>load<u8>(present + i);
    from -= here << 3;
    store<u64>(values + (i << 3), load<u64>(from) & -(<u64>here));
  }
}
