// Masks: one byte a row, 1 = the row is wanted. Comparing columns makes them, and/or combine them, gather applies them.
//
// A comparison with a row that has no value is 0, whatever the operator.

// operators, in the order of kernels/filter.ts
const EQUAL: u32 = 0;
const UNEQUAL: u32 = 1;
const LESS: u32 = 2;
const LESS_EQUAL: u32 = 3;
const GREATER: u32 = 4;

/** mask[row] = values[row] `operator` constant. `present`: u8[rows] or 0. NaN is unequal to everything, as in IEEE 754. */
export function compareFloat(values: usize, present: usize, rows: u32, operator: u32, constant: f64, mask: usize): void {
  compare<f64>(values, present, rows, operator, constant, mask);
}

export function compareInteger(values: usize, present: usize, rows: u32, operator: u32, constant: i64, mask: usize): void {
  compare<i64>(values, present, rows, operator, constant, mask);
}

export function compareUnsigned(values: usize, present: usize, rows: u32, operator: u32, constant: u64, mask: usize): void {
  compare<u64>(values, present, rows, operator, constant, mask);
}

function compare<T>(values: usize, present: usize, rows: u32, operator: u32, constant: T, mask: usize): void {
  const end = mask + rows;
  let at = mask;
  if (operator == EQUAL) for (; at < end; at++, values += 8) store<u8>(at, u8(load<T>(values) == constant));
  else if (operator == UNEQUAL) for (; at < end; at++, values += 8) store<u8>(at, u8(load<T>(values) != constant));
  else if (operator == LESS) for (; at < end; at++, values += 8) store<u8>(at, u8(load<T>(values) < constant));
  else if (operator == LESS_EQUAL) for (; at < end; at++, values += 8) store<u8>(at, u8(load<T>(values) <= constant));
  else if (operator == GREATER) for (; at < end; at++, values += 8) store<u8>(at, u8(load<T>(values) > constant));
  else for (; at < end; at++, values += 8) store<u8>(at, u8(load<T>(values) >= constant));
  if (present) andMasks(mask, present, rows, mask);
}

/** target = a and b; `target` may be either. */
export function andMasks(a: usize, b: usize, rows: u32, target: usize): void {
  let i: usize = 0;
  for (; i + 16 <= rows; i += 16) v128.store(target + i, v128.and(v128.load(a + i), v128.load(b + i)));
  for (; i < rows; i++) store<u8>(target + i, load<u8>(a + i) & load<u8>(b + i));
}

/** target = a or b; `target` may be either. */
export function orMasks(a: usize, b: usize, rows: u32, target: usize): void {
  let i: usize = 0;
  for (; i + 16 <= rows; i += 16) v128.store(target + i, v128.or(v128.load(a + i), v128.load(b + i)));
  for (; i < rows; i++) store<u8>(target + i, load<u8>(a + i) | load<u8>(b + i));
}

/**
 * Copies the 8-byte values of the rows whose mask is 1, without gaps, to `target` (which may be `values`); returns how many.
 * Writes one slot past them at most, and never past `rows` slots.
 */
export function gather(values: usize, mask: usize, rows: u32, target: usize): u32 {
  let to = target;
  for (let i: usize = 0; i < rows; i++) {
    // always stored, kept only when wanted: no branch to mispredict
    store<u64>(to, load<u64>(values + (i << 3)));
    to += <usize>load<u8>(mask + i) << 3;
  }
  return <u32>((to - target) >> 3);
}

/** `gather` for u8[rows], such as a column's presence. */
export function gatherBytes(bytes: usize, mask: usize, rows: u32, target: usize): u32 {
  let to = target;
  for (let i: usize = 0; i < rows; i++) {
    store<u8>(to, load<u8>(bytes + i));
    to += load<u8>(mask + i);
  }
  return <u32>(to - target);
}

/**
 * mask[row] = no range has the row's time; returns how many rows that are. `times`: i64[rows], ascending; `ranges`: i64 pairs of
 * first and last, inclusive, ascending and apart.
 */
export function maskRanges(times: usize, rows: u32, ranges: usize, rangeCount: u32, mask: usize): u32 {
  const end = ranges + (<usize>rangeCount << 4);
  let kept: u32 = 0;
  for (let i: usize = 0; i < rows; i++) {
    const time = load<i64>(times + (i << 3));
    while (ranges < end && load<i64>(ranges, 8) < time) ranges += 16;
    const outside = u8(ranges == end || time < load<i64>(ranges));
    store<u8>(mask + i, outside);
    kept += outside;
  }
  return kept;
}

/** Takes the values of the rows whose mask is 0 out of a column: their slots are 0 and they are not present. Returns how many are. */
export function maskColumn(mask: usize, rows: u32, values: usize, present: usize): u32 {
  let left: u32 = 0;
  for (let i: usize = 0; i < rows; i++) {
    const keep = load<u8>(mask + i) & load<u8>(present + i);
    store<u8>(present + i, keep);
    // all ones or nothing
    store<u64>(values + (i << 3), load<u64>(values + (i << 3)) & (0 - <u64>keep));
    left += keep;
  }
  return left;
}
