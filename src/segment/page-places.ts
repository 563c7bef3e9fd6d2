// Where the pages of a table stand in the file: stripe after stripe, and in a stripe column after column, so that what is asked of one
// field of many series lies together.
//
//     stripe 0: groups 0 1 2          times 0 1 2 | field 0 of 0 1 2 | field 1 of 0 1 2
//     stripe 1: groups 3 4            times 3 4   | field 0 of 3 4   | field 1 of 3 4
//
// (ORC's stripes, with the row groups of a stripe as small as ours are.)
import type { Cursor } from "./bytes.ts";

export class PagePlaces {
  /** Of a row group: its times and a column a field. */
  readonly pagesPerGroup: number;
  /** Where the last page ends. */
  readonly end: number;
  /** By group its stripe. */
  readonly #stripes: Uint32Array;
  /** By stripe its first group; then the number of groups. */
  readonly #firstGroups: Uint32Array;
  /** By stripe where it begins in the file. */
  readonly #starts: Float64Array;
  /** Of each stripe 0, and by page in the order of the file where it ends, counted from where the stripe begins. */
  readonly #bounds: Uint32Array;

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
    this.#stripes = new Uint32Array(sizes.length / pagesPerGroup);
    this.#firstGroups = new Uint32Array(stripeCount + 1);
    this.#starts = new Float64Array(stripeCount);
    this.#bounds = new Uint32Array(sizes.length + stripeCount);
    let at = start;
    let place = 0;
    for (let s = 0, group = 0; s < stripeCount; s++) {
      const end = group + stripeGroups[s]!;
      this.#stripes.fill(s, group, end);
      this.#firstGroups[s + 1] = end;
      this.#starts[s] = at;
      this.#bounds[place++] = 0;
      let bound = 0;
      for (let page = 0; page < pagesPerGroup; page++)
        for (let g = group; g < end; g++) {
          bound += sizes[g * pagesPerGroup + page]!;
          if (bound > 0xffff_ffff) cursor.fail(`${bound} is out of range`);
          this.#bounds[place++] = bound;
        }
      at += bound;
      group = end;
    }
    this.end = at;
  }

  /** Where a page begins in the file. */
  start(group: number, page: number): number {
    const stripe = this.#stripes[group]!;
    return this.#starts[stripe]! + this.#bounds[this.#place(group, page, stripe)]!;
  }

  /** Where it ends. */
  pageEnd(group: number, page: number): number {
    const stripe = this.#stripes[group]!;
    return this.#starts[stripe]! + this.#bounds[this.#place(group, page, stripe) + 1]!;
  }

  /** Its bytes; 0: there is none. */
  size(group: number, page: number): number {
    const place = this.#place(group, page, this.#stripes[group]!);
    return this.#bounds[place + 1]! - this.#bounds[place]!;
  }

  /** The first group that is not in the group's stripe any more. */
  stripeEnd(group: number): number {
    return this.#firstGroups[this.#stripes[group]! + 1]!;
  }

  // Where among the bounds a page begins.
  #place(group: number, page: number, stripe: number): number {
    const first = this.#firstGroups[stripe]!;
    const groups = this.#firstGroups[stripe + 1]! - first;
    return first * this.pagesPerGroup + stripe + page * groups + (group - first);
  }
}
