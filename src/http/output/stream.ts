// Pieces of text as a response body: one string when there is one piece, else a stream that the client's reading
// drives and whose end by the client ends the query.
import { Pause } from "../../base/pause.ts";

/** `gone` is aborted when the client stops reading, which also ends work that no piece is waiting for. */
export async function bodyOf(
  pieces: AsyncGenerator<string>,
  gone: AbortController,
): Promise<string | ReadableStream<Uint8Array>> {
  const first = await pieces.next();
  if (first.done) return "";
  const second = await pieces.next();
  if (second.done) return first.value;
  const encoder = new TextEncoder();
  const pause = new Pause();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(first.value));
      controller.enqueue(encoder.encode(second.value));
    },
    async pull(controller) {
      if (pause.due()) await pause.wait(); // Bun would ask for piece after piece and hear nobody else
      const next = await pieces.next();
      if (next.done) controller.close();
      else controller.enqueue(encoder.encode(next.value));
    },
    async cancel() {
      gone.abort();
      await pieces.return(undefined);
    },
  });
}
