// The catalog file's bytes.
//
//   file    "SCAT" u32 version (1)  then frames
//   frame   u32 payload bytes   u32 raw bytes   u64 xxHash64 of the payload   payload (Snappy of the raw bytes)
//   raw     u32 bytes of the head   head: JSON { tables: [[database, policy, measurement]], runs: [[table, series]] }
//           then u32 key length per series, then the keys end to end; series ids continue from frame to frame.
//           Runs of table -1 are series that were dropped before they were written; their keys are empty (in older files they are not).
import { CorruptionError } from "../base/errors.ts";
import { compress, uncompress } from "../codec/snappy.ts";
import { MAX_KEY_BYTES } from "../model/serieskey.ts";

export const CATALOG_MAGIC = "SCAT";
export const HEADER_BYTES = 8;
export const FRAME_BYTES = 16;
const VERSION = 1;

/** Database, retention policy, measurement. */
export type TableName = [string, string, string];

interface FrameHead {
  tables: TableName[];
  runs: [table: number, series: number][];
}

/** A frame whose checksum holds. */
export interface CatalogFrame {
  readonly offset: number;
  readonly payloadBytes: number;
  readonly rawBytes: number;
  readonly checksum: bigint;
  readonly tables: readonly TableName[];
  /** Series that follow each other and are of one table: its place in `tables`, null = dropped. */
  readonly runs: readonly { readonly table: number | null; readonly count: number }[];
  /** Of all series, in the order of their ids: the lengths of their keys (u32), then the keys, end to end. */
  readonly keys: Uint8Array;
  /** The same one by one. */
  series(): Iterable<{ readonly table: number | null; readonly key: Uint8Array }>;
}

/** The frames of the file, one after the other. Throws `CorruptionError` at the first that is not whole. */
export function* readFrames(path: string, bytes: Uint8Array): Generator<CatalogFrame> {
  if (bytes.length < HEADER_BYTES) throw new CorruptionError(path, 0, "too short for a catalog");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = new TextDecoder().decode(bytes.subarray(0, 4));
  if (magic !== CATALOG_MAGIC || view.getUint32(4, true) !== VERSION)
    throw new CorruptionError(path, 0, `not a catalog of version ${VERSION}`);
  for (let offset = HEADER_BYTES; offset < bytes.length; ) {
    const isHeadWhole = offset + FRAME_BYTES <= bytes.length;
    const end = isHeadWhole ? offset + FRAME_BYTES + view.getUint32(offset, true) : bytes.length + 1;
    if (end > bytes.length) throw new CorruptionError(path, offset, "a frame runs past the end");
    const payload = bytes.subarray(offset + FRAME_BYTES, end);
    const checksum = view.getBigUint64(offset + 8, true);
    if (Bun.hash.xxHash64(payload) !== checksum)
      throw new CorruptionError(path, offset, "the checksum of a frame does not match");
    const raw = uncompress(payload);
    if (raw.length !== view.getUint32(offset + 4, true))
      throw new CorruptionError(path, offset + 4, "a frame has another size than it says");
    const payloadBytes = payload.length;
    const read = readRaw(raw);
    if (!areKeysWhole(read)) throw new CorruptionError(path, offset, "the keys of a frame run past its end");
    yield { offset, payloadBytes, rawBytes: raw.length, checksum, ...read };
    offset = end;
  }
}

function areKeysWhole({ runs, keys }: Pick<CatalogFrame, "runs" | "keys">): boolean {
  let at = 4 * runs.reduce((sum, { count }) => sum + count, 0);
  const view = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
  const lengthsEnd = at;
  if (lengthsEnd > keys.length) return false;
  for (let lengthAt = 0; lengthAt < lengthsEnd; lengthAt += 4) {
    const keyBytes = view.getUint32(lengthAt, true);
    if (keyBytes > MAX_KEY_BYTES) return false;
    at += keyBytes;
  }
  return at === keys.length;
}

function readRaw(raw: Uint8Array): Pick<CatalogFrame, "tables" | "runs" | "keys" | "series"> {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const headBytes = view.getUint32(0, true);
  const { tables, runs } = JSON.parse(new TextDecoder().decode(raw.subarray(4, 4 + headBytes))) as FrameHead;
  return {
    tables,
    runs: runs.map(([table, count]) => ({ table: table < 0 ? null : table, count })),
    keys: raw.subarray(4 + headBytes),
    *series() {
      let lengthAt = 4 + headBytes;
      let keyAt = lengthAt + 4 * runs.reduce((sum, [, count]) => sum + count, 0);
      for (const [table, count] of runs) {
        for (let i = 0; i < count; i++) {
          const keyBytes = view.getUint32(lengthAt, true);
          yield { table: table < 0 ? null : table, key: raw.subarray(keyAt, keyAt + keyBytes) };
          lengthAt += 4;
          keyAt += keyBytes;
        }
      }
    },
  };
}

export function encodeHeader(): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(new TextEncoder().encode(CATALOG_MAGIC));
  new DataView(header.buffer).setUint32(4, VERSION, true);
  return header;
}

/** A frame's head and payload. `key` gives the key of a series by its place in `series`; it is copied at once. */
export function encodeFrame(
  tables: readonly TableName[],
  series: readonly { readonly table: number | null; readonly keyBytes: number }[],
  key: (index: number) => Uint8Array,
): [Uint8Array, Uint8Array] {
  const runs: FrameHead["runs"] = [];
  let keysBytes = 0;
  for (const { table, keyBytes } of series) {
    const run = runs.at(-1);
    if (run?.[0] === (table ?? -1)) run[1]++;
    else runs.push([table ?? -1, 1]);
    keysBytes += keyBytes;
  }
  const head = new TextEncoder().encode(JSON.stringify({ tables, runs }));
  const raw = new Uint8Array(4 + head.length + 4 * series.length + keysBytes);
  const view = new DataView(raw.buffer);
  view.setUint32(0, head.length, true);
  raw.set(head, 4);
  let lengthAt = 4 + head.length;
  let keyAt = lengthAt + 4 * series.length;
  for (const [index, { keyBytes }] of series.entries()) {
    view.setUint32(lengthAt, keyBytes, true);
    raw.set(key(index), keyAt);
    lengthAt += 4;
    keyAt += keyBytes;
  }
  const payload = compress(raw);
  const frame = new Uint8Array(FRAME_BYTES);
  const frameView = new DataView(frame.buffer);
  frameView.setUint32(0, payload.length, true);
  frameView.setUint32(4, raw.length, true);
  frameView.setBigUint64(8, Bun.hash.xxHash64(payload) as bigint, true);
  return [frame, payload];
}
