// SELECT to its plan: sources, time, dimensions, columns, and for each source what its columns are made of.
import { type FieldType, MAX_TIME, MIN_TIME } from "../../model/types.ts";
import type { SelectStatement } from "../ast.ts";
import { functions } from "../functions.ts";
import {
  type Input,
  type Output,
  type PlannedColumn,
  readsRow,
  type SelectPlan,
  type Window,
} from "../plan.ts";
import { checkSelect } from "./check.ts";
import { everything, intersect, resolveCondition, splitCondition, type TimeRange } from "./condition.ts";
import type { PlanContext } from "./context.ts";
import { planDimensions, planWindow } from "./dimensions.ts";
import { expandFields } from "./expand.ts";
import type { InstantContext } from "./instants.ts";
import { type Named, nameColumns } from "./naming.ts";
import { OutputBuilder } from "./outputs.ts";
import { isTimeName, type PlannedSource, type Schema, unite } from "./schema.ts";
import { planSources } from "./sources.ts";

/** What a subquery takes over from the statement around it. */
interface Surroundings {
  readonly range: TimeRange;
  readonly dimensions: readonly string[];
}

export function planSelect(statement: SelectStatement, context: PlanContext): Promise<SelectPlan> {
  return planWithin(statement, context, { range: everything, dimensions: [] });
}

async function planWithin(
  statement: SelectStatement,
  context: PlanContext,
  outer: Surroundings,
): Promise<SelectPlan> {
  const instants: InstantContext = { nowNs: context.nowNs, timezone: statement.timezone };
  // Once before anything else, for its errors: whether ts is time is known only after the sources.
  const { range: outerRange } = splitCondition(statement.condition, NO_NAMES, instants);
  const window = planWindow(statement.dimensions, instants);
  const sources = await planSources(statement.sources, context, (subquery) => {
    // Only the names written out reach a subquery: `*` and regexes ask what it has.
    const dimensions = planDimensions(statement.dimensions, outer.dimensions, NO_NAMES);
    return planWithin(subquery, context, { range: intersect(outer.range, outerRange), dimensions });
  });
  const schema = unite(sources);

  const { timeName, fields } = takeTime(statement, schema);
  checkSelect(
    statement,
    fields.map(({ expression }) => expression),
    window !== null,
  );
  const { range, rest } = splitCondition(statement.condition, schema, instants);
  const { min, max } = intersect(outer.range, range);
  const maxTime = max ?? (window === null ? MAX_TIME : context.nowNs);
  const dimensions = planDimensions(statement.dimensions, outer.dimensions, schema);
  const groupsByWildcard = statement.dimensions.some(({ kind }) => kind === "wildcard" || kind === "regex");
  const columns = expandFields(fields, schema, new Set(dimensions), groupsByWildcard);

  const isEmpty = (min ?? MIN_TIME) > maxTime;
  const inputs = (isEmpty ? [] : sources)
    .map((source) =>
      planInput(source, columns, window, rest === null ? null : resolveCondition(rest, source)),
    )
    .filter((input) => input !== null);
  return {
    kind: "select",
    columns: [{ name: timeName, type: "time" }, ...describe(columns, inputs)],
    inputs,
    minTime: min ?? MIN_TIME,
    maxTime,
    aggregateTime: min ?? 0n,
    window,
    dimensions,
    fill: window === null ? { kind: "none" } : (statement.fill ?? { kind: "null" }),
    descending: statement.descending,
    limit: statement.limit,
    offset: statement.offset,
    seriesLimit: statement.seriesLimit,
    seriesOffset: statement.seriesOffset,
    timezone: statement.timezone,
  };
}

const NO_NAMES: Schema = { fields: new Map(), tags: new Set() };

/** Time is always the first column: naming it among the fields only says how that column is called. */
function takeTime(statement: SelectStatement, schema: Schema): { timeName: string; fields: Named[] } {
  let timeName = "time";
  const fields = statement.fields.filter(({ expression, alias }) => {
    const isTime =
      expression.kind === "reference" && expression.cast === null && isTimeName(schema, expression.name);
    if (isTime) timeName = alias ?? expression.name;
    return !isTime;
  });
  return { timeName, fields };
}

/** null: the source has none of the fields, so it has no rows for this statement. */
function planInput(
  source: PlannedSource,
  columns: readonly Named[],
  window: Window | null,
  where: Input["where"],
): Input | null {
  const builder = new OutputBuilder(source, window);
  const outputs = columns.map(({ expression }) => builder.build(expression));
  const { calls, fields } = builder;
  if (fields.length === 0) return null;
  const rowTime = builder.callsWritten.size === 1 && keepsRowTime(calls, window) ? "row" : "window";
  const overRows = calls.some(
    (call) => call.argument.kind === "field" && functions[call.function].kind === "transformation",
  );
  return {
    source: source.source,
    where,
    fields,
    calls,
    outputs,
    rowTime: calls.length === 0 || overRows ? "row" : rowTime,
    foldable:
      source.source.kind === "measurement" &&
      calls.length > 0 &&
      calls.every((call) => call.argument.kind === "call" || call.fold !== 0) &&
      !outputs.some(readsRow),
  };
}

/** For one call as written: a selector's row is the answer's row, unless windows stamp their start on it. */
function keepsRowTime(calls: Input["calls"], window: Window | null): boolean {
  const call = calls[0];
  if (call === undefined || calls.length > 1) return false;
  if (call.function === "top" || call.function === "bottom") return true;
  return window === null && functions[call.function].kind === "selector";
}

/** A column's type is that of the first input that has it. */
function describe(columns: readonly Named[], inputs: readonly Input[]): PlannedColumn[] {
  return nameColumns(columns).map((name, index) => {
    const output = inputs.map((input) => input.outputs[index]!).find(({ type }) => type !== null);
    return { name, type: output === undefined ? null : columnType(output) };
  });
}

function columnType(output: Output): FieldType | "tag" | null {
  return output.kind === "row" && output.reference.kind === "tag" ? "tag" : output.type;
}
