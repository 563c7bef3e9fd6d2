// CRC32C (Castagnoli, reflected polynomial 0x82f63b78, RFC 3720 appendix B.4): the checksum of every file format.
//
// Slicing by 8: table k holds the remainder of each byte followed by k zero bytes, so eight bytes cost eight
// independent lookups. kernels/assembly/checksum.ts does the same over linear memory.

const SLICES = 8;
const tables = buildTables();

/** CRC32C of `bytes`, 0 to 2^32 - 1. `seed` is the CRC of the bytes that come before these, if any. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  const table = tables;
  const blocks = bytes.length & ~7;
  let crc = ~seed;
  let at = 0;
  for (; at < blocks; at += 8) {
    const low = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    crc =
      table[1792 + (low & 0xff)]! ^
      table[1536 + ((low >>> 8) & 0xff)]! ^
      table[1280 + ((low >>> 16) & 0xff)]! ^
      table[1024 + (low >>> 24)]! ^
      table[768 + bytes[at + 4]!]! ^
      table[512 + bytes[at + 5]!]! ^
      table[256 + bytes[at + 6]!]! ^
      table[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ table[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}

function buildTables(): Int32Array {
  const table = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
    table[byte] = crc;
  }
  for (let slot = 256; slot < table.length; slot++) {
    const before = table[slot - 256]!;
    table[slot] = (before >>> 8) ^ table[before & 0xff]!;
  }
  return table;
}
