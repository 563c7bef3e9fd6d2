// What an Expression means, one row at a time: the semantics that every faster evaluation must equal.
//
// Values: float = number, integer and unsigned = bigint, string, boolean, null = absent. As in InfluxDB:
//
//   - a comparison with an absent value, or between types that do not compare, is false (`!=` too);
//   - AND and OR take everything but true as false;
//   - integer op integer stays integer (wrapping at 64 bits; division truncates), a float on either side makes
//     floats; division by zero and integer remainder by zero give 0;
//   - arithmetic with an absent value, or on types that have none, gives null.
//
// Beyond InfluxDB: comparisons between integers and floats are exact (it rounds the integer to a double first), strings
// have an order and `+` joins them (there such conditions are false).
import type { BinaryOperator, Expression, Reference } from "./expression.ts";
import { integerArithmetic } from "./integers.ts";
import { keepsType, type MathName, mathematics } from "./mathematics.ts";
import type { Regex, RegexCache } from "./regex.ts";
import { FieldType } from "./types.ts";

export type Scalar = null | boolean | number | bigint | string;

/** Value of `expression` in the row whose tags and fields `read` gives. */
export function evaluate(
  expression: Expression,
  read: (reference: Reference) => Scalar,
  regexes: RegexCache,
): Scalar {
  switch (expression.kind) {
    case "tag":
    case "field":
      return read(expression);
    case "negate":
      return negate(evaluate(expression.operand, read, regexes), typeOf(expression));
    case "truncate":
      return truncate(evaluate(expression.operand, read, regexes));
    case "regex":
      return matches(
        evaluate(expression.operand, read, regexes),
        regexes.get(expression.pattern),
        expression.negated,
      );
    case "binary": {
      const { operator } = expression;
      const left = evaluate(expression.left, read, regexes);
      if (operator === "and" && left !== true) return false;
      if (operator === "or" && left === true) return true;
      const right = evaluate(expression.right, read, regexes);
      return apply(operator, left, right, typeOf(expression));
    }
    case "math":
      return applyMathematics(
        expression.function,
        expression.operands.map((operand) => evaluate(operand, read, regexes)),
        typeOf(expression),
      );
    default:
      return expression.value;
  }
}

/** Type of the values that an expression gives, null when it can only give null. */
export function typeOf(expression: Expression): FieldType | null {
  switch (expression.kind) {
    case "tag":
    case "string":
      return FieldType.String;
    case "field":
      return expression.type;
    case "float":
      return FieldType.Float;
    case "integer":
      return FieldType.Integer;
    case "unsigned":
      return FieldType.Unsigned;
    case "boolean":
    case "regex":
      return FieldType.Boolean;
    case "negate":
      return typeOf(expression.operand);
    case "truncate":
      return FieldType.Integer;
    case "binary":
      return typeOfBinary(expression.operator, typeOf(expression.left), typeOf(expression.right));
    case "math": {
      const types = expression.operands.map(typeOf);
      return types.every(isNumber) && keepsType(expression.function) ? types[0]! : FieldType.Float;
    }
  }
}

const isNumber = (type: FieldType | null): boolean =>
  type === FieldType.Float || type === FieldType.Integer || type === FieldType.Unsigned;

function applyMathematics(name: MathName, operands: readonly Scalar[], type: FieldType | null): Scalar {
  const [first, second] = operands;
  const isScalarNumber = (value: Scalar) => typeof value === "number" || typeof value === "bigint";
  if (!operands.every(isScalarNumber)) return null;
  if (typeof first !== "bigint" || !keepsType(name)) return mathematics(name)(Number(first), Number(second));
  return name === "abs" && type === FieldType.Integer && first < 0n ? BigInt.asIntN(64, -first) : first;
}

/** Type of `left operator right` in a condition; null where no value can come of it. */
export function typeOfBinary(
  operator: BinaryOperator,
  left: FieldType | null,
  right: FieldType | null,
): FieldType | null {
  const { Float, Integer, Unsigned, Boolean: Bool, String: Text } = FieldType;
  if (isComparison(operator) || operator === "and" || operator === "or") return Bool;
  if (left === null || right === null) return null;
  if (left === Text || right === Text) return left === right && operator === "+" ? Text : null;
  const bitwise = operator === "&" || operator === "|" || operator === "^";
  if (left === Bool || right === Bool) return left === right && bitwise ? Bool : null;
  if (left === Float || right === Float) return bitwise ? null : Float;
  return left === Unsigned || right === Unsigned ? Unsigned : Integer;
}

export function isComparison(operator: BinaryOperator): operator is "=" | "!=" | "<" | "<=" | ">" | ">=" {
  return (
    operator === "=" ||
    operator === "!=" ||
    operator === "<" ||
    operator === "<=" ||
    operator === ">" ||
    operator === ">="
  );
}

/** `type` is that of the result (typeOfBinary): it tells how integers wrap. */
export function apply(operator: BinaryOperator, left: Scalar, right: Scalar, type: FieldType | null): Scalar {
  if (operator === "and") return left === true && right === true;
  if (operator === "or") return left === true || right === true;
  if (isComparison(operator)) return compare(operator, left, right);
  if (type === null || left === null || right === null) return null;
  if (typeof left === "string") return typeof right === "string" ? left + right : null;
  if (typeof left === "boolean" || typeof right === "boolean") {
    if (typeof left !== "boolean" || typeof right !== "boolean") return null;
    return operator === "&" ? left && right : operator === "|" ? left || right : left !== right;
  }
  if (typeof right === "string") return null;
  if (typeof left === "bigint" && typeof right === "bigint") {
    const value = integerArithmetic(operator, left, right);
    return type === FieldType.Unsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value);
  }
  return floatArithmetic(operator, Number(left), Number(right));
}

function floatArithmetic(operator: BinaryOperator, left: number, right: number): number | null {
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return right === 0 ? 0 : left / right;
    case "%":
      return left % right;
    default:
      return null;
  }
}

function compare(operator: "=" | "!=" | "<" | "<=" | ">" | ">=", left: Scalar, right: Scalar): boolean {
  if (left === null || right === null) return false;
  const isNumber = typeof left === "number" || typeof left === "bigint";
  if (isNumber !== (typeof right === "number" || typeof right === "bigint")) return false;
  if (!isNumber && typeof left !== typeof right) return false;
  if (typeof left === "boolean" && operator !== "=" && operator !== "!=") return false;
  switch (operator) {
    case "=":
      // Two orderings instead of ===, because integers and floats mix.
      return left <= right && left >= right;
    case "!=":
      return !(left <= right && left >= right);
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
  }
}

function negate(value: Scalar, type: FieldType | null): Scalar {
  if (typeof value === "number") return -value;
  if (typeof value !== "bigint") return null;
  return type === FieldType.Unsigned ? BigInt.asUintN(64, -value) : BigInt.asIntN(64, -value);
}

function truncate(value: Scalar): Scalar {
  if (typeof value !== "number" || !Number.isFinite(value)) return typeof value === "bigint" ? value : null;
  const whole = BigInt(Math.trunc(value));
  return BigInt.asIntN(64, whole) === whole ? whole : null;
}

/** Only strings match; anything else, absence included, is false under both `=~` and `!~`. */
function matches(value: Scalar, regex: Regex, negated: boolean): boolean {
  return typeof value === "string" && regex.test(value) !== negated;
}
