// An annotated dump of a log file, for `serie inspect FILE` and for the golden files under review.
import {
  FORMAT_VERSION,
  FRAME_BYTES,
  HEADER_BYTES,
  HEADER_COPY_BYTES,
  MARK,
  paddingBytes,
  SKIP,
} from "./format.ts";
import { FrameCursor, scanFile } from "./reader.ts";

const PREVIEW_BYTES = 64;

/**
 * Lines of text about each header, frame and damaged range of a log file, in the order of its bytes; of a payload the
 * first 64 bytes. Throws `InputError` for a file of a newer version.
 */
export function* inspectLog(path: string, bytes: Uint8Array): Generator<string> {
  const { header, damage, runs, syncedPosition } = scanFile(path, bytes);
  yield `log file, format version ${FORMAT_VERSION}, ${bytes.length} bytes`;
  if (header) {
    yield `  first position ${header.firstPosition}, synced ${header.syncedPosition} when created, salt ${hex64(header.salt)}`;
    yield "";
    yield* hexLines(
      bytes,
      0,
      HEADER_COPY_BYTES,
      "header: magic, version, first position, synced, salt, checksum",
    );
    yield* hexLines(bytes, HEADER_COPY_BYTES, HEADER_BYTES, "header, second copy");
    yield* frames(bytes, header.salt);
  } else {
    yield "  the header is damaged: without its salt no frame can be checked";
    yield* hexLines(bytes, 0, Math.min(bytes.length, HEADER_BYTES), "header?");
  }
  yield "";
  const records = runs.reduce((sum, run) => sum + run.records, 0);
  const recordBytes = runs.reduce((sum, run) => sum + run.recordBytes, 0);
  yield `${records} records, ${recordBytes} bytes of payload; ${damage.length} damaged ranges; synced up to ${syncedPosition}`;
  for (const { offset, end, reason } of damage) yield `  ${offset} to ${end}: ${reason}`;
}

function* frames(bytes: Uint8Array, salt: bigint): Generator<string> {
  const cursor = new FrameCursor(bytes, salt);
  cursor.moveTo(HEADER_BYTES);
  while (cursor.state !== "end") {
    yield "";
    const { offset, state } = cursor;
    if (state === "bad frame") {
      cursor.seek(offset + 8);
      const end = Math.min(cursor.offset, offset + PREVIEW_BYTES);
      yield* hexLines(bytes, offset, end, `DAMAGED: no whole frame in these ${cursor.offset - offset} bytes`);
      continue;
    }
    yield* hexLines(bytes, offset, offset + FRAME_BYTES, titleOf(cursor));
    const payloadAt = offset + FRAME_BYTES;
    const shown = Math.min(cursor.length, PREVIEW_BYTES);
    const more = cursor.length > shown ? `, ${cursor.length - shown} more bytes` : "";
    const bad = state === "bad payload" ? "DAMAGED payload" : "payload";
    if (cursor.length > 0) yield* hexLines(bytes, payloadAt, payloadAt + shown, bad + more);
    const padding = paddingBytes(cursor.length);
    if (padding > 0) yield* hexLines(bytes, cursor.end - padding, cursor.end, "padding");
    cursor.moveTo(cursor.end);
  }
}

function titleOf({ kind, position, length, nextPosition, syncedPosition }: FrameCursor): string {
  const synced = `synced ${syncedPosition}`;
  if (kind === MARK) return `MARK after ${position}, ${synced}`;
  if (kind === SKIP) return `SKIP ${position} to ${nextPosition - 1}, ${synced}`;
  return `RECD ${position}, ${length} bytes, ${synced}`;
}

/** Sixteen bytes a line: offset, hexadecimal, printable characters; the title behind the first line. */
function* hexLines(bytes: Uint8Array, start: number, end: number, title: string): Generator<string> {
  for (let at = start; at < end; at += 16) {
    const line = bytes.subarray(at, Math.min(at + 16, end));
    const hex = Array.from(line, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const characters = Array.from(line, (byte) =>
      byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".",
    ).join("");
    const text = `${String(at).padStart(8)}  ${hex.padEnd(47)}  ${characters.padEnd(16)}`;
    yield at === start ? `${text}  ${title}` : text.trimEnd();
  }
}

function hex64(value: bigint): string {
  return `0x${value.toString(16).padStart(16, "0")}`;
}
