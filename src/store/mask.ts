// Mask: the columns of a slice without values that are deleted.
import type { Kernels, Scratch } from "../kernels/kernels.ts";
import type { Slice, SliceColumn } from "./slice.ts";
import type { TimeRange } from "./tombstones.ts";

/**
 * The slice without the values in the ranges of time that each column has (ascending; null: all of it stays). What is changed is
 * copied to `room`: the slice's own columns are shared with other series.
 */
export function maskSlice(
  kernels: Kernels,
  slice: Slice,
  ranges: readonly (readonly TimeRange[] | null)[],
  room: Scratch,
): Slice {
  const { rowCount, times } = slice;
  const columnBytes = (rowCount * 9 + 7) & ~7;
  let at = room.reserve(columnBytes * ranges.length);
  const columns = slice.columns.map((column, c) => {
    const deleted = ranges[c];
    if (!column || !deleted) return column;
    const masked: SliceColumn = { values: at, present: at + rowCount * 8, heap: column.heap };
    at += columnBytes;
    const { bytes } = kernels;
    bytes.copyWithin(masked.values, column.values, column.values + rowCount * 8);
    if (column.present === 0) bytes.fill(1, masked.present, masked.present + rowCount);
    else bytes.copyWithin(masked.present, column.present, column.present + rowCount);
    let end = 0;
    for (const [first, last] of deleted) {
      const start = kernels.call.lowerBound(times, end, rowCount, first);
      end = kernels.call.lowerBound(times, start, rowCount, last + 1n);
      bytes.fill(0, masked.values + start * 8, masked.values + end * 8);
      bytes.fill(0, masked.present + start, masked.present + end);
    }
    return kernels.call.presentCount(masked.present, rowCount) === 0 ? null : masked;
  });
  return { rowCount, times, columns };
}
