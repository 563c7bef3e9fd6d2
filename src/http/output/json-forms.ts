// Forms of rows: what the rows of a block have in common (its tags, the commas, the closing bracket), as the pieces between their
// values, where the kernel copies them from (kernels/assembly/json.ts draws a form).
import type { Kernels, Pointer } from "../../kernels/kernels.ts";
import type { ColumnarRows } from "../../query/columnar.ts";
import { piecesOf } from "./json-pieces.ts";

const AREA_BYTES = 64 * 1024;

const utf8 = new TextEncoder();

export class JsonForms {
  readonly #kernels: Kernels;
  #pointers: Pointer[] = [];
  #sizes: number[] = [];
  readonly #areas: Pointer[] = [];
  /** Where the next form goes, and where its area ends. */
  #at: Pointer = 0;
  #end: Pointer = 0;

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  /** Forgets the forms: other blocks come. */
  clear(): void {
    this.#pointers = [];
    this.#sizes = [];
    // what a long series needed goes; one area is kept for the next
    while (this.#areas.length > 1) this.#kernels.free(this.#areas.pop()!);
    const area = this.#areas[0];
    if (area === undefined) return;
    this.#at = area;
    this.#end = area + (this.#kernels.call.areaSize(area) >>> 0);
  }

  close(): void {
    for (const area of this.#areas) this.#kernels.free(area);
    this.#areas.length = 0;
  }

  /** Makes the form of a block unless it is there. Gives its size in bytes. */
  make({ blocks, cells }: ColumnarRows, block: number): number {
    let size = this.#sizes[block];
    if (size === undefined) {
      size = this.#make(block, piecesOf(blocks[block]!.series, cells).texts);
      this.#sizes[block] = size;
    }
    return size;
  }

  /** Of a form that was made. */
  pointer(block: number): Pointer {
    return this.#pointers[block]!;
  }

  #make(block: number, pieces: readonly string[]): number {
    let mostBytes = pieces.length * 4 + 8;
    for (const piece of pieces) mostBytes += piece.length * 3;
    this.#reserve(mostBytes);
    const start = (this.#at + 7) & ~7;
    const { bytes, words } = this.#kernels;
    const lengths = start >>> 2;
    let at = (start >>> 0) + pieces.length * 4;
    for (let p = 0; p < pieces.length; p++) {
      const piece = pieces[p]!;
      if (piece.length === 1) {
        bytes[at] = piece.charCodeAt(0);
        words[lengths + p] = 1;
      } else words[lengths + p] = utf8.encodeInto(piece, bytes.subarray(at, at + piece.length * 3)).written;
      at += words[lengths + p]!;
    }
    this.#pointers[block] = start >>> 0;
    this.#at = at;
    return at - (start >>> 0);
  }

  #reserve(sizeBytes: number): void {
    if (this.#areas.length > 0 && this.#at + sizeBytes <= this.#end) return;
    const area = this.#kernels.alloc(Math.max(AREA_BYTES, sizeBytes));
    this.#areas.push(area);
    this.#at = area;
    this.#end = area + (this.#kernels.call.areaSize(area) >>> 0);
  }
}
