// Peers: threads that take over each other's large bodies. The system spreads connections over threads as it falls out, and not
// work: who has several bodies hands one over to a thread that has none.
import type { Channel } from "../threads/channel.ts";
import type { WriteOutcome, WriteTarget } from "./stored.ts";

/** A write as it came in. */
export interface SentWrite {
  readonly form: "lines" | "json";
  readonly target: WriteTarget;
  /** Content-Encoding; null: none. */
  readonly encoding: string | null;
}

/** Has it stored, as if it had come in here. */
export type TakeOver = (write: SentWrite, body: Uint8Array) => Promise<WriteOutcome>;

/** Where a thread takes nothing over. */
const AWAY = 0;
/** Where it has no body to work on; one more for each that it has. */
const FREE = 1;

export class Peers {
  readonly #index: number;
  /** i32 a thread: AWAY, or FREE and how many bodies it has. */
  readonly #loads: Int32Array;
  /** undefined: it is not there. */
  readonly #channel: (thread: number) => Channel | undefined;
  #takeOver: TakeOver | undefined;

  constructor(index: number, loads: Int32Array, channel: (thread: number) => Channel | undefined) {
    this.#index = index;
    this.#loads = loads;
    this.#channel = channel;
    Atomics.store(loads, index, AWAY);
  }

  /** This thread takes bodies over from now on. */
  serve(takeOver: TakeOver): void {
    this.#takeOver = takeOver;
    Atomics.compareExchange(this.#loads, this.#index, AWAY, FREE);
  }

  /** This thread has one body more to work on, or one less. */
  add(bodies: 1 | -1): void {
    Atomics.add(this.#loads, this.#index, bodies);
  }

  /** Hands a body over to a thread that has none; null, and nothing is done, when all have. The bytes are given away. */
  handOver(write: SentWrite, body: Uint8Array): Promise<WriteOutcome> | null {
    for (let thread = 0; thread < this.#loads.length; thread++) {
      const channel = this.#channel(thread);
      if (channel && Atomics.compareExchange(this.#loads, thread, FREE, FREE + 1) === FREE)
        return channel.call("takeOver", write, body);
    }
    return null;
  }

  /** A thread has died. */
  forget(thread: number): void {
    Atomics.store(this.#loads, thread, AWAY);
  }

  /** What `handOver` asks for: it has been counted. */
  async takeOver(write: SentWrite, body: Uint8Array): Promise<WriteOutcome> {
    return this.#takeOver!(write, body);
  }
}
