// Generated SELECT statements: sources (several, regexes, subqueries), conditions, groups, fills, orders, limits, zones.
import { type Columns, drawColumns } from "./columns.ts";
import type { Draw } from "./draw.ts";
import { fieldName, identifier, regexOf, type Scope, scopeOf, tagName } from "./names.ts";
import type { Schema } from "./schema.ts";
import { condition, timeRange } from "./where.ts";

export interface Select {
  readonly text: string;
  readonly columns: Columns;
  readonly groupedBy: readonly string[];
}

export interface SelectOptions {
  readonly schema: Schema;
  /** The database's name, for sources that say it. */
  readonly database: string;
  /** How deep subqueries may nest. */
  readonly depth: number;
  /** `INTO ...`, or nothing. */
  readonly into?: string;
}

export function drawSelect(draw: Draw, options: SelectOptions): Select {
  const { text: from, scope } = drawSource(draw, options);
  const columns = drawColumns(draw, scope);
  const isWindowed = columns.windows === "must" || (columns.windows === "may" && draw.chance(0.5));
  const seen = scope.fields.length > 0 || scope.tags.length > 0 ? scope : scopeOf(options.schema.tables);

  // windows over a range that ends at now would be millions: they have both ends
  const range = isWindowed || draw.chance(0.35) ? timeRange(draw, options.schema, isWindowed) : "";
  const filter = draw.maybe(0.4, () => condition(draw, seen));
  const where = [range, filter && (range ? `(${filter})` : filter)].filter(Boolean);
  if (!isWindowed && draw.chance(0.02))
    where.push(`(${condition(draw, seen)} OR ${timeRange(draw, options.schema, false)})`);
  if (draw.chance(0.3)) where.reverse();

  const tags = draw.chance(0.45) ? drawDimensions(draw, seen) : [];
  const dimensions = [isWindowed ? drawWindow(draw, options.schema) : "", ...tags].filter(Boolean);
  if (draw.chance(0.2)) dimensions.reverse();
  const clauses = [
    `SELECT ${columns.text}`,
    options.into ?? "",
    `FROM ${from}`,
    where.length > 0 ? `WHERE ${where.join(" AND ")}` : "",
    dimensions.length > 0 ? `GROUP BY ${dimensions.join(", ")}` : "",
    draw.maybe(isWindowed ? 0.6 : 0.03, () => drawFill(draw)),
    draw.maybe(0.2, () => `ORDER BY time ${draw.of("DESC", "DESC", "ASC")}`),
    draw.maybe(
      0.2,
      () => `LIMIT ${draw.between(1, 6)}${draw.maybe(0.5, () => ` OFFSET ${draw.below(4)}`)}`,
    ) || draw.maybe(0.01, () => `OFFSET ${draw.below(4)}`),
    draw.maybe(
      0.1,
      () => `SLIMIT ${draw.between(1, 3)}${draw.maybe(0.4, () => ` SOFFSET ${draw.below(3)}`)}`,
    ),
    draw.maybe(
      isWindowed && options.schema.spanS > 1000 ? 0.25 : 0.05,
      () => `tz('${draw.of("Europe/Berlin", "America/New_York", "UTC", "Asia/Kolkata")}')`,
    ),
  ];
  return { text: clauses.filter(Boolean).join(" "), columns, groupedBy: tags };
}

function drawDimensions(draw: Draw, scope: Scope): string[] {
  // a tag named twice makes influxd count OFFSET twice
  const names = new Map(
    draw.list(1, 2, () => tagName(draw, scope)).map((name) => [name.replaceAll('"', ""), name]),
  );
  if (draw.chance(0.65)) return [...names.values()];
  return [
    draw.of(
      "*",
      "*",
      "*",
      () => regexOf(draw, "host"),
      () => regexOf(draw, "host"),
      () => fieldName(draw, scope),
    ),
  ];
}

function drawWindow(draw: Draw, schema: Schema): string {
  const parts = draw.pick([3, 7, 10, 24]);
  const everyS = Math.max(1, Math.floor(schema.spanS / parts));
  const every = draw.weighted(
    [4, `${everyS}s`],
    [1, draw.of("7s", "10s", "1m", "20s")],
    [1, `${everyS}s500ms`],
    [0.5, draw.of("1m30s", "1m1s1ms", "90000ms", "30000000u")],
  );
  // (small windows over weeks would be thousands)
  const fitting = schema.spanS > 1000 ? draw.of(`${everyS}s`, "1d", "12h", "1w", "6h30m", "4h") : every;
  const offset = () =>
    draw.of("1s", "3s", "-2s", "5s", "90s", "1h", "-90m", "3d", "'2023-10-29T00:30:00Z' + 1s", "2s + 5s");
  return `time(${fitting}${draw.maybe(0.25, () => `, ${offset()}`)})`;
}

function drawFill(draw: Draw): string {
  return `fill(${draw.of("none", "null", "previous", "linear", "0", "7.5", "-1")})`;
}

function drawSource(draw: Draw, options: SelectOptions): { text: string; scope: Scope } {
  const { schema } = options;
  if (options.depth > 0 && draw.chance(0.25)) {
    const inner = drawSelect(draw, { ...options, depth: options.depth - 1, into: "" });
    const tags = scopeOf(schema.tables).tags;
    const fields = inner.columns.names.length > 0 ? inner.columns.names : scopeOf(schema.tables).fields;
    const beside = draw.maybe(0.1, () =>
      draw.of(
        () => `, ${identifier(draw, draw.pick(schema.tables).name)}`,
        () => `, (${drawSelect(draw, { ...options, depth: options.depth - 1, into: "" }).text})`,
      ),
    );
    return { text: `(${inner.text})${beside}`, scope: { fields, tags } };
  }
  const table = draw.pick(schema.tables);
  const name = identifier(draw, table.name);
  const policy = schema.policy ?? "autogen";
  const one = () =>
    draw.weighted(
      [12, name],
      [schema.policy === null ? 0 : 8, () => `${draw.maybe(0.3, `${options.database}.`)}${policy}.${name}`],
      [1, () => `${options.database}..${name}`],
      [1, () => `${options.database}.autogen.${name}`],
      [1, () => `autogen.${name}`],
      [1, () => `"${options.database}"."autogen".${name}`],
      [0.4, "nope"],
      [0.2, () => `nope..${name}`],
      [0.2, () => `nope.${name}`],
    );
  if (draw.chance(0.85)) return { text: one(), scope: scopeOf([table]) };
  const all = scopeOf(schema.tables);
  return {
    text: draw.of(
      () => regexOf(draw, table.name),
      () => `${name}, ${identifier(draw, draw.pick(schema.tables).name)}`,
      () => `${name}, ${regexOf(draw, table.name)}`,
      () => `${options.database}..${regexOf(draw, table.name)}`,
      () => `${policy}.${regexOf(draw, table.name)}`,
      () => `${name}, ${policy}.${identifier(draw, draw.pick(schema.tables).name)}`,
    ),
    scope: all,
  };
}
