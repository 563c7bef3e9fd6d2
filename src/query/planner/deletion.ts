// DELETE and DROP SERIES to the rows that they name, measurement by measurement.
import { InputError } from "../../base/errors.ts";
import type { DeleteRequest } from "../../model/deletions.ts";
import { isComparison } from "../../model/evaluate.ts";
import type { Expression } from "../../model/expression.ts";
import { isLiteral } from "../../model/predicate.ts";
import { compileRegex } from "../../model/regex.ts";
import { MAX_TIME, MIN_TIME } from "../../model/types.ts";
import type { DeleteStatement, DropStatement } from "../ast.ts";
import { quoteName } from "../print.ts";
import { resolveCondition, splitCondition } from "./condition.ts";
import { type PlanContext, resolveDatabase } from "./context.ts";
import { checkComparisons, checkDelete } from "./deletion-check.ts";
import type { InstantContext } from "./instants.ts";
import { fieldMap, isTimeName, type Schema, TS_IS_NO_TIME, unite } from "./schema.ts";
import { measurementNames } from "./sources.ts";

type Deleting = DeleteStatement | (DropStatement & { readonly kind: "drop series" });

/** One request a measurement; fields to delete and a condition over fields are legal in DELETE alone. */
export async function planDeletion(statement: Deleting, context: PlanContext): Promise<DeleteRequest[]> {
  const database = resolveDatabase(context, "");
  const requests: DeleteRequest[] = [];
  const instants: InstantContext = { nowNs: context.nowNs, timezone: null };
  const schemas = new Map<string, Schema>();
  for (const measurement of await namesOf(statement, database, context))
    schemas.set(measurement, await schemaOf(context, database, measurement));
  // of all, lest ts is a tag of one and time for another
  const all = schemas.size === 0 ? TS_IS_NO_TIME : unite([...schemas.values()]);
  if (statement.kind === "delete") checkDelete(statement, all, [...schemas.keys()]);
  const { range, rest } = splitCondition(statement.condition, all, instants);
  // wrong whatever is there
  if (statement.kind === "drop series" && (range.min !== null || range.max !== null))
    throw new InputError("DROP SERIES doesn't support time in WHERE clause");
  if (rest !== null && schemas.size > 0) checkComparisons(rest, all);
  for (const [measurement, schema] of schemas) {
    const where = rest === null ? null : resolveCondition(rest, schema);
    if (statement.kind === "drop series" && where !== null && !isOverTags(where))
      throw new InputError("fields not supported in WHERE clause during deletion");
    const minTime = range.min ?? MIN_TIME;
    const maxTime = range.max ?? MAX_TIME;
    const fields = statement.kind === "delete" ? fieldsToDelete(statement, measurement, schema) : null;
    if (minTime <= maxTime && fields?.length !== 0)
      requests.push({ database, measurement, fields, where, minTime, maxTime });
  }
  return requests;
}

/** Tags compared with texts, regexes and each other: what the index of tags alone can answer. */
function isOverTags(where: Expression): boolean {
  if (where.kind === "regex") return where.operand.kind === "tag";
  if (where.kind !== "binary") return where.kind === "boolean";
  const { operator, left, right } = where;
  if (operator === "and" || operator === "or") return isOverTags(left) && isOverTags(right);
  const isText = ({ kind }: Expression) => kind === "tag" || kind === "string";
  const isConstant = isLiteral(left) && isLiteral(right);
  return isComparison(operator) && (isConstant || (isText(left) && isText(right)));
}

// Those of the fields that the measurement has; null: the statement names none, whole points go.
function fieldsToDelete({ fields }: DeleteStatement, measurement: string, schema: Schema): string[] | null {
  if (fields.length === 0) return null;
  const names = new Set<string>();
  for (const { name, pattern, place } of fields) {
    if (pattern !== null) {
      const regex = compileRegex(pattern);
      for (const known of schema.fields.keys()) if (regex.test(known)) names.add(known);
    } else if (schema.fields.has(name)) names.add(name);
    else if (schema.tags.has(name) || isTimeName(schema, name)) {
      const what = schema.tags.has(name) ? `a tag of ${quoteName(measurement)}` : "the time of points";
      throw new InputError(`DELETE takes fields before FROM: ${quoteName(name)} is ${what} at ${place}`);
    }
  }
  return [...names];
}

async function namesOf(
  { sources }: Deleting,
  database: string,
  context: PlanContext,
): Promise<Iterable<string>> {
  const there = await context.metadata.measurements(database, null);
  if (sources.length === 0) return there;
  const names = new Set<string>();
  for (const source of sources)
    if (source.kind === "measurement")
      for (const name of await measurementNames(source, database, context)) names.add(name);
  return there.filter((name) => names.has(name));
}

async function schemaOf(context: PlanContext, database: string, measurement: string): Promise<Schema> {
  const [fields, tags] = await Promise.all([
    context.metadata.fields(database, measurement),
    context.metadata.tagKeys(database, measurement, null),
  ]);
  return { fields: fieldMap(fields), tags: new Set(tags) };
}
