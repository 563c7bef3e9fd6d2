// Copies rows of a slice into a row block.
import type { Kernels } from "../kernels/kernels.ts";
import type { RowBlock } from "./block.ts";
import type { Slice } from "./slice.ts";

/** Rows [from, from + count) of the slice to row `at` of the block, whose columns are the slice's, in its order. */
export function copySlice(
  kernels: Kernels,
  slice: Slice,
  from: number,
  count: number,
  block: RowBlock,
  at: number,
): void {
  const bytes = kernels.bytes;
  const move = (to: number, source: number, sizeBytes: number) =>
    bytes.copyWithin(to, source, source + sizeBytes);
  move(block.times + at * 8, slice.times + from * 8, count * 8);
  for (let c = 0; c < slice.columns.length; c++) {
    const column = slice.columns[c];
    if (!column) continue;
    const values = block.values(c) + at * 8;
    const present = block.present(c) + at;
    move(values, column.values + from * 8, count * 8);
    let valueCount = count;
    if (column.present === 0) bytes.fill(1, present, present + count);
    else {
      move(present, column.present + from, count);
      valueCount = 0;
      for (let i = 0; i < count; i++) valueCount += bytes[present + i]!;
    }
    block.addValues(c, valueCount);
    if (column.heap === 0) continue;
    const words = kernels.u32(values, count * 2);
    for (let i = 0; i < count; i++) words[i * 2]! += column.heap;
  }
}
