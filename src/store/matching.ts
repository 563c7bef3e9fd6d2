// Matching: the rows of a table that satisfy a condition, as ranges of time by series; what DELETE by value asks for, step by step.
//
// Series after series, each from its newest row to its oldest, so that a time tells how far it has come: between two steps rows come,
// are flushed and merged, and the next one looks at what there is then.
import type { Kernels } from "../kernels/kernels.ts";
import type { Expression } from "../model/expression.ts";
import { RegexCache } from "../model/regex.ts";
import { wordsOf } from "../model/words.ts";
import { mayHoldIn } from "./prune.ts";
import type { GroupRows, Run } from "./runs.ts";
import { type Field, knownFields, type Table } from "./schema.ts";
import { SeriesSelector } from "./select.ts";
import { type Bounds, concatenated, RangesBuilder, type SeriesRanges } from "./series-ranges.ts";
import { SeriesReader } from "./series-reader.ts";
import { filterSlice, type Slice } from "./slice.ts";
import type { Store } from "./store.ts";
import type { Version } from "./version.ts";

/** Ranges of a step at most, and those of one slice more. */
const STEP_RANGES = 10_000;

/** What matches of one slice, and whether it goes on in the slices beside it. */
interface Part {
  readonly bounds: Bounds;
  readonly fromFirst: boolean;
  readonly toLast: boolean;
}

const NONE_MATCHES: Part = { bounds: new BigInt64Array(0), fromFirst: false, toLast: false };

export class Matching {
  readonly #kernels: Kernels;
  readonly #store: Store;
  readonly #table: Table;
  readonly #known: readonly Field[];
  readonly #regexes = new RegexCache();
  readonly #minTime: bigint;
  readonly #maxTime: bigint;
  readonly #ids: Uint32Array;
  readonly #residuals: readonly (Expression | null)[] | null;
  /** Place of the series to look at next, and of its rows the newest that has not been looked at. */
  #place = 0;
  #upTo: bigint;
  /** Of that series: rows that match were found, and others. */
  #found = false;
  #others = false;
  /** Series of which nothing but rows that match was found. */
  #emptied: number[] = [];
  #reader: SeriesReader | undefined;
  #version: Version | undefined;
  readonly #noColumns: readonly boolean[];
  /** What is left of the condition is the same for all series. */
  readonly #isOneCondition: boolean;
  #lastMask: (Pick<GroupRows, "cursor" | "index"> & { readonly mask: Uint8Array }) | undefined;

  /** Those of the series that there are now. */
  constructor(
    kernels: Kernels,
    store: Store,
    table: Table,
    where: Expression,
    minTime: bigint,
    maxTime: bigint,
  ) {
    this.#kernels = kernels;
    this.#store = store;
    this.#table = table;
    this.#known = knownFields(table.measurement, [], where);
    this.#noColumns = this.#known.map(() => false);
    this.#minTime = minTime;
    this.#maxTime = maxTime;
    this.#upTo = maxTime;
    const selector = new SeriesSelector(kernels, store.catalog);
    ({ ids: this.#ids, residuals: this.#residuals } = selector.select(table.id, where));
    selector.close();
    const [first] = this.#residuals ?? [];
    this.#isOneCondition = this.#residuals?.every((each) => each === first) ?? true;
  }

  get done(): boolean {
    return this.#place >= this.#ids.length;
  }

  /** Gives once the series that are done and have, between the two times, no other rows than those that matched. */
  takeEmptied(): Uint32Array {
    return Uint32Array.from(this.#emptied.splice(0));
  }

  /** Steps may follow, until `pause`: no flush and no merge comes to its end between them. */
  begin(): void {
    const { measurement, retentionPolicy } = this.#table;
    this.#version = this.#store.version.retain();
    this.#reader = new SeriesReader(
      ...([this.#kernels, this.#version, measurement, retentionPolicy, this.#known] as const),
      ...([this.#minTime, this.#maxTime] as const),
    );
  }

  pause(): void {
    this.#reader?.close();
    this.#version?.release();
    this.#reader = undefined;
    this.#version = undefined;
    this.#lastMask = undefined;
  }

  /**
   * The next rows that match, as they are at this moment: ranges in which their series have no other rows. Ends with the last series,
   * after some thousand ranges, or (having looked at something) when `isDue`. Throws `CorruptionError` at a damaged page.
   */
  step(isDue: () => boolean): SeriesRanges {
    const found = new RangesBuilder();
    while (!this.done) {
      const isLast = this.#stepSeries(found, isDue);
      if (!isLast) break;
      if (this.#found && !this.#others) this.#emptied.push(this.#ids[this.#place]!);
      this.#found = false;
      this.#others = false;
      this.#place++;
      this.#upTo = this.#maxTime;
      if (found.rangeCount >= STEP_RANGES || isDue()) break;
    }
    return found.build();
  }

  // Whether it came to the oldest row of the series.
  #stepSeries(found: RangesBuilder, isDue: () => boolean): boolean {
    const id = this.#ids[this.#place]!;
    const residual = this.#residuals?.[this.#place] ?? null;
    const parts: Part[] = [];
    let count = found.rangeCount;
    let isLast = true;
    const reader = this.#reader!;
    // (`from`: its first time, asked for when it was the last part)
    const goesOn = (part: Part, from: () => bigint): boolean => {
      parts.push(part);
      const { bounds, fromFirst, toLast } = part;
      if (bounds.length > 0) this.#found = true;
      // (a row without values left is none)
      if (!(fromFirst && toLast && bounds.length === 2) && !reader.mayBeHollow) this.#others = true;
      count += part.bounds.length / 2;
      if (count < STEP_RANGES && !isDue()) return true;
      this.#upTo = from() - 1n;
      isLast = this.#upTo < this.#minTime;
      return false;
    };
    reader.between(this.#minTime, this.#upTo);
    reader.clusters(id, true, (runs) => {
      const [{ minTime, place }] = runs as readonly [Run];
      const isTold = runs.length === 1 && place !== null && residual !== null;
      if (isTold && !mayHoldIn(place, this.#known, residual)) return goesOn(NONE_MATCHES, () => minTime);
      if (isTold && !place.alone && this.#isOneCondition) {
        const mask = this.#maskOf(place, residual).subarray(place.start, place.end);
        const part = mask.includes(1) ? this.#partOf(runs[0]!.read(this.#noColumns), mask) : NONE_MATCHES;
        return goesOn(part, () => minTime);
      }
      for (const slice of reader.read(runs, true)) {
        if (slice.rowCount === 0) continue;
        const mask = residual && filterSlice(this.#kernels, slice, this.#known, residual, this.#regexes);
        const from = () => this.#kernels.i64(slice.times, 1)[0]!;
        if (!goesOn(this.#partOf(slice, mask), from)) return false;
      }
      return true;
    });
    found.add(id, chained(parts.reverse()));
    return isLast;
  }

  // Of all rows of a row group that several series share.
  #maskOf({ cursor, index }: GroupRows, residual: Expression): Uint8Array {
    const last = this.#lastMask;
    if (last?.cursor === cursor && last.index === index) return last.mask;
    const mask = filterSlice(this.#kernels, cursor.whole(index), this.#known, residual, this.#regexes);
    this.#lastMask = { cursor, index, mask };
    return mask;
  }

  // `mask`: a byte a row, whether it matches; null: all do.
  #partOf(slice: Slice, mask: Uint8Array | null): Part {
    const kernels = this.#kernels;
    const { rowCount } = slice;
    if (mask === null) {
      const times = kernels.i64(slice.times, rowCount);
      const bounds = BigInt64Array.of(times[0]!, times[rowCount - 1]!);
      return { bounds, fromFirst: true, toLast: true };
    }
    // halves of times: a bigint a row would be an object a row
    const words = wordsOf(kernels.i64(slice.times, rowCount));
    const ends = new Int32Array(rowCount * 4 + 4);
    let at = 0;
    for (let row = mask.indexOf(1); row >= 0; row = mask.indexOf(1, row)) {
      ends[at++] = words[row * 2]!;
      ends[at++] = words[row * 2 + 1]!;
      while (row < rowCount && mask[row] !== 0) row++;
      ends[at++] = words[row * 2 - 2]!;
      ends[at++] = words[row * 2 - 1]!;
    }
    const bounds = new BigInt64Array(ends.slice(0, at).buffer);
    return { bounds, fromFirst: mask[0] === 1, toLast: mask[rowCount - 1] === 1 };
  }
}

// Ascending parts one after the other; where all rows between two ranges match they are one.
function chained(parts: readonly Part[]): Bounds {
  const pieces: Bounds[] = [];
  let length = 0;
  let goesOn = false;
  for (const { bounds, fromFirst, toLast } of parts) {
    const isJoined = goesOn && fromFirst && bounds.length > 0;
    if (isJoined) {
      const before = pieces.pop()!;
      pieces.push(before.subarray(0, before.length - 1));
      length--;
    }
    const piece = isJoined ? bounds.subarray(1) : bounds;
    pieces.push(piece);
    length += piece.length;
    goesOn = toLast;
  }
  return concatenated(pieces, length);
}
