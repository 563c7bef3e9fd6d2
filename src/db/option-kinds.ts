// The kinds of option values: how each is read from a number, boolean or text, bounded, and shown.
import { InputError } from "../base/errors.ts";

/** How values of one kind are read: from a number, boolean or text to a `T`, or an explanation of what is wrong. */
export interface Kind<T> {
  readonly name: string;
  /** Throws `InputError` with what is wrong (the caller adds which option and where it was given). */
  read(raw: unknown): T;
  /** The text form, as the documentation shows defaults. */
  show(value: T): string;
}

export interface Option<T, Given = T> {
  readonly kind: Kind<T>;
  readonly default: T;
  readonly doc: string;
  /** Only there for the types: what the library's callers may pass. */
  readonly given?: Given;
}

function shown(raw: unknown): string {
  return typeof raw === "string" ? JSON.stringify(raw) : String(raw);
}

export function text(byDefault: string, doc: string): Option<string> {
  const read = (raw: unknown) => {
    if (typeof raw === "string" && raw !== "") return raw;
    throw new InputError(`${shown(raw)} is not a text of at least one character`);
  };
  return { kind: { name: "text", read, show: (value) => value }, default: byDefault, doc };
}

export function integer(byDefault: number, min: number, max: number, doc: string): Option<number> {
  const read = (raw: unknown) => {
    const value = typeof raw === "string" && /^\d+$/.test(raw) ? Number(raw) : raw;
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InputError(`${shown(raw)} is not an integer from ${min} to ${max}`);
  };
  return { kind: { name: "integer", read, show: String }, default: byDefault, doc };
}

export function flag(byDefault: boolean, doc: string): Option<boolean> {
  const read = (raw: unknown) => {
    if (typeof raw === "boolean") return raw;
    if (raw === "true" || raw === "1") return true;
    if (raw === "false" || raw === "0") return false;
    throw new InputError(`${shown(raw)} is neither true nor false`);
  };
  return { kind: { name: "boolean", read, show: String }, default: byDefault, doc };
}

/** The first choice is the default. */
export function oneOf<const T extends string>(choices: readonly [T, ...T[]], doc: string): Option<T> {
  const read = (raw: unknown) => {
    const found = choices.find((choice) => choice === raw);
    if (found !== undefined) return found;
    throw new InputError(`${shown(raw)} is not one of ${choices.join(", ")}`);
  };
  return { kind: { name: choices.join(" or "), read, show: (value) => value }, default: choices[0], doc };
}

const sizeUnits: readonly (readonly [string, number])[] = [
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
  ["GB", 1e9],
  ["MB", 1e6],
  ["kB", 1e3],
  ["B", 1],
];

/** Bytes. */
export function size(byDefault: string, min: string, doc: string): Option<number, string> {
  const example = 'bytes, or a text such as "64MiB"';
  const kind = quantity("size", sizeUnits, "B", Number.MAX_SAFE_INTEGER, example);
  return bounded(kind, byDefault, min, doc);
}

const durationUnits: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

/** Milliseconds; at most 24 days, the longest that a timer can wait. */
export function duration(byDefault: string, min: string, doc: string): Option<number, string> {
  const kind = quantity("duration", durationUnits, "ms", 24 * 86_400_000, 'ms, or a text such as "10s"');
  return bounded(kind, byDefault, min, doc);
}

function bounded(kind: Kind<number>, byDefault: string, min: string, doc: string): Option<number, string> {
  const smallest = kind.read(min);
  const read = (raw: unknown) => {
    const value = kind.read(raw);
    if (value >= smallest) return value;
    throw new InputError(`${shown(raw)} is below the smallest ${kind.name}, ${min}`);
  };
  return { kind: { ...kind, read }, default: kind.read(byDefault), doc };
}

/** A whole number of some base unit, as a number or as digits with a unit; digits alone are the base unit. */
function quantity(
  name: string,
  units: readonly (readonly [string, number])[],
  baseUnit: string,
  max: number,
  example: string,
): Kind<number> {
  return {
    name,
    read(raw) {
      const [, digits, unit] =
        typeof raw === "string" ? (/^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(raw) ?? []) : [];
      const scale = units.find(([known]) => known.toLowerCase() === (unit || baseUnit).toLowerCase())?.[1];
      const value = digits === undefined || scale === undefined ? raw : Math.round(Number(digits) * scale);
      if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max) return value;
      throw new InputError(`${shown(raw)} is not a ${name} (${example}) up to ${max} ${baseUnit}`);
    },
    show(value) {
      // the largest unit that divides it, among the binary ones for sizes: "64MiB", "10m", "25000000"
      const found = units.find(([, scale]) => value >= scale && value % scale === 0);
      if (!found || (baseUnit === "B" && !found[0].endsWith("iB"))) return String(value);
      return `${value / found[1]}${found[0]}`;
    },
  };
}
