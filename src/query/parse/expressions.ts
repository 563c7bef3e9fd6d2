// Expressions: operands and operators by precedence climbing.
//
//   1  OR        2  AND        3  = != < <= > >= =~ !~  BETWEEN        4  + - | ^        5  * / % &
//
// All associate to the left. BETWEEN is ours: `a BETWEEN b AND c` is read as `a >= b AND a <= c`. Words of ours are
// not reserved, so a field may still be called between.
import type { CastType, DurationNode, Node, NodeOperator, ReferenceNode } from "../ast.ts";
import type { Cursor } from "./cursor.ts";
import type { Token } from "./lexer.ts";

const precedences: ReadonlyMap<string, number> = new Map<NodeOperator, number>([
  ["or", 1],
  ["and", 2],
  ["=", 3],
  ["!=", 3],
  ["=~", 3],
  ["!~", 3],
  ["<", 3],
  ["<=", 3],
  [">", 3],
  [">=", 3],
  ["+", 4],
  ["-", 4],
  ["|", 4],
  ["^", 4],
  ["*", 5],
  ["/", 5],
  ["%", 5],
  ["&", 5],
]);
/** Precedence of comparisons: those and lower ones make conditions. */
export const COMPARISON = 3;

/** Operators in a row make a tree as deep as they are many, and everything that reads it recurses. */
const MAX_OPERATORS = 4000;

export const precedenceOf = (operator: NodeOperator): number => precedences.get(operator)!;

export function parseExpression(cursor: Cursor): Node {
  return cursor.nested(() => parseOperators(cursor, 1));
}

/** An expression of operators that bind at least as tightly as `lowest`. */
function parseOperators(cursor: Cursor, lowest: number): Node {
  let left = parseOperand(cursor);
  for (let count = 0; ; count++) {
    if (count > MAX_OPERATORS) {
      throw cursor.error(`more than ${MAX_OPERATORS} operators in a row`, cursor.peek());
    }
    if (lowest <= COMPARISON && cursor.isWord("between")) {
      left = parseBetween(cursor, left);
      continue;
    }
    const operator = operatorOf(cursor.peek());
    if (operator === null) return left;
    const precedence = precedenceOf(operator);
    if (precedence < lowest) return left;
    cursor.next();
    if (operator === "=~" || operator === "!~") {
      const pattern = cursor.takeRegex();
      if (pattern === null) throw cursor.found("regex");
      left = { kind: "binary", operator, left, right: { kind: "regex", pattern } };
    } else {
      const right = parseOperators(cursor, precedence + 1);
      left = { kind: "binary", operator, left, right };
    }
  }
}

function parseBetween(cursor: Cursor, operand: Node): Node {
  cursor.next();
  const low = parseOperators(cursor, COMPARISON + 1);
  cursor.expectKeyword("AND");
  const high = parseOperators(cursor, COMPARISON + 1);
  const inner: Node = {
    kind: "binary",
    operator: "and",
    left: { kind: "binary", operator: ">=", left: operand, right: low },
    right: { kind: "binary", operator: "<=", left: operand, right: high },
  };
  return { kind: "paren", inner };
}

function operatorOf(token: Token): NodeOperator | null {
  if (token.kind === "keyword") return token.text === "AND" ? "and" : token.text === "OR" ? "or" : null;
  if (token.kind !== "operator" || !precedences.has(token.text)) return null;
  return token.text as NodeOperator;
}

function parseOperand(cursor: Cursor): Node {
  const token = cursor.peek();
  switch (token.kind) {
    case "identifier":
      return cursor.peekSecond().text === "(" ? parseCall(cursor, cursor.next()) : parseReference(cursor);
    case "string":
      return { kind: "string", value: cursor.next().text };
    case "number":
      return parseNumber(cursor);
    case "integer":
      return parseInteger(cursor);
    case "duration":
      return cursor.expectCalendarDuration();
    case "regex":
      return { kind: "regex", pattern: cursor.takeRegex()! };
    case "keyword":
      if (token.text === "TRUE" || token.text === "FALSE") {
        return { kind: "boolean", value: cursor.next().text === "TRUE" };
      }
      if (token.text === "DISTINCT") return parseDistinct(cursor);
      break;
    case "operator":
      if (token.text === "(") return cursor.nested(() => parseParentheses(cursor));
      if (token.text === "*") return parseWildcard(cursor);
      if (token.text === "-" || token.text === "+") return cursor.nested(() => parseSigned(cursor));
      break;
  }
  throw cursor.found("identifier", "string", "number", "bool");
}

function parseNumber(cursor: Cursor): Node {
  const token = cursor.next();
  const value = Number(token.text);
  if (!Number.isFinite(value)) throw cursor.error("unable to parse number", token);
  return { kind: "number", value };
}

function parseInteger(cursor: Cursor): Node {
  const token = cursor.next();
  const value = BigInt(token.text);
  if (value < 2n ** 63n) return { kind: "integer", value };
  if (value < 2n ** 64n) return { kind: "unsigned", value };
  throw cursor.error("unable to parse integer", token);
}

function parseParentheses(cursor: Cursor): Node {
  cursor.expectOperator("(");
  const inner = parseExpression(cursor);
  cursor.expectOperator(")");
  return { kind: "paren", inner };
}

function parseWildcard(cursor: Cursor): Node {
  cursor.expectOperator("*");
  if (!cursor.takeOperator("::")) return { kind: "wildcard", only: null };
  const token = cursor.peek();
  const only = token.text.toLowerCase();
  if (only !== "field" && only !== "tag") throw cursor.found("field", "tag");
  cursor.next();
  return { kind: "wildcard", only };
}

/** A sign joins a literal at once; before anything else it is a multiplication, as InfluxDB names columns by. */
function parseSigned(cursor: Cursor): Node {
  const negative = cursor.next().text === "-";
  const token = cursor.peek();
  const isOperand =
    ["identifier", "number", "integer", "duration"].includes(token.kind) || cursor.isOperator("(");
  if (!isOperand) throw cursor.found("identifier", "number", "duration", "(");
  const isMinimum = negative && token.kind === "integer" && token.text === "9223372036854775808";
  if (isMinimum) {
    cursor.next();
    return { kind: "integer", value: -(2n ** 63n) };
  }
  const operand = parseOperand(cursor);
  switch (operand.kind) {
    case "number":
      return { kind: "number", value: negative ? -operand.value : operand.value };
    case "integer":
      return { kind: "integer", value: negative ? -operand.value : operand.value };
    case "unsigned":
      if (negative) throw cursor.error("constant overflows int64", token);
      return operand;
    case "duration":
      return negative ? negated(operand) : operand;
    default:
      return {
        kind: "binary",
        operator: "*",
        left: { kind: "integer", value: negative ? -1n : 1n },
        right: operand,
      };
  }
}

function negated({ ns, months }: DurationNode): DurationNode {
  return months === undefined
    ? { kind: "duration", ns: -ns }
    : { kind: "duration", ns: -ns, months: -months };
}

function parseDistinct(cursor: Cursor): Node {
  const word = cursor.next();
  if (cursor.isOperator("(")) return parseCall(cursor, word);
  if (cursor.peek().kind === "end" || cursor.isOperator("/")) throw cursor.found("(", "identifier");
  const token = cursor.peek();
  return cursor.placed<Node>({ kind: "distinct", name: cursor.expectIdentifier() }, token);
}

/** `mean((f))` is `mean(f)`. */
function bare(node: Node): Node {
  return node.kind === "paren" && /^(?:reference|wildcard|paren)$/.test(node.inner.kind)
    ? bare(node.inner)
    : node;
}

/** The arguments of a call, whose name has been read. */
function parseCall(cursor: Cursor, word: Token): Node {
  cursor.expectOperator("(");
  const name = word.text.toLowerCase();
  const list: Node[] = [];
  if (!cursor.takeOperator(")")) {
    do {
      const pattern = cursor.takeRegex();
      const argument = pattern === null ? parseExpression(cursor) : ({ kind: "regex", pattern } as const);
      // (what stands in fill() is a word, and no name)
      list.push(name === "fill" ? argument : bare(argument));
    } while (cursor.takeOperator(","));
    cursor.expectOperator(")");
  }
  return cursor.placed<Node>({ kind: "call", name, arguments: list }, word);
}

const castTypes = ["float", "integer", "unsigned", "string", "boolean", "field", "tag"] as const;

/** `name`, `"name"`, `a.b` (one name with a dot), each with an optional `::type`. */
export function parseReference(cursor: Cursor): ReferenceNode {
  const first = cursor.peek();
  let name = cursor.expectIdentifier();
  while (cursor.takeDot()) {
    // (behind its dot `a.::float` is read on as `a::float`, and `a./` divides)
    if (cursor.isNextCharacter(":") || cursor.isNextCharacter("/")) break;
    // (`a..b` has an empty part)
    name += `.${cursor.isNextCharacter(".") ? "" : cursor.expectIdentifier()}`;
  }
  if (!cursor.takeOperator("::"))
    return cursor.placed<ReferenceNode>({ kind: "reference", name, cast: null }, first);
  const written = cursor.peek().text.toLowerCase();
  const cast = castTypes.find((type) => type === written);
  if (cast === undefined) throw cursor.found(...castTypes);
  cursor.next();
  return cursor.placed<ReferenceNode>({ kind: "reference", name, cast: cast satisfies CastType }, first);
}
