// Statistics of one column page: what answers a covered window without decoding the page.
//
// One pass, plain left-to-right order, so that a float sum is bit for bit what a loop over the rows would give.

const FLOAT: u32 = 1;
const UNSIGNED: u32 = 3;

@inline function has(present: usize, row: u32): bool {
  return present == 0 || load<u8>(present + row) != 0;
}

/**
 * Statistics of `rowCount` values of 8 bytes; `present` is one byte a row, or 0 when every row has a value.
 * Writes 48 bytes at `out`: u32 count of values, u32 usable (0: no value, or a NaN among them), then min, max,
 * sum, first and last, each 8 bytes of the column's type (integer sums wrap around; 0 when not usable).
 */
export function pageStats(type: u32, values: usize, present: usize, rowCount: u32, out: usize): void {
  if (type == FLOAT) floatStats(values, present, rowCount, out);
  else integerStats(type == UNSIGNED, values, present, rowCount, out);
}

function floatStats(values: usize, present: usize, rowCount: u32, out: usize): void {
  let count: u32 = 0;
  let low: f64 = 0;
  let high: f64 = 0;
  let sum: f64 = 0;
  let first: f64 = 0;
  let last: f64 = 0;
  let ordered = true;
  for (let row: u32 = 0; row < rowCount; row++) {
    if (!has(present, row)) continue;
    const value = load<f64>(values + (<usize>row << 3));
    if (count == 0) {
      low = high = sum = first = value;
    } else {
      if (value < low) low = value;
      if (value > high) high = value;
      sum += value;
    }
    if (value != value) ordered = false;
    last = value;
    count++;
  }
  const usable = ordered && count > 0;
  store<u32>(out, count);
  store<u32>(out, usable ? 1 : 0, 4);
  store<f64>(out, usable ? low : 0, 8);
  store<f64>(out, usable ? high : 0, 16);
  store<f64>(out, usable ? sum : 0, 24);
  store<f64>(out, usable ? first : 0, 32);
  store<f64>(out, usable ? last : 0, 40);
}

// Unsigned values order like signed ones once the top bit is flipped; sums wrap the same way for both.
function integerStats(unsigned: bool, values: usize, present: usize, rowCount: u32, out: usize): void {
  const flip: i64 = unsigned ? i64.MIN_VALUE : 0;
  let count: u32 = 0;
  let low: i64 = i64.MAX_VALUE;
  let high: i64 = i64.MIN_VALUE;
  let sum: i64 = 0;
  let first: i64 = 0;
  let last: i64 = 0;
  for (let row: u32 = 0; row < rowCount; row++) {
    if (!has(present, row)) continue;
    const value = load<i64>(values + (<usize>row << 3));
    low = min(low, value ^ flip);
    high = max(high, value ^ flip);
    sum += value;
    if (count == 0) first = value;
    last = value;
    count++;
  }
  store<u32>(out, count);
  store<u32>(out, count > 0 ? 1 : 0, 4);
  store<i64>(out, count > 0 ? low ^ flip : 0, 8);
  store<i64>(out, count > 0 ? high ^ flip : 0, 16);
  store<i64>(out, sum, 24);
  store<i64>(out, first, 32);
  store<i64>(out, last, 40);
}

/** Values among `rowCount` rows: the rows whose byte in `present` (not 0) is set. */
export function presentCount(present: usize, rowCount: u32): u32 {
  let count: u32 = 0;
  for (let row: u32 = 0; row < rowCount; row++) count += load<u8>(present + row) != 0 ? 1 : 0;
  return count;
}

/** Writes the smallest and the largest of `rowCount` (> 0) int64 times at `out`, 16 bytes. */
export function timeBounds(times: usize, rowCount: u32, out: usize): void {
  let low = load<i64>(times);
  let high = low;
  for (let row: u32 = 1; row < rowCount; row++) {
    const time = load<i64>(times + (<usize>row << 3));
    low = min(low, time);
    high = max(high, time);
  }
  store<i64>(out, low);
  store<i64>(out, high, 8);
}
