// The rows of windows as columns: no array a row and no BigInt a time, and an encoder takes them as they are.
//
//     times     w0 w1 w2 w3 ...     where the windows begin
//     cells     3  -  5  7  ...     what each output shows
import type { Column, Series } from "../model/scan.ts";
import type { FieldType } from "../model/types.ts";
import { wordsOf } from "../model/words.ts";
import type { SeriesBlock } from "./blocks.ts";
import { columnOfCells, isOfType } from "./cellblocks.ts";
import { type ColumnarRows, type RowCell, rowsOfBlock } from "./columnar.ts";
import { type Frame, windowCount } from "./frame.ts";
import type { SelectPlan } from "./plan.ts";
import type { Cell } from "./result.ts";

/** With fewer rows an array a row costs less. */
export const FEW_WINDOWS = 16;

const NO_SERIES: Series = { key: "", tags: new Map() };

/**
 * The cells of an output as a column of its type, null = none has a value; undefined: a cell is not of that type (a number that
 * fill() put among texts), so that there is no column for it.
 */
export function columnOf(cells: readonly Cell[], type: FieldType | null): Column | null | undefined {
  if (type === null) return null;
  return isOfType(cells, type) ? columnOfCells(cells, type) : undefined;
}

/**
 * `times`: of the windows that make a row, ascending; `columns`: by output, as long. Rows stand in the order of the answer, after
 * OFFSET and up to LIMIT.
 */
export function windowColumns(
  plan: SelectPlan,
  times: BigInt64Array,
  columns: readonly (Column | null)[],
): ColumnarRows {
  const rowCount = times.length;
  const block: SeriesBlock = { series: NO_SERIES, start: 0, rowCount, times, columns };
  return rowsOfBlock(plan, block, fieldCells(columns.length));
}

/** By how many there are: whoever writes them keeps what belongs to the cells that came last. */
const cellsByCount = new Map<number, readonly RowCell[]>();

function fieldCells(count: number): readonly RowCell[] {
  let cells = cellsByCount.get(count);
  if (cells === undefined) {
    cells = Array.from({ length: count }, (_, column) => ({ kind: "field", column }));
    cellsByCount.set(count, cells);
  }
  return cells;
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
