// FROM: measurements by name or regex, with the database and retention policy before them, and subqueries.
import type { MeasurementSource, Source, SubquerySource } from "../ast.ts";
import type { Cursor } from "./cursor.ts";
import { parseJoin, startsJoin } from "./join.ts";
import type { Token } from "./lexer.ts";
import { parseSelect } from "./select.ts";

/** Comma-separated sources, after FROM. */
export function parseSources(cursor: Cursor, subqueries: boolean): Source[] {
  const sources: Source[] = [];
  do {
    const source = subqueries && cursor.isOperator("(") ? parseSubquery(cursor) : parseMeasurement(cursor);
    if (subqueries && sources.length === 0 && startsJoin(cursor)) return [parseJoin(cursor, source)];
    sources.push(source);
  } while (cursor.takeOperator(","));
  return sources;
}

export function parseSubquery(cursor: Cursor): SubquerySource {
  cursor.next();
  cursor.expectKeyword("SELECT");
  const statement = cursor.nested(() => parseSelect(cursor));
  cursor.expectOperator(")");
  return { kind: "subquery", statement };
}

/** `"db"."rp"."m"`, `db..m`, `rp.m`, `m`; the last part may be a regex. */
export function parseMeasurement(cursor: Cursor): MeasurementSource {
  const start = cursor.peek();
  const prefix: string[] = [];
  for (;;) {
    const pattern = prefix.length === 0 || cursor.isNextCharacter("/") ? cursor.takeRegex() : null;
    if (pattern !== null) return measurement(cursor, start, prefix, "", pattern);
    // `db..m`: the default retention policy stands between the dots.
    const part = cursor.isNextCharacter(".") && prefix.length > 0 ? "" : cursor.expectIdentifier();
    if (!cursor.takeDot()) return measurement(cursor, start, prefix, part, null);
    prefix.push(part);
  }
}

function measurement(
  cursor: Cursor,
  start: Token,
  prefix: readonly string[],
  name: string,
  pattern: string | null,
): MeasurementSource {
  if (prefix.length > 2) {
    throw cursor.error(
      `too many segments in ${[...prefix, name].map((part) => `"${part}"`).join(".")}`,
      start,
    );
  }
  const [database, retentionPolicy] = prefix.length === 2 ? prefix : ["", prefix[0]];
  return {
    kind: "measurement",
    database: database ?? "",
    retentionPolicy: retentionPolicy ?? "",
    name,
    pattern,
  };
}

/** After INTO: as above, or `"db"."rp".:MEASUREMENT` for the name of each source. */
export function parseTarget(cursor: Cursor): MeasurementSource {
  const start = cursor.peek();
  const prefix: string[] = [];
  for (;;) {
    if (prefix.length > 0 && cursor.isNextCharacter(":") && cursor.takeOperator(":")) {
      cursor.expectKeyword("MEASUREMENT");
      return measurement(cursor, start, prefix, "", null);
    }
    const part = cursor.isNextCharacter(".") && prefix.length > 0 ? "" : cursor.expectIdentifier();
    if (!cursor.takeDot()) return measurement(cursor, start, prefix, part, null);
    prefix.push(part);
  }
}
