// Group commit: one round of syncing at a time; all that ask while it runs share the next one.
//
//   ask 1   ask 2 ──┐ round A ─────────► 1, 2
//               ask 3   ask 4   ask 5 ───┐ round B ─────────► 3, 4, 5
//
// A round covers what was written before it started, so who asks while it runs cannot be served by it.

export class GroupCommit {
  readonly #round: () => Promise<void>;
  /** Of the round that has not begun, one for all who wait for it; undefined while nobody does. */
  #next: PromiseWithResolvers<void> | undefined;
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
    this.#next ??= Promise.withResolvers();
    const { promise } = this.#next;
    this.#running ??= this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    // requests that arrived in the same turn of the event loop share the first round
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (let waiting = this.#next; waiting !== undefined; waiting = this.#next) {
      this.#next = undefined;
      try {
        await this.#round();
        waiting.resolve();
      } catch (error) {
        waiting.reject(error);
      }
    }
    this.#running = undefined;
  }
}
