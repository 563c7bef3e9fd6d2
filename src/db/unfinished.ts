// Unfinished: what is left to do of a change over several threads that a crash came into (changes.ts). It is done by one thread, in
// the layout that the data directory still has, before anything is opened to be served.
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import type { CorruptionError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import type { RecoveryReport } from "../log/recovery.ts";
import { type Change, ChangeFile, type PendingChange } from "./changes.ts";
import { type Databases, ReadDatabases } from "./databases.ts";
import { Deletions, UNENDING } from "./deletions.ts";
import { Maintenance } from "./maintenance.ts";
import { type OpenParts, openParts, type Share } from "./open.ts";
import type { Options } from "./options.ts";
import { Retention } from "./retention.ts";

/** What the recovery of the logs found: whoever opens them next finds them mended, and shorter. */
export interface Found extends Pick<RecoveryReport, "warnings" | "corruptions"> {
  /** null: they have not been opened. */
  records: number | null;
}

/**
 * Does what is left of the change that the data directory has, if any. `shares`: of the threads that there were. Throws
 * `CorruptionError`, `DiskError`.
 */
export async function finishChange(
  options: Options,
  disk: Disk,
  clock: Clock,
  databases: Databases,
  shares: () => readonly Share[],
): Promise<Found> {
  const file = new ChangeFile(disk, options.dataDir);
  const pending = file.read();
  if (pending === null) return { warnings: [], corruptions: [], records: null };
  const found = { warnings: [] as string[], corruptions: [] as CorruptionError[], records: 0 };
  const all = shares();
  for (const [thread, share] of all.entries()) {
    // what a part does to names counts once all have done theirs
    const names = new ReadDatabases(disk, `${options.dataDir}/databases`, databases.partitions);
    const parts = await openParts(options, disk, clock, names, share);
    found.warnings.push(...parts.log.recovery.warnings);
    found.corruptions.push(...parts.log.recovery.corruptions);
    found.records += parts.log.recovery.records;
    await withParts(parts, async (maintenance) => {
      await doPart(pending, parts, maintenance);
      if (thread === all.length - 1) await forgetNames(pending.change, parts, databases);
    });
  }
  await file.remove();
  found.warnings.push(`a crash came into a ${pending.change.kind}, which is done now`);
  return found;
}

/** Has the head say what was found; no change is under way there now. */
export function takeOver({ progress, log }: OpenParts, { warnings, corruptions, records }: Found): void {
  progress.over();
  log.recovery.records = records ?? log.recovery.records;
  log.recovery.warnings.push(...warnings);
  log.recovery.corruptions.push(...corruptions);
}

async function withParts(parts: OpenParts, work: (maintenance: Maintenance) => Promise<void>): Promise<void> {
  const { log, stores, applier } = parts;
  const maintenance = new Maintenance(log, stores);
  try {
    await work(maintenance);
  } finally {
    await maintenance.close();
    await log.close();
    for (const store of stores) store.close();
    applier.close();
  }
}

/** What is left to do of one part. */
export async function doPart(
  { id, change }: PendingChange,
  parts: OpenParts,
  maintenance: Maintenance,
): Promise<void> {
  const checkWritable = () => {
    const failure = parts.log.failure ?? maintenance.failure;
    if (failure) throw failure;
  };
  // the types that other threads' values have, the head learns of them when they start
  const mayForget = () => true;
  const deletions = new Deletions({
    ...{ ...parts, maintenance, checkWritable, mayForget, changed: () => undefined },
  });
  const retention = new Retention({
    ...{ ...parts, maintenance, deletions, checkWritable, mayForget },
    subscriptions: { dropPolicy: async () => undefined },
    holdOthers: async () => ({ windows: [], release: async () => undefined }),
  });
  maintenance.carried = () => parts.progress.record;
  const steps = parts.progress.steps(id);
  switch (change.kind) {
    case "drop":
      return deletions.drop(change.database, change.measurement);
    case "drop policy":
      return retention.dropPolicy(change.database, change.policy);
    case "drop shard":
      return retention.dropShard(change.shard, steps);
    case "delete":
      return deletions.delete(change.requests, UNENDING, steps);
    default:
      return assert(false, `a change of unknown kind: ${(change as { kind: string }).kind}`);
  }
}

// What is there once, beside the rows: as `Database.dropDatabase` and `Retention.dropPolicy` do it, the name last.
async function forgetNames(change: Change, parts: OpenParts, databases: Databases): Promise<void> {
  const { users, continuous, subscriptions } = parts;
  if (change.kind === "drop" && change.measurement === null) {
    const { database } = change;
    await users.forgetDatabase(database);
    const queries = continuous.read();
    await continuous.save(() => queries.filter((query) => query.database !== database));
    const forwarded = subscriptions.read();
    await subscriptions.save(() => forwarded.filter((each) => each.database !== database));
    databases.forget(database);
    await databases.save();
  }
  if (change.kind === "drop policy") {
    const { database, policy } = change;
    const isOfIt = (each: { database: string; retentionPolicy: string }) =>
      each.database === database && each.retentionPolicy === policy;
    const forwarded = subscriptions.read();
    await subscriptions.save(() => forwarded.filter((each) => !isOfIt(each)));
    const policies = databases.policies(database);
    if (policies)
      databases.setPolicies(
        database,
        policies.filter(({ name }) => name !== policy),
      );
    await databases.save();
  }
}
