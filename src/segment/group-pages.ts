// Group pages: pages of a row group copied from the mapped file into linear memory, neighbours in one copy.
//
// One buffer serves one reader at a time: a page's pointer is valid until another group is asked for.
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";

export class GroupPages {
  readonly #kernels: Kernels;
  readonly #scratch: Scratch;
  #owner: object | undefined;
  #start = 0;
  #end = 0;
  #at: Pointer = 0;

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.#scratch = new Scratch(kernels);
  }

  /** Where the bytes [start, end) of `file` stand, if they were loaded last; 0 otherwise. */
  find(file: Uint8Array, start: number, end: number): Pointer {
    return this.#owner === file && start >= this.#start && end <= this.#end
      ? this.#at + (start - this.#start)
      : 0;
  }

  /** Copies the bytes [start, end) of `file`; gives where they stand now. */
  load(file: Uint8Array, start: number, end: number): Pointer {
    this.#at = this.#scratch.reserve(end - start);
    this.#kernels.put(this.#at, file.subarray(start, end));
    this.#owner = file;
    this.#start = start;
    this.#end = end;
    return this.#at;
  }

  release(): void {
    this.#owner = undefined;
    this.#scratch.release();
  }
}
