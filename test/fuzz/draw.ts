// Draws from a seeded generator: what every part of the grammar is made with.
import { Random } from "../../scripts/bench/random.ts";

/** A text, or how to make one. */
export type Choice = string | (() => string);

export class Draw {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  /** Uniform integer in [0, bound). */
  below(bound: number): number {
    return this.#random.below(bound);
  }

  /** Uniform integer from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.#random.below(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.#random.fraction() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return this.#random.pick(choices);
  }

  /** One of the choices, made. */
  of(...choices: Choice[]): string {
    const choice = this.pick(choices);
    return typeof choice === "string" ? choice : choice();
  }

  /** One of the choices, each as often as its weight says. */
  weighted(...choices: (readonly [weight: number, choice: Choice])[]): string {
    const total = choices.reduce((sum, [weight]) => sum + weight, 0);
    let rest = this.#random.fraction() * total;
    for (const [weight, choice] of choices) {
      rest -= weight;
      if (rest < 0) return typeof choice === "string" ? choice : choice();
    }
    return "";
  }

  /** `make()` or nothing. */
  maybe(probability: number, make: Choice): string {
    if (!this.chance(probability)) return "";
    return typeof make === "string" ? make : make();
  }

  /** Between `least` and `most` texts. */
  list(least: number, most: number, make: () => string): string[] {
    return Array.from({ length: this.between(least, most) }, make);
  }

  /** Distinct members, in their order. */
  some<T>(all: readonly T[], probability: number): T[] {
    return all.filter(() => this.chance(probability));
  }
}
