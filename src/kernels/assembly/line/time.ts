// The third section of a line: nothing, or an integer in the units of the request's precision.
import { countDigits, firstDigits, integerPower, lessZeros } from "../number";
import { BAD_TIMESTAMP, fail, failAt, INVALID_POINT, TIME_RANGE, TIMESTAMP_OVERFLOW, TIMESTAMP_SYNTAX } from "./reason";
import { atLineEnd, MINUS, SPACE } from "./text";
import { overflow, parseMagnitude } from "./value";

const MAX_TIME: i64 = 9223372036854775806;

/** The time of the line, ns. Valid when `parseTime` did not return 0. */
export let time: i64 = 0;

/**
 * Parses the timestamp at `start` (which is not the line's end) and what follows it to the line's end, which it
 * returns.
 * @param unit ns in a unit of the timestamp
 */
export function parseTime(start: usize, unit: i64): usize {
  const negative = load<u8>(start) == MINUS;
  const first = start + <usize>negative;
  let p = first;
  let value: u64 = 0;
  let count: u32 = 0;
  do {
    const digits = lessZeros(p);
    count = countDigits(digits);
    if (count == 0) break;
    value = value * integerPower(count) + firstDigits(digits, count);
    p += count;
  } while (count == 8);
  if (load<u8>(p) != SPACE && !atLineEnd(p)) return fail(BAD_TIMESTAMP);
  if (p == first) return failAt(TIMESTAMP_SYNTAX, start, p);
  const limit: u64 = negative ? 0x8000000000000000 : 0x7fffffffffffffff;
  if (p - first > 18) {
    value = parseMagnitude(first, p, limit);
    if (overflow) return failAt(TIMESTAMP_OVERFLOW, start, p);
  }
  if (value > <u64>(MAX_TIME / unit)) return fail(TIME_RANGE);
  time = (negative ? -<i64>value : <i64>value) * unit;
  while (load<u8>(p) == SPACE) p++;
  return atLineEnd(p) ? p : fail(INVALID_POINT);
}
