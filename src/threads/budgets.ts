// What a query may still use, kept over threads: the thread that asks looks after the deadline and the kill, and stops the stream
// or the task; the one that answers sees that it is stopped, and has a bound of its own on what it holds.
import { heldTooMuch, QueryAbortedError } from "../base/errors.ts";
import type { Budget } from "../model/scan.ts";
import type { ReadStream, StreamState, Task } from "./channel.ts";

/** How often somebody who waits for another thread looks whether it must end. */
const CHECK_MS = 50;

/** The chunks of a stream; it is stopped when the budget says so. */
export async function* attended(chunks: ReadStream, budget: Budget): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let ended: { readonly error: unknown } | undefined;
  const timer = setInterval(() => {
    try {
      budget.check();
    } catch (error) {
      ended = { error };
      void chunks.return();
    }
  }, CHECK_MS);
  try {
    yield* chunks;
    if (ended) throw ended.error;
  } finally {
    clearInterval(timer);
  }
}

/** What a task gives. It is asked to end when the budget says so; what has become of it is waited for, and said, in any case. */
export async function attendedTask<T>(task: Task<T>, budget: Budget): Promise<T> {
  let stopped: { readonly error: unknown } | undefined;
  const timer = setInterval(() => {
    if (stopped) return;
    try {
      budget.check();
    } catch (error) {
      stopped = { error };
      task.stop();
    }
  }, CHECK_MS);
  try {
    return await task.ended;
  } catch (error) {
    throw stopped && error instanceof QueryAbortedError ? stopped.error : error;
  } finally {
    clearInterval(timer);
  }
}

/** The budget of what a stream is made of, or of a task. */
export class ServedBudget implements Budget {
  readonly #state: StreamState;
  readonly #maxHeldBytes: number;
  #heldBytes = 0;

  /** `maxHeldBytes`: 0 = no bound. */
  constructor(state: StreamState, maxHeldBytes: number) {
    this.#state = state;
    this.#maxHeldBytes = maxHeldBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  check(): void {
    if (this.#state.isStopped) throw new QueryAbortedError("query was killed");
  }

  hold(sizeBytes: number): void {
    this.#heldBytes += sizeBytes;
    if (this.#maxHeldBytes > 0 && this.#heldBytes > this.#maxHeldBytes) throw heldTooMuch(this.#maxHeldBytes);
  }
}
