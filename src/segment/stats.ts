// Statistics of a column page in few bytes: what answers a covered window without decoding the page.
//
//   flags   1 byte   bits 0-3  e: min, max, first and last are integers over 10^e; 15: they are 8 bytes each
//                    bit 4     the sum is 8 bytes
//                    bit 5     a varint count of values follows; otherwise every row has one
//                    bit 6     there are numbers: not for booleans, strings, or a page with a NaN
//   count   varint   (bit 5)
//   min     zigzag varint; max, first, last: varint distance to min         or 4 x 8 bytes
//   sum     zigzag varint                                                    or 8 bytes
//
// Two-decimal floats and ordinary integers so take 2-3 bytes each instead of 8. A value is stored scaled only when
// that gives back the same bits; integers take part with e = 0 while they are below 2^52. What a float sum says is
// the result of adding the page's values from left to right.
import { FieldType } from "../model/types.ts";
import type { ByteWriter, Cursor } from "./bytes.ts";

/** Numbers of a float page, bigints of an integer page (int64 or uint64 by its type; the sum wraps around). */
export interface PageStats {
  /** Values in the page, at least 1. */
  readonly count: number;
  readonly min: number | bigint;
  readonly max: number | bigint;
  readonly sum: number | bigint;
  /** Of the first and the last row with a value. */
  readonly first: number | bigint;
  readonly last: number | bigint;
}

const RAW_VALUES = 15;
const RAW_SUM = 1 << 4;
const HAS_COUNT = 1 << 5;
const HAS_NUMBERS = 1 << 6;
const MAX_EXPONENT = 14;
const LIMIT = 2 ** 52;

const powers = Array.from({ length: MAX_EXPONENT + 1 }, (_, e) => 10 ** e);

/** Statistics of a page of `rowCount` rows with `count` values; `stats` is null when there are no numbers. */
export function writeStats(
  out: ByteWriter,
  type: FieldType,
  rowCount: number,
  count: number,
  stats: PageStats | null,
): void {
  const countFlag = count < rowCount ? HAS_COUNT : 0;
  if (stats === null) {
    out.u8(countFlag);
    if (countFlag) out.varint(count);
    return;
  }
  const { min, max, first, last, sum } = stats;
  const exponent = commonExponent(min, max, first, last);
  const power = powers[exponent === RAW_VALUES ? 0 : exponent]!;
  const sumScaled = scaled(sum, power);
  out.u8(exponent | (sumScaled === undefined ? RAW_SUM : 0) | countFlag | HAS_NUMBERS);
  if (countFlag) out.varint(count);
  if (exponent === RAW_VALUES) {
    for (const value of [min, max, first, last]) writeRaw(out, type, value);
  } else {
    const base = scaled(min, power)!;
    out.zigzag(base);
    for (const value of [max, first, last]) out.varint(scaled(value, power)! - base);
  }
  if (sumScaled === undefined) writeRaw(out, type, sum);
  else out.zigzag(sumScaled);
}

/** The count and the statistics that `writeStats` wrote for a page of `rowCount` rows. */
export function readStats(
  cursor: Cursor,
  type: FieldType,
  rowCount: number,
): { count: number; stats: PageStats | null } {
  const flags = cursor.u8("flags of the statistics");
  const count = flags & HAS_COUNT ? cursor.varint("count") : rowCount;
  if ((flags & HAS_NUMBERS) === 0) return { count, stats: null };
  const exponent = flags & 15;
  let min: number | bigint;
  let max: number | bigint;
  let first: number | bigint;
  let last: number | bigint;
  const power = powers[exponent === RAW_VALUES ? 0 : exponent]!;
  if (exponent === RAW_VALUES) {
    min = readRaw(cursor, type, "min");
    max = readRaw(cursor, type, "max");
    first = readRaw(cursor, type, "first");
    last = readRaw(cursor, type, "last");
  } else {
    const base = cursor.zigzag("min");
    min = unscaled(type, base, power);
    max = unscaled(type, base + cursor.varint("max - min"), power);
    first = unscaled(type, base + cursor.varint("first - min"), power);
    last = unscaled(type, base + cursor.varint("last - min"), power);
  }
  const sum = flags & RAW_SUM ? readRaw(cursor, type, "sum") : unscaled(type, cursor.zigzag("sum"), power);
  return { count, stats: { count, min, max, sum, first, last } };
}

/** The smallest e for which all four are integers over 10^e, or `RAW_VALUES`. */
function commonExponent(...values: (number | bigint)[]): number {
  const last = typeof values[0] === "bigint" ? 0 : MAX_EXPONENT;
  for (let exponent = 0; exponent <= last; exponent++) {
    if (values.every((value) => scaled(value, powers[exponent]!) !== undefined)) return exponent;
  }
  return RAW_VALUES;
}

/** `value * power` when that is a small integer from which `unscaled` gives back the same bits. */
function scaled(value: number | bigint, power: number): number | undefined {
  if (typeof value === "bigint") return value > -LIMIT && value < LIMIT ? Number(value) : undefined;
  const integer = Math.round(value * power);
  // -0 has no integer form; NaN and the infinities fail the comparisons
  if (Object.is(integer, -0)) return undefined;
  return Math.abs(integer) < LIMIT && integer / power === value ? integer : undefined;
}

function unscaled(type: FieldType, integer: number, power: number): number | bigint {
  return type === FieldType.Float ? integer / power : BigInt(integer);
}

function writeRaw(out: ByteWriter, type: FieldType, value: number | bigint): void {
  if (type === FieldType.Float) out.f64(value as number);
  else out.i64(BigInt.asIntN(64, value as bigint));
}

function readRaw(cursor: Cursor, type: FieldType, label: string): number | bigint {
  if (type === FieldType.Float) return cursor.f64(label);
  const value = cursor.i64(label);
  return type === FieldType.Unsigned ? BigInt.asUintN(64, value) : value;
}
