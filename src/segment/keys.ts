// The series keys of a table, in Snappy blocks: for recovery, inspection and hand-off, never read to answer a query.
import { crc32c } from "../base/checksum.ts";
import { compress, uncompress } from "../codec/snappy.ts";
import type { DiskFile } from "../disk/disk.ts";
import { ByteWriter, Cursor } from "./bytes.ts";
import { KEY_BLOCK_BYTES } from "./format.ts";
import { type KeyBlock, readKeyBlocks } from "./table-index.ts";

/** So many blocks are some milliseconds of work. */
const BLOCKS_AT_ONCE = 8;

/** Appends the keys of `ids` (ascending) to the file; lets other work run between blocks. Throws `DiskError`. */
export async function writeSeriesKeys(
  file: DiskFile,
  ids: Uint32Array,
  seriesKey: (id: number) => Uint8Array,
): Promise<KeyBlock[]> {
  const blocks: KeyBlock[] = [];
  const raw = new ByteWriter();
  let seriesCount = 0;
  let previousId = 0;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    const key = seriesKey(id);
    raw.varint(id - previousId);
    raw.varint(key.length);
    raw.bytes(key);
    previousId = id;
    seriesCount++;
    if (raw.size < KEY_BLOCK_BYTES && i < ids.length - 1) continue;
    const compressed = compress(raw.written);
    file.append(compressed);
    const checksum = crc32c(compressed);
    blocks.push({ seriesCount, rawBytes: raw.size, compressedBytes: compressed.length, checksum });
    raw.clear();
    seriesCount = 0;
    if (blocks.length % BLOCKS_AT_ONCE === 0) await new Promise((resume) => setImmediate(resume));
  }
  return blocks;
}

/** Id and canonical key of every series, ascending by id; `cursor` stands at the index's part about keys. */
export function* readSeriesKeys(cursor: Cursor): Generator<[number, Uint8Array]> {
  let previousId = 0;
  for (const block of readKeyBlocks(cursor)) {
    for (const entry of readKeyBlock(cursor, block, previousId)) {
      previousId = entry[0];
      yield entry;
    }
  }
}

/** The series of one block, `previousId` being the last of the block before (0 before the first). */
export function* readKeyBlock(
  { file, source }: Cursor,
  block: KeyBlock & { readonly at: number },
  previousId: number,
): Generator<[number, Uint8Array]> {
  const place = new Cursor(file, source, block.at, block.at + block.compressedBytes);
  const compressed = source.subarray(place.at, place.end);
  if (crc32c(compressed) !== block.checksum)
    place.fail("the block of series keys does not have its checksum");
  const raw = uncompressBlock(place, compressed);
  if (raw.length !== block.rawBytes) place.fail("the block of series keys has another size than it says");
  // offsets inside of the block mean nothing in the file: errors name the block
  const entries = new Cursor(`${file} (series keys at byte ${block.at})`, raw, 0, raw.length);
  let id = previousId;
  for (let i = 0; i < block.seriesCount; i++) {
    id += entries.varint("id gap");
    yield [id, entries.bytes(entries.varint("key length"), "series key")];
  }
  if (entries.remaining > 0) entries.fail("bytes after the last series key of a block");
}

function uncompressBlock(place: Cursor, compressed: Uint8Array): Uint8Array {
  try {
    // (copied into the heap: the library must not keep a view of a mapped file)
    return uncompress(Buffer.from(compressed));
  } catch (cause) {
    return place.fail(`the block of series keys cannot be decompressed (${String(cause)})`);
  }
}
