// What a statement answers: series of rows, in InfluxQL's shape, before any output format.

import { assert } from "../base/assert.ts";
import type { ColumnarRows } from "./columnar.ts";
import { SeriesTable } from "./series-table.ts";
import { ShortSeries } from "./short-series.ts";

/** A cell; times are bigint ns in the column named "time" (integers outside the safe range are bigint too). */
export type Scalar = null | boolean | number | bigint | string;
/** A list occurs in answers of SHOW only. */
export type Cell = Scalar | readonly string[];

/** One series of an answer. A long series may come in several parts, adjacent, all but the last `partial`. */
export interface ResultSeries {
  readonly name?: string;
  readonly tags?: ReadonlyMap<string, string>;
  readonly columns: readonly string[];
  /** Index of the column that holds times, -1 = none. */
  readonly timeColumn: number;
  /** Zone whose clock the times are printed by, where they are printed as dates; absent: UTC. */
  readonly zone?: string;
  /** Columns whose numbers are floats also where they are whole, for formats that tell one from the other; absent: none. */
  readonly floats?: readonly boolean[];
  readonly rows: readonly (readonly Cell[])[];
  /** The same rows as columns, for those who can do without an array a row. */
  readonly columnar?: ColumnarRows;
  readonly partial?: boolean;
}

export interface Message {
  readonly level: "warning" | "info";
  readonly text: string;
}

/** Consumed in order; an error thrown by `series` is that statement's error, after which the others say `not executed`. */
export interface StatementResult {
  readonly statementId: number;
  readonly messages: readonly Message[];
  readonly series: AsyncIterable<ResultSeries>;
  /** The same, with many series at once where they come so: for whoever reads these instead. */
  readonly parts?: AsyncIterable<AnswerPart>;
}

/** Series of an answer, or pieces of one, in the format that the asker takes, each series with what parts it from the one before: see shares.ts. */
export class WrittenSeries {
  readonly bytes: Uint8Array;
  readonly rowCount: number;
  /** That begin in it. */
  readonly seriesCount: number;

  constructor(bytes: Uint8Array, rowCount: number, seriesCount: number) {
    this.bytes = bytes;
    this.rowCount = rowCount;
    this.seriesCount = seriesCount;
  }
}

/** A series of an answer or a part of one, or many series; written ones only for who asks for them. */
export type AnswerPart = ResultSeries | SeriesTable | ShortSeries | WrittenSeries;

/** Series after series. */
export function seriesOf(parts: AsyncIterable<AnswerPart>): AsyncIterable<ResultSeries> {
  return {
    [Symbol.asyncIterator]() {
      const source = parts[Symbol.asyncIterator]();
      let table: Iterator<ResultSeries> | undefined;
      return {
        async next() {
          for (;;) {
            const inTable = table?.next();
            if (inTable?.done === false) return inTable;
            const next = await source.next();
            assert(!(next.value instanceof WrittenSeries), "written series are for who asks for them");
            if (next.done || !areMany(next.value)) return next as IteratorResult<ResultSeries>;
            table = next.value[Symbol.iterator]();
          }
        },
        async return() {
          await source.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

export function areMany(part: AnswerPart): part is SeriesTable | ShortSeries {
  return part instanceof SeriesTable || part instanceof ShortSeries;
}

/** Rows of a part, without making them. */
export function rowCount(part: AnswerPart): number {
  if (areMany(part) || part instanceof WrittenSeries) return part.rowCount;
  return part.columnar?.count ?? part.rows.length;
}
