// Pause: lets long work (flush, compaction, scans, long answers) give way to requests every few milliseconds.
//
//   turn of the event loop   requests | a slice | requests | a slice | ...     queries and upkeep by turns, of each who waited longest
//
// One slice in each turn, however many wait: a request that comes in, a write above all, waits for one of them and not for all.
// Upkeep (what writes leave behind: flushes, merges) has a line of its own, so that many queries cannot hold it up until
// writes have to wait for it.

const SLICE_MS = 4;

type Work = "query" | "upkeep";

export class Pause {
  readonly #line: Line;
  #sliceStartMs = performance.now();

  constructor(work: Work = "query") {
    this.#line = lines[work];
  }

  /** Whether the work has had its slice of time. */
  due(): boolean {
    return performance.now() - this.#sliceStartMs > SLICE_MS;
  }

  /** Lets everything else that is ready run, the arrival of a cancellation included. */
  async wait(): Promise<void> {
    await new Promise<void>((resume) => {
      this.#line.push(resume);
      if (!isArmed) setImmediate(next);
      isArmed = true;
    });
    this.#sliceStartMs = performance.now();
  }
}

/** Who has waited longest first. */
type Line = (() => void)[];

const lines: Readonly<Record<Work, Line>> = { query: [], upkeep: [] };
let last: Work = "query";
let isArmed = false;

function next(): void {
  const other = last === "query" ? "upkeep" : "query";
  if (lines[other].length > 0) last = other;
  lines[last].shift()!();
  isArmed = lines.query.length + lines.upkeep.length > 0;
  if (isArmed) setImmediate(next);
}
