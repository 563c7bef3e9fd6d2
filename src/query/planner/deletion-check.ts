// What DELETE and DROP SERIES refuse, lest they delete other points than their author means, or none without a word: time beside OR,
// fields that nothing has, and texts compared with what is none.
import { InputError } from "../../base/errors.ts";
import type { DeleteStatement, Node, ReferenceNode } from "../ast.ts";
import { quoteName } from "../print.ts";
import { writtenInstant } from "./instants.ts";
import { isTimeName, type Schema } from "./schema.ts";

/** `schema`: the names of all measurements that it deletes from. Throws `InputError` with the place. */
export function checkDelete(
  { fields, condition }: DeleteStatement,
  schema: Schema,
  measurements: readonly string[],
): void {
  if (condition !== null) checkAlternatives(condition, schema);
  // of a measurement that is not there everything is deleted
  if (measurements.length === 0) return;
  const refuse = (name: string, place: string | undefined): never => {
    const none = measurements.length === 1 ? `${quoteName(measurements[0]!)} has no` : "no measurement has a";
    throw new InputError(`DELETE: ${none} field ${quoteName(name)} at ${place}`);
  };
  for (const { name, pattern, place } of fields)
    if (pattern === null && !isKnown(name, schema)) refuse(name, place);
  if (condition !== null) for (const { name, place } of unknownFields(condition, schema)) refuse(name, place);
}

/**
 * Throws for `*`, for comparisons of two literals in which they are no numbers, times or truths both, nor texts that are equal or not, and
 * for a tag beside a literal that is no text.
 */
export function checkComparisons(node: Node, schema: Schema): void {
  if (node.kind === "paren") checkComparisons(node.inner, schema);
  if (node.kind !== "binary") return;
  const { operator } = node;
  const [left, right] = [withoutParens(node.left), withoutParens(node.right)];
  if (operator === "and" || operator === "or")
    for (const side of [left, right]) checkComparisons(side, schema);
  else if (
    hasWildcard(node) ||
    !areComparable(operator, left, right) ||
    (isTag(left, schema) && isNoText(right)) ||
    (isTag(right, schema) && isNoText(left))
  )
    throw new InputError("fields not supported in WHERE clause during deletion");
}

/** Of all measurements that have the name. */
const isTag = (node: Node, { tags, fields }: Schema): boolean =>
  node.kind === "reference" && tags.has(node.name) && (node.cast === "tag" || !fields.has(node.name));

const isNoText = ({ kind }: Node): boolean => literals.test(kind) && kind !== "string" && kind !== "regex";

function hasWildcard(node: Node): boolean {
  if (node.kind === "binary") return hasWildcard(node.left) || hasWildcard(node.right);
  if (node.kind === "paren") return hasWildcard(node.inner);
  return node.kind === "call" ? node.arguments.some(hasWildcard) : node.kind === "wildcard";
}

const withoutParens = (node: Node): Node => (node.kind === "paren" ? withoutParens(node.inner) : node);

const literals = /^(?:string|regex|number|integer|unsigned|boolean|duration)$/;
const numbers = /^(?:number|integer|unsigned)$/;

/** Also where one of them is no literal. */
function areComparable(operator: string, left: Node, right: Node): boolean {
  const isEquality = operator === "=" || operator === "!=";
  if (left.kind === "string" && right.kind === "string")
    return isEquality || [left, right].every(({ value }) => writtenInstant(value) !== null);
  if (left.kind === "boolean" && right.kind === "boolean") return isEquality;
  const kinds = [left, right].map(({ kind }) => (numbers.test(kind) ? "number" : kind));
  return kinds[0] === kinds[1] || !kinds.every((kind) => literals.test(kind));
}

/** A range of time holds for the whole statement, also where OR stands beside it: SELECT is read so, and InfluxDB's DELETE. */
function checkAlternatives(node: Node, schema: Schema): void {
  if (node.kind === "paren") checkAlternatives(node.inner, schema);
  if (node.kind !== "binary") return;
  if (node.operator === "or") {
    const time = timeIn(node, schema);
    if (time)
      throw new InputError(
        `DELETE takes no time beside OR: run one DELETE for each side, or write (... OR ...) AND ${time.name} ... at ${time.place}`,
      );
  }
  if (node.operator === "and" || node.operator === "or")
    for (const side of [node.left, node.right]) checkAlternatives(side, schema);
}

function timeIn(node: Node, schema: Schema): ReferenceNode | null {
  switch (node.kind) {
    case "paren":
      return timeIn(node.inner, schema);
    case "binary":
      return timeIn(node.left, schema) ?? timeIn(node.right, schema);
    case "reference":
      return node.cast === null && isTimeName(schema, node.name) ? node : null;
    default:
      return null;
  }
}

const isKnown = (name: string, schema: Schema) =>
  schema.fields.has(name) || schema.tags.has(name) || isTimeName(schema, name);

/** Names of nothing that stand where only a field can: one that is compared with texts is a tag that no series has, as in InfluxDB. */
function* unknownFields(node: Node, schema: Schema): Generator<ReferenceNode> {
  switch (node.kind) {
    case "paren":
      yield* unknownFields(node.inner, schema);
      break;
    case "call":
      for (const argument of node.arguments) yield* unknownFields(argument, schema);
      break;
    case "binary":
      if (isOfText(node.left) && isOfText(node.right)) break;
      yield* unknownFields(node.left, schema);
      yield* unknownFields(node.right, schema);
      break;
    case "reference":
      if (node.cast !== "tag" && !isKnown(node.name, schema)) yield node;
      break;
  }
}

function isOfText(node: Node): boolean {
  if (node.kind === "paren") return isOfText(node.inner);
  if (node.kind === "reference") return node.cast === null || node.cast === "tag";
  return node.kind === "string" || node.kind === "regex";
}
