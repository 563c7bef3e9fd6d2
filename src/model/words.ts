// 64-bit integers as words: reading values of an array of them costs no bigint each.

export const TWO_32 = 4_294_967_296;

/** The same memory as words: value i is low word 2i, high word 2i + 1. (Little-endian, as every array here.) */
export function wordsOf(values: BigInt64Array | BigUint64Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length * 2);
}
