// Sharing: how a thread takes part in answers that are made in shares (query/shares.ts), its own and those of others.
import type { Chunks } from "../base/chunks.ts";
import type { ShareRequest, Source } from "../model/scan.ts";
import type { TimeUnit } from "../model/types.ts";
import { allChunks, makeShare, type SeriesWriter } from "../query/make-share.ts";
import type { Shares } from "../query/shares.ts";
import type { ScatteredSource } from "../threads/scattered-source.ts";

export class Sharing {
  /** How series are written in this thread; null: nobody serves here. */
  writer: SeriesWriter | null = null;
  readonly #own: Source;
  readonly #scattered: ScatteredSource | null;

  /** `scattered`: `own` and what other threads have; null: there are none. */
  constructor(own: Source, scattered: ScatteredSource | null) {
    this.#own = own;
    this.#scattered = scattered;
  }

  /** All threads, for an answer with times in this unit (null: RFC 3339); null: there is one. */
  shares(epoch: TimeUnit | null): Shares | null {
    const scattered = this.#scattered;
    if (scattered === null) return null;
    return {
      epoch,
      ask: (request) => {
        const others = scattered.shares(request);
        return others && [...others, allChunks(this.make(request, () => 0))];
      },
      areMixed: (request) => scattered.noShares(request),
    };
  }

  /** This thread's; see `makeShare`. */
  make(request: ShareRequest, heldBytes: () => number): Chunks {
    return makeShare(this.#own, request, this.writer, heldBytes);
  }
}
