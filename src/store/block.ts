// Row block: rows of a table on their way between memtable, segments and queries, as columns in one area of
// linear memory (src/README.md), with the descriptors that the gather kernel fills.
//
//   area   times: i64 x capacity, then per column: values 8 x capacity, present 1 x capacity,
//          then the descriptors: { u32 field id, u32 values, u32 present, u32 number of values } x columns
import type { Kernels, Pointer } from "../kernels/kernels.ts";

const DESCRIPTOR_BYTES = 16;

export class RowBlock {
  readonly times: Pointer;
  /** Pointer to the descriptors. */
  readonly columns: Pointer;
  readonly #kernels: Kernels;
  readonly #area: Pointer;
  readonly #valuesAt: Pointer;
  readonly #rows: number;

  /** `fieldIds` ascending. */
  constructor(
    kernels: Kernels,
    readonly capacity: number,
    readonly fieldIds: Uint32Array,
  ) {
    this.#kernels = kernels;
    this.#rows = (capacity + 7) & ~7;
    const columnCount = fieldIds.length;
    this.#area = kernels.alloc(this.#rows * 8 + columnCount * (this.#rows * 9 + DESCRIPTOR_BYTES));
    this.times = this.#area;
    this.#valuesAt = this.#area + this.#rows * 8;
    this.columns = this.#valuesAt + columnCount * this.#rows * 9;
    const descriptors = kernels.u32(this.columns, columnCount * 4);
    for (let c = 0; c < columnCount; c++) {
      descriptors[c * 4] = fieldIds[c]!;
      descriptors[c * 4 + 1] = this.values(c);
      descriptors[c * 4 + 2] = this.present(c);
    }
    this.clear(capacity);
  }

  get columnCount(): number {
    return this.fieldIds.length;
  }

  values(column: number): Pointer {
    return this.#valuesAt + column * this.#rows * 9;
  }

  present(column: number): Pointer {
    return this.values(column) + this.#rows * 8;
  }

  /** Number of values of a column, over all rows. */
  valueCount(column: number): number {
    return this.#kernels.words[this.#countAt(column)]!;
  }

  addValues(column: number, count: number): void {
    this.#kernels.words[this.#countAt(column)]! += count;
  }

  /**
   * Appends values of a column in linear memory, `present` as in a slice, of `rows` rows or of those whose byte at `mask` is 1, at row
   * `at`, which with those behind it is clear; texts count from `base`, and from 0 then. Gives the number of rows.
   */
  append(
    column: number,
    values: Pointer,
    present: Pointer,
    mask: Pointer,
    rows: number,
    base: Pointer,
    at: number,
  ): number {
    const descriptor = this.columns + column * DESCRIPTOR_BYTES;
    return this.#kernels.call.blockAppend(values, present, mask, rows, base, descriptor, at);
  }

  #countAt(column: number): number {
    return (this.columns + column * DESCRIPTOR_BYTES + 12) >>> 2;
  }

  /** Zeroes the first `rows` rows of every column. */
  clear(rows: number): void {
    this.#kernels.call.blockClear(this.columns, this.columnCount, rows);
  }

  free(): void {
    this.#kernels.free(this.#area);
  }
}
