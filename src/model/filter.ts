// Conditions over columns: a mask of the rows that satisfy a residual (see predicate.ts), a column at a time.
//
// `field op number`, `field op 'text'`, boolean fields, regexes over string fields, and AND/OR of them run as
// tight loops over the typed arrays; everything else is evaluated row by row with evaluate.ts, whose semantics
// all of this must equal. Integers never become bigints in the loops: an int64 rounded to a double compares
// with a constant below 2^53 exactly as the int64 does, because rounding is monotonic and such constants are doubles.
import { assert } from "../base/assert.ts";
import { evaluate, isComparison, type Scalar } from "./evaluate.ts";
import type { Binary, Expression, Literal, Reference, RegexMatch } from "./expression.ts";
import { isLiteral } from "./predicate.ts";
import { RegexCache } from "./regex.ts";
import type { Column } from "./scan.ts";
import { FieldType } from "./types.ts";
import { TWO_32, wordsOf } from "./words.ts";

/** Rows to filter: `column` gives a field's values, null where no row has one. */
export interface FilterRows {
  readonly rowCount: number;
  column(field: string): Column | null;
}

/**
 * One byte a row: 1 where the condition is true, 0 elsewhere. `condition` has no tags left (reduce() put them
 * in). Give the same `regexes` to every call of one scan.
 */
export function filterRows(
  condition: Expression,
  rows: FilterRows,
  regexes: RegexCache = new RegexCache(),
): Uint8Array {
  switch (condition.kind) {
    case "binary":
      return filterBinary(condition, rows, regexes);
    case "regex":
      return filterRegex(condition, rows, regexes);
    case "field":
      return filterBoolean(rows.column(condition.name), true, rows.rowCount);
    case "boolean":
      return new Uint8Array(rows.rowCount).fill(condition.value ? 1 : 0);
    default:
      return filterByRow(condition, rows, regexes);
  }
}

/** Value of a row of a column in evaluate.ts's terms. */
export function scalarAt(column: Column | null, row: number): Scalar {
  if (column === null || (column.present !== null && column.present[row] === 0)) return null;
  switch (column.type) {
    case FieldType.Boolean:
      return column.values[row] === 1;
    case FieldType.Unsigned:
      return BigInt.asUintN(64, column.values[row]!);
    default:
      return column.values[row]!;
  }
}

function filterBinary(condition: Binary, rows: FilterRows, regexes: RegexCache): Uint8Array {
  const { operator, left, right } = condition;
  if (operator === "and" || operator === "or") {
    const mask = filterRows(left, rows, regexes);
    const other = filterRows(right, rows, regexes);
    if (operator === "and") for (let row = 0; row < mask.length; row++) mask[row]! &= other[row]!;
    else for (let row = 0; row < mask.length; row++) mask[row]! |= other[row]!;
    return mask;
  }
  if (isComparison(operator)) {
    if (left.kind === "field" && isLiteral(right)) {
      return filterComparison(operator, left, right, rows) ?? filterByRow(condition, rows, regexes);
    }
    if (right.kind === "field" && isLiteral(left)) {
      return filterComparison(mirrored[operator], right, left, rows) ?? filterByRow(condition, rows, regexes);
    }
  }
  return filterByRow(condition, rows, regexes);
}

type Comparison = "=" | "!=" | "<" | "<=" | ">" | ">=";
/** `1 < value` is `value > 1`. */
export const mirrored: Readonly<Record<Comparison, Comparison>> = {
  "=": "=",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

/** null: no fast loop for these types. */
function filterComparison(
  operator: Comparison,
  field: Reference,
  literal: Literal,
  rows: FilterRows,
): Uint8Array | null {
  const column = rows.column(field.name);
  if (column === null) return new Uint8Array(rows.rowCount);
  switch (column.type) {
    case FieldType.Float:
    case FieldType.Integer:
    case FieldType.Unsigned: {
      if (literal.kind === "string" || literal.kind === "boolean") return new Uint8Array(rows.rowCount);
      const constant = Number(literal.value);
      if (!(Math.abs(constant) < 2 ** 53)) return null;
      const values =
        column.type === FieldType.Float ? column.values : roundedToDoubles(column, rows.rowCount);
      return onlyPresent(compareNumbers(operator, values, constant, rows.rowCount), column.present);
    }
    case FieldType.Boolean:
      if (literal.kind !== "boolean" || (operator !== "=" && operator !== "!=")) {
        return new Uint8Array(rows.rowCount);
      }
      return filterBoolean(column, (operator === "=") === literal.value, rows.rowCount);
    case FieldType.String: {
      if (literal.kind !== "string") return new Uint8Array(rows.rowCount);
      const text = literal.value;
      if (operator !== "=" && operator !== "!=") return null;
      const mask = new Uint8Array(rows.rowCount);
      const wanted = operator === "=";
      const { values } = column;
      for (let row = 0; row < mask.length; row++) mask[row] = (values[row] === text) === wanted ? 1 : 0;
      return onlyPresent(mask, column.present);
    }
  }
}

function compareNumbers(
  operator: Comparison,
  values: Float64Array,
  constant: number,
  rowCount: number,
): Uint8Array {
  const mask = new Uint8Array(rowCount);
  switch (operator) {
    case "=":
      for (let row = 0; row < rowCount; row++) mask[row] = values[row]! === constant ? 1 : 0;
      break;
    case "!=":
      for (let row = 0; row < rowCount; row++) mask[row] = values[row]! !== constant ? 1 : 0;
      break;
    case "<":
      for (let row = 0; row < rowCount; row++) mask[row] = values[row]! < constant ? 1 : 0;
      break;
    case "<=":
      for (let row = 0; row < rowCount; row++) mask[row] = values[row]! <= constant ? 1 : 0;
      break;
    case ">":
      for (let row = 0; row < rowCount; row++) mask[row] = values[row]! > constant ? 1 : 0;
      break;
    case ">=":
      for (let row = 0; row < rowCount; row++) mask[row] = values[row]! >= constant ? 1 : 0;
      break;
  }
  return mask;
}

/** Integers as doubles, rounded past 2^53. */
function roundedToDoubles(column: Column, rowCount: number): Float64Array {
  assert(column.type === FieldType.Integer || column.type === FieldType.Unsigned, "not an integer column");
  const words = wordsOf(column.values);
  const isSigned = column.type === FieldType.Integer;
  const doubles = new Float64Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    const high = words[2 * row + 1]!;
    doubles[row] = (isSigned ? high : high >>> 0) * TWO_32 + (words[2 * row]! >>> 0);
  }
  return doubles;
}

function onlyPresent(mask: Uint8Array, present: Uint8Array | null): Uint8Array {
  if (present !== null) for (let row = 0; row < mask.length; row++) mask[row]! &= present[row]!;
  return mask;
}

/** Rows whose boolean is `wanted`; other types are never a condition by themselves. */
function filterBoolean(column: Column | null, wanted: boolean, rowCount: number): Uint8Array {
  const mask = new Uint8Array(rowCount);
  if (column === null || column.type !== FieldType.Boolean) return mask;
  const flip = wanted ? 0 : 1;
  for (let row = 0; row < rowCount; row++) mask[row] = column.values[row]! ^ flip;
  return onlyPresent(mask, column.present);
}

/** Strings repeat (a status, a name): each distinct one is matched once. */
function filterRegex(condition: RegexMatch, rows: FilterRows, regexes: RegexCache): Uint8Array {
  if (condition.operand.kind !== "field") return filterByRow(condition, rows, regexes);
  const mask = new Uint8Array(rows.rowCount);
  const column = rows.column(condition.operand.name);
  if (column === null || column.type !== FieldType.String) return mask;
  const regex = regexes.get(condition.pattern);
  const known = new Map<string, 0 | 1>();
  for (let row = 0; row < mask.length; row++) {
    if (column.present !== null && column.present[row] === 0) continue;
    const text = column.values[row]!;
    let keep = known.get(text);
    if (keep === undefined) {
      keep = regex.test(text) !== condition.negated ? 1 : 0;
      known.set(text, keep);
    }
    mask[row] = keep;
  }
  return mask;
}

function filterByRow(condition: Expression, rows: FilterRows, regexes: RegexCache): Uint8Array {
  const mask = new Uint8Array(rows.rowCount);
  const columns = new Map<string, Column | null>();
  let row = 0;
  const read = (reference: Reference): Scalar => {
    assert(reference.kind === "field", "tags are reduced before rows are filtered");
    let column = columns.get(reference.name);
    if (column === undefined) {
      column = rows.column(reference.name);
      columns.set(reference.name, column);
    }
    return scalarAt(column, row);
  };
  for (; row < mask.length; row++) mask[row] = evaluate(condition, read, regexes) === true ? 1 : 0;
  return mask;
}
