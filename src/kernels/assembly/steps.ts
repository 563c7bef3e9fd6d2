// Sums over the steps of a page (`steps`, i16): of a run of them, and of all the distances that such a run goes through.
//
// Of eight steps a..h the sums a, a+b, ... add up to 8a + 7b + ... + h, eight times the sum before them not counted: one
// multiply-add a vector, and what came before as lanes of its own, which nothing waits for.
import { steps } from "./workspace";

// rows of which lanes of 32 bits hold everything: 2 * 4,096 * 512 * 512 / 2 < 2^31
const BLOCK: u32 = 4096;

/** Sum of the steps of the rows [from, to). */
export function sumOfSteps(from: u32, to: u32): i64 {
  const ones = i16x8.splat(1);
  const end = steps + (<usize>to << 1);
  let at = steps + (<usize>from << 1);
  let sums = i32x4.splat(0);
  for (; at + 16 <= end; at += 16) sums = i32x4.add(sums, i32x4.dot_i16x8_s(v128.load(at), ones));
  let sum = across(sums);
  for (; at < end; at += 2) sum += load<i16>(at);
  return sum;
}

/** Of the rows [from, to) the sum of distances from row `from`: 0 for itself. `distance` is then that of row `to`. */
export function sumOfDistances(from: u32, to: u32): i64 {
  distance = 0;
  let sum: i64 = 0;
  for (; from < to; from += BLOCK) sum += sumOfBlock(from, min(from + BLOCK, to));
  return sum;
}

export let distance: i64 = 0;

function sumOfBlock(from: u32, to: u32): i64 {
  // row r stands before its own step: of eight rows the first step counts seven times
  const weights = i16x8(7, 6, 5, 4, 3, 2, 1, 0);
  const ones = i16x8.splat(1);
  const end = steps + (<usize>to << 1);
  let at = steps + (<usize>from << 1);
  let within = i32x4.splat(0), before = within, reached = within;
  for (; at + 16 <= end; at += 16) {
    const x = v128.load(at);
    within = i32x4.add(within, i32x4.dot_i16x8_s(x, weights));
    before = i32x4.add(before, reached);
    reached = i32x4.add(reached, i32x4.dot_i16x8_s(x, ones));
  }
  let sum = across(within) + (across(before) << 3) + distance * <i64>(to - from);
  let here = across(reached);
  for (; at < end; at += 2) {
    sum += here;
    here += load<i16>(at);
  }
  distance += here;
  return sum;
}

// @ts-ignore: decorator
@inline function across(lanes: v128): i64 {
  const pairs = i64x2.add(i64x2.extend_low_i32x4_s(lanes), i64x2.extend_high_i32x4_s(lanes));
  return i64x2.extract_lane(pairs, 0) + i64x2.extract_lane(pairs, 1);
}
