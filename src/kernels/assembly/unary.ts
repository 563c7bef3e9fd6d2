// The unary plane: small numbers as runs of zero bits, each ended by a one (the high parts of Rice codes).
//
//   0 -> 1    1 -> 01    2 -> 001    ...       least significant bit first
//
// Decoding takes a byte of the plane at a time: a table holds, for every byte, the numbers that end in it as eight
// byte lanes, how many they are, and how many zeros are left over for the number that ends in a later byte.
import { storeLow } from "./bits";

const lanes: usize = memory.data(256 * 8);
const ends: usize = memory.data(256);
const rests: usize = memory.data(256);

function buildTable(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let ones: u32 = 0;
    let run: u32 = 0;
    for (let bit: u32 = 0; bit < 8; bit++) {
      if (byte & (1 << bit)) {
        store<u8>(lanes + (byte << 3) + ones, <u8>run);
        ones++;
        run = 0;
      } else run++;
    }
    store<u8>(ends + byte, <u8>ones);
    store<u8>(rests + byte, <u8>run);
  }
}
buildTable();

/** Numbers >= this never occur in a plane: they are exceptions of the codec above. */
export const UNARY_LIMIT: u64 = 16;

/** Writes `source` u64[count] >> `shift`, 0 for those at or above the limit; returns the end. */
export function encodeUnary(source: usize, count: u32, shift: u32, target: usize): usize {
  const end = source + (<usize>count << 3);
  let pending: u64 = 0; // the low `fill` bits are not stored yet
  let fill: u64 = 0;
  while (source < end) {
    // four numbers (64 bits at most) are put together first, so that `fill` waits for one addition in four
    const a = part(source, shift);
    let code = <u64>1 << a;
    let length = a + 1;
    source += 8;
    const more = min<u32>(3, <u32>((end - source) >> 3));
    for (let i: u32 = 0; i < more; i++) {
      const b = part(source, shift);
      code |= <u64>1 << (length + b);
      length += b + 1;
      source += 8;
    }
    pending |= code << fill;
    const after = fill + length;
    if (after >= 64) {
      store<u64>(target, pending);
      target += 8;
      pending = fill ? code >> (64 - fill) : 0;
    }
    fill = after & 63;
  }
  return storeLow(pending, <u32>fill, target);
}

// @ts-ignore: decorator
@inline function part(at: usize, shift: u32): u64 {
  const x = load<u64>(at) >> shift;
  return x < UNARY_LIMIT ? x : 0;
}

/** Decodes `count` numbers (modulo 256) to u8[count]; false when the plane holds fewer. */
export function decodeUnary(source: usize, size: u32, count: u32, target: usize): bool {
  const end = source + size;
  const stop = target + count;
  let carry: u32 = 0;
  // eight lanes are stored at once while they fit; of eight bytes as many are sure to
  while (source + 8 <= end && target + 72 <= stop) {
    let bytes = load<u64>(source);
    source += 8;
    for (let i = 0; i < 8; i++) {
      const byte = <usize>bytes & 0xff;
      bytes >>= 8;
      store<u64>(target, load<u64>(lanes + (byte << 3)) + carry);
      target += load<u8>(ends + byte);
      carry = (load<u8>(rests + byte) + (byte ? 0 : carry)) & 0xff;
    }
  }
  while (source < end && target + 8 <= stop) {
    const byte = <usize>load<u8>(source++);
    store<u64>(target, load<u64>(lanes + (byte << 3)) + carry);
    target += load<u8>(ends + byte);
    carry = load<u8>(rests + byte) + (byte ? 0 : carry);
    carry &= 0xff;
  }
  while (source < end && target < stop) {
    let byte = <u32>load<u8>(source++);
    for (let left = 8; left > 0; left--) {
      if (byte & 1) {
        if (target < stop) store<u8>(target++, <u8>carry);
        carry = 0;
      } else carry++;
      byte >>= 1;
    }
  }
  return target == stop;
}
