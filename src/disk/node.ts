// The real disk: `Disk` over the operating system's files.
//
// Positions are always given (pwrite, pread), so a handle has no hidden state. `fs.writeSync` of Bun 1.4.5 ignores
// the position when the length is left out, so the length is always given too.
import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fstatSync,
  fsync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
  writevSync,
} from "node:fs";
import { assert } from "../base/assert.ts";
import { giveBack } from "../base/give-back.ts";
import { type Disk, type DiskFile, diskError, type OpenMode } from "./disk.ts";
import { lockFile } from "./lock.ts";
import { readAhead } from "./read-ahead.ts";

const openFlags: Record<OpenMode, number> = {
  create: constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC,
  append: constants.O_RDWR | constants.O_CREAT,
  read: constants.O_RDONLY,
};

class NodeFile implements DiskFile {
  readonly path: string;
  readonly #fd: number;
  #sizeBytes: number;
  #open = true;

  constructor(path: string, mode: OpenMode) {
    this.path = path;
    this.#fd = tried("open", path, () => openSync(path, openFlags[mode], 0o644));
    this.#sizeBytes = tried("stat", path, () => fstatSync(this.#fd).size);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(...parts: Uint8Array[]): void {
    const [first] = parts;
    if (parts.length === 1) {
      this.#assertOpen();
      this.#writeAll(this.#sizeBytes, first!, 0);
      this.#sizeBytes += first!.length;
      return;
    }
    let total = 0;
    for (const part of parts) total += part.length;
    if (total === 0) return;
    this.#assertOpen();
    let written = tried("write", this.path, () => writevSync(this.#fd, parts, this.#sizeBytes));
    let position = this.#sizeBytes;
    if (written < total) {
      // a short write (a signal, a disk that fills up): continue part by part
      for (const part of parts) {
        const done = Math.min(written, part.length);
        written -= done;
        if (done < part.length) this.#writeAll(position + done, part, done);
        position += part.length;
      }
    }
    this.#sizeBytes += total;
  }

  writeAt(position: number, bytes: Uint8Array): void {
    this.#assertOpen();
    this.#writeAll(position, bytes, 0);
    this.#sizeBytes = Math.max(this.#sizeBytes, position + bytes.length);
  }

  #writeAll(position: number, bytes: Uint8Array, from: number): void {
    let done = from;
    while (done < bytes.length) {
      done += tried("write", this.path, () =>
        writeSync(this.#fd, bytes, done, bytes.length - done, position + done - from),
      );
    }
  }

  read(position: number, into: Uint8Array): number {
    this.#assertOpen();
    let done = 0;
    while (done < into.length) {
      const count = tried("read", this.path, () =>
        readSync(this.#fd, into, done, into.length - done, position + done),
      );
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  truncate(sizeBytes: number): void {
    this.#assertOpen();
    tried("truncate", this.path, () => ftruncateSync(this.#fd, sizeBytes));
    this.#sizeBytes = sizeBytes;
  }

  sync(): Promise<void> {
    this.#assertOpen();
    return settled("sync", this.path, (done) => fdatasync(this.#fd, done));
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    tried("close", this.path, () => closeSync(this.#fd));
  }

  #assertOpen(): void {
    assert(this.#open, `use of closed file ${this.path}`);
  }
}

export const nodeDisk: Disk = {
  open: (path, mode) => new NodeFile(path, mode),
  readFile: (path) => tried("read", path, () => new Uint8Array(readFileSync(path))),
  map: (path) => tried("map", path, () => (statSync(path).size === 0 ? new Uint8Array(0) : Bun.mmap(path))),
  // (a buffer that is transferred gives up what it stands on; Bun has no other way)
  unmap: ({ buffer }) => void (buffer as ArrayBuffer).transfer(0),
  readAhead,
  rest: giveBack,
  exists: (path) => existsSync(path),
  size: (path) => tried("stat", path, () => statSync(path).size),
  list: (folder) => tried("list", folder, () => readdirSync(folder).sort()),
  makeFolder: (path) => tried("make folder", path, () => void mkdirSync(path, { recursive: true })),
  removeFolder: (path) => tried("remove folder", path, () => rmSync(path, { recursive: true, force: true })),
  rename: (from, to) => tried("rename", from, () => renameSync(from, to)),
  unlink: (path) => tried("unlink", path, () => unlinkSync(path)),
  async syncFolder(path) {
    const fd = tried("open folder", path, () => openSync(path, constants.O_RDONLY));
    try {
      await settled("sync folder", path, (done) => fsync(fd, done));
    } finally {
      closeSync(fd);
    }
  },
  lock: (path, waitMs = 5000) => lockFile(path, waitMs),
};

function tried<T>(operation: string, path: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw diskError(operation, path, cause);
  }
}

function settled(
  operation: string,
  path: string,
  run: (done: (error: NodeJS.ErrnoException | null) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    run((error) => (error ? reject(diskError(operation, path, error)) : resolve()));
  });
}
