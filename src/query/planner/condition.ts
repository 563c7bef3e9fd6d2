// WHERE in two parts: a time range, and a condition over tags and fields.
//
// Every comparison with time narrows the range and leaves the condition, whether AND or OR stands around it, as
// in InfluxDB (`host = 'a' OR host = 'b' AND time > now() - 1h` is written and meant so in many dashboards).
import { InputError } from "../../base/errors.ts";
import type { Expression } from "../../model/expression.ts";
import { isMathName, type MathName } from "../../model/mathematics.ts";
import { FieldType, MAX_TIME, MIN_TIME } from "../../model/types.ts";
import type { BinaryNode, CallNode, Node, NodeOperator, ReferenceNode } from "../ast.ts";
import { fixedLength } from "../duration.ts";
import { printNode } from "../print.ts";
import { checkOperands, isConstant, literalKind } from "./check.ts";
import { type InstantContext, instantOf } from "./instants.ts";
import { castTypes, isDerived, isTimeName, resolve, type Schema } from "./schema.ts";

/** Inclusive, ns; null = not bounded there. */
export interface TimeRange {
  readonly min: bigint | null;
  readonly max: bigint | null;
}

export interface SplitCondition {
  readonly range: TimeRange;
  /** Without comparisons of time; null: nothing is left. */
  readonly rest: Node | null;
}

export const everything: TimeRange = { min: null, max: null };

export function intersect(a: TimeRange, b: TimeRange): TimeRange {
  const min = a.min === null || (b.min !== null && b.min > a.min) ? b.min : a.min;
  const max = a.max === null || (b.max !== null && b.max < a.max) ? b.max : a.max;
  return { min, max };
}

/** `schema` only tells whether `ts` is time here. */
export function splitCondition(
  condition: Node | null,
  schema: Schema,
  instants: InstantContext,
): SplitCondition {
  if (condition === null) return { range: everything, rest: null };
  if (condition.kind === "paren") {
    const { range, rest } = splitCondition(condition.inner, schema, instants);
    return { range, rest: rest === null ? null : { kind: "paren", inner: rest } };
  }
  if (condition.kind === "boolean") return { range: everything, rest: condition };
  if (condition.kind !== "binary")
    throw new InputError(`invalid condition expression: ${printNode(condition)}`);
  const { operator, left, right } = condition;
  if (operator === "and" || operator === "or") {
    const first = splitCondition(left, schema, instants);
    const second = splitCondition(right, schema, instants);
    const rest =
      first.rest === null || second.rest === null
        ? (first.rest ?? second.rest)
        : { ...condition, left: first.rest, right: second.rest };
    return { range: intersect(first.range, second.range), rest };
  }
  if (isTime(left, schema)) return { range: rangeOf(operator, right, instants), rest: null };
  if (isTime(right, schema))
    return { range: rangeOf(mirrored[operator] ?? operator, left, instants), rest: null };
  // (InfluxDB works it out, and a number or a text is no condition)
  if (/^[-+*/%&|^]$/.test(operator) && isConstant(condition) && isValue(literalKind(condition)))
    throw new InputError(`invalid condition expression: ${printNode(condition)}`);
  checkTs(condition, schema);
  return { range: everything, rest: condition };
}

const isValue = (kind: ReturnType<typeof literalKind>): boolean =>
  kind !== null && /^(?:number|integer|duration|string)$/.test(kind);

/** Time is compared as it is. (Its own name is refused when the condition is resolved.) */
function checkTs(node: Node, schema: Schema): void {
  if (node.kind === "paren") checkTs(node.inner, schema);
  if (node.kind === "call") for (const argument of node.arguments) checkTs(argument, schema);
  if (node.kind === "binary") for (const side of [node.left, node.right]) checkTs(side, schema);
  if (node.kind === "reference" && isTime(node, schema)) refuseTime(node.name, "ts");
}

function refuseTime(name: string, refused: "time" | "ts"): void {
  if (name.toLowerCase() === refused) throw new InputError(`invalid condition expression: ${name}`);
}

function isTime(node: Node, schema: Schema): boolean {
  if (node.kind === "paren") return isTime(node.inner, schema);
  if (node.kind !== "reference" || !isTimeName(schema, node.name)) return false;
  // (a cast leaves time what it is; `ts` with one may be a field that is not there)
  return node.cast === null || node.name.toLowerCase() === "time";
}

const mirrored: Partial<Record<NodeOperator, NodeOperator>> = { "<": ">", "<=": ">=", ">": "<", ">=": "<=" };

function rangeOf(operator: NodeOperator, node: Node, instants: InstantContext): TimeRange {
  const asked = instantOf(node, instants);
  // (one beyond the times that points can have is as far as any)
  const ns = asked > MAX_TIME ? MAX_TIME + 1n : asked < MIN_TIME ? MIN_TIME - 1n : asked;
  const isLast = ns > MAX_TIME;
  switch (operator) {
    case ">":
      return { min: isLast ? ns : ns + 1n, max: null };
    case ">=":
      return { min: ns, max: null };
    case "<":
      return { min: null, max: ns - 1n };
    case "<=":
      return { min: null, max: ns };
    case "=":
      return { min: ns, max: ns };
    default:
      throw new InputError(`invalid time comparison operator: ${operator}`);
  }
}

/** Throws for calls that no condition may have, whatever its names turn out to be. */
export function checkCalls(node: Node): void {
  switch (node.kind) {
    case "paren":
      checkCalls(node.inner);
      return;
    case "binary":
      checkCalls(node.left);
      checkCalls(node.right);
      return;
    case "call":
      // (a moment, which only time compares with: it is refused where the condition meets rows)
      if (node.name === "now" && node.arguments.length === 0) return;
      mathOf(node);
      node.arguments.forEach(checkCalls);
  }
}

function mathOf(node: CallNode): MathName {
  if (!isMathName(node.name)) throw new InputError(`invalid function call in condition: ${printNode(node)}`);
  checkOperands(node, node.name);
  return node.name;
}

/** Resolves a condition without time. An unknown name is a tag that no series has, as in InfluxDB. */
export function resolveCondition(node: Node, schema: Schema): Expression {
  switch (node.kind) {
    case "paren":
      return resolveCondition(node.inner, schema);
    case "reference":
      return resolveReference(node, schema);
    case "number":
      return { kind: "float", value: node.value };
    case "duration":
      // (compared with durations alone)
      return ABSENT;
    case "integer":
    case "unsigned":
    case "string":
    case "boolean":
      return node;
    case "binary": {
      const { operator } = node;
      const durations = ofDurations(node);
      if (durations !== null) return durations;
      if (/^[&|^]$/.test(operator) && (isFloat(node.left, schema) || isFloat(node.right, schema)))
        return ABSENT;
      if (isWildcard(node.left) && isWildcard(node.right)) return ABSENT;
      const resolved = /^[-+*/%]$/.test(operator) ? resolveOperand : resolveCondition;
      const left = resolved(node.left, schema);
      if (operator === "=~" || operator === "!~") {
        const pattern = node.right.kind === "regex" ? node.right.pattern : "";
        return { kind: "regex", operand: left, pattern, negated: operator === "!~" };
      }
      return { kind: "binary", operator, left, right: resolved(node.right, schema) };
    }
    case "call":
      return {
        kind: "math",
        function: mathOf(node),
        operands: node.arguments.map((argument) => resolveCondition(argument, schema)),
      };
    case "wildcard":
      // no value, which beside booleans counts as false, as in InfluxDB
      return { kind: "boolean", value: false };
    default:
      throw new InputError(`invalid condition expression: ${printNode(node)}`);
  }
}

export function isWildcard(node: Node): boolean {
  return node.kind === "paren" ? isWildcard(node.inner) : node.kind === "wildcard";
}

/** Of an integer that is cast to a float, the float: its quotients have a fraction. */
function resolveOperand(node: Node, schema: Schema): Expression {
  if (node.kind === "paren") return resolveOperand(node.inner, schema);
  const operand = resolveCondition(node, schema);
  const isCast = node.kind === "reference" && node.cast === "float" && operand.kind === "field";
  if (!isCast || (operand.type !== FieldType.Integer && operand.type !== FieldType.Unsigned)) return operand;
  return { kind: "binary", operator: "*", left: operand, right: { kind: "float", value: 1 } };
}

/** An operator over durations alone, which are compared as numbers of ns, and else are no numbers; null: there is something else. */
function ofDurations({ operator, left, right }: BinaryNode): Expression | null {
  const [a, b] = [durationOf(left), durationOf(right)];
  if (a === null || b === null) return null;
  if (operator === "=~" || operator === "!~" || /^[-+*/%&|^]$/.test(operator)) return ABSENT;
  const [first, second] = [a, b].map((value): Expression => ({ kind: "integer", value }));
  return { kind: "binary", operator, left: first!, right: second! };
}

/** What durations alone come to, ns; null: there is something else. */
function durationOf(node: Node): bigint | null {
  switch (node.kind) {
    case "paren":
      return durationOf(node.inner);
    case "duration":
      return fixedLength(node);
    case "binary": {
      const { operator } = node;
      const left = durationOf(node.left);
      if (left === null) return null;
      const right = durationOf(node.right);
      if (right !== null && operator === "+") return left + right;
      if (right !== null && operator === "-") return left - right;
      if (node.right.kind !== "integer") return null;
      if (operator === "*") return left * node.right.value;
      return operator === "/" && node.right.value !== 0n ? left / node.right.value : null;
    }
    default:
      return null;
  }
}

/** A field that no row has: stored fields have names. */
const ABSENT: Expression = { kind: "field", name: "", type: FieldType.Float };

/** Of integers that count as floats, by a cast or because another source has floats of their name. */
function isFloat(node: Node, schema: Schema): boolean {
  switch (node.kind) {
    case "paren":
      return isFloat(node.inner, schema);
    case "binary":
      return isFloat(node.left, schema) || isFloat(node.right, schema);
    case "reference":
      return node.cast === "float" || schema.floats?.has(node.name) === true;
    default:
      return false;
  }
}

function resolveReference(node: ReferenceNode, schema: Schema): Expression {
  const { name, cast, place } = node;
  const own = schema.fields.get(name);
  // (a cast to what it is here reads it, whatever it is in a source beside this one)
  const isRead = own !== undefined && cast !== null && castTypes[cast] === own;
  if (cast !== "tag" && schema.absent?.has(name) && !isRead) return ABSENT;
  const resolved = resolve(schema, name, cast === "tag" || cast === "field" ? cast : null, place);
  if (resolved.kind === "field") {
    const field: Expression = { kind: "field", name, type: resolved.type };
    const loses = cast === "integer" && resolved.type === FieldType.Float;
    return loses ? { kind: "truncate", operand: field } : field;
  }
  // A cast that is none of a tag makes it a field, which no row has; `::field` does so of tags alone.
  const isAbsent = cast === "field" ? schema.tags.has(name) : cast !== null && cast !== "tag";
  if (isAbsent && (cast === "field" || !isDerived(schema)))
    return { kind: "field", name, type: FieldType.Float };
  refuseTime(name, "time");
  return { kind: "tag", name };
}
