// The series keys of a table, block by block out of the mapped file: for recovery, inspection and hand-off.
import { uncompressSync } from "@napi-rs/snappy";
import { crc32c } from "../base/checksum.ts";
import { Cursor } from "./bytes.ts";
import { type KeyBlock, readKeyBlocks } from "./table-index.ts";

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
  const raw = uncompress(place, compressed);
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

function uncompress(place: Cursor, compressed: Uint8Array): Uint8Array {
  try {
    // (copied into the heap: the library must not keep a view of a mapped file)
    return uncompressSync(Buffer.from(compressed)) as Uint8Array;
  } catch (cause) {
    return place.fail(`the block of series keys cannot be decompressed (${String(cause)})`);
  }
}
