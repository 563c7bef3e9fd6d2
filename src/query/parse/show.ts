// SHOW: a subject of one to four words, then the clauses that it takes, in a fixed order.
//
//   SHOW subject [[EXACT] CARDINALITY] [ON db] [FROM sources] [WITH ...] [WHERE ...] [GROUP BY ...] [ORDER BY ...] [LIMIT ...]
import type { NameFilter, ShowStatement, ShowSubject, Source } from "../ast.ts";
import type { Cursor } from "./cursor.ts";
import { parseCondition, parseDimensions, parseLimits, parseOrder } from "./select.ts";
import { parseMeasurement, parseSources } from "./sources.ts";

/** After the word SHOW. */
export function parseShow(cursor: Cursor): ShowStatement {
  if (cursor.takeWord("tokens")) return show("tokens");
  const word = cursor.expectKeyword(...subjectWords);
  switch (word) {
    case "CONTINUOUS":
      cursor.expectKeyword("QUERIES");
      return show("continuous queries", { of: takeStatus(cursor) });
    case "RETENTION":
      cursor.expectKeyword("POLICIES");
      return show("retention policies", { database: parseOn(cursor) });
    case "GRANTS":
      cursor.expectKeyword("FOR");
      return show("grants", { of: cursor.expectIdentifier() });
    case "SHARD":
      cursor.expectKeyword("GROUPS");
      return show("shard groups");
    case "STATS":
    case "DIAGNOSTICS":
      return show(word === "STATS" ? "stats" : "diagnostics", {
        of: cursor.takeKeyword("FOR") ? cursor.expectString() : "",
      });
    case "DATABASES":
    case "QUERIES":
    case "SHARDS":
    case "SUBSCRIPTIONS":
    case "USERS":
      return show(word.toLowerCase() as ShowSubject);
    case "MEASUREMENT":
      return parseClauses(cursor, "measurements", expectCardinality(cursor));
    case "MEASUREMENTS":
      return parseClauses(cursor, "measurements", null);
    case "SERIES":
      return parseClauses(cursor, "series", takeSeriesCardinality(cursor));
    case "FIELD":
      if (cursor.takeKeyword("KEYS")) return parseClauses(cursor, "field keys", null);
      cursor.expectKeyword("KEY", "KEYS");
      return parseClauses(cursor, "field keys", expectCardinality(cursor));
    default: {
      const second = cursor.expectKeyword("KEY", "KEYS", "VALUES");
      if (second === "KEYS") return parseClauses(cursor, "tag keys", null);
      if (second === "KEY") return parseClauses(cursor, "tag keys", expectCardinality(cursor));
      return parseClauses(cursor, "tag values", takeCardinality(cursor));
    }
  }
}

/** SHOW CONTINUOUS QUERIES STATUS: serie's own. */
function takeStatus(cursor: Cursor): string {
  if (!cursor.isWord("status")) return "";
  cursor.next();
  return "status";
}

const subjectWords = [
  "CONTINUOUS",
  "DATABASES",
  "DIAGNOSTICS",
  "FIELD",
  "GRANTS",
  "MEASUREMENT",
  "MEASUREMENTS",
  "QUERIES",
  "RETENTION",
  "SERIES",
  "SHARD",
  "SHARDS",
  "STATS",
  "SUBSCRIPTIONS",
  "TAG",
  "USERS",
];

function show(subject: ShowSubject, clauses: Partial<ShowStatement> = {}): ShowStatement {
  return {
    kind: "show",
    subject,
    cardinality: null,
    database: "",
    sources: [],
    filter: null,
    condition: null,
    dimensions: [],
    descending: false,
    limit: 0,
    offset: 0,
    seriesLimit: 0,
    seriesOffset: 0,
    of: "",
    ...clauses,
  };
}

type Cardinality = ShowStatement["cardinality"];

function takeCardinality(cursor: Cursor): Cardinality {
  return cursor.isKeyword("EXACT", "CARDINALITY") ? expectCardinality(cursor) : null;
}

/** (SHOW SERIES EXACT is SHOW SERIES.) */
function takeSeriesCardinality(cursor: Cursor): Cardinality {
  const isExact = cursor.takeKeyword("EXACT");
  if (!cursor.takeKeyword("CARDINALITY")) return null;
  return isExact ? "exact" : "estimated";
}

function expectCardinality(cursor: Cursor): Cardinality {
  const first = cursor.expectKeyword("EXACT", "CARDINALITY");
  if (first === "EXACT") cursor.expectKeyword("CARDINALITY");
  return first === "EXACT" ? "exact" : "estimated";
}

function parseClauses(cursor: Cursor, subject: ShowSubject, cardinality: Cardinality): ShowStatement {
  const database = parseOn(cursor);
  const isList = cardinality === null;
  const takesSources = !(isList && subject === "measurements");
  const sources: Source[] = takesSources && cursor.takeKeyword("FROM") ? parseSources(cursor, false) : [];
  const filter = parseFilter(cursor, subject);
  const condition = isList && subject === "field keys" ? null : parseCondition(cursor);
  const dimensions = isList ? [] : parseDimensions(cursor);
  const descending = isList && parseOrder(cursor, ["time", "name"]) === true;
  return show(subject, {
    cardinality,
    database,
    sources,
    filter,
    condition,
    dimensions,
    descending,
    ...parseLimits(cursor),
  });
}

function parseOn(cursor: Cursor): string {
  return cursor.takeKeyword("ON") ? cursor.expectIdentifier() : "";
}

/** WITH MEASUREMENT = name | =~ /re/, and WITH KEY, which tag values need. */
function parseFilter(cursor: Cursor, subject: ShowSubject): NameFilter | null {
  if (subject === "measurements") {
    if (!cursor.takeKeyword("WITH")) return null;
    cursor.expectKeyword("MEASUREMENT");
    if (!cursor.takeOperator("=") && !cursor.takeOperator("=~")) throw cursor.found("=", "=~");
    // (either takes a name or a regex, and what stands before its dots means nothing)
    const { name, pattern } = parseMeasurement(cursor);
    if (pattern !== null) return { kind: "regex", pattern, negated: false };
    return { kind: "names", names: [name], negated: false };
  }
  if (subject !== "tag values" && subject !== "tag keys") return null;
  if (subject === "tag keys" && !cursor.isKeyword("WITH")) return null;
  cursor.expectKeyword("WITH");
  cursor.expectKeyword("KEY");
  if (!cursor.takeKeyword("IN")) return parseNames(cursor, ["=", "!=", "=~", "!~"], ["IN", "=", "=~"]);
  cursor.expectOperator("(");
  const names: string[] = [];
  do names.push(cursor.expectIdentifier());
  while (cursor.takeOperator(","));
  cursor.expectOperator(")");
  return { kind: "names", names, negated: false };
}

/** `expected`: what influxd's message names, which is not all that it takes. */
function parseNames(cursor: Cursor, operators: readonly string[], expected: readonly string[]): NameFilter {
  const { kind, text } = cursor.peek();
  if (kind !== "operator" || !operators.includes(text)) throw cursor.found(...expected);
  cursor.next();
  const negated = text.startsWith("!");
  if (text === "=" || text === "!=") return { kind: "names", names: [cursor.expectIdentifier()], negated };
  const pattern = cursor.takeRegex();
  if (pattern === null) throw cursor.found("regex");
  return { kind: "regex", pattern, negated };
}
