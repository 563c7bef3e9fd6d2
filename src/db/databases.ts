// Databases: their names and retention policies, in one small file of sealed JSON (disk/sealed.ts) that is replaced as a
// whole: { partitions, databases: [{ name, policies: [{ name, durationNs, shardDurationNs, isDefault, replication, fromEpoch?,
// keptWindows?: [[start, end]] }] }] }; times and durations are decimal strings.
import { CorruptionError, type DiskError } from "../base/errors.ts";
import { type Disk, replaceFile } from "../disk/disk.ts";
import { decodeSealed, encodeSealed } from "../disk/sealed.ts";
import type { RetentionPolicy } from "../model/retention.ts";
import { checkLength, checkName } from "./names.ts";
import { AUTOGEN } from "./policies.ts";

const KIND = "serie databases";
/** In version 1 every window began at a multiple of its width since 1970, and none was kept. */
const VERSION = 2;

export class Databases {
  /** Makes durable what has been logged: the file must not say that a name is gone before the log does. */
  beforeSave: () => Promise<void> = async () => undefined;
  /** Told of what is on disk, before it counts. */
  onSave: () => Promise<void> = async () => undefined;
  readonly #disk: Disk;
  readonly #path: string;
  readonly #policies = new Map<string, readonly RetentionPolicy[]>();
  readonly #durable = new Set<string>();
  /** Policies by name, as the file had them when it was read. */
  #said = new Map<string, string>();
  #saved: Promise<void> = Promise.resolve();
  #failure: DiskError | undefined;
  /** Partitions of the data directory, fixed when it was made. */
  readonly partitions: number;

  /** Reads the file; a new data directory gets `partitions`. Throws `CorruptionError`. */
  constructor(disk: Disk, path: string, partitions: number) {
    this.#disk = disk;
    this.#path = path;
    if (!disk.exists(path)) {
      this.partitions = partitions;
      return;
    }
    this.partitions = this.#read().partitions;
    this.reload();
    for (const name of this.#policies.keys()) this.#durable.add(name);
  }

  /**
   * Reads the file again, which another thread has written. What it says anew of a database is not yet counted as durable: other
   * threads may still be to read it. Throws `CorruptionError`.
   */
  reload(): void {
    const { databases } = this.#read();
    const said = new Map(databases.map(({ name, policies }) => [name, JSON.stringify(policies)]));
    const isNew = ({ name }: StoredDatabase) =>
      !this.#durable.has(name) || this.#said.get(name) !== said.get(name);
    const known = new Set(databases.filter((database) => !isNew(database)));
    this.#said = said;
    this.#policies.clear();
    this.#durable.clear();
    for (const database of databases) {
      this.#policies.set(database.name, database.policies.map(readPolicy));
      if (known.has(database)) this.#durable.add(database.name);
    }
  }

  /** All threads have read of a database what this one has as `policies`, if it still has them. */
  allHaveRead(name: string, policies: readonly RetentionPolicy[] | undefined): void {
    if (policies !== undefined && this.#policies.get(name) === policies) this.#durable.add(name);
  }

  #read(): StoredDatabases {
    const path = this.#path;
    const body = decodeSealed(KIND, [1, VERSION], this.#disk.readFile(path), path) as StoredDatabases;
    if (!Number.isInteger(body.partitions)) throw new CorruptionError(path, 0, "no number of partitions");
    return body;
  }

  /** Why the file could not be written; memory then says more than the file. Undefined = all is well. */
  get failure(): DiskError | undefined {
    return this.#failure;
  }

  /** Names, in the order of their creation. */
  names(): string[] {
    return [...this.#policies.keys()];
  }

  has(name: string): boolean {
    return this.#policies.has(name);
  }

  /** In the order in which they were made; undefined when the database does not exist. */
  policies(name: string): readonly RetentionPolicy[] | undefined {
    return this.#policies.get(name);
  }

  /** Whether the database exists, the file on disk says so, and all threads have read it. */
  isDurable(name: string): boolean {
    return this.#durable.has(name);
  }

  /** Durable when resolved. Throws `InputError` for a name that cannot be, `DiskError`. */
  async create(name: string, policy: RetentionPolicy = AUTOGEN): Promise<void> {
    if (!this.#policies.has(name)) {
      checkName(name);
      checkLength(name);
      this.#policies.set(name, [policy]);
      this.#save();
    }
    await this.#saved;
  }

  /** Puts other policies in the place of a database's; `save` makes it so on disk. */
  setPolicies(name: string, policies: readonly RetentionPolicy[]): void {
    this.#policies.set(name, policies);
    // a write to a new policy waits until the file has it
    this.#durable.delete(name);
  }

  /** From now on the database does not exist; `save` makes it so on disk. */
  forget(name: string): void {
    this.#durable.delete(name);
    this.#policies.delete(name);
  }

  /** Writes the file, also when nothing changed: a new data directory's. Durable when resolved. */
  async save(): Promise<void> {
    this.#save();
    await this.#saved;
  }

  /** Resolves when the saves that have begun are done, `onSave` included. Throws `DiskError`. */
  async settled(): Promise<void> {
    await this.#saved;
  }

  // Saves follow one another; each writes the state of its own moment or a later one.
  #save(): void {
    this.#saved = this.#saved.then(async () => {
      const saved = [...this.#policies];
      const bytes = this.#encode();
      await this.beforeSave();
      await replaceFile(this.#disk, this.#path, bytes);
      await this.onSave();
      // (what was changed meanwhile is with the next save)
      for (const [name, policies] of saved)
        if (this.#policies.get(name) === policies) this.#durable.add(name);
    });
    this.#saved.catch((error: DiskError) => {
      this.#failure = error;
    });
  }

  #encode(): Uint8Array {
    const databases = [...this.#policies].map(([name, policies]) => ({
      name,
      policies: policies.map((policy) => ({
        ...policy,
        durationNs: String(policy.durationNs),
        shardDurationNs: String(policy.shardDurationNs),
        fromEpoch: policy.fromEpoch ?? false,
        keptWindows: (policy.keptWindows ?? []).map(({ start, end }) => [String(start), String(end)]),
      })),
    }));
    const body = { partitions: this.partitions, databases };
    return encodeSealed(KIND, VERSION, body);
  }
}

/** The names, in a file that another thread writes. */
export class ReadDatabases extends Databases {
  override async save(): Promise<void> {
    // what has changed in memory stays until the file says so
  }
}

interface StoredDatabases {
  partitions: number;
  databases: StoredDatabase[];
}

interface StoredDatabase {
  name: string;
  policies: StoredPolicy[];
}

interface StoredPolicy {
  name: string;
  durationNs: string;
  shardDurationNs: string;
  isDefault: boolean;
  /** Absent in folders of before 0.2: 1. */
  replication?: number;
  /** Absent in version 1: true. */
  fromEpoch?: boolean;
  /** Absent in version 1: none. */
  keptWindows?: [start: string, end: string][];
}

function readPolicy(stored: StoredPolicy): RetentionPolicy {
  const { fromEpoch = true, keptWindows = [], replication = 1, ...policy } = stored;
  return {
    ...policy,
    durationNs: BigInt(policy.durationNs),
    shardDurationNs: BigInt(policy.shardDurationNs),
    replication,
    ...(fromEpoch ? { fromEpoch } : {}),
    keptWindows: keptWindows.map(([start, end]) => ({ start: BigInt(start), end: BigInt(end) })),
  };
}
