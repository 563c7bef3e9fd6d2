// What follows from a text, remembered by it: clients send the same parameters and headers with every request.
export class Remembered<T> {
  readonly #known = new Map<string, T>();
  readonly #of: (text: string) => T;

  /** What `of` throws is not remembered. */
  constructor(of: (text: string) => T) {
    this.#of = of;
  }

  of(text: string): T {
    let value = this.#known.get(text);
    if (value === undefined) {
      value = this.#of(text);
      if (this.#known.size >= MOST) this.#known.clear();
      this.#known.set(text, value);
    }
    return value;
  }
}

const MOST = 100;
