// How names and values are written in InfluxQL, and which names a part of a statement may use.
import type { Draw } from "./draw.ts";
import type { Field, Kind, Table } from "./schema.ts";

const plain = /^[A-Za-z_][A-Za-z0-9_]*$/;
const keywords = new Set(["select", "from", "where", "name", "value", "max", "group", "time"]);

/** An identifier, quoted where it must be and now and then where it need not. */
export function identifier(draw: Draw, name: string): string {
  if (plain.test(name) && !keywords.has(name) && draw.chance(0.7)) return name;
  return `"${name.replace(/["\\]/g, "\\$&")}"`;
}

/** A string literal. */
export function literal(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&").replaceAll("\n", "\\n")}'`;
}

/** A regex that matches the text, or some others beside it. */
export function regexOf(draw: Draw, text: string): string {
  const escaped = text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const first = [...text][0] ?? "";
  return draw.of(
    `/^${escaped}$/`,
    `/${escaped}/`,
    `/(?i)${escaped}/`,
    /[a-z]/.test(first) ? `/^[${first}-${first}]/` : "/./",
    "/.*/",
    "/a|b|1/",
    "/^$/",
    "/nope/",
  );
}

/** The names of what a SELECT reads: measurements, or the columns of a subquery. */
export interface Scope {
  readonly fields: readonly Field[];
  readonly tags: readonly { readonly name: string; readonly values: readonly string[] }[];
}

export function scopeOf(tables: readonly Table[]): Scope {
  return { fields: tables.flatMap((table) => table.fields), tags: tables.flatMap((table) => table.tags) };
}

/** A field's name, of one of these kinds when there is one, rarely a tag or nothing known. */
export function fieldName(draw: Draw, scope: Scope, kinds?: readonly Kind[]): string {
  const fitting =
    kinds === undefined ? scope.fields : scope.fields.filter(({ kind }) => kinds.includes(kind));
  const field = fitting.length > 0 && draw.chance(0.95) ? draw.pick(fitting) : undefined;
  if (field !== undefined) return identifier(draw, field.name);
  return draw.chance(0.5) && scope.fields.length > 0
    ? identifier(draw, draw.pick(scope.fields).name)
    : draw.of("nope", () => tagName(draw, scope));
}

export function tagName(draw: Draw, scope: Scope): string {
  if (scope.tags.length === 0 || draw.chance(0.04)) return draw.of("nope", '"no pe"');
  return identifier(draw, draw.pick(scope.tags).name);
}

export const numeric: readonly Kind[] = ["float", "integer"];
