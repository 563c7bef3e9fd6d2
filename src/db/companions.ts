// Companions: the other threads of a database, as one of them sees them.
//
// Every thread has the partitions that the ring gives it, with its own stores and log. Thread 0 is the head: it has the
// names (databases, policies, users), the types of all fields, and what runs by the clock; the others are its members.
import { ClosedError, OverloadedError } from "../base/errors.ts";
import type { FieldType } from "../model/types.ts";
import { Channel, type Handlers, type Port } from "../threads/channel.ts";
import { RemoteSource } from "../threads/remote-source.ts";
import type { SharingSource } from "../threads/scattered-source.ts";
import { Parcels, SMALL_BYTES } from "./parcels.ts";
import { Peers } from "./peers.ts";
import type { Place, StoredPart } from "./stored.ts";
import type { FieldName } from "./unify.ts";

/** A field of a measurement with a type that it has, or is to have. */
export type DeclaredField = readonly [measurement: string, field: string, type: FieldType];

/** Where a thread stands among the others. */
export interface Seat {
  /** 0 = the head. */
  readonly index: number;
  readonly count: number;
  /** The thread of each partition. */
  readonly owners: Uint8Array;
  /**
   * i32 a thread: how often fields and series have changed there; i32 a thread: how many queries run there; i64 a thread: how many
   * have begun there; i32 a thread: see `Peers`; i32 a thread: KiB of rows that it fills memory with; i32 a thread: KiB of all rows that
   * it has in memory.
   */
  readonly shared: SharedArrayBuffer;
}

/** Between looks whether a thread is there again. */
const RETRY_MS = 20;

export function sharedBytes(threads: number): number {
  return threads * 28;
}

export class Companions {
  readonly seat: Seat;
  /** A source for each other thread. */
  readonly sources: readonly SharingSource[];
  readonly peers: Peers;
  readonly #shared: Int32Array;
  readonly #begun: BigInt64Array;
  readonly #filling: Int32Array;
  readonly #inMemory: Int32Array;
  readonly #channels: (Channel | undefined)[];
  /** Threads that have their rows and, where there is a server, listen: the head's to say. */
  readonly ready = new Set<number>();
  /** Why a thread could not be started again, by thread: the head's to say. */
  readonly failures = new Map<number, string>();
  readonly #parcels: (Parcels | undefined)[] = [];
  #connects = 0;
  #changes: number | undefined;

  constructor(seat: Seat) {
    this.seat = seat;
    this.#shared = new Int32Array(seat.shared, 0, seat.count * 2);
    this.#begun = new BigInt64Array(seat.shared, seat.count * 8, seat.count);
    this.#channels = new Array(seat.count).fill(undefined);
    this.#filling = new Int32Array(seat.shared, seat.count * 20, seat.count);
    this.#inMemory = new Int32Array(seat.shared, seat.count * 24, seat.count);
    this.tellMemory(0, 0);
    this.peers = new Peers(
      seat.index,
      new Int32Array(seat.shared, seat.count * 16, seat.count),
      (thread) => this.#channels[thread],
    );
    this.sources = this.others.map((thread) => new RemoteSource(() => this.channel(thread)));
  }

  get others(): number[] {
    return Array.from({ length: this.seat.count }, (_, thread) => thread).filter(
      (t) => t !== this.seat.index,
    );
  }

  /** Queries that run, over all threads. */
  readonly running = {
    count: (): number => {
      const { count } = this.seat;
      let sum = 0;
      for (let thread = 0; thread < count; thread++) sum += Atomics.load(this.#shared, count + thread);
      return sum;
    },
    add: (count: number): void => {
      Atomics.add(this.#shared, this.seat.count + this.seat.index, count);
    },
  };

  /** Says what rows take in memory here, bytes: those not sealed yet, and all. */
  tellMemory(filling: number, all: number): void {
    Atomics.store(this.#filling, this.seat.index, filling / 1024);
    Atomics.store(this.#inMemory, this.seat.index, all / 1024);
  }

  /** What rows take in memory, over all threads, bytes. */
  memory(): { readonly filling: number; readonly all: number } {
    let [filling, all] = [0, 0];
    for (let thread = 0; thread < this.seat.count; thread++) {
      filling += Atomics.load(this.#filling, thread);
      all += Atomics.load(this.#inMemory, thread);
    }
    return { filling: filling * 1024, all: all * 1024 };
  }

  /** The id of the next query here, from 1, which no other one gets: not in another thread, nor in this one once it was started again. */
  nextQueryId(): number {
    const { index, count } = this.seat;
    return Number(Atomics.add(this.#begun, index, 1n)) * count + index + 1;
  }

  /** The queries of a thread that died run no more, it takes over no bodies, and has no rows in memory. */
  forget(thread: number): void {
    this.peers.forget(thread);
    Atomics.store(this.#filling, thread, 0);
    Atomics.store(this.#inMemory, thread, 0);
    Atomics.store(this.#shared, this.seat.count + thread, 0);
  }

  /** Says that fields or series have changed here: `changes` is another number then. */
  changed(changes: number): void {
    if (changes === this.#changes) return;
    this.#changes = changes;
    // (added to: a thread that was started again must come to no number of before)
    Atomics.add(this.#shared, this.seat.index, 1);
  }

  /** Another number whenever they have changed anywhere. */
  changes(): string {
    let changes = "";
    for (let thread = 0; thread < this.seat.count; thread++)
      changes += `${Atomics.load(this.#shared, thread)} `;
    return changes;
  }

  connect(thread: number, port: Port, handlers: Handlers): void {
    this.#channels[thread] = new Channel(port, handlers);
    this.#connects++;
  }

  /** Takes a channel that is there already. */
  adopt(thread: number, channel: Channel): void {
    this.#channels[thread] = channel;
  }

  /** What is under way to the thread ends with an error that asks to send again. */
  disconnect(thread: number): void {
    this.#channels[thread]?.close(this.#unreachable(thread));
    this.#channels[thread] = undefined;
  }

  /** Throws `OverloadedError` while the thread is not there. */
  channel(thread: number): Channel {
    const channel = this.#channels[thread];
    if (channel === undefined) throw this.#unreachable(thread);
    return channel;
  }

  /** How often a thread was connected, at first and again. */
  get connects(): number {
    return this.#connects;
  }

  isConnected(thread: number): boolean {
    return this.#channels[thread] !== undefined;
  }

  /** Stores rows of another thread's partitions there; durable when resolved. The bytes are copied. */
  async write(thread: number, place: Place, batch: Uint8Array, rows: number): Promise<StoredPart> {
    const channel = this.channel(thread);
    if (batch.length > SMALL_BYTES) return channel.call("write", place, batch.slice(), rows);
    this.#parcels[thread] ??= new Parcels(async (places, sizes, bytes) =>
      this.channel(thread).call("writeParcel", places, sizes, bytes),
    );
    return this.#parcels[thread].add(place, batch, rows);
  }

  /** See `Surroundings`. Not for the head itself. */
  async declare(database: string, fields: readonly DeclaredField[]): Promise<readonly DeclaredField[]> {
    return this.channel(0).call("declare", database, fields);
  }

  /** Those of the fields whose types the head knows. Not for the head itself. */
  async knownFields(database: string, fields: readonly FieldName[]): Promise<readonly DeclaredField[]> {
    return this.channel(0).call("knownFields", database, fields);
  }

  /** Asks each of the others the same. */
  each<T>(name: string, ...args: unknown[]): Promise<T>[] {
    return this.others.map(async (thread) => this.channel(thread).call<T>(name, ...args));
  }

  /** Asks all others the same. Rejects with the first error once all have answered. */
  async all<T>(name: string, ...args: unknown[]): Promise<T[]> {
    return valuesOf(await Promise.allSettled(this.each<T>(name, ...args)));
  }

  /**
   * Resolves when all others are there and can write. Rejects when `isOver`, with `OverloadedError` when one of them could not be
   * started, and with why one of them cannot write.
   */
  async allThere(isOver: () => boolean): Promise<void> {
    for (;;) {
      const there = await Promise.allSettled(this.each("checkWritable"));
      const away = there.filter((each) => each.status === "rejected");
      const refused = away.find(({ reason }) => !(reason instanceof OverloadedError));
      if (refused) throw refused.reason;
      if (away.length === 0) return;
      for (const [thread, failure] of this.failures)
        throw new OverloadedError(
          `thread ${thread} of ${this.seat.count} could not be started, so that nothing was changed: ${failure}`,
        );
      if (isOver()) throw new ClosedError("the database is closed");
      await Bun.sleep(RETRY_MS);
    }
  }

  /**
   * Has all others do the same, those that are being started again once they are there: a drop that a thread missed would bring
   * back its rows when the name is used again. Rejects when `isOver`, or with what a thread that did it threw.
   */
  async everyone<T>(name: string, args: readonly unknown[], isOver: () => boolean): Promise<T[]> {
    const done = this.others.map(async (thread): Promise<T> => {
      for (;;) {
        try {
          return await this.channel(thread).call<T>(name, ...args);
        } catch (error) {
          if (!(error instanceof OverloadedError) || isOver()) throw error;
          await Bun.sleep(RETRY_MS);
        }
      }
    });
    return valuesOf(await Promise.allSettled(done));
  }

  /** Asks those of the others that are there; null for one that is not, or fails. */
  async reachable<T>(name: string, ...args: unknown[]): Promise<(T | null)[]> {
    return (await Promise.allSettled(this.each<T>(name, ...args))).map((answer) =>
      answer.status === "fulfilled" ? answer.value : null,
    );
  }

  close(error: Error): void {
    for (const channel of this.#channels) channel?.close(error);
  }

  #unreachable(thread: number): OverloadedError {
    return new OverloadedError(
      `thread ${thread} of ${this.seat.count} has stopped and recovers its rows from the log: send again`,
    );
  }
}

/** Throws the first error. */
export function valuesOf<T>(settled: readonly PromiseSettledResult<T>[]): T[] {
  return settled.map((each) => {
    if (each.status === "rejected") throw each.reason;
    return each.value;
  });
}
