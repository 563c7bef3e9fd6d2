// The series keys of a table, block by block out of the mapped file: for recovery, inspection and hand-off.
import { uncompressSync } from "@napi-rs/snappy";
import { crc32c } from "../base/checksum.ts";
import { Cursor } from "./bytes.ts";
import { readKeyBlocks } from "./table-index.ts";

/** Id and canonical key of every series, ascending by id; `cursor` stands at the index's part about keys. */
export function* readSeriesKeys(cursor: Cursor): Generator<[number, Uint8Array]> {
  const { firstBlockAt, blocks } = readKeyBlocks(cursor);
  let at = firstBlockAt;
  let id = 0;
  for (const block of blocks) {
    const compressed = cursor.source.subarray(at, at + block.compressedBytes);
    if (crc32c(compressed) !== block.checksum)
      cursor.fail("the block of series keys does not have its checksum", at);
    const raw = uncompress(cursor, compressed, at);
    if (raw.length !== block.rawBytes)
      cursor.fail("a block of series keys has another size than it says", at);
    // offsets inside of the block mean nothing in the file: errors name the block's own place
    const entries = new Cursor(`${cursor.file} (keys at ${at})`, raw, 0, raw.length);
    for (let i = 0; i < block.seriesCount; i++) {
      id += entries.varint("id gap");
      yield [id, entries.bytes(entries.varint("key length"), "series key")];
    }
    if (entries.remaining > 0) entries.fail("bytes after the last series key of a block");
    at += block.compressedBytes;
  }
}

function uncompress(cursor: Cursor, compressed: Uint8Array, at: number): Uint8Array {
  try {
    // (copied into the heap: the library must not keep a view of a mapped file)
    return uncompressSync(Buffer.from(compressed)) as Uint8Array;
  } catch (cause) {
    return cursor.fail(`the block of series keys cannot be decompressed (${String(cause)})`, at);
  }
}
