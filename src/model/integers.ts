// Arithmetic of integers as conditions and columns have it: exact, before it wraps at 64 bits; by 0 it is 0.
import type { BinaryOperator } from "./expression.ts";

/** `operator`: of numbers. */
export function integerArithmetic(operator: BinaryOperator, left: bigint, right: bigint): bigint {
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return right === 0n ? 0n : left / right;
    case "%":
      return right === 0n ? 0n : left % right;
    case "&":
      return left & right;
    case "|":
      return left | right;
    default:
      return left ^ right;
  }
}
