// Request bodies as bytes: inflated, never larger than one bound, never holding more memory together than another.
//
// A body is accounted for from the first byte on (its declared length at once) until its request is answered.
// The first body always fits, whatever its size, so that a small bound delays and never locks out.
import { gunzipSync } from "node:zlib";
import { BodyTooLargeError, InputError, OverloadedError } from "../base/errors.ts";

/** A body as it was sent. */
export interface SentBody {
  readonly bytes: Uint8Array;
  readonly encoding: string | null;
  /** What is accounted for it. */
  readonly held: Held;
}

interface Held {
  bytes: number;
}

export class Bodies {
  readonly #maxBodyBytes: number;
  readonly #maxInflightBytes: number;
  #inflightBytes = 0;
  #receiveMs = 0;
  #inflateMs = 0;

  constructor(maxBodyBytes: number, maxInflightBytes: number) {
    this.#maxBodyBytes = maxBodyBytes;
    this.#maxInflightBytes = maxInflightBytes;
  }

  /** Bytes of all bodies now held. */
  get inflightBytes(): number {
    return this.#inflightBytes;
  }

  /** From a handler's start until it has its body, ms: the thread does other work meanwhile. */
  get receiveMs(): number {
    return this.#receiveMs;
  }

  get inflateMs(): number {
    return this.#inflateMs;
  }

  /**
   * Reads the body and hands it to `use`, at whose end its memory is freed. Throws `BodyTooLargeError`, `OverloadedError` when too
   * much is in flight, `InputError` when it cannot be inflated.
   * @param isForm a body that may be empty, or as it is, whatever is said of its compression: clients say it of all they send
   */
  with<T>(request: Request, use: (bytes: Uint8Array) => Promise<T>, isForm = false): Promise<T> {
    return this.receive(request, (sent) => this.open(sent, use, isForm));
  }

  /** The first half of `with`. */
  async receive<T>(request: Request, use: (sent: SentBody) => Promise<T>): Promise<T> {
    const startMs = performance.now();
    const encoding = request.headers.get("content-encoding")?.toLowerCase() ?? null;
    return this.#holding(async (held) => {
      const bytes = await this.#bytesOf(request, held);
      this.#receiveMs += performance.now() - startMs;
      return await use({ bytes, encoding, held });
    });
  }

  /** The second half. */
  async open<T>(sent: SentBody, use: (bytes: Uint8Array) => Promise<T>, isForm = false): Promise<T> {
    const { encoding, held } = sent;
    const isSent = encoding === null || (isForm && isPlain(sent.bytes, encoding));
    const bytes = isSent ? sent.bytes : this.#inflate(sent.bytes, encoding, held);
    if (bytes !== sent.bytes) free(sent.bytes);
    try {
      return await use(bytes);
    } finally {
      free(bytes);
    }
  }

  /** `with` of a body that another thread received: there was room for it there, so that only its inflated form can be too much. */
  adopt<T>(bytes: Uint8Array, encoding: string | null, use: (bytes: Uint8Array) => Promise<T>): Promise<T> {
    return this.#holding((held) => {
      this.#account(bytes.length, held);
      return this.open({ bytes, encoding, held }, use);
    });
  }

  async #holding<T>(use: (held: Held) => Promise<T>): Promise<T> {
    const held = { bytes: 0 };
    try {
      return await use(held);
    } finally {
      this.#inflightBytes -= held.bytes;
    }
  }

  async #bytesOf(request: Request, held: Held): Promise<Uint8Array> {
    const declared = request.headers.get("content-length");
    if (declared !== null) {
      this.#hold(Number(declared), held);
      return await request.bytes();
    }
    if (!request.body) return new Uint8Array(0);
    // chunked: the size is known only at the end
    const chunks: Uint8Array[] = [];
    for await (const chunk of request.body) {
      this.#hold(chunk.length, held);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  #inflate(sent: Uint8Array, encoding: string, held: Held): Uint8Array {
    if (encoding === "identity" || encoding === "") return sent;
    if (encoding !== "gzip" && encoding !== "x-gzip")
      throw new InputError(`unsupported Content-Encoding ${JSON.stringify(encoding)}: use gzip or none`);
    const startMs = performance.now();
    const bytes = inflateBounded(sent, this.#maxBodyBytes);
    this.#inflateMs += performance.now() - startMs;
    if (!bytes) throw this.#tooLarge();
    this.#hold(bytes.length - held.bytes, held); // both forms are alive only inside this function
    return bytes;
  }

  #hold(sizeBytes: number, held: Held): void {
    if (held.bytes + sizeBytes > this.#maxBodyBytes) throw this.#tooLarge();
    const others = this.#inflightBytes - held.bytes;
    if (others > 0 && this.#inflightBytes + sizeBytes > this.#maxInflightBytes)
      throw new OverloadedError("request throttled, too many bytes of request bodies are in flight");
    this.#account(sizeBytes, held);
  }

  #account(sizeBytes: number, held: Held): void {
    held.bytes += sizeBytes;
    this.#inflightBytes += sizeBytes;
  }

  #tooLarge(): BodyTooLargeError {
    return new BodyTooLargeError(
      `Request Entity Too Large: the body has more than ${this.#maxBodyBytes} bytes (option max-body-size)`,
    );
  }
}

/** Memory of a smaller body is left to the collector: to free it takes as long as to answer. */
const WORTHWHILE_BYTES = 16 * 1024;

/** Frees the memory of a body at once: the collector lets dozens of them come together. */
function free(bytes: Uint8Array): void {
  if (bytes.length < WORTHWHILE_BYTES) return;
  const { buffer } = bytes;
  // (others may have a part of it)
  if (buffer instanceof ArrayBuffer && bytes.length === buffer.byteLength) buffer.transfer(0);
}

const GZIP_HEADER_BYTES = 10;

/** Whether there is nothing to inflate: no bytes, or such that gzip never begins with. */
function isPlain(sent: Uint8Array, encoding: string): boolean {
  return sent.length === 0 || (/^(x-)?gzip$/.test(encoding) && sent[0] !== 0x1f);
}

/** null: it is larger than `maxBytes`. Errors as Go's gzip reader has them. */
function inflateBounded(sent: Uint8Array, maxBytes: number): Uint8Array | null {
  if (sent.length === 0) throw new InputError("EOF");
  if (sent.length < GZIP_HEADER_BYTES) throw new InputError("unexpected EOF");
  if (sent[0] !== 0x1f || sent[1] !== 0x8b) throw new InputError("gzip: invalid header");
  try {
    return gunzipSync(sent, { maxOutputLength: maxBytes });
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === "ERR_BUFFER_TOO_LARGE") return null;
    if (code === "Z_BUF_ERROR") throw new InputError("unexpected EOF");
    const reason = (error as Error).message;
    if (reason === "incorrect header check") throw new InputError("gzip: invalid header");
    if (/^incorrect (data|length) check$/.test(reason)) throw new InputError("gzip: invalid checksum");
    throw new InputError(`gzip: corrupt input: ${reason}`);
  }
}
