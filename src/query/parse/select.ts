// SELECT, clause by clause in the order that the language fixes.
import type { Fill, MeasurementSource, Node, NodeOperator, SelectField, SelectStatement } from "../ast.ts";
import type { Cursor } from "./cursor.ts";
import { parseError } from "./errors.ts";
import { COMPARISON, parseExpression, precedenceOf } from "./expressions.ts";
import { parseSources, parseTarget } from "./sources.ts";

/** After the word SELECT. */
export function parseSelect(cursor: Cursor, needsInto = false): SelectStatement {
  const start = cursor.previous;
  const statement = parseClauses(cursor, needsInto);
  if (statement.sources[0]?.kind !== "join" || cursor.keepsPlaces) return statement;
  // once more for the places of its names, as what a join has is known to the planner alone: other statements do without
  cursor.backTo(start);
  return cursor.withPlaces(() => parseClauses(cursor, needsInto));
}

function parseClauses(cursor: Cursor, needsInto: boolean): SelectStatement {
  const fields = parseFields(cursor);
  let into: MeasurementSource | null = null;
  if (needsInto && !cursor.isKeyword("INTO")) throw cursor.found("INTO");
  if (cursor.takeKeyword("INTO")) into = parseTarget(cursor);
  cursor.expectKeyword("FROM");
  const sources = parseSources(cursor, true);
  const condition = parseCondition(cursor);
  const dimensions = parseDimensions(cursor);
  const fill = parseFill(cursor);
  const having = parseHaving(cursor);
  const descending = parseOrder(cursor, ["time", "ts"]);
  const limits = parseLimits(cursor);
  const timezone = parseTimezone(cursor);
  return {
    kind: "select",
    fields,
    into,
    sources,
    condition,
    dimensions,
    fill,
    having,
    descending: descending === true,
    ...(descending === false ? { isAscending: true as const } : {}),
    ...limits,
    timezone,
  };
}

function parseFields(cursor: Cursor): SelectField[] {
  const fields: SelectField[] = [];
  do {
    const pattern = cursor.takeRegex();
    const expression: Node = pattern === null ? parseArithmetic(cursor) : { kind: "regex", pattern };
    const alias = cursor.takeKeyword("AS") ? cursor.expectIdentifier() : null;
    fields.push({ expression, alias });
  } while (cursor.takeOperator(","));
  return fields;
}

function parseArithmetic(cursor: Cursor): Node {
  const { offset } = cursor.peek();
  const expression = parseExpression(cursor);
  const operator = conditionOperator(expression);
  if (operator === null) return expression;
  const where = cursor.position(offset);
  throw parseError(
    `invalid operator ${operator.toUpperCase()} in SELECT clause at ${where}; operator is intended for WHERE clause`,
  );
}

/** The outermost comparison, AND or OR; null: arithmetic alone. */
function conditionOperator(node: Node): NodeOperator | null {
  switch (node.kind) {
    case "paren":
      return conditionOperator(node.inner);
    case "call":
      return node.arguments.map(conditionOperator).find((operator) => operator !== null) ?? null;
    case "binary":
      if (precedenceOf(node.operator) <= COMPARISON) return node.operator;
      return conditionOperator(node.left) ?? conditionOperator(node.right);
    default:
      return null;
  }
}

export function parseCondition(cursor: Cursor): Node | null {
  return cursor.takeKeyword("WHERE") ? parseExpression(cursor) : null;
}

export function parseDimensions(cursor: Cursor): Node[] {
  const dimensions: Node[] = [];
  if (!cursor.takeKeyword("GROUP")) return dimensions;
  cursor.expectKeyword("BY");
  do {
    const pattern = cursor.takeRegex();
    dimensions.push(pattern === null ? inParentheses(parseExpression(cursor)) : { kind: "regex", pattern });
  } while (cursor.takeOperator(","));
  return dimensions;
}

const inParentheses = (node: Node): Node => (node.kind === "paren" ? inParentheses(node.inner) : node);

function parseFill(cursor: Cursor): Fill | null {
  if (!cursor.isWord("fill")) return null;
  const call = parseExpression(cursor);
  if (call.kind !== "call") throw parseError("fill must be a function call");
  const argument = call.arguments[0];
  if (argument?.kind === "reference" && argument.name === "previous" && call.arguments.length === 2) {
    const within = call.arguments[1]!;
    if (within.kind !== "duration" || within.ns < 0n || (within.ns === 0n && !within.months)) {
      throw parseError(
        "fill(previous, ...) requires a positive duration: how far before the range it may look",
      );
    }
    return { kind: "previous", within };
  }
  if (argument === undefined || call.arguments.length !== 1) {
    throw parseError("fill requires an argument, e.g.: 0, null, none, previous, linear");
  }
  if (argument.kind === "reference") {
    const way = (["null", "none", "previous", "linear"] as const).find((name) => name === argument.name);
    if (way !== undefined) return { kind: way };
  }
  if (argument.kind === "integer" || argument.kind === "number") {
    return { kind: "number", value: Number(argument.value) };
  }
  throw parseError("expected number argument in fill()");
}

/** No word of InfluxQL's: `having` stays a name wherever a name may stand. */
function parseHaving(cursor: Cursor): Node | null {
  if (!cursor.isWord("having")) return null;
  cursor.next();
  return cursor.withPlaces(() => parseExpression(cursor));
}

/** ORDER BY of one of `names`; true = descending, null = not written. */
export function parseOrder(cursor: Cursor, names: readonly string[]): boolean | null {
  if (!cursor.takeKeyword("ORDER")) return null;
  cursor.expectKeyword("BY");
  let descending = false;
  if (cursor.isKeyword("ASC", "DESC")) descending = cursor.next().text === "DESC";
  else {
    if (cursor.peek().kind !== "identifier") throw cursor.found("identifier", "ASC", "DESC");
    const name = cursor.next().text;
    if (!names.includes(name)) throw parseError(`only ORDER BY ${names[0]} supported at this time`);
    if (cursor.isKeyword("ASC", "DESC")) descending = cursor.next().text === "DESC";
  }
  if (cursor.isOperator(",")) throw parseError(`only ORDER BY ${names[0]} supported at this time`);
  return descending;
}

export interface Limits {
  readonly limit: number;
  readonly offset: number;
  readonly seriesLimit: number;
  readonly seriesOffset: number;
}

export function parseLimits(cursor: Cursor): Limits {
  const count = (word: string): number => (cursor.takeKeyword(word) ? parseCount(cursor, word) : 0);
  return {
    limit: count("LIMIT"),
    offset: count("OFFSET"),
    seriesLimit: count("SLIMIT"),
    seriesOffset: count("SOFFSET"),
  };
}

function parseCount(cursor: Cursor, word: string): number {
  const token = cursor.peek();
  if (/^\d{16,}$/.test(token.text)) {
    // (more than there can be rows)
    cursor.next();
    return Math.min(Number(token.text), Number.MAX_SAFE_INTEGER);
  }
  const value = cursor.expectCount();
  if (value < 0) throw cursor.error(`${word} must be >= 0`, token); // a bind parameter
  return value;
}

function parseTimezone(cursor: Cursor): string | null {
  if (!cursor.isWord("tz")) return null;
  const call = parseExpression(cursor);
  if (call.kind !== "call") throw parseError("tz must be a function call");
  const argument = call.arguments[0];
  if (argument === undefined || call.arguments.length !== 1) {
    throw parseError("tz requires exactly one argument");
  }
  if (argument.kind !== "string") throw parseError("expected string argument in tz()");
  // two names of Go's
  if (argument.value === "") return "UTC";
  if (argument.value === "Local") return new Intl.DateTimeFormat("en").resolvedOptions().timeZone;
  try {
    new Intl.DateTimeFormat("en", { timeZone: argument.value });
  } catch {
    throw parseError(`unable to find time zone ${argument.value}`);
  }
  return argument.value;
}
