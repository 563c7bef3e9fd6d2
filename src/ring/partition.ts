// Which partition a series belongs to: xxHash64 of its key, modulo the partition count of the data directory.
//
// This never changes for a data directory: the vectors in test/ring.test.ts pin it.

/** Above this, the arithmetic on halves would leave the exact integers. */
export const MAX_PARTITIONS = 1 << 20;

/** The partition, 0 to `partitionCount` - 1, of the 64-bit hash `high` * 2^32 + `low` (unsigned halves). */
export function partitionOf(low: number, high: number, partitionCount: number): number {
  // ((high mod P) * (2^32 mod P) + low mod P) mod P: each product stays below 2^40
  return (
    (((high >>> 0) % partitionCount) * (0x1_0000_0000 % partitionCount) + ((low >>> 0) % partitionCount)) %
    partitionCount
  );
}

/** The same for a hash in one piece. */
export function partitionOfHash(hash: bigint, partitionCount: number): number {
  return Number(BigInt.asUintN(64, hash) % BigInt(partitionCount));
}
