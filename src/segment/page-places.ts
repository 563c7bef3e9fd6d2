// Where the pages of a table stand in the file: stripe after stripe, and in a stripe column after column, so that what is asked of one
// field of many series lies together.
//
//     stripe 0: groups 0 1 2          times 0 1 2 | field 0 of 0 1 2 | field 1 of 0 1 2
//     stripe 1: groups 3 4            times 3 4   | field 0 of 3 4   | field 1 of 3 4
//
// (ORC's stripes, with the row groups of a stripe as small as ours are.)
import type { Cursor } from "./bytes.ts";

export class PagePlaces {
  /** Where the last page ends. */
  readonly end: number;
  /** Of a row group: its times and a column a field. */
  readonly pagesPerGroup: number;
  /** By page, group by group: its bytes, and where it begins, counted from where its stripe does. */
  readonly #sizes: Uint32Array;
  readonly #offsets: Uint32Array;
  /** By group its stripe. */
  readonly #stripes: Uint32Array;
  /** By stripe where it begins in the file, and the first group behind it. */
  readonly #starts: Float64Array;
  readonly #ends: Uint32Array;

  /**
   * `stripeGroups`: by stripe how many groups it has. `sizes`: of the pages, group by group, 0 = there is none. The first page is at
   * `start`.
   */
  constructor(
    cursor: Cursor,
    stripeGroups: Uint32Array,
    sizes: Uint32Array,
    pagesPerGroup: number,
    start: number,
  ) {
    const stripeCount = stripeGroups.length;
    this.pagesPerGroup = pagesPerGroup;
    this.#sizes = sizes;
    this.#offsets = new Uint32Array(sizes.length);
    this.#stripes = new Uint32Array(sizes.length / pagesPerGroup);
    this.#starts = new Float64Array(stripeCount);
    this.#ends = new Uint32Array(stripeCount);
    let at = start;
    for (let stripe = 0, group = 0; stripe < stripeCount; stripe++) {
      const end = group + stripeGroups[stripe]!;
      this.#stripes.fill(stripe, group, end);
      this.#starts[stripe] = at;
      this.#ends[stripe] = end;
      let offset = 0;
      for (let column = 0; column < pagesPerGroup; column++)
        for (let page = group * pagesPerGroup + column; page < end * pagesPerGroup; page += pagesPerGroup) {
          this.#offsets[page] = offset;
          offset += sizes[page]!;
        }
      if (offset > 0xffff_ffff) cursor.fail(`${offset} is out of range`);
      at += offset;
      group = end;
    }
    this.end = at;
  }

  /** Where a page begins in the file. */
  start(group: number, page: number): number {
    return this.#starts[this.#stripes[group]!]! + this.#offsets[group * this.pagesPerGroup + page]!;
  }

  /** Where it ends. */
  pageEnd(group: number, page: number): number {
    return this.start(group, page) + this.size(group, page);
  }

  /** Its bytes; 0: there is none. */
  size(group: number, page: number): number {
    return this.#sizes[group * this.pagesPerGroup + page]!;
  }

  /** The first group that is not in the group's stripe any more. */
  stripeEnd(group: number): number {
    return this.#ends[this.#stripes[group]!]!;
  }
}
