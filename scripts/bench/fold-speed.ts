// What a fold over one column costs, on one core and without a server: the sum of pages that the codec wrote.
import { encodePage, maxPageBytes } from "../../src/codec/codec.ts";
import {
  foldList,
  foldRoomBytes,
  GROUP_WORDS,
  LISTED_COLUMN_BYTES,
  listColumns,
  PAGE_WORDS,
} from "../../src/codec/fold-list.ts";
import { accumulatorBytes, initAccumulators, readAccumulators } from "../../src/kernels/fold.ts";
import { Kernels } from "../../src/kernels/kernels.ts";
import { Fold } from "../../src/model/scan.ts";
import { FieldType } from "../../src/model/types.ts";
import type { Dataset } from "./dataset.ts";
import { FIELD_COUNT } from "./tsbs.ts";

/** So many columns, one after the other: more than caches of a core hold. */
const COLUMNS = 2000;
/** So many are folded by one call. */
const BATCH = 50;
const PAGE_ROWS = 2048;

/**
 * Values a second, of columns of the data set as pages of a segment (one a series, 2,048 rows at most), all in one window; the
 * best round counts (the others met other processes). Throws at a wrong sum.
 */
export function measureFold(data: Dataset, rounds = 10): number {
  const type = data.kind === "int" ? FieldType.Integer : FieldType.Float;
  const rowCount = Math.min(PAGE_ROWS, data.stepCount);
  const kernels = new Kernels();
  const room = maxPageBytes(type, rowCount, 0);
  const values = kernels.alloc(rowCount * 8);
  for (let row = 0; row < rowCount; row++) kernels.longs[(values >>> 3) + row] = BigInt(row);
  const times = kernels.alloc(room);
  const ofTimes = { type: FieldType.Integer, rowCount, values, present: 0, heap: 0, heapBytes: 0 };
  const timesBytes = encodePage(kernels, ofTimes, times);
  const bounds = kernels.alloc(16);
  kernels.longs[(bounds >>> 3) + 1] = BigInt(rowCount);

  const column = { type, rowCount, values, present: 0, heap: 0, heapBytes: 0 };
  const columnCount = Math.min(COLUMNS, data.hostCount * FIELD_COUNT);
  const pages: { readonly at: number; readonly sizeBytes: number }[] = [];
  let end = kernels.alloc(columnCount * room); // one behind the other, as in a segment
  let expected = 0;
  for (let i = 0; i < columnCount; i++) {
    for (let row = 0; row < rowCount; row++) {
      const value = data.values[row * data.hostCount * FIELD_COUNT + i]!;
      if (type === FieldType.Integer) kernels.longs[(values >>> 3) + row] = BigInt(value);
      else kernels.doubles[(values >>> 3) + row] = value;
      expected += value;
    }
    const sizeBytes = encodePage(kernels, column, end);
    pages.push({ at: end, sizeBytes });
    end += sizeBytes;
  }

  const accumulators = kernels.alloc(accumulatorBytes(Fold.Sum, 1));
  const columns = kernels.alloc(LISTED_COLUMN_BYTES);
  listColumns(kernels, columns, [{ type, keep: Fold.Sum, offset: 0 }]);
  const groupWords = GROUP_WORDS + PAGE_WORDS;
  const list = kernels.alloc(columnCount * groupWords * 4);
  const foldRoom = kernels.alloc(foldRoomBytes(rowCount));
  const range = [0, 0, rowCount - 1, 0];
  for (const [i, { at, sizeBytes }] of pages.entries())
    kernels.words.set(
      [rowCount, accumulators, times, timesBytes, ...range, at, sizeBytes, 0, 0],
      (list >>> 2) + i * groupWords,
    );
  const listed = kernels.bytes.slice(list, list + columnCount * groupWords * 4);
  const fold = {
    ...{ columns, columnCount: 1, bounds, windowCount: 1, timeless: false },
    ...{ minTime: 0n, maxTime: BigInt(rowCount) },
  };
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    initAccumulators(kernels, Fold.Sum, 1, accumulators);
    kernels.put(list, listed);
    const start = performance.now();
    for (let from = 0; from < columnCount; from += BATCH) {
      const to = Math.min(columnCount, from + BATCH);
      if (foldList(kernels, list, from, to, fold, foldRoom, rowCount) !== to)
        throw new Error("a page was not folded");
    }
    bestMs = Math.min(bestMs, performance.now() - start);
  }
  const sum = Number(readAccumulators(kernels, type, 1, Fold.Sum, accumulators)!.sum![0]);
  if (Math.abs(sum - expected) > 1e-9 * Math.abs(expected))
    throw new Error(`the pages add up to ${sum}, not to ${expected}`);
  return ((pages.length * rowCount) / bestMs) * 1e3;
}
