// WriteBatches cut by the owners of their series' partitions: what a thread parsed goes to the threads that have the stores.
import { type Kernels, type Pointer, Scratch } from "./kernels.ts";

/** What `work` and `target` need beyond the batch's own size (assembly/split.ts). */
const SLACK_BYTES = 64;

export class BatchSplitter {
  readonly #kernels: Kernels;
  readonly #scratch: Scratch;
  readonly #owners: Uint8Array;
  readonly #ownerCount: number;

  /** `owners`: of each partition, 0 to 255. */
  constructor(kernels: Kernels, owners: Uint8Array) {
    this.#kernels = kernels;
    this.#scratch = new Scratch(kernels);
    this.#owners = owners;
    this.#ownerCount = Math.max(...owners) + 1;
  }

  /** How many rows of the batch at `batch` each owner has. */
  rowsOf(batch: Pointer, sizeBytes: number): Uint32Array {
    const kernels = this.#kernels;
    const { owners, rows, work } = this.#reserve(sizeBytes, 0);
    kernels.u32(rows, this.#ownerCount).fill(0);
    kernels.call.batchOwners(batch, owners, this.#owners.length, work, rows);
    return kernels.u32(rows, this.#ownerCount).slice();
  }

  /** The part of one owner: a view that is valid until the next call, and until linear memory grows. */
  part(batch: Pointer, sizeBytes: number, owner: number): Uint8Array {
    const { owners, work, target } = this.#reserve(sizeBytes, sizeBytes + SLACK_BYTES);
    return this.#kernels.view(target, this.#write(batch, owners, owner, work, target));
  }

  /** The part of one owner, in an area of its own, which is the caller's to free. */
  ownPart(batch: Pointer, sizeBytes: number, owner: number): { pointer: Pointer; sizeBytes: number } {
    const { owners, work } = this.#reserve(sizeBytes, 0);
    const pointer = this.#kernels.alloc(sizeBytes + SLACK_BYTES);
    return { pointer, sizeBytes: this.#write(batch, owners, owner, work, pointer) };
  }

  #write(batch: Pointer, owners: Pointer, owner: number, work: Pointer, target: Pointer): number {
    return this.#kernels.call.batchPart(batch, owners, this.#owners.length, owner, work, target) >>> 0;
  }

  close(): void {
    this.#scratch.release();
  }

  #reserve(sizeBytes: number, targetBytes: number) {
    const ownersBytes = (this.#owners.length + 7) & ~7;
    const rowsBytes = this.#ownerCount * 8;
    const workBytes = sizeBytes + SLACK_BYTES;
    const owners = this.#scratch.reserve(ownersBytes + rowsBytes + workBytes + targetBytes);
    this.#kernels.put(owners, this.#owners);
    const rows = owners + ownersBytes;
    return { owners, rows, work: rows + rowsBytes, target: rows + rowsBytes + workBytes };
  }
}
