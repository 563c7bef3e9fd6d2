// xxHash64 (Collet, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md): four lanes of 8 bytes each,
// then the rest in steps of 8, 4 and 1 bytes, then an avalanche.

const P1: u64 = 0x9e3779b185ebca87;
const P2: u64 = 0xc2b2ae3d27d4eb4f;
const P3: u64 = 0x165667b19e3779f9;
const P4: u64 = 0x85ebca77c2b2ae63;
const P5: u64 = 0x27d4eb2f165667c5;

@inline function round(lane: u64, input: u64): u64 {
  return rotl<u64>(lane + input * P2, 31) * P1;
}

@inline function mergeRound(hash: u64, lane: u64): u64 {
  return (hash ^ round(0, lane)) * P1 + P4;
}

/** xxHash64 of `length` bytes at `start`. */
export function xxHash64(start: usize, length: u32, seed: u64): u64 {
  const end = start + length;
  let p = start;
  let hash: u64;
  if (length >= 32) {
    let a = seed + P1 + P2;
    let b = seed + P2;
    let c = seed;
    let d = seed - P1;
    const last = end - 32;
    do {
      a = round(a, load<u64>(p));
      b = round(b, load<u64>(p, 8));
      c = round(c, load<u64>(p, 16));
      d = round(d, load<u64>(p, 24));
      p += 32;
    } while (p <= last);
    hash = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18);
    hash = mergeRound(hash, a);
    hash = mergeRound(hash, b);
    hash = mergeRound(hash, c);
    hash = mergeRound(hash, d);
  } else {
    hash = seed + P5;
  }
  hash += length;
  while (p + 8 <= end) {
    hash = rotl<u64>(hash ^ round(0, load<u64>(p)), 27) * P1 + P4;
    p += 8;
  }
  if (p + 4 <= end) {
    hash = rotl<u64>(hash ^ (<u64>load<u32>(p) * P1), 23) * P2 + P3;
    p += 4;
  }
  while (p < end) {
    hash = rotl<u64>(hash ^ (<u64>load<u8>(p) * P5), 11) * P1;
    p++;
  }
  hash = (hash ^ (hash >> 33)) * P2;
  hash = (hash ^ (hash >> 29)) * P3;
  return hash ^ (hash >> 32);
}
