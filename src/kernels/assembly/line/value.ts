// The value of a field off the fast path (fields.ts): strings, booleans, numbers of unusual form, and what is
// wrong with the rest.
//
// Each function takes the start of the value and returns its end, 0 with the reason when there is no value;
// what it is stands in `valueType` and `valueBits`.
import { parseDecimal } from "../number";
import {
  fail, failAt, INTEGER_RANGE, INVALID_BOOLEAN, INVALID_FIELD_FORMAT, INVALID_FLOAT, INVALID_NUMBER,
  MISSING_FIELD_VALUE, UNBALANCED_QUOTES, UNSIGNED_RANGE, UNSIGNED_SIGN,
} from "./reason";
import { BOOLEAN, ESCAPED, FLOAT, INTEGER, STRING, UNSIGNED } from "./rows";
import { atLineEnd, BACKSLASH, bodyEnd, COMMA, DOT, MINUS, QUOTE, SPACE } from "./text";

export let valueType: u32 = 0;
/** f64 bits, i64, u64, 0 or 1; of a string the pointer (low) and length | ESCAPED (high half) of its raw bytes. */
export let valueBits: u64 = 0;
/** Length of a string once unescaped. */
export let stringBytes: u32 = 0;

@inline export function atValueEnd(p: usize): bool {
  const c = load<u8>(p);
  return c == COMMA || c == SPACE || atLineEnd(p);
}

export function rareValue(start: usize): usize {
  const c = load<u8>(start);
  if (atValueEnd(start)) return fail(MISSING_FIELD_VALUE);
  if (c == QUOTE) return parseString(start);
  if (isNumeric(c) || c == MINUS || (c | 0x20) == 0x6e) return parseNumber(start);
  return parseBoolean(start);
}

@inline function isNumeric(c: u8): bool {
  return <u32>c - 0x30 <= 9 || c == DOT;
}

function parseString(start: usize): usize {
  const quotes = i8x16.splat(QUOTE);
  const backslashes = i8x16.splat(BACKSLASH);
  const first = start + 1;
  let escapes: u32 = 0;
  let p = first;
  while (p < bodyEnd) {
    const bytes = v128.load(p);
    const found = i8x16.bitmask(v128.or(i8x16.eq(bytes, quotes), i8x16.eq(bytes, backslashes)));
    if (found == 0) {
      p += 16;
      continue;
    }
    p += ctz(found);
    if (p >= bodyEnd) break;
    if (load<u8>(p) == BACKSLASH) {
      const next = load<u8>(p + 1);
      if (next == QUOTE || next == BACKSLASH) escapes++;
      p += 2;
      continue;
    }
    if (!atValueEnd(p + 1)) return fail(INVALID_FIELD_FORMAT);
    const rawBytes = <u32>(p - first);
    valueType = STRING;
    valueBits = <u64>first | (<u64>(rawBytes | (escapes != 0 ? ESCAPED : 0)) << 32);
    stringBytes = rawBytes - escapes;
    return p + 1;
  }
  return fail(UNBALANCED_QUOTES);
}

/** `t T true True TRUE f F false False FALSE` */
function parseBoolean(start: usize): usize {
  const c = load<u8>(start);
  const truth = (c | 0x20) == 0x74;
  if (!truth && (c | 0x20) != 0x66) return fail(INVALID_BOOLEAN);
  let end = start + 1;
  if (!atValueEnd(end)) {
    end = start + (truth ? 4 : 5);
    // the rest in small letters, or all of it in capitals; no byte here is a line's end, so reading on is safe
    const capital = load<u8>(start + 1) < 0x61;
    if (capital && c >= 0x61) return fail(INVALID_BOOLEAN);
    const rest = load<u32>(start + 1) | (capital ? 0x20202020 : 0);
    if (truth ? (rest & 0xffffff) != 0x657572 : rest != 0x65736c61) return fail(INVALID_BOOLEAN);
    for (let p = start + 1; p < end; p++) if (load<u8>(p) < 0x61 != capital) return fail(INVALID_BOOLEAN);
    if (!atValueEnd(end)) return fail(INVALID_BOOLEAN);
  }
  valueType = BOOLEAN;
  valueBits = truth ? 1 : 0;
  return end;
}

/**
 * Any number. First its letters are judged one by one in InfluxDB's order, so that the reasons are the same;
 * then the whole.
 */
function parseNumber(start: usize): usize {
  let suffix: u8 = 0; // i or u
  let point = false;
  let scientific = false;
  let others: u32 = 0; // bytes that are not digits or part of an exponent
  let p = start;
  if (load<u8>(p) == MINUS) {
    p++;
    others++;
  }
  for (; !atValueEnd(p); p++) {
    const c = load<u8>(p);
    if ((c == 0x69 || c == 0x75) && p > start && suffix == 0) {
      suffix = c;
      others++;
    } else if (c == DOT) {
      if (point) return fail(INVALID_NUMBER);
      point = true;
      others++;
    } else if ((c | 0x20) == 0x65 && p > start) {
      scientific = true;
    } else if ((c == 0x2b || c == MINUS) && p > start && (load<u8>(p - 1) | 0x20) == 0x65) {
      continue;
    } else if (<u32>c - 0x30 > 9) return fail(INVALID_NUMBER);
  }
  if (suffix != 0 && (point || scientific || load<u8>(p - 1) != suffix)) return fail(INVALID_NUMBER);
  if (<u32>(p - start) == others) return fail(INVALID_NUMBER);
  if (suffix != 0) return parseWhole(start, p - 1, suffix == 0x75) ? p : 0;
  const negative = load<u8>(start) == MINUS;
  const magnitude = parseDecimal(start + (negative ? 1 : 0), p);
  if (!(magnitude < Infinity)) return fail(INVALID_FLOAT);
  valueType = FLOAT;
  valueBits = reinterpret<u64>(negative ? -magnitude : magnitude);
  return p;
}

/** The digits at [start, end), maybe with a minus in front, as a 64-bit integer. */
function parseWhole(start: usize, end: usize, unsigned: bool): bool {
  const negative = load<u8>(start) == MINUS;
  if (negative && unsigned) return failAt(UNSIGNED_SIGN, start, end) != 0;
  const limit: u64 = unsigned ? 0xffffffffffffffff : negative ? 0x8000000000000000 : 0x7fffffffffffffff;
  const magnitude = parseMagnitude(start + (negative ? 1 : 0), end, limit);
  if (overflow) return failAt(unsigned ? UNSIGNED_RANGE : INTEGER_RANGE, start, end) != 0;
  valueType = unsigned ? UNSIGNED : INTEGER;
  valueBits = negative ? 0 - magnitude : magnitude;
  return true;
}

export let overflow: bool = false;

/** The number that the digits at [start, end) spell; sets `overflow` when it is above `limit`. */
export function parseMagnitude(start: usize, end: usize, limit: u64): u64 {
  let value: u64 = 0;
  overflow = false;
  for (let p = start; p < end; p++) {
    const digit = <u64>load<u8>(p) - 0x30;
    if (value > (limit - digit) / 10) overflow = true;
    value = value * 10 + digit;
  }
  return value;
}
