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
  readonly #readAhead: ReadAhead;
  /** By page of a group: in a stripe those of a column lie together. */
  readonly #stretches = new Map<number, Stretches>();
  /** One bit a page: it was lately begun to be read, or found in memory. */
  readonly #known: Uint8Array;
  #knownMs = Number.NEGATIVE_INFINITY;

  constructor(index: TableIndex, readAhead: ReadAhead) {
    this.#index = index;
    this.#readAhead = readAhead;
    this.#known = new Uint8Array((index.checksums.length + 7) >>> 3);
  }

  /** Groups follow, ascending. */
  begin(): void {
    const nowMs = performance.now();
    if (nowMs - this.#knownMs <= KNOWN_MS) return;
    this.#known.fill(0);
    this.#knownMs = nowMs;
  }

  /** Adds the group's times and its columns of the fields; gives the bytes of these. */
  add(group: number, fields: readonly number[]): number {
    const { places, pagesPerGroup } = this.#index;
    const times = group * pagesPerGroup;
    let sizeBytes = 0;
    let isNew = false;
    for (const field of fields) {
      sizeBytes += places.size(group, 1 + field);
      const page = times + 1 + field;
      if (this.#isKnown(page)) continue;
      this.#setKnown(page);
      this.#add(group, 1 + field);
      isNew = true;
    }
    if (isNew) this.#add(group, 0);
    return sizeBytes;
  }

  /** Begins to read what was added. */
  end(): void {
    for (const stretches of this.#stretches.values()) stretches.end();
  }

  #add(group: number, page: number): void {
    const { places } = this.#index;
    const start = places.start(group, page);
    const end = places.pageEnd(group, page);
    if (start === end) return;
    let stretches = this.#stretches.get(page);
    if (stretches === undefined) {
      stretches = new Stretches(this.#readAhead);
      this.#stretches.set(page, stretches);
    }
    stretches.add(start, end);
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
