// Blocks: the rows of one series within a batch that a scan gave (model/scan.ts).
import type { Column, RowBatch, Series } from "../model/scan.ts";

/** Rows [start, start + rowCount) of columns that other blocks may share. */
export interface SeriesBlock {
  readonly series: Series;
  readonly start: number;
  readonly rowCount: number;
  readonly times: BigInt64Array;
  readonly columns: readonly (Column | null)[];
}

export function blocksOf({ series, ends, times, columns }: RowBatch): SeriesBlock[] {
  const blocks: SeriesBlock[] = [];
  let start = 0;
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i]!;
    blocks.push({ series: series[i]!, start, rowCount: end - start, times, columns });
    start = end;
  }
  return blocks;
}

/** A block that shares its columns with no other, as a batch. */
export function batchOf({ series, rowCount, times, columns }: SeriesBlock): RowBatch {
  return { series: [series], ends: [rowCount], times, columns };
}

/** The block with columns of its own: null where it has no value at all. */
export function apart({ series, start, rowCount, times, columns }: SeriesBlock): SeriesBlock {
  const end = start + rowCount;
  const own = columns.map((column): Column | null => {
    if (column === null) return null;
    const present = column.present?.subarray(start, end) ?? null;
    if (present !== null && !present.includes(1)) return null;
    const values = Array.isArray(column.values)
      ? column.values.slice(start, end)
      : (column.values as Float64Array).subarray(start, end);
    return { type: column.type, values, present } as Column;
  });
  return { series, start: 0, rowCount, times: times.subarray(start, end), columns: own };
}
