// Continuous queries on disk: { database, name, text, doneNs } each, in the order of their creation.
//
// `doneNs` on disk may be older than in memory: after a crash the windows since then are computed once more, which writes the
// same points again. A query whose database is gone (a crash came between the two files) is passed over when the file is read.
import type { DiskError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import { SealedList } from "./sealed-list.ts";

export interface StoredQuery {
  readonly database: string;
  readonly name: string;
  readonly text: string;
  readonly doneNs: bigint;
}

export class ContinuousFile {
  readonly #list: SealedList<{ database: string; name: string; text: string; doneNs: string }>;

  constructor(disk: Disk, path: string) {
    this.#list = new SealedList(disk, path, "serie continuous queries");
  }

  /** Why the file could not be written; undefined = all is well. */
  get failure(): DiskError | undefined {
    return this.#list.failure;
  }

  /** Throws `CorruptionError`. */
  read(): StoredQuery[] {
    return this.#list.read().map((query) => ({ ...query, doneNs: BigInt(query.doneNs) }));
  }

  /** Durable when resolved; it holds what `queries` gives at a moment after the call. */
  save(queries: () => readonly StoredQuery[]): Promise<void> {
    return this.#list.save(() =>
      queries().map(({ database, name, text, doneNs }) => ({
        ...{ database, name, text, doneNs: String(doneNs) },
      })),
    );
  }
}
