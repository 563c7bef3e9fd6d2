// Pause: lets long work (flush, compaction, scans, long answers) give way to requests every few milliseconds.
//
//   turn of the event loop   requests | a slice | requests | a slice | ...     queries and upkeep by turns, of each who waited longest
//
// One slice in each turn, however many wait: a request that comes in, a write above all, waits for one of them and not for all.
// Upkeep (what writes leave behind: flushes, merges) has a line of its own, so that many queries cannot hold it up until
// writes have to wait for it. While large bodies come one after the other and there is room for what they leave behind, it has a
// share of the time: it is less work when there is more of it at once.

const SLICE_MS = 4;
/** While large bodies are worked on, upkeep begins a slice once in so long. */
const UPKEEP_EVERY_MS = 80;
/** Once none has been for so long, the thread has nothing else to do. */
const IDLE_MS = 1;

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
      arm();
    });
    this.#sliceStartMs = performance.now();
  }
}

/** Says that a large body, or a large part of one, is worked on now. */
export function noteBody(): void {
  lastBodyMs = performance.now();
}

/** Who has waited longest first. */
type Line = (() => void)[];

const lines: Readonly<Record<Work, Line>> = { query: [], upkeep: [] };
let last: Work = "query";
let isArmed = false;
let isDelayed = false;
let lastBodyMs = 0;
let lastUpkeepMs = 0;

function arm(): void {
  if (!isArmed) setImmediate(next);
  isArmed = true;
}

function next(): void {
  isArmed = false;
  const work = whoseTurn();
  if (work === null) {
    if (lines.upkeep.length > 0) lookLater();
    return;
  }
  last = work;
  if (work === "upkeep") lastUpkeepMs = performance.now();
  lines[work].shift()!();
  if (lines.query.length + lines.upkeep.length > 0) arm();
}

function whoseTurn(): Work | null {
  const mayUpkeep = lines.upkeep.length > 0 && !isUpkeepSoon();
  if (lines.query.length === 0) return mayUpkeep ? "upkeep" : null;
  return mayUpkeep && last === "query" ? "upkeep" : "query";
}

function isUpkeepSoon(): boolean {
  const nowMs = performance.now();
  return nowMs - lastBodyMs < IDLE_MS && nowMs - lastUpkeepMs < UPKEEP_EVERY_MS;
}

function lookLater(): void {
  if (isDelayed) return;
  isDelayed = true;
  setTimeout(() => {
    isDelayed = false;
    arm();
  }, SLICE_MS);
}
