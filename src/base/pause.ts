// Pause: lets long work (flush, compaction, scans, long answers) give way to requests every few milliseconds.

const SLICE_MS = 4;

export class Pause {
  #sliceStartMs = performance.now();

  /** Whether the work has had its slice of time. */
  due(): boolean {
    return performance.now() - this.#sliceStartMs > SLICE_MS;
  }

  /** Lets everything else that is ready run, the arrival of a cancellation included. */
  async wait(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#sliceStartMs = performance.now();
  }
}
