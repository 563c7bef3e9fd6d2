// Times as statements write them: strings, numbers and arithmetic with now() and durations, to ns since the epoch.
//
// What operators make of literals is what InfluxDB makes of them, kind by kind; months and years are serie's own.
import { InputError } from "../../base/errors.ts";
import { parseRfc3339 } from "../../model/timetext.ts";
import { MAX_TIME, MIN_TIME } from "../../model/types.ts";
import type { BinaryNode, Node, NodeOperator } from "../ast.ts";
import { addMonths } from "../calendar.ts";
import { influxType } from "../print.ts";
import { Zone } from "../zones.ts";

/** What time expressions are evaluated with. */
export interface InstantContext {
  readonly nowNs: bigint;
  /** tz('...') of the statement: the zone of times written without an offset; null = UTC. */
  readonly timezone: string | null;
}

/** How far the clock by which a time is written is from UTC at a moment, ns. */
type Clock = (ns: bigint) => bigint;

/** What literals come to; `nothing`: operators that do not fit them, or what is no literal. */
export type Quantity =
  /** `clock`: absent: UTC. */
  | { readonly kind: "instant"; readonly ns: bigint; readonly clock?: Clock }
  | { readonly kind: "integer"; readonly ns: bigint }
  /** Calendar months beside `ns`. */
  | { readonly kind: "duration"; readonly ns: bigint; readonly months?: number }
  | { readonly kind: "number"; readonly value: number }
  /** A time once it is asked for one; what was joined of texts is none by itself. */
  | { readonly kind: "text"; readonly text: string; readonly isJoined?: true }
  | { readonly kind: "nothing"; readonly node: Node };

/** The time, ns, that an expression without tags and fields stands for; a plain number may be one that no point can have. */
export function instantOf(node: Node, context: InstantContext): bigint {
  const quantity = quantityOf(node, context);
  switch (quantity.kind) {
    case "number":
      // (what is no number, as `1.5 % 0`, is before all times)
      if (Number.isNaN(quantity.value)) return MIN_TIME;
      if (Math.abs(quantity.value) >= 2 ** 63) return quantity.value > 0 ? MAX_TIME + 1n : MIN_TIME - 1n;
      return BigInt(Math.trunc(quantity.value));
    case "text": {
      const written = quantity.isJoined ? null : parseWritten(quantity.text, context.timezone);
      if (written === null) throw incompatible("*influxql.StringLiteral");
      return withinBounds(written);
    }
    case "nothing":
      throw incompatible(influxType(quantity.node));
    case "instant":
      return withinBounds(quantity);
    case "duration":
      return quantity.months === undefined ? quantity.ns : shifted(0n, quantity.ns, quantity.months, context);
    default:
      return quantity.ns;
  }
}

/** What the literals and operators of an expression come to. */
export function quantityOf(node: Node, context: InstantContext): Quantity {
  switch (node.kind) {
    case "paren":
      return quantityOf(node.inner, context);
    case "integer":
      return { kind: "integer", ns: node.value };
    case "number":
    case "duration":
      return node;
    case "string":
      return { kind: "text", text: node.value };
    case "call":
      return node.name === "now" && node.arguments.length === 0
        ? { kind: "instant", ns: context.nowNs }
        : { kind: "nothing", node };
    case "binary": {
      const [left, right] = [quantityOf(node.left, context), quantityOf(node.right, context)];
      if (areCompared(node.operator, left, right))
        return { kind: "nothing", node: { kind: "boolean", value: true } };
      return combined(node, left, right, context) ?? { kind: "nothing", node };
    }
    default:
      return { kind: "nothing", node };
  }
}

/** An operator that gives a boolean of two literals of one kind. */
function areCompared(operator: NodeOperator, left: Quantity, right: Quantity): boolean {
  const kindOf = (side: Quantity) =>
    side.kind === "nothing" ? (side.node.kind === "boolean" ? "boolean" : null) : side.kind;
  const [a, b] = [kindOf(left), kindOf(right)];
  if (a === null || b === null) return false;
  const isNumber = (kind: string) => kind === "integer" || kind === "number";
  if (a === "boolean" && b === "boolean") return /^(?:=|!=|and|or|[&|^])$/.test(operator);
  if (a === "text" && b === "text") return operator === "=" || operator === "!=";
  return (a === b || (isNumber(a) && isNumber(b))) && /^(?:=|!=|<|<=|>|>=)$/.test(operator);
}

/** null: the operator does not fit. */
function combined(
  node: BinaryNode,
  left: Quantity,
  right: Quantity,
  context: InstantContext,
): Quantity | null {
  const { operator } = node;
  if (left.kind === "nothing" || right.kind === "nothing") return null;
  if (left.kind === "text" && right.kind === "text" && operator === "+")
    return { kind: "text", text: left.text + right.text, isJoined: true };
  if (left.kind === "number" || right.kind === "number") return withNumber(operator, left, right);
  const [a, b] = [timeOf(left, context), timeOf(right, context)];
  if (a === null || b === null) return null;
  if ((a.kind === "duration" && a.months) || (b.kind === "duration" && b.months))
    return withMonths(operator, a, b, context);
  const kind = kinds[`${a.kind} ${operator} ${b.kind}`];
  if (kind === undefined) return null;
  const exact = operations[operator]!(a.ns, b.ns);
  // (a time may lie outside of those that points can have, and is refused then)
  if (kind === "instant") return { kind, ns: exact, ...clockOf(a), ...clockOf(b) };
  const ns = BigInt.asIntN(64, exact);
  // (a quotient has a fraction)
  if (operator === "/" && kind === "integer")
    return { kind: "number", value: b.ns === 0n ? 0 : Number(a.ns) / Number(b.ns) };
  return { kind, ns };
}

type Time = Exclude<Quantity, { kind: "number" | "text" | "nothing" }>;

/** What an operator over two kinds gives; absent: it does not fit them. */
const kinds: Readonly<Record<string, Time["kind"]>> = {
  ...Object.fromEntries(
    [..."+-*/%&|^"].map((operator) => [`integer ${operator} integer`, "integer"] as const),
  ),
  "integer + duration": "instant",
  "integer - duration": "instant",
  "integer + instant": "instant",
  "duration + duration": "duration",
  "duration - duration": "duration",
  "duration * integer": "duration",
  "duration / integer": "duration",
  "duration + instant": "instant",
  "instant + duration": "instant",
  "instant - duration": "instant",
  "instant + integer": "instant",
  "instant - integer": "instant",
  "instant - instant": "duration",
};

const operations: Partial<Record<NodeOperator, (a: bigint, b: bigint) => bigint>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => (b === 0n ? 0n : a / b),
  "%": (a, b) => (b === 0n ? 0n : a % b),
  "&": (a, b) => a & b,
  "|": (a, b) => a | b,
  "^": (a, b) => a ^ b,
};

const clockOf = (side: Time): { readonly clock?: Clock } =>
  side.kind === "instant" && side.clock !== undefined ? { clock: side.clock } : {};

/** A text that is a time, and what has ns; null: it is none. */
function timeOf(quantity: Quantity, { timezone }: InstantContext): Time | null {
  if (quantity.kind === "number" || quantity.kind === "nothing") return null;
  if (quantity.kind !== "text") return quantity;
  try {
    const written = parseWritten(quantity.text, timezone);
    return written === null ? null : { kind: "instant", ...written };
  } catch {
    return null;
  }
}

/** Numbers with a fraction go with numbers, and multiply and divide durations. */
function withNumber(operator: NodeOperator, left: Quantity, right: Quantity): Quantity | null {
  if (left.kind === "duration" && right.kind === "number" && left.months === undefined) {
    if (operator !== "*" && operator !== "/") return null;
    // (by so many whole ones)
    const by = BigInt(Math.trunc(Number.isFinite(right.value) ? right.value : 0));
    return { kind: "duration", ns: BigInt.asIntN(64, operations[operator]!(left.ns, by)) };
  }
  const [a, b] = [left, right].map((side) =>
    side.kind === "number" ? side.value : side.kind === "integer" ? Number(side.ns) : null,
  );
  if (a === null || a === undefined || b === null || b === undefined) return null;
  switch (operator) {
    case "+":
      return { kind: "number", value: a + b };
    case "-":
      return { kind: "number", value: a - b };
    case "*":
      return { kind: "number", value: a * b };
    case "/":
      return { kind: "number", value: b === 0 ? 0 : a / b };
    case "%":
      return { kind: "number", value: a % b };
    default:
      return null;
  }
}

/** One side at least has months: an instant moves along the calendar, durations add up, integers multiply. null: the operator does not fit. */
function withMonths(operator: NodeOperator, left: Time, right: Time, context: InstantContext): Time | null {
  const monthsOf = (side: Time) => (side.kind === "duration" ? (side.months ?? 0) : 0);
  const [a, b] = [monthsOf(left), monthsOf(right)];
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
  if (operator === "*" && factor.kind === "integer")
    return { kind: "duration", ns: duration.ns * factor.ns, months: monthsOf(duration) * Number(factor.ns) };
  return null;
}

/** An instant moved by months of the statement's zone, then by ns. */
function shifted(ns: bigint, byNs: bigint, months: number, { timezone }: InstantContext): bigint {
  return addMonths(ns, months, timezone === null ? null : new Zone(timezone)) + byNs;
}

interface Written {
  readonly ns: bigint;
  readonly clock?: Clock;
}

/** Throws for a time that no point can have. */
function withinBounds({ ns, clock }: Written): bigint {
  if (ns <= MAX_TIME && ns >= MIN_TIME) return ns;
  const offset = clock?.(ns) ?? 0n;
  const ms = Number((ns + offset) / 1_000_000n);
  // (a Date ends in the year 275760)
  const text = new Date(Math.max(-8.64e15, Math.min(8.64e15, ms))).toISOString().replace(/\.\d+Z$/, "");
  throw new InputError(
    `time ${text}${offsetText(offset)} ${ns > 0n ? "overflows" : "underflows"} time literal`,
  );
}

/** `Z`, `+02:00`, `-04:56`. */
function offsetText(offsetNs: bigint): string {
  if (offsetNs === 0n) return "Z";
  const minutes = Number((offsetNs < 0n ? -offsetNs : offsetNs) / 60_000_000_000n);
  const two = (part: number) => String(part).padStart(2, "0");
  return `${offsetNs < 0n ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

const incompatible = (type: string): InputError =>
  new InputError(`invalid operation: time and ${type} are not compatible`);

/** A date; then perhaps hour and minute, seconds, an offset. */
const instantPattern =
  /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})?)?$/;

/**
 * ns of `2024-01-10`, `2024-01-10 12:00:00[.fraction]` and RFC 3339; without an offset by the clock of
 * `timezone`. null: does not look like a time. Throws InputError for a date or hour that does not exist.
 */
export function parseInstant(text: string, timezone: string | null): bigint | null {
  return parseWritten(text, timezone)?.ns ?? null;
}

function parseWritten(text: string, timezone: string | null): Written | null {
  const written = writtenOf(text, timezone);
  if (written === null && /^\d{4}-\d{2}-\d{2}/.test(text))
    throw new InputError(`invalid timestamp string: '${text}'`);
  return written;
}

/** The same in UTC; null: there is no such time. */
export const writtenInstant = (text: string): bigint | null => writtenOf(text, null)?.ns ?? null;

function writtenOf(text: string, timezone: string | null): Written | null {
  const [, date, minutes = "00:00", seconds = ":00", offset] = instantPattern.exec(text) ?? [];
  if (date === undefined) return null;
  const time = `${date}T${minutes}${seconds}`;
  const [localNs, ns] = [parseRfc3339(`${time}Z`), parseRfc3339(`${time}${offset ?? "Z"}`)];
  if (ns === undefined || localNs === undefined) return null;
  if (offset !== undefined) return { ns, clock: () => localNs - ns };
  if (timezone === null) return { ns };
  const zone = new Zone(timezone);
  return { ns: zone.utcOf(ns), clock: (at) => zone.offsetNs(at) };
}
