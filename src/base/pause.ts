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
    await new Promise<void>(takeTurns);
    this.#sliceStartMs = performance.now();
  }
}

/** Who has waited longest first. */
const waiting: (() => void)[] = [];

// One slice in each turn of the event loop, however many wait: a request that comes in, a write above all, waits for one of them and
// not for all.
function takeTurns(resume: () => void): void {
  if (waiting.push(resume) === 1) setImmediate(next);
}

function next(): void {
  waiting.shift()!();
  if (waiting.length > 0) setImmediate(next);
}
