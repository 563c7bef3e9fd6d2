// Row masks: which rows of a slice a scan gives, one byte a row in linear memory.
//
//     condition  1 0 1 1 0 1   by kernels where it compares fields with numbers, else row by row (model/filter.ts)
//     values     1 1 1 0 1 1   any of the wanted fields has one
//     limit      . . . . . 1   the first or the last so many of those that are left
import { compareColumn } from "../kernels/filter.ts";
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";
import { isComparison } from "../model/evaluate.ts";
import type { Binary, Expression } from "../model/expression.ts";
import { mirrored } from "../model/filter.ts";
import { isLiteral } from "../model/predicate.ts";
import { RegexCache } from "../model/regex.ts";
import { type FieldInfo, FieldType } from "../model/types.ts";
import { filterSlice, type Slice } from "./slice.ts";

/** Past it integers compare in ways of their own. */
const EXACT = 2 ** 53;

export class RowMasks {
  readonly #kernels: Kernels;
  readonly #known: readonly FieldInfo[];
  readonly #wanted: readonly number[];
  readonly #regexes = new RegexCache();
  readonly #conditions: Scratch;
  readonly #rows: Scratch;

  /** `known`: the fields that slices have as columns; `wanted`: the places among them of those that are given, -1 = there is none. */
  constructor(kernels: Kernels, known: readonly FieldInfo[], wanted: readonly number[]) {
    this.#kernels = kernels;
    this.#known = known;
    this.#wanted = wanted;
    this.#conditions = new Scratch(kernels);
    this.#rows = new Scratch(kernels);
  }

  /** The rows that satisfy a condition without tags; 0: none does. Valid until the next one. */
  ofCondition(slice: Slice, condition: Expression): Pointer {
    const { rowCount } = slice;
    const mask = this.#conditions.reserve(((rowCount + 7) & ~7) * depthOf(condition));
    if (!this.#compare(slice, condition, mask))
      this.#kernels.put(mask, filterSlice(this.#kernels, slice, this.#known, condition, this.#regexes));
    return this.#kernels.call.presentCount(mask, rowCount) === 0 ? 0 : mask;
  }

  /**
   * Of the rows whose byte at `mask` (not 0) is 1 those that have one of the wanted fields, the first or last `limit` of them: either a
   * mask of `count` rows, valid until the next one, or, where it is 0, `count` rows from `start` on.
   */
  ofRows(
    slice: Slice,
    mask: Pointer,
    limit: number,
    descending: boolean,
  ): { readonly mask: Pointer; readonly start: number; readonly count: number } {
    const { rowCount } = slice;
    const flags: Pointer[] = [];
    let isFull = false;
    for (const field of this.#wanted) {
      const column = field < 0 ? null : slice.columns[field];
      if (!column) continue;
      if (column.present === 0) isFull = true;
      else flags.push(column.present);
    }
    if (!isFull && flags.length === 0) return { mask: 0, start: 0, count: 0 };
    if (isFull && mask === 0) {
      const count = Math.min(rowCount, limit);
      return { mask: 0, start: descending ? rowCount - count : 0, count };
    }
    const { call } = this.#kernels;
    const rows = this.#rows.reserve(rowCount + 8);
    const { bytes } = this.#kernels;
    if (isFull) bytes.copyWithin(rows, mask, mask + rowCount);
    else {
      bytes.copyWithin(rows, flags[0]!, flags[0]! + rowCount);
      for (let i = 1; i < flags.length; i++) call.orMasks(rows, flags[i]!, rowCount, rows);
      if (mask !== 0) call.andMasks(rows, mask, rowCount, rows);
    }
    const count = call.presentCount(rows, rowCount);
    if (count <= limit) return { mask: rows, start: 0, count };
    let left = limit;
    for (let i = 0; i < rowCount; i++) {
      const at = rows + (descending ? rowCount - 1 - i : i);
      if (left > 0) left -= bytes[at]!;
      else bytes[at] = 0;
    }
    return { mask: rows, start: 0, count: limit };
  }

  close(): void {
    this.#conditions.release();
    this.#rows.release();
  }

  // Whether kernels can tell; the masks of what a condition is made of stand behind `mask`.
  #compare(slice: Slice, condition: Expression, mask: Pointer): boolean {
    if (condition.kind !== "binary") return false;
    const { operator, left, right } = condition;
    if (operator !== "and" && operator !== "or") return this.#compareField(slice, condition, mask);
    const other = mask + ((slice.rowCount + 7) & ~7);
    if (!this.#compare(slice, left, mask) || !this.#compare(slice, right, other)) return false;
    const { andMasks, orMasks } = this.#kernels.call;
    (operator === "and" ? andMasks : orMasks)(mask, other, slice.rowCount, mask);
    return true;
  }

  // (what it answers is what filter.ts does)
  #compareField({ rowCount, columns }: Slice, { operator, left, right }: Binary, mask: Pointer): boolean {
    if (!isComparison(operator)) return false;
    const isMirrored = right.kind === "field";
    const [reference, literal] = isMirrored ? [right, left] : [left, right];
    if (reference.kind !== "field" || !isLiteral(literal)) return false;
    if (literal.kind === "string" || literal.kind === "boolean") return false;
    const constant = Number(literal.value);
    if (!(Math.abs(constant) < EXACT)) return false;
    const field = this.#known.findIndex(({ name }) => name === reference.name);
    const column = field < 0 ? null : columns[field];
    if (!column) {
      this.#kernels.bytes.fill(0, mask, mask + rowCount);
      return true;
    }
    const { type } = this.#known[field]!;
    if (type === FieldType.Boolean || type === FieldType.String) return false;
    const { values, present } = column;
    const own = isMirrored ? mirrored[operator] : operator;
    compareColumn(this.#kernels, type, { values, present, rowCount }, own, constant, mask);
    return true;
  }
}

/** Masks that are needed at a time. */
function depthOf(condition: Expression): number {
  if (condition.kind !== "binary") return 1;
  const { operator, left, right } = condition;
  return operator === "and" || operator === "or" ? Math.max(depthOf(left), 1 + depthOf(right)) : 1;
}
