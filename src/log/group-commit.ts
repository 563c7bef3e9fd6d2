// Group commit: one round of syncing at a time; all that ask while it runs share the next one.
//
//   ask 1   ask 2 ──┐ round A ─────────► 1, 2
//               ask 3   ask 4   ask 5 ───┐ round B ─────────► 3, 4, 5
//
// A round covers what was written before it started, so who asks while it runs cannot be served by it.

interface Waiter {
  resolve: () => void;
  reject: (error: unknown) => void;
}

export class GroupCommit {
  readonly #round: () => Promise<void>;
  #waiters: Waiter[] = [];
  #running: Promise<void> | undefined;

  /** `round` makes durable what was written before its call. */
  constructor(round: () => Promise<void>) {
    this.#round = round;
  }

  /** The rounds that are under way; undefined when nobody waits. */
  get running(): Promise<void> | undefined {
    return this.#running;
  }

  /** Resolves at the end of a round that starts after this call; rejects with what it threw. */
  nextRound(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    // requests that arrived in the same turn of the event loop share the first round
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#waiters.length > 0) {
      const waiters = this.#waiters;
      this.#waiters = [];
      try {
        await this.#round();
        for (const { resolve } of waiters) resolve();
      } catch (error) {
        for (const { reject } of waiters) reject(error);
      }
    }
    this.#running = undefined;
  }
}
