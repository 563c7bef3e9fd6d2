// A split block Bloom filter over series ids: "not in this file" for most absent series with one cache line read.
//
// The filter is blocks of 32 bytes. A hash picks one block, and sets (or asks for) one bit in each of the
// block's eight 32-bit words. At 10 bits a series about 1 in 100 absent series passes. (Putze, Sanders, Singler:
// Cache-, Hash- and Space-Efficient Bloom Filters, 2007; the arrangement is Apache Parquet's.)

const BLOCK_BYTES = 32;
const BITS_PER_SERIES = 10;

// odd multipliers, one a word: each turns the same hash into an independent bit number
const salts = [
  0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
] as const;

/** Size of the filter for that many series: whole blocks, at least one. */
export function bloomBytes(seriesCount: number): number {
  return Math.max(1, Math.ceil((seriesCount * BITS_PER_SERIES) / (BLOCK_BYTES * 8))) * BLOCK_BYTES;
}

export function bloomAdd(filter: Uint8Array, seriesId: number): void {
  let at = blockOf(filter, seriesId);
  const hash = mix(seriesId);
  for (const salt of salts) {
    const bit = Math.imul(hash, salt) >>> 27;
    filter[at + (bit >>> 3)]! |= 1 << (bit & 7);
    at += 4;
  }
}

/** False: surely never added. */
export function bloomHas(filter: Uint8Array, seriesId: number): boolean {
  let at = blockOf(filter, seriesId);
  const hash = mix(seriesId);
  for (const salt of salts) {
    const bit = Math.imul(hash, salt) >>> 27;
    if ((filter[at + (bit >>> 3)]! & (1 << (bit & 7))) === 0) return false;
    at += 4;
  }
  return true;
}

// The block comes from other bits than the bit numbers: a second mix of the id.
function blockOf(filter: Uint8Array, seriesId: number): number {
  const blocks = filter.length / BLOCK_BYTES;
  return Math.floor((mix(seriesId ^ 0x5bd1e995) / 0x1_0000_0000) * blocks) * BLOCK_BYTES;
}

// The finalizer of MurmurHash3 (32 bits): every bit of the id reaches every bit of the hash.
function mix(id: number): number {
  let hash = id;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
