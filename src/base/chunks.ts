/** A stream of bytes, chunk after chunk; the value that the generator returns is its last one. */
export type Chunks = AsyncGenerator<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer> | null>;
