// Points of the library's `db.write` and `db.writeBatch` -> WriteBatch bytes.
import { InputError } from "../base/errors.ts";
import { MAX_TIME, MIN_TIME } from "../model/types.ts";
import { BatchBuilder, type BatchTarget, type FieldValue } from "./builder.ts";
import type { Located, Refusal } from "./reasons.ts";

/** One point as a TypeScript program writes it. */
export interface Point {
  readonly measurement: string;
  /** Tag values are strings; anything else is the caller's to turn into one. */
  readonly tags?: Readonly<Record<string, string>>;
  /**
   * number = float (the database stores an integral one in an integer field as the integer), bigint = 64-bit
   * integer, boolean, string. NaN and the infinities are refused.
   */
  readonly fields: Readonly<Record<string, FieldValue>>;
  /**
   * bigint = **nanoseconds**, number = **milliseconds** since 1970 (what `Date.now()` gives), or a Date. Absent
   * = now.
   */
  readonly time?: bigint | number | Date;
}

export interface EncodedPoints {
  readonly batch: Uint8Array;
  /** The reasons for which rows of the batch were refused, with the points that they were: `points[3]: REASON`. */
  locate(refusals: readonly Refusal[]): Located[];
}

/**
 * The WriteBatch of `points`: all of them or an error.
 * @param nowNs the time of points that have none, ns since the epoch.
 * @throws InputError that names the first point (`points[3]: ...`) that cannot be stored.
 */
export function encodePoints(points: readonly Point[], target: BatchTarget, nowNs: bigint): EncodedPoints {
  const builder = new BatchBuilder(target);
  for (const [index, point] of points.entries()) {
    try {
      addPoint(builder, point, nowNs);
    } catch (error) {
      if (error instanceof InputError) throw new InputError(`points[${index}]: ${error.message}`);
      throw error;
    }
  }
  const located = ({ reason, table, row }: Refusal) => {
    const number = builder.pointOf(table, row);
    return { number, text: `points[${number}]: ${reason}` };
  };
  return { batch: builder.finish(), locate: (refusals) => refusals.map(located) };
}

function addPoint(builder: BatchBuilder, point: Point, nowNs: bigint): void {
  if (typeof point !== "object" || point === null) throw new InputError("not a point object");
  if (typeof point.measurement !== "string") throw new InputError("measurement is not a string");
  if (typeof point.fields !== "object" || point.fields === null)
    throw new InputError("fields is not an object");
  const tags = Object.entries(point.tags ?? {}).map(([key, value]) => {
    if (typeof value !== "string") throw new InputError(`tag ${JSON.stringify(key)} is not a string`);
    return { key, value };
  });
  builder.add(point.measurement, tags, Object.entries(point.fields), timeToNs(point.time, nowNs));
}

/** What a program may give for a time. */
export const TIME_FORMS = "bigint (ns), number (ms since 1970) or Date";

/** Of `value`, given as `argument`, where one of `forms` is expected. */
export function noTime(argument: string, value: unknown, forms: string): InputError {
  const isObject = typeof value === "object" && value !== null && !(value instanceof Date);
  const text = typeof value === "string" ? JSON.stringify(value.slice(0, 60)) : String(value);
  return new InputError(`${argument}: ${isObject ? "an object" : text} is no time: expected ${forms}`);
}

/** @returns ns since the epoch of a point's `time` */
function timeToNs(time: Point["time"], nowNs: bigint): bigint {
  if (time === undefined) return nowNs;
  if (typeof time === "bigint") {
    if (time < MIN_TIME || time > MAX_TIME)
      throw new InputError(`time ${time} is outside the range of int64 ns`);
    return time;
  }
  const ms = time instanceof Date ? time.getTime() : time;
  if (typeof ms !== "number" || !Number.isFinite(ms)) throw noTime("time", time, TIME_FORMS);
  const whole = Math.floor(ms);
  // the part below a millisecond is kept to the microsecond, which is what a double holds of today
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e3)) * 1000n;
}
