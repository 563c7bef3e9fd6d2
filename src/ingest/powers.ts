// The table of 128-bit powers of five that exact float parsing needs (kernels/assembly/number.ts), worked out,
// not copied.
//
// Entry q, for q from -342 to 308: the 128 leading bits of 5^q, rounded down; up for q of -27 to -1 (Lemire,
// Number parsing at a gigabyte per second, 2021, section 5).
import type { Kernels } from "../kernels/kernels.ts";

const MIN_POWER = -342;
const MAX_POWER = 308;
const done = new WeakSet<Kernels>();

/** Fills the table, once per instance of the kernels (about a millisecond). */
export function loadPowersOfFive(kernels: Kernels): void {
  if (done.has(kernels)) return;
  done.add(kernels);
  const table = new BigUint64Array(
    kernels.buffer,
    kernels.call.powersOfFive(),
    2 * (MAX_POWER - MIN_POWER + 1),
  );
  let power = 1n;
  for (let q = 0; q <= MAX_POWER; q++, power *= 5n) put(table, q, leading128(power));
  power = 5n;
  for (let q = -1; q >= MIN_POWER; q--, power *= 5n) {
    const bits = BigInt(power.toString(2).length);
    // down to 5^-27 products of 64 and 128 bits can be exact ties, which only show when the power is rounded up
    const reciprocal = q >= -27 ? (1n << (bits + 127n)) / power + 1n : (1n << (2n * bits + 128n)) / power;
    put(table, q, leading128(reciprocal));
  }
}

function put(table: BigUint64Array, q: number, value: bigint): void {
  table[2 * (q - MIN_POWER)] = value >> 64n;
  table[2 * (q - MIN_POWER) + 1] = value & 0xffff_ffff_ffff_ffffn;
}

function leading128(value: bigint): bigint {
  const bits = value.toString(2).length;
  return bits <= 128 ? value << BigInt(128 - bits) : value >> BigInt(bits - 128);
}
