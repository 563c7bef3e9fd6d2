// The write-ahead log on the local disk: `Log` over files of frames (format.ts), recovered when opened (recovery.ts).
//
//   append    for the newest file, small records gathered (writer.ts); a full file is followed by a new one
//   durable   waits for a shared sync (group-commit.ts), which begins with what is gathered
//
// A sync covers every file written since the last one and, after a rotation, the folder: so a new file's name is
// durable before its first record is acknowledged.
//
// The first failed write or sync poisons the log: nothing is appended or acknowledged from then on. A failed sync is
// never tried again, because the kernel may have dropped the pages and the next sync would say yes
// (wiki.postgresql.org/wiki/Fsync_Errors). What is there stays readable; a restart recovers.
//
// Files are not preallocated: on ext4 a sync of 100 kB appended takes 0.35-0.42 ms, into zeros written before
// 0.22 ms. It is shared and off this thread, and the zeros would have to be written too.
import { assert } from "../base/assert.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { ClosedError, CorruptionError, DiskError, InputError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import type { Log, LogPosition } from "../model/log.ts";
import { decodeFileHeader, MAX_RECORD_BYTES, RECORD } from "./format.ts";
import { GroupCommit } from "./group-commit.ts";
import { FrameCursor } from "./reader.ts";
import { type LogFile, type Recovered, type RecoveryReport, recover } from "./recovery.ts";
import { LogFileWriter } from "./writer.ts";

/**
 * When `durable` resolves. "always": after a sync. "interval": at once, with a sync every `intervalMs`; a crash of
 * the machine (not of the process) then loses what was acknowledged since the last one.
 */
export type Durability = "always" | "interval";

export interface WalOptions {
  /** Default "always". */
  durability?: Durability;
  /** Time between syncs for "interval". Default 200. */
  intervalMs?: number;
  /** Size at which a file is followed by a new one. Default 64 MiB. */
  fileBytes?: number;
  /**
   * Positions up to this one were given out, whatever the files say (a store has them): new records come behind.
   * Matters when a crash lost records of the log that a flushed segment already held. Default 0.
   */
  minimumLast?: LogPosition;
  clock?: Clock;
  /** Source of random 64-bit numbers (see format.ts); a test gives its own. */
  salt?: () => bigint;
}

export interface WalStatistics {
  files: number;
  sizeBytes: number;
  /** Since the log was opened. */
  appendedRecords: number;
  appendedBytes: number;
  /** In `append`, ms: what is gathered there is given to the system in a round of syncs. */
  appendMs: number;
  syncs: number;
  /** From the start of a round of syncs to its end, ms; while the disk syncs, the thread does other work. */
  syncMs: number;
}

const DEFAULT_FILE_BYTES = 64 * 1024 * 1024;

export class Wal implements Log {
  /** What opening found. */
  readonly recovery: RecoveryReport;
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #durability: Durability;
  readonly #fileBytes: number;
  readonly #salt: () => bigint;
  readonly #stopTimer: (() => void) | undefined;
  /** Oldest first; the last one is the writer's. */
  readonly #files: LogFile[];
  #closedFilesBytes: number;
  #writer: LogFileWriter;
  /** Full files with bytes not synced yet. */
  #unsynced: LogFileWriter[] = [];
  #folderUnsynced: boolean;
  #last: LogPosition;
  #synced: LogPosition;
  readonly #commit = new GroupCommit(() => this.#sync());
  /** Settles when the trims asked for so far have. */
  #trimming: Promise<void> = Promise.resolve();
  #failure: DiskError | undefined;
  #closed = false;
  #appended = { records: 0, bytes: 0, ms: 0 };
  #syncs = 0;
  #syncMs = 0;

  /**
   * Opens the log in `folder` (made when missing), recovering what an earlier process left: see `recovery`.
   * Throws `DiskError`, and `InputError` for a log written by a newer version.
   */
  static async open(disk: Disk, folder: string, options: WalOptions = {}): Promise<Wal> {
    const salt = options.salt ?? randomSalt;
    const recovered = await recover(disk, folder, salt);
    const wal = new Wal(disk, folder, options, salt, recovered);
    await wal.#begin(options.minimumLast ?? 0);
    return wal;
  }

  private constructor(
    disk: Disk,
    folder: string,
    options: WalOptions,
    salt: () => bigint,
    { files, next, tail, report }: Recovered,
  ) {
    this.#disk = disk;
    this.#folder = folder;
    this.#durability = options.durability ?? "always";
    this.#fileBytes = options.fileBytes ?? DEFAULT_FILE_BYTES;
    this.#salt = salt;
    this.recovery = report;
    this.#files = files;
    this.#last = this.#synced = next - 1;
    const last = files.at(-1);
    if (last && tail) {
      this.#writer = LogFileWriter.reopen(disk, last.path, tail.header, tail.lastKind);
      this.#folderUnsynced = false;
    } else {
      this.#writer = this.#createFile();
      this.#folderUnsynced = true;
    }
    this.#closedFilesBytes = files.slice(0, -1).reduce((sum, { path }) => sum + disk.size(path), 0);
    if (this.#durability === "interval") {
      const clock = options.clock ?? systemClock;
      this.#stopTimer = clock.every(options.intervalMs ?? 200, () => {
        // a failure poisons the log; the next append or durable reports it
        if (this.#last > this.#synced && !this.#failure) this.sync().catch(() => {});
      });
    }
  }

  async #begin(minimumLast: LogPosition): Promise<void> {
    if (this.#last < minimumLast) {
      this.#writer.skip(this.#last + 1, this.#last, minimumLast + 1);
      this.#last = minimumLast;
    }
    this.#writer.writeOut();
    await this.#writer.file.sync();
    await this.#disk.syncFolder(this.#folder);
    this.#folderUnsynced = false;
    this.#synced = this.#last;
  }

  get last(): LogPosition {
    return this.#last;
  }

  /** Records before this position are not in the log (any more). */
  get first(): LogPosition {
    return this.#files[0]!.firstPosition;
  }

  /** The newest durable position. */
  get synced(): LogPosition {
    return this.#synced;
  }

  /** Why the log is poisoned; undefined while it is well. */
  get failure(): DiskError | undefined {
    return this.#failure;
  }

  get statistics(): WalStatistics {
    return {
      files: this.#files.length,
      sizeBytes: this.#closedFilesBytes + this.#writer.sizeBytes,
      appendedRecords: this.#appended.records,
      appendedBytes: this.#appended.bytes,
      appendMs: this.#appended.ms,
      syncs: this.#syncs,
      syncMs: this.#syncMs,
    };
  }

  append(record: Uint8Array): LogPosition {
    this.#assertWell();
    if (record.length > MAX_RECORD_BYTES)
      throw new InputError(`a record of ${record.length} bytes is over the limit of ${MAX_RECORD_BYTES}`);
    if (this.#writer.sizeBytes >= this.#fileBytes) this.rotate();
    const position = this.#last + 1;
    const startMs = performance.now();
    this.#orPoison(() => {
      this.#writer.record(position, this.#synced, record);
      // (whoever asks then whether it is durable hears at once that it is, and a crash of the process must take nothing)
      if (this.#durability === "interval") this.#writer.writeOut();
    });
    this.#appended.ms += performance.now() - startMs;
    this.#appended.records++;
    this.#appended.bytes += record.length;
    this.#last = position;
    return position;
  }

  durable(position: LogPosition): Promise<void> {
    assert(position <= this.#last, `durable(${position}) before append, last is ${this.#last}`);
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#durability === "interval") return Promise.resolve();
    return this.#whenSynced(position);
  }

  /** Resolves when everything appended so far is on stable storage, whatever the durability option. */
  sync(): Promise<void> {
    return this.#whenSynced(this.#last);
  }

  #whenSynced(position: LogPosition): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    return position <= this.#synced ? Promise.resolve() : this.#commit.nextRound();
  }

  /** One round of the group commit. */
  async #sync(): Promise<void> {
    if (this.#failure) throw this.#failure;
    const startMs = performance.now();
    this.#orPoison(() => this.#writer.writeOut());
    const target = this.#last;
    const full = this.#unsynced.splice(0);
    const syncs = [...full, this.#writer].map((writer) => writer.file.sync());
    if (this.#folderUnsynced) syncs.push(this.#disk.syncFolder(this.#folder));
    this.#folderUnsynced = false;
    this.#syncs++;
    // all of them, even when one fails: a file must not be closed under a sync
    const outcomes = await Promise.allSettled(syncs);
    this.#syncMs += performance.now() - startMs;
    for (const writer of full) writer.file.close();
    for (const outcome of outcomes) if (outcome.status === "rejected") throw this.#poison(outcome.reason);
    this.#synced = target;
  }

  replay(from: LogPosition, apply: (record: Uint8Array, position: LogPosition) => void): void {
    assert(this.#appended.records === 0, "replay after append");
    for (const [index, { path }] of this.#files.entries()) {
      const following = this.#files[index + 1];
      if (following && following.firstPosition <= from + 1) continue;
      const bytes = this.#disk.map(path);
      const header = decodeFileHeader(path, bytes);
      if (!header) throw new CorruptionError(path, 0, "the file header changed after recovery");
      const cursor = new FrameCursor(bytes, header.salt);
      cursor.moveTo(cursor.offset);
      for (; cursor.state === "whole"; cursor.moveTo(cursor.end))
        if (cursor.kind === RECORD && cursor.position > from) apply(cursor.payload, cursor.position);
      if (cursor.state !== "end")
        throw new CorruptionError(path, cursor.offset, "the bytes changed after recovery");
      this.#disk.unmap(bytes);
    }
  }

  rotate(): void {
    this.#assertWell();
    if (this.#writer.isEmpty) return;
    this.#closedFilesBytes += this.#writer.sizeBytes;
    this.#unsynced.push(this.#writer);
    this.#orPoison(() => {
      this.#writer.writeOut();
      this.#writer = this.#createFile();
    });
  }

  #createFile(): LogFileWriter {
    const firstPosition = this.#last + 1;
    const header = { firstPosition, syncedPosition: this.#synced, salt: this.#salt() };
    const writer = LogFileWriter.create(this.#disk, this.#folder, header);
    this.#files.push({ path: writer.file.path, firstPosition });
    this.#folderUnsynced = true;
    return writer;
  }

  trim(position: LogPosition): Promise<void> {
    // one at a time: an unlink must be durable before the next one, whoever asked for it
    const trimmed = this.#trimming.then(() => this.#trim(position));
    this.#trimming = trimmed.catch(() => {});
    return trimmed;
  }

  async #trim(position: LogPosition): Promise<void> {
    this.#assertWell();
    const removable = () => {
      const following = this.#files[1];
      return following !== undefined && following.firstPosition <= position + 1;
    };
    // a file must not go before its follower, which carries the positions on, is durable
    const unsure = this.#folderUnsynced || this.#unsynced.length > 0 || this.#commit.running !== undefined;
    if (removable() && unsure) await this.#commit.nextRound();
    while (removable()) {
      const { path } = this.#files.shift()!;
      const sizeBytes = this.#disk.size(path);
      this.#orPoison(() => this.#disk.unlink(path));
      this.#closedFilesBytes -= sizeBytes;
      // oldest first and each durably: a crash never leaves a gap
      await this.#disk.syncFolder(this.#folder).catch((error) => {
        throw this.#poison(error);
      });
    }
  }

  /** Rejects with the `DiskError` when the log is poisoned (the files are closed nevertheless). */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopTimer?.();
    try {
      await this.sync();
      if (this.#writer.wantsMark) {
        this.#writer.mark(this.#last);
        this.#writer.writeOut();
        await this.#writer.file.sync();
      }
    } finally {
      await this.#commit.running;
      await this.#trimming;
      for (const writer of [...this.#unsynced, this.#writer]) writer.file.close();
    }
    if (this.#failure) throw this.#failure;
  }

  #assertWell(): void {
    if (this.#closed) throw new ClosedError("the log is closed");
    if (this.#failure) throw this.#failure;
  }

  #orPoison(run: () => void): void {
    try {
      run();
    } catch (error) {
      throw this.#poison(error);
    }
  }

  #poison(cause: unknown): DiskError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the log refuses writes after a failed disk operation, until a restart: ${reason}`;
    const errno = cause instanceof DiskError ? cause.errno : undefined;
    this.#failure ??= new DiskError(message, { operation: "log", path: this.#folder, errno, cause });
    return this.#failure;
  }
}

function randomSalt(): bigint {
  return crypto.getRandomValues(new BigUint64Array(1))[0]!;
}
