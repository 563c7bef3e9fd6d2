// Pieces of a table's file in linear memory: those that nearly touch are copied at once.
//
//     file    [a][b]  .  [c]  ...........  [d][e]
//     copied  [a  b   .   c]   [d  e]
import type { Pointer } from "../kernels/kernels.ts";
import type { TableReader } from "./table-reader.ts";

/** Between two pieces: to copy so many bytes more takes less time than another copy. */
const NEAR_BYTES = 512;

export class FilePieces {
  #table: TableReader | undefined;
  /** Where the next copy begins. */
  #next: Pointer = 0;
  /** What is to be copied there. */
  #start = 0;
  #end = 0;

  /** Pieces of a table's file from now on, in `room` (see `piecesBytes`). */
  begin(table: TableReader, room: Pointer): void {
    this.#table = table;
    this.#next = room;
    this.#start = this.#end = 0;
  }

  /** Where the bytes [start, end) of the file will stand after `end`. */
  place(start: number, end: number): Pointer {
    if (start < this.#end || start > this.#end + NEAR_BYTES) {
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

/** Room for so many pieces of so many bytes together. */
export const piecesBytes = (count: number, sizeBytes: number): number => sizeBytes + count * NEAR_BYTES;
