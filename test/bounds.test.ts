// Whether times are in one window, by its bounds, compared with a look at each window.
import { expect, test } from "bun:test";
import { areInOneWindow } from "../src/model/bounds.ts";

test("times are in one window when a window has the first and the last of them", () => {
  for (const ends of [
    [0n, 10n],
    [0n, 10n, 20n, 21n],
    [-5n, 0n, 7n, 30n, 31n, 40n],
  ]) {
    const bounds = BigInt64Array.from(ends);
    for (let from = -8n; from < 45n; from++)
      for (let to = from; to < 45n; to++) {
        const expected = ends.some((begin, w) => w + 1 < ends.length && from >= begin && to < ends[w + 1]!);
        expect(areInOneWindow(bounds, from, to)).toBe(expected);
      }
  }
});
