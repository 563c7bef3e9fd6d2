// Mask: the rows of a slice, or the columns of it, without what is deleted.
import type { Kernels, Pointer, Scratch } from "../kernels/kernels.ts";
import type { Bounds } from "./series-ranges.ts";
import type { Slice, SliceColumn } from "./slice.ts";

/** One byte a row at `mask`: 1 = its time is in none of the ranges; gives how many rows that are. `room`: for the ranges. */
export function maskTimes(
  kernels: Kernels,
  times: Pointer,
  rowCount: number,
  ranges: Bounds,
  mask: Pointer,
  room: Pointer,
): number {
  kernels.i64(room, ranges.length).set(ranges);
  return kernels.call.maskRanges(times, rowCount, room, ranges.length / 2, mask) >>> 0;
}

/**
 * The slice without the values in the ranges of time that each column has (null: all of it stays). What is changed is
 * copied to `room`: the slice's own columns are shared with other series.
 */
export function maskSlice(
  kernels: Kernels,
  slice: Slice,
  ranges: readonly (Bounds | null)[],
  room: Scratch,
): Slice {
  const { rowCount, times } = slice;
  const padded = (rowCount + 7) & ~7;
  const most = ranges.reduce((sum, own) => Math.max(sum, own?.length ?? 0), 0);
  const mask = room.reserve(padded * (1 + 9 * ranges.length) + most * 8);
  const bounds = mask + padded;
  let at = bounds + most * 8;
  const columns = slice.columns.map((column, c) => {
    const deleted = ranges[c];
    if (!column || !deleted) return column;
    const masked: SliceColumn = { values: at, present: at + padded * 8, heap: column.heap };
    at += padded * 9;
    const { bytes } = kernels;
    bytes.copyWithin(masked.values, column.values, column.values + rowCount * 8);
    if (column.present === 0) bytes.fill(1, masked.present, masked.present + rowCount);
    else bytes.copyWithin(masked.present, column.present, column.present + rowCount);
    maskTimes(kernels, times, rowCount, deleted, mask, bounds);
    return kernels.call.maskColumn(mask, rowCount, masked.values, masked.present) === 0 ? null : masked;
  });
  return { rowCount, times, columns };
}

/** The rows of the slice whose time is in none of the ranges, copied to `room`. */
export function withoutRows(kernels: Kernels, slice: Slice, ranges: Bounds, room: Scratch): Slice {
  const { rowCount } = slice;
  const padded = (rowCount + 7) & ~7;
  const mask = room.reserve(padded * (9 + 9 * slice.columns.length) + ranges.length * 8 + 16);
  const bounds = mask + padded;
  const times = bounds + ranges.length * 8;
  maskTimes(kernels, slice.times, rowCount, ranges, mask, bounds);
  const kept = kernels.call.gather(slice.times, mask, rowCount, times);
  // (gather writes a slot past what it keeps, and never past `rowCount`)
  let at = times + padded * 8;
  const columns = slice.columns.map((column) => {
    if (!column) return null;
    const values = at;
    const present = column.present === 0 ? 0 : at + padded * 8;
    at += padded * 9;
    kernels.call.gather(column.values, mask, rowCount, values);
    if (present !== 0) kernels.call.gatherBytes(column.present, mask, rowCount, present);
    return { values, present, heap: column.heap };
  });
  return { rowCount: kept, times, columns };
}
