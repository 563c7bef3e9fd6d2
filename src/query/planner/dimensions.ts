// GROUP BY: tag keys, and the window of time().
import { InputError } from "../../base/errors.ts";
import { RegexCache } from "../../model/regex.ts";
import type { CallNode, Node } from "../ast.ts";
import { fixedLength } from "../duration.ts";
import type { Window } from "../plan.ts";
import { printNode } from "../print.ts";
import { type InstantContext, parseInstant, quantityOf } from "./instants.ts";
import type { Schema } from "./schema.ts";

/** Tag keys of GROUP BY, sorted, distinct; `inherited`: those of the statement around a subquery. */
export function planDimensions(
  nodes: readonly Node[],
  inherited: readonly string[],
  schema: Schema,
): string[] {
  const regexes = new RegexCache();
  const keys = new Set(inherited);
  for (const node of nodes) {
    if (node.kind === "reference") keys.add(node.name);
    else if (node.kind === "wildcard") for (const key of schema.tags) keys.add(key);
    else if (node.kind === "regex") {
      for (const key of schema.tags) if (regexes.get(node.pattern).test(key)) keys.add(key);
    }
  }
  return [...keys].sort();
}

/** Checks every dimension; null: no time(), or one of no length. */
export function planWindow(nodes: readonly Node[], instants: InstantContext): Window | null {
  let window: Window | null = null;
  let hasTime = false;
  for (const node of nodes) {
    switch (node.kind) {
      case "reference":
        if (node.name.toLowerCase() === "time") {
          throw new InputError("time() is a function and expects at least one argument");
        }
        break;
      case "wildcard":
      case "regex":
        break;
      case "call":
        if (node.name !== "time") throw new InputError("only time() calls allowed in dimensions");
        if (hasTime) throw new InputError("multiple time dimensions not allowed");
        hasTime = true;
        window = windowOf(node, instants);
        break;
      default:
        throw new InputError("only time and tag dimensions allowed");
    }
  }
  return window;
}

function windowOf(node: CallNode, instants: InstantContext): Window | null {
  const [first, offset] = node.arguments;
  if (first === undefined || node.arguments.length > 2) {
    throw new InputError("time dimension expected 1 or 2 arguments");
  }
  const every = quantityOf(first, instants);
  if (every.kind !== "duration") throw new InputError("time dimension must have duration argument");
  if (every.ns < 0n || (every.months ?? 1) <= 0)
    throw new InputError("time dimension must be longer than zero");
  if (every.months !== undefined) return calendarWindow(first, every.ns, every.months, offset);
  if (every.ns === 0n) return null;
  const offsetNs = offset === undefined ? 0n : offsetOf(offset, instants, every.ns);
  return { everyNs: every.ns, offsetNs, everyMonths: 0, offsetMonths: 0 };
}

/** 365.2425 days / 12: the mean over the 400 years after which the calendar repeats. */
const MEAN_MONTH_NS = 2_629_746_000_000_000n;

function calendarWindow(every: Node, ns: bigint, months: number, offset: Node | undefined): Window {
  if (ns !== 0n) {
    throw new InputError(
      `time dimension must be of months and years alone or of fixed units alone, got ${printNode(every)}`,
    );
  }
  if (offset !== undefined && offset.kind !== "duration") {
    throw new InputError("time dimension offset of months and years must be a duration");
  }
  return {
    everyNs: BigInt(months) * MEAN_MONTH_NS,
    offsetNs: offset?.ns ?? 0n,
    everyMonths: months,
    offsetMonths: (offset?.months ?? 0) % months,
  };
}

/** ns from the year 1 to 1970: the times that windows are counted from where a time says their offset. */
const FROM_YEAR_1_NS = 62_135_596_800_000_000_000n;

function offsetOf(node: Node, instants: InstantContext, everyNs: bigint): bigint {
  const offset = quantityOf(node, instants);
  switch (offset.kind) {
    case "duration":
      if (offset.months !== undefined && node.kind === "duration") return fixedLength(node);
      return offset.ns % everyNs;
    case "instant":
      return (offset.ns + FROM_YEAR_1_NS) % everyNs;
    case "text":
      // (InfluxDB takes a time that operators have made of texts alone)
      if (offset.isJoined || parseInstant(offset.text, instants.timezone) === null) throw noOffset();
      throw new InputError(`invalid time dimension offset: ${printNode(node)}`);
    case "nothing":
      if (offset.node.kind !== "call") throw noOffset();
      throw new InputError(
        offset.node.name === "now"
          ? "time dimension offset now() function requires no arguments"
          : "time dimension offset function must be now()",
      );
    default:
      throw noOffset();
  }
}

const noOffset = () => new InputError("time dimension offset must be duration or now()");
