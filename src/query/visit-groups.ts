// Visits of groups: a frame read group by group, for calls that are evaluated one after the other.
//
//   foldable calls   fold ───────────────┐
//   sketched calls   scan ── sketches ───┼── of each group what its calls stand on
//   other calls      scan ── group ──────┘
import { systemRandom } from "../base/random.ts";
import { listKey } from "../model/listkey.ts";
import type { FoldRequest, ScanRequest } from "../model/scan.ts";
import { canFold, fieldOf, foldColumns, hasExactCalls, isSketched } from "./calls.ts";
import type { Means } from "./evaluate.ts";
import { evaluateGroups, type Visit } from "./evaluate-groups.ts";
import type { ExecutionContext } from "./execute.ts";
import { FoldedWindows, foldedTime, isFoldable } from "./folded-windows.ts";
import { foldGroups } from "./folds.ts";
import type { Frame } from "./frame.ts";
import { gatherGroups } from "./gather.ts";
import type { Call, Input, SelectPlan } from "./plan.ts";
import { selectionOf } from "./selection.ts";
import { sketchGroups } from "./sketches.ts";
import type { Turn } from "./turn.ts";

/** Reads a frame group by group. `calls`: those of fields whose values are wanted. */
export async function visitGroups(
  plan: SelectPlan,
  input: Input,
  calls: readonly Call[],
  frame: Frame,
  context: ExecutionContext,
  turn: Turn,
  evaluate: Visit,
): Promise<void> {
  if (!input.calls.some(isSketched)) return visitExact(plan, input, calls, frame, context, turn, evaluate);
  const sketched = await sketchGroups(plan, input, frame, context, turn);
  if (hasExactCalls(input))
    await visitExact(plan, input, calls, frame, context, turn, (tags, base) => {
      const key = listKey(tags);
      const group = sketched.get(key);
      sketched.delete(key);
      evaluate(tags, (call) => (isSketched(call) ? (group?.of(call) ?? null) : base(call)));
    });
  for (const { tags, of } of sketched.values()) {
    if (turn.isOver()) await turn.next();
    evaluate(tags, (call) => (isSketched(call) ? of(call) : null));
  }
}

// The calls that no sketch answers.
async function visitExact(
  plan: SelectPlan,
  input: Input,
  calls: readonly Call[],
  frame: Frame,
  context: ExecutionContext,
  turn: Turn,
  evaluate: Visit,
): Promise<void> {
  const { source, budget } = context;
  if (context.path !== "rows" && canFold(input)) {
    const request = foldRequest(plan, input, frame, context);
    const indexOf = new Map(request.columns.map((column, index) => [column.field, index]));
    const folded = await foldGroups(source, request);
    for (let group = 0; group < folded.count; group++) {
      if (turn.isOver()) await turn.next();
      evaluate(folded.tags(group), (call) => {
        const field = folded.field(group, indexOf.get(fieldOf(call).reference.name)!);
        if (field === null) return null;
        const values = new FoldedWindows(call, field);
        if (input.rowTime === "window") return values;
        return { times: BigInt64Array.of(foldedTime(call, field)), values: values.values, rows: null };
      });
    }
    return;
  }
  const limit = Number.MAX_SAFE_INTEGER;
  const selection = { ...selectionOf(plan, input), minTime: frame.minTime, maxTime: frame.maxTime };
  const whole: ScanRequest = { ...selection, fields: input.fields, limit, descending: false, budget };
  const request = context.path === "rows" ? whole : await narrowed(plan, input, whole, frame, context);
  if (request === null) return;
  const groups = await gatherGroups(source, request, plan.dimensions);
  await turn.through(evaluateGroups(plan, input, calls, groups, frame, meansOf(context), evaluate));
}

/** What a fold is asked for a frame. */
export function foldRequest(
  plan: SelectPlan,
  input: Input,
  frame: Frame,
  { budget }: ExecutionContext,
): FoldRequest {
  return {
    ...selectionOf(plan, input),
    ...{ minTime: frame.minTime, maxTime: frame.maxTime, bounds: frame.bounds },
    ...{ groupBy: plan.dimensions, columns: foldColumns(input) },
    ...{ timeless: input.rowTime === "window", budget },
  };
}

/**
 * The scan for one selector with other columns of its row (`last(value), host`): a fold tells cheaply when the selected
 * rows are, and only that stretch of time is read; null when there are none. On live data the last rows of all series
 * stand close together.
 */
async function narrowed(
  plan: SelectPlan,
  input: Input,
  request: ScanRequest,
  frame: Frame,
  context: ExecutionContext,
): Promise<ScanRequest | null> {
  const [call] = input.calls;
  if (plan.window !== null || input.calls.length !== 1 || call === undefined) return request;
  if (!selectorsWithTime.has(call.function) || !isFoldable(call)) return request;
  let from = frame.maxTime;
  let to = frame.minTime;
  const fold = { ...foldRequest(plan, input, frame, context), timeless: false };
  const folded = await foldGroups(context.source, fold);
  for (let group = 0; group < folded.count; group++) {
    const field = folded.field(group, 0);
    if (field === null) continue;
    const time = foldedTime(call, field);
    if (time < from) from = time;
    if (time > to) to = time;
  }
  return from > to ? null : { ...request, minTime: from, maxTime: to };
}

const selectorsWithTime: ReadonlySet<string> = new Set(["min", "max", "first", "last"]);

export const meansOf = ({ budget, random = systemRandom }: ExecutionContext): Means => ({ budget, random });
