// Group batch: row groups of one series each, gathered and then folded by one call of the kernels (codec/fold-list.ts).
//
// Where the statistics of a page may tell, it is not copied before the fold stops for it; when that happens again and again,
// ever more row groups have theirs copied at once.
import {
  ACCUMULATORS,
  foldList,
  foldRoomBytes,
  GROUP_WORDS,
  type ListFold,
  PAGE,
  PAGE_BYTES,
  PAGE_WORDS,
  RANGE,
  ROWS,
  STATS,
  STATS_BYTES,
  TIMES,
  TIMES_BYTES,
} from "../codec/fold-list.ts";
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";
import { areInOneWindow } from "../model/bounds.ts";
import { Fold } from "../model/scan.ts";
import { FilePieces } from "./file-pieces.ts";
import type { TableReader } from "./table-reader.ts";

/** Of what lies between pages, and between statistics, so much is copied along: room is kept for it beside each. */
const NEAR_PAGE_BYTES = 64;
const NEAR_STATS_BYTES = 512;

/** Row groups in a batch at most, and bytes of pages in one after which it is full: they stay in the cache of a core. */
const MOST_GROUPS = 128;
const FULL_BYTES = 128 * 1024;

/** What is to be copied of a row group. */
const NOTHING = 0;
const ITS_TIMES = 1;
const ITS_PAGES = 2;

export class GroupBatch {
  readonly #kernels: Kernels;
  readonly #fold: ListFold;
  readonly #bounds: BigInt64Array;
  /** By column: statistics may tell of row groups in several windows; of those in one. */
  readonly #tellParts: readonly boolean[];
  readonly #tell: readonly boolean[];
  readonly #groupWords: number;
  readonly #memory: Scratch;
  readonly #pages = new FilePieces(NEAR_PAGE_BYTES);
  readonly #stats = new FilePieces(NEAR_STATS_BYTES);
  #table: TableReader | undefined;
  /** By column its field in the table, -1 = it has none; smallest and largest of them. */
  #fields: readonly number[] = [];
  #firstField = -1;
  #lastField = -1;
  /** Those in hand. */
  readonly #groups = new Uint32Array(MOST_GROUPS);
  readonly #accumulators = new Uint32Array(MOST_GROUPS);
  /** What is to be copied of them. */
  readonly #needs = new Uint8Array(MOST_GROUPS);
  #count = 0;
  #pageBytes = 0;
  #statsBytes = 0;
  #rowCount = 0;
  /** Row groups whose pages are copied when the fold stops next. */
  #ahead = 1;
  /** The row group that was looked at last: the range of time of others mostly is the same. */
  #looked = -1;
  #isLookedInOne = false;

  /** `keeps`: by column of the fold. `bounds`: of its windows. */
  constructor(kernels: Kernels, keeps: readonly number[], fold: ListFold, bounds: BigInt64Array) {
    this.#kernels = kernels;
    this.#fold = fold;
    this.#bounds = bounds;
    this.#tellParts = keeps.map((keep) => (keep & ~(Fold.Count | Fold.Min | Fold.Max)) === 0);
    this.#tell = keeps.map((keep) => (keep & Fold.Deviations) === 0);
    this.#groupWords = GROUP_WORDS + keeps.length * PAGE_WORDS;
    this.#memory = new Scratch(kernels);
  }

  /**
   * Row groups of a table from now on. `fields`: by column of the fold its field in the table, which is not of strings, -1 = none.
   */
  begin(table: TableReader, fields: readonly number[]): void {
    if (this.#table === table) return;
    this.fold();
    this.#table = table;
    this.#fields = fields;
    const there = fields.filter((field) => field >= 0);
    this.#firstField = there.length === 0 ? -1 : Math.min(...there);
    this.#lastField = there.length === 0 ? -1 : Math.max(...there);
    this.#looked = -1;
  }

  /** Folds a row group, now or later, with those that are added before and in their order. Throws `CorruptionError`. */
  add(group: number, accumulators: Pointer): void {
    if (this.#lastField < 0) return;
    const table = this.#table!;
    this.#groups[this.#count] = group;
    this.#accumulators[this.#count++] = accumulators;
    const [first, last] = [this.#firstField, this.#lastField];
    this.#pageBytes += table.timesBytes(group);
    for (const field of this.#fields) if (field >= 0) this.#pageBytes += table.pageBytes(group, field);
    this.#statsBytes += table.statsEnd(group, last) - table.statsStart(group, first);
    const rowCount = table.groupRows(group);
    if (rowCount > this.#rowCount) this.#rowCount = rowCount;
    if (this.#count === MOST_GROUPS || this.#pageBytes >= FULL_BYTES) this.fold();
  }

  /** Folds those that were added and are not folded yet. Throws `CorruptionError`. */
  fold(): void {
    const count = this.#count;
    if (count === 0) return;
    const table = this.#table!;
    const rowCount = (this.#rowCount + 7) & ~7;
    const roomBytes = foldRoomBytes(rowCount);
    const listBytes = count * this.#groupWords * 4;
    const statsBytes = this.#stats.room(count, this.#statsBytes);
    const pagesBytes = this.#pages.room((1 + this.#fields.length) * count, this.#pageBytes);
    const room = this.#memory.reserve(roomBytes + listBytes + statsBytes + pagesBytes);
    const list = room + roomBytes;
    this.#stats.begin(table, list + listBytes);
    this.#pages.begin(table, list + listBytes + statsBytes);
    this.#count = this.#pageBytes = this.#statsBytes = this.#rowCount = 0;
    this.#place(list, count);
    for (let from = 0; from < count; ) {
      const answer = foldList(this.#kernels, list, from, count, this.#fold, room, rowCount);
      if (typeof answer !== "number") {
        const { group, column, error } = answer;
        throw table.failed(this.#groups[group]!, column < 0 ? 0 : 1 + this.#fields[column]!, error);
      }
      if (answer === count) break;
      this.#loadFor(list, answer, count, answer <= from + 1);
      from = answer;
    }
  }

  release(): void {
    this.#memory.release();
  }

  // Writes the list, with the statistics that may tell, and the times and pages that are needed in any case.
  #place(list: Pointer, count: number): void {
    const table = this.#table!;
    const fields = this.#fields;
    const [first, last] = [this.#firstField, this.#lastField];
    const { words } = this.#kernels;
    let needed = NOTHING;
    for (let g = 0, at = list >>> 2; g < count; g++, at += this.#groupWords) {
      const group = this.#groups[g]!;
      const isInOne = this.#isInOneWindow(group);
      words[at + ROWS] = table.groupRows(group);
      words[at + ACCUMULATORS] = this.#accumulators[g]!;
      words[at + TIMES] = 0;
      words[at + TIMES_BYTES] = table.timesBytes(group);
      table.putRange(group, words, at + RANGE);
      const statsStart = table.statsStart(group, first);
      const stats = this.#stats.place(statsStart, table.statsEnd(group, last)) - statsStart;
      let needs = isInOne ? NOTHING : ITS_TIMES;
      for (let c = 0, page = at + GROUP_WORDS; c < fields.length; c++, page += PAGE_WORDS) {
        const field = fields[c]!;
        words[page + PAGE] = words[page + STATS_BYTES] = 0;
        words[page + PAGE_BYTES] = field < 0 ? 0 : table.pageBytes(group, field);
        if (field < 0) continue;
        if (isInOne ? this.#tell[c]! : this.#tellParts[c]!) {
          const start = table.statsStart(group, field);
          words[page + STATS] = stats + start;
          words[page + STATS_BYTES] = table.statsEnd(group, field) - start;
        } else needs = ITS_PAGES;
      }
      this.#needs[g] = needs;
      if (needs > needed) needed = needs;
    }
    this.#stats.end();
    if (needed > NOTHING) this.#load(list, 0, count);
  }

  // Copies what the fold needs that stopped at a row group of the list; `isAgain`: it just did.
  #loadFor(list: Pointer, stopped: number, count: number, isAgain: boolean): void {
    if (this.#kernels.words[(list >>> 2) + stopped * this.#groupWords + TIMES] === 0) {
      // when extremes are that others have, too: mostly their times alone tell
      this.#needs.fill(ITS_TIMES, stopped, count);
      this.#load(list, stopped, count);
      return;
    }
    this.#ahead = isAgain ? Math.min(2 * this.#ahead, MOST_GROUPS) : 1;
    const end = Math.min(count, stopped + this.#ahead);
    this.#needs.fill(ITS_PAGES, stopped, end);
    this.#load(list, stopped, end);
  }

  // Copies what the row groups [from, to) of the list need: stripe by stripe, as they lie together in the file.
  #load(list: Pointer, from: number, to: number): void {
    const table = this.#table!;
    let isNew = false;
    for (let g = from; g < to; ) {
      const stripeEnd = table.stripeEnd(this.#groups[g]!);
      let end = g + 1;
      while (end < to && table.stripeEnd(this.#groups[end]!) === stripeEnd) end++;
      if (this.#loadStripe(list, g, end)) isNew = true;
      g = end;
    }
    this.#pages.end();
    if (isNew) this.#check(list, from, to);
  }

  // Of row groups of one stripe, column by column; whether some page was not checked before.
  #loadStripe(list: Pointer, from: number, to: number): boolean {
    const table = this.#table!;
    const fields = this.#fields;
    const { words } = this.#kernels;
    const groupWords = this.#groupWords;
    const first = (list >>> 2) + from * groupWords;
    let isNew = false;
    for (let g = from, at = first; g < to; g++, at += groupWords) {
      if (this.#needs[g] === NOTHING || words[at + TIMES] !== 0) continue;
      const group = this.#groups[g]!;
      const before = g === 0 ? 0 : words[at - groupWords + TIMES]!;
      if (before !== 0 && table.isSameTimes(group, this.#groups[g - 1]!)) words[at + TIMES] = before;
      else {
        words[at + TIMES] = this.#pages.place(table.pageStart(group, 0), table.pageEnd(group, 0));
        if (!table.isChecked(group, 0)) isNew = true;
      }
    }
    for (let c = 0; c < fields.length; c++) {
      const number = 1 + fields[c]!;
      for (let g = from, page = first + GROUP_WORDS + c * PAGE_WORDS; g < to; g++, page += groupWords) {
        if (this.#needs[g] !== ITS_PAGES || words[page + PAGE_BYTES] === 0 || words[page + PAGE] !== 0)
          continue;
        const group = this.#groups[g]!;
        words[page + PAGE] = this.#pages.place(table.pageStart(group, number), table.pageEnd(group, number));
        if (!table.isChecked(group, number)) isNew = true;
      }
    }
    return isNew;
  }

  #check(list: Pointer, from: number, to: number): void {
    const table = this.#table!;
    const { words } = this.#kernels;
    for (let g = from, at = (list >>> 2) + from * this.#groupWords; g < to; g++, at += this.#groupWords) {
      const group = this.#groups[g]!;
      if (words[at + TIMES] !== 0) table.check(group, 0, words[at + TIMES]!);
      for (let c = 0, page = at + GROUP_WORDS; c < this.#fields.length; c++, page += PAGE_WORDS)
        if (words[page + PAGE_BYTES] !== 0 && words[page + PAGE] !== 0)
          table.check(group, 1 + this.#fields[c]!, words[page + PAGE]!);
    }
  }

  // Whether all rows of a row group are in one window.
  #isInOneWindow(group: number): boolean {
    const table = this.#table!;
    if (this.#looked >= 0 && table.isSameRange(group, this.#looked)) return this.#isLookedInOne;
    const [minTime, maxTime] = [table.groupMinTime(group), table.groupMaxTime(group)];
    this.#looked = group;
    const { minTime: from, maxTime: to } = this.#fold;
    this.#isLookedInOne = minTime >= from && maxTime <= to && areInOneWindow(this.#bounds, minTime, maxTime);
    return this.#isLookedInOne;
  }
}
