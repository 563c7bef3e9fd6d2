// A list of definitions (continuous queries, subscriptions) in one small file of sealed JSON (disk/sealed.ts) that is replaced
// as a whole: { list: [...] }; no file = an empty list.
import type { DiskError } from "../base/errors.ts";
import { type Disk, replaceFile } from "../disk/disk.ts";
import { decodeSealed, encodeSealed } from "../disk/sealed.ts";

const VERSION = 1;

/** `T`: what JSON keeps as it is. */
export class SealedList<T> {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #kind: string;
  #saved: Promise<void> = Promise.resolve();
  #failure: DiskError | undefined;

  /** `kind`: the first words of the file. */
  constructor(disk: Disk, path: string, kind: string) {
    this.#disk = disk;
    this.#path = path;
    this.#kind = kind;
  }

  /** Why the file could not be written; undefined = all is well. */
  get failure(): DiskError | undefined {
    return this.#failure;
  }

  /** Throws `CorruptionError`. */
  read(): readonly T[] {
    if (!this.#disk.exists(this.#path)) return [];
    const bytes = this.#disk.readFile(this.#path);
    return (decodeSealed(this.#kind, VERSION, bytes, this.#path) as { list: T[] }).list;
  }

  /** Saves follow one another; each writes what `list` gives at its own moment. Durable when resolved. */
  save(list: () => readonly T[]): Promise<void> {
    this.#saved = this.#saved.then(() =>
      replaceFile(this.#disk, this.#path, encodeSealed(this.#kind, VERSION, { list: list() })),
    );
    this.#saved.catch((error: DiskError) => {
      this.#failure = error;
    });
    return this.#saved;
  }
}
