// Runs of series whose first or last rows are looked at together: how long they are, and when there are none.
import { expect, test } from "bun:test";
import { EdgeRuns } from "../src/store/edge-runs.ts";
import type { SegmentCursor } from "../src/store/segment-cursor.ts";
import type { Version } from "../src/store/version.ts";

/** Of series that have a row group of their own each, in one segment. */
function runs(): EdgeRuns {
  const table = {
    minTime: 0n,
    maxTime: 9n,
    groupRange: (id: number) => ({ first: id, last: id }),
    groupFirstId: (group: number) => group,
    groupLastId: (group: number) => group,
    groupMinTime: () => 0n,
    groupMaxTime: () => 9n,
  };
  const memtables: Version["memtables"] = [];
  const cursor = { table } as unknown as SegmentCursor;
  return new EdgeRuns({ memtables } as Version, [cursor], [null], 0n, 9n, true);
}

const ids = Uint32Array.from({ length: 1000 }, (_, id) => id);

test("runs grow again behind a series of which statistics tell nothing", () => {
  const edges = runs();
  const lengths: number[] = [];
  for (let from = 0; from < 40; ) {
    const run = edges.at(ids, from);
    lengths.push(run?.count ?? 0);
    if (run === null) break;
    // the series 3 is not told
    const count = from <= 3 && from + run.count > 3 ? 3 - from : run.count;
    edges.told(count, run);
    from += Math.max(count, 1);
  }
  expect(lengths).toEqual([256, 3, 1, 2, 4, 8, 16, 32]);
});

test("statistics that tell nothing of several series one after the other are asked no more", () => {
  const edges = runs();
  let asked = 0;
  for (let from = 0; from < 40; from++) {
    const run = edges.at(ids, from);
    if (run === null) break;
    asked++;
    edges.told(0, run);
  }
  expect(asked).toBe(4);
});
