// Answers compressed with gzip, for clients that ask for it.
//
//   one stream:   header | deflate blocks of a piece, ended on a byte (sync flush) | ... | an empty last block | CRC-32, length
//
// Each piece is compressed by itself, so that it can be read as soon as it is sent and nothing is kept between two of them but
// checksum and length.
import { constants, crc32, deflateRawSync } from "node:zlib";
import { Remembered } from "../remembered.ts";
import type { Piece } from "./stream.ts";

/** An answer of fewer bytes goes in very few packets as it is: to compress it costs more time than it saves. */
export const WORTH_BYTES = 4096;
/** Pieces that are there at the same time are compressed together up to this size. */
const ENOUGH_BYTES = 64 * 1024;
/** Of zlib; the next one takes a quarter more time and saves a twentieth of the bytes. */
const LEVEL = 2;

/** Magic, method deflate, no flags, no time, "fastest" or nothing special, unknown system. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);
const LAST_BLOCK = Uint8Array.of(0x03, 0x00);
const utf8 = new TextEncoder();

/** Whether a client takes gzip, by its `Accept-Encoding`. */
export function takesGzip(acceptEncoding: string | null): boolean {
  return acceptEncoding !== null && acceptEncoding !== "" && accepting.of(acceptEncoding);
}

const accepting = new Remembered((acceptEncoding: string) => {
  let any = false;
  for (const entry of acceptEncoding.toLowerCase().split(",")) {
    const [coding = "", ...parameters] = entry.split(";").map((part) => part.trim());
    const quality = Number(parameters.find((each) => each.startsWith("q="))?.slice(2) ?? 1);
    if (coding === "gzip" || coding === "x-gzip") return quality > 0;
    if (coding === "*") any = quality > 0;
  }
  return any;
});

/** A whole answer. */
export function gzipWhole(piece: Piece): Uint8Array {
  const bytes = bytesOf(piece) as Uint8Array<ArrayBuffer>;
  return Bun.gzipSync(bytes, { level: 1, library: "libdeflate" });
}

/** An answer in pieces. What a piece holds can be inflated when it has arrived. */
export async function* gzipPieces(pieces: AsyncGenerator<Piece>): AsyncGenerator<Uint8Array> {
  const stream = new GzipStream();
  try {
    for (;;) {
      const next = pieces.next();
      // what is held is sent when the next piece has to be waited for
      if (stream.heldBytes > 0 && !(await isThere(next))) yield stream.flush();
      const { done, value } = await next;
      if (done) break;
      stream.add(bytesOf(value));
      if (stream.heldBytes >= ENOUGH_BYTES) yield stream.flush();
    }
    yield stream.end();
  } finally {
    await pieces.return(undefined);
  }
}

class GzipStream {
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #checksum = 0;
  #length = 0;
  #hasBegun = false;

  /** Added since the last flush. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  add(bytes: Uint8Array): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
  }

  /** What is held, compressed. */
  flush(): Uint8Array {
    return Buffer.concat(this.#take());
  }

  /** `flush` and the end of the stream. */
  end(): Uint8Array {
    const parts = this.#take();
    const sums = new DataView(new ArrayBuffer(8));
    sums.setUint32(0, this.#checksum, true);
    sums.setUint32(4, this.#length % 2 ** 32, true);
    return Buffer.concat([...parts, LAST_BLOCK, new Uint8Array(sums.buffer)]);
  }

  #take(): Uint8Array[] {
    const parts = this.#hasBegun ? [] : [HEADER];
    this.#hasBegun = true;
    if (this.#heldBytes === 0) return parts;
    const bytes = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held);
    this.#checksum = crc32(bytes, this.#checksum);
    this.#length += bytes.length;
    this.#held = [];
    this.#heldBytes = 0;
    parts.push(deflateRawSync(bytes, { level: LEVEL, finishFlush: constants.Z_SYNC_FLUSH }));
    return parts;
  }
}

/** Whether a promise is settled once all that is ready has run. */
async function isThere(next: Promise<unknown>): Promise<boolean> {
  const settled = next.then(
    () => true,
    () => true, // thrown again where it is awaited
  );
  const later = new Promise<boolean>((resolve) => setImmediate(resolve, false));
  return await Promise.race([settled, later]);
}

const bytesOf = (piece: Piece): Uint8Array => (typeof piece === "string" ? utf8.encode(piece) : piece);
