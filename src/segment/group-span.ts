// Group span: row groups next to each other, folded by their statistics as far as these tell (kernels/assembly/fold-spans.ts), by a call
// for all of them.
import { type ListFold, spanFold } from "../codec/fold-list.ts";
import { type Kernels, Scratch } from "../kernels/kernels.ts";
import { areInOneWindow } from "../model/bounds.ts";
import { Fold } from "../model/scan.ts";
import { STATS_BYTES, type TableReader } from "./table-reader.ts";

/** Set in where a row group is folded into: several series share it. */
export const SHARED = 1;

/** Row groups at once at most: what is decoded of them stays in the cache of a core. */
export const MOST_SPAN_GROUPS = 256;

export class GroupSpan {
  readonly #kernels: Kernels;
  readonly #fold: ListFold;
  readonly #bounds: BigInt64Array;
  readonly #tells: boolean;
  readonly #memory: Scratch;
  readonly #left = new Uint32Array(MOST_SPAN_GROUPS);

  /** `keeps`: by column of the fold. `bounds`: of its windows. */
  constructor(kernels: Kernels, keeps: readonly number[], fold: ListFold, bounds: BigInt64Array) {
    this.#kernels = kernels;
    this.#fold = fold;
    this.#bounds = bounds;
    this.#tells = keeps.every((keep) => (keep & Fold.Deviations) === 0);
    this.#memory = new Scratch(kernels);
  }

  /** Whether it is worth while to ask statistics of the row groups [first, end) at once: they do not tell where windows are short. */
  mayTell(table: TableReader, first: number, end: number): boolean {
    if (!this.#tells) return false;
    return [first, (first + end) >>> 1, end - 1].some((group) =>
      areInOneWindow(this.#bounds, table.groupMinTime(group), table.groupMaxTime(group)),
    );
  }

  /**
   * Folds what statistics tell of row groups from `first` on; gives those that are left, as numbers counted from there, valid until the
   * next call. `fields`: by column of the fold its field in the table, -1 = none. `into`: for each row group its accumulators, 0 = it is
   * left out, or SHARED set beside them. Throws `CorruptionError`.
   */
  fold(table: TableReader, fields: readonly number[], first: number, into: Uint32Array): Uint32Array {
    const kernels = this.#kernels;
    const count = into.length;
    const { columnCount } = this.#fold;
    const roomBytes = count * columnCount * STATS_BYTES;
    const wordCount = columnCount + 2 * count;
    const stats = table.loadStats(first, count, roomBytes + 16 * count + 4 * wordCount, this.#memory);
    const ranges = stats.out + roomBytes;
    const fieldsAt = ranges + 16 * count;
    const intoAt = fieldsAt + 4 * columnCount;
    const leftAt = intoAt + 4 * count;
    table.putRanges(first, count, ranges);
    const { words } = kernels;
    words.set(fields, fieldsAt >>> 2);
    words.set(into, intoAt >>> 2);
    const span = { ...stats, count, fields: fieldsAt, firsts: ranges, lasts: ranges + 8 * count };
    const answer = spanFold(kernels, { ...span, into: intoAt, left: leftAt }, this.#fold);
    if (typeof answer !== "number")
      throw table.failed(first + answer.group, 1 + fields[answer.column]!, answer.error);
    this.#left.set(words.subarray(leftAt >>> 2, (leftAt >>> 2) + answer));
    return this.#left.subarray(0, answer);
  }

  release(): void {
    this.#memory.release();
  }
}
