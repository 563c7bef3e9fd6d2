// fill(): what windows without a value show.
//
// `previous` and `linear` look along the order of the answer, and never outside the range of the query (but see lookback.ts):
//
//     ascending    null null  3   null  5   null null        descending reads the same windows from the right
//     previous     null null  3    3    5    5    5
//     linear       null null  3    4    5   null null
import { FieldType } from "../model/types.ts";
import type { Fill } from "./ast.ts";
import { isCount } from "./calls.ts";
import { integerCell } from "./cells.ts";
import { FoldedWindows } from "./folded-windows.ts";
import type { Call } from "./plan.ts";
import type { Cell } from "./result.ts";
import type { FilledValues, WindowValues } from "./values.ts";

/** Fills the windows of a call. `time` gives the start of a window, `carried` is what stood before the first (lookback.ts). */
export function fillWindows(
  windows: WindowValues,
  call: Call,
  fill: Fill,
  descending: boolean,
  time: (window: number) => bigint,
  carried: Cell = null,
): FilledValues {
  if (fill.kind === "number" || (fill.kind === "null" && isCount(call))) {
    const value = fillNumber(call.type, fill.kind === "number" ? fill.value : 0);
    return { ...windows, values: windows.values.map((cell) => cell ?? value), before: value, after: value };
  }
  if (fill.kind === "previous")
    return fillPrevious(windows, descending && fill.within === undefined, carried);
  if (fill.kind === "linear" && isNumber(call.type)) return fillLinear(windows, call.type, time);
  return windows instanceof FoldedWindows ? windows : { ...windows, before: null, after: null };
}

function isNumber(type: FieldType): boolean {
  return type !== FieldType.Boolean && type !== FieldType.String;
}

/** The number of fill(number) in a column's type: integers lose the fraction, strings are empty, booleans false. */
export function fillNumber(type: FieldType, value: number): Cell {
  switch (type) {
    case FieldType.Float:
      return value;
    case FieldType.Boolean:
      return false;
    case FieldType.String:
      return "";
    default:
      return Math.trunc(value);
  }
}

function fillPrevious(windows: WindowValues, descending: boolean, carried: Cell): FilledValues {
  const values = windows.values.slice();
  let previous: Cell = carried;
  for (let k = 0; k < values.length; k++) {
    const i = descending ? values.length - 1 - k : k;
    if (values[i] === null) values[i] = previous;
    else previous = values[i]!;
  }
  return {
    first: windows.first,
    values,
    before: descending ? previous : carried,
    after: descending ? null : previous,
  };
}

/** A straight line between the neighbours; the same in both directions. Integers are exact, cut towards zero. */
function fillLinear(windows: WindowValues, type: FieldType, time: (window: number) => bigint): FilledValues {
  const { first } = windows;
  const values = windows.values.slice();
  let left = -1;
  for (let right = 0; right < values.length; right++) {
    if (values[right] === null) continue;
    if (left >= 0 && right - left > 1) {
      const start = time(first + left);
      const span = time(first + right) - start;
      const from = values[left] as number | bigint;
      const to = values[right] as number | bigint;
      for (let i = left + 1; i < right; i++) {
        const at = time(first + i) - start;
        values[i] =
          type === FieldType.Float
            ? ((Number(to) - Number(from)) / Number(span)) * Number(at) + Number(from)
            : integerCell((BigInt(from) * (span - at) + BigInt(to) * at) / span);
      }
    }
    left = right;
  }
  return { first, values, before: null, after: null };
}
