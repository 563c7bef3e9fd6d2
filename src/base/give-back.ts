// Gives pages of memory back to the system, which Bun has no way for. Only on Linux: elsewhere, and where the call cannot be
// reached, nothing happens and the memory stays.
import { addressOf, loadLibc } from "./libc.ts";

/** No Linux has larger pages; on x64 all are of 4 KiB. */
const PAGE_BYTES = process.arch === "x64" ? 4096 : 65536;
const MADV_DONTNEED = 4;

type Advise = (at: number, sizeBytes: number, advice: number) => number;

let known: Advise | null | undefined;

function advise(): Advise | null {
  if (known === undefined) known = process.platform === "linux" ? loadAdvise() : null;
  return known;
}

function loadAdvise(): Advise | null {
  const libc = loadLibc({ madvise: { args: ["ptr", "u64", "i32"], returns: "i32" } });
  return libc && ((at, sizeBytes, advice) => libc.madvise(at as never, sizeBytes, advice));
}

/** Whether `giveBack` does anything here. */
export function canGiveBack(): boolean {
  return advise() !== null;
}

/**
 * Takes the pages that lie within `bytes` out of memory. Those of memory of our own are zeros from then on, those of a mapped
 * file are read again when they are asked for.
 */
export function giveBack(bytes: Uint8Array): void {
  const call = advise();
  if (call === null || bytes.length < PAGE_BYTES) return;
  const at = addressOf(bytes);
  const from = Math.ceil(at / PAGE_BYTES) * PAGE_BYTES;
  const to = Math.floor((at + bytes.length) / PAGE_BYTES) * PAGE_BYTES;
  if (from < to) call(from, to - from, MADV_DONTNEED);
}
