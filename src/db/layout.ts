// Layout: how a data directory is shared by threads. The file `threads` says how many there are, none = one; each has a log of
// its own and the partitions that the ring gives it.
//
//   1 thread    wal/                              n threads    wal-0-of-n/ ... wal-(n-1)-of-n/
//
// To change the number, what the old logs have is brought to segments, log after log, as a recovery and a flush do; then the
// file is replaced, which is the moment of the change, and the old logs are removed. A crash before it leaves the old layout
// with shorter logs, one after it logs that nobody reads, which the next start removes.
import type { Clock } from "../base/clock.ts";
import { CorruptionError, InputError } from "../base/errors.ts";
import { type Disk, folderOf, replaceFile } from "../disk/disk.ts";
import { decodeSealed, encodeSealed } from "../disk/sealed.ts";
import { place } from "../ring/placement.ts";
import { preferences } from "../ring/ring.ts";
import type { Databases } from "./databases.ts";
import { Maintenance } from "./maintenance.ts";
import { openParts, type Share } from "./open.ts";
import type { Options } from "./options.ts";
import { type Found, finishChange } from "./unfinished.ts";

const KIND = "serie threads";
const VERSION = 1;
const POINTS_PER_THREAD = 128;

/** The thread of each partition, by consistent hashing: all have the same number of them, or one more. */
export function ownersOf(partitions: number, threads: number): Uint8Array {
  const names = Array.from({ length: threads }, (_, thread) => `thread ${thread}`);
  // bounds are upper ones: where they leave no room, nobody has less than the others
  const even = partitions - (partitions % threads);
  const placed = place({ owners: names, partitionCount: even, loadFactor: 1 });
  const owners = new Uint8Array(partitions);
  for (let partition = 0; partition < even; partition++)
    owners[partition] = names.indexOf(placed[partition]![0]!);
  const orders = preferences(names, partitions, POINTS_PER_THREAD);
  const taken = new Set<number>();
  for (let partition = even; partition < partitions; partition++) {
    const thread = orders[partition]!.find((each) => !taken.has(each))!;
    taken.add(thread);
    owners[partition] = thread;
  }
  return owners;
}

/** What a thread has of a data directory. */
export function shareOf(dataDir: string, partitions: number, thread: number, threads: number): Share {
  const owners = ownersOf(partitions, threads);
  const own = [...owners.keys()].filter((partition) => owners[partition] === thread);
  return { partitions: own, log: `${dataDir}/${logName(thread, threads)}` };
}

/**
 * Makes the layout that of `threads`, and does what is left of a change that a crash came into. Gives what was found in the logs
 * then. Throws `CorruptionError`, `DiskError`.
 */
export async function arrange(
  options: Options,
  disk: Disk,
  clock: Clock,
  databases: Databases,
  threads: number,
): Promise<Found> {
  const { dataDir } = options;
  const path = `${dataDir}/threads`;
  const before = disk.exists(path) ? readThreads(disk, path) : 1;
  const shares = () =>
    Array.from({ length: before }, (_, thread) => shareOf(dataDir, databases.partitions, thread, before));
  const found = await finishChange(options, disk, clock, databases, shares);
  if (before !== threads) {
    refuseDamage(found.corruptions, before);
    let records = 0;
    for (const share of shares()) records += await emptyLog(options, disk, clock, databases, share, before);
    // (else of what was there some may be left)
    found.records ??= records;
    // of an earlier layout of as many threads
    removeLogs(disk, dataDir, before);
    await disk.syncFolder(dataDir);
    await replaceFile(disk, path, encodeSealed(KIND, VERSION, { threads }));
  }
  removeLogs(disk, dataDir, threads);
  return found;
}

function readThreads(disk: Disk, path: string): number {
  const { threads } = decodeSealed(KIND, VERSION, disk.readFile(path), path) as { threads: number };
  if (!Number.isInteger(threads) || threads < 1) throw new CorruptionError(path, 0, "no number of threads");
  return threads;
}

function logName(thread: number, threads: number): string {
  return threads === 1 ? "wal" : `wal-${thread}-of-${threads}`;
}

// Brings what a log has to segments; gives the number of its records.
async function emptyLog(
  options: Options,
  disk: Disk,
  clock: Clock,
  databases: Databases,
  share: Share,
  threads: number,
): Promise<number> {
  const { log, stores, applier } = await openParts(options, disk, clock, databases, share);
  const maintenance = new Maintenance(log, stores);
  try {
    refuseDamage(log.recovery.corruptions, threads);
    await maintenance.flush();
    return log.recovery.records;
  } finally {
    await maintenance.close();
    await log.close();
    for (const store of stores) store.close();
    applier.close();
  }
}

function refuseDamage([damage]: readonly CorruptionError[], threads: number): void {
  if (damage)
    throw new InputError(
      `${damage.message}; what is whole of the log is kept, a copy of all is in ${folderOf(damage.file)}/quarantine: look at it, start with threads = ${threads} as before, then change the number of threads`,
    );
}

// Removes the logs of other layouts than that of `threads`; what is in quarantine stays.
function removeLogs(disk: Disk, dataDir: string, threads: number): void {
  const current = Array.from({ length: threads }, (_, thread) => logName(thread, threads));
  for (const name of disk.list(dataDir)) {
    if (!/^wal(-\d+-of-\d+)?$/.test(name) || current.includes(name)) continue;
    const folder = `${dataDir}/${name}`;
    const files = disk.list(folder);
    if (!files.includes("quarantine")) disk.removeFolder(folder);
    else for (const file of files) if (file !== "quarantine") disk.unlink(`${folder}/${file}`);
  }
}
