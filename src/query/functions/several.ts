// Functions that answer several points of a window: top, bottom and distinct. They give indices of points in [from, to).

import type { Reference } from "../../model/expression.ts";
import { listKey } from "../../model/listkey.ts";
import { FieldType } from "../../model/types.ts";
import { cellReader } from "../cells.ts";
import type { Points } from "../points.ts";
import type { Cell } from "../result.ts";

/**
 * The `count` greatest (or, with `smallest`, smallest) points in order of time, ties in value going to the
 * earlier. With `keyOf`, only the best point of each key takes part.
 */
export function extremes(
  points: Points,
  from: number,
  to: number,
  count: number,
  smallest: boolean,
  keyOf: ((index: number) => string) | null,
): number[] {
  const { values } = points;
  // whether point a stands before point b in the ranking; a later point never passes an equal one
  const beats = smallest
    ? (a: number, b: number) => values[a]! < values[b]!
    : (a: number, b: number) => values[a]! > values[b]!;
  let candidates: Iterable<number> = range(from, to);
  if (keyOf !== null) {
    const best = new Map<string, number>();
    for (let i = from; i < to; i++) {
      const key = keyOf(i);
      const held = best.get(key);
      if (held === undefined || beats(i, held)) best.set(key, i);
    }
    candidates = [...best.values()].sort((a, b) => a - b);
  }
  const ranking: number[] = [];
  for (const i of candidates) {
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

function* range(from: number, to: number): Iterable<number> {
  for (let i = from; i < to; i++) yield i;
}

/** A key for each point: the values, in its row, of the tags in top(v, a, b, N), which of a subquery may be columns. */
export function keyOfRow(
  points: Points,
  references: readonly Reference[],
  fields: readonly string[],
): (index: number) => string {
  const { blocks, block, row } = points.origin;
  const readers = blocks.map((each) =>
    references.map((reference): ((row: number) => Cell) => {
      if (reference.kind === "tag") {
        const value = each.series.tags.get(reference.name) ?? "";
        return () => value;
      }
      return cellReader(each.columns[fields.indexOf(reference.name)] ?? null);
    }),
  );
  return (index) => listKey(readers[block[index]!]!.map((read) => String(read(row[index]!))));
}

/** One point of each distinct value, the first that is met: with `backwards` its last; by time of that, then by value. */
export function distinctPoints(points: Points, from: number, to: number, backwards: boolean): number[] {
  const { values, times, type } = points;
  const seen = new Set<number | bigint | string>();
  const firsts: number[] = [];
  for (let k = from; k < to; k++) {
    const i = backwards ? from + to - 1 - k : k;
    const value = values[i]!;
    if (seen.has(value)) continue;
    seen.add(value);
    firsts.push(i);
  }
  if (type === FieldType.Boolean && firsts.length === 1) return firsts;
  return firsts.sort((a, b) => {
    if (times[a] !== times[b]) return times[a]! < times[b]! ? -1 : 1;
    return values[a]! < values[b]! ? -1 : values[a]! > values[b]! ? 1 : 0;
  });
}
