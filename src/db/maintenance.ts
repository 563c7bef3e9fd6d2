// Maintenance: flush, compaction and drops, one after the other, beside writes and reads.
//
//   flush   rotate the log, seal every memtable (one synchronous step: what is sealed is what the rotated files hold),
//           write segments, store by store, then trim the log
//   soon    a deletion comes into a flush between two stores: those before have it in memory, as after a flush, those behind write
//           segments without what it took; the log keeps its record for all of them, as it is behind what is flushed
import type { Clock } from "../base/clock.ts";
import { DiskError, OverloadedError } from "../base/errors.ts";
import type { Wal } from "../log/wal.ts";
import type { Store } from "../store/store.ts";

export class Maintenance {
  readonly #log: Wal;
  readonly #stores: readonly Store[];
  /** Gives a record that the log is to have also once a flush has trimmed it. */
  carried: () => Uint8Array | null = () => null;
  #tail: Promise<void> = Promise.resolve();
  /** What `soon` is asked for and has not begun. */
  #waiting: (() => Promise<void>)[] = [];
  #flush: Promise<void> | undefined;
  #failure: DiskError | undefined;
  #closing = false;
  #compacting: Promise<void> | undefined;
  /** Since when no flush has begun, ms of the clock of `rest`; undefined = since the next call of it. */
  #quietSinceMs: number | undefined;
  #rested = false;
  readonly #statistics = { flushes: 0, flushMs: 0 };

  /** A store found no memory for a merge since the last flush, or since `rest` has looked. */
  #foundNoMemory = false;

  /** Windows that are over are merged when nothing was flushed for so long. */
  static readonly QUIET_MS = 1000;
  /** Merges that found no memory are tried again after so long, when no flush comes before. */
  static readonly RETRY_MS = 10_000;

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

  /** The same, but of a flush that runs waits only for the store that it is at. `work` may take rows of any, and is short. */
  soon<T>(work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    this.#waiting.push(async () => {
      const done = work();
      resolve(done);
      await done.catch(() => undefined);
    });
    void this.exclusively(() => this.#doWaiting());
    return promise;
  }

  async #doWaiting(): Promise<void> {
    for (const work of this.#waiting.splice(0)) await work();
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

  /** Called from time to time: once it has been quiet, the windows that are over are merged into one segment each. */
  rest(clock: Clock): void {
    this.#quietSinceMs ??= clock.elapsedMs();
    if (this.#closing || this.#failure || this.#flush || this.#compacting) return;
    if (this.#foundNoMemory) {
      this.#foundNoMemory = false;
      this.#rested = false;
      this.#quietSinceMs = clock.elapsedMs() + Maintenance.RETRY_MS - Maintenance.QUIET_MS;
    }
    if (this.#rested) return;
    if (clock.elapsedMs() - this.#quietSinceMs < Maintenance.QUIET_MS) return;
    this.#rested = true;
    this.#compactLater(clock.nowNs());
  }

  /** Waits for what runs and starts nothing new. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#compacting;
    await this.#tail;
  }

  async #flushAll(): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#quietSinceMs = undefined;
    this.#rested = false;
    this.#foundNoMemory = false;
    const startMs = performance.now();
    try {
      const position = this.#log.last;
      this.#log.rotate();
      for (const store of this.#stores) store.seal();
      const carried = this.carried();
      if (carried) this.#log.append(carried);
      // a segment must not be ahead of the log that a power cut leaves
      await this.#log.sync();
      for (const store of this.#stores) {
        await store.flush(position);
        if (this.#waiting.length === 0) continue;
        await this.#doWaiting();
        // (the stores that are still to be flushed have what it did)
        await this.#log.sync();
      }
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
  #compactLater(endedNs: bigint | null = null): void {
    this.#compacting ??= this.#compactAll(endedNs)
      .catch((error: Error) => {
        this.#failure ??=
          error instanceof DiskError
            ? error
            : new DiskError(`compaction failed: ${error.message}`, { cause: error });
      })
      .finally(() => {
        this.#compacting = undefined;
      });
  }

  async #compactAll(endedNs: bigint | null): Promise<void> {
    const stopped = () => this.#closing || this.#failure !== undefined;
    for (const store of this.#stores) {
      try {
        while (!stopped() && (await store.compact((work) => this.exclusively(work), stopped, endedNs))) {
          // until it has nothing more to merge
        }
      } catch (error) {
        if (!(error instanceof OverloadedError)) throw error;
        // no memory for a merge now: the inputs stay, and the next flush or rest tries again
        this.#foundNoMemory = true;
      }
    }
  }
}
