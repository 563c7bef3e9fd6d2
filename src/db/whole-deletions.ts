// Deletions of several measurements in one thread, which has a record of each in its log: whole or not at all, whenever a crash comes.
import { type DeleteRequest, type DeletionAdministration, isByValue } from "../model/deletions.ts";
import type { Budget } from "../model/scan.ts";
import type { Changes } from "./changes.ts";
import { UNENDING } from "./deletions.ts";
import type { Engine } from "./engine.ts";

export class WholeDeletions implements DeletionAdministration {
  readonly #db: { readonly isClosed: boolean; readonly engine: Engine };
  readonly #changes: Changes;
  #last: Promise<unknown> = Promise.resolve();

  constructor(db: { readonly isClosed: boolean; readonly engine: Engine }, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  delete(requests: readonly DeleteRequest[], budget: Budget): Promise<void> {
    const { deletions } = this.#db.engine;
    if (requests.length < 2 || requests.some(isByValue)) return deletions.delete(requests, budget);
    const done = this.#last.then(() => this.#delete(requests, budget));
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Resolves when those that have begun are done. */
  async settled(): Promise<void> {
    await this.#last;
  }

  #delete(requests: readonly DeleteRequest[], budget: Budget): Promise<void> {
    const { deletions, changes } = this.#db.engine;
    budget.check();
    this.#db.engine.checkWritable();
    return this.#changes.whole(this.#db, { kind: "delete", requests }, (change) =>
      deletions.delete(requests, UNENDING, changes.steps(change)),
    );
  }
}
