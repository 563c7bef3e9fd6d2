// Values of columns as cells of an answer, and the reading of 64-bit integers without a BigInt each.
//
// An integer cell is a number where a double holds it exactly (|x| <= 2^53 - 1) and a bigint outside. So a
// column of int64 is read as pairs of 32-bit words, and only a value out of that range costs a BigInt.
import type { Column } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import { TWO_32, wordsOf } from "../model/words.ts";
import type { Cell } from "./result.ts";

/** High words from -2^21 to 2^21 - 1 make values that a double holds exactly. */
const SAFE_HIGH = 1 << 21;

/** Any integer as a cell. */
export function integerCell(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Exact result of integer arithmetic: `approximate` was computed in doubles, `exact` is asked when it is out of range. */
export function exactly(approximate: number, exact: () => bigint): number | bigint {
  return Number.isSafeInteger(approximate) ? approximate : integerCell(exact());
}

/** True when a double holds the signed 64-bit value whose high word this is. */
export function isSafeHigh(high: number): boolean {
  return high >= -SAFE_HIGH && high < SAFE_HIGH;
}

/** Value `index` of a column of integers. */
export function integerAt(
  values: BigInt64Array | BigUint64Array,
  words: Int32Array,
  index: number,
): number | bigint {
  const high = words[2 * index + 1]!;
  return isSafeHigh(high) && (high >= 0 || values instanceof BigInt64Array)
    ? high * TWO_32 + (words[2 * index]! >>> 0)
    : integerCell(values[index]!);
}

/** Nanoseconds from time `from` to time `to` of the same array's words: exact up to 104 days, then the nearest double. */
export function elapsedNs(words: Int32Array, from: number, to: number): number {
  return (
    (words[2 * to + 1]! - words[2 * from + 1]!) * TWO_32 + ((words[2 * to]! >>> 0) - (words[2 * from]! >>> 0))
  );
}

/** A reader of one column's cells by row; null where there is no value. */
export function cellReader(column: Column | null): (row: number) => Cell {
  if (column === null) return () => null;
  const read = valueReader(column);
  const { present } = column;
  return present === null ? read : (row) => (present[row] === 0 ? null : read(row));
}

function valueReader(column: Column): (row: number) => Cell {
  switch (column.type) {
    case FieldType.Integer:
    case FieldType.Unsigned: {
      const { values } = column;
      const words = wordsOf(values);
      return (row) => integerAt(values, words, row);
    }
    case FieldType.Boolean: {
      const { values } = column;
      return (row) => values[row] !== 0;
    }
    default: {
      const { values } = column;
      return (row) => values[row]!;
    }
  }
}

/** A cell as another number type, as `field::integer` asks: floats lose their fraction, out of range is no value. */
export function castCell(cell: Cell, from: FieldType, to: FieldType): Cell {
  if (cell === null || from === to) return cell;
  const isWhole = (type: FieldType) => type === FieldType.Integer || type === FieldType.Unsigned;
  if (to === FieldType.Float && isWhole(from)) return Number(cell);
  if (!isWhole(to)) return null;
  if (isWhole(from)) return to === FieldType.Unsigned && (cell as number | bigint) < 0 ? null : cell;
  if (typeof cell !== "number" || !Number.isFinite(cell)) return null;
  const whole = BigInt(Math.trunc(cell));
  const stays = to === FieldType.Unsigned ? BigInt.asUintN(64, whole) : BigInt.asIntN(64, whole);
  return stays === whole ? integerCell(whole) : null;
}
