// Pieces of a table's file in linear memory: those that nearly touch are copied at once.
//
//     file    [a][b]  .  [c]  ...........  [d][e]
//     copied  [a  b   .   c]   [d  e]
import type { Pointer } from "../kernels/kernels.ts";
import type { TableReader } from "./table-reader.ts";

export class FilePieces {
  /** Of what lies between two pieces so many bytes are copied, too: that takes less time than another copy. */
  readonly #nearBytes: number;
  #table: TableReader | undefined;
  /** Where the next copy begins. */
  #next: Pointer = 0;
  /** What is to be copied there. */
  #start = 0;
  #end = 0;

  constructor(nearBytes: number) {
    this.#nearBytes = nearBytes;
  }

  /** Room for so many pieces of so many bytes together. */
  room(count: number, sizeBytes: number): number {
    return sizeBytes + count * this.#nearBytes;
  }

  /** Pieces of a table's file from now on, which stand at `at`. */
  begin(table: TableReader, at: Pointer): void {
    this.#table = table;
    this.#next = at;
    this.#start = this.#end = 0;
  }

  /** Where the bytes [start, end) of the file will stand after `end`. */
  place(start: number, end: number): Pointer {
    if (start < this.#end || start > this.#end + this.#nearBytes) {
      this.end();
      this.#start = start;
    }
    this.#end = end;
    return this.#next + (start - this.#start);
  }

  /** What was placed stands in its place. */
  end(): void {
    if (this.#end > this.#start) this.#table!.copy(this.#start, this.#end, this.#next);
    this.#next += this.#end - this.#start;
    this.#start = this.#end = 0;
  }
}
