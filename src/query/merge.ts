// The rows of a group in time order: a k-way merge of its series, each a list of sorted blocks.
//
// A tree of losers (Knuth, The Art of Computer Programming, volume 3, 5.4.1) holds one cursor a series, ordered by (time, series):
// a row costs one comparison a level. Times compare as two 32-bit words, so that it costs no object and no BigInt. Rows of the same
// time stand in the order of their series' keys; descending is the exact reverse of ascending. A single series is walked.
import { memoized } from "../base/memoized.ts";
import { wordsOf } from "../model/words.ts";
import type { SeriesBlock } from "./blocks.ts";
import { STEP, type Steps } from "./turn.ts";

const NO_PLACES = new Int32Array(0);
const NO_WORDS = new Float64Array(0);
const NO_TIMES: readonly Int32Array[] = [];

export class Merge {
  /** Where the merge stands, after `next` gave true: a row of the columns of `blocks[block]`. */
  block = -1;
  row = -1;
  /** Blocks of all series end to end; those of one series stay together, ascending in time. */
  readonly blocks: readonly SeriesBlock[];

  readonly #step: 1 | -1;
  /** Of the times of each block; of a single series nothing is compared, and there are none. */
  readonly words: readonly Int32Array[];
  /** By cursor, in the order of the answer: current block, current row, one past the last block in the direction of travel. */
  readonly #block: Int32Array = NO_PLACES;
  readonly #row: Int32Array = NO_PLACES;
  readonly #end: Int32Array = NO_PLACES;
  /** Words of the time where each stands, negated when the way is down; infinite when it has come to its end. */
  readonly #high: Float64Array = NO_WORDS;
  readonly #low: Float64Array = NO_WORDS;
  /** The next cursor at index 0; at every other node the one that lost there. Node n is below node n >> 1. */
  readonly #tree: Int32Array = NO_PLACES;

  /** `series`: the blocks of each, ascending in time, in the order of the series' keys. */
  static *of(series: readonly (readonly SeriesBlock[])[], descending: boolean): Steps<Merge> {
    if (series.length <= 1) return new Merge(series[0] ?? [], NO_TIMES, series.length, descending);
    const blocks: SeriesBlock[] = [];
    const words: Int32Array[] = [];
    const wordsOfTimes = memoized(wordsOf);
    for (const [s, own] of series.entries()) {
      for (const block of own) {
        blocks.push(block);
        words.push(wordsOfTimes(block.times));
      }
      if (s % STEP === STEP - 1) yield;
    }
    const merge = new Merge(blocks, words, series.length, descending);
    yield* merge.#begin(series);
    return merge;
  }

  private constructor(
    blocks: readonly SeriesBlock[],
    words: readonly Int32Array[],
    count: number,
    descending: boolean,
  ) {
    this.blocks = blocks;
    this.words = words;
    this.#step = descending ? -1 : 1;
    if (count <= 1) {
      this.#enterAlone(descending ? blocks.length - 1 : 0);
      return;
    }
    this.#block = new Int32Array(count);
    this.#row = new Int32Array(count);
    this.#end = new Int32Array(count);
    this.#high = new Float64Array(count);
    this.#low = new Float64Array(count);
    this.#tree = new Int32Array(count);
  }

  // Puts every cursor before its first row and plays all matches.
  *#begin(series: readonly (readonly SeriesBlock[])[]): Steps<void> {
    const count = series.length;
    const descends = this.#step === -1;
    let first = 0;
    for (let s = 0; s < count; s++) {
      const cursor = descends ? count - 1 - s : s;
      const past = first + series[s]!.length;
      this.#block[cursor] = descends ? past - 1 : first;
      this.#end[cursor] = descends ? first - 1 : past;
      first = past;
      this.#enterBlock(cursor);
      if (s % STEP === STEP - 1) yield;
    }
    // by node, the leaves behind the others
    const winners = new Int32Array(2 * count);
    for (let cursor = 0; cursor < count; cursor++) winners[count + cursor] = cursor;
    for (let node = count - 1; node > 0; node--) {
      const left = winners[2 * node]!;
      const right = winners[2 * node + 1]!;
      const isLeft = this.#precedes(left, right);
      this.#tree[node] = isLeft ? right : left;
      winners[node] = isLeft ? left : right;
      if (node % STEP === 0) yield;
    }
    this.#tree[0] = winners[1]!;
  }

  /** Moves to the next row; false when there is none. */
  next(): boolean {
    if (this.#tree.length === 0) return this.#walk();
    const cursor = this.#tree[0]!;
    if (this.#high[cursor] === Number.POSITIVE_INFINITY) return false;
    const block = this.#block[cursor]!;
    const row = this.#row[cursor]!;
    this.block = block;
    this.row = row;
    const following = row + this.#step;
    if (isWithin(this.blocks[block]!, following)) {
      this.#row[cursor] = following;
      this.#loadTime(cursor, block, following);
    } else {
      this.#block[cursor] = block + this.#step;
      this.#enterBlock(cursor);
    }
    this.#replay(cursor);
    return true;
  }

  // The next row of the only series.
  #walk(): boolean {
    while (this.block >= 0 && this.block < this.blocks.length) {
      const following = this.row + this.#step;
      if (isWithin(this.blocks[this.block]!, following)) {
        this.row = following;
        return true;
      }
      this.#enterAlone(this.block + this.#step);
    }
    return false;
  }

  // Puts the only series before the first row of a block.
  #enterAlone(block: number): void {
    this.block = block;
    const { start, rowCount } = this.blocks[block] ?? { start: 0, rowCount: 0 };
    this.row = this.#step === 1 ? start - 1 : start + rowCount;
  }

  // Puts a cursor at the first row of its current block, past empty ones.
  #enterBlock(cursor: number): void {
    let block = this.#block[cursor]!;
    const end = this.#end[cursor]!;
    while (block !== end && this.blocks[block]!.rowCount === 0) block += this.#step;
    this.#block[cursor] = block;
    if (block === end) {
      this.#high[cursor] = Number.POSITIVE_INFINITY;
      return;
    }
    const { start, rowCount } = this.blocks[block]!;
    const row = this.#step === 1 ? start : start + rowCount - 1;
    this.#row[cursor] = row;
    this.#loadTime(cursor, block, row);
  }

  #loadTime(cursor: number, block: number, row: number): void {
    const words = this.words[block]!;
    this.#high[cursor] = words[2 * row + 1]! * this.#step;
    this.#low[cursor] = (words[2 * row]! >>> 0) * this.#step;
  }

  #precedes(a: number, b: number): boolean {
    const high = this.#high[a]! - this.#high[b]!;
    if (high !== 0) return high < 0;
    const low = this.#low[a]! - this.#low[b]!;
    return low === 0 ? a < b : low < 0;
  }

  // The winner's cursor has moved: its matches, from its leaf to the root, are played again.
  #replay(cursor: number): void {
    const tree = this.#tree;
    let winner = cursor;
    for (let node = (cursor + tree.length) >> 1; node > 0; node >>= 1) {
      const other = tree[node]!;
      if (!this.#precedes(other, winner)) continue;
      tree[node] = winner;
      winner = other;
    }
    tree[0] = winner;
  }
}

function isWithin({ start, rowCount }: SeriesBlock, row: number): boolean {
  return row >= start && row < start + rowCount;
}
