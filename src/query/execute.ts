// Execution of a SELECT plan: for each input its groups, for each group its rows, cut into parts.
//
//   no calls        scan ── group ── merge series by time ─────────────────────────────┐
//   foldable calls  fold ── merge partial aggregates ── values of calls ── fill ── rows ├─ limit ── parts
//   other calls     scan ── group ── points ── functions ── values ── fill ── rows ────┘
//
// Transformations of windows look at windows before the first: their calls are evaluated in a pass of their
// own over a wider frame, so that the other columns' first window is still cut at the lower bound.
//
// Where columns are folded calls as they are, many groups are answered at once: as tables (window-tables.ts), and points that are
// selected by tags alone as short series (selected-points.ts).
//
// Where several threads have the rows, answers by tags are made and written by all of them (shares.ts).
//
// Over a subquery the same runs: its answer is scanned as blocks (derived.ts).

import type { Random } from "../base/random.ts";
import { listKey } from "../model/listkey.ts";
import type { Budget, Rows } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import { AnswerRows, type GroupValues } from "./answer.ts";
import { baseCalls, passesOf, rootCalls } from "./calls.ts";
import { ColumnarPart } from "./columnar.ts";
import { DerivedRows } from "./derived.ts";
import { evaluateCall } from "./evaluate.ts";
import type { Visit } from "./evaluate-groups.ts";
import { foldGroups } from "./folds.ts";
import { type Frame, frameOf } from "./frame.ts";
import type { RowGroup } from "./gather.ts";
import { HavingRows } from "./having.ts";
import { limitedFrame } from "./limited-frame.ts";
import { lastValue, lookbackFrame } from "./lookback.ts";
import { Merge } from "./merge.ts";
import { chosenSeries, inParts, limited, type Row, type SeriesHead } from "./parts.ts";
import type { Input, SelectPlan } from "./plan.ts";
import type { AnswerPart, Cell, ResultSeries } from "./result.ts";
import { columnarParts, mergedRows, scanRows, storedCells } from "./rows.ts";
import { isOfPoints, selectedPoints } from "./selected-points.ts";
import type { SeriesTable } from "./series-table.ts";
import { inShares, isDivisible, type Shares } from "./shares.ts";
import { areShort, type ShortSeries, shortSeries } from "./short-series.ts";
import { sortTexts } from "./sorting.ts";
import { STEP, type Steps, Turn } from "./turn.ts";
import { foldRequest, meansOf, visitGroups } from "./visit-groups.ts";
import { isTabular, windowTables } from "./window-tables.ts";

export interface ExecutionContext {
  readonly source: Rows;
  readonly budget: Budget;
  /** Time of the query: where windows without an upper bound end, ns. */
  readonly nowNs: bigint;
  /** Chance, for sample(); absent: the system's. */
  readonly random?: Random;
  /** How aggregates are computed: "rows" does without `Source.fold` (a test holds both against each other). */
  readonly path?: "fold" | "rows";
  /** Whoever reads the answer takes tables of many series. */
  readonly takesTables?: boolean;
  /** Whoever reads the answer takes written series, and these have them. */
  readonly shares?: Shares;
  /** Told of the groups of an input with calls before its first series: by dimension the value in each, in the order of the answer. */
  readonly onGroups?: (tags: readonly (readonly string[])[]) => void;
}

/** The answer of a SELECT. Nothing is read before the first series is asked for. */
export function executeSelect(plan: SelectPlan, context: ExecutionContext): AsyncIterable<ResultSeries> {
  const { shares: _shares, onGroups: _onGroups, ...own } = context;
  const parts = executeParts(plan, { ...own, takesTables: false });
  return parts as AsyncIterable<ResultSeries>;
}

/** The same, with tables and written series where the context takes them. */
export function executeParts(plan: SelectPlan, context: ExecutionContext): AsyncIterable<AnswerPart> {
  // delegation between async generators costs microseconds a series, and most statements have one input
  const [only] = plan.inputs;
  return only !== undefined && plan.inputs.length === 1
    ? dividedSeries(plan, only, context)
    : everyInput(plan, context);
}

async function* everyInput(plan: SelectPlan, context: ExecutionContext): AsyncGenerator<AnswerPart> {
  const inputs = plan.descending ? plan.inputs.toReversed() : plan.inputs;
  for (const input of inputs) yield* dividedSeries(plan, input, context);
}

// In shares where that can be.
function dividedSeries(
  plan: SelectPlan,
  input: Input,
  context: ExecutionContext,
): AsyncGenerator<AnswerPart> {
  const { shares } = context;
  return shares !== undefined && isDivisible(plan, input)
    ? sharedSeries(plan, input, context, shares)
    : executeInput(plan, input, context);
}

async function* sharedSeries(
  plan: SelectPlan,
  input: Input,
  context: ExecutionContext,
  shares: Shares,
): AsyncGenerator<AnswerPart> {
  yield* (await inShares(plan, input, context, shares)) ?? executeInput(plan, input, context);
}

/** The answer of one input, made here. */
export function executeInput(
  plan: SelectPlan,
  input: Input,
  context: ExecutionContext,
): AsyncGenerator<AnswerPart> {
  const { source } = input;
  const within: ExecutionContext =
    source.kind === "measurement"
      ? context
      : { ...context, path: "rows", source: new DerivedRows(plan, source, context, executeSelect) };
  return input.calls.length === 0 ? rowSeries(plan, input, within) : callSeries(plan, input, within);
}

async function* rowSeries(
  plan: SelectPlan,
  input: Input,
  context: ExecutionContext,
): AsyncGenerator<AnswerPart> {
  const { budget } = context;
  if (plan.minTime > plan.maxTime) return;
  const groups = await scanRows(context.source, plan, input, budget);
  const headWith = headsOf(plan, input);
  const turn = new Turn(budget);
  if (plan.having !== null) {
    const having = new HavingRows<RowGroup>(
      plan,
      plan.having,
      async ({ series }) => mergedRows(input, await turn.through(Merge.of(series, plan.descending))),
      turn,
    );
    for (const group of await having.groups(groups)) yield* having.parts(headWith(group.tags), group);
    return;
  }
  const stored = storedCells(input);
  const chosen = chosenSeries(plan, groups);
  if (context.takesTables === true && stored !== null && areShort(plan, chosen)) {
    for (const series of shortSeries(plan, chosen, stored, headOf(plan, input))) {
      if (turn.isOver()) await turn.next();
      yield series;
    }
    return;
  }
  for (const group of chosen) {
    if (stored !== null) {
      for (const part of columnarParts(plan, stored, group, headWith(group.tags))) {
        budget.check();
        if (turn.isOver()) await turn.next();
        if (part !== null) yield part;
      }
      continue;
    }
    const all = mergedRows(input, await turn.through(Merge.of(group.series, plan.descending)));
    const rows = plan.offset === 0 ? all : await afterOffset(all, plan.offset, turn);
    for (const part of inParts(headWith(group.tags), limited(rows, 0, plan.limit), budget)) {
      if (turn.isOver()) await turn.next();
      yield part;
    }
  }
}

async function* callSeries(
  plan: SelectPlan,
  input: Input,
  context: ExecutionContext,
): AsyncGenerator<AnswerPart> {
  const roots = rootCalls(input);
  const groups = new Map<string, GroupValues>();
  const turn = new Turn(context.budget);
  let frame: Frame | null = null;
  for (const [extraWindows, calls] of passesOf(plan, input, roots)) {
    const passFrame = await frameOf(plan, input, extraWindows, context);
    if (passFrame === null) continue;
    if (extraWindows === 0) frame = passFrame;
    if (context.takesTables === true && context.path !== "rows") {
      const areTables = isTabular(plan, input, passFrame);
      if (areTables || isOfPoints(plan, input)) {
        yield* manySeries(plan, input, passFrame, context, turn, areTables);
        return;
      }
    }
    const part = context.path === "rows" ? null : limitedFrame(plan, input, passFrame);
    if (part !== null) {
      await evaluatePass(plan, input, calls, part, context, groups, turn);
      // what gave nothing here may have rows outside of the part, which its fill depends on
      const found = [...groups.values()].some(({ values }) => calls.every((call) => values[call] !== null));
      if (found) {
        frame = part;
        continue;
      }
      groups.clear();
    }
    await evaluatePass(plan, input, calls, passFrame, context, groups, turn);
  }
  const found = await turn.through(inOrder(groups));
  // (also those of which nothing is shown: with what other threads have of them, they may be)
  if (context.onGroups) {
    const told = chosenSeries(plan, found);
    context.onGroups(await turn.through(tagsOf(told, plan.dimensions.length)));
  }
  const ordered = await turn.through(withValues(found));
  const answer = new AnswerRows(plan, input, roots, frame);
  const headWith = headsOf(plan, input);
  if (plan.having !== null) {
    const having = new HavingRows<GroupValues>(plan, plan.having, (group) => answer.of(group), turn);
    for (const group of await having.groups(ordered)) yield* having.parts(headWith(group.tags), group);
    return;
  }
  for (const group of chosenSeries(plan, ordered)) {
    const columns = answer.columns(group);
    if (columns !== null) {
      if (turn.isOver()) await turn.next();
      if (columns.count > 0) yield new ColumnarPart(headWith(group.tags), columns, false);
      continue;
    }
    const all = answer.of(group);
    const rows = plan.offset === 0 ? all : await afterOffset(all, plan.offset, turn);
    for (const part of inParts(headWith(group.tags), limited(rows, 0, plan.limit), context.budget)) {
      if (turn.isOver()) await turn.next();
      yield part;
    }
  }
}

/** Many series at once, straight from a fold. */
async function* manySeries(
  plan: SelectPlan,
  input: Input,
  frame: Frame,
  context: ExecutionContext,
  turn: Turn,
  areTables: boolean,
): AsyncGenerator<SeriesTable | ShortSeries> {
  const request = foldRequest(plan, input, frame, context);
  const folded = await foldGroups(context.source, request);
  const ordered = await turn.through(folded.ordered());
  const head = headOf(plan, input);
  const made = areTables
    ? windowTables(plan, input, frame, folded, ordered, request.columns, head)
    : selectedPoints(plan, input, folded, ordered, head);
  for (const series of made) {
    if (turn.isOver()) await turn.next();
    yield series;
  }
}

/** By key the value in each group. */
function* tagsOf(groups: readonly GroupValues[], keys: number): Steps<string[][]> {
  const columns = Array.from({ length: keys }, (): string[] => []);
  for (const [i, { tags }] of groups.entries()) {
    for (let key = 0; key < keys; key++) columns[key]!.push(tags[key]!);
    if (i % STEP === STEP - 1) yield;
  }
  return columns;
}

function* withValues(groups: readonly GroupValues[]): Steps<GroupValues[]> {
  const found: GroupValues[] = [];
  for (const [i, group] of groups.entries()) {
    if (group.values.some((value) => value !== null)) found.push(group);
    if (i % STEP === STEP - 1) yield;
  }
  return found;
}

function* inOrder(groups: ReadonlyMap<string, GroupValues>): Steps<GroupValues[]> {
  const ordered: GroupValues[] = [];
  for (const key of yield* sortTexts([...groups.keys()]))
    if (ordered.push(groups.get(key)!) % STEP === 0) yield;
  return ordered;
}

/** Rows of a group without the first `offset`: there can be millions to pass over. */
async function afterOffset(
  rows: readonly Row[] | Generator<Row>,
  offset: number,
  turn: Turn,
): Promise<Iterable<Row>> {
  if (!("next" in rows)) return rows.slice(offset);
  for (let passed = 0; passed < offset; passed++) {
    if (passed % 1000 === 0 && turn.isOver()) await turn.next();
    if (rows.next().done) break;
  }
  return rows;
}

/** Evaluates calls over every group of a frame and puts their values into `groups`. */
async function evaluatePass(
  plan: SelectPlan,
  input: Input,
  calls: readonly number[],
  frame: Frame,
  context: ExecutionContext,
  groups: Map<string, GroupValues>,
  turn: Turn,
): Promise<void> {
  const means = meansOf(context);
  const before = lookbackFrame(plan, input, frame);
  const carried = before === null ? null : await carriedValues(plan, input, before, context, turn);
  const evaluate: Visit = (tags, base) => {
    const key = listKey(tags);
    let group = groups.get(key);
    if (group === undefined) {
      group = { tags, values: new Array(input.calls.length).fill(null) };
      groups.set(key, group);
    }
    for (const call of calls)
      group.values[call] = evaluateCall(plan, input, call, frame, base, means, carried?.get(key)?.values);
    carried?.delete(key);
  };
  await visitGroups(plan, input, baseCalls(input, calls), frame, context, turn, evaluate);
  if (carried !== null) for (const { tags } of [...carried.values()]) evaluate(tags, () => null);
}

/** By group: its tags, and by call what stood before the frame. */
type Carried = Map<string, { readonly tags: readonly string[]; readonly values: readonly Cell[] }>;

/** What fill(previous, within) finds in the frame before that of the answer. */
async function carriedValues(
  plan: SelectPlan,
  input: Input,
  before: Frame,
  context: ExecutionContext,
  turn: Turn,
): Promise<Carried> {
  const carried: Carried = new Map();
  const calls = baseCalls(input, input.calls.keys());
  await visitGroups(plan, input, calls, before, context, turn, (tags, base) => {
    const values = input.calls.map((call) => (call.argument.kind === "field" ? lastValue(base(call)) : null));
    if (values.some((value) => value !== null)) carried.set(listKey(tags), { tags, values });
  });
  return carried;
}

/** What the series of an input have in common. */
function headOf(plan: SelectPlan, input: Input): SeriesHead {
  const name = input.source.kind === "measurement" ? input.source.measurement : input.source.name;
  const columns = plan.columns.map((column) => column.name);
  const zone = plan.timezone === null || plan.timezone === "UTC" ? {} : { zone: plan.timezone };
  const floats = [false, ...input.outputs.map(({ type }) => type === FieldType.Float)];
  return {
    ...{ name, columns, timeColumn: 0, ...zone },
    ...(floats.includes(true) ? { floats } : {}),
  };
}

/** The same with the tags that each has of its own. */
function headsOf(plan: SelectPlan, input: Input): (tags: readonly string[]) => SeriesHead {
  const { dimensions } = plan;
  const head = headOf(plan, input);
  if (dimensions.length === 0) return () => head;
  return (values) => {
    const tags = new Map<string, string>();
    for (let i = 0; i < dimensions.length; i++) tags.set(dimensions[i]!, values[i]!);
    return { ...head, tags };
  };
}
