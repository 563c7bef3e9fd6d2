// Group assembler: takes rows series by series and gives them to a segment writer as row groups.
//
// A long series (LONG_SERIES rows or more) has row groups of its own, split evenly; short ones share a group
// until it is full, and are never split: reading a series decodes nothing but itself and its neighbours.
import { type Kernels, Scratch } from "../kernels/kernels.ts";
import { FieldType } from "../model/types.ts";
import type { ColumnBlock, SegmentWriter } from "../segment/writer.ts";
import { RowBlock } from "./block.ts";
import type { Field } from "./schema.ts";

/** Most rows of a row group. */
export const GROUP_ROWS = 2048;
const LONG_SERIES = 384;

/** Gives up to `room` rows of a series, ascending, into `block` from row `at` on; 0 = no more. */
export type RowFeed = (block: RowBlock, at: number, room: number) => number;

export class GroupAssembler {
  readonly block: RowBlock;
  readonly #kernels: Kernels;
  readonly #writer: SegmentWriter;
  readonly #types: readonly FieldType[];
  readonly #heaps: Scratch[];
  readonly #ids: number[] = [];
  readonly #rows: number[] = [];
  #rowCount = 0;

  /** Starts the measurement's table in the segment. `fields`: by id, ascending. Strings in the block are pointers from linear memory's start. */
  constructor(kernels: Kernels, writer: SegmentWriter, measurement: string, fields: readonly Field[]) {
    this.#kernels = kernels;
    this.#writer = writer;
    this.#types = fields.map((field) => field.type);
    this.#heaps = fields.map(() => new Scratch(kernels));
    this.block = new RowBlock(
      kernels,
      GROUP_ROWS,
      Uint32Array.from(fields, ({ id }) => id),
    );
    writer.startTable(measurement, fields);
  }

  /** Writes what waits when a series of at most so many rows has no room behind it; whether nothing waits then. */
  makeRoom(atMost: number): boolean {
    if (atMost >= LONG_SERIES || this.#rowCount + atMost > GROUP_ROWS) this.#emit();
    return this.#rowCount === 0;
  }

  /**
   * Takes all rows of a series; `atMost` is at least their number. Series ids ascend from call to call. Strings are read
   * when a group is written: their bytes must stay until `makeRoom` says that nothing waits.
   */
  add(seriesId: number, atMost: number, feed: RowFeed): void {
    this.makeRoom(atMost);
    const long = atMost >= LONG_SERIES;
    const groups = Math.ceil(atMost / GROUP_ROWS);
    const share = Math.ceil(atMost / groups);
    while (true) {
      const room = Math.min(long ? share : atMost, GROUP_ROWS - this.#rowCount);
      const made = feed(this.block, this.#rowCount, room);
      if (made === 0) break;
      this.#ids.push(seriesId);
      this.#rows.push(made);
      this.#rowCount += made;
      if (!long) break;
      this.#emit();
    }
  }

  /** Ends the table. */
  finish(): void {
    this.#emit();
  }

  free(): void {
    this.block.free();
    for (const heap of this.#heaps) heap.release();
  }

  #emit(): void {
    if (this.#rowCount === 0) return;
    const columns = this.#types.map((type, c) => this.#column(type, c));
    this.#writer.addGroup({
      rowCount: this.#rowCount,
      seriesIds: Uint32Array.from(this.#ids),
      seriesRows: Uint32Array.from(this.#rows),
      times: this.block.times,
      columns,
    });
    this.block.clear(this.#rowCount);
    this.#rowCount = 0;
    this.#ids.length = 0;
    this.#rows.length = 0;
  }

  #column(type: FieldType, column: number): ColumnBlock | null {
    const count = this.block.valueCount(column);
    if (count === 0) return null;
    const values = this.block.values(column);
    const present = count === this.#rowCount ? 0 : this.block.present(column);
    if (type !== FieldType.String) return { values, present, heap: 0, heapBytes: 0 };
    const heapBytes = this.#kernels.call.heapSize(values, this.#rowCount) >>> 0;
    const heap = this.#heaps[column]!.reserve(heapBytes + 8);
    this.#kernels.call.packHeap(values, this.#rowCount, 0, heap, 0);
    return { values, present, heap, heapBytes };
  }
}
