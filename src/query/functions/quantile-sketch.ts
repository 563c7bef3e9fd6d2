// A sketch of how values are distributed: any percentile of any number of values, within 1 % of the value.
//
//     bins    ... | g^-1 .. 1 | 1 .. g | g .. g^2 | g^2 .. g^3 | ...        g = (1 + e) / (1 - e), e = 0.01
//
// A value counts in the bin of its magnitude, so what is said of a bin is off by e of it at most, wherever it lies. Doubles
// have 71,000 bins for each sign, and values that lie within a factor of 1,000 of each other need 350. Masson, Rim and
// Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", PVLDB 12 (2019).

export const RELATIVE_ERROR = 0.01;

const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LOG_GAMMA = Math.log(GAMMA);

export class QuantileSketch {
  #count = 0;
  #zeros = 0;
  #least = Number.POSITIVE_INFINITY;
  #greatest = Number.NEGATIVE_INFINITY;
  readonly #positive = new Bins();
  readonly #negative = new Bins();

  /** Values so far. */
  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return 200 + this.#positive.sizeBytes + this.#negative.sizeBytes;
  }

  /** Takes a value; what is no number does not count. */
  add(value: number): void {
    if (Number.isNaN(value)) return;
    this.#count++;
    if (value < this.#least) this.#least = value;
    if (value > this.#greatest) this.#greatest = value;
    if (value > 0) this.#positive.add(binOf(value), 1);
    else if (value < 0) this.#negative.add(binOf(-value), 1);
    else this.#zeros++;
  }

  /** Takes all values of another sketch: the result is that of one sketch of them all. */
  merge(other: QuantileSketch): void {
    this.#count += other.#count;
    this.#zeros += other.#zeros;
    this.#least = Math.min(this.#least, other.#least);
    this.#greatest = Math.max(this.#greatest, other.#greatest);
    this.#positive.merge(other.#positive);
    this.#negative.merge(other.#negative);
  }

  /** About the value at `rank` of all in ascending order, from 0: within RELATIVE_ERROR of it. */
  at(rank: number): number {
    const negatives = this.#negative.total;
    let value = 0;
    if (rank < negatives) value = -middleOf(this.#negative.at(negatives - 1 - rank));
    else if (rank >= negatives + this.#zeros)
      value = middleOf(this.#positive.at(rank - negatives - this.#zeros));
    return Math.min(Math.max(value, this.#least), this.#greatest);
  }
}

function binOf(magnitude: number): number {
  return Math.ceil(Math.log(Math.min(magnitude, Number.MAX_VALUE)) / LOG_GAMMA);
}

/** The value whose distance to both ends of a bin is the same in relation to them. */
function middleOf(bin: number): number {
  return (2 * GAMMA ** bin) / (GAMMA + 1);
}

/** Counts by bin, over the stretch from the lowest to the highest that occur. */
class Bins {
  total = 0;
  /** The bin of `#counts[0]`. */
  #first = 0;
  #counts = new Float64Array(0);

  get sizeBytes(): number {
    return this.#counts.byteLength;
  }

  add(bin: number, count: number): void {
    const at = bin - this.#first;
    if (at < 0 || at >= this.#counts.length) this.#reach(bin);
    this.#counts[bin - this.#first]! += count;
    this.total += count;
  }

  merge(other: Bins): void {
    for (const [at, count] of other.#counts.entries()) if (count > 0) this.add(other.#first + at, count);
  }

  /** The bin that holds the value at `rank`, from 0 in ascending order of bins. */
  at(rank: number): number {
    let passed = 0;
    for (const [at, count] of this.#counts.entries()) {
      passed += count;
      if (passed > rank) return this.#first + at;
    }
    return this.#first + this.#counts.length - 1;
  }

  /** Makes room for a bin, and on its side for as many again as there are. */
  #reach(bin: number): void {
    const old = this.#counts;
    if (old.length === 0) {
      this.#first = bin - 8;
      this.#counts = new Float64Array(16);
      return;
    }
    const end = this.#first + old.length;
    const spare = Math.min(old.length, 4096);
    const first = bin < this.#first ? Math.min(bin, this.#first - spare) : this.#first;
    const last = bin >= end ? Math.max(bin + 1, end + spare) : end;
    this.#counts = new Float64Array(last - first);
    this.#counts.set(old, this.#first - first);
    this.#first = first;
  }
}
