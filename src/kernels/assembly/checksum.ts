// CRC32C (Castagnoli, reflected polynomial 0x82f63b78, RFC 3720 appendix B.4) over linear memory.
//
// Slicing by 16 (Kounavis, Berry, "Novel Table Lookup-Based Algorithms for High-Performance CRC Generation", 2008): table
// k holds the remainder of each byte followed by k zero bytes, so sixteen bytes cost sixteen independent loads and one
// step of the chain. The twin without linear memory is base/checksum.ts.

const POLYNOMIAL: u32 = 0x82f63b78;
const SLICES: u32 = 16;
const tables: usize = memory.data(16 * 256 * 4);

function buildTables(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    store<u32>(tables + (byte << 2), crc);
  }
  for (let k: u32 = 1; k < SLICES; k++) {
    for (let byte: u32 = 0; byte < 256; byte++) {
      const before = load<u32>(tables + ((((k - 1) << 8) + byte) << 2));
      store<u32>(tables + (((k << 8) + byte) << 2), (before >> 8) ^ load<u32>(tables + ((before & 0xff) << 2)));
    }
  }
}
buildTables();

// The remainders of the four bytes of `word` with `zeros` bytes behind them. Four times a byte, an offset in a table, is one
// shift and one mask away.
// @ts-ignore: decorator
@inline function fourBytes(word: u32, zeros: usize): u32 {
  const table = tables + (zeros << 10);
  return (
    load<u32>(table + 0xc00 + ((word << 2) & 0x3fc)) ^
    load<u32>(table + 0x800 + ((word >> 6) & 0x3fc)) ^
    load<u32>(table + 0x400 + ((word >> 14) & 0x3fc)) ^
    load<u32>(table + ((word >> 22) & 0x3fc))
  );
}

/** CRC32C of `sizeBytes` at `source`. `seed` is 0, or the CRC of the bytes that come before these. */
export function crc32c(source: usize, sizeBytes: u32, seed: u32): u32 {
  let crc = ~seed;
  const end = source + sizeBytes;
  while (source + 16 <= end) {
    crc =
      fourBytes(load<u32>(source) ^ crc, 12) ^
      fourBytes(load<u32>(source, 4), 8) ^
      fourBytes(load<u32>(source, 8), 4) ^
      fourBytes(load<u32>(source, 12), 0);
    source += 16;
  }
  while (source < end) crc = (crc >> 8) ^ load<u32>(tables + (((crc ^ load<u8>(source++)) & 0xff) << 2));
  return ~crc;
}
