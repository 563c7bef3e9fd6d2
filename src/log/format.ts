// The bytes of a log file: a header, then frames, all little endian, everything on 8-byte boundaries.
//
//   wal/00000000000000000001.log      20 digits: position of the file's first record
//
//   header, twice (so that one flipped byte does not cost the file)
//     0  u8[8]  "serieWAL"
//     8  u32    format version, 1
//    12  u32    0
//    16  u64    first position
//    24  u64    synced: the newest position known to be durable when this was written
//    32  u64    salt: random, per file
//    40  u64    xxHash64 of bytes 0..40; magic, version and this stand where they are in every version to come
//   frame
//     0  u32    kind: "RECD", "MARK" or "SKIP"
//     4  u32    length of the payload in bytes
//     8  u64    position
//    16  u64    synced: as in the header
//    24  u64    xxHash64 of the payload, seeded with the salt
//    32  u64    xxHash64 of bytes 0..32, seeded with the salt
//    40  u8[length], then zeros up to a multiple of 8
//
//   RECD  a record; positions ascend by one
//   MARK  no payload, position = that of the record before; written by a clean close to carry `synced`
//   SKIP  payload u64 next: positions from `position` up to `next` - 1 are not in the log: recovery lost them
//         (see recovery.ts) or the log was told to begin behind them
//
// Why a salt: recovery looks for frames behind bad bytes. Without it, a payload that contains the bytes of a frame
// (anyone may write such a string) would be taken for one.
// Why two hashes: a frame whose payload is bad still says where the next one begins, and a length is only trusted
// when it is true.
// Why `synced`: it tells a torn tail from corruption. When bytes are bad at position p and nothing valid in the
// log says synced >= p, no record from p on was ever acknowledged: the normal end after a crash. Otherwise
// something that was acknowledged is gone, which is never normal.
import { assert } from "../base/assert.ts";
import { InputError } from "../base/errors.ts";
import type { LogPosition } from "../model/log.ts";

export const FORMAT_VERSION = 1;
export const HEADER_COPY_BYTES = 48;
export const HEADER_BYTES = 2 * HEADER_COPY_BYTES;
export const FRAME_BYTES = 40;
export const MAX_RECORD_BYTES = 0x4000_0000;

export const RECORD = 0x4443_4552; // "RECD"
export const MARK = 0x4b52_414d; // "MARK"
export const SKIP = 0x5049_4b53; // "SKIP"

const MAGIC = new TextEncoder().encode("serieWAL");

export interface FileHeader {
  firstPosition: LogPosition;
  syncedPosition: LogPosition;
  salt: bigint;
}

export function fileName(firstPosition: LogPosition): string {
  return `${String(firstPosition).padStart(20, "0")}.log`;
}

/** The first position that a file name states; undefined when it is not a log file's name. */
export function parseFileName(name: string): LogPosition | undefined {
  const position = /^\d{20}\.log$/.test(name) ? Number(name.slice(0, 20)) : Number.NaN;
  return Number.isSafeInteger(position) ? position : undefined;
}

export function encodeFileHeader(header: FileHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(8, FORMAT_VERSION, true);
  putPosition(view, 16, header.firstPosition);
  putPosition(view, 24, header.syncedPosition);
  view.setBigUint64(32, header.salt, true);
  view.setBigUint64(40, Bun.hash.xxHash64(bytes.subarray(0, 40)), true);
  bytes.copyWithin(HEADER_COPY_BYTES, 0, HEADER_COPY_BYTES);
  return bytes;
}

/**
 * The header of a log file: of its two copies the first that is whole; undefined when none is. Throws `InputError`
 * when a newer serie has written the file.
 */
export function decodeFileHeader(path: string, bytes: Uint8Array): FileHeader | undefined {
  for (const start of [0, HEADER_COPY_BYTES]) {
    const copy = bytes.subarray(start, start + HEADER_COPY_BYTES);
    if (copy.length < HEADER_COPY_BYTES || MAGIC.some((byte, at) => copy[at] !== byte)) continue;
    const view = new DataView(copy.buffer, copy.byteOffset, HEADER_COPY_BYTES);
    if (view.getBigUint64(40, true) !== Bun.hash.xxHash64(copy.subarray(0, 40))) continue;
    const version = view.getUint32(8, true);
    if (version !== FORMAT_VERSION)
      throw new InputError(
        `${path} has log format version ${version}, this serie reads version ${FORMAT_VERSION}: use a newer serie`,
      );
    return {
      firstPosition: getPosition(view, 16),
      syncedPosition: getPosition(view, 24),
      salt: view.getBigUint64(32, true),
    };
  }
  return undefined;
}

/** Writes the 40 bytes before `payload` to `view` from `at` on. */
export function encodeFrame(
  view: DataView<ArrayBuffer>,
  at: number,
  kind: number,
  position: LogPosition,
  syncedPosition: LogPosition,
  payload: Uint8Array,
  salt: bigint,
): void {
  view.setUint32(at, kind, true);
  view.setUint32(at + 4, payload.length, true);
  putPosition(view, at + 8, position);
  putPosition(view, at + 16, syncedPosition);
  view.setBigUint64(at + 24, Bun.hash.xxHash64(payload, salt), true);
  const hashed = new Uint8Array(view.buffer, view.byteOffset + at, 32);
  view.setBigUint64(at + 32, Bun.hash.xxHash64(hashed, salt), true);
}

/** Zero bytes behind a payload of this length. */
export function paddingBytes(length: number): number {
  return -length & 7;
}

/** Bytes of a frame with this payload in the file. */
export function frameBytes(length: number): number {
  return FRAME_BYTES + length + paddingBytes(length);
}

/** The payload of a SKIP frame. */
export function encodeSkip(next: LogPosition): Uint8Array {
  const payload = new Uint8Array(8);
  putPosition(new DataView(payload.buffer), 0, next);
  return payload;
}

export function putPosition(view: DataView, at: number, position: LogPosition): void {
  assert(Number.isSafeInteger(position) && position >= 0, `log position ${position}`);
  view.setUint32(at, position % 0x1_0000_0000, true);
  view.setUint32(at + 4, Math.floor(position / 0x1_0000_0000), true);
}

export function getPosition(view: DataView, at: number): LogPosition {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;
}
