// Metered rows, and shares of answers: what a statement takes from a source, or from other threads, is counted for EXPLAIN ANALYZE.
import type { Clock } from "../base/clock.ts";
import type { FoldedGroups, FoldRequest, RowBatch, Rows, ScanRequest, ShareRequest } from "../model/scan.ts";
import type { TimeUnit } from "../model/types.ts";
import type { Shares } from "./shares.ts";

export class MeteredRows implements Rows {
  readonly #source: Rows;
  readonly #clock: Clock;
  scans = 0;
  folds = 0;
  /** Of scans. */
  blocks = 0;
  rows = 0;
  series = 0;
  /** Partial groups that folds gave, and the values of the first column in them. */
  groups = 0;
  values = 0;
  scanMs = 0;
  foldMs = 0;

  constructor(source: Rows, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  async *scan(request: ScanRequest): AsyncGenerator<RowBatch> {
    this.scans++;
    let last = "";
    let startMs = this.#clock.elapsedMs();
    for await (const batch of this.#source.scan(request)) {
      this.scanMs += this.#clock.elapsedMs() - startMs;
      this.rows += batch.times.length;
      for (const { key } of batch.series) {
        this.blocks++;
        if (this.blocks === 1 || key !== last) this.series++;
        last = key;
      }
      yield batch;
      startMs = this.#clock.elapsedMs();
    }
    this.scanMs += this.#clock.elapsedMs() - startMs;
  }

  async *fold(request: FoldRequest): AsyncGenerator<FoldedGroups> {
    this.folds++;
    let startMs = this.#clock.elapsedMs();
    for await (const groups of this.#source.fold(request)) {
      this.foldMs += this.#clock.elapsedMs() - startMs;
      this.groups += groups.count;
      for (const count of groups.columns[0]?.count ?? []) this.values += count;
      yield groups;
      startMs = this.#clock.elapsedMs();
    }
    this.foldMs += this.#clock.elapsedMs() - startMs;
  }
}

export class MeteredShares implements Shares {
  readonly #shares: Shares;
  readonly #clock: Clock;
  /** Of answers that were put together of them. */
  count = 0;
  #asked = 0;
  bytes = 0;
  /** From when they were asked for to their end. */
  ms = 0;

  constructor(shares: Shares, clock: Clock) {
    this.#shares = shares;
    this.#clock = clock;
  }

  get epoch(): TimeUnit | null {
    return this.#shares.epoch;
  }

  ask(request: ShareRequest): readonly AsyncIterable<Uint8Array>[] | null {
    const startMs = this.#clock.elapsedMs();
    const before = this.ms;
    const shares = this.#shares.ask(request);
    this.#asked = shares?.length ?? 0;
    this.count += this.#asked;
    const atEnd = () => {
      this.ms = before + this.#clock.elapsedMs() - startMs;
    };
    return shares?.map((share) => this.#metered(share, atEnd)) ?? null;
  }

  areMixed(request: ShareRequest): void {
    this.count -= this.#asked;
    this.#shares.areMixed(request);
  }

  async *#metered(share: AsyncIterable<Uint8Array>, atEnd: () => void): AsyncGenerator<Uint8Array> {
    for await (const chunk of share) {
      this.bytes += chunk.length;
      yield chunk;
    }
    atEnd();
  }
}
