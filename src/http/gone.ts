// Whether the client that asked has gone: it left, or reads its answer no further. Who works for it looks now and then, and ends.
//
// No listener and no AbortController: both cost a small query microseconds, and nobody waits for the news.
export class Gone {
  readonly #left: AbortSignal | null;
  #isCancelled = false;

  /** `request`: null where nobody waits for the answer. */
  constructor(request: Request | null) {
    this.#left = request?.signal ?? null;
  }

  get aborted(): boolean {
    return this.#isCancelled || this.#left?.aborted === true;
  }

  /** It reads no further. */
  cancel(): void {
    this.#isCancelled = true;
  }
}
