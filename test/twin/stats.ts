// The plain twin of assembly/stats.ts.
import { FieldType } from "../../src/model/types.ts";
import type { ByteWriter } from "../../src/segment/bytes.ts";
import type { PageStats } from "../../src/segment/stats.ts";

/** Statistics of the values that are not null; null where the kernel says "not usable". */
export function plainStats(
  type: FieldType,
  values: readonly (number | bigint | boolean | string | null)[],
): { count: number; stats: PageStats | null } {
  const there = values.filter((value) => value !== null);
  const count = there.length;
  if (count === 0 || type === FieldType.Boolean || type === FieldType.String) return { count, stats: null };
  const { min, max } = extremes(there as (number | bigint)[]);
  const first = there[0] as number | bigint;
  const last = there.at(-1) as number | bigint;
  if (type === FieldType.Float) {
    if (there.some(Number.isNaN)) return { count, stats: null };
    const sum = (there as number[]).reduce((total, value) => total + value);
    return { count, stats: { count, min, max, sum, first, last } };
  }
  const wrap = type === FieldType.Unsigned ? BigInt.asUintN : BigInt.asIntN;
  const total = (there as bigint[]).reduce((sum, value) => sum + value);
  return { count, stats: { count, min, max, sum: wrap(64, total), first, last } };
}

function extremes(values: readonly (number | bigint)[]): { min: number | bigint; max: number | bigint } {
  let min = values[0]!;
  let max = values[0]!;
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
}

const RAW_VALUES = 15;
const RAW_SUM = 1 << 4;
const HAS_COUNT = 1 << 5;
const HAS_NUMBERS = 1 << 6;
const NEAR_SUM = 1 << 7;
const NEAR_LIMIT = 2 ** 34;
const NEAR = 2n ** 20n;
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
  const near = sumScaled === undefined && exponent !== RAW_VALUES ? nearest(sum, power) : undefined;
  const sumFlag = sumScaled !== undefined ? 0 : near ? NEAR_SUM : RAW_SUM;
  out.u8(exponent | sumFlag | countFlag | HAS_NUMBERS);
  if (countFlag) out.varint(count);
  if (exponent === RAW_VALUES) {
    for (const value of [min, max, first, last]) writeRaw(out, type, value);
  } else {
    const base = scaled(min, power)!;
    out.zigzag(base);
    for (const value of [max, first, last]) out.varint(scaled(value, power)! - base);
  }
  if (sumScaled !== undefined) out.zigzag(sumScaled);
  else if (near) {
    out.zigzag(near.integer);
    out.zigzag(near.away);
  } else writeRaw(out, type, sum);
}

/** The integer over `power` that a sum of floats is near to, and how many doubles away. */
function nearest(sum: number | bigint, power: number): { integer: number; away: number } | undefined {
  if (typeof sum === "bigint") return undefined;
  const integer = Math.floor(sum * power + 0.5);
  if (!(Math.abs(integer) < NEAR_LIMIT)) return undefined;
  const [bits, decimalBits] = new BigInt64Array(Float64Array.of(sum, integer / power).buffer);
  const away = bits! - decimalBits!;
  return away > -NEAR && away < NEAR ? { integer, away: Number(away) } : undefined;
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

function writeRaw(out: ByteWriter, type: FieldType, value: number | bigint): void {
  if (type === FieldType.Float) out.f64(value as number);
  else out.i64(BigInt.asIntN(64, value as bigint));
}
