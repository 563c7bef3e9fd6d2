// A lock file against two processes in one data directory: the kernel's `flock`, so a dead holder never blocks.
//
// The lock belongs to the open file, not to the file's existence: whatever ends the process (kill -9 too) ends the
// lock, and there is no stale lock to clean up. The file's content, the holder's pid, is only for the error message.
// A killed process keeps its lock until its last thread is gone, so a restart waits for a moment before it gives up.
//
// Where `flock` cannot be reached (no bun:ffi, an unknown libc) there is a plainer scheme: the pid in the file holds
// the lock while a process with that pid lives. It is weaker: a reused pid makes serie refuse (the error names the
// pid), two processes that start in the same instant may both get the lock, and so do two databases of one process.
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { DiskError } from "../base/errors.ts";
import { loadLibc } from "../base/libc.ts";
import { type DiskLock, diskError } from "./disk.ts";

const LOCK_EXCLUSIVE = 2;
const LOCK_NONBLOCKING = 4;
const LOCK_UNLOCK = 8;
/** Without it a child process would share the open file, and with it the lock; `constants` lacks it. */
const O_CLOEXEC = process.platform === "darwin" ? 0x100_0000 : 0o200_0000;
const RETRY_MS = 20;

type Flock = (fd: number, operation: number) => number;

/** See `Disk.lock`. With `flock` null the plainer scheme. */
export async function lockFile(
  path: string,
  waitMs: number,
  flock: Flock | null = loadFlock(),
): Promise<DiskLock> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_CREAT | O_CLOEXEC, 0o644);
  } catch (cause) {
    throw diskError("open lock file", path, cause);
  }
  const deadline = performance.now() + waitMs;
  while (!(flock ? flock(fd, LOCK_EXCLUSIVE | LOCK_NONBLOCKING) === 0 : isFree(path))) {
    if (performance.now() >= deadline) {
      closeSync(fd);
      throw new DiskError(
        `${path} is held by process ${holderOf(path) ?? "(unknown)"}: the data directory is in use; stop that process or choose another directory`,
        { operation: "lock", path, errno: "EWOULDBLOCK" },
      );
    }
    await Bun.sleep(RETRY_MS);
  }
  const content = new TextEncoder().encode(`${process.pid}\n`);
  ftruncateSync(fd, 0);
  writeSync(fd, content, 0, content.length, 0);
  return {
    release() {
      if (fd < 0) return;
      ftruncateSync(fd, 0);
      flock?.(fd, LOCK_UNLOCK);
      closeSync(fd);
      fd = -1;
    },
  };
}

function loadFlock(): Flock | null {
  const libc = loadLibc({ flock: { args: ["i32", "i32"], returns: "i32" } });
  return libc && ((fd, operation) => libc.flock(fd, operation));
}

/** The plainer scheme: free when no living process is named in the file (or it is this one). */
function isFree(path: string): boolean {
  const holder = holderOf(path);
  if (holder === undefined || holder === process.pid) return true;
  try {
    process.kill(holder, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function holderOf(path: string): number | undefined {
  const pid = Number.parseInt(readFileSync(path, "utf8"), 10);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
}
