// Keys of very many series, or values of their tags, in order: sorted runs are collected, merged and let go in parts.
//
//   chunks ── runs ──(when only the first n are wanted and many more are held: merged, cut)── merge ── parts
//
// A key takes a few dozen bytes while it is held; the budget counts them, and LIMIT bounds them.
import type { Budget } from "../model/scan.ts";
import { PART_ROWS } from "./parts.ts";
import { Turn } from "./turn.ts";

/** What a held key costs beside its characters, bytes. */
const KEY_BYTES = 40;

/**
 * The first `wanted` keys of chunks that are sorted each, in order and each once, in parts of up to PART_ROWS. Ends with the
 * budget's error when more are held than it allows.
 */
export async function* sortedKeys(
  chunks: AsyncIterable<string[]>,
  wanted: number,
  budget: Budget,
): AsyncGenerator<string[]> {
  const turn = new Turn(budget);
  let runs: string[][] = [];
  let held = 0;
  let heldBytes = 0;
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue;
    if (turn.isOver()) await turn.next();
    runs.push(chunk);
    held += chunk.length;
    const bytes = sizeOf(chunk);
    heldBytes += bytes;
    budget.hold(bytes);
    if (held < 2 * wanted + PART_ROWS) continue;
    const first: string[] = [];
    for (const key of merged(runs)) {
      if (first.length === wanted) break;
      first.push(key);
      if (first.length % 1000 === 0 && turn.isOver()) await turn.next();
    }
    runs = [first];
    held = first.length;
    budget.hold(sizeOf(first) - heldBytes);
    heldBytes = sizeOf(first);
  }
  let part: string[] = [];
  let left = wanted;
  for (const key of merged(runs)) {
    if (left-- <= 0) break;
    part.push(key);
    if (part.length < PART_ROWS) continue;
    yield part;
    part = [];
    if (turn.isOver()) await turn.next();
  }
  if (part.length > 0) yield part;
  budget.hold(-heldBytes);
}

function sizeOf(keys: readonly string[]): number {
  let bytes = 0;
  for (const key of keys) bytes += key.length + KEY_BYTES;
  return bytes;
}

/** Sorted runs as one, equal keys once: a heap of the runs by their next key. */
function* merged(runs: readonly string[][]): Generator<string> {
  const heap = runs.filter((run) => run.length > 0).map((run) => ({ run, at: 0, key: run[0]! }));
  heap.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  let last: string | null = null;
  while (heap.length > 0) {
    const top = heap[0]!;
    if (top.key !== last) {
      last = top.key;
      yield last;
    }
    top.at++;
    if (top.at < top.run.length) top.key = top.run[top.at]!;
    else {
      const end = heap.pop()!;
      if (end === top) continue;
      heap[0] = end;
    }
    sink(heap);
  }
}

function sink<T extends { readonly key: string }>(heap: T[]): void {
  const item = heap[0]!;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]!.key < heap[child]!.key) child++;
    if (heap[child]!.key >= item.key) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = item;
}
