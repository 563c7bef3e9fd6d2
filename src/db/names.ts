// Names that databases and retention policies may have: InfluxDB's rules, whose folders are called by them. Those that were made
// before the rules were kept stay.
import { InputError } from "../base/errors.ts";

const MOST_BYTES = 255;

/** Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the plain space. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u;

/** Throws `InputError` for what InfluxDB calls no name at all. */
export function checkName(name: string): void {
  if (!isName(name)) throw new InputError("invalid name");
}

/** Throws `InputError` for a name that InfluxDB finds too long, which it looks at later. */
export function checkLength(name: string): void {
  if (isLong(name)) throw new InputError("name too long");
}

/** Both for a database that a write would make. */
export function checkNameOfWrite(database: string): void {
  if (isName(database) && !isLong(database)) return;
  throw new InputError(
    `invalid name: ${JSON.stringify(database)} cannot be a database: up to ${MOST_BYTES} bytes of printable characters without / and \\, and not . or ..`,
  );
}

const isName = (name: string) => printable.test(name) && name !== "." && name !== ".." && !/[/\\]/.test(name);
const isLong = (name: string) => Buffer.byteLength(name) > MOST_BYTES;
