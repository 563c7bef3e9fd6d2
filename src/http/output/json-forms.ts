// Forms of rows: what the rows of a block have in common (its tags, the commas, the closing bracket), as the pieces between their
// values, where the kernel copies them from (kernels/assembly/json.ts draws a form).
import type { Kernels, Pointer } from "../../kernels/kernels.ts";
import type { ColumnarRows } from "../../query/columnar.ts";
import { type Pieces, piecesOf } from "./json-pieces.ts";

const AREA_BYTES = 64 * 1024;

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
      size = this.#make(block, piecesOf(blocks[block]!.series, cells));
      this.#sizes[block] = size;
    }
    return size;
  }

  /** Of a form that was made. */
  pointer(block: number): Pointer {
    return this.#pointers[block]!;
  }

  #make(block: number, { lengths, bytes }: Pieces): number {
    const sizeBytes = lengths.length * 4 + bytes.length;
    this.#reserve(sizeBytes + 8);
    const start = ((this.#at + 7) & ~7) >>> 0;
    const { words } = this.#kernels;
    for (let p = 0, at = start >>> 2; p < lengths.length; p++) words[at++] = lengths[p]!;
    this.#kernels.put(start + lengths.length * 4, bytes);
    this.#pointers[block] = start;
    this.#at = start + sizeBytes;
    return sizeBytes;
  }

  #reserve(sizeBytes: number): void {
    if (this.#areas.length > 0 && this.#at + sizeBytes <= this.#end) return;
    const area = this.#kernels.alloc(Math.max(AREA_BYTES, sizeBytes));
    this.#areas.push(area);
    this.#at = area;
    this.#end = area + (this.#kernels.call.areaSize(area) >>> 0);
  }
}
