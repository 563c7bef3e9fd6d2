// A share of an answer as bytes, in chunks (numbers are u32, little-endian):
//
//   size of a piece of the head, a multiple of 4, 0 = there is no more of it; the piece: JSON and blanks behind it
//   entries; rows; { group, size }*; the bytes of the entries
//
// A piece of the head has the tags of some of the groups: those of a million are not written or read at once. All of them come before
// the first entry, the last one with it.
// An entry is a series of the answer as it is written, or a piece of one; those of a group stand together, groups in the order of the
// answer. One without rows has none.
import { assert } from "../base/assert.ts";
import type { Turn } from "./turn.ts";

export interface ShareHead {
  /** By dimension the value in each group, in the order of the answer; null: nobody can write it there now. */
  readonly tags: readonly (readonly string[])[] | null;
  /** Held where the share is made, bytes. */
  readonly heldBytes: number;
}

/** A part of a head. */
interface HeadPiece extends ShareHead {
  readonly isLast: boolean;
}

/** Values of tags in a piece of a head, those of a group at least. */
const PIECE_VALUES = 8192;

/** Bytes of a chunk that leave at once. */
const CHUNK_BYTES = 256 * 1024;

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** Puts chunks together. */
export class ShareWriter {
  readonly #head: ShareHead;
  /** Groups whose tags are in the pieces that have left. */
  #headGroups = 0;
  #headLeft = true;
  #bytes = new Uint8Array(16 * 1024);
  #length = 0;
  #rows = 0;
  /** Group and size of each. */
  #entries: number[] = [];

  constructor(head: ShareHead) {
    this.#head = head;
  }

  /** The chunks that leave before the first entry is added: all pieces of the head but the last. */
  *opening(): Generator<Uint8Array<ArrayBuffer>> {
    while (this.#headLeft && !this.#piece().isLast) yield this.take();
  }

  get isEmpty(): boolean {
    return !this.#headLeft && this.#entries.length === 0;
  }

  get isFull(): boolean {
    return this.#length >= CHUNK_BYTES;
  }

  /** What the entries that are added show, and those before them. */
  countRows(rows: number): void {
    this.#rows += rows;
  }

  /** An entry. */
  add(group: number, bytes: Uint8Array): void {
    this.#entries.push(group, bytes.length);
    const needed = this.#length + bytes.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = needed;
  }

  /** The chunk, whose buffer is its own; the next one begins. */
  take(): Uint8Array<ArrayBuffer> {
    const head = this.#takePiece();
    const entries = this.#entries;
    const entriesAt = 12 + head.length;
    const bytesAt = entriesAt + entries.length * 4;
    const chunk = new Uint8Array(bytesAt + this.#length);
    const words = new Uint32Array(chunk.buffer, 0, bytesAt / 4);
    words[0] = head.length;
    chunk.set(head, 4);
    words[entriesAt / 4 - 2] = entries.length / 2;
    words[entriesAt / 4 - 1] = this.#rows;
    words.set(entries, entriesAt / 4);
    chunk.set(this.#bytes.subarray(0, this.#length), bytesAt);
    this.#entries = [];
    this.#length = 0;
    this.#rows = 0;
    return chunk;
  }

  // The next piece of the head.
  #piece(): HeadPiece {
    const { tags, heldBytes } = this.#head;
    const count = tags?.[0]?.length ?? 0;
    const from = this.#headGroups;
    const to = from + Math.max(1, Math.floor(PIECE_VALUES / Math.max(1, tags?.length ?? 0)));
    return { tags: tags?.map((values) => values.slice(from, to)) ?? null, heldBytes, isLast: to >= count };
  }

  // No bytes: all of it has left.
  #takePiece(): Uint8Array {
    if (!this.#headLeft) return NO_BYTES;
    const piece = this.#piece();
    this.#headGroups += piece.tags?.[0]?.length ?? 0;
    this.#headLeft = !piece.isLast;
    return headBytes(piece);
  }
}

/** Reads chunks, entry after entry. */
export class ShareReader {
  #chunks: AsyncIterator<Uint8Array>;
  readonly #head: { tags: string[][] | null; heldBytes: number } = { tags: [], heldBytes: 0 };
  #hasHead = false;
  #chunk: Uint8Array = NO_BYTES;
  /** Group and size of each. */
  #entries: Uint32Array = new Uint32Array(0);
  #entry = 0;
  #at = 0;
  /** Rows of the chunks so far. */
  rows = 0;
  hasEnded = false;

  /** Nothing is read before `begin`. */
  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Without a head there are no groups. */
  get head(): ShareHead {
    return this.#head;
  }

  /** Of a share that can be written. */
  get groupCount(): number {
    return this.#head.tags?.[0]?.length ?? 0;
  }

  /** Reads on to the end of the head. */
  async begin(turn: Turn): Promise<void> {
    while (!this.#hasHead && !this.hasEnded) {
      await this.#next();
      if (turn.isOver()) await turn.next();
    }
  }

  /** Nobody reads on. */
  end(): void {
    this.#chunks.return?.().catch(() => undefined);
  }

  /** Whether `load` has to give the next entry. */
  get isEmpty(): boolean {
    return this.#entry === this.#entries.length;
  }

  /** Reads on to the next entry; behind the last one there is none. */
  async load(): Promise<void> {
    while (this.isEmpty && !this.hasEnded) await this.#next();
  }

  /** The group of the next entry, -1 = there is none. */
  get group(): number {
    return this.isEmpty ? -1 : this.#entries[this.#entry]!;
  }

  /** Bytes of the next entry, which is there. */
  get size(): number {
    return this.#entries[this.#entry + 1]!;
  }

  /** The bytes of the next entry. */
  take(): Uint8Array {
    const end = this.#at + this.size;
    const bytes = this.#chunk.subarray(this.#at, end);
    this.#at = end;
    this.#entry += 2;
    return bytes;
  }

  async #next(): Promise<void> {
    const next = await this.#chunks.next();
    if (next.done) this.hasEnded = true;
    else this.#open(next.value);
  }

  #open(chunk: Uint8Array): void {
    const { buffer, byteOffset } = chunk;
    const [headBytes = 0] = new Uint32Array(buffer, byteOffset, 1);
    const [entries = 0, rows = 0] = new Uint32Array(buffer, byteOffset + 4 + headBytes, 2);
    if (headBytes > 0) this.#addPiece(JSON.parse(text.decode(chunk.subarray(4, 4 + headBytes))));
    this.#chunk = chunk;
    this.#entries = new Uint32Array(buffer, byteOffset + 12 + headBytes, 2 * entries);
    this.#entry = 0;
    this.#at = 12 + headBytes + 8 * entries;
    this.rows += rows;
    assert(this.#at <= chunk.length, "a chunk of a share is shorter than it says");
  }

  #addPiece({ tags, heldBytes, isLast }: HeadPiece): void {
    const head = this.#head;
    head.heldBytes = heldBytes;
    if (tags === null) head.tags = null;
    else
      for (const [d, values] of tags.entries()) {
        head.tags![d] ??= [];
        for (const value of values) head.tags![d].push(value);
      }
    this.#hasHead = isLast;
  }
}

const NO_BYTES = new Uint8Array(0);

function headBytes(head: HeadPiece): Uint8Array {
  const json = utf8.encode(JSON.stringify(head));
  const padded = new Uint8Array((json.length + 3) & ~3).fill(0x20);
  padded.set(json);
  return padded;
}
