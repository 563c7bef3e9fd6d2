// What a call has given for a group: a value a window, or points at times of their own.
import type { SeriesBlock } from "./blocks.ts";
import type { Cell } from "./result.ts";

/** Values of consecutive windows, from window `first` on; null = the window has none. Windows outside have none. */
export interface WindowValues {
  readonly first: number;
  readonly values: readonly Cell[];
}

/** Values at times, in the order of the answer (descending for ORDER BY time DESC). */
export interface PointValues {
  readonly times: BigInt64Array;
  readonly values: readonly (Cell | bigint)[];
  /** Rows that selectors selected, for their other columns; null for values made from several rows. */
  readonly rows: SelectedRows | null;
}

export interface SelectedRows {
  readonly blocks: readonly SeriesBlock[];
  readonly block: ArrayLike<number>;
  readonly row: ArrayLike<number>;
}

/** `WindowValues` after fill: every window has a say. */
export interface FilledValues extends WindowValues {
  /** Of all windows before `first`. */
  readonly before: Cell;
  /** Of all windows after the last. */
  readonly after: Cell;
}

export type CallValues =
  | { readonly kind: "windows"; readonly windows: FilledValues }
  | { readonly kind: "points"; readonly points: PointValues };

export function windowValue(windows: FilledValues, index: number): Cell {
  const { first, values } = windows;
  if (index < first) return windows.before;
  return index < first + values.length ? values[index - first]! : windows.after;
}
