// Turn: long work of a query gives way to other requests, and learns there that it must end.
//
//   for (const group of groups) {
//     if (turn.isOver()) await turn.next();   // writes, pings and the news that the client has gone come in here
//     ...
//   }
//
// Work that is not itself asynchronous is a generator of steps, of at most a millisecond or so each: `turn.through(steps)`.
import { Pause } from "../base/pause.ts";
import type { Budget } from "../model/scan.ts";

/** Long work: between its steps others may have their turn. */
export type Steps<T> = Generator<void, T>;

/** After so many rows, series or groups a step ends. */
export const STEP = 4096;

export function isSteps<T>(value: unknown): value is Steps<T> {
  return typeof value === "object" && value !== null && "next" in value;
}

/** Does all steps at once. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

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

  /** Does all steps of a work, giving way between them, and answers with what it gives. */
  async through<T>(steps: Steps<T>): Promise<T> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (this.isOver()) await this.next();
    }
  }
}
