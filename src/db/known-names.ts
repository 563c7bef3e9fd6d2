// Names in batches as strings: the same few of them come with every batch, and to decode one takes longer than to compare it.

const PLACES = 256;
/** Longer ones are decoded each time. */
const LONGEST_BYTES = 64;

interface KnownName {
  readonly bytes: Uint8Array;
  readonly text: string;
}

export class KnownNames {
  readonly #decoder: TextDecoder;
  /** By a hash of the bytes; of two names with one hash the later is known. */
  readonly #places: (KnownName | undefined)[] = new Array(PLACES).fill(undefined);

  constructor(decoder: TextDecoder) {
    this.#decoder = decoder;
  }

  /** The name whose bytes stand there. */
  at(memory: Uint8Array, start: number, sizeBytes: number): string {
    if (sizeBytes > LONGEST_BYTES) return this.#decoder.decode(memory.subarray(start, start + sizeBytes));
    let hash = sizeBytes;
    for (let at = start; at < start + sizeBytes; at++) hash = (hash * 31 + memory[at]!) | 0;
    const place = hash & (PLACES - 1);
    const known = this.#places[place];
    if (known !== undefined && isThere(known.bytes, memory, start, sizeBytes)) return known.text;
    const bytes = memory.slice(start, start + sizeBytes);
    const text = this.#decoder.decode(bytes);
    this.#places[place] = { bytes, text };
    return text;
  }
}

function isThere(bytes: Uint8Array, memory: Uint8Array, start: number, sizeBytes: number): boolean {
  if (bytes.length !== sizeBytes) return false;
  for (let i = 0; i < sizeBytes; i++) if (bytes[i] !== memory[start + i]) return false;
  return true;
}
