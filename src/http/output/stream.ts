// Pieces of text or bytes as a response body: one when there is one piece, else a stream that the client's reading
// drives and whose end by the client ends the query.
import { Pause } from "../../base/pause.ts";

export type Piece = string | Uint8Array;

/** `gone` is aborted when the client stops reading, which also ends work that no piece is waiting for. */
export async function bodyOf(
  pieces: AsyncGenerator<Piece>,
  gone: AbortController,
): Promise<Piece | ReadableStream<Uint8Array>> {
  const first = await pieces.next();
  if (first.done) return "";
  const second = await pieces.next();
  if (second.done) return first.value;
  const encoder = new TextEncoder();
  const bytesOf = (piece: Piece) => (typeof piece === "string" ? encoder.encode(piece) : piece);
  const pause = new Pause();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytesOf(first.value));
      controller.enqueue(bytesOf(second.value));
    },
    async pull(controller) {
      if (pause.due()) await pause.wait(); // Bun would ask for piece after piece and hear nobody else
      const next = await pieces.next();
      if (next.done) controller.close();
      else controller.enqueue(bytesOf(next.value));
    },
    async cancel() {
      gone.abort();
      await pieces.return(undefined);
    },
  });
}
