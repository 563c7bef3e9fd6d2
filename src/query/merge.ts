// The rows of a group in time order: a k-way merge of its series, each a list of sorted blocks.
//
// A binary heap holds one cursor a series, ordered by (time, series); times compare as two 32-bit words, so
// a row costs no object and no BigInt. Rows of the same time stand in the order of their series' keys; descending
// is the exact reverse of ascending.
import type { SeriesBlock } from "../model/scan.ts";
import { wordsOf } from "./cells.ts";

export class Merge {
  /** Where the merge stands, after `next` gave true: a row of `blocks[block]`. */
  block = -1;
  row = -1;
  /** Blocks of all series end to end; those of one series stay together, ascending in time. */
  readonly blocks: readonly SeriesBlock[];

  readonly #words: readonly Int32Array[];
  readonly #step: 1 | -1;
  /** By series: current block, current row, one past the last block in the direction of travel. */
  readonly #block: Int32Array;
  readonly #row: Int32Array;
  readonly #end: Int32Array;
  readonly #high: Int32Array;
  readonly #low: Uint32Array;
  /** Series that have rows left; the next one at index 0. */
  readonly #heap: Int32Array;
  #size = 0;

  /** `series`: the blocks of each, ascending in time, in the order of the series' keys. */
  constructor(series: readonly (readonly SeriesBlock[])[], descending: boolean) {
    const count = series.length;
    this.blocks = series.flat();
    this.#words = this.blocks.map((block) => wordsOf(block.times));
    this.#step = descending ? -1 : 1;
    this.#block = new Int32Array(count);
    this.#row = new Int32Array(count);
    this.#end = new Int32Array(count);
    this.#high = new Int32Array(count);
    this.#low = new Uint32Array(count);
    this.#heap = new Int32Array(count);
    let first = 0;
    for (let s = 0; s < count; s++) {
      const past = first + series[s]!.length;
      this.#block[s] = descending ? past - 1 : first;
      this.#end[s] = descending ? first - 1 : past;
      first = past;
      if (this.#enterBlock(s)) this.#heap[this.#size++] = s;
    }
    for (let i = (this.#size >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  /** Moves to the next row; false when there is none. */
  next(): boolean {
    if (this.#size === 0) return false;
    const s = this.#heap[0]!;
    const block = this.#block[s]!;
    const row = this.#row[s]!;
    this.block = block;
    this.row = row;
    const following = row + this.#step;
    if (following >= 0 && following < this.blocks[block]!.rowCount) {
      this.#row[s] = following;
      this.#loadTime(s, block, following);
    } else {
      this.#block[s] = block + this.#step;
      if (!this.#enterBlock(s)) {
        this.#heap[0] = this.#heap[--this.#size]!;
        if (this.#size === 0) return true;
      }
    }
    if (this.#size > 1) this.#sink(0);
    return true;
  }

  /** Puts a series at the first row of its current block, skipping empty ones; false when it has none left. */
  #enterBlock(s: number): boolean {
    let block = this.#block[s]!;
    const end = this.#end[s]!;
    while (block !== end && this.blocks[block]!.rowCount === 0) block += this.#step;
    this.#block[s] = block;
    if (block === end) return false;
    const row = this.#step === 1 ? 0 : this.blocks[block]!.rowCount - 1;
    this.#row[s] = row;
    this.#loadTime(s, block, row);
    return true;
  }

  #loadTime(s: number, block: number, row: number): void {
    const words = this.#words[block]!;
    this.#low[s] = words[2 * row]!;
    this.#high[s] = words[2 * row + 1]!;
  }

  #precedes(a: number, b: number): boolean {
    const high = this.#high[a]! - this.#high[b]!;
    if (high !== 0) return this.#step === 1 ? high < 0 : high > 0;
    const low = this.#low[a]! - this.#low[b]!;
    if (low !== 0) return this.#step === 1 ? low < 0 : low > 0;
    return this.#step === 1 ? a < b : a > b;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const s = heap[from]!;
    let i = from;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#precedes(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#precedes(heap[child]!, s)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = s;
  }
}
