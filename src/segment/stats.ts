// Statistics of a column page in few bytes: what answers a covered window without decoding the page.
//
//   flags   1 byte   bits 0-3  e: min, max, first and last are integers over 10^e; 15: they are 8 bytes each
//                    bit 4     the sum is 8 bytes
//                    bit 5     a varint count of values follows; otherwise every row has one
//                    bit 6     there are numbers: not for booleans, strings, or a page with a NaN
//                    bit 7     the sum, a float, is near an integer over 10^e (since version 2 of the format)
//   count   varint   (bit 5)
//   min     zigzag varint; max, first, last: varint distance to min         or 4 x 8 bytes
//   sum     zigzag varint; (bit 7) zigzag varint: how many doubles on from that decimal     or 8 bytes
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
const NEAR_SUM = 1 << 7;
const MAX_EXPONENT = 14;

const powers = Array.from({ length: MAX_EXPONENT + 1 }, (_, e) => 10 ** e);

/** What is said of a page of `rowCount` strings, `count` of them there; numbers: `encodeStats` of the kernels. */
export function writeCount(out: ByteWriter, rowCount: number, count: number): void {
  out.u8(count < rowCount ? HAS_COUNT : 0);
  if (count < rowCount) out.varint(count);
}

/** The count and the statistics written for a page of `rowCount` rows. */
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
  let sum = flags & RAW_SUM ? readRaw(cursor, type, "sum") : unscaled(type, cursor.zigzag("sum"), power);
  if (flags & NEAR_SUM) sum = doublesOn(sum as number, cursor.zigzag("doubles from the decimal to the sum"));
  return { count, stats: { count, min, max, sum, first, last } };
}

/** The double that stands `count` doubles after `value`. */
function doublesOn(value: number, count: number): number {
  const double = new DataView(new ArrayBuffer(8));
  double.setFloat64(0, value);
  double.setBigInt64(0, double.getBigInt64(0) + BigInt(count));
  return double.getFloat64(0);
}

function unscaled(type: FieldType, integer: number, power: number): number | bigint {
  return type === FieldType.Float ? integer / power : BigInt(integer);
}

function readRaw(cursor: Cursor, type: FieldType, label: string): number | bigint {
  if (type === FieldType.Float) return cursor.f64(label);
  const value = cursor.i64(label);
  return type === FieldType.Unsigned ? BigInt.asUintN(64, value) : value;
}
