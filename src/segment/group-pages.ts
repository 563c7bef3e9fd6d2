// Group pages: pages of a row group copied from the mapped file into linear memory, neighbours in one copy.
//
//     neighbours  [field 3 | field 4 | field 5]     loaded at once; they stand until others are
//     alone       [times]                           a page that is not among them, until the next such one
//
// One buffer serves one reader at a time.
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";

export class GroupPages {
  readonly #neighbours: Copied;
  readonly #alone: Copied;

  constructor(kernels: Kernels) {
    this.#neighbours = new Copied(kernels);
    this.#alone = new Copied(kernels);
  }

  /** Copies the bytes [start, end) of `file`: pages side by side. */
  load(file: Uint8Array, start: number, end: number): void {
    this.#neighbours.load(file, start, end);
  }

  /** Where the page of the bytes [start, end) of `file` stands. */
  page(file: Uint8Array, start: number, end: number): Pointer {
    return (
      this.#neighbours.find(file, start, end) ||
      this.#alone.find(file, start, end) ||
      this.#alone.load(file, start, end)
    );
  }

  release(): void {
    this.#neighbours.release();
    this.#alone.release();
  }
}

/** Bytes of a file in linear memory. */
class Copied {
  readonly #kernels: Kernels;
  readonly #scratch: Scratch;
  #file: Uint8Array | undefined;
  #start = 0;
  #end = 0;
  #at: Pointer = 0;

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.#scratch = new Scratch(kernels);
  }

  /** Where the bytes [start, end) of `file` stand; 0: they are not among these. */
  find(file: Uint8Array, start: number, end: number): Pointer {
    return this.#file === file && start >= this.#start && end <= this.#end
      ? this.#at + (start - this.#start)
      : 0;
  }

  load(file: Uint8Array, start: number, end: number): Pointer {
    this.#at = this.#scratch.reserve(end - start);
    this.#kernels.put(this.#at, file.subarray(start, end));
    this.#file = file;
    this.#start = start;
    this.#end = end;
    return this.#at;
  }

  release(): void {
    this.#file = undefined;
    this.#scratch.release();
  }
}
