// Runs: where a series has rows, one row group or one memtable each.
import type { SegmentCursor } from "./segment-cursor.ts";
import type { Slice } from "./slice.ts";

/** Rows of the series in one row group or one memtable. */
export interface Run {
  /** Of two runs with the same time, the larger age wins. */
  readonly age: number;
  readonly minTime: bigint;
  readonly maxTime: bigint;
  readonly rowCount: number;
  /** Values of fields are deleted here, wanted or not: some of the rows may have none left. */
  readonly mayBeHollow: boolean;
  /** The rows, until another run of the same segment is read; columns that are not `wanted` may be left out. */
  read(wanted?: readonly boolean[]): Slice;
  /** The rows' place in a row group, whose pages can be folded as they are. */
  readonly place: GroupRows | null;
}

/** Rows [start, end) of a row group. */
export interface GroupRows {
  readonly cursor: SegmentCursor;
  readonly index: number;
  readonly start: number;
  readonly end: number;
  /** No other series has rows in the group. */
  readonly alone: boolean;
}

/** Rows with from < time <= to of runs that overlap; a single piece of all rows has no bounds. */
export interface Piece {
  readonly runs: readonly Run[];
  readonly from: bigint;
  readonly to: bigint;
}

/** Up to so many rows are merged at once. */
const UNCUT_ROWS = 8192;

/**
 * Runs that overlap in chains (a range written twice, out of step) may be a whole series: they are cut in time, so that
 * a piece has rows of at most one row group of each segment.
 */
export function cut(runs: readonly Run[]): Piece[] {
  const rows = runs.reduce((sum, run) => sum + run.rowCount, 0);
  if (runs.length === 1 || rows <= UNCUT_ROWS) return [{ runs, from: 0n, to: 0n }];
  const ends = [...new Set(runs.map((run) => run.maxTime))].sort((a, b) => (a < b ? -1 : 1));
  const pieces: Piece[] = [];
  let from = runs[0]!.minTime - 1n;
  let next = 0;
  let open: Run[] = [];
  for (const to of ends) {
    while (next < runs.length && runs[next]!.minTime <= to) open.push(runs[next++]!);
    pieces.push({ runs: open, from, to });
    open = open.filter((run) => run.maxTime > to);
    from = to;
  }
  return pieces;
}

/** Groups of runs that overlap, in order of time. */
export function clustersOf(runs: Run[]): (readonly Run[])[] {
  runs.sort((a, b) => (a.minTime < b.minTime ? -1 : a.minTime > b.minTime ? 1 : 0));
  const clusters: Run[][] = [];
  let end = 0n;
  for (const run of runs) {
    const cluster = clusters.at(-1);
    if (cluster && run.minTime <= end) cluster.push(run);
    else clusters.push([run]);
    if (clusters.at(-1)!.length === 1 || run.maxTime > end) end = run.maxTime;
  }
  return clusters;
}
