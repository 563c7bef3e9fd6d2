// Where the pages of row groups wait in linear memory until a write to the file is worth its system call, in the order of stripes
// (page-places.ts).
//
//     [whole stripes][groups that will be one][group in hand]
//
// Pages are encoded in place, group by group: `room` promises space behind the last page, `take` keeps what was written there, `endGroup`
// ends a group. What is not taken is scratch, overwritten by the next page. A stripe ends with its table, or when it is full. A group that
// is larger is one by itself, whose order is that of a group: what does not fit the buffer is written as it comes.
import type { DiskFile } from "../disk/disk.ts";
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";

const BUFFER_BYTES = 1024 * 1024;
/** Of a stripe with several groups. The bytes: the buffer is larger once a page was. */
const MOST_BYTES = BUFFER_BYTES;
const MOST_PAGES = 64 * 1024;

export class StripeBuffer {
  readonly #kernels: Kernels;
  readonly #file: DiskFile;
  readonly #onStripe: (groupCount: number) => void;
  readonly #area: Scratch;
  /** What is brought into order. */
  readonly #groups: Scratch;
  #start: Pointer = 0;
  #sizeBytes = 0;
  #usedBytes = 0;
  /** Of these, those of whole groups, and of these those of whole stripes. */
  #groupBytes = 0;
  #stripeBytes = 0;
  /** Sizes of the pages of whole groups that are no stripe yet, then of the group in hand. */
  readonly #pages: number[] = [];
  #pagesPerGroup = 0;
  #groupCount = 0;
  /** Pages of the group in hand are in the file. */
  #isCut = false;

  /** `onStripe`: told of each stripe, in their order, how many groups it has. */
  constructor(kernels: Kernels, file: DiskFile, onStripe: (groupCount: number) => void) {
    this.#kernels = kernels;
    this.#file = file;
    this.#onStripe = onStripe;
    this.#area = new Scratch(kernels);
    this.#groups = new Scratch(kernels);
  }

  /** Bytes of pages that are not in the file yet. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Space for `sizeBytes`, at any alignment, until the next call; may write waiting pages to the file. Throws `DiskError`. */
  room(sizeBytes: number): Pointer {
    if (this.#usedBytes + sizeBytes > this.#sizeBytes) this.flush();
    if (this.#usedBytes > 0 && this.#usedBytes + sizeBytes > this.#sizeBytes) this.#cut();
    if (sizeBytes > this.#sizeBytes) {
      this.#sizeBytes = Math.max(sizeBytes, BUFFER_BYTES);
      this.#start = this.#area.reserve(this.#sizeBytes);
    }
    return this.#start + this.#usedBytes;
  }

  /** Where the last room ends, at least: pages may be encoded one behind the other up to here. */
  get end(): Pointer {
    return this.#start + this.#sizeBytes;
  }

  /** Keeps the next page, of so many bytes; 0: the group has none of that column. */
  take(sizeBytes: number): void {
    this.#usedBytes += sizeBytes;
    this.#pages.push(sizeBytes);
  }

  /** Groups of another table, with so many pages, follow: a stripe has groups of one. */
  startTable(pagesPerGroup: number): void {
    this.endStripe();
    this.#pagesPerGroup = pagesPerGroup;
  }

  /** What was taken since the last call is the pages of a group. Throws `DiskError`. */
  endGroup(): void {
    if (this.#isCut) {
      this.#cut();
      this.#isCut = false;
      this.#pages.length = 0;
      this.#onStripe(1);
      return;
    }
    if (this.#usedBytes - this.#stripeBytes > MOST_BYTES || this.#pages.length > MOST_PAGES) this.endStripe();
    this.#groupBytes = this.#usedBytes;
    this.#groupCount++;
  }

  /** The whole groups that are in no stripe yet are one. Throws `OverloadedError`. */
  endStripe(): void {
    const count = this.#groupCount;
    if (count === 0) return;
    if (count > 1) this.#order();
    this.#pages.splice(0, count * this.#pagesPerGroup);
    this.#stripeBytes = this.#groupBytes;
    this.#groupCount = 0;
    this.#onStripe(count);
  }

  /** Writes all whole groups. Throws `DiskError`. */
  flush(): void {
    this.endStripe();
    const sizeBytes = this.#stripeBytes;
    if (sizeBytes === 0) return;
    this.#file.append(this.#kernels.view(this.#start, sizeBytes));
    this.#kernels.bytes.copyWithin(this.#start, this.#start + sizeBytes, this.#start + this.#usedBytes);
    this.#usedBytes -= sizeBytes;
    this.#groupBytes = this.#stripeBytes = 0;
  }

  release(): void {
    this.#area.release();
    this.#groups.release();
  }

  // Brings the pages of the whole groups that are in no stripe yet from the order of groups into that of a stripe.
  #order(): void {
    const [pages, perGroup, count] = [this.#pages, this.#pagesPerGroup, this.#groupCount];
    const sizeBytes = this.#groupBytes - this.#stripeBytes;
    const groups = this.#groups.reserve(sizeBytes);
    const { bytes } = this.#kernels;
    let to = this.#start + this.#stripeBytes;
    bytes.copyWithin(groups, to, to + sizeBytes);
    // by group where its next page stands
    const froms = new Uint32Array(count);
    for (let g = 0, page = 0, from = groups; g < count; g++) {
      froms[g] = from;
      for (const end = page + perGroup; page < end; page++) from += pages[page]!;
    }
    for (let column = 0; column < perGroup; column++)
      for (let g = 0; g < count; g++) {
        const from = froms[g]!;
        const end = from + pages[g * perGroup + column]!;
        if (end === from) continue;
        bytes.copyWithin(to, from, end);
        froms[g] = end;
        to += end - from;
      }
  }

  // Writes the pages of the group in hand that are here; there are no others.
  #cut(): void {
    if (this.#usedBytes > 0) this.#file.append(this.#kernels.view(this.#start, this.#usedBytes));
    this.#usedBytes = 0;
    this.#isCut = true;
  }
}
