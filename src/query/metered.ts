// Metered rows: a source of rows that counts what a statement takes from it, for EXPLAIN ANALYZE.
import type { Clock } from "../base/clock.ts";
import type { FoldedGroups, FoldRequest, RowBatch, Rows, ScanRequest } from "../model/scan.ts";

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
