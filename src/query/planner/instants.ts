// Times as statements write them: strings, numbers and arithmetic with now() and durations, to ns since the epoch.
import { InputError } from "../../base/errors.ts";
import { parseRfc3339 } from "../../model/timetext.ts";
import type { BinaryNode, Node } from "../ast.ts";
import { addMonths } from "../calendar.ts";
import { influxType } from "../print.ts";
import { Zone } from "../zones.ts";

/** What time expressions are evaluated with. */
export interface InstantContext {
  readonly nowNs: bigint;
  /** tz('...') of the statement: the zone of times written without an offset; null = UTC. */
  readonly timezone: string | null;
}

/** A point in time or a length of it; a plain number becomes whichever is needed. */
interface Quantity {
  readonly kind: "instant" | "duration" | "number";
  readonly ns: bigint;
  /** Calendar months beside `ns`, of durations only. */
  readonly months?: number;
}

/** The time, ns, that an expression without tags and fields stands for. */
export function instantOf(node: Node, context: InstantContext): bigint {
  const { ns, months } = quantityOf(node, context);
  return months === undefined ? ns : shifted(0n, ns, months, context);
}

function quantityOf(node: Node, context: InstantContext): Quantity {
  switch (node.kind) {
    case "paren":
      return quantityOf(node.inner, context);
    case "integer":
    case "unsigned":
      return { kind: "number", ns: node.value };
    case "number":
      return { kind: "number", ns: BigInt(Math.trunc(node.value)) };
    case "duration":
      return node;
    case "string": {
      const ns = parseInstant(node.value, context.timezone);
      if (ns === null) throw incompatible(node);
      return { kind: "instant", ns };
    }
    case "call":
      if (node.name === "now" && node.arguments.length === 0) return { kind: "instant", ns: context.nowNs };
      throw incompatible(node);
    case "binary":
      return combine(node, quantityOf(node.left, context), quantityOf(node.right, context), context);
    default:
      throw incompatible(node);
  }
}

function combine(node: BinaryNode, left: Quantity, right: Quantity, context: InstantContext): Quantity {
  const { operator } = node;
  if (left.months !== undefined || right.months !== undefined)
    return combineMonths(node, left, right, context);
  const bothInstants = left.kind === "instant" && right.kind === "instant";
  if (operator === "+" && !bothInstants) {
    const kind =
      left.kind === "number" ? right.kind : right.kind === "number" ? left.kind : widest(left, right);
    return { kind, ns: left.ns + right.ns };
  }
  if (operator === "-" && (right.kind !== "instant" || bothInstants)) {
    return { kind: bothInstants ? "duration" : left.kind, ns: left.ns - right.ns };
  }
  if (left.kind !== "instant" && right.kind !== "instant") {
    const kind = left.kind === "duration" || right.kind === "duration" ? "duration" : "number";
    if (operator === "*") return { kind, ns: left.ns * right.ns };
    if (operator === "/") return { kind, ns: right.ns === 0n ? 0n : left.ns / right.ns };
  }
  throw incompatible(node);
}

/** One side at least has months: an instant moves along the calendar, durations add up, numbers multiply. */
function combineMonths(node: BinaryNode, left: Quantity, right: Quantity, context: InstantContext): Quantity {
  const { operator } = node;
  const [a, b] = [left.months ?? 0, right.months ?? 0];
  if (operator === "+" || operator === "-") {
    const sign = operator === "+" ? 1 : -1;
    if (left.kind === "instant")
      return { kind: "instant", ns: shifted(left.ns, BigInt(sign) * right.ns, sign * b, context) };
    if (right.kind === "instant" && operator === "+")
      return { kind: "instant", ns: shifted(right.ns, left.ns, a, context) };
    if (right.kind !== "instant")
      return { kind: "duration", ns: left.ns + BigInt(sign) * right.ns, months: a + sign * b };
  }
  const [duration, factor] = left.kind === "duration" ? [left, right] : [right, left];
  if (operator === "*" && factor.kind === "number") {
    return {
      kind: "duration",
      ns: duration.ns * factor.ns,
      months: (duration.months ?? 0) * Number(factor.ns),
    };
  }
  throw incompatible(node);
}

/** An instant moved by months of the statement's zone, then by ns. */
function shifted(ns: bigint, byNs: bigint, months: number, { timezone }: InstantContext): bigint {
  return addMonths(ns, months, timezone === null ? null : new Zone(timezone)) + byNs;
}

const widest = (left: Quantity, right: Quantity): Quantity["kind"] =>
  left.kind === "instant" || right.kind === "instant" ? "instant" : "duration";

function incompatible(node: Node): InputError {
  return new InputError(`invalid operation: time and ${influxType(node)} are not compatible`);
}

/** A date; then perhaps hour and minute, seconds, an offset. */
const instantPattern =
  /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})?)?$/;

/**
 * ns of `2024-01-10`, `2024-01-10 12:00:00[.fraction]` and RFC 3339; without an offset by the clock of
 * `timezone`. null: does not look like a time. Throws InputError for a date or hour that does not exist.
 */
export function parseInstant(text: string, timezone: string | null): bigint | null {
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return null;
  const [, date, minutes = "00:00", seconds = ":00", offset] = instantPattern.exec(text) ?? [];
  const ns = date === undefined ? undefined : parseRfc3339(`${date}T${minutes}${seconds}${offset ?? "Z"}`);
  if (ns === undefined) throw new InputError(`invalid timestamp string: '${text}'`);
  return offset === undefined && timezone !== null ? new Zone(timezone).utcOf(ns) : ns;
}
