// Damages the end of the newest log file in the ways that a crash of the whole machine can.
//
// Only what was never acknowledged may go: bytes behind `Tail`, noted while nothing was in flight, and those only
// when no request was answered since. Otherwise bytes are added: the start of a write that never finished.
import { appendFileSync, existsSync, readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../../scripts/bench/random.ts";

/** The end of the log: its newest file and how long that is. */
export interface Tail {
  readonly path: string;
  readonly sizeBytes: number;
}

export function tailOf(dataDir: string): Tail | null {
  const folder = join(dataDir, "wal");
  if (!existsSync(folder)) return null;
  const newest = readdirSync(folder)
    .filter((name) => /^\d+\.log$/.test(name))
    .sort()
    .at(-1);
  if (newest === undefined) return null;
  const path = join(folder, newest);
  return { path, sizeBytes: statSync(path).size };
}

/** Tears the tail off the log of a dead server; says how. `acknowledged`: whether anything was since `quiet`. */
export function tear(dataDir: string, quiet: Tail | null, acknowledged: boolean, random: Random): string {
  const tail = tailOf(dataDir);
  if (tail === null) return "no log to tear";
  const same = quiet?.path === tail.path;
  const keepBytes = same ? quiet.sizeBytes : 0;
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
