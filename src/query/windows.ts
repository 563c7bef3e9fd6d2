// Where the windows of GROUP BY time(every, offset) begin, in UTC or by the clock of a time zone.
//
//     ... | start(t) ─── t ─────── next | ...        start = t cut down to a multiple of `every` since the
//                                                    epoch (zone's clock when there is one), plus offset
//
// With a zone, a window begins at the cut of local time, moved when daylight saving time changes between
// the cut and t, so that day windows begin at local midnight and last 23 to 25 hours. This is InfluxDB's rule
// (query.IteratorOptions.Window), which leaves windows not longer than the change alone.
//
// Calendar months have no fixed length: they would be a third rule beside `start` and `next` here.
import { InputError } from "../base/errors.ts";
import { MAX_TIME, MIN_TIME } from "../model/types.ts";
import type { Window } from "./plan.ts";
import { Zone } from "./zones.ts";

/** The most windows that a query may hold in memory for a group. */
export const MAX_WINDOWS = 1_000_000;

export class WindowRule {
  readonly everyNs: bigint;
  readonly #offsetNs: bigint;
  readonly #zone: Zone | null;

  constructor(window: Window, timezone: string | null) {
    this.everyNs = window.everyNs;
    this.#offsetNs = window.offsetNs;
    this.#zone = timezone === null || timezone === "UTC" ? null : new Zone(timezone);
  }

  /** Start of the window that holds `timeNs`. */
  start(timeNs: bigint): bigint {
    const time = timeNs - this.#offsetNs;
    if (this.#zone === null) return clamp(time - modulo(time, this.everyNs) + this.#offsetNs);
    const zone = this.#zone.offsetNs(time);
    const start = time - modulo(time + zone, this.everyNs);
    return clamp(start + this.#shift(zone, start) + this.#offsetNs);
  }

  /** Start of the window after the one that starts at `startNs`. */
  next(startNs: bigint): bigint {
    if (this.#zone === null) return clamp(startNs + this.everyNs);
    const time = startNs - this.#offsetNs;
    const zone = this.#zone.offsetNs(time);
    const end = time + this.everyNs - modulo(time + zone, this.everyNs);
    const next = clamp(end + this.#shift(zone, end) + this.#offsetNs);
    // where the clock goes back over a boundary the same local time comes twice: never stand still
    return next > startNs ? next : clamp(startNs + this.everyNs);
  }

  /** How far a boundary moves when the zone's distance from UTC differs there. */
  #shift(zone: bigint, boundary: bigint): bigint {
    const change = zone - this.#zone!.offsetNs(boundary);
    return change !== 0n && change < this.everyNs && -change < this.everyNs ? change : 0n;
  }

  /** Start of the window `count` windows before the one that starts at `startNs`. */
  before(startNs: bigint, count: number): bigint {
    if (this.#zone === null) return clamp(startNs - this.everyNs * BigInt(count));
    let start = startNs;
    for (let i = 0; i < count && start > MIN_TIME; i++) start = this.start(start - 1n);
    return start;
  }

  /** How many windows lie from the one that holds `minTime` to the one that holds `maxTime` (about, with a zone). */
  estimate(minTime: bigint, maxTime: bigint): number {
    return Number((this.start(maxTime) - this.start(minTime)) / this.everyNs) + 1;
  }

  /**
   * Ascending boundaries of the windows from the one that holds `minTime` to the one that holds `maxTime`: one
   * more than there are windows. Throws `InputError` over `MAX_WINDOWS` windows.
   */
  bounds(minTime: bigint, maxTime: bigint): BigInt64Array {
    const estimate = this.estimate(minTime, maxTime);
    if (estimate > MAX_WINDOWS)
      throw new InputError(
        `GROUP BY time would make ${estimate} windows, more than ${MAX_WINDOWS}: use a longer interval or a shorter time range`,
      );
    // a zone can add a window where its clock goes back
    let bounds = new BigInt64Array(estimate + 8);
    let count = 0;
    let start = this.start(minTime);
    while (start <= maxTime) {
      if (count + 1 >= bounds.length) bounds = grown(bounds);
      bounds[count++] = start;
      const next = this.next(start);
      if (next <= start) break;
      start = next;
    }
    bounds[count++] = start > bounds[count - 2]! ? start : MAX_TIME + 1n;
    return bounds.subarray(0, count);
  }
}

function modulo(time: bigint, every: bigint): bigint {
  const rest = time % every;
  return rest < 0n ? rest + every : rest;
}

function clamp(time: bigint): bigint {
  return time < MIN_TIME ? MIN_TIME : time > MAX_TIME ? MAX_TIME : time;
}

function grown(bounds: BigInt64Array<ArrayBuffer>): BigInt64Array<ArrayBuffer> {
  const larger = new BigInt64Array(bounds.length * 2);
  larger.set(bounds);
  return larger;
}
