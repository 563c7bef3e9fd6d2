// Series ranges: which ranges of time are meant of which series, in arrays: a deletion by values may have millions, and no range is
// an object.
//
//   ids     7     9          or null: every series
//   ends    2     3          or null: all of them have the same ranges
//   bounds  [first last] [first last]   [first last]
//           of 7                        of 9

/** Times from first to last, inclusive, ns. */
export type TimeRange = readonly [first: bigint, last: bigint];

/** first, last, first, last ... inclusive, ns; ascending and apart. */
export type Bounds = BigInt64Array;

const NONE: Bounds = new BigInt64Array(0);

/** Buckets of 73 minutes say which times may be meant: a segment of others need not be written anew. */
const BUCKET_BITS = 42n;
/** A range over more buckets is known by its ends alone. */
const WIDE = 64;
/** Of so many ranges each is looked at. */
const FEW = 1000;
/** More, of the same series and interleaved, are not united: that takes its time. */
const MOST_WOVEN = 20_000;

export class SeriesRanges {
  #buckets: Set<number> | null | undefined;
  readonly minTime: bigint;
  readonly maxTime: bigint;

  /** `ends`: by place in `ids`, the number of ranges up to there. `ids` are ascending. */
  constructor(
    readonly ids: Uint32Array | null,
    readonly ends: Uint32Array | null,
    readonly bounds: Bounds,
  ) {
    let min = bounds[0] ?? 0n;
    let max = bounds.at(-1) ?? -1n;
    for (let i = 0, start = 0; ends !== null && i < ends.length; start = ends[i++]!) {
      if (ends[i] === start) continue;
      const first = bounds[start * 2]!;
      const last = bounds[ends[i]! * 2 - 1]!;
      if (first < min) min = first;
      if (last > max) max = last;
    }
    this.minTime = min;
    this.maxTime = max;
  }

  /** The same ranges for every series, or (ascending) for these. */
  static shared(ids: Uint32Array | null, ranges: readonly TimeRange[]): SeriesRanges {
    return new SeriesRanges(ids, null, united(ranges));
  }

  get rangeCount(): number {
    return this.bounds.length / 2;
  }

  get sizeBytes(): number {
    return (this.ids?.byteLength ?? 0) + (this.ends?.byteLength ?? 0) + this.bounds.byteLength;
  }

  /** All ranges of a series. */
  of(id: number): Bounds {
    if (this.ids === null) return this.bounds;
    const place = this.#placeOf(id);
    return place < 0 ? NONE : this.at(place);
  }

  /** All ranges of the series at a place in `ids`. */
  at(place: number): Bounds {
    if (this.ends === null) return this.bounds;
    return this.bounds.subarray(place === 0 ? 0 : this.ends[place - 1]! * 2, this.ends[place]! * 2);
  }

  /** The ranges of a series that have something of [from, to]. */
  within(id: number, from: bigint, to: bigint): Bounds {
    const own = this.of(id);
    let low = 0;
    for (let high = own.length / 2; low < high; ) {
      const middle = (low + high) >>> 1;
      if (own[middle * 2 + 1]! < from) low = middle + 1;
      else high = middle;
    }
    let end = low;
    for (let high = own.length / 2; end < high; ) {
      const middle = (end + high) >>> 1;
      if (own[middle * 2]! <= to) end = middle + 1;
      else high = middle;
    }
    return own.subarray(low * 2, end * 2);
  }

  /** Whether some series has something of [from, to] meant; of very many ranges whether that may be. */
  mayTouch(from: bigint, to: bigint): boolean {
    const { bounds } = this;
    if (bounds.length === 0 || this.minTime > to || this.maxTime < from) return false;
    if (this.rangeCount <= FEW) {
      for (let i = 0; i < bounds.length; i += 2) if (bounds[i]! <= to && bounds[i + 1]! >= from) return true;
      return false;
    }
    const buckets = this.buckets;
    if (buckets === null) return true;
    const first = bucketOf(from > this.minTime ? from : this.minTime);
    const last = bucketOf(to < this.maxTime ? to : this.maxTime);
    if (last - first > buckets.size) {
      for (const bucket of buckets) if (bucket >= first && bucket <= last) return true;
    } else for (let bucket = first; bucket <= last; bucket++) if (buckets.has(bucket)) return true;
    return false;
  }

  /** Stretches of time that ranges lie in; null: in any. */
  get buckets(): ReadonlySet<number> | null {
    this.#buckets ??= bucketsOf(this.bounds);
    return this.#buckets;
  }

  /** The ranges of both, each with series of its own; null: to unite them would take long. */
  with(other: SeriesRanges): SeriesRanges | null {
    if (this.ids === null || other.ids === null || this.ends === null || other.ends === null) return null;
    const [a, b] = [this.ids, other.ids];
    const count = this.rangeCount + other.rangeCount;
    const ids = new Uint32Array(a.length + b.length);
    const ends = new Uint32Array(ids.length);
    const bounds = new BigInt64Array(count * 2);
    let places = 0;
    let at = 0;
    const put = (id: number, parts: Bounds) => {
      bounds.set(parts, at);
      at += parts.length;
      ids[places] = id;
      ends[places++] = at / 2;
    };
    for (let i = 0, j = 0; i < a.length || j < b.length; ) {
      const [left, right] = [a[i] ?? Infinity, b[j] ?? Infinity];
      if (left < right) put(left, this.at(i++));
      else if (right < left) put(right, other.at(j++));
      else {
        const both = joined(this.at(i++), other.at(j++), count <= MOST_WOVEN);
        if (both === null) return null;
        put(left, both);
      }
    }
    const made = new SeriesRanges(ids.slice(0, places), ends.slice(0, places), bounds.slice(0, at));
    if (made.rangeCount > FEW) {
      const [mine, its] = [this.buckets, other.buckets];
      made.#buckets = mine === null || its === null ? null : new Set([...mine, ...its]);
    }
    return made;
  }

  #placeOf(id: number): number {
    const ids = this.ids!;
    let low = 0;
    for (let high = ids.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (ids[middle]! < id) low = middle + 1;
      else high = middle;
    }
    return ids[low] === id ? low : -1;
  }
}

/** Ranges of series, one after the other. */
export class RangesBuilder {
  readonly #ids: number[] = [];
  readonly #ends: number[] = [];
  readonly #parts: Bounds[] = [];
  #count = 0;

  get rangeCount(): number {
    return this.#count;
  }

  /** Ids ascend. A series without ranges is left out. */
  add(id: number, bounds: Bounds): void {
    if (bounds.length === 0) return;
    this.#ids.push(id);
    this.#count += bounds.length / 2;
    this.#ends.push(this.#count);
    this.#parts.push(bounds);
  }

  build(): SeriesRanges {
    return new SeriesRanges(
      Uint32Array.from(this.#ids),
      Uint32Array.from(this.#ends),
      concatenated(this.#parts, this.#count * 2),
    );
  }
}

export function concatenated(parts: readonly Bounds[], length: number): Bounds {
  if (parts.length === 1) return parts[0]!;
  const all = new BigInt64Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Ranges in any order as bounds. */
export function united(ranges: readonly TimeRange[]): Bounds {
  const sorted = ranges.toSorted((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  const bounds = new BigInt64Array(sorted.length * 2);
  let at = 0;
  for (const [first, last] of sorted) at = append(bounds, at, first, last);
  return bounds.slice(0, at);
}

/** What is in either; null: they are interleaved, and `mayWeave` is false. */
export function joined(a: Bounds, b: Bounds, mayWeave = true): Bounds | null {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const all = new BigInt64Array(a.length + b.length);
  if (a.at(-1)! < b[0]! || b.at(-1)! < a[0]!) {
    const [early, late] = a[0]! < b[0]! ? [a, b] : [b, a];
    all.set(early);
    if (early.at(-1)! + 1n < late[0]!) {
      all.set(late, early.length);
      return all;
    }
    // they touch: the last range and the first are one
    all.set(late.subarray(1), early.length - 1);
    return all.slice(0, -2);
  }
  if (!mayWeave) return null;
  let at = 0;
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const isLeft = j >= b.length || (i < a.length && a[i]! <= b[j]!);
    if (isLeft) {
      at = append(all, at, a[i]!, a[i + 1]!);
      i += 2;
    } else {
      at = append(all, at, b[j]!, b[j + 1]!);
      j += 2;
    }
  }
  return all.slice(0, at);
}

// A range that begins no earlier than the last one: what overlaps or touches it is made one with it. Gives the new end.
function append(bounds: Bounds, at: number, first: bigint, last: bigint): number {
  if (at > 0 && first <= bounds[at - 1]! + 1n) {
    if (last > bounds[at - 1]!) bounds[at - 1] = last;
    return at;
  }
  bounds[at] = first;
  bounds[at + 1] = last;
  return at + 2;
}

const bucketOf = (time: bigint) => Number(time >> BUCKET_BITS);

function bucketsOf(bounds: Bounds): Set<number> | null {
  const buckets = new Set<number>();
  let known = Number.NaN;
  for (let i = 0; i < bounds.length; i += 2) {
    const first = bucketOf(bounds[i]!);
    const last = bucketOf(bounds[i + 1]!);
    if (first === last && first === known) continue;
    if (last - first > WIDE) return null;
    for (let bucket = first; bucket <= last; bucket++) buckets.add(bucket);
    known = last;
  }
  return buckets;
}
