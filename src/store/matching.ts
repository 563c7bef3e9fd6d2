// Matching: the rows of a table that satisfy a condition, as ranges of time by series; what DELETE by value asks for.
import type { Kernels } from "../kernels/kernels.ts";
import type { Expression } from "../model/expression.ts";
import { RegexCache } from "../model/regex.ts";
import { knownFields, type Table } from "./schema.ts";
import { SeriesSelector } from "./select.ts";
import { SeriesReader } from "./series-reader.ts";
import { filterSlice } from "./slice.ts";
import type { Store } from "./store.ts";
import type { TimeRange } from "./tombstones.ts";

/**
 * Gives each series with the ranges of time of its rows that match (none: it has none), in which it has no other rows now. Reads what
 * is in memory at the moment of each step: who goes on without a pause misses no row.
 */
export function* matchingRows(
  kernels: Kernels,
  store: Store,
  table: Table,
  where: Expression,
  minTime: bigint,
  maxTime: bigint,
): Generator<{ readonly id: number; readonly ranges: TimeRange[] }> {
  const { measurement, retentionPolicy } = table;
  const known = knownFields(measurement, [], where);
  const regexes = new RegexCache();
  const selector = new SeriesSelector(kernels, store.catalog);
  const { ids, residuals } = selector.select(table.id, where);
  selector.close();
  const version = store.version.retain();
  const reader = new SeriesReader(
    ...([kernels, version, measurement, retentionPolicy, known, minTime, maxTime] as const),
  );
  try {
    for (const [i, id] of ids.entries()) {
      const residual = residuals?.[i] ?? null;
      const ranges: [bigint, bigint][] = [];
      reader.slices(id, false, (slice) => {
        if (residual === null) {
          const times = kernels.i64(slice.times, slice.rowCount);
          ranges.push([times[0]!, times[slice.rowCount - 1]!]);
          return true;
        }
        const mask = filterSlice(kernels, slice, known, residual, regexes);
        const times = kernels.i64(slice.times, slice.rowCount);
        for (let row = 0; row < mask.length; row++) {
          if (mask[row] === 0) continue;
          if (row > 0 && mask[row - 1] !== 0) ranges.at(-1)![1] = times[row]!;
          else ranges.push([times[row]!, times[row]!]);
        }
        return true;
      });
      yield { id, ranges };
    }
  } finally {
    reader.close();
    version.release();
  }
}
