// SELECT to its plan: sources, time, dimensions, columns, and for each source what its columns are made of.
import { isMathName } from "../../model/mathematics.ts";
import { FieldType, MAX_TIME, MIN_TIME } from "../../model/types.ts";
import type { MeasurementSource, Node, SelectStatement, Source } from "../ast.ts";
import { functionNamed, functions } from "../functions.ts";
import { type Input, readsRow, type SelectPlan, type Window } from "../plan.ts";
import {
  everything,
  intersect,
  resolveCondition,
  type SplitCondition,
  splitCondition,
  type TimeRange,
} from "./condition.ts";
import { type PlanContext, resolveDatabase, resolvePolicy } from "./context.ts";
import { planDimensions, planWindow } from "./dimensions.ts";
import { expandFields } from "./expand.ts";
import { hiddenColumns, planHaving } from "./having.ts";
import type { InstantContext } from "./instants.ts";
import { checkGroups } from "./join.ts";
import { withMeasurementName } from "./measurement-name.ts";
import { isUnlisted, type Named, nameColumns, nameColumnsInside } from "./naming.ts";
import { OutputBuilder } from "./outputs.ts";
import { checkFields, checkNames, checkWritten } from "./prepare.ts";
import { withReducedFields } from "./reduce.ts";
import {
  isDerived,
  isTagName,
  NO_NAMES,
  type PlannedSource,
  type Schema,
  TS_IS_NO_TIME,
  unite,
} from "./schema.ts";
import { describeColumns, type PlanSubquery, planSources, type Subquery } from "./sources.ts";

/** What a subquery takes over from the statement around it. */
interface Surroundings {
  readonly range: TimeRange;
  readonly dimensions: readonly string[];
  /** Windows of a subquery with calls that has none of its own, by the clock of `timezone`. */
  readonly window: Window | null;
  readonly timezone: string | null;
  readonly descending: boolean;
}

export async function planSelect(statement: SelectStatement, context: PlanContext): Promise<SelectPlan> {
  // before anything else that is wrong with the statement
  const measurements = measurementsOf(statement.sources);
  for (const { database } of measurements) resolveDatabase(context, database);
  const reduced = withReducedFields(statement);
  checkWritten(reduced, context, null);
  for (const { database, retentionPolicy } of measurements)
    resolvePolicy(context, resolveDatabase(context, database), retentionPolicy);
  await checkNames(reduced, context);
  return (await planWithin(reduced, context, null)).plan;
}

/** In subqueries too, as written. */
const measurementsOf = (sources: readonly Source[]): MeasurementSource[] =>
  sources.flatMap((source): MeasurementSource[] => {
    if (source.kind === "measurement") return [source];
    if (source.kind === "subquery") return measurementsOf(source.statement.sources);
    return [];
  });

async function planWithin(
  statement: SelectStatement,
  context: PlanContext,
  around: Surroundings | null,
): Promise<Subquery> {
  const outer = around ?? {
    range: everything,
    dimensions: [],
    window: null,
    timezone: null,
    descending: false,
  };
  const descending = statement.descending || outer.descending;
  const instants: InstantContext = { nowNs: context.nowNs, timezone: statement.timezone };
  let { range: outerRange } = splitCondition(statement.condition, TS_IS_NO_TIME, instants);
  const ownWindow = planWindow(statement.dimensions, instants);
  const window = ownWindow ?? (overPoints(statement) ? outer.window : null);
  const timezone = ownWindow === null && window !== null ? outer.timezone : statement.timezone;
  const planSubquery: PlanSubquery = (subquery, keys) => {
    // Only the names written out reach a subquery: `*` and regexes ask what it has.
    const dimensions = keys ?? planDimensions(statement.dimensions, outer.dimensions, NO_NAMES);
    const range = intersect(outer.range, outerRange);
    const windows = window === null ? outer : { window, timezone };
    return planWithin(subquery, context, { ...windows, range, dimensions, descending });
  };
  const plan = () => planSources(statement.sources, context, planSubquery, nodesOf(statement));
  let sources = await plan();
  let schema = unite(sources);
  // whether ts is time is known only now: subqueries are in its range, too
  let split: SplitCondition | null = splitCondition(statement.condition, schema, instants);
  const { range: whole } = split;
  if (whole.min !== outerRange.min || whole.max !== outerRange.max) {
    outerRange = whole;
    sources = await plan();
    schema = unite(sources);
    split = null;
  }
  checkGroups(statement.dimensions, schema);

  const { timeName, timeColumns, fields } = checkFields(statement, schema, ownWindow, around);
  const { range, rest } = split ?? splitCondition(statement.condition, schema, instants);
  const { min, max } = intersect(outer.range, range);
  const maxTime = max ?? (window === null ? MAX_TIME : context.nowNs);
  const dimensions = planDimensions(statement.dimensions, outer.dimensions, schema);
  const groupsByWildcard = statement.dimensions.some(({ kind }) => kind === "wildcard" || kind === "regex");
  // `*` leaves out what the statement itself groups by
  const own = outer.dimensions.length === 0 ? dimensions : planDimensions(statement.dimensions, [], schema);
  const shown = expandFields(fields, schema, new Set(own), groupsByWildcard);
  const isWrittenAsTag = ({ isOfRank, expression }: Named) =>
    statement.into !== null &&
    isOfRank === true &&
    expression.kind === "reference" &&
    isTagName(schema, expression);
  const names = around === null ? nameColumns(shown, isWrittenAsTag) : nameColumnsInside(shown);
  const hidden = statement.having === null ? [] : hiddenColumns(statement.having, shown, names);
  const columns = [...shown, ...hidden];

  const united = new OutputBuilder(schema, { window, around: outer.window });
  for (const { expression } of columns) united.checkPatterns(expression);
  for (const { expression } of columns) united.checkTypes(expression);
  const isEmpty = (min ?? MIN_TIME) > maxTime;
  const inputs = (isEmpty ? [] : byName(sources))
    .map((parts) => planInput(parts, columns, { window, around: outer.window }, rest, schema))
    .filter((input) => input !== null);
  // In a subquery windows without a value are no rows, not even where count() would show 0.
  const fill = statement.fill ?? { kind: "null" };
  const described = describeColumns([...names, ...hidden.map(({ alias }) => alias!)], inputs);
  const planned: SelectPlan = {
    kind: "select",
    columns: [
      { name: timeName, type: "time" },
      ...described.slice(0, shown.length).map((column, i) => ({
        ...column,
        // (that of a measurement that has no rows here is known, too)
        type: column.type ?? united.typeOf(shown[i]!.expression),
        ...(isWrittenAsTag(shown[i]!) ? { isWrittenAsTag: true as const } : {}),
        ...(isUnlisted(shown[i]!, column.name, shown) ? { isUnlisted: true as const } : {}),
      })),
    ],
    inputs,
    minTime: min ?? MIN_TIME,
    maxTime,
    aggregateTime: min ?? 0n,
    window,
    dimensions,
    fill: window === null || (around !== null && fill.kind === "null") ? { kind: "none" } : fill,
    having:
      statement.having === null
        ? null
        : planHaving(statement.having, columns, described, shown.length, dimensions),
    descending,
    limit: statement.limit,
    offset: statement.offset,
    seriesLimit: statement.seriesLimit,
    seriesOffset: statement.seriesOffset,
    timezone,
  };
  return { plan: planned, range, groups: own, timeColumns };
}

/** All that a statement reads by name. */
function nodesOf({ fields, condition, having }: SelectStatement): Node[] {
  return [...fields.map(({ expression }) => expression), condition, having].filter((node) => node !== null);
}

/** Whether a statement has calls that answer by windows: all but transformations of rows. */
function overPoints(statement: SelectStatement): boolean {
  const visit = (node: Node): boolean => {
    switch (node.kind) {
      case "distinct":
        return true;
      case "call": {
        const called = functionNamed(node.name);
        const isOverRows = called !== undefined && functions[called.name].kind === "transformation";
        return !(isOverRows || isMathName(node.name)) || node.arguments.some(visit);
      }
      case "paren":
        return visit(node.inner);
      case "binary":
        return visit(node.left) || visit(node.right);
      default:
        return false;
    }
  };
  return statement.fields.some(({ expression }) => visit(expression));
}

/** Sources of the same name together: what is sorted by name stays so. */
function byName(sources: readonly PlannedSource[]): (readonly PlannedSource[])[] {
  if (sources.length === 1) return [sources];
  const names = new Map<string, PlannedSource[]>();
  for (const source of sources) {
    const parts = names.get(source.name);
    if (parts === undefined) names.set(source.name, [source]);
    else parts.push(source);
  }
  return [...names.values()];
}

/** null: the source has none of the fields, so it has no rows for this statement. */
function planInput(
  parts: readonly PlannedSource[],
  columns: readonly Named[],
  windows: { readonly window: Window | null; readonly around: Window | null },
  condition: Node | null,
  all: Schema,
): Input | null {
  const schema = unite(parts);
  const { window } = windows;
  const builder = new OutputBuilder(schema, windows, all);
  const outputs = columns.map(({ expression }) => builder.column(expression));
  const { calls, fields } = builder;
  const [only] = parts;
  const stored = parts.length === 1 && only!.rows.kind === "measurement" ? only!.rows : null;
  const isEmpty =
    stored !== null || !isDerived(schema)
      ? fields.length === 0
      : fields.length === 0 && !outputs.some(readsRow);
  // calls without points beside bare fields select no row
  if (isEmpty || (builder.callsWritten.size > 0 && calls.length === 0)) return null;
  const rowTime = builder.callsWritten.size === 1 && keepsRowTime(calls, window) ? "row" : "window";
  const overRows =
    calls.some(({ argument }) => argument.kind === "field") &&
    calls.every(
      (call) => call.argument.kind === "call" || functions[call.function].kind === "transformation",
    );
  const whereOf = (source: PlannedSource) => {
    if (condition === null) return null;
    const { rows, name } = source;
    const asked = rows.kind === "measurement" ? withMeasurementName(condition, all, name) : condition;
    return resolveCondition(asked, amongOthers(source, all));
  };
  return {
    source: stored ?? {
      kind: "derived",
      name: only!.name,
      parts: parts.map((part) => ({
        rows: part.rows,
        where: whereOf(part),
        absent: part.rows.kind === "measurement" ? ofOtherKinds(part, schema) : [],
      })),
      tagColumns: [...(schema.tagColumns ?? [])],
    },
    where: stored === null ? null : whereOf(only!),
    fields,
    calls,
    outputs,
    rowTime: calls.length === 0 || overRows ? "row" : rowTime,
    foldable:
      stored !== null &&
      calls.length > 0 &&
      calls.every(
        (call) => call.argument.kind === "call" || call.fold !== 0 || functions[call.function].isSketched,
      ) &&
      !outputs.some(readsRow),
  };
}

/** For one call as written: a selector's row is the answer's row, unless windows stamp their start on it. */
function keepsRowTime(calls: Input["calls"], window: Window | null): boolean {
  const call = calls[0];
  if (call === undefined || calls.length > 1) return false;
  if (call.function === "top" || call.function === "bottom" || call.function === "sample") return true;
  return window === null && functions[call.function].kind === "selector";
}

/**
 * A name has one type over all sources: what is a field in a source beside this one, or in another retention policy, is no tag here,
 * and what is of another kind there (numbers come before texts, those before booleans) has no value in a measurement.
 */
function amongOthers(source: Schema, all: Schema): Schema {
  if (source === all && source.elsewhere === undefined) return source;
  const absent = new Set([...(source.absent ?? []), ...(source.elsewhere ?? [])]);
  const floats = new Set<string>();
  for (const [name, type] of all.fields) {
    const own = source.fields.get(name);
    if (type === FieldType.Float && own !== undefined && own !== type) floats.add(name);
    // (the column of a tag is empty where it is missing, and so is a text that a subquery does not have)
    const isEmpty = all.tagColumns?.has(name) || (type === FieldType.String && isDerived(source));
    if (own === undefined && !source.tags.has(name) && !isEmpty) absent.add(name);
  }
  if (!isDerived(source)) for (const name of ofOtherKinds(source, all)) absent.add(name);
  return absent.size + floats.size === 0 ? source : { ...source, absent, floats };
}

/** Fields of a source that are of another kind (number, text, boolean) over all of them. */
function ofOtherKinds(source: Schema, all: Schema): string[] {
  const isNumber = (type: FieldType) => type !== FieldType.String && type !== FieldType.Boolean;
  return [...source.fields].flatMap(([name, own]) => {
    const type = all.fields.get(name);
    const isAlike = type === undefined || own === type || (isNumber(own) && isNumber(type));
    return isAlike ? [] : [name];
  });
}
