// Rows that lie in many blocks, put into linear memory block by block, and where each of them stands there then.
//
//     rows of a part   b0r4 b1r7 b0r5 b2r0 b1r8 ...     as the answer has them
//     ranges           b0 [4, 6)   b1 [7, 9)   b2 [0, 1)
//     slots              0  1        2  3        4      a value, 8 bytes, and a mark: its type, or 0 where there is none
//
// A block's rows in a part are neighbours, so a column is copied by ranges and not value by value from all over the heap.
import type { Kernels, Pointer } from "../../kernels/kernels.ts";
import type { SeriesBlock } from "../../model/scan.ts";
import { FieldType } from "../../model/types.ts";
import { wordsOf } from "../../model/words.ts";
import type { ColumnarRows } from "../../query/columnar.ts";

/** Rows [from, to) of a block, which stand from `slot` on. */
export interface RowRange {
  readonly block: number;
  from: number;
  to: number;
  slot: number;
}

/** A text that stands for the value in a slot. */
export interface SlotText {
  readonly slot: Pointer;
  readonly text: string;
}

/** Shorter ranges are copied value by value: a view costs as much as 200 values. */
const LONG_RANGE = 256;

export class JsonGather {
  readonly #kernels: Kernels;
  readonly #blocks: readonly SeriesBlock[];
  /** By block, of the part that was laid out last. */
  readonly #ranges: (RowRange | undefined)[];

  constructor(kernels: Kernels, blocks: readonly SeriesBlock[]) {
    this.#kernels = kernels;
    this.#blocks = blocks;
    this.#ranges = new Array(blocks.length).fill(undefined);
  }

  /** The ranges that the rows of a part make, in the order of their slots: `slotCount` of them. */
  ranges({ count, block, row }: ColumnarRows): {
    readonly ranges: readonly RowRange[];
    readonly slotCount: number;
  } {
    const byBlock = this.#ranges;
    const ranges: RowRange[] = [];
    for (let i = 0; i < count; i++) {
      // (a pair of both would be an array a row)
      const at = block[i]!;
      const r = row[i]!;
      const range = byBlock[at];
      if (range === undefined) {
        const added = { block: at, from: r, to: r + 1, slot: 0 };
        byBlock[at] = added;
        ranges.push(added);
      } else if (r < range.from) range.from = r;
      else if (r >= range.to) range.to = r + 1;
    }
    let slotCount = 0;
    for (const range of ranges) {
      range.slot = slotCount;
      slotCount += range.to - range.from;
    }
    return { ranges, slotCount };
  }

  /** Writes the slot of each row, u32, and forgets the ranges. */
  putSlots({ count, block, row }: ColumnarRows, ranges: readonly RowRange[], target: Pointer): void {
    const byBlock = this.#ranges;
    const { words } = this.#kernels;
    const slots = target >>> 2;
    for (let i = 0; i < count; i++) {
      const { slot, from } = byBlock[block[i]!]!;
      words[slots + i] = slot + row[i]! - from;
    }
    for (const range of ranges) byBlock[range.block] = undefined;
  }

  times(ranges: readonly RowRange[], target: Pointer): void {
    const { longs, words } = this.#kernels;
    for (const { block, from, to, slot } of ranges) {
      const { times } = this.#blocks[block]!;
      if (to - from >= LONG_RANGE) longs.set(times.subarray(from, to), (target >>> 3) + slot);
      else {
        const source = wordsOf(times);
        for (let w = 2 * from, at = (target >>> 2) + 2 * slot; w < 2 * to; ) words[at++] = source[w++]!;
      }
    }
  }

  /** Values of a column and their marks; texts, which the caller has to place, go to `texts`. */
  column(
    column: number,
    ranges: readonly RowRange[],
    slotCount: number,
    values: Pointer,
    marks: Pointer,
    texts: SlotText[],
  ): void {
    const kernels = this.#kernels;
    const { bytes, doubles } = kernels;
    let words: Int32Array | undefined;
    for (const { block, from, to, slot } of ranges) {
      const source = this.#blocks[block]!.columns[column] ?? null;
      const count = to - from;
      if (source === null) {
        bytes.fill(0, marks + slot, marks + slot + count);
        continue;
      }
      const { type, present } = source;
      if (present === null) bytes.fill(type, marks + slot, marks + slot + count);
      else for (let i = 0; i < count; i++) bytes[marks + slot + i] = present[from + i] === 0 ? 0 : type;
      switch (source.type) {
        case FieldType.Float:
          if (count >= LONG_RANGE) doubles.set(source.values.subarray(from, to), (values >>> 3) + slot);
          else for (let i = 0; i < count; i++) doubles[(values >>> 3) + slot + i] = source.values[from + i]!;
          break;
        case FieldType.Boolean:
          words ??= new Int32Array(kernels.buffer, values, slotCount * 2);
          for (let i = 0; i < count; i++) words[2 * (slot + i)] = source.values[from + i]!;
          break;
        case FieldType.String:
          for (let i = 0; i < count; i++)
            if (bytes[marks + slot + i] !== 0)
              texts.push({ slot: values + (slot + i) * 8, text: JSON.stringify(source.values[from + i]!) });
          break;
        default:
          words ??= new Int32Array(kernels.buffer, values, slotCount * 2);
          words.set(wordsOf(source.values).subarray(2 * from, 2 * to), 2 * slot);
      }
    }
  }
}
