// Open: the parts of a database from its data directory, in the order that recovery needs: names, stores, log, replay.
import type { Clock } from "../base/clock.ts";
import { CorruptionError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import { Kernels } from "../kernels/kernels.ts";
import { Wal } from "../log/wal.ts";
import type { Subscription } from "../model/subscriptions.ts";
import { PARTITION_BYTES } from "../store/catalog.ts";
import { Schema } from "../store/schema.ts";
import { Store } from "../store/store.ts";
import { Applier } from "./applier.ts";
import { ChangeProgress } from "./changes.ts";
import { ContinuousFile } from "./continuous-file.ts";
import { Databases } from "./databases.ts";
import { applyDeletion, applyDrop, TouchedSeries } from "./deletions.ts";
import type { Options } from "./options.ts";
import { AUTOGEN, gridOf } from "./policies.ts";
import { decodeDeletion, decodeDrop, decodeProgress, recordKind } from "./record.ts";
import { SealedList } from "./sealed-list.ts";
import { Users } from "./users.ts";

/** What an open database is made of. */
export interface OpenParts {
  readonly options: Options;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly kernels: Kernels;
  readonly schema: Schema;
  readonly databases: Databases;
  readonly users: Users;
  readonly log: Wal;
  /** What the log says last of a change over several threads. */
  readonly progress: ChangeProgress;
  readonly stores: readonly Store[];
  readonly applier: Applier;
  readonly continuous: ContinuousFile;
  readonly subscriptions: SealedList<Subscription>;
}

/** The part of a data directory that one thread has. */
export interface Share {
  readonly partitions: readonly number[];
  /** Folder of its log. */
  readonly log: string;
}

/** The names, their file made when the data directory is new. Throws `CorruptionError`, `DiskError`. */
export async function openDatabases(options: Options, disk: Disk): Promise<Databases> {
  const { dataDir } = options;
  const databases = new Databases(disk, `${dataDir}/databases`, options.partitions);
  if (!disk.exists(`${dataDir}/databases`)) {
    if (disk.exists(folderOfPartition(dataDir, 0)))
      throw new CorruptionError(
        `${dataDir}/databases`,
        0,
        "the file is missing, but there is data beside it",
      );
    await databases.save();
  }
  return databases;
}

/**
 * Opens the stores and brings what the log has beyond them to memory. `share`: what of the data directory; absent: all.
 * Throws `CorruptionError`, `DiskError`.
 */
export async function openParts(
  options: Options,
  disk: Disk,
  clock: Clock,
  databases: Databases,
  share?: Share,
): Promise<OpenParts> {
  const { dataDir } = options;
  const users = new Users(disk, `${dataDir}/users`, clock, (name) => databases.has(name));
  const { partitions } = databases;
  const kernels = new Kernels();
  const schema = new Schema();
  const records = kernels.alloc(partitions * PARTITION_BYTES);
  kernels.view(records, partitions * PARTITION_BYTES).fill(0);
  const each = share?.partitions ?? Array.from({ length: partitions }, (_, partition) => partition);
  await Promise.all(each.map((p) => Store.make(disk, folderOfPartition(dataDir, p), p, partitions)));
  const stores: Store[] = [];
  for (const partition of each) {
    const folder = folderOfPartition(dataDir, partition);
    const record = records + partition * PARTITION_BYTES;
    const windows = (database: string, policy: string) =>
      gridOf(databases.policies(database)?.find(({ name }) => name === policy) ?? AUTOGEN);
    stores.push(
      Store.open({
        ...{ disk, kernels, schema, record, folder, partition, partitionCount: partitions, windows },
      }),
    );
  }
  const { durability, syncInterval } = options;
  const minimumLast = Math.max(0, ...stores.map((store) => store.logPosition));
  const log = await Wal.open(disk, share?.log ?? `${dataDir}/wal`, {
    ...{ durability, intervalMs: syncInterval, minimumLast, clock },
  });
  const applier = new Applier(kernels, schema, records, partitions);
  const from = Math.min(...stores.map((store) => store.logPosition));
  const touched = new TouchedSeries();
  const progress = new ChangeProgress();
  log.replay(from, (record) => {
    const kind = recordKind(record);
    if (kind === "batch") applier.replay(record);
    if (kind === "progress") progress.replay(decodeProgress(record));
    if (kind === "drop") applyDrop(schema, stores, decodeDrop(record));
    if (kind !== "deletion") return;
    const deletion = decodeDeletion(record);
    touched.add(applyDeletion(kernels, schema, stores, deletion));
    const step = "step" in deletion ? deletion.step : undefined;
    if (step !== undefined) progress.replay({ change: step.change, done: [step.step] });
  });
  touched.dropEmpty(schema);
  const subscriptions = new SealedList<Subscription>(disk, `${dataDir}/subscriptions`, "serie subscriptions");
  const continuous = new ContinuousFile(disk, `${dataDir}/continuous-queries`);
  return {
    options,
    disk,
    clock,
    kernels,
    schema,
    databases,
    users,
    log,
    progress,
    stores,
    applier,
    continuous,
    subscriptions,
  };
}

/** The folders of a share. */
export function foldersOf(dataDir: string, { partitions, log }: Share): string[] {
  return [log, ...partitions.map((partition) => folderOfPartition(dataDir, partition))];
}

function folderOfPartition(dataDir: string, partition: number): string {
  return `${dataDir}/p${String(partition).padStart(2, "0")}`;
}
