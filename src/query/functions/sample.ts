// sample(field, N): N points of a window, every set of N as likely as any other, in one pass over the points.
//
//     the first N fill the reservoir; point i (from 0) then takes the place of one of them with chance N / (i + 1)
//
// Vitter, "Random sampling with a reservoir", ACM Transactions on Mathematical Software 11 (1985), algorithm R.
import type { Random } from "../../base/random.ts";
import type { Points } from "../points.ts";

/** Indices of the chosen points of [from, to), by time and then by value. */
export function samplePoints(
  points: Points,
  from: number,
  to: number,
  count: number,
  random: Random,
): number[] {
  const reservoir: number[] = [];
  for (let i = from; i < to; i++) {
    if (reservoir.length < count) {
      reservoir.push(i);
      continue;
    }
    const place = Math.floor(random() * (i - from + 1));
    if (place < count) reservoir[place] = i;
  }
  const { times, values } = points;
  return reservoir.sort((a, b) => {
    if (times[a] !== times[b]) return times[a]! < times[b]! ? -1 : 1;
    return values[a]! < values[b]! ? -1 : values[a]! > values[b]! ? 1 : a - b;
  });
}
