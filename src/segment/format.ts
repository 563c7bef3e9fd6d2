// The layout of a segment: an immutable columnar file with the rows of one time window of one store.
//
// Numbers are little-endian; varint, text (varint length + UTF-8): see bytes.ts. Nothing is padded.
//
//   header   0 8 bytes magic "serieSEG"
//            8 u32 format version        12 u32 header size in bytes, checksum included
//           16 i64 window start, ns      24 i64 window end, ns (rows are in [start, end))
//           32 text database             .. text retention policy
//           .. u32 CRC32C of the header up to here    (magic, version, size, checksum: the same in all versions)
//   pages    table after table, ascending by measurement, in each stripe after stripe, which are row groups next to each other
//              (see page-places.ts): the pages of times, then those of each field, fields in the table's order; a
//              group without a value of the field has none. What is in a page is codec/'s matter. CRC32Cs and sizes
//              stand in the index.
//   keys     only for recovery, inspection and hand-off. Per table, ascending by series id, blocks of about 64 KiB,
//              each Snappy compressed (raw format): { varint id gap; varint length; series key }*, the key in canonical
//              form (model/batch.ts), the gap counted from the id before in the table (at first from 0)
//   index    varint row count, varint series count, i64 smallest time, i64 largest time (ns)
//            varint table count, then per table: text measurement, varint size of its block
//            the tables' blocks, in order: see table-index.ts
//            varint size of the filter, the Bloom filter over all series ids: see bloom.ts
//   footer   0 u64 offset of the index
//            8 u32 size of the index     12 u32 CRC32C of the index
//           16 u32 CRC32C of the footer up to here
//           20 8 bytes magic "serieEND"
//
// Every byte is under a checksum: the header's, footer's and index's are compared when the file is opened, a
// page's when it is first read, a key block's when it is read.
import { crc32c } from "../base/checksum.ts";
import type { ByteWriter, Cursor } from "./bytes.ts";

export const HEADER_MAGIC = "serieSEG";
export const FOOTER_MAGIC = "serieEND";
/**
 * 2: a sum may be told by a decimal near to it (stats.ts). 3: times of groups are told from group to group (table-index.ts), and
 * numbers' pages leave out what their place says (assembly/page.ts, integers-decode.ts). 4: row groups are put together to stripes
 * (page-places.ts). What older versions say is read as it was.
 */
export const FORMAT_VERSION = 4;
export const HEADER_FIXED_BYTES = 32;
export const FOOTER_BYTES = 28;
/** Raw size at which a block of series keys is closed. */
export const KEY_BLOCK_BYTES = 64 * 1024;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Whose rows a segment holds. */
export interface SegmentHeader {
  readonly database: string;
  readonly retentionPolicy: string;
  /** Inclusive, ns. */
  readonly windowStartNs: bigint;
  /** Exclusive, ns. */
  readonly windowEndNs: bigint;
}

export interface SegmentFooter {
  readonly indexOffset: number;
  readonly indexBytes: number;
  readonly indexChecksum: number;
}

/** What a segment holds, all tables together. */
export interface SegmentTotals {
  readonly rowCount: number;
  readonly seriesCount: number;
  /** ns; both 0 when there are no rows. */
  readonly minTime: bigint;
  readonly maxTime: bigint;
}

export function writeHeader(out: ByteWriter, header: SegmentHeader): void {
  const text = new TextEncoder();
  const size =
    HEADER_FIXED_BYTES +
    textBytes(text.encode(header.database).length) +
    textBytes(text.encode(header.retentionPolicy).length) +
    4;
  out.bytes(text.encode(HEADER_MAGIC));
  out.u32(FORMAT_VERSION);
  out.u32(size);
  // (a window at the very end of time is wider than int64; no row is out there)
  out.i64(header.windowStartNs < INT64_MIN ? INT64_MIN : header.windowStartNs);
  out.i64(header.windowEndNs > INT64_MAX ? INT64_MAX : header.windowEndNs);
  out.text(header.database);
  out.text(header.retentionPolicy);
  out.u32(crc32c(out.written));
}

function textBytes(length: number): number {
  let size = 1 + length;
  for (let rest = length >>> 7; rest > 0; rest >>>= 7) size++;
  return size;
}

/** The cursor stands at 0. Throws `CorruptionError`, or calls `refuse` for a file of another version. */
export function readHeader(
  cursor: Cursor,
  refuse: (version: number) => never,
): SegmentHeader & { readonly version: number } {
  cursor.section("header");
  if (cursor.remaining < HEADER_FIXED_BYTES) cursor.fail("a file this short is no segment");
  if (cursor.latin(8, "magic") !== HEADER_MAGIC) cursor.fail("no segment starts like this", 0);
  const version = cursor.u32("format version");
  const size = cursor.u32("header size");
  if (size < HEADER_FIXED_BYTES || size > cursor.end) cursor.fail("impossible header size", 12);
  const expected = crc32c(cursor.source.subarray(0, size - 4));
  const stored = new DataView(cursor.source.buffer, cursor.source.byteOffset + size - 4, 4).getUint32(
    0,
    true,
  );
  if (stored !== expected) cursor.fail("the header does not have its checksum", 0);
  if (version < 1 || version > FORMAT_VERSION) refuse(version);
  const windowStartNs = cursor.i64("window start, ns");
  const windowEndNs = cursor.i64("window end, ns");
  const database = cursor.text("database");
  const retentionPolicy = cursor.text("retention policy");
  cursor.checksum("CRC32C of the header");
  if (cursor.at !== size) cursor.fail("the header is not as long as it says", 12);
  return { version, database, retentionPolicy, windowStartNs, windowEndNs };
}

export function writeFooter(out: ByteWriter, footer: SegmentFooter): void {
  const start = out.size;
  out.u64(footer.indexOffset);
  out.u32(footer.indexBytes);
  out.u32(footer.indexChecksum);
  out.u32(crc32c(out.written.subarray(start)));
  out.bytes(new TextEncoder().encode(FOOTER_MAGIC));
}

/** The cursor stands `FOOTER_BYTES` before the end of the file. */
export function readFooter(cursor: Cursor): SegmentFooter {
  cursor.section("footer");
  const start = cursor.at;
  const expected = crc32c(cursor.source.subarray(start, start + 16));
  const indexOffset = cursor.u64("offset of the index");
  const indexBytes = cursor.u32("size of the index");
  const indexChecksum = cursor.checksum("CRC32C of the index");
  const stored = cursor.checksum("CRC32C of the footer");
  if (cursor.latin(8, "magic") !== FOOTER_MAGIC) cursor.fail("the file has no footer: it was cut off", start);
  if (stored !== expected) cursor.fail("the footer does not have its checksum", start);
  if (indexOffset + indexBytes !== start)
    cursor.fail("the index does not end where the footer begins", start);
  return { indexOffset, indexBytes, indexChecksum };
}

export function writeIndex(
  out: ByteWriter,
  totals: SegmentTotals,
  tables: readonly { readonly measurement: string; readonly block: ByteWriter }[],
  filter: Uint8Array,
): void {
  out.varint(totals.rowCount);
  out.varint(totals.seriesCount);
  out.i64(totals.minTime);
  out.i64(totals.maxTime);
  out.varint(tables.length);
  for (const { measurement, block } of tables) {
    out.text(measurement);
    out.varint(block.size);
  }
  for (const { block } of tables) out.bytes(block.written);
  out.varint(filter.length);
  out.bytes(filter);
}

export interface IndexHead {
  readonly totals: SegmentTotals;
  /** In file order: ascending by measurement. `at` and `sizeBytes`: where in the file the table's block is. */
  readonly tables: readonly {
    readonly measurement: string;
    readonly at: number;
    readonly sizeBytes: number;
  }[];
  readonly bloomAt: number;
  readonly bloomBytes: number;
}

/** The index but for the tables' blocks; the cursor covers the index. */
export function readIndexHead(cursor: Cursor): IndexHead {
  cursor.section("index");
  const rowCount = cursor.varint("row count");
  const seriesCount = cursor.varint("series count");
  const minTime = cursor.i64("smallest time, ns");
  const maxTime = cursor.i64("largest time, ns");
  const tableCount = cursor.count("table count", 2);
  const sizes: { measurement: string; sizeBytes: number }[] = [];
  for (let i = 0; i < tableCount; i++) {
    const measurement = cursor.text("measurement");
    sizes.push({ measurement, sizeBytes: cursor.varint("size of the table's block") });
  }
  let at = cursor.at;
  const tables = sizes.map(({ measurement, sizeBytes }) => {
    const table = { measurement, at, sizeBytes };
    at += sizeBytes;
    return table;
  });
  cursor.skip(at - cursor.at, "the tables' blocks");
  cursor.section("Bloom filter");
  const bloomBytes = cursor.varint("size of the filter");
  const bloomAt = cursor.at;
  if (bloomBytes === 0 || bloomBytes % 32 !== 0) cursor.fail("impossible size of the Bloom filter", at);
  cursor.bytes(bloomBytes, "bits");
  if (cursor.remaining > 0) cursor.fail("bytes after the Bloom filter");
  return { totals: { rowCount, seriesCount, minTime, maxTime }, tables, bloomAt, bloomBytes };
}
