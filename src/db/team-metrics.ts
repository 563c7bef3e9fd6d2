// The metrics of all threads, added up. Counters never fall: those of a thread that died are kept as they were when it was last asked.
import type { Companions } from "./companions.ts";
import { type Metric, summed } from "./status.ts";

export class TeamMetrics {
  readonly #companions: Companions;
  /** Counters of each thread, when it was last asked. */
  readonly #last = new Map<number, readonly Metric[]>();
  #ofDead: readonly Metric[] = [];

  constructor(companions: Companions) {
    this.#companions = companions;
  }

  /** `own`: this thread's. */
  async all(own: readonly Metric[]): Promise<Metric[]> {
    const others = await this.#companions.reachable<readonly Metric[]>("metrics");
    const lists = this.#companions.others.map((thread, i) => {
      const metrics = others[i];
      if (metrics)
        this.#last.set(
          thread,
          metrics.filter(({ type }) => type === "counter"),
        );
      return metrics ?? this.#last.get(thread) ?? [];
    });
    return summed([own, ...lists, this.#ofDead]);
  }

  /** A thread has died: the next one of its place counts from 0. */
  died(thread: number): void {
    this.#ofDead = summed([this.#ofDead, this.#last.get(thread) ?? []]);
    this.#last.delete(thread);
  }
}
