// What the stages of a thread's work took, for `/metrics`: measured for each request, batch or row group, never for a row.

export type Stage = "parse" | "memtable" | "encode";

export class Stages {
  /** Since the thread began, ms. */
  readonly ms: Readonly<Record<Stage, number>>;
  readonly #ms: Record<Stage, number>;

  constructor() {
    this.#ms = { parse: 0, memtable: 0, encode: 0 };
    this.ms = this.#ms;
  }

  /** Runs `work`, which is synchronous, as a part of a stage; also what it throws took its time. */
  time<T>(stage: Stage, work: () => T): T {
    const startMs = performance.now();
    try {
      return work();
    } finally {
      this.#ms[stage] += performance.now() - startMs;
    }
  }
}
