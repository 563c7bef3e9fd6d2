// Damages the end of the newest file of a log, one of those that the threads have, in the ways that a crash of the whole machine can.
//
// Only what was never acknowledged may go: bytes behind `Tail`, noted while nothing was in flight, and those only
// when no request was answered since. Otherwise bytes are added: the start of a write that never finished.
import { appendFileSync, existsSync, readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../../scripts/bench/random.ts";

/** The end of a log: its newest file and how long that is. */
export interface Tail {
  readonly path: string;
  readonly sizeBytes: number;
}

/** Of the log of every thread. */
export function tailsOf(dataDir: string): Tail[] {
  if (!existsSync(dataDir)) return [];
  const folders = readdirSync(dataDir).filter((name) => name.startsWith("wal"));
  return folders.sort().flatMap((name) => {
    const folder = join(dataDir, name);
    const newest = readdirSync(folder)
      .filter((file) => /^\d+\.log$/.test(file))
      .sort()
      .at(-1);
    if (newest === undefined) return [];
    const path = join(folder, newest);
    return [{ path, sizeBytes: statSync(path).size }];
  });
}

/** Tears the tail off the log of a dead server; says how. `acknowledged`: whether anything was since `quiet`. */
export function tear(dataDir: string, quiet: readonly Tail[], acknowledged: boolean, random: Random): string {
  const tails = tailsOf(dataDir);
  if (tails.length === 0) return "no log to tear";
  const tail = random.pick(tails);
  const keepBytes = quiet.find(({ path }) => path === tail.path)?.sizeBytes ?? 0;
  if (!acknowledged && tail.sizeBytes > keepBytes && random.below(4) > 0) {
    const sizeBytes = keepBytes + random.below(tail.sizeBytes - keepBytes);
    truncateSync(tail.path, sizeBytes);
    return `cut from ${tail.sizeBytes} to ${sizeBytes} bytes (${keepBytes} acknowledged)`;
  }
  const bytes = new Uint8Array(1 + random.below(300));
  if (random.below(2) === 0) for (let i = 0; i < bytes.length; i++) bytes[i] = random.bits();
  appendFileSync(tail.path, bytes);
  return `added ${bytes.length} bytes of ${bytes[0] === 0 ? "zeros" : "noise"}`;
}
