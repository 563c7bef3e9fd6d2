// The last resort of number parsing: which of two neighbouring doubles is nearer to a decimal number of any
// length, by comparing the number with the point half way between them in big integers (Clinger 1990,
// AlgorithmM's comparison).
//
// number = N x 10^e, half way = M x 2^k; negative powers go to the other side, so both sides are integers. A
// point half way between two doubles has at most 768 significant digits, so digits after the 800th only matter
// as "there is one".

const LIMBS: u32 = 320; // 10,240 bits: 800 digits (2,658 bits) x 5^1145 (2,659 bits) x 2^1075 leave room
const MAX_DIGITS: u32 = 800;

// a big integer: u32 count of limbs, then the limbs, least first
const left: usize = memory.data(4 + 320 * 4, 8);
const right: usize = memory.data(4 + 320 * 4, 8);

/**
 * @param start, end the digits (with at most one `.`), more than 19 of them significant
 * @param exponent such that the first 19 significant digits x 10^exponent is the number, rounded down
 * @param below the double that the rounded-down number gives; the answer is this one or the next above it
 */
export function roundDecimal(start: usize, end: usize, exponent: i32, below: f64): f64 {
  clear(left);
  let digits: u32 = 0;
  let more = false;
  let chunk: u32 = 0;
  let chunkPower: u32 = 1;
  for (let p = start; p < end; p++) {
    const digit = <u32>load<u8>(p) - 0x30;
    if (digit > 9 || (digits == 0 && digit == 0)) continue;
    if (digits == MAX_DIGITS) {
      if (digit != 0) more = true;
      continue;
    }
    digits++;
    chunk = chunk * 10 + digit;
    chunkPower *= 10;
    if (chunkPower == 1_000_000_000) {
      multiplyAdd(left, chunkPower, chunk);
      chunk = 0;
      chunkPower = 1;
    }
  }
  multiplyAdd(left, chunkPower, chunk);
  const decimalExponent = exponent + 19 - <i32>digits;

  // below = m x 2^k; half way to the next double is (2m + 1) x 2^(k - 1)
  const bits = reinterpret<u64>(below);
  const biased = <i32>(bits >> 52);
  const m = biased == 0 ? bits : (bits & ((1 << 52) - 1)) | (1 << 52);
  const half = (m << 1) + 1;
  clear(right);
  multiplyAdd(right, 1, <u32>(half >> 32));
  shiftLeft(right, 32);
  multiplyAdd(right, 1, <u32>half);
  const twos = max(biased, 1) - 1075 - 1 - decimalExponent; // power of two that belongs to the right side
  if (decimalExponent >= 0) multiplyPowerOfFive(left, decimalExponent);
  else multiplyPowerOfFive(right, -decimalExponent);
  if (twos >= 0) shiftLeft(right, twos);
  else shiftLeft(left, -twos);

  const order = compare(left, right);
  const up = order > 0 || (order == 0 && (more || (m & 1) == 1));
  return reinterpret<f64>(bits + (up ? 1 : 0));
}

@inline function clear(big: usize): void {
  store<u32>(big, 0);
}

/** big = big x factor + addend */
function multiplyAdd(big: usize, factor: u32, addend: u32): void {
  const count = load<u32>(big);
  let carry: u64 = addend;
  for (let i: u32 = 0; i < count; i++) {
    const limb = big + 4 + (i << 2);
    carry += <u64>load<u32>(limb) * factor;
    store<u32>(limb, <u32>carry);
    carry >>= 32;
  }
  if (carry != 0) {
    if (count == LIMBS) unreachable();
    store<u32>(big + 4 + (count << 2), <u32>carry);
    store<u32>(big, count + 1);
  }
}

function multiplyPowerOfFive(big: usize, power: i32): void {
  let rest = power;
  for (; rest >= 13; rest -= 13) multiplyAdd(big, 1220703125, 0);
  let factor: u32 = 1;
  for (; rest > 0; rest--) factor *= 5;
  multiplyAdd(big, factor, 0);
}

function shiftLeft(big: usize, bits: u32): void {
  const count = load<u32>(big);
  const limbs = bits >> 5;
  if (count == 0) return;
  if (count + limbs > LIMBS) unreachable();
  memory.copy(big + 4 + (limbs << 2), big + 4, count << 2);
  memory.fill(big + 4, 0, limbs << 2);
  store<u32>(big, count + limbs);
  multiplyAdd(big, 1 << (bits & 31), 0);
}

function compare(a: usize, b: usize): i32 {
  const count = load<u32>(a);
  if (count != load<u32>(b)) return count > load<u32>(b) ? 1 : -1;
  for (let i = count; i > 0; i--) {
    const x = load<u32>(a + (i << 2));
    const y = load<u32>(b + (i << 2));
    if (x != y) return x > y ? 1 : -1;
  }
  return 0;
}
