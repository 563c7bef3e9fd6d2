// The answer of aggregates of windows by tags as tables of many series (series-table.ts), straight from the fold: where each column
// is a call whose values the fold has as they are, and each series has its rows from the first window to the last.
import type { Column, FoldRequest, FoldValues } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import { canFold, fieldOf } from "./calls.ts";
import { shownArray } from "./folded-windows.ts";
import type { FoldedTable } from "./folds.ts";
import { type Frame, windowCount } from "./frame.ts";
import { limited, type SeriesHead } from "./parts.ts";
import type { Call, Input, SelectPlan } from "./plan.ts";
import { SeriesTable } from "./series-table.ts";

/** Cells of a table at most: what they take in memory, and the time until the next. */
const MOST_CELLS = 16_384;

/** Whether an answer of a fold over this frame is tables. */
export function isTabular(plan: SelectPlan, input: Input, frame: Frame): boolean {
  const { fill } = plan;
  if (plan.window === null || plan.dimensions.length === 0 || plan.having !== null) return false;
  if (plan.timezone !== null && plan.timezone !== "UTC") return false;
  if (plan.descending || plan.limit > 0 || plan.offset > 0) return false;
  // (a series whose range has no lower bound begins at its first window with a value)
  if (fill.kind !== "none" && (fill.kind !== "null" || frame.openStart)) return false;
  if (frame.lead > 0 || frame.trail > 0 || frame.tail > 0) return false;
  if (windowCount(frame) * input.outputs.length > MOST_CELLS) return false;
  if (!canFold(input) || input.rowTime !== "window") return false;
  if (input.outputs.some(({ kind }) => kind !== "call")) return false;
  return input.calls.every((call) => call.argument.kind === "field" && shownArray(call) !== null);
}

/** Tables of the groups of a fold, in the order of the answer. `columns`: of the request. */
export function* windowTables(
  plan: SelectPlan,
  input: Input,
  frame: Frame,
  folded: FoldedTable,
  columns: FoldRequest["columns"],
  head: SeriesHead,
): Generator<SeriesTable> {
  const rows = windowCount(frame);
  const chosen = [...limited(folded.ordered(), plan.seriesOffset, plan.seriesLimit)];
  const most = Math.max(1, Math.floor(MOST_CELLS / (rows * input.outputs.length)));
  for (let from = 0; from < chosen.length; from += most) {
    const groups = chosen.slice(from, from + most);
    yield new SeriesTable({
      ...{ head, dimensions: plan.dimensions, seriesCount: groups.length },
      tags: plan.dimensions.map((_, key) => groups.map((group) => folded.tag(group, key))),
      times: frame.bounds.subarray(0, rows),
      columns: input.outputs.map((output) => {
        const call = input.calls[(output as typeof output & { kind: "call" }).call]!;
        const { name } = fieldOf(call).reference;
        const column = columns.findIndex(({ field }) => field === name);
        return columnOf(call, folded, column, groups);
      }),
      leavesOutNulls: plan.fill.kind === "none",
    });
  }
}

// The values of a call in the windows of groups, group after group.
function columnOf(call: Call, folded: FoldedTable, column: number, groups: readonly number[]): Column | null {
  const { windows } = folded;
  const length = groups.length * windows;
  const shown = shownArray(call)!;
  const present = new Uint8Array(length);
  let found = 0;
  let copy: Copy | null = null;
  for (let g = 0, to = 0; g < groups.length; g++, to += windows) {
    const source = folded.column(groups[g]!, column);
    if (source === null) continue;
    const { count } = source;
    const from = folded.place(groups[g]!) * windows;
    for (let w = 0; w < windows; w++)
      if (count[from + w] !== 0) {
        present[to + w] = 1;
        found++;
      }
    copy ??= call.function === "mean" ? new MeansCopy(length) : new ValuesCopy(source.type, length);
    copy.add(source[shown]!, count, from, to, windows);
  }
  if (copy === null || found === 0) return null;
  const { type, values } = copy;
  return { type, values, present: found === length ? null : present } as Column;
}

interface Copy {
  readonly type: FieldType;
  readonly values: FoldValues;
  add(array: FoldValues, count: Float64Array, from: number, to: number, windows: number): void;
}

class MeansCopy implements Copy {
  readonly type = FieldType.Float;
  readonly values: Float64Array;

  constructor(length: number) {
    this.values = new Float64Array(length);
  }

  add(sums: FoldValues, count: Float64Array, from: number, to: number, windows: number): void {
    const { values } = this;
    if (sums instanceof Float64Array)
      for (let w = 0; w < windows; w++) values[to + w] = sums[from + w]! / count[from + w]!;
    else for (let w = 0; w < windows; w++) values[to + w] = Number(sums[from + w]!) / count[from + w]!;
  }
}

class ValuesCopy implements Copy {
  readonly type: FieldType;
  readonly values: FoldValues;
  readonly #words: Int32Array;
  #array: FoldValues | undefined;
  #arrayWords!: Int32Array;

  constructor(type: FieldType, length: number) {
    this.type = type;
    const { buffer } = new Float64Array(length);
    this.values =
      type === FieldType.Float
        ? new Float64Array(buffer)
        : type === FieldType.Unsigned
          ? new BigUint64Array(buffer)
          : new BigInt64Array(buffer);
    this.#words = new Int32Array(buffer);
  }

  add(array: FoldValues, _count: Float64Array, from: number, to: number, windows: number): void {
    if (this.#array !== array) {
      this.#array = array;
      this.#arrayWords = new Int32Array(array.buffer, array.byteOffset, array.length * 2);
    }
    for (let w = 0; w < 2 * windows; w++) this.#words[2 * to + w] = this.#arrayWords[2 * from + w]!;
  }
}
