// Conditions seen from one series: its tags are known before any row is read, so they are put in first.
//
//   reduce(host = 'a' AND value > 1)   with host=a  ->  value > 1     filter its rows
//                                      with host=b  ->  false         skip the series
//   reduce(host = 'a' OR value > 1)    with host=a  ->  true          all of its rows
import { evaluate, typeOf } from "./evaluate.ts";
import type { Expression, Literal, Reference } from "./expression.ts";
import { RegexCache } from "./regex.ts";
import { FieldType } from "./types.ts";

/**
 * What is left of a condition when the tags have the given values ("" = the series has no such tag):
 * true = every row satisfies it, false = none does, otherwise a condition over fields alone.
 * Give the same `regexes` to every call of one scan, so that each pattern is compiled once.
 */
export function reduce(
  condition: Expression,
  tagValue: (name: string) => string,
  regexes: RegexCache = new RegexCache(),
): Expression | boolean {
  const reduced = substitute(condition, tagValue, regexes, true);
  if (reduced.kind === "boolean") return reduced.value;
  // Only a field can hold true: any other literal is not a condition that a row satisfies.
  return isLiteral(reduced) ? false : reduced;
}

/**
 * `decides`: only whether the value is true matters, not whether it is false or null (the root, and below it
 * the sides of AND and OR), so that `true AND b` may become `b`.
 */
function substitute(
  expression: Expression,
  tagValue: (name: string) => string,
  regexes: RegexCache,
  decides: boolean,
): Expression {
  switch (expression.kind) {
    case "tag":
      return { kind: "string", value: tagValue(expression.name) };
    case "negate":
    case "truncate":
    case "regex": {
      const operand = substitute(expression.operand, tagValue, regexes, false);
      return fold({ ...expression, operand }, [operand], regexes);
    }
    case "binary": {
      const { operator } = expression;
      const below = decides && (operator === "and" || operator === "or");
      const left = substitute(expression.left, tagValue, regexes, below);
      if (operator === "and" && isLiteral(left) && !isTrue(left)) return FALSE;
      if (operator === "or" && isTrue(left)) return TRUE;
      const right = substitute(expression.right, tagValue, regexes, below);
      if (operator === "and") {
        if (isLiteral(right) && !isTrue(right)) return FALSE;
        if (decides && isTrue(left)) return asCondition(right);
        if (decides && isTrue(right)) return asCondition(left);
      } else if (operator === "or") {
        if (isTrue(right)) return TRUE;
        if (decides && isLiteral(left)) return asCondition(right);
        if (decides && isLiteral(right)) return asCondition(left);
      }
      return fold({ kind: "binary", operator, left, right }, [left, right], regexes);
    }
    case "math": {
      const operands = expression.operands.map((each) => substitute(each, tagValue, regexes, false));
      return fold({ ...expression, operands }, operands, regexes);
    }
    default:
      return expression;
  }
}

const TRUE: Literal = { kind: "boolean", value: true };
const FALSE: Literal = { kind: "boolean", value: false };

const isTrue = (expression: Expression): boolean => expression.kind === "boolean" && expression.value;

export function isLiteral(expression: Expression): expression is Literal {
  return (
    expression.kind === "float" ||
    expression.kind === "integer" ||
    expression.kind === "unsigned" ||
    expression.kind === "string" ||
    expression.kind === "boolean"
  );
}

/** One side of an AND or OR that stands alone now: what is no boolean counts as false there, so here too. */
function asCondition(expression: Expression): Expression {
  if (expression.kind === "boolean" || !isLiteral(expression)) {
    return typeOf(expression) === FieldType.Boolean ? expression : FALSE;
  }
  return FALSE;
}

/** Evaluates at once when every operand is a literal and the value is one too. */
function fold(expression: Expression, operands: readonly Expression[], regexes: RegexCache): Expression {
  if (!operands.every(isLiteral)) return expression;
  const value = evaluate(expression, () => null, regexes);
  const type = typeOf(expression);
  if (typeof value === "boolean") return { kind: "boolean", value };
  if (typeof value === "string") return { kind: "string", value };
  if (typeof value === "number") return { kind: "float", value };
  if (typeof value === "bigint") return { kind: type === FieldType.Unsigned ? "unsigned" : "integer", value };
  return expression; // no value at all: stays as written, and evaluates to null in every row
}

/**
 * A condition as two, of which both must hold: `tags`, which an index of series can answer alone, and `rows`, all that
 * mentions a field. When `rows` mentions no tag (tagsOf is empty) it is the residual of every series at once,
 * and none has to be reduced by itself.
 */
export function separate(condition: Expression): { tags: Expression | null; rows: Expression | null } {
  if (condition.kind === "binary" && condition.operator === "and") {
    const left = separate(condition.left);
    const right = separate(condition.right);
    return { tags: both(left.tags, right.tags), rows: both(left.rows, right.rows) };
  }
  return fieldsOf(condition).length === 0 ? { tags: condition, rows: null } : { tags: null, rows: condition };
}

function both(left: Expression | null, right: Expression | null): Expression | null {
  if (left === null || right === null) return left ?? right;
  return { kind: "binary", operator: "and", left, right };
}

/** Names of the tags that occur, each once, in order of occurrence. */
export function tagsOf(expression: Expression | null): string[] {
  return names(expression, "tag");
}

/** Names of the fields that occur, each once, in order of occurrence. */
export function fieldsOf(expression: Expression | null): string[] {
  return names(expression, "field");
}

function names(expression: Expression | null, kind: Reference["kind"]): string[] {
  const found = new Set<string>();
  const visit = (node: Expression): void => {
    if (node.kind === "binary") {
      visit(node.left);
      visit(node.right);
    } else if (node.kind === "negate" || node.kind === "truncate" || node.kind === "regex")
      visit(node.operand);
    else if (node.kind === "math") node.operands.forEach(visit);
    else if (node.kind === kind) found.add((node as Reference).name);
  };
  if (expression !== null) visit(expression);
  return [...found];
}
