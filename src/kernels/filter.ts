// A column in linear memory against a constant: the mask of rows for which the comparison holds.
import { FieldType } from "../model/types.ts";
import type { Kernels, Pointer } from "./kernels.ts";

export type Comparison = "=" | "!=" | "<" | "<=" | ">" | ">=";
const operators: readonly Comparison[] = ["=", "!=", "<", "<=", ">", ">="];

const ranges: Readonly<Partial<Record<FieldType, readonly [bigint, bigint]>>> = {
  [FieldType.Integer]: [-(2n ** 63n), 2n ** 63n - 1n],
  [FieldType.Unsigned]: [0n, 2n ** 64n - 1n],
  [FieldType.Boolean]: [0n, 1n],
};

/**
 * mask[row] = 1 where values[row] `operator` constant, compared as mathematical numbers (booleans as 0 and 1); 0 for rows
 * without a value. `present`: u8[rowCount] or 0; `mask`: u8[rowCount]. Not for strings.
 */
export function compareColumn(
  kernels: Kernels,
  type: FieldType,
  column: { readonly values: Pointer; readonly present: Pointer; readonly rowCount: number },
  operator: Comparison,
  constant: number | bigint,
  mask: Pointer,
): void {
  const { values, present, rowCount } = column;
  const { call } = kernels;
  const range = ranges[type];
  if (range === undefined) {
    const code = operators.indexOf(operator);
    call.compareFloat(values, present, rowCount, code, Number(constant), mask);
    return;
  }
  const exact = toInteger(operator, constant, range);
  if (typeof exact === "boolean") {
    if (!exact) kernels.view(mask, rowCount).fill(0);
    else if (present) kernels.bytes.copyWithin(mask, present, present + rowCount);
    else kernels.view(mask, rowCount).fill(1);
    return;
  }
  const compare = type === FieldType.Unsigned ? call.compareUnsigned : call.compareInteger;
  compare(values, present, rowCount, operators.indexOf(operator), exact, mask);
}

/** The integer that `operator` gives the same answers for, or the answer when it is the same for every integer. */
function toInteger(
  operator: Comparison,
  constant: number | bigint,
  [lowest, highest]: readonly [bigint, bigint],
): bigint | boolean {
  if (Number.isNaN(constant)) return operator === "!=";
  const below = operator === "<" || operator === "<=";
  if (constant > highest) return below || operator === "!=";
  if (constant < lowest) return operator === ">" || operator === ">=" || operator === "!=";
  if (typeof constant === "bigint") return constant;
  if (Number.isInteger(constant)) return BigInt(constant);
  if (operator === "=" || operator === "!=") return operator === "!=";
  // 2.5: x < 2.5 is x < 3, x <= 2.5 is x <= 2, x > 2.5 is x > 2, x >= 2.5 is x >= 3
  return BigInt(operator === "<" || operator === ">=" ? Math.ceil(constant) : Math.floor(constant));
}
