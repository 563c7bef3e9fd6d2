// Turn: long work of a query gives way to other requests, and learns there that it must end.
//
//   for (const group of groups) {
//     if (turn.isOver()) await turn.next();   // writes, pings and the news that the client has gone come in here
//     ...
//   }
import { Pause } from "../base/pause.ts";
import type { Budget } from "../model/scan.ts";

export class Turn {
  readonly #pause = new Pause();
  readonly #budget: Budget;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** Whether the query has worked for some milliseconds without giving way. */
  isOver(): boolean {
    return this.#pause.due();
  }

  /** Lets everything else that is ready run. Throws when the query must end: past its deadline, killed, client gone. */
  async next(): Promise<void> {
    this.#budget.check();
    await this.#pause.wait();
    this.#budget.check();
  }
}
