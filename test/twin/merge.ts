// The plain twin of mergeTimes, mergeColumn, heapSize and packHeap in kernels/assembly/gather.ts.

/** A row of a merged run: where it stands in the older and the newer run, null = not there. */
export interface TwinPair {
  readonly time: bigint;
  readonly older: number | null;
  readonly newer: number | null;
}

export function mergeTimesTwin(older: readonly bigint[], newer: readonly bigint[]): TwinPair[] {
  const place = (times: readonly bigint[], time: bigint) =>
    times.includes(time) ? times.indexOf(time) : null;
  return [...new Set([...older, ...newer])]
    .sort((a, b) => (a < b ? -1 : 1))
    .map((time) => ({ time, older: place(older, time), newer: place(newer, time) }));
}

/** A column of u64 words, null = no value. */
export type TwinColumn = readonly (bigint | null)[];

export function mergeColumnTwin(
  pairs: readonly TwinPair[],
  older: TwinColumn,
  newer: TwinColumn,
  newerBase: bigint,
): (bigint | null)[] {
  return pairs.map((pair) => {
    const late = pair.newer === null ? null : (newer[pair.newer] ?? null);
    const early = pair.older === null ? null : (older[pair.older] ?? null);
    return late === null ? early : BigInt.asUintN(64, late + newerBase);
  });
}

/** The strings end to end, and where each starts behind `start`. */
export function packTwin(strings: readonly string[], start: number): { heap: string; offsets: number[] } {
  const offsets = strings.map((_, i) => start + strings.slice(0, i).join("").length);
  return { heap: strings.join(""), offsets };
}
