// Frontier: how far into time the first rows of all series together reach, of what was seen of them so far.
//
//     3 rows wanted     9 12 | 15    a series whose rows begin at 20 has none of them; one that begins at 15 may

export class Frontier {
  readonly #count: number;
  readonly #descending: boolean;
  /** The first `count` times seen, in the order of travel. */
  readonly #times: bigint[] = [];

  /** `descending`: the last rows come first. */
  constructor(count: number, descending: boolean) {
    this.#count = count;
    this.#descending = descending;
  }

  /** The time behind which no row is among the first; null: not known yet. */
  get time(): bigint | null {
    return this.#times.length < this.#count ? null : this.#times[this.#count - 1]!;
  }

  /** `timeOf`: of `count` rows that ascend in time. */
  add(count: number, timeOf: (row: number) => bigint): void {
    for (let i = 0; i < count; i++) {
      const time = timeOf(this.#descending ? count - 1 - i : i);
      const known = this.time;
      if (known !== null && !this.#isBefore(time, known)) return;
      let at = this.#times.length;
      while (at > 0 && this.#isBefore(time, this.#times[at - 1]!)) at--;
      this.#times.splice(at, 0, time);
      if (this.#times.length > this.#count) this.#times.pop();
    }
  }

  #isBefore(a: bigint, b: bigint): boolean {
    return this.#descending ? a > b : a < b;
  }
}
