// Pause: lets long work (flush, merges, scans, long answers) give way to requests every few milliseconds.
//
//   turn of the event loop   requests | a slice | requests | a slice | ...     queries, flushes and merges by turns, of each who waited longest
//
// One slice in each turn, however many wait: a request that comes in, a write above all, waits for one of them and not for all.
// Flushes and merges have lines of their own, so that many queries cannot hold them up until writes have to wait for them.
//
// While large bodies come one after the other, queries and merges have a share of the time each, in which also first slices of queries
// count: a turn is short where the event loop takes many of them to receive a body. Flushes then have slices now and then, as
// it is less work when there is more of it at once, and their turns once there is no room for more of what bodies leave behind.

const SLICE_MS = 4;
/** While large bodies are worked on and there is room, a flush begins a slice once in so long. */
const FLUSH_EVERY_MS = 80;
/** Once none has been for so long, the thread has nothing else to do. */
const IDLE_MS = 1;
/** So long behind a large body more of them are expected: slices have a share of the time, of all queries together this. */
const BUSY_MS = 20;
const QUERY_SHARE = 0.13;
/** A slice counts for no more: one in which the machine stood still would keep all others from their share for long. */
const LONGEST_SLICE_MS = 150;
/** A turn of the event loop that took less had nothing else to do. */
const EMPTY_TURN_MS = 0.1;

type Work = "query" | "flush" | "merge";

export class Pause {
  readonly #line: Line;
  readonly #share: number;
  #sliceStartMs = performance.now();

  /** `share`: see above; flushes have none. */
  constructor(work: Work = "query", share = QUERY_SHARE) {
    this.#line = lines[work];
    this.#share = share;
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
      this.#line.waiting.push({ resume, share: this.#share });
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

interface Waiting {
  readonly resume: () => void;
  readonly share: number;
}

class Line {
  /** Who has waited longest first. */
  readonly waiting: Waiting[] = [];
  /** When its last slice was begun, how long it took, and when it was over. */
  begunMs = 0;
  sliceMs = 0;
  endMs = 0;

  /** `mayBegin`: whether there may be a slice now. */
  constructor(readonly mayBegin: (nowMs: number, line: Line, first: Waiting) => boolean) {}
}

const lines: Readonly<Record<Work, Line>> = {
  query: new Line(hasShare),
  flush: new Line((nowMs, { begunMs }) => nowMs - lastRoomMs >= IDLE_MS || nowMs - begunMs >= FLUSH_EVERY_MS),
  merge: new Line(hasShare),
};
/** Whose last slice is longest ago first. */
const inTurn = Object.values(lines);
let isArmed = false;
let isDelayed = false;
let lastBodyMs = 0;
/** When a body came last for which there was room. */
let lastRoomMs = 0;
/** Whose slice was begun in this turn. */
let begun: Line | null = null;
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
  if (begun === null) return;
  begun.sliceMs = Math.min(turnStartMs - begun.begunMs, LONGEST_SLICE_MS);
  begun.endMs = turnStartMs;
  begun = null;
}

function next(): void {
  isArmed = false;
  const nowMs = performance.now();
  const line = inTurn.find((each) => each.waiting[0] && each.mayBegin(nowMs, each, each.waiting[0]));
  if (line === undefined) {
    // (who has a share has a turn as soon as it is empty)
    if (lines.query.waiting.length + lines.merge.waiting.length > 0) arm();
    else if (lines.flush.waiting.length > 0) lookLater();
    return;
  }
  inTurn.push(...inTurn.splice(inTurn.indexOf(line), 1));
  line.begunMs = nowMs;
  begun = line;
  line.waiting.shift()!.resume();
  if (isAnyWaiting()) arm();
}

const isAnyWaiting = (): boolean => inTurn.some(({ waiting }) => waiting.length > 0);

const isBusy = (nowMs: number): boolean => nowMs - lastBodyMs < BUSY_MS;

function hasShare(nowMs: number, { endMs, sliceMs }: Line, { share }: Waiting): boolean {
  return nowMs - endMs >= sliceMs * (1 / share - 1) || !isBusy(nowMs) || nowMs - turnStartMs <= EMPTY_TURN_MS;
}

function lookLater(): void {
  if (isDelayed) return;
  isDelayed = true;
  setTimeout(() => {
    isDelayed = false;
    arm();
  }, SLICE_MS);
}
