// The canonical key of a series: measurement, then its tags sorted by the bytes of their keys, escaped so that
// it reads back.
//
//   m\,a\ b,t\=k=v\,x      measurement "m,a b" (`,` and space escaped), tag "t=k" = "v,x" (`,`, `=` and space escaped)
//
// A backslash stands for itself unless the next byte is one that is escaped there; so a name must not end in one.
import { InputError } from "../base/errors.ts";

/** Longest series key, in bytes, as in InfluxDB. */
export const MAX_KEY_BYTES = 65535;

export interface Tag {
  readonly key: string;
  readonly value: string;
}

const utf8 = new TextEncoder();
// a leading U+FEFF is part of a name, as every other character
const text = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Canonical key bytes of a measurement and its tags (in any order).
 * @throws InputError for an empty name, a repeated or reserved tag, a name that ends in a backslash, a key over
 *   65,535 bytes.
 */
export function encodeSeriesKey(measurement: string, tags: readonly Tag[]): Uint8Array {
  return encodeKeyText(seriesKeyText(measurement, tags));
}

/** The text of the canonical key: what `encodeKeyText` turns into its bytes. Checks all but its length. */
export function seriesKeyText(measurement: string, tags: readonly Tag[]): string {
  checkName(measurement, "measurement");
  let key = escapeMeasurement(measurement);
  const sorted = tags.length > 1 ? tags.toSorted((a, b) => compareUtf8(a.key, b.key)) : tags;
  let previous: string | undefined;
  for (const tag of sorted) {
    checkName(tag.key, "tag key");
    checkName(tag.value, `value of tag ${JSON.stringify(tag.key)}`);
    if (tag.key === "time") throw new InputError(`invalid tag key: "time" is the name of the timestamp`);
    if (tag.key === previous) throw new InputError(`duplicate tags: ${JSON.stringify(tag.key)} occurs twice`);
    previous = tag.key;
    key += `,${escapeTag(tag.key)}=${escapeTag(tag.value)}`;
  }
  return key.toWellFormed();
}

/**
 * `encode`: bytes of a text.
 * @throws InputError when the key has over 65,535 bytes
 */
export function encodeKeyText(
  key: string,
  encode: (text: string) => Uint8Array = (text) => utf8.encode(text),
): Uint8Array {
  const bytes = encode(key);
  if (bytes.length > MAX_KEY_BYTES)
    throw new InputError(`max key length exceeded: ${bytes.length} > ${MAX_KEY_BYTES}`);
  return bytes;
}

/** Measurement and tags of a canonical key; bytes that are not UTF-8 become U+FFFD. */
export function decodeSeriesKey(key: Uint8Array): { measurement: string; tags: Tag[] } {
  return decodeKeyText(text.decode(key));
}

/** As `decodeSeriesKey`, of a key's text. */
export function decodeKeyText(source: string): { measurement: string; tags: Tag[] } {
  if (!source.includes("\\")) return splitPlain(source);
  const parts: string[] = [];
  let part = "";
  let first = true;
  let equals = -1;
  const tags: Tag[] = [];
  const close = () => {
    if (first) parts.push(part);
    else tags.push({ key: part.slice(0, equals), value: part.slice(equals) });
    first = false;
    part = "";
    equals = -1;
  };
  for (let i = 0; i < source.length; i++) {
    const char = source[i]!;
    const next = source[i + 1];
    if (char === "\\" && (next === "," || next === " " || (!first && next === "="))) {
      part += next;
      i++;
    } else if (char === ",") close();
    else if (char === "=" && !first && equals < 0) equals = part.length;
    else part += char;
  }
  close();
  return { measurement: parts[0]!, tags };
}

/** A key without escapes, as nearly all are. */
function splitPlain(source: string): { measurement: string; tags: Tag[] } {
  const comma = source.indexOf(",");
  if (comma < 0) return { measurement: source, tags: [] };
  const tags: Tag[] = [];
  for (let start = comma + 1; start <= source.length; ) {
    const found = source.indexOf(",", start);
    const end = found < 0 ? source.length : found;
    const equals = source.indexOf("=", start);
    tags.push({ key: source.slice(start, equals), value: source.slice(equals + 1, end) });
    start = end + 1;
  }
  return { measurement: source.slice(0, comma), tags };
}

function checkName(name: string, what: string): void {
  if (name === "") throw new InputError(`${what} is empty`);
  if (name.endsWith("\\")) throw new InputError(`${what} ends in a backslash`);
}

function escapeMeasurement(name: string): string {
  return /[, ]/.test(name) ? name.replace(/[, ]/g, "\\$&") : name;
}

export function escapeTag(name: string): string {
  return /[,= ]/.test(name) ? name.replace(/[,= ]/g, "\\$&") : name;
}

/** Order of the UTF-8 bytes; UTF-16 order differs from it only where surrogates meet U+E000 to U+FFFF. */
function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
