// The answer of one selector by tags, without GROUP BY time (`SELECT last(value) FROM m GROUP BY host`), as short series of a row each,
// straight from the fold, which has the value and its time.
import type { Column, FoldedColumn } from "../model/scan.ts";
import type { SeriesBlock } from "./blocks.ts";
import { canFold } from "./calls.ts";
import type { RowCell } from "./columnar.ts";
import { timedArrays } from "./folded-windows.ts";
import type { FoldedTable } from "./folds.ts";
import { chosenSeries, mayBeMany, type SeriesHead } from "./parts.ts";
import type { Input, SelectPlan } from "./plan.ts";
import { ShortSeries } from "./short-series.ts";

/** Rows of many series at most: the time until the next. */
const MOST_ROWS = 8192;

/** Whether an answer of a fold is these. */
export function isOfPoints(plan: SelectPlan, input: Input): boolean {
  if (!mayBeMany(plan) || plan.limit > 0 || plan.offset > 0) return false;
  if (plan.window !== null || plan.dimensions.length === 0) return false;
  const [call] = input.calls;
  if (call === undefined || input.calls.length > 1 || input.rowTime !== "row" || !canFold(input))
    return false;
  return timedArrays(call) !== null && input.outputs.every(({ kind }) => kind === "call");
}

/** The groups of a fold of one field, which are `ordered` by their tags. */
export function* selectedPoints(
  plan: SelectPlan,
  input: Input,
  folded: FoldedTable,
  ordered: readonly number[],
  head: SeriesHead,
): Generator<ShortSeries> {
  const { dimensions } = plan;
  const names = timedArrays(input.calls[0]!)!;
  const cells = input.outputs.map((): RowCell => ({ kind: "field", column: 0 }));
  const chosen = chosenSeries(plan, ordered);
  for (let from = 0; from < chosen.length; from += MOST_ROWS) {
    const groups = chosen.slice(from, from + MOST_ROWS);
    const count = groups.length;
    const blocks: SeriesBlock[] = [];
    const placeOf = new Map<FoldedColumn, number>();
    const block = Uint32Array.from(groups, (group) => {
      const column = folded.column(group, 0)!;
      const place = placeOf.get(column) ?? blocks.push(blockOf(column, names)) - 1;
      placeOf.set(column, place);
      return place;
    });
    const row = Uint32Array.from(groups, (group) => folded.place(group));
    const tags = dimensions.map((_, key) => groups.map((group) => folded.tag(group, key)));
    const ends = groups.map((_, i) => i + 1);
    yield new ShortSeries({ head, dimensions, tags, ends, rows: { count, blocks, block, row, cells } });
  }
}

// The selected values of the groups of a batch, with their times.
function blockOf(folded: FoldedColumn, [value, time]: NonNullable<ReturnType<typeof timedArrays>>) {
  const values = folded[value]!;
  return {
    series: { key: "", tags: new Map<string, string>() },
    ...{ start: 0, rowCount: values.length, times: folded[time]! },
    columns: [{ type: folded.type, values, present: null } as Column],
  };
}
