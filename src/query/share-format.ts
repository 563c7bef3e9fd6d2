// A share of an answer as bytes, in chunks (numbers are u32, little-endian):
//
//   size of the head, a multiple of 4, 0 in all chunks but the first; the head: JSON and blanks behind it
//   entries; rows; { group, size }*; the bytes of the entries
//
// An entry is a series of the answer as it is written, or a piece of one; those of a group stand together, groups in the order of the
// answer. One without rows has none.
import { assert } from "../base/assert.ts";

export interface ShareHead {
  /** By dimension the value in each group, in the order of the answer; null: nobody can write it there now. */
  readonly tags: readonly (readonly string[])[] | null;
  /** Held where the share is made, bytes. */
  readonly heldBytes: number;
}

/** Bytes of a chunk that leave at once. */
const CHUNK_BYTES = 256 * 1024;

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** Puts chunks together. */
export class ShareWriter {
  #head: Uint8Array | null;
  #bytes = new Uint8Array(16 * 1024);
  #length = 0;
  #rows = 0;
  /** Group and size of each. */
  #entries: number[] = [];

  constructor(head: ShareHead) {
    this.#head = headBytes(head);
  }

  get isEmpty(): boolean {
    return this.#head === null && this.#entries.length === 0;
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
    const head = this.#head ?? NO_BYTES;
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
    this.#head = null;
    this.#entries = [];
    this.#length = 0;
    this.#rows = 0;
    return chunk;
  }
}

/** Reads chunks, entry after entry. */
export class ShareReader {
  #chunks: AsyncIterator<Uint8Array>;
  #head: ShareHead = { tags: [], heldBytes: 0 };
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

  /** Reads the first chunk. */
  async begin(): Promise<void> {
    await this.#next();
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
    if (headBytes > 0) this.#head = JSON.parse(text.decode(chunk.subarray(4, 4 + headBytes)));
    this.#chunk = chunk;
    this.#entries = new Uint32Array(buffer, byteOffset + 12 + headBytes, 2 * entries);
    this.#entry = 0;
    this.#at = 12 + headBytes + 8 * entries;
    this.rows += rows;
    assert(this.#at <= chunk.length, "a chunk of a share is shorter than it says");
  }
}

const NO_BYTES = new Uint8Array(0);

function headBytes(head: ShareHead): Uint8Array {
  const json = utf8.encode(JSON.stringify(head));
  const padded = new Uint8Array((json.length + 3) & ~3).fill(0x20);
  padded.set(json);
  return padded;
}
