// Prune: row groups that a condition need not read, told by the least and the greatest value of their pages.
import { isComparison } from "../model/evaluate.ts";
import type { Binary, Expression } from "../model/expression.ts";
import { isLiteral } from "../model/predicate.ts";
import type { FieldInfo } from "../model/types.ts";
import type { GroupRows } from "./runs.ts";

/** Least and greatest value of a field in a row group; "none": no row has one; null: not known. */
export type ValueRange = { readonly min: number | bigint; readonly max: number | bigint } | "none" | null;

/** False only when no row of a group can satisfy a condition. `condition` has no tags left. */
export function mayHold(condition: Expression, rangeOf: (field: string) => ValueRange): boolean {
  if (condition.kind !== "binary") return true;
  const { operator, left, right } = condition;
  if (operator === "and") return mayHold(left, rangeOf) && mayHold(right, rangeOf);
  if (operator === "or") return mayHold(left, rangeOf) || mayHold(right, rangeOf);
  return !isComparison(operator) || mayCompare(condition, rangeOf);
}

function mayCompare({ operator, left, right }: Binary, rangeOf: (field: string) => ValueRange): boolean {
  const isMirrored = right.kind === "field";
  const [field, literal] = isMirrored ? [right, left] : [left, right];
  if (field.kind !== "field" || !isLiteral(literal)) return true;
  const range = rangeOf(field.name);
  // (a comparison with nothing is true of no row)
  if (range === null || range === "none") return range === null;
  if (literal.kind === "string" || literal.kind === "boolean") return true;
  const constant = Number(literal.value);
  // past 2^53 integers compare in ways of their own
  if (!(Math.abs(constant) < 2 ** 53)) return true;
  switch (operator) {
    case "=":
      return range.min <= constant && constant <= range.max;
    case "!=":
      return range.min !== range.max || Number(range.min) !== constant;
    case "<":
    case "<=":
    case ">":
    case ">=": {
      const wantsLess = operator.startsWith("<") !== isMirrored;
      const extreme = wantsLess ? range.min : range.max;
      const isLess = extreme < constant;
      const isEqual = Number(extreme) === constant;
      return (wantsLess ? isLess : extreme > constant) || (operator.endsWith("=") && isEqual);
    }
    default:
      return true;
  }
}

/** The same of the rows of a row group, as far as its statistics tell; `known`: the fields of its cursor. */
export function mayHoldIn(
  { cursor, index }: GroupRows,
  known: readonly FieldInfo[],
  condition: Expression,
): boolean {
  return mayHold(condition, (name) => {
    const column = known.findIndex((field) => field.name === name);
    const field = column < 0 ? -1 : cursor.fieldIndex(column);
    return field < 0 || cursor.table.pageBytes(index, field) === 0
      ? "none"
      : cursor.table.stats(index, field);
  });
}
