// Reading ahead in a mapped file. Without it a thread waits at each page that is not in memory until the disk has it, and as much around
// it as the system thinks fit: often a hundred times of what is wanted. Only on Linux: elsewhere nothing happens.
import { addressOf, loadLibc } from "../base/libc.ts";

/** No Linux has larger pages; on x64 all are of 4 KiB. */
const PAGE_BYTES = process.arch === "x64" ? 4096 : 65536;
const LEAST_PAGE_BYTES = 4096;
/** Looked at in one call. */
const PIECE_BYTES = 4 * 1024 * 1024;
const MADV_WILLNEED = 3;

let libc: ReturnType<typeof load> | undefined;
/** A byte a page, 0 = not in memory. (To ask for this first takes a tenth of the time of asking for what is there anyway.) */
const residence = new Uint8Array(PIECE_BYTES / LEAST_PAGE_BYTES);

function load() {
  if (process.platform !== "linux") return null;
  return loadLibc({
    madvise: { args: ["ptr", "u64", "i32"], returns: "i32" },
    mincore: { args: ["ptr", "u64", "ptr"], returns: "i32" },
  });
}

/** See `Disk.readAhead`. */
export function readAhead(bytes: Uint8Array, start: number, end: number): void {
  if (libc === undefined) libc = load();
  if (libc === null) return;
  const base = addressOf(bytes);
  for (let at = Math.floor(start / PAGE_BYTES) * PAGE_BYTES; at < end; at += PIECE_BYTES) {
    const sizeBytes = Math.min(end - at, PIECE_BYTES);
    const pages = Math.ceil(sizeBytes / LEAST_PAGE_BYTES);
    // (of larger pages the bytes behind the last one stay)
    residence.fill(1, 0, pages);
    if (libc.mincore((base + at) as never, sizeBytes, residence as never) !== 0) return;
    const missing = residence.indexOf(0);
    if (missing >= 0 && missing < pages) libc.madvise((base + at) as never, sizeBytes, MADV_WILLNEED);
  }
}
