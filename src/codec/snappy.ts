// Snappy, by @napi-rs/snappy, with results in memory of the engine's own.
//
// What the library hands out without a copy is freed by finalizers that run when the event loop gets to them: a start that reads
// the catalogs of a million series would hold all of their raw bytes at once.
import { compressSync, uncompressSync } from "@napi-rs/snappy";

const OWN = { copyOutputData: true };

export function compress(bytes: Uint8Array): Uint8Array {
  return compressSync(bytes, OWN);
}

/** Throws an Error when no compressor wrote the bytes. */
export function uncompress(bytes: Uint8Array): Uint8Array {
  return uncompressSync(bytes, OWN) as Uint8Array;
}
