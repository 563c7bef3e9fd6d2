// Reads the bytes of one log file: a cursor over frames, and a scan that says what of the file is whole.
//
// The cursor is the only decoder of frames: recovery, replay and `serie inspect` all use it.
import type { LogPosition } from "../model/log.ts";
import {
  decodeFileHeader,
  type FileHeader,
  FRAME_BYTES,
  frameBytes,
  getPosition,
  HEADER_BYTES,
  MARK,
  RECORD,
  SKIP,
} from "./format.ts";

/** What stands at the cursor: a whole frame, a frame with a bad payload, no frame, or the end of the file. */
export type FrameState = "whole" | "bad payload" | "bad frame" | "end";

/** Stands on one frame at a time; the fields describe it while `state` is "whole" or "bad payload". */
export class FrameCursor {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #salt: bigint;
  offset = HEADER_BYTES;
  state: FrameState = "end";
  kind = 0;
  length = 0;
  position: LogPosition = 0;
  /** The position that follows this frame. */
  nextPosition: LogPosition = 0;
  syncedPosition: LogPosition = 0;

  constructor(bytes: Uint8Array, salt: bigint) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#salt = salt;
  }

  get payload(): Uint8Array {
    return this.bytes.subarray(this.offset + FRAME_BYTES, this.offset + FRAME_BYTES + this.length);
  }

  /** Where the frame ends and the next begins. */
  get end(): number {
    return this.offset + frameBytes(this.length);
  }

  /** Looks at the frame at `offset`. */
  moveTo(offset: number): FrameState {
    this.offset = offset;
    this.state = this.#read(offset);
    return this.state;
  }

  /** Moves to the first frame with a valid header at or behind `offset`; "end" when there is none. */
  seek(offset: number): FrameState {
    for (let at = offset; at + FRAME_BYTES <= this.bytes.length; at += 8) {
      const state = this.moveTo(at);
      if (state === "whole" || state === "bad payload") return state;
    }
    return this.moveTo(this.bytes.length);
  }

  #read(offset: number): FrameState {
    const left = this.bytes.length - offset;
    if (left === 0) return "end";
    if (left < FRAME_BYTES) return "bad frame";
    const view = this.#view;
    const kind = view.getUint32(offset, true);
    if (kind !== RECORD && kind !== MARK && kind !== SKIP) return "bad frame";
    const hash = Bun.hash.xxHash64(this.bytes.subarray(offset, offset + 32), this.#salt);
    if (hash !== view.getBigUint64(offset + 32, true)) return "bad frame";
    const length = view.getUint32(offset + 4, true);
    if (frameBytes(length) > left) return "bad frame"; // cut off: its length is true, but the bytes are not there
    this.kind = kind;
    this.length = length;
    this.position = getPosition(view, offset + 8);
    this.syncedPosition = getPosition(view, offset + 16);
    this.nextPosition = this.position + 1;
    if (Bun.hash.xxHash64(this.payload, this.#salt) !== view.getBigUint64(offset + 24, true))
      return "bad payload";
    if (kind === SKIP) this.nextPosition = getPosition(view, offset + FRAME_BYTES);
    return "whole";
  }
}

/** Whole frames one after another, with positions that follow one another. */
export interface Run {
  offset: number;
  end: number;
  /** Position that the first frame of the run stands at. */
  first: LogPosition;
  /** The position after the run. */
  next: LogPosition;
  records: number;
  /** Bytes of the records' payloads. */
  recordBytes: number;
  lastKind: number;
}

/** Bytes that are not whole frames. */
export interface Damage {
  offset: number;
  end: number;
  reason: string;
}

/** What of a log file is whole. */
export interface FileScan {
  sizeBytes: number;
  header: FileHeader | undefined;
  runs: Run[];
  damage: Damage[];
  /** The newest position that something whole in the file says is durable. */
  syncedPosition: LogPosition;
}

export function scanFile(path: string, bytes: Uint8Array): FileScan {
  const header = decodeFileHeader(path, bytes);
  const scan: FileScan = {
    sizeBytes: bytes.length,
    header,
    runs: [],
    damage: [],
    syncedPosition: header?.syncedPosition ?? 0,
  };
  if (header === undefined) {
    scan.damage.push({ offset: 0, end: bytes.length, reason: "the file header is damaged" });
    return scan;
  }
  const cursor = new FrameCursor(bytes, header.salt);
  let run: Run | undefined;
  cursor.moveTo(HEADER_BYTES);
  while (cursor.state !== "end") {
    const { offset, state } = cursor;
    if (state === "whole") {
      run = extended(run, cursor, scan.runs);
      scan.syncedPosition = Math.max(scan.syncedPosition, cursor.syncedPosition);
      cursor.moveTo(cursor.end);
      continue;
    }
    run = undefined;
    if (state === "bad payload") {
      const reason = `the payload of record ${cursor.position} does not match its checksum`;
      scan.syncedPosition = Math.max(scan.syncedPosition, cursor.syncedPosition);
      cursor.moveTo(cursor.end);
      scan.damage.push({ offset, end: cursor.offset, reason });
    } else {
      cursor.seek(offset + 8);
      scan.damage.push({ offset, end: cursor.offset, reason: "no whole frame here" });
    }
  }
  return scan;
}

function extended(run: Run | undefined, cursor: FrameCursor, runs: Run[]): Run {
  // a mark stands behind its record: its place in the order is the position after it
  const first = cursor.kind === MARK ? cursor.nextPosition : cursor.position;
  if (run === undefined || run.next !== first) {
    run = { offset: cursor.offset, end: 0, first, next: 0, records: 0, recordBytes: 0, lastKind: 0 };
    runs.push(run);
  }
  run.end = cursor.end;
  run.next = cursor.nextPosition;
  run.lastKind = cursor.kind;
  if (cursor.kind === RECORD) {
    run.records++;
    run.recordBytes += cursor.length;
  }
  return run;
}
