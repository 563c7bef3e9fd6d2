// sample(field, N): N points of a window, every set of N as likely as any other, in one pass over the points.
//
//     the first N fill the reservoir; point i (from 0) then takes the place of one of them with chance N / (i + 1)
//
// Vitter, "Random sampling with a reservoir", ACM Transactions on Mathematical Software 11 (1985), algorithm R.
import type { Random } from "../../base/random.ts";
import type { Points } from "../points.ts";
import { sortIndices } from "../sorting.ts";
import { STEP, type Steps } from "../turn.ts";

/** Indices of the chosen points of [from, to), by time and then by value. */
export function* samplePoints(
  points: Points,
  from: number,
  to: number,
  count: number,
  random: Random,
): Steps<ArrayLike<number>> {
  const reservoir: number[] = [];
  for (let i = from; i < to; i++) {
    if ((i - from) % STEP === STEP - 1) yield;
    if (reservoir.length < count) {
      reservoir.push(i);
      continue;
    }
    const place = Math.floor(random() * (i - from + 1));
    if (place < count) reservoir[place] = i;
  }
  const { times, values } = points;
  return yield* sortIndices(Uint32Array.from(reservoir), (a, b) => {
    // (points are in the order of time)
    if (times[a] !== times[b] || values[a] === values[b]) return a - b;
    return values[a]! < values[b]! ? -1 : 1;
  });
}
