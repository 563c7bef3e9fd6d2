// Group pages: the pages that a reader wants of row groups, copied from the mapped file into linear memory. Of groups that are read
// one after the other ever more are copied at once: in a stripe (page-places.ts) their pages of a column lie together.
//
//     of groups 4 to 7   [times 4 5 6 7][field 3 of 4 5 6 7][field 5 of 4 5 6 7]     they stand until others are loaded
//     alone              [field 4 of 5]                       a page that is not among them, until the next such one
//
// One buffer serves one reader at a time.
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";
import type { PagePlaces } from "./page-places.ts";

/** Groups at once at most, and bytes: they stay in the cache of a core. */
const MOST_GROUPS = 16;
const MOST_BYTES = 128 * 1024;

export class GroupPages {
  readonly #groups: Scratch;
  readonly #alone: Scratch;
  readonly #kernels: Kernels;
  #places: PagePlaces | undefined;
  /** The groups [first, end) and by page of a group where in the file its copy begins and ends, and where it stands. */
  #first = 0;
  #end = 0;
  #starts = new Float64Array(0);
  #ends = new Float64Array(0);
  #ats = new Float64Array(0);

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.#groups = new Scratch(kernels);
    this.#alone = new Scratch(kernels);
  }

  /** Copies a group's pages of the given numbers, if they are not here, and maybe those of the next groups. */
  load(file: Uint8Array, places: PagePlaces, group: number, pages: readonly number[]): void {
    if (this.#places === places && group >= this.#first && group < this.#end) return;
    const next = this.#places === places && group === this.#end ? 2 * (group - this.#first) : 1;
    if (this.#starts.length !== places.pagesPerGroup) {
      this.#starts = new Float64Array(places.pagesPerGroup);
      this.#ends = new Float64Array(places.pagesPerGroup);
      this.#ats = new Float64Array(places.pagesPerGroup);
    }
    let count = Math.min(next, MOST_GROUPS, places.stripeEnd(group) - group);
    let sizeBytes = this.#look(places, group, count, pages);
    for (; count > 1 && sizeBytes > MOST_BYTES; count >>>= 1)
      sizeBytes = this.#look(places, group, count >>> 1, pages);
    this.#places = places;
    this.#first = group;
    this.#end = group + count;
    let at = this.#groups.reserve(sizeBytes);
    for (const page of pages) {
      const start = this.#starts[page]!;
      const end = this.#ends[page]!;
      if (end === start) continue;
      this.#kernels.put(at, file.subarray(start, end));
      this.#ats[page] = at;
      at += end - start;
    }
  }

  // Where the pages of `count` groups begin and end in the file; gives their bytes.
  #look(places: PagePlaces, group: number, count: number, pages: readonly number[]): number {
    this.#starts.fill(0);
    this.#ends.fill(0);
    let sizeBytes = 0;
    for (const page of pages) {
      const start = places.start(group, page);
      const end = places.pageEnd(group + count - 1, page);
      if (end === start) continue;
      this.#starts[page] = start;
      this.#ends[page] = end;
      sizeBytes += end - start;
    }
    return sizeBytes;
  }

  /** Where the page with the bytes [start, end) of `file` stands: it is copied if it was not loaded. */
  page(file: Uint8Array, page: number, start: number, end: number): Pointer {
    if (start >= (this.#starts[page] ?? 0) && end <= (this.#ends[page] ?? 0))
      return this.#ats[page]! + (start - this.#starts[page]!);
    const at = this.#alone.reserve(end - start);
    this.#kernels.put(at, file.subarray(start, end));
    return at;
  }

  release(): void {
    this.#places = undefined;
    this.#ends.fill(0);
    this.#groups.release();
    this.#alone.release();
  }
}
