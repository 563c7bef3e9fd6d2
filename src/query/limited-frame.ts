// The part of a frame that LIMIT lets into the answer, when the windows outside of it need not be read.
//
//   ORDER BY time DESC LIMIT 3      |    |    |    | w0 | w1 | w2 |      ORDER BY time LIMIT 3     | w0 | w1 | w2 |    |    |
//
// That is so when every window makes a row, whatever its neighbours hold: fill(null) or a number, aggregates that folds
// give, and one group. A group with a call that finds nothing in the part is answered from the whole frame.
import { canFold, isSketched } from "./calls.ts";
import { type Frame, windowCount } from "./frame.ts";
import type { Input, SelectPlan } from "./plan.ts";

/** Null: the whole frame is needed. */
export function limitedFrame(plan: SelectPlan, input: Input, frame: Frame): Frame | null {
  if (plan.having !== null || plan.limit === 0 || plan.window === null || plan.dimensions.length > 0)
    return null;
  if (plan.fill.kind !== "null" && plan.fill.kind !== "number") return null;
  if (!canFold(input) || input.calls.some((call) => call.argument.kind === "call")) return null;
  // of one value there is no deviation, of few perhaps no percentile: an answer without a lower bound may then begin
  // after the first row
  if (frame.openStart && input.calls.some((call) => call.function === "stddev" || isSketched(call)))
    return null;
  const rows = plan.offset + plan.limit;
  const windows = windowCount(frame);
  if (plan.descending) {
    const from = Math.min(windows + frame.tail - rows, windows - 1);
    if (from <= 0) return null;
    return {
      ...frame,
      minTime: frame.bounds[from]!,
      bounds: frame.bounds.subarray(from),
      openStart: false,
      time: (i) => frame.time(i + from),
    };
  }
  if (rows >= windows) return null;
  return {
    ...frame,
    maxTime: frame.bounds[rows]! - 1n,
    bounds: frame.bounds.subarray(0, rows + 1),
    tail: 0,
    openStart: false,
  };
}
