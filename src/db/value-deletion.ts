// DELETE by values: rows are read, what matches is logged and deleted, a step of some milliseconds at a time.
//
//   step      read, log, delete, all in one: no row that comes meanwhile is taken for one that was read
//   section   steps for a tenth of a second, with pauses; the log is durable at its end, and a flush may come between two
//   settling  a flush and the merges after it, when the ranges that wait for them have become many
//
// Each step stands for itself: a statement that is killed, fails or meets a crash has deleted what its steps have, durably from the
// end of their section on, and the same statement again goes on with the rest.
import { Pause } from "../base/pause.ts";
import type { ByValue } from "../model/deletions.ts";
import type { Budget } from "../model/scan.ts";
import { dropEmptySeries } from "../store/empty.ts";
import { Matching } from "../store/matching.ts";
import type { Table } from "../store/schema.ts";
import type { Bounds, SeriesRanges } from "../store/series-ranges.ts";
import type { Store } from "../store/store.ts";
import type { DeletionParts } from "./deletions.ts";
import { encodeDeletion } from "./record.ts";

const SECTION_MS = 100;
/** Ranges that a statement leaves to merges before it waits for these: 16 bytes each, in memory and on disk. */
const MOST_RANGES = 2_000_000;
/** More are merged away at once, whenever the next flush would come. */
const FEW_RANGES = 10_000;
/** More rows of a store in memory are flushed first. */
const MOST_IN_MEMORY = 50_000;
/** How often a statement that waits for merges looks whether it has been killed. */
const LOOK_MS = 50;

export class ValueDeletion {
  readonly #parts: DeletionParts;
  readonly #request: ByValue;
  readonly #budget: Budget;
  readonly #mostRanges: number;
  /** Since merges were waited for. */
  #ranges = 0;

  /** `mostRanges`: that may wait for merges before it waits for these. */
  constructor(parts: DeletionParts, request: ByValue, budget: Budget, mostRanges = MOST_RANGES) {
    this.#parts = parts;
    this.#request = request;
    this.#budget = budget;
    this.#mostRanges = mostRanges;
  }

  /** Durable when resolved, and also what was deleted before it throws. */
  async run(): Promise<void> {
    const { schema, stores, maintenance } = this.#parts;
    const { database, measurement } = this.#request;
    // of rows in memory those of a series are one step, and each step walks them
    if (stores.some(({ rowsInMemory }) => rowsInMemory > MOST_IN_MEMORY)) await maintenance.flush();
    try {
      for (const table of schema.tablesOf(database, measurement))
        for (const store of stores) await this.#deleteFrom(store, table);
    } finally {
      this.#parts.changed();
      if (stores.some(({ deletedRanges }) => deletedRanges > FEW_RANGES)) this.#mergeSoon();
    }
  }

  #mergeSoon(): void {
    const { maintenance, checkWritable } = this.#parts;
    try {
      checkWritable();
    } catch {
      return; // it is closing, or the disk has failed
    }
    void maintenance.flush().catch(() => undefined);
  }

  async #deleteFrom(store: Store, table: Table): Promise<void> {
    const { kernels, schema, maintenance, checkWritable } = this.#parts;
    const { database, measurement, where, minTime, maxTime } = this.#request;
    let matching: Matching | undefined;
    let isDone = false;
    while (!isDone) {
      await maintenance.exclusively(async () => {
        this.#budget.check();
        checkWritable();
        // dropped meanwhile
        if (schema.findTable(database, table.retentionPolicy, measurement) !== table) {
          isDone = true;
          return;
        }
        matching ??= new Matching(kernels, store, table, where, minTime, maxTime);
        await this.#section(store, table, matching);
        isDone = matching.done;
      });
      if (this.#ranges >= this.#mostRanges) await this.#settle();
    }
  }

  async #section(store: Store, table: Table, matching: Matching): Promise<void> {
    const { log, checkWritable } = this.#parts;
    const endMs = performance.now() + SECTION_MS;
    const pause = new Pause();
    matching.begin();
    try {
      while (!matching.done && performance.now() < endMs) {
        const taken = matching.step(() => pause.due());
        if (taken.rangeCount > 0) this.#take(store, table, taken);
        this.#budget.check();
        await pause.wait();
        this.#budget.check();
        checkWritable();
      }
    } finally {
      matching.pause();
      await dropEmptySeries(store, [{ table, series: matching.takeEmptied() }], pause);
      await log.sync();
    }
  }

  #take(store: Store, table: Table, taken: SeriesRanges): void {
    const { log } = this.#parts;
    const { database, measurement, fields } = this.#request;
    const points = Array.from(taken.ids!, (id, place): [string, Bounds] => [
      Buffer.from(store.catalog.key(id)).toString("latin1"),
      taken.at(place),
    ]);
    const { retentionPolicy } = table;
    const named = fields === null ? {} : { fields };
    log.append(encodeDeletion({ database, retentionPolicy, measurement, points, ...named }));
    store.delete(table, taken, taken.ids!, fields);
    this.#ranges += taken.rangeCount;
  }

  // Waits for the merges that take the ranges away, and may be killed meanwhile.
  async #settle(): Promise<void> {
    this.#ranges = 0;
    let isOver = false;
    const settled = this.#parts.maintenance.settle().finally(() => {
      isOver = true;
    });
    settled.catch(() => undefined);
    while (!isOver) {
      this.#budget.check();
      await Promise.race([settled, Bun.sleep(LOOK_MS)]);
    }
  }
}
