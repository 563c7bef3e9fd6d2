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
 * `gone` is cancelled when the client stops reading, which also ends work that no piece is waiting for.
 * @param gzip whether the client takes it: then all but small answers are compressed
 */
export async function bodyOf(pieces: AsyncGenerator<Piece>, gone: Gone, gzip: boolean): Promise<Body> {
  const first = await pieces.next();
  if (first.done) return { body: "", isGzip: false };
  const second = await pieces.next();
  if (second.done) {
    const isGzip = gzip && first.value.length >= WORTH_BYTES;
    return { body: isGzip ? gzipWhole(first.value) : first.value, isGzip };
  }
  if (!gzip) return { body: streamOf(first.value, second.value, pieces, gone), isGzip: false };
  const zipped = gzipPieces(behind([first.value, second.value], pieces));
  const { value = new Uint8Array(0) } = await zipped.next();
  return { body: streamOf(value, null, zipped, gone), isGzip: true };
}

async function* behind(first: readonly Piece[], rest: AsyncGenerator<Piece>): AsyncGenerator<Piece> {
  try {
    yield* first;
    yield* rest;
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
  const encoder = new TextEncoder();
  const bytesOf = (piece: Piece) => (typeof piece === "string" ? encoder.encode(piece) : piece);
  const pause = new Pause();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytesOf(first));
      if (second !== null) controller.enqueue(bytesOf(second));
    },
    async pull(controller) {
      if (pause.due()) await pause.wait(); // Bun would ask for piece after piece and hear nobody else
      const next = await pieces.next();
      if (next.done) controller.close();
      else controller.enqueue(bytesOf(next.value));
    },
    async cancel() {
      gone.cancel();
      await pieces.return(undefined);
    },
  });
}
