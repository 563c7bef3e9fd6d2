// The only door to files: every folder above reads and writes through a `Disk`, so that a test can hold it.
//
// What the door promises is what POSIX promises, no more, and a test's disk takes away all the rest:
//   bytes of a file    survive a crash once `sync` of that file resolved; before that any part may be lost or torn
//   names in a folder  (a created, renamed or unlinked file, a made folder) survive once `syncFolder` resolved
//   a rename           is atomic: after a crash there is the old file or the new one under the name
// So a file replaced safely is: create a temporary file, write, sync, rename, syncFolder (`replaceFile`).
//
// Every refusal of the operating system is a `DiskError` with operation, path and errno.
import { DiskError } from "../base/errors.ts";

/** "create": empties an existing file; "append": opens or creates, position at the end; "read": must exist. */
export type OpenMode = "create" | "append" | "read";

/** An open file. Writing is synchronous and complete (short writes are continued); only syncing waits. */
export interface DiskFile {
  readonly path: string;
  /** Where `append` writes next: the size of the file as written through this handle. */
  readonly sizeBytes: number;
  /** Writes the parts one after another at the end, in one system call where possible. Bytes are copied. */
  append(...parts: Uint8Array[]): void;
  /** Overwrites bytes inside the file, or extends it (then `append` continues behind them). */
  writeAt(position: number, bytes: Uint8Array): void;
  /** Fills `into` from `position`; returns the bytes read, less than asked only at the end of the file. */
  read(position: number, into: Uint8Array): number;
  /** Cuts the file to `sizeBytes`; never on a file that anyone has mapped. */
  truncate(sizeBytes: number): void;
  /** Resolves when everything written before the call is on stable storage (fdatasync, off this thread). */
  sync(): Promise<void>;
  /** Closes; call it after the last `sync` resolved. Closing again does nothing. */
  close(): void;
}

/** Held until `release`, or until the process is gone (however it died). */
export interface DiskLock {
  release(): void;
}

export interface Disk {
  open(path: string, mode: OpenMode): DiskFile;
  /** The whole of a small file (manifest, options), in the heap. */
  readFile(path: string): Uint8Array;
  /**
   * The file's bytes, paged in on demand; an empty array for an empty file. Stays valid after `unlink`, until `unmap` or until it
   * is collected. Never write to it, never truncate the file.
   */
  map(path: string): Uint8Array;
  /**
   * Ends what `map` gave: its pages, and the blocks of a file that was unlinked, are free now and not when the collector comes.
   * The array and all views of it are empty then.
   */
  unmap(bytes: Uint8Array): void;
  /**
   * Begins to read a part of what `map` gave from the disk, as far as it is not in memory, and does not wait for it: who touches it
   * then waits less. Next to nothing where it is in memory.
   */
  readAhead(bytes: Uint8Array, start: number, end: number): void;
  /** What `map` gave is not this process's memory any more until it is touched again: the system keeps it as long as it has room. */
  rest(bytes: Uint8Array): void;
  exists(path: string): boolean;
  size(path: string): number;
  /** Names in a folder, sorted, without "." and "..". */
  list(folder: string): string[];
  /** Makes the folder and those above it; nothing to do when it exists. */
  makeFolder(path: string): void;
  /** Removes a folder with everything in it; nothing to do when it does not exist. */
  removeFolder(path: string): void;
  /** Atomic; replaces what has the new name. */
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** Makes the names in a folder durable. */
  syncFolder(path: string): Promise<void>;
  /**
   * Takes the lock file at `path` (created when missing) for this process, waiting up to `waitMs` for another
   * holder to go; then throws a `DiskError` that names the holder.
   */
  lock(path: string, waitMs?: number): Promise<DiskLock>;
}

/** The `DiskError` for a refused operation; `cause` is what the operating system's call threw. */
export function diskError(operation: string, path: string, cause: unknown): DiskError {
  const errno = (cause as { code?: string } | null)?.code;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const advice =
    errno === "ENOSPC" || errno === "EDQUOT"
      ? ": the disk is full; free some space, then restart"
      : errno === "EMFILE" || errno === "ENFILE"
        ? ": too many open files; raise the limit (ulimit -n)"
        : "";
  return new DiskError(`cannot ${operation} ${path}${advice} (${reason})`, { operation, path, errno, cause });
}

/**
 * Replaces the file at `path` as a whole: after a crash at any moment it holds the old bytes or the new ones, and
 * once this resolves the new ones. `path + ".tmp"` is its temporary file; a left-over one is overwritten.
 */
export async function replaceFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = disk.open(temporary, "create");
  try {
    file.append(bytes);
    await file.sync();
  } finally {
    file.close();
  }
  disk.rename(temporary, path);
  await disk.syncFolder(folderOf(path));
}

/** Makes the folder and those above it where missing, each of them durable under its name. */
export async function makeDurableFolder(disk: Disk, path: string): Promise<void> {
  const parents = [folderOf(path)];
  for (let above = folderOf(path); !disk.exists(above); above = folderOf(above))
    parents.push(folderOf(above));
  disk.makeFolder(path);
  for (const parent of parents) await disk.syncFolder(parent);
}

/** The folder that a path stands in. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : slash === 0 ? "/" : path.slice(0, slash);
}
