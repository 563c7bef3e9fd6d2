// Pages ahead: pages of row groups that will be read, begun to be read from the disk in few stretches and all at once, before the first is
// wanted.
//
//     pages     [..]  [....] [...]                     [..][..]
//     stretches |----------------|                     |------|
import type { TableIndex } from "./table-index.ts";

/** Stretches with no more between them are read as one, bytes: that takes no longer. */
const NEAR_BYTES = 32 * 1024;
/** What is in memory is taken to be so for so long: to ask the system takes longer than to read a page that is. */
const KNOWN_MS = 1000;

export type ReadAhead = (start: number, end: number) => void;

export class PagesAhead {
  readonly #index: TableIndex;
  readonly #stretches: Stretches;
  /** One bit a page: it was lately begun to be read, or found in memory. */
  readonly #known: Uint8Array;
  #knownMs = Number.NEGATIVE_INFINITY;

  constructor(index: TableIndex, readAhead: ReadAhead) {
    this.#index = index;
    this.#stretches = new Stretches(readAhead);
    this.#known = new Uint8Array((index.checksums.length + 7) >>> 3);
  }

  /** Groups follow, ascending. */
  begin(): void {
    const nowMs = performance.now();
    if (nowMs - this.#knownMs <= KNOWN_MS) return;
    this.#known.fill(0);
    this.#knownMs = nowMs;
  }

  /** Adds the group's times and its columns of the fields [first, last]; gives the bytes of these. */
  add(group: number, first: number, last: number): number {
    const { groupAt, pageEnds, pagesPerGroup } = this.#index;
    const times = group * pagesPerGroup;
    const start = pageEnds[times + first]!;
    const end = pageEnds[times + 1 + last]!;
    if (!this.#isKnown(times + 1 + first) || !this.#isKnown(times + 1 + last)) {
      this.#setKnown(times + 1 + first);
      this.#setKnown(times + 1 + last);
      this.#stretches.add(groupAt[group]!, groupAt[group]! + pageEnds[times]!);
      this.#stretches.add(groupAt[group]! + start, groupAt[group]! + end);
    }
    return end - start;
  }

  /** Begins to read what was added. */
  end(): void {
    this.#stretches.end();
  }

  #isKnown(page: number): boolean {
    return (this.#known[page >>> 3]! & (1 << (page & 7))) !== 0;
  }

  #setKnown(page: number): void {
    this.#known[page >>> 3]! |= 1 << (page & 7);
  }
}

/** Stretches of a file, made of parts that ascend. */
export class Stretches {
  readonly #readAhead: ReadAhead;
  #start = 0;
  #end = 0;

  constructor(readAhead: ReadAhead) {
    this.#readAhead = readAhead;
  }

  add(start: number, end: number): void {
    if (this.#start === this.#end || start > this.#end + NEAR_BYTES) {
      this.end();
      this.#start = start;
    }
    this.#end = end;
  }

  end(): void {
    if (this.#end > this.#start) this.#readAhead(this.#start, this.#end);
    this.#start = this.#end;
  }
}
