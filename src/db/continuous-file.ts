// Continuous queries on disk: one small file of sealed JSON (disk/sealed.ts) that is replaced as a whole:
// { queries: [{ database, name, text, doneNs }] }, in the order of their creation; no file = none.
//
// `doneNs` on disk may be older than in memory: after a crash the windows since then are computed once more, which writes the
// same points again. A query whose database is gone (a crash came between the two files) is passed over when the file is read.
import type { DiskError } from "../base/errors.ts";
import { type Disk, replaceFile } from "../disk/disk.ts";
import { decodeSealed, encodeSealed } from "../disk/sealed.ts";

const KIND = "serie continuous queries";
const VERSION = 1;

export interface StoredQuery {
  readonly database: string;
  readonly name: string;
  readonly text: string;
  readonly doneNs: bigint;
}

export class ContinuousFile {
  readonly #disk: Disk;
  readonly #path: string;
  #saved: Promise<void> = Promise.resolve();
  #failure: DiskError | undefined;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  /** Why the file could not be written; undefined = all is well. */
  get failure(): DiskError | undefined {
    return this.#failure;
  }

  /** Throws `CorruptionError`. */
  read(): StoredQuery[] {
    if (!this.#disk.exists(this.#path)) return [];
    const body = decodeSealed(KIND, VERSION, this.#disk.readFile(this.#path), this.#path) as StoredFile;
    return body.queries.map((query) => ({ ...query, doneNs: BigInt(query.doneNs) }));
  }

  /** Saves follow one another; each writes what `queries` gives at its own moment. Durable when resolved. */
  save(queries: () => Iterable<StoredQuery>): Promise<void> {
    this.#saved = this.#saved.then(() => {
      const stored = [...queries()].map(({ database, name, text, doneNs }) => ({
        ...{ database, name, text, doneNs: String(doneNs) },
      }));
      const body: StoredFile = { queries: stored };
      return replaceFile(this.#disk, this.#path, encodeSealed(KIND, VERSION, body));
    });
    this.#saved.catch((error: DiskError) => {
      this.#failure = error;
    });
    return this.#saved;
  }
}

interface StoredFile {
  queries: { database: string; name: string; text: string; doneNs: string }[];
}
