// Where pages wait in linear memory until a write to the file is worth its system call.
//
// Pages are encoded in place, one behind the other: `room` promises space behind the last page, `take` keeps what was
// written there. What is not taken is scratch, overwritten by the next page.
import type { DiskFile } from "../disk/disk.ts";
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";

const BUFFER_BYTES = 1024 * 1024;

export class PageBuffer {
  readonly #kernels: Kernels;
  readonly #area: Scratch;
  #start: Pointer;
  #sizeBytes = BUFFER_BYTES;
  #usedBytes = 0;

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.#area = new Scratch(kernels);
    this.#start = this.#area.reserve(BUFFER_BYTES);
  }

  /** Bytes of pages that are not in the file yet. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Space for `sizeBytes`, at any alignment, until the next call; may write the waiting pages to the file. */
  room(sizeBytes: number, file: DiskFile): Pointer {
    if (this.#usedBytes + sizeBytes > this.#sizeBytes) this.flush(file);
    if (sizeBytes > this.#sizeBytes) {
      this.#sizeBytes = sizeBytes;
      this.#start = this.#area.reserve(sizeBytes);
    }
    return this.#start + this.#usedBytes;
  }

  /** Where the last room ends, at least: pages may be encoded one behind the other up to here. */
  get end(): Pointer {
    return this.#start + this.#sizeBytes;
  }

  /** Keeps the first `sizeBytes` of the last room. */
  take(sizeBytes: number): void {
    this.#usedBytes += sizeBytes;
  }

  flush(file: DiskFile): void {
    if (this.#usedBytes === 0) return;
    file.append(this.#kernels.view(this.#start, this.#usedBytes));
    this.#usedBytes = 0;
  }

  release(): void {
    this.#area.release();
  }
}
