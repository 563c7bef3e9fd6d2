// Bytes of a JSON answer on their way out: text, and pieces that are bytes already, until a piece is full.

/** Room to begin with. */
const FIRST_BYTES = 16 * 1024;
/** Room that is kept for the next answer is no larger. */
const MOST_KEPT_BYTES = 256 * 1024;
/** Shorter text is written character by character, which takes less than to ask the encoder. */
const SHORT_TEXT = 200;

const NONE = new Uint8Array(0);
const utf8 = new TextEncoder();

/** Of answers that are done, for the next one: a small answer would spend much of its time on getting room. */
const spare: Uint8Array<ArrayBuffer>[] = [];
/** An answer takes as many. */
const MOST_SPARE = 2;

export class JsonBytes {
  #bytes: Uint8Array<ArrayBuffer> = NONE;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The bytes so far: a view, valid until more are added. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  text(text: string): void {
    this.#reserve(text.length * 3);
    const bytes = this.#bytes;
    let at = this.#length;
    if (text.length < SHORT_TEXT) {
      let i = 0;
      for (; i < text.length; i++) {
        const code = text.charCodeAt(i);
        if (code > 127) break;
        bytes[at++] = code;
      }
      if (i === text.length) {
        this.#length = at;
        return;
      }
    }
    this.#length += utf8.encodeInto(text, bytes.subarray(this.#length)).written;
  }

  add(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The bytes so far and `more` behind them, valid until others are added; these begin anew. */
  take(more: Uint8Array = NONE): Uint8Array {
    if (more.length > 0) this.add(more);
    const taken = this.written;
    this.#length = 0;
    return taken;
  }

  /** Nothing may be added any more. */
  close(): void {
    const { length } = this.#bytes;
    if (length > 0 && length <= MOST_KEPT_BYTES && spare.length < MOST_SPARE) spare.push(this.#bytes);
    this.#bytes = NONE;
    this.#length = 0;
  }

  #reserve(sizeBytes: number): void {
    const needed = this.#length + sizeBytes;
    if (needed <= this.#bytes.length) return;
    if (this.#bytes.length === 0 && needed <= (spare.at(-1)?.length ?? 0)) {
      this.#bytes = spare.pop()!;
      return;
    }
    const grown = new Uint8Array(Math.max(FIRST_BYTES, needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
