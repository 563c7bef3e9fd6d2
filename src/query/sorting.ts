// Sorting of many things in steps, as they would take long at once. The order is that of Array.prototype.sort.
import { STEP, type Steps } from "./turn.ts";

/** So many are sorted at once, in some milliseconds. */
const FEW = 2 * STEP;

/**
 * Sorts texts by their UTF-16 units, as `texts.sort()` does: into lists by the first unit in which they differ, and so on until a list
 * has few (MSD radix sort; Knuth, The Art of Computer Programming, volume 3, 5.2.5).
 */
export function* sortTexts(texts: string[]): Steps<string[]> {
  if (texts.length <= FEW) return texts.sort();
  const sorted: string[] = [];
  yield* addSorted(texts, 0, sorted);
  return sorted;
}

/** Texts are alike up to unit `from`. */
function* addSorted(texts: string[], from: number, into: string[]): Steps<void> {
  if (texts.length <= FEW) {
    for (const text of texts.sort()) into.push(text);
    yield;
    return;
  }
  const at = yield* firstDifference(texts, from);
  // who ends there comes first, and has no other beside it but its like
  const byUnit = new Map<number, string[]>();
  for (const [i, text] of texts.entries()) {
    const unit = text.length === at ? ENDED : text.charCodeAt(at);
    const list = byUnit.get(unit);
    if (list === undefined) byUnit.set(unit, [text]);
    else list.push(text);
    if (i % STEP === STEP - 1) yield;
  }
  for (const unit of [...byUnit.keys()].sort((a, b) => a - b)) {
    const list = byUnit.get(unit)!;
    if (unit !== ENDED) yield* addSorted(list, at + 1, into);
    else for (const text of list) into.push(text);
  }
}

const ENDED = -1;

/** The first unit, not before `from`, that is not the same in all texts. */
function* firstDifference(texts: readonly string[], from: number): Steps<number> {
  const first = texts[0]!;
  let end = first.length;
  for (let i = 1; i < texts.length && end > from; i++) {
    const text = texts[i]!;
    let at = from;
    while (at < end && text.charCodeAt(at) === first.charCodeAt(at)) at++;
    end = at;
    if (i % STEP === 0) yield;
  }
  return end;
}

/** Sorts indices as `indices.sort(compare)` does: runs of some, which are then merged. */
export function* sortIndices(
  indices: Uint32Array,
  compare: (a: number, b: number) => number,
): Steps<Uint32Array> {
  let runs: Uint32Array = indices;
  for (let from = 0; from < indices.length; from += STEP) {
    runs.subarray(from, from + STEP).sort(compare);
    yield;
  }
  if (runs.length <= STEP) return runs;
  let merged: Uint32Array = new Uint32Array(runs.length);
  for (let width = STEP; width < runs.length; width *= 2) {
    for (let from = 0; from < runs.length; from += 2 * width) {
      const middle = Math.min(from + width, runs.length);
      const end = Math.min(from + 2 * width, runs.length);
      for (let at = from, left = from, right = middle; at < end; at++) {
        const isRight = left === middle || (right < end && compare(runs[right]!, runs[left]!) < 0);
        merged[at] = isRight ? runs[right++]! : runs[left++]!;
        if (at % STEP === STEP - 1) yield;
      }
    }
    [runs, merged] = [merged, runs];
  }
  return runs;
}
