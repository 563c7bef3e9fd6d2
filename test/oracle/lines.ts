// Line protocol to points of the oracle: what the scripts write, parsed the plain way. (src/ingest is tested elsewhere.)
import { FieldType } from "../../src/model/types.ts";
import type { Oracle, OraclePoint, Value } from "./oracle.ts";

/** Writes lines (ns) into a database of the oracle. Throws on a line that it does not understand. */
export function writeLines(oracle: Oracle, database: string, text: string): void {
  for (const line of text.split("\n")) {
    const trimmed = line.trim();
    if (trimmed !== "" && !trimmed.startsWith("#")) oracle.write(database, parseLine(trimmed));
  }
}

export function parseLine(line: string): OraclePoint {
  const [head, fields, time] = split(line, " ");
  if (head === undefined || fields === undefined || time === undefined)
    throw new Error(`not a line with measurement, fields and time: ${line}`);
  const [measurement, ...tags] = split(head, ",");
  return {
    measurement: unescaped(measurement!),
    tags: Object.fromEntries(tags.map((tag) => split(tag, "=").map(unescaped) as [string, string])),
    fields: Object.fromEntries(
      split(fields, ",").map((field) => {
        const [key, ...rest] = split(field, "=");
        return [unescaped(key!), parseValue(rest.join("="))];
      }),
    ),
    timeNs: BigInt(time),
  };
}

function parseValue(text: string): { type: FieldType; value: Value } {
  if (text.startsWith('"'))
    return { type: FieldType.String, value: text.slice(1, -1).replace(/\\(["\\])/g, "$1") };
  if (/^(t|true)$/i.test(text)) return { type: FieldType.Boolean, value: true };
  if (/^(f|false)$/i.test(text)) return { type: FieldType.Boolean, value: false };
  if (text.endsWith("i")) return { type: FieldType.Integer, value: BigInt(text.slice(0, -1)) };
  if (text.endsWith("u")) return { type: FieldType.Unsigned, value: BigInt(text.slice(0, -1)) };
  const value = Number(text);
  if (Number.isNaN(value)) throw new Error(`not a value: ${text}`);
  return { type: FieldType.Float, value };
}

/** Splits at a separator that is neither escaped nor in quotes. */
function split(text: string, separator: string): string[] {
  const parts: string[] = [""];
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === "\\" && i + 1 < text.length) parts[parts.length - 1] += char + text[++i]!;
    else if (char === separator && !isQuoted) parts.push("");
    else {
      if (char === '"') isQuoted = !isQuoted;
      parts[parts.length - 1] += char;
    }
  }
  return parts;
}

function unescaped(text: string): string {
  return text.replace(/\\([,= ])/g, "$1");
}

/** The other way: a point as a line (ns). */
export function lineOf(point: OraclePoint): string {
  const escaped = (name: string) => name.replace(/[, =]/g, "\\$&");
  const tags = Object.entries(point.tags).map(([key, value]) => `,${escaped(key)}=${escaped(value)}`);
  const fields = Object.entries(point.fields).map(
    ([key, { type, value }]) => `${escaped(key)}=${valueText(type, value)}`,
  );
  return `${escaped(point.measurement)}${tags.join("")} ${fields.join(",")} ${point.timeNs}`;
}

function valueText(type: FieldType, value: Value): string {
  switch (type) {
    case FieldType.Integer:
      return `${value}i`;
    case FieldType.Unsigned:
      return `${value}u`;
    case FieldType.String:
      return `"${String(value).replace(/["\\]/g, "\\$&")}"`;
    default:
      return Object.is(value, -0) ? "-0" : String(value);
  }
}
