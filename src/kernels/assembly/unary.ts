// The unary plane: small numbers as runs of zero bits, each ended by a one (the high parts of Rice codes).
//
//   0 -> 1    1 -> 01    2 -> 001    ...       least significant bit first
//
// Decoding takes a byte of the plane at a time: a table holds, for every byte, where its ones stand as eight byte lanes. A number is
// the distance from the one before its own, less 1: what the bytes say is gathered first, without waiting for each other, and
// subtracted sixteen at a time.
import { storeLow } from "./bits";
import { places } from "./workspace";

// one in each byte lane
const EACH: u64 = 0x0101_0101_0101_0101;

const lanes: usize = memory.data(256 * 8);

function buildTable(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let lane = lanes + (byte << 3);
    for (let bit: u32 = 0; bit < 8; bit++) if (byte & (1 << bit)) store<u8>(lane++, <u8>bit);
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

/** Decodes `count` numbers (modulo 256) to u8[count], and up to 15 more; false when the plane does not hold exactly these. */
export function decodeUnary(source: usize, size: u32, count: u32, target: usize): bool {
  const end = source + size;
  // bits of the plane that are ones, modulo 256; one stands before the plane
  store<u8>(places, 0xff);
  let at = places + 1;
  const stop = at + count;
  let bit: u64 = 0;
  for (; source + 8 <= end && at < stop; source += 8) {
    const bytes = load<u64>(source);
    const from = bit * EACH;
    at = placeOnes(at, <usize>bytes & 0xff, from);
    at = placeOnes(at, <usize>(bytes >> 8) & 0xff, from + 8 * EACH);
    at = placeOnes(at, <usize>(bytes >> 16) & 0xff, from + 16 * EACH);
    at = placeOnes(at, <usize>(bytes >> 24) & 0xff, from + 24 * EACH);
    at = placeOnes(at, <usize>(bytes >> 32) & 0xff, from + 32 * EACH);
    at = placeOnes(at, <usize>(bytes >> 40) & 0xff, from + 40 * EACH);
    at = placeOnes(at, <usize>(bytes >> 48) & 0xff, from + 48 * EACH);
    at = placeOnes(at, <usize>(bytes >> 56), from + 56 * EACH);
    bit = (bit + 64) & 0xff;
  }
  for (; source < end && at < stop; source++) {
    at = placeOnes(at, load<u8>(source), bit * EACH);
    bit = (bit + 8) & 0xff;
  }
  const one = i8x16.splat(1);
  for (let i: usize = 0; i < count; i += 16) {
    const apart = i8x16.sub(v128.load(places + i, 1), v128.load(places + i));
    v128.store(target + i, i8x16.sub(apart, one));
  }
  return at == stop && source == end && (size == 0 || load<u8>(end - 1) != 0);
}

// Where the ones of a byte stand, each counted from `from`: to u8[8] at `at`; answers the end of those that are.
// @ts-ignore: decorator
@inline function placeOnes(at: usize, byte: usize, from: u64): usize {
  store<u64>(at, load<u64>(lanes + (byte << 3)) + from);
  return at + popcnt<usize>(byte);
}
