// JOIN in FROM: sources side by side on time and tags.
//
//   requests AS r LEFT JOIN (SELECT ...) AS e USING (time, host)
//
// No word of it is InfluxQL's (AS is, but not in FROM), so each stays a name wherever a name may stand.
import type { JoinedSource, JoinSource, JoinType, MeasurementSource, SubquerySource } from "../ast.ts";
import type { Cursor } from "./cursor.ts";
import { parseMeasurement, parseSubquery } from "./sources.ts";

const types: readonly JoinType[] = ["inner", "left", "right", "full"];

/** After the first source of FROM. */
export function startsJoin(cursor: Cursor): boolean {
  return cursor.isKeyword("AS") || cursor.isWord("join") || types.some((type) => cursor.isWord(type));
}

/** Where `startsJoin` holds, after `first`. */
export function parseJoin(cursor: Cursor, first: MeasurementSource | SubquerySource): JoinSource {
  const sides: JoinedSource[] = [{ type: "inner", source: first, alias: parseAlias(cursor, first) }];
  let keys: readonly string[] | null = null;
  do {
    const type = parseType(cursor);
    const source = cursor.isOperator("(") ? parseSubquery(cursor) : parseMeasurement(cursor);
    const token = cursor.peek();
    const alias = parseAlias(cursor, source);
    if (sides.some((side) => side.alias === alias))
      throw cursor.error(`two sides of the join are called ${alias}: name one AS something else`, token);
    sides.push({ type, source, alias });
    keys = parseUsing(cursor, keys);
  } while (startsJoin(cursor));
  if (cursor.isOperator(",")) throw cursor.error("a join stands alone in FROM", cursor.peek());
  return { kind: "join", sides, keys };
}

function parseAlias(cursor: Cursor, source: MeasurementSource | SubquerySource): string {
  if (cursor.takeKeyword("AS")) return cursor.expectIdentifier();
  if (source.kind === "measurement" && source.pattern === null) return source.name;
  throw cursor.found("AS");
}

function parseType(cursor: Cursor): JoinType {
  const type = types.find((each) => cursor.isWord(each)) ?? null;
  if (type !== null) cursor.next();
  if (type !== null && type !== "inner" && cursor.isWord("outer")) cursor.next();
  if (!cursor.isWord("join")) throw cursor.found("JOIN");
  cursor.next();
  return type ?? "inner";
}

/** `before`: the keys of the JOIN before this one. */
function parseUsing(cursor: Cursor, before: readonly string[] | null): readonly string[] {
  const token = cursor.peek();
  if (!cursor.isWord("using")) throw cursor.found("USING");
  cursor.next();
  cursor.expectOperator("(");
  const names: string[] = [];
  do names.push(cursor.expectIdentifier());
  while (cursor.takeOperator(","));
  cursor.expectOperator(")");
  const keys = [...new Set(names.filter((name) => name !== "time"))].sort();
  if (keys.length === names.length)
    throw cursor.error("USING must name time: rows meet at the same time", token);
  if (before !== null && JSON.stringify(before) !== JSON.stringify(keys))
    throw cursor.error("every USING of one FROM must name the same tags", token);
  return keys;
}
