// Conditions and arithmetic over the tags and fields of a row, as plain data: what the planner hands to a
// source, and what EXPLAIN prints. Time never occurs here: the planner turns it into a range.
import type { MathName } from "./mathematics.ts";
import type { FieldType } from "./types.ts";

export type Expression = Literal | Reference | Unary | Binary | RegexMatch | MathCall;

/** `integer` and `unsigned` carry bigint, `float` number. */
export type Literal =
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "integer"; readonly value: bigint }
  | { readonly kind: "unsigned"; readonly value: bigint }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "boolean"; readonly value: boolean };

/** A tag (absent tag = empty string) or a field (absent field = null). The planner has resolved which. */
export type Reference =
  | { readonly kind: "tag"; readonly name: string }
  | { readonly kind: "field"; readonly name: string; readonly type: FieldType };

/** `truncate`: a float as the integer that it is without its fraction, as `field::integer` asks; null where no integer is so large. */
export interface Unary {
  readonly kind: "negate" | "truncate";
  readonly operand: Expression;
}

export type BinaryOperator =
  | "and"
  | "or"
  | "="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "&"
  | "|"
  | "^";

export interface Binary {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}

/** `operand =~ /pattern/` or, negated, `!~`. RE2 syntax; matching is linear in the text. */
export interface RegexMatch {
  readonly kind: "regex";
  readonly operand: Expression;
  readonly pattern: string;
  readonly negated: boolean;
}

/** `sqrt(usage)`: null unless every operand is a number. */
export interface MathCall {
  readonly kind: "math";
  readonly function: MathName;
  readonly operands: readonly Expression[];
}
