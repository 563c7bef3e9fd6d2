// Pages ahead: pages of row groups that will be read, begun to be read from the disk in few stretches and all at once, before the first is
// wanted. In a stripe (page-places.ts) they are taken as they stand there, column by column.
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
  /** Of a group those that are wanted. */
  #pages: readonly number[] = [];
  /** Groups of one stripe whose pages are not in a stretch yet, and the first group behind the stripe. */
  readonly #groups: number[] = [];
  #stripeEnd = 0;

  constructor(index: TableIndex, readAhead: ReadAhead) {
    this.#index = index;
    this.#stretches = new Stretches(readAhead);
    this.#known = new Uint8Array((index.checksums.length + 7) >>> 3);
  }

  /** Groups follow, ascending, of which pages of these numbers, ascending, will be read: 0 = times, 1 + f = field f. */
  begin(pages: readonly number[]): void {
    this.#pages = pages;
    this.#stripeEnd = 0;
    const nowMs = performance.now();
    if (nowMs - this.#knownMs <= KNOWN_MS) return;
    this.#known.fill(0);
    this.#knownMs = nowMs;
  }

  /** Adds a group; gives the bytes of its pages. */
  add(group: number): number {
    const { places } = this.#index;
    if (group >= this.#stripeEnd) {
      this.#addStripe();
      this.#stripeEnd = places.stripeEnd(group);
    }
    this.#groups.push(group);
    let sizeBytes = 0;
    for (const page of this.#pages) sizeBytes += places.size(group, page);
    return sizeBytes;
  }

  /** Begins to read what was added. */
  end(): void {
    this.#addStripe();
    this.#stretches.end();
  }

  #addStripe(): void {
    const { places, pagesPerGroup } = this.#index;
    for (const page of this.#pages)
      for (const group of this.#groups) {
        if (this.#isKnown(group * pagesPerGroup + page)) continue;
        this.#setKnown(group * pagesPerGroup + page);
        const [start, end] = [places.start(group, page), places.pageEnd(group, page)];
        if (end > start) this.#stretches.add(start, end);
      }
    this.#groups.length = 0;
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
