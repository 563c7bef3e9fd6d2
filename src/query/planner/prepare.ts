// What is wrong with a statement and its subqueries, before any of them is planned: in the order in which InfluxDB says it.
//
//   as written, the outer statement before what is inside ──> names, inner before outer ──> types of the outer columns
import { InputError } from "../../base/errors.ts";
import { FieldType } from "../../model/types.ts";
import type { SelectStatement, Source } from "../ast.ts";
import type { Window } from "../plan.ts";
import { checkSelect } from "./check.ts";
import { checkCalls, splitCondition } from "./condition.ts";
import type { PlanContext } from "./context.ts";
import { planDimensions, planWindow } from "./dimensions.ts";
import { expandFields } from "./expand.ts";
import { havingCalls } from "./having.ts";
import type { InstantContext } from "./instants.ts";
import { isUnlisted, type Named, nameColumnsInside, takeTime } from "./naming.ts";
import { OutputBuilder } from "./outputs.ts";
import { NO_NAMES, type Schema, TS_IS_NO_TIME, unite } from "./schema.ts";
import { planMeasurements } from "./sources.ts";

interface Around {
  readonly window: Window | null;
  readonly descending: boolean;
}

/** Throws for what needs no names, in the statement and then in each of its subqueries. */
export function checkWritten(statement: SelectStatement, context: PlanContext, around: Around | null): void {
  const instants: InstantContext = { nowNs: context.nowNs, timezone: statement.timezone };
  const { rest } = splitCondition(statement.condition, TS_IS_NO_TIME, instants);
  if (rest !== null) checkCalls(rest);
  const window = planWindow(statement.dimensions, instants);
  if (around?.descending === true ? statement.isAscending : around !== null && statement.descending)
    throw new InputError("subqueries must be ordered in the same direction as the query itself");
  if (!statement.fields.some(({ expression }) => expression.kind === "reference" && expression.name === "ts"))
    checkFields(statement, NO_NAMES, window, around);
  const inside = {
    window: window ?? around?.window ?? null,
    descending: statement.descending || around?.descending === true,
  };
  for (const source of statement.sources.flatMap(withoutJoins))
    if (source.kind === "subquery") checkWritten(source.statement, context, inside);
}

const withoutJoins = (source: Source): readonly Source[] =>
  source.kind === "join" ? source.sides.map((side) => side.source) : [source];

/** The fields without time, once their calls are right. `window`: of the statement itself; `around`: null where nothing is. */
export function checkFields(
  statement: SelectStatement,
  schema: Schema,
  window: Window | null,
  around: { readonly window: Window | null } | null,
): ReturnType<typeof takeTime> {
  const written = takeTime(statement, schema, false).fields.map(({ expression }) => expression);
  if (statement.having !== null) written.push(...havingCalls(statement.having));
  const outer = around?.window ?? null;
  const windows = window !== null ? "own" : outer !== null ? "outer" : "none";
  checkSelect(statement, written, windows, around !== null);
  return takeTime(statement, schema);
}

/** Throws for wildcards that stand for nothing in subqueries, and then for operators of the statement's own columns that do not fit. */
export async function checkNames(statement: SelectStatement, context: PlanContext): Promise<void> {
  if (!statement.sources.some(({ kind }) => kind === "subquery")) return;
  const { builder, columns } = await columnsOf(statement, context);
  for (const { expression } of columns) builder.checkTypes(expression);
}

interface Columns {
  readonly columns: readonly Named[];
  readonly builder: OutputBuilder;
  /** What the statement itself groups by. */
  readonly tags: ReadonlySet<string>;
}

async function columnsOf(statement: SelectStatement, context: PlanContext): Promise<Columns> {
  const schemas: Schema[] = [];
  for (const source of statement.sources) {
    if (source.kind === "subquery") schemas.push(await namesOf(source.statement, context));
    else if (source.kind === "measurement")
      schemas.push(...(await planMeasurements(source, context)).filter(({ fields }) => fields.size > 0));
  }
  const schema = unite(schemas);
  const { fields } = takeTime(statement, schema);
  const tags = new Set(planDimensions(statement.dimensions, [], schema));
  const groupsByWildcard = statement.dimensions.some(({ kind }) => kind === "wildcard" || kind === "regex");
  const columns = expandFields(fields, schema, tags, groupsByWildcard);
  const builder = new OutputBuilder(schema, { window: null, around: null });
  for (const { expression } of columns) builder.checkPatterns(expression);
  return { columns, builder, tags };
}

/** The names that a subquery gives, whether it has rows or not. */
async function namesOf(statement: SelectStatement, context: PlanContext): Promise<Schema> {
  const { columns, builder, tags } = await columnsOf(statement, context);
  const names = nameColumnsInside(columns);
  const fields = new Map<string, FieldType>();
  const tagColumns = new Set<string>();
  const unlisted = new Set<string>();
  for (const [index, { expression }] of columns.entries()) {
    const [name, type] = [names[index]!, builder.typeOf(expression)];
    if (isUnlisted(columns[index]!, name, columns)) unlisted.add(name);
    if (type === null || fields.has(name)) continue;
    fields.set(name, type === "tag" ? FieldType.String : type);
    if (type === "tag") tagColumns.add(name);
  }
  return { fields, tags, tagColumns, groups: tags, unlisted };
}
