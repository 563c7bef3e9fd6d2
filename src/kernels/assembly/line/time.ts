// The third section of a line: nothing, or an integer in the units of the request's precision.
import { countDigits, firstDigits, integerPower, lessZeros } from "../number";
import { BAD_TIMESTAMP, fail, failAt, INVALID_POINT, TIME_RANGE, TIMESTAMP_OVERFLOW, TIMESTAMP_SYNTAX } from "./reason";
import { atLineEnd, MINUS, SPACE } from "./text";
import { overflow, parseMagnitude } from "./value";

const MAX_TIME: i64 = 9223372036854775806;

/** The time of the line, ns. Valid when `parseTime` did not return 0. */
export let time: i64 = 0;

// The last timestamp of 16 characters or more that ended its line: lines of one scrape have it in common.
let lastText: usize = 0;
let lastBytes: usize = 0;
let lastTime: i64 = 0;

/** Before the first line of a body: there is no timestamp yet. */
export function initTime(): void {
  lastBytes = 0;
}

/**
 * Parses the timestamp at `start` (which is not the line's end) and what follows it to the line's end, which it
 * returns.
 * @param unit ns in a unit of the timestamp
 */
export function parseTime(start: usize, unit: i64): usize {
  if (lastBytes != 0 && sameAsLast(start) && atLineEnd(start + lastBytes)) {
    time = lastTime;
    return start + lastBytes;
  }
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
  // up to 19 digits fit 64 bits
  if (p - first > 19) {
    value = parseMagnitude(first, p, limit);
    if (overflow) return failAt(TIMESTAMP_OVERFLOW, start, p);
  } else if (value > limit) return failAt(TIMESTAMP_OVERFLOW, start, p);
  if (value > <u64>(MAX_TIME / unit)) return fail(TIME_RANGE);
  time = (negative ? -<i64>value : <i64>value) * unit;
  if (atLineEnd(p)) {
    if (p - start >= 16 && p - start <= 32) {
      lastText = start;
      lastBytes = p - start;
      lastTime = time;
    }
    return p;
  }
  while (load<u8>(p) == SPACE) p++;
  return atLineEnd(p) ? p : fail(INVALID_POINT);
}

// Two loads that overlap cover 16 to 32 characters (a longer timestamp has leading zeros, and is not kept).
@inline function sameAsLast(start: usize): bool {
  const tail = lastBytes - 16;
  const difference = v128.or(
    v128.xor(v128.load(start), v128.load(lastText)),
    v128.xor(v128.load(start + tail), v128.load(lastText + tail)),
  );
  return !v128.any_true(difference);
}
