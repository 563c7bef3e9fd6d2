// Pieces of text or bytes as a response body: one when there is one piece, else a stream that the client's reading
// drives and whose end by the client ends the query.
import { Pause } from "../../base/pause.ts";
import type { Gone } from "../gone.ts";
import { gzipPieces, gzipWhole, WORTH_BYTES } from "./gzip.ts";

export type Piece = string | Uint8Array;

export interface Body {
  readonly body: Piece | ReadableStream<Uint8Array>;
  readonly isGzip: boolean;
}

/**
 * `pieces`: each is valid until the next is asked for. `gone` is cancelled when the client stops reading, which also ends work that no piece is waiting for.
 * @param gzip whether the client takes it: then all but small answers are compressed
 */
export async function bodyOf(pieces: AsyncGenerator<Piece>, gone: Gone, gzip: boolean): Promise<Body> {
  const begun = await pieces.next();
  if (begun.done) return { body: "", isGzip: false };
  const first = kept(begun.value);
  const second = await pieces.next();
  if (second.done) {
    const isGzip = gzip && first.length >= WORTH_BYTES;
    return { body: isGzip ? gzipWhole(first) : first, isGzip };
  }
  if (!gzip) return { body: streamOf(first, second.value, pieces, gone), isGzip: false };
  const zipped = gzipPieces(behind([first, second.value], pieces));
  const { value = new Uint8Array(0) } = await zipped.next();
  return { body: streamOf(value, null, zipped, gone), isGzip: true };
}

/** The piece, also once the next has been asked for. */
function kept(piece: Piece): Piece {
  return typeof piece === "string" ? piece : piece.slice();
}

async function* behind(first: readonly Piece[], rest: AsyncGenerator<Piece>): AsyncGenerator<Piece> {
  try {
    for (const piece of first) yield kept(piece);
    for await (const piece of rest) yield kept(piece);
  } finally {
    await rest.return(undefined);
  }
}

function streamOf(
  first: Piece,
  second: Piece | null,
  pieces: AsyncGenerator<Piece>,
  gone: Gone,
): ReadableStream<Uint8Array> {
  const pause = new Pause();
  let isLeft = false;
  return new ReadableStream<Uint8Array>({
    type: "direct",
    async pull(sink) {
      await put(sink, first);
      if (second !== null) await put(sink, second);
      while (!isLeft) {
        if (pause.due()) await pause.wait(); // a client that reads fast would be the only one heard
        const next = await pieces.next();
        if (next.done) break;
        await put(sink, next.value);
      }
      sink.end();
    },
    async cancel() {
      isLeft = true;
      gone.cancel();
      await pieces.return(undefined);
    },
  } as Bun.DirectUnderlyingSource<Uint8Array>);
}

// What is written goes to the client at once as far as it reads, and is copied else; a promise is resolved when it has read on.
async function put(sink: ReadableStreamDirectController, piece: Piece): Promise<void> {
  const written = sink.write(piece as Uint8Array<ArrayBuffer>);
  if (written instanceof Promise) await written;
  const flushed = sink.flush() as number | Promise<number>;
  if (flushed instanceof Promise) await flushed;
}
