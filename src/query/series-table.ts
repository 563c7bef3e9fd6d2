// Series of an answer that have their columns in common, many in shared arrays: no object for a series until somebody asks for it.
//
//   times     w0 w1                      of the rows that each series may have
//   column    a0 a1   b0 b1   c0 c1      what an output shows, series after series
import type { Column } from "../model/scan.ts";
import type { SeriesBlock } from "./blocks.ts";
import { ColumnarPart, type RowCell } from "./columnar.ts";
import type { SeriesHead } from "./parts.ts";
import type { ResultSeries } from "./result.ts";

export class SeriesTable implements Iterable<ResultSeries> {
  /** What they have in common. */
  readonly head: SeriesHead;
  /** Names of the tags, and by tag the value in each series. */
  readonly dimensions: readonly string[];
  readonly tags: readonly (readonly string[])[];
  readonly seriesCount: number;
  readonly times: BigInt64Array;
  /** By column behind time, `seriesCount` times `times.length` long; null = nothing but nulls. */
  readonly columns: readonly (Column | null)[];
  /** Rows of nulls alone are none. */
  readonly leavesOutNulls: boolean;

  constructor(table: Omit<SeriesTable, "rowCount" | typeof Symbol.iterator>) {
    this.head = table.head;
    this.dimensions = table.dimensions;
    this.tags = table.tags;
    this.seriesCount = table.seriesCount;
    this.times = table.times;
    this.columns = table.columns;
    this.leavesOutNulls = table.leavesOutNulls;
  }

  get rowCount(): number {
    const all = this.seriesCount * this.times.length;
    if (!this.leavesOutNulls) return all;
    let count = 0;
    for (let slot = 0; slot < all; slot++) if (this.#hasValue(slot)) count++;
    return count;
  }

  *[Symbol.iterator](): Generator<ResultSeries> {
    const cells: readonly RowCell[] = this.columns.map((_, column) => ({ kind: "field", column }));
    const rows = this.times.length;
    for (let s = 0; s < this.seriesCount; s++) {
      const tags = new Map(this.dimensions.map((name, d) => [name, this.tags[d]![s]!]));
      const block: SeriesBlock = {
        series: { key: "", tags },
        start: 0,
        rowCount: rows,
        times: this.times,
        columns: this.columns.map((column) => column && partOf(column, s * rows, rows)),
      };
      const row = Uint32Array.from(this.times.keys());
      const kept = this.leavesOutNulls ? row.filter((r) => this.#hasValue(s * rows + r)) : row;
      const columnar = {
        count: kept.length,
        blocks: [block],
        block: new Uint32Array(rows),
        row: kept,
        cells,
      };
      yield new ColumnarPart(tags.size === 0 ? this.head : { ...this.head, tags }, columnar, false);
    }
  }

  #hasValue(slot: number): boolean {
    for (const column of this.columns)
      if (column !== null && (column.present === null || column.present[slot] !== 0)) return true;
    return false;
  }
}

function partOf(column: Column, from: number, length: number): Column {
  const { values, present } = column;
  return {
    ...column,
    values: (values as Float64Array).subarray(from, from + length),
    present: present?.subarray(from, from + length) ?? null,
  } as Column;
}
