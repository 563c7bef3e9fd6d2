// Room: the memory for rows that are not in segments yet, which the threads share. Full of rows, it is flushed; what comes while
// flushes are slower than writes waits.
import type { Clock } from "../base/clock.ts";
import { OverloadedError } from "../base/errors.ts";
import { noteBody } from "../base/pause.ts";
import type { Store } from "../store/store.ts";
import type { Applier } from "./applier.ts";
import type { Companions } from "./companions.ts";

/** What brings so many bytes is a large body, or a large part of one. */
const LARGE_BYTES = 64 * 1024;
/** Of what makes writes wait: with more of it flushes give way to nobody. */
const TIGHT = 0.75;
/** How long a write waits for a flush to make room before it is refused. */
const TIMEOUT_MS = 5_000;
/** Rows that one thread fills memory with, at most: it has 4 GiB of its own, however large what the threads share. */
const MOST_OWN_BYTES = 2 ** 30;

export interface RoomParts {
  /** Bytes of rows that are not sealed, over all threads: more are flushed. */
  readonly maxMemSize: number;
  readonly clock: Clock;
  readonly applier: Applier;
  readonly stores: readonly Store[];
  readonly companions: Companions | null;
  flush(): Promise<void>;
  checkWritable(): void;
}

export class Room {
  readonly #parts: RoomParts;

  constructor(parts: RoomParts) {
    this.#parts = parts;
  }

  /** Whether writes have to wait. */
  get isFull(): boolean {
    return this.look().all > this.#mostBytes;
  }

  // Sealed and active memtables together may take it twice: one being flushed, one being filled.
  get #mostBytes(): number {
    return 2 * this.#parts.maxMemSize;
  }

  /** Rows come: while there is room flushes give way to those that come in large bodies. */
  note(sizeBytes: number): void {
    if (sizeBytes >= LARGE_BYTES) noteBody(this.look().all < TIGHT * this.#mostBytes);
  }

  /** Flushes this thread's rows when there are as many as may be, and of these its share or more: some thread has. */
  flushWhenDue(): void {
    const { maxMemSize, companions, flush } = this.#parts;
    const { own, filling } = this.look();
    const isShared = filling > maxMemSize && own >= maxMemSize / (companions?.seat.count ?? 1);
    if (isShared || own > MOST_OWN_BYTES) void flush().catch(() => undefined);
  }

  /** Throws `OverloadedError` when none comes in time, and what `checkWritable` throws. */
  async wait(): Promise<void> {
    const { clock, checkWritable } = this.#parts;
    const deadline = clock.elapsedMs() + TIMEOUT_MS;
    while (this.isFull) {
      if (clock.elapsedMs() > deadline)
        throw new OverloadedError("rows come faster than they can be flushed: send again later");
      this.flushWhenDue();
      await Bun.sleep(2);
      checkWritable();
    }
  }

  /** What rows take, bytes: those of this thread that are not sealed (`own`), those of all threads that are not (`filling`), all. */
  look(): { readonly own: number; readonly filling: number; readonly all: number } {
    const { applier, stores, companions } = this.#parts;
    const own = applier.activeBytes;
    let all = own;
    for (const store of stores) all += store.sealedBytes;
    if (companions === null) return { own, filling: own, all };
    companions.tellMemory(own, all);
    return { own, ...companions.memory() };
  }
}
