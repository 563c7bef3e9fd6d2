// Functions that answer several points of a window: top, bottom and distinct. They give indices of points in [from, to), in steps.

import type { Reference } from "../../model/expression.ts";
import { listKey } from "../../model/listkey.ts";
import { FieldType } from "../../model/types.ts";
import { wordsOf } from "../../model/words.ts";
import type { SeriesBlock } from "../blocks.ts";
import { cellReader } from "../cells.ts";
import type { Points } from "../points.ts";
import type { Cell } from "../result.ts";
import { sortIndices } from "../sorting.ts";
import { STEP, type Steps } from "../turn.ts";

/**
 * The `count` greatest (or, with `smallest`, smallest) points in order of time, ties in value going to the
 * earlier. With `keyOf`, only the best point of each key takes part.
 */
export function* extremes(
  points: Points,
  from: number,
  to: number,
  count: number,
  smallest: boolean,
  keyOf: ((index: number) => string) | null,
): Steps<number[]> {
  const { values } = points;
  // whether point a stands before point b in the ranking; a later point never passes an equal one
  const beats = smallest
    ? (a: number, b: number) => values[a]! < values[b]!
    : (a: number, b: number) => values[a]! > values[b]!;
  const best = keyOf === null ? null : yield* bestOfEach(from, to, beats, keyOf);
  const candidates = best === null ? to - from : best.length;
  const ranking: number[] = [];
  for (let candidate = 0; candidate < candidates; candidate++) {
    if (candidate % STEP === STEP - 1) yield;
    const i = best === null ? from + candidate : best[candidate]!;
    if (ranking.length === count && !beats(i, ranking[count - 1]!)) continue;
    let low = 0;
    let high = ranking.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (beats(i, ranking[middle]!)) high = middle;
      else low = middle + 1;
    }
    ranking.splice(low, 0, i);
    if (ranking.length > count) ranking.pop();
  }
  const { times } = points;
  // points are in time order, so this sorts by time and, the sort being stable, by rank within one time
  return ranking.sort((a, b) => (times[a]! < times[b]! ? -1 : times[a]! > times[b]! ? 1 : 0));
}

/** The point of each key that no other of it beats, in the order of the points. */
function* bestOfEach(
  from: number,
  to: number,
  beats: (a: number, b: number) => boolean,
  keyOf: (index: number) => string,
): Steps<Uint32Array> {
  const best = new Map<string, number>();
  for (let i = from; i < to; i++) {
    const key = keyOf(i);
    const held = best.get(key);
    if (held === undefined || beats(i, held)) best.set(key, i);
    if ((i - from) % STEP === STEP - 1) yield;
  }
  return Uint32Array.from(best.values()).sort();
}

/** A key for each point: the values, in its row, of the tags in top(v, a, b, N), which of a subquery may be columns. */
export function keyOfRow(
  points: Points,
  references: readonly Reference[],
  fields: readonly string[],
): (index: number) => string {
  const { blocks, block, row } = points.origin;
  const readers = new Array<((row: number) => Cell)[]>(blocks.length);
  const readersOf = (each: SeriesBlock) =>
    references.map((reference): ((row: number) => Cell) => {
      if (reference.kind === "tag") {
        const value = each.series.tags.get(reference.name) ?? "";
        return () => value;
      }
      return cellReader(each.columns[fields.indexOf(reference.name)] ?? null);
    });
  return (index) => {
    const at = block[index]!;
    readers[at] ??= readersOf(blocks[at]!);
    return listKey(readers[at].map((read) => String(read(row[index]!))));
  };
}

/** One point of each distinct value, the first that is met: with `backwards` its last; by time of that, then by value. */
export function* distinctPoints(
  points: Points,
  from: number,
  to: number,
  backwards: boolean,
): Steps<ArrayLike<number>> {
  const { values, times, type } = points;
  const seen = new Set<number | bigint | string>();
  const firsts: number[] = [];
  for (let k = from; k < to; k++) {
    if ((k - from) % STEP === STEP - 1) yield;
    const i = backwards ? from + to - 1 - k : k;
    const value = values[i]!;
    if (seen.has(value)) continue;
    seen.add(value);
    firsts.push(i);
  }
  if (type === FieldType.Boolean && firsts.length === 1) return firsts;
  const words = wordsOf(times);
  return yield* sortIndices(Uint32Array.from(firsts), (a, b) => {
    const isOneTime = words[2 * a] === words[2 * b] && words[2 * a + 1] === words[2 * b + 1];
    // (points are in the order of time)
    if (!isOneTime) return a - b;
    return values[a]! < values[b]! ? -1 : values[a]! > values[b]! ? 1 : 0;
  });
}
