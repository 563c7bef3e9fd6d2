// Writes one log file: the header at creation, then frames at the end, each in one system call.
import type { Disk, DiskFile } from "../disk/disk.ts";
import type { LogPosition } from "../model/log.ts";
import {
  encodeFileHeader,
  encodeFrame,
  encodeSkip,
  type FileHeader,
  FRAME_BYTES,
  fileName,
  frameBytes,
  MARK,
  paddingBytes,
  RECORD,
  SKIP,
} from "./format.ts";

const nothing = new Uint8Array(0);

/** A payload of up to so many bytes, a multiple of 8, is copied behind its frame: the system takes one piece faster than three. */
const SMALL_BYTES = 4096;

export class LogFileWriter {
  readonly file: DiskFile;
  readonly firstPosition: LogPosition;
  /** The first bytes of a record's frame, reused for every record, and room behind them for a small one. */
  readonly #room = new Uint8Array(FRAME_BYTES + SMALL_BYTES);
  readonly #frame = this.#room.subarray(0, FRAME_BYTES);
  readonly #frameView = new DataView(this.#room.buffer, 0, FRAME_BYTES);
  readonly #zeros = new Uint8Array(8);
  readonly #salt: bigint;
  /** Kind of the last frame, 0 while there is none. */
  #lastKind: number;

  private constructor(file: DiskFile, header: FileHeader, lastKind: number) {
    this.file = file;
    this.firstPosition = header.firstPosition;
    this.#salt = header.salt;
    this.#lastKind = lastKind;
  }

  /** Creates the file for records from `header.firstPosition` on. Its name is durable only after a folder sync. */
  static create(disk: Disk, folder: string, header: FileHeader): LogFileWriter {
    const file = disk.open(`${folder}/${fileName(header.firstPosition)}`, "create");
    file.append(encodeFileHeader(header));
    return new LogFileWriter(file, header, 0);
  }

  /** Goes on behind the last frame of a file that recovery found (or made) whole. */
  static reopen(disk: Disk, path: string, header: FileHeader, lastKind: number): LogFileWriter {
    return new LogFileWriter(disk.open(path, "append"), header, lastKind);
  }

  get sizeBytes(): number {
    return this.file.sizeBytes;
  }

  /** Whether a mark would say something new. */
  get wantsMark(): boolean {
    return this.#lastKind === RECORD;
  }

  get isEmpty(): boolean {
    return this.#lastKind === 0;
  }

  record(position: LogPosition, syncedPosition: LogPosition, payload: Uint8Array): void {
    this.#append(RECORD, position, syncedPosition, payload);
  }

  /** States that everything up to `position`, the last record, is durable. */
  mark(position: LogPosition): void {
    this.#append(MARK, position, position, nothing);
  }

  /** States that there are no records from `position` to `next` - 1. */
  skip(position: LogPosition, syncedPosition: LogPosition, next: LogPosition): void {
    this.#append(SKIP, position, syncedPosition, encodeSkip(next));
  }

  #append(kind: number, position: LogPosition, syncedPosition: LogPosition, payload: Uint8Array): void {
    encodeFrame(this.#frameView, kind, position, syncedPosition, payload, this.#salt);
    const padding = paddingBytes(payload.length);
    const frameEnd = FRAME_BYTES + payload.length;
    if (payload.length + padding <= SMALL_BYTES) {
      this.#room.set(payload, FRAME_BYTES);
      this.#room.fill(0, frameEnd, frameEnd + padding);
      this.file.append(this.#room.subarray(0, frameEnd + padding));
    } else if (padding === 0) this.file.append(this.#frame, payload);
    else this.file.append(this.#frame, payload, this.#zeros.subarray(0, padding));
    this.#lastKind = kind;
  }
}

/** The bytes of a SKIP frame, for recovery, which builds files in memory. */
export function skipFrame(
  position: LogPosition,
  syncedPosition: LogPosition,
  next: LogPosition,
  salt: bigint,
): Uint8Array {
  const payload = encodeSkip(next);
  const frame = new Uint8Array(frameBytes(payload.length));
  encodeFrame(new DataView(frame.buffer), SKIP, position, syncedPosition, payload, salt);
  frame.set(payload, FRAME_BYTES);
  return frame;
}
