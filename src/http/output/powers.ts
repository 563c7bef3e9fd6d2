// Powers of ten for the printing of doubles (kernels/assembly/shortest.ts), computed once per linear memory.
import type { Kernels } from "../../kernels/kernels.ts";

const FIRST = -292;
const LAST = 324;
const done = new WeakSet<Kernels>();

/** Fills the table, once per instance of the kernels (a few milliseconds): without it no double may be printed. */
export function loadPowersOfTen(kernels: Kernels): void {
  if (done.has(kernels)) return;
  done.add(kernels);
  const table = new BigUint64Array(kernels.buffer, kernels.call.powersOfTen(), (LAST - FIRST + 1) * 2);
  for (let power = FIRST; power <= LAST; power++) {
    const bits = upperBits(power);
    table[(power - FIRST) * 2] = bits >> 64n;
    table[(power - FIRST) * 2 + 1] = BigInt.asUintN(64, bits);
  }
}

/** 128 bits of 10^power, from the highest that is set, rounded up. */
function upperBits(power: number): bigint {
  const size = 10n ** BigInt(Math.abs(power));
  const length = size.toString(16).length * 4; // of what is not less than the bits of it
  if (power < 0) return rounded(1n << BigInt(length + 128), size);
  return rounded(size << 128n, 1n);
}

function rounded(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const spare = BigInt(quotient.toString(2).length - 128);
  const bits = quotient >> spare;
  return (bits << spare) * divisor === dividend ? bits : bits + 1n;
}
