// Encodes a row group: its pages end to end, and what the table's index (segment/table-index.ts) says of each.
//
// One call for all columns but those of strings, whose heaps are compressed in JavaScript: a page takes some microseconds,
// and so would the calls and objects that it would need one by one.
//
//   column   u32 type: a FieldType, or 0 = times; u32 values, 0 = no row has one; u32 present, 0 = every row has one; u32 -
//   index    u32 end of the pages, then the bytes in each of the four runs that follow from INDEX_HEADER on:
//            page sizes (varint), CRC32C (u32), sizes of statistics (varint), statistics

import { writeVarint } from "./bits";
import { crc32c } from "./checksum";
import { encodeNumbers } from "./page";
import { encodeStats, pageStats, presentCount } from "./stats";

const INDEX_HEADER: usize = 32;
const TIMES: u32 = 0;
const INTEGER: u32 = 2;
const BOOLEAN: u32 = 4;
const STRING: u32 = 5;
const STATS: usize = memory.data(48);

/**
 * Encodes the columns from number `from` on, up to one of strings or one whose page might not fit before `outEnd`; gives
 * the number of the first that it left. `index` has room for 32 + 96 * columnCount bytes.
 */
export function encodeGroup(
  columns: usize, columnCount: u32, from: u32, rowCount: u32, out: usize, outEnd: usize, index: usize,
): u32 {
  const sizes = index + INDEX_HEADER;
  const checksums = sizes + (<usize>columnCount << 3);
  const statsSizes = checksums + (<usize>columnCount << 3);
  const stats = statsSizes + (<usize>columnCount << 3);
  let sizesEnd = sizes;
  let checksumsEnd = checksums;
  let statsSizesEnd = statsSizes;
  let statsEnd = stats;
  const most = (<usize>rowCount << 3) + <usize>rowCount + 64; // what encodeNumbers may need
  let c = from;
  for (; c < columnCount; c++) {
    const column = columns + (<usize>c << 4);
    const type = load<u32>(column);
    const values: usize = load<u32>(column, 4);
    const present: usize = load<u32>(column, 8);
    if (values == 0) {
      sizesEnd = writeVarint(0, sizesEnd);
      continue;
    }
    if (type == STRING || out + most > outEnd) break;
    if (type != TIMES) {
      if (type == BOOLEAN) {
        store<u32>(STATS, present ? presentCount(present, rowCount) : rowCount);
        store<u32>(STATS, 0, 4);
      } else pageStats(type, values, present, rowCount, STATS);
      if (load<u32>(STATS) == 0) {
        sizesEnd = writeVarint(0, sizesEnd);
        continue;
      }
      const end = encodeStats(type, rowCount, STATS, statsEnd);
      statsSizesEnd = writeVarint(end - statsEnd, statsSizesEnd);
      statsEnd = end;
    }
    const size = encodeNumbers(type == TIMES ? INTEGER : type, rowCount, values, present, out);
    sizesEnd = writeVarint(size, sizesEnd);
    store<u32>(checksumsEnd, crc32c(out, size, 0));
    checksumsEnd += 4;
    out += size;
  }
  store<u32>(index, <u32>out);
  store<u32>(index, <u32>(sizesEnd - sizes), 4);
  store<u32>(index, <u32>(checksumsEnd - checksums), 8);
  store<u32>(index, <u32>(statsSizesEnd - statsSizes), 12);
  store<u32>(index, <u32>(statsEnd - stats), 16);
  return c;
}
