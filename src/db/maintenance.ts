// Maintenance: flush, compaction and drops, one after the other, beside writes and reads.
//
//   flush   rotate the log, seal every memtable (one synchronous step: what is sealed is what the rotated files hold),
//           write segments, then trim the log
import { DiskError, OverloadedError } from "../base/errors.ts";
import type { Wal } from "../log/wal.ts";
import type { Store } from "../store/store.ts";

export class Maintenance {
  readonly #log: Wal;
  readonly #stores: readonly Store[];
  #tail: Promise<void> = Promise.resolve();
  #flush: Promise<void> | undefined;
  #failure: DiskError | undefined;
  #closing = false;
  #compacting: Promise<void> | undefined;
  readonly #statistics = { flushes: 0, flushMs: 0 };

  constructor(log: Wal, stores: readonly Store[]) {
    this.#log = log;
    this.#stores = stores;
  }

  /** Why nothing can be flushed any more; undefined = all is well. */
  get failure(): DiskError | undefined {
    return this.#failure;
  }

  /** The disk failed in other work, so that a flush would not be right: none comes from now on. */
  fail(error: DiskError): void {
    this.#failure ??= error;
  }

  get flushing(): boolean {
    return this.#flush !== undefined;
  }

  get statistics(): Readonly<{ flushes: number; flushMs: number }> {
    return this.#statistics;
  }

  /** Runs `work` when no other maintenance runs, and before any that is asked for later. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  /** Brings all rows in memory to segments; a call during a flush that has not sealed yet joins it. */
  flush(): Promise<void> {
    if (this.#flush) return this.#flush;
    const flushed = this.exclusively(() => {
      this.#flush = undefined;
      return this.#flushAll();
    });
    this.#flush = flushed;
    flushed.then(
      () => this.#compactLater(),
      () => undefined,
    );
    return flushed;
  }

  /** A flush, and all the merges that are due after it. */
  async settle(): Promise<void> {
    await this.flush();
    // one that ran before the flush may have gone past what it brought
    await this.#compacting;
    this.#compactLater();
    await this.#compacting;
  }

  /** Waits for what runs and starts nothing new. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#compacting;
    await this.#tail;
  }

  async #flushAll(): Promise<void> {
    if (this.#failure) throw this.#failure;
    const startMs = performance.now();
    try {
      const position = this.#log.last;
      this.#log.rotate();
      for (const store of this.#stores) store.seal();
      // a segment must not be ahead of the log that a power cut leaves
      await this.#log.sync();
      for (const store of this.#stores) await store.flush(position);
      await this.#log.trim(position);
    } catch (error) {
      // our own bugs as well: rows that cannot be flushed must stay in memory and in the log, and people must know
      const cause = error as Error;
      this.#failure =
        error instanceof DiskError ? error : new DiskError(`flush failed: ${cause.message}`, { cause });
      throw error;
    }
    this.#statistics.flushes++;
    this.#statistics.flushMs += performance.now() - startMs;
  }

  // One compaction at a time, beside flushes, until no window has too many segments.
  #compactLater(): void {
    this.#compacting ??= this.#compactAll()
      .catch((error: Error) => {
        // no memory for a merge now: the inputs stay, and the next flush tries again
        if (error instanceof OverloadedError) return;
        this.#failure ??=
          error instanceof DiskError
            ? error
            : new DiskError(`compaction failed: ${error.message}`, { cause: error });
      })
      .finally(() => {
        this.#compacting = undefined;
      });
  }

  async #compactAll(): Promise<void> {
    for (const store of this.#stores) {
      const stopped = () => this.#closing || this.#failure !== undefined;
      while (!stopped() && (await store.compact((work) => this.exclusively(work), stopped))) {
        // until it has nothing more to merge
      }
    }
  }
}
