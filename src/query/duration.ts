// Durations: `1h30m` to nanoseconds, `1y6mo` to months, and back.
import { InputError } from "../base/errors.ts";
import type { DurationNode } from "./ast.ts";

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  u: 1_000n,
  µ: 1_000n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
};

/** By the code of their letter. */
const fixedUnits: ReadonlyMap<number, bigint> = new Map(
  Object.entries(units)
    .filter(([name]) => name.length === 1)
    .map(([name, ns]) => [name.charCodeAt(0), ns]),
);
/** A number holds so many exactly. */
const MOST_DIGITS = 15;

/** Units of the calendar, in months: they have no length in nanoseconds. */
const calendarUnits: Readonly<Record<string, bigint>> = { mo: 1n, y: 12n };

const MAX_DURATION_NS = 2n ** 63n - 1n;
/** What int64 nanoseconds would hold: 292 years. */
const MAX_MONTHS = 292n * 12n;

/** Nanoseconds of a number with a unit, or several end to end. undefined: not a duration of fixed length, or past int64. */
export function parseDuration(text: string): bigint | undefined {
  const parsed = parseCalendarDuration(text);
  return parsed === undefined || parsed.months !== undefined ? undefined : parsed.ns;
}

const part = /(\d+)([a-zµ]+)/y;

/** Nanoseconds of one number with one unit of one letter, which most are; undefined: something else, or past int64. */
function oneUnit(text: string): bigint | undefined {
  const last = text.length - 1;
  const unit = fixedUnits.get(text.charCodeAt(last));
  if (unit === undefined || last < 1 || last > MOST_DIGITS) return undefined;
  let number = 0;
  for (let at = 0; at < last; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    number = number * 10 + digit;
  }
  const ns = BigInt(number) * unit;
  return ns > MAX_DURATION_NS ? undefined : ns;
}

/** As above, with months and years, too. */
export function parseCalendarDuration(text: string): DurationNode | undefined {
  const simple = oneUnit(text);
  if (simple !== undefined) return { kind: "duration", ns: simple };
  let total = 0n;
  let months = 0n;
  let hasMonths = false;
  let at = 0;
  while (at < text.length) {
    part.lastIndex = at;
    const found = part.exec(text);
    if (found === null) return undefined;
    const [, digits = "", unit = ""] = found;
    if (Object.hasOwn(units, unit)) total += BigInt(digits) * units[unit]!;
    else if (Object.hasOwn(calendarUnits, unit)) {
      months += BigInt(digits) * calendarUnits[unit]!;
      hasMonths = true;
    } else return undefined;
    at += found[0].length;
  }
  if (at === 0 || total > MAX_DURATION_NS || months > MAX_MONTHS) return undefined;
  const fixed: DurationNode = { kind: "duration", ns: total };
  return hasMonths ? { ...fixed, months: Number(months) } : fixed;
}

/** Nanoseconds of a duration where months and years make no sense. Throws `InputError` for those. */
export function fixedLength(node: DurationNode): bigint {
  if (node.months === undefined) return node.ns;
  throw new InputError(
    `${formatDuration(node.ns, node.months)} has no fixed length: months and years are for time ranges and GROUP BY time, use d or w here`,
  );
}

/** As influxd prints durations in statements: one number with the largest unit that divides it, after years and months. */
export function formatDuration(ns: bigint, months = 0): string {
  if (months !== 0) {
    const sign = months < 0 ? "-" : "";
    const [years, rest] = [Math.floor(Math.abs(months) / 12), Math.abs(months) % 12];
    const shorter = ns === 0n ? "" : formatDuration(ns < 0n ? -ns : ns);
    return `${sign}${years > 0 ? `${years}y` : ""}${rest > 0 ? `${rest}mo` : ""}${shorter}`;
  }
  if (ns === 0n) return "0s";
  for (const unit of ["w", "d", "h", "m", "s", "ms", "u"]) {
    const length = units[unit]!;
    if (ns % length === 0n) return `${ns / length}${unit}`;
  }
  return `${ns}ns`;
}

/** As Go prints a duration of whole seconds: 0s, 1m0s, 168h0m0s. */
export function goDuration(ns: bigint): string {
  const seconds = ns / 1_000_000_000n;
  const hours = seconds / 3600n;
  const minutes = (seconds / 60n) % 60n;
  const rest = `${seconds % 60n}s`;
  if (hours > 0n) return `${hours}h${minutes}m${rest}`;
  return minutes > 0n ? `${minutes}m${rest}` : rest;
}
