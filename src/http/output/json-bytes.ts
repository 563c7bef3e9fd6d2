// Bytes of a JSON answer on their way out: text, and pieces that are bytes already, until a piece is full.

/** Room to begin with: most answers are small, and every one would pay for zeroing more. */
const FIRST_BYTES = 4 * 1024;

const NONE = new Uint8Array(0);

export class JsonBytes {
  readonly #encoder = new TextEncoder();
  #bytes = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  text(text: string): void {
    this.#reserve(text.length * 3);
    this.#length += this.#encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  add(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The bytes so far and `more` behind them; the next ones begin anew. */
  take(more: Uint8Array = NONE): Uint8Array {
    if (this.#length === 0) return more.slice();
    if (more.length > 0) this.add(more);
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  #reserve(sizeBytes: number): void {
    const needed = this.#length + sizeBytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(FIRST_BYTES, needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
