// Where the windows of GROUP BY time(every, offset) begin, in UTC or by the clock of a time zone.
//
//     ... | start(t) ─── t ────────── | ...           start = t cut down to a multiple of `every` since the
//                                                    epoch (zone's clock when there is one), plus offset
//
// With a zone, a window begins at the cut of local time, moved when daylight saving time changes between
// the cut and t, so that day windows begin at local midnight and last 23 to 25 hours. What the clock shows is asked before the
// offset is added. The rules are InfluxDB's (Window of its iterator options), which leave windows not longer than the change alone.
//
// Windows of calendar months are numbered, the one that begins with 1970 (plus offset) is 0; they begin when the zone's
// clock shows the first of a month, midnight, plus offset.
import { InputError } from "../base/errors.ts";
import { formatInstant } from "../model/timetext.ts";
import { MAX_TIME, MIN_TIME } from "../model/types.ts";
import { TWO_32, wordsOf } from "../model/words.ts";
import { addMonths, monthOf, startOfMonth } from "./calendar.ts";
import type { Window } from "./plan.ts";
import { Zone } from "./zones.ts";

/** The most windows that a query may hold in memory for a group. */
export const MAX_WINDOWS = 1_000_000;

export class WindowRule {
  readonly #everyNs: bigint;
  readonly #offsetNs: bigint;
  readonly #everyMonths: number;
  readonly #offsetMonths: number;
  readonly #zone: Zone | null;

  constructor(window: Window, timezone: string | null) {
    this.#everyNs = window.everyNs;
    this.#offsetNs = window.offsetNs;
    this.#everyMonths = window.everyMonths;
    this.#offsetMonths = window.offsetMonths;
    this.#zone = timezone === null || timezone === "UTC" ? null : new Zone(timezone);
  }

  /** Start of the window that holds `timeNs`. */
  start(timeNs: bigint): bigint {
    if (this.#everyMonths > 0) return clamp(this.#monthBound(this.#monthWindow(timeNs)));
    const time = timeNs - this.#offsetNs;
    if (this.#zone === null) return clamp(time - modulo(time, this.#everyNs) + this.#offsetNs);
    const zone = this.#zone.offsetNs(time);
    const start = time - modulo(time + zone, this.#everyNs);
    return clamp(start + this.#shift(zone, this.#zone.offsetNs(start)) + this.#offsetNs);
  }

  /** Where the window begins that is `count` windows behind (or, negative, before) the one that begins at `start`. */
  after(start: bigint, count: number): bigint {
    if (this.#everyMonths === 0) return start + this.#everyNs * BigInt(count);
    return clamp(this.#monthBound(this.#monthWindow(start) + count));
  }

  /** `timeNs` moved by the length of `count` windows, within the times that can be stored. */
  shift(timeNs: bigint, count: number): bigint {
    if (this.#everyMonths === 0) return clamp(timeNs + this.#everyNs * BigInt(count));
    return clamp(addMonths(timeNs, this.#everyMonths * count, this.#zone));
  }

  /** Number of the window of months that holds `timeNs`. */
  #monthWindow(timeNs: bigint): number {
    const localNs = timeNs + (this.#zone?.offsetNs(timeNs) ?? 0n) - this.#offsetNs;
    const window = Math.floor((monthOf(localNs) - this.#offsetMonths) / this.#everyMonths);
    // where the clock jumps at a boundary, local times are not in the order of time
    if (this.#monthBound(window) > timeNs) return window - 1;
    return this.#monthBound(window + 1) <= timeNs ? window + 1 : window;
  }

  #monthBound(window: number): bigint {
    const localNs = startOfMonth(window * this.#everyMonths + this.#offsetMonths) + this.#offsetNs;
    return this.#zone === null ? localNs : this.#zone.utcOf(localNs);
  }

  /** How far a boundary moves when the zone's distance from UTC, which was `zone`, differs there. */
  #shift(zone: bigint, there: bigint): bigint {
    const change = zone - there;
    return change !== 0n && change < this.#everyNs && -change < this.#everyNs ? change : 0n;
  }

  /** How many windows lie from the one that holds `minTime` to the one that holds `maxTime` (about, with a zone). */
  estimate(minTime: bigint, maxTime: bigint): number {
    if (this.#everyMonths > 0) return this.#monthWindow(maxTime) - this.#monthWindow(minTime) + 1;
    return Number((this.start(maxTime) - this.start(minTime)) / this.#everyNs) + 1;
  }

  /**
   * Ascending boundaries of the windows from the one that holds `minTime` to the one that holds `maxTime`: one
   * more than there are windows. Throws `InputError` over `MAX_WINDOWS` windows.
   */
  bounds(minTime: bigint, maxTime: bigint): BigInt64Array {
    const estimate = this.estimate(minTime, maxTime);
    if (estimate > MAX_WINDOWS)
      throw new InputError(
        `GROUP BY time would make ${estimate} windows from ${formatInstant(minTime)} to ${formatInstant(maxTime)}, more than ${MAX_WINDOWS}: use a longer interval or a shorter time range`,
      );
    if (this.#everyMonths > 0) return this.#monthBounds(minTime, estimate);
    const first = this.start(minTime);
    const isPlain = this.#zone === null && first > MIN_TIME;
    if (isPlain && first + this.#everyNs * BigInt(estimate) <= MAX_TIME)
      return ascending(first, this.#everyNs, estimate + 1);
    // a zone can add a window where its clock goes back
    let bounds = new BigInt64Array(estimate + 8);
    let count = 0;
    let start = first;
    let distance = this.#zone?.offsetNs(start - this.#offsetNs) ?? 0n;
    while (start <= maxTime) {
      if (count + 1 >= bounds.length) bounds = grown(bounds);
      bounds[count++] = start;
      let next = start + this.#everyNs;
      if (this.#zone !== null) {
        // a boundary may itself be the moment of the change: put forward, the clock before it counts; put back, that after it,
        // which shows times of this window again
        const before = this.#zone.offsetNs(next - this.#offsetNs - 1n);
        const after = this.#zone.offsetNs(next - this.#offsetNs);
        const there = before < after ? before : after;
        next += this.#shift(distance, there);
        distance = there;
      }
      start = clamp(next);
      if (start <= bounds[count - 1]!) break;
    }
    bounds[count++] = start > bounds[count - 2]! ? start : MAX_TIME + 1n;
    return bounds.subarray(0, count);
  }

  #monthBounds(minTime: bigint, count: number): BigInt64Array {
    const first = this.#monthWindow(minTime);
    const bounds = new BigInt64Array(count + 1);
    for (let i = 0; i <= count; i++) {
      const bound = this.#monthBound(first + i);
      // the last one is the first time behind the window, which may be the first that cannot be stored
      bounds[i] = i === count && bound > MAX_TIME ? MAX_TIME + 1n : clamp(bound);
    }
    return bounds;
  }
}

function modulo(time: bigint, every: bigint): bigint {
  const rest = time % every;
  return rest < 0n ? rest + every : rest;
}

function clamp(time: bigint): bigint {
  return time < MIN_TIME ? MIN_TIME : time > MAX_TIME ? MAX_TIME : time;
}

/** `count` times, each `every` after the one before: as words, without a BigInt each. */
function ascending(first: bigint, every: bigint, count: number): BigInt64Array {
  const times = new BigInt64Array(count);
  const words = wordsOf(times);
  const [everyLow, everyHigh] = [Number(every & LOW_WORD), Number(every >> 32n)];
  let low = Number(first & LOW_WORD);
  let high = Number(first >> 32n);
  for (let i = 0; i < count; i++) {
    words[2 * i] = low;
    words[2 * i + 1] = high;
    low += everyLow;
    high += everyHigh;
    if (low < TWO_32) continue;
    low -= TWO_32;
    high++;
  }
  return times;
}

const LOW_WORD = 0xffff_ffffn;

function grown(bounds: BigInt64Array<ArrayBuffer>): BigInt64Array<ArrayBuffer> {
  const larger = new BigInt64Array(bounds.length * 2);
  larger.set(bounds);
  return larger;
}

/** The windows that hold points, one after the other: `while (windows.next()) ...`. */
export class PointWindows {
  /** After `next` gave true: a window, and the range of the indices of its points. */
  window = 0;
  from = 0;
  to: number;

  readonly #times: BigInt64Array;
  readonly #bounds: BigInt64Array;

  /** `times` ascend. */
  constructor(times: BigInt64Array, bounds: BigInt64Array) {
    this.#times = times;
    this.#bounds = bounds;
    this.to = bounds.length === 2 ? 0 : firstAtLeast(times, bounds[0]!, 0);
  }

  next(): boolean {
    const times = this.#times;
    const bounds = this.#bounds;
    if (this.to >= times.length) return false;
    this.from = this.to;
    if (bounds.length === 2) {
      this.to = times.length;
      return true;
    }
    const window = firstAtLeast(bounds, times[this.from]! + 1n, this.window) - 1;
    if (window + 1 >= bounds.length) {
      this.to = times.length;
      return false;
    }
    this.window = window;
    this.to = firstAtLeast(times, bounds[window + 1]!, this.from);
    return true;
  }
}

/** Index, from `start` on, of the first of ascending `times` that is not before `time`: gallops, then bisects. */
function firstAtLeast(times: BigInt64Array, time: bigint, start: number): number {
  let step = 1;
  let low = start;
  while (low + step < times.length && times[low + step]! < time) {
    low += step;
    step *= 2;
  }
  let high = Math.min(low + step, times.length);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
