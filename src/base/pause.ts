// Pause: lets long work (flush, compaction, scans, long answers) give way to requests every few milliseconds.
//
//   turn of the event loop   requests | a slice | requests | a slice | ...     queries and upkeep by turns, of each who waited longest
//
// One slice in each turn, however many wait: a request that comes in, a write above all, waits for one of them and not for all.
// Upkeep (what writes leave behind: flushes, merges) has a line of its own, so that many queries cannot hold it up until
// writes have to wait for it. While large bodies come one after the other and there is room for what they leave behind, it has a
// share of the time: it is less work when there is more of it at once. Queries have a share then, too, in which also their first
// slices count: a turn is short where the event loop takes many of them to receive a body.

const SLICE_MS = 4;
/** While large bodies are worked on, upkeep begins a slice once in so long. */
const UPKEEP_EVERY_MS = 80;
/** Once none has been for so long, the thread has nothing else to do. */
const IDLE_MS = 1;
/** So long behind a large body more of them are expected: slices of queries have this share of the time. */
const BUSY_MS = 20;
const QUERY_SHARE = 0.2;
/** A slice counts for no more: one in which the machine stood still would keep all queries from their share for long. */
const LONGEST_SLICE_MS = 250;
/** A turn of the event loop that took less had nothing else to do. */
const EMPTY_TURN_MS = 0.1;

type Work = "query" | "upkeep";

export class Pause {
  readonly #line: Line;
  #sliceStartMs = performance.now();

  constructor(work: Work = "query") {
    this.#line = lines[work];
  }

  /** Before the first slice: while large bodies are worked on it, too, waits for its turn. */
  async begin(): Promise<void> {
    if (isBusy(performance.now())) await this.wait();
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

/** Says that a large body, or a large part of one, is worked on now; `hasRoom`: what it leaves behind can wait. */
export function noteBody(hasRoom: boolean): void {
  lastBodyMs = performance.now();
  if (hasRoom) lastRoomMs = lastBodyMs;
}

/** Who has waited longest first. */
type Line = (() => void)[];

const lines: Readonly<Record<Work, Line>> = { query: [], upkeep: [] };
let last: Work = "query";
let isArmed = false;
let isDelayed = false;
let lastBodyMs = 0;
/** When a body came last for which there was room. */
let lastRoomMs = 0;
let lastUpkeepMs = 0;
/** The slice that was begun in this turn. */
let begun: { readonly work: Work; readonly atMs: number } | null = null;
/** Of the last slice of a query: how long it took, and when it was over. */
let querySliceMs = 0;
let queryEndMs = 0;
/** Since when something else may have worked in this turn. */
let turnStartMs = 0;

function arm(): void {
  if (isArmed) return;
  isArmed = true;
  turnStartMs = performance.now();
  // one after the other in the same turn: the slice is what runs between them
  setImmediate(next);
  setImmediate(noteEnd);
}

function noteEnd(): void {
  turnStartMs = performance.now();
  if (begun?.work === "query") {
    querySliceMs = Math.min(turnStartMs - begun.atMs, LONGEST_SLICE_MS);
    queryEndMs = turnStartMs;
  }
  begun = null;
}

function next(): void {
  isArmed = false;
  const work = whoseTurn(performance.now());
  if (work === null) {
    if (lines.query.length > 0) arm();
    else if (lines.upkeep.length > 0) lookLater();
    return;
  }
  last = work;
  begun = { work, atMs: performance.now() };
  if (work === "upkeep") lastUpkeepMs = begun.atMs;
  lines[work].shift()!();
  if (lines.query.length + lines.upkeep.length > 0) arm();
}

function whoseTurn(nowMs: number): Work | null {
  const mayUpkeep = lines.upkeep.length > 0 && !isUpkeepSoon(nowMs);
  const mayQuery = lines.query.length > 0 && !isQuerySoon(nowMs);
  if (!mayQuery) return mayUpkeep ? "upkeep" : null;
  return mayUpkeep && last === "query" ? "upkeep" : "query";
}

const isBusy = (nowMs: number): boolean => nowMs - lastBodyMs < BUSY_MS;

function isQuerySoon(nowMs: number): boolean {
  const isShareSpent = nowMs - queryEndMs < querySliceMs * (1 / QUERY_SHARE - 1);
  return isShareSpent && isBusy(nowMs) && nowMs - turnStartMs > EMPTY_TURN_MS;
}

function isUpkeepSoon(nowMs: number): boolean {
  return nowMs - lastRoomMs < IDLE_MS && nowMs - lastUpkeepMs < UPKEEP_EVERY_MS;
}

function lookLater(): void {
  if (isDelayed) return;
  isDelayed = true;
  setTimeout(() => {
    isDelayed = false;
    arm();
  }, SLICE_MS);
}
