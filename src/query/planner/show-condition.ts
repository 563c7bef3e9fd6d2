// WHERE of SHOW: what it asks of the series of one measurement.
//
// Tags, and where names are shown fields: of a series that has such a point. Another comparison with something else than a text,
// of a text with another literal, or of a name that no measurement has as a field with a type of fields, holds for every series where names are shown, and for none where they are counted, as InfluxDB has it. `_name` is the measurement; `_tagKey` is asked of tag keys and
// leaves the condition, as time does.
import { InputError } from "../../base/errors.ts";
import { evaluate } from "../../model/evaluate.ts";
import type { Expression } from "../../model/expression.ts";
import { RegexCache } from "../../model/regex.ts";
import type { BinaryNode, Node } from "../ast.ts";
import { printNode } from "../print.ts";
import type { KeyCondition } from "../show-plan.ts";
import { isWildcard, resolveCondition } from "./condition.ts";
import { writtenInstant } from "./instants.ts";
import { type Schema, TS_IS_NO_TIME } from "./schema.ts";

export interface ConditionScope {
  readonly measurement: string;
  /** The statement counts. */
  readonly counts: boolean;
  /** Fields that any of the measurements has and that are no tags of this one. */
  readonly fields: ReadonlySet<string>;
  readonly schema: Schema;
}

const operators: ReadonlySet<string> = new Set(["=", "!=", "=~", "!~"]);

/** The condition over tags; true: every series, false: none. Time has been taken out. */
export function seriesCondition(node: Node | null, scope: ConditionScope): Expression | boolean {
  return node === null ? true : (resolved(node, scope) ?? true);
}

/** null: nothing is asked of series. */
function resolved(node: Node, scope: ConditionScope): Expression | boolean | null {
  switch (node.kind) {
    case "paren":
      return resolved(node.inner, scope);
    case "boolean":
      return node.value;
    case "binary":
      break;
    default:
      throw new InputError(`invalid condition expression: ${printNode(node)}`);
  }
  const { operator } = node;
  if (operator !== "and" && operator !== "or") return comparison(node, scope);
  const left = resolved(node.left, scope);
  const right = resolved(node.right, scope);
  if (left === null || right === null) return left ?? right;
  const absorbing = operator === "or";
  if (left === absorbing || right === absorbing) return absorbing;
  if (typeof left === "boolean") return right;
  if (typeof right === "boolean") return left;
  return { kind: "binary", operator, left, right };
}

function comparison(node: BinaryNode, scope: ConditionScope): Expression | boolean | null {
  const asksField = !isWildcard(node.left) && !isWildcard(node.right);
  const asked = asksField ? namesIn(node).filter((name) => scope.fields.has(name)) : [];
  if (asked.length > 0)
    return asked.every((name) => scope.schema.fields.has(name)) && resolveCondition(node, scope.schema);
  const constant = constantComparison(node);
  if (constant !== null) return holds(resolveCondition(constant, TS_IS_NO_TIME), scope);
  const isTagComparison =
    operators.has(node.operator) && ![node.left, node.right].some(({ kind }) => kind === "binary");
  if (!isTagComparison && scope.counts) return false;
  if (!isTagComparison) throw new InputError("invalid tag comparison operator");
  const reference = referenceOf(node);
  if (reference === null && !areOfOneKind(node)) return !scope.counts;
  if (reference === null) return holds(resolveCondition(node, TS_IS_NO_TIME), scope);
  if (reference.name === "_tagKey") return null;
  if (reference.name === "_name") return holds(resolveCondition(node, TS_IS_NO_TIME), scope);
  const other = node.left === reference ? node.right : node.left;
  if (other.kind !== "string" && other.kind !== "regex" && other.kind !== "reference") return !scope.counts;
  // (of a value of that type nothing is known here)
  if ([node.left, node.right].some(hasType)) return !scope.counts;
  return resolveCondition(node, TS_IS_NO_TIME);
}

/** What is larger or smaller of two numbers, durations or texts of times, as numbers; null: it is something else. */
function constantComparison(node: BinaryNode): BinaryNode | null {
  const { operator, left, right } = node;
  if (!/^[<>]=?$/.test(operator)) return null;
  if (left.kind !== "string" || right.kind !== "string")
    return areOfOneKind(node) && [left, right].every(({ kind }) => constants.has(kind)) ? node : null;
  const [a, b] = [writtenInstant(left.value), writtenInstant(right.value)];
  if (a === null || b === null) return null;
  return { ...node, left: { kind: "integer", value: a }, right: { kind: "integer", value: b } };
}

const constants: ReadonlySet<string> = new Set(["integer", "unsigned", "number", "duration"]);

/** A name with the type of a field. */
const hasType = (node: Node): boolean =>
  node.kind === "reference" && node.cast !== null && node.cast !== "tag" && node.cast !== "field";

/** Two literals that can be compared. */
function areOfOneKind({ left, right }: BinaryNode): boolean {
  const kinds = [left, right].map(({ kind }) =>
    /^(?:integer|unsigned|number)$/.test(kind) ? "number" : kind,
  );
  return kinds[0] === kinds[1] || kinds.includes("call");
}

/** Of tags and fields. */
export function namesIn(node: Node): string[] {
  switch (node.kind) {
    case "reference":
      return [node.name];
    case "paren":
      return namesIn(node.inner);
    case "binary":
      return [...namesIn(node.left), ...namesIn(node.right)];
    case "call":
      return node.arguments.flatMap(namesIn);
    default:
      return [];
  }
}

const referenceOf = ({ left, right }: BinaryNode) =>
  left.kind === "reference" ? left : right.kind === "reference" ? right : null;

/** What a comparison without other tags than _name comes to. */
function holds(expression: Expression, scope: ConditionScope): boolean {
  return evaluate(expression, () => scope.measurement, new RegexCache()) === true;
}

/** What a condition asks of `_tagKey`, everything else left out; null: nothing. */
export function keyCondition(node: Node | null): KeyCondition | null {
  if (node?.kind === "paren") return keyCondition(node.inner);
  if (node?.kind !== "binary") return null;
  const { operator, left, right } = node;
  if (operator === "and" || operator === "or") {
    const [a, b] = [keyCondition(left), keyCondition(right)];
    return a === null || b === null ? (a ?? b) : { kind: operator, left: a, right: b };
  }
  if (left.kind !== "reference" || left.name !== "_tagKey") return null;
  const negated = operator.startsWith("!");
  if (right.kind === "regex") return { kind: "regex", pattern: right.pattern, negated };
  return right.kind === "string" ? { kind: "names", names: [right.value], negated } : null;
}
