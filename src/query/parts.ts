// Rows to series of an answer, in parts: a long series leaves while the rest of it is still to be made.
import type { Budget } from "../model/scan.ts";
import type { SelectPlan } from "./plan.ts";
import type { Cell, ResultSeries } from "./result.ts";

/** Rows in a part at most. */
export const PART_ROWS = 10_000;
/** Cells in a part at most, unless it has few rows. */
const PART_CELLS = 250_000;
const FEW_ROWS = 16;

/** Rows at most in a part with so many columns: thousands of columns may be those of as many tag keys. */
export function partRows(columnCount: number): number {
  return Math.min(PART_ROWS, Math.max(FEW_ROWS, Math.floor(PART_CELLS / columnCount)));
}

export type Row = readonly Cell[];

/** What all parts of a series have in common. */
export type SeriesHead = Omit<ResultSeries, "rows" | "columnar" | "partial">;

/** Cuts the rows of one series into parts; gives nothing when there are no rows. */
export function* inParts(head: SeriesHead, rows: Iterable<Row>, budget: Budget): Generator<ResultSeries> {
  const most = partRows(head.columns.length);
  if (Array.isArray(rows) && rows.length <= most) {
    if (rows.length > 0) yield { ...head, rows };
    return;
  }
  let part: Row[] = [];
  for (const row of rows) {
    if (part.length === most) {
      budget.check();
      yield { ...head, rows: part, partial: true };
      part = [];
    }
    part.push(row);
  }
  if (part.length > 0) yield { ...head, rows: part };
}

/** SLIMIT and SOFFSET count in the order of the tags; a descending answer then goes from the last to the first. */
export function chosenSeries<T>(plan: SelectPlan, groups: readonly T[]): T[] {
  const chosen = [...limited(groups, plan.seriesOffset, plan.seriesLimit)];
  return plan.descending ? chosen.reverse() : chosen;
}

/** Whether series may be answered many at once (series-table.ts, short-series.ts): rows are not chosen by HAVING, nor by the clock of a zone. */
export function mayBeMany({ having, timezone }: SelectPlan): boolean {
  return having === null && (timezone === null || timezone === "UTC");
}

/** OFFSET and LIMIT (0 = all). */
export function limited<T>(items: Iterable<T>, offset: number, limit: number): Iterable<T> {
  return offset === 0 && limit === 0 ? items : take(items, offset, limit);
}

function* take<T>(items: Iterable<T>, offset: number, limit: number): Generator<T> {
  let index = 0;
  const end = limit === 0 ? Number.POSITIVE_INFINITY : offset + limit;
  for (const item of items) {
    if (index >= offset) yield item;
    if (++index >= end) return;
  }
}
