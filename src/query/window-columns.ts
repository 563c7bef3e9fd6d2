// The rows of windows as columns: no array a row and no BigInt a time, and an encoder takes them as they are.
//
//     times     w0 w1 w2 w3 ...     where the windows begin
//     cells     3  -  5  7  ...     what each output shows
import type { Series, SeriesBlock } from "../model/scan.ts";
import { columnOfCells, isOfType } from "./cellblocks.ts";
import { wordsOf } from "./cells.ts";
import type { ColumnarRows } from "./columnar.ts";
import { type Frame, windowCount } from "./frame.ts";
import type { Output, SelectPlan } from "./plan.ts";
import type { Cell } from "./result.ts";

/** With fewer rows an array a row costs less. */
export const FEW_WINDOWS = 16;

const NO_SERIES: Series = { key: "", tags: new Map() };

/**
 * `times`: of the windows that make a row, ascending; `cells`: by output, as many. Rows stand in the order of the answer, after OFFSET and up
 * to LIMIT. null: a cell is not of its output's type (a number that fill() put among texts), so that there is no column for it.
 */
export function windowColumns(
  plan: SelectPlan,
  outputs: readonly Output[],
  times: BigInt64Array,
  cells: readonly (readonly Cell[])[],
): ColumnarRows | null {
  const rowCount = times.length;
  if (!outputs.every(({ type }, c) => type === null || isOfType(cells[c]!, type))) return null;
  const block: SeriesBlock = {
    series: NO_SERIES,
    rowCount,
    times,
    columns: outputs.map(({ type }, c) => (type === null ? null : columnOfCells(cells[c]!, type))),
  };
  const { descending, offset, limit } = plan;
  const end = limit === 0 ? rowCount : Math.min(rowCount, offset + limit);
  const count = Math.max(end - offset, 0);
  const row = new Uint32Array(count);
  for (let i = 0; i < count; i++) row[i] = descending ? rowCount - 1 - offset - i : offset + i;
  const shown = outputs.map((_, column) => ({ kind: "field" as const, column }));
  return { count, blocks: [block], block: new Uint32Array(count), row, cells: shown };
}

/** Where the windows [from, to) begin. */
export function timesFrom(frame: Frame, from: number, to: number): BigInt64Array {
  if (to <= windowCount(frame)) return frame.bounds.subarray(from, to);
  return timesOf(
    frame,
    Array.from({ length: to - from }, (_, i) => from + i),
  );
}

/** Where windows begin. */
export function timesOf(frame: Frame, windows: readonly number[]): BigInt64Array {
  const times = new BigInt64Array(windows.length);
  const [into, from] = [wordsOf(times), wordsOf(frame.bounds)];
  const bounded = windowCount(frame);
  for (let i = 0; i < windows.length; i++) {
    const window = windows[i]!;
    if (window >= bounded) times[i] = frame.time(window);
    else {
      into[2 * i] = from[2 * window]!;
      into[2 * i + 1] = from[2 * window + 1]!;
    }
  }
  return times;
}
