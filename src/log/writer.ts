// Writes one log file: the header at creation, then frames at the end. Small records are gathered and written together:
// a system call takes as long as all that is done for a single point in the log beside it.
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

/** A payload of up to so many bytes, a multiple of 8, is gathered. */
const SMALL_BYTES = 4096;
/** What is gathered at most. */
const GATHERED_BYTES = 64 * 1024;

export class LogFileWriter {
  readonly file: DiskFile;
  readonly firstPosition: LogPosition;
  /** Frames that the file does not have yet, and room for one that it gets with its payload. */
  readonly #room = new Uint8Array(GATHERED_BYTES + FRAME_BYTES);
  readonly #roomView = new DataView(this.#room.buffer);
  #gathered = 0;
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

  /** With what is gathered. */
  get sizeBytes(): number {
    return this.file.sizeBytes + this.#gathered;
  }

  /** Whether a mark would say something new. */
  get wantsMark(): boolean {
    return this.#lastKind === RECORD;
  }

  get isEmpty(): boolean {
    return this.#lastKind === 0;
  }

  /** The payload is copied; `writeOut` brings it to the file. */
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

  /** Gives the system what is gathered. */
  writeOut(): void {
    if (this.#gathered === 0) return;
    this.file.append(this.#room.subarray(0, this.#gathered));
    this.#gathered = 0;
  }

  #append(kind: number, position: LogPosition, syncedPosition: LogPosition, payload: Uint8Array): void {
    const padding = paddingBytes(payload.length);
    const isSmall = payload.length + padding <= SMALL_BYTES;
    if (isSmall && this.#gathered + FRAME_BYTES + payload.length + padding > GATHERED_BYTES) this.writeOut();
    const payloadAt = this.#gathered + FRAME_BYTES;
    encodeFrame(this.#roomView, this.#gathered, kind, position, syncedPosition, payload, this.#salt);
    this.#lastKind = kind;
    if (isSmall) {
      this.#room.set(payload, payloadAt);
      this.#gathered = payloadAt + payload.length + padding;
      this.#room.fill(0, payloadAt + payload.length, this.#gathered);
      return;
    }
    this.file.append(this.#room.subarray(0, payloadAt), payload, this.#zeros.subarray(0, padding));
    this.#gathered = 0;
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
  encodeFrame(new DataView(frame.buffer), 0, SKIP, position, syncedPosition, payload, salt);
  frame.set(payload, FRAME_BYTES);
  return frame;
}
