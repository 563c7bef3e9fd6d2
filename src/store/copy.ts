// Copies rows of a slice into a row block.
import type { Kernels } from "../kernels/kernels.ts";
import type { RowBlock } from "./block.ts";
import type { Slice } from "./slice.ts";

/** Up to so many rows are copied here, row by row: more are worth a call of the engine's own copying. */
const FEW_ROWS = 16;

/** Rows [from, from + count) of the slice to row `at` of the block, whose columns are the slice's, in its order. */
export function copySlice(
  kernels: Kernels,
  slice: Slice,
  from: number,
  count: number,
  block: RowBlock,
  at: number,
): void {
  const { bytes, words } = kernels;
  const moveSlots = (to: number, source: number) => {
    if (count > FEW_ROWS) return void bytes.copyWithin(to, source, source + count * 8);
    for (let i = 0; i < count * 2; i++) words[(to >>> 2) + i] = words[(source >>> 2) + i]!;
  };
  moveSlots(block.times + at * 8, slice.times + from * 8);
  for (let c = 0; c < slice.columns.length; c++) {
    const column = slice.columns[c];
    if (!column) continue;
    const values = block.values(c) + at * 8;
    const present = block.present(c) + at;
    moveSlots(values, column.values + from * 8);
    let valueCount = count;
    if (column.present !== 0) {
      const source = column.present + from;
      bytes.copyWithin(present, source, source + count);
      valueCount = 0;
      for (let i = 0; i < count; i++) valueCount += bytes[present + i]!;
    } else if (count > FEW_ROWS) bytes.fill(1, present, present + count);
    else for (let i = 0; i < count; i++) bytes[present + i] = 1;
    block.addValues(c, valueCount);
    if (column.heap === 0) continue;
    for (let i = 0; i < count; i++) words[(values >>> 2) + i * 2]! += column.heap;
  }
}
