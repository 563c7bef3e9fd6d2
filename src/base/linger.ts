// Linger: for a moment after an answer the event loop turns instead of sleeping.
//
//     answer | looks for requests ........ | sleeps
//                    answer | looks ........ | sleeps
//
// Whoever asks often asks again at once, as dashboards do, and to be woken takes a thread, above all one of a virtual machine, as long as
// a small query itself. Servers that count on a core of their own do the same: Seastar's reactor polls for 200 us before it sleeps.

const LINGER_MS = 0.25;

export class Linger {
  readonly #nowMs: () => number;
  readonly #nextTurn: (then: () => void) => void;
  #endMs = 0;
  #isOn = false;

  /** `nextTurn`: calls back in the next turn of the event loop, which does not sleep before. */
  constructor(nowMs: () => number, nextTurn: (then: () => void) => void) {
    this.#nowMs = nowMs;
    this.#nextTurn = nextTurn;
  }

  /** An answer leaves. */
  begin(): void {
    this.#endMs = this.#nowMs() + LINGER_MS;
    if (this.#isOn) return;
    this.#isOn = true;
    this.#nextTurn(this.#look);
  }

  readonly #look = () => {
    this.#isOn = this.#nowMs() < this.#endMs;
    if (this.#isOn) this.#nextTurn(this.#look);
  };
}

let ofThread: Linger | undefined;

/** From now on in this thread: for a program that has a core for it. */
export function lingerAfterAnswers(): void {
  ofThread ??= new Linger(() => performance.now(), setImmediate);
}

/** An answer leaves; nothing unless `lingerAfterAnswers` was called. */
export function linger(): void {
  ofThread?.begin();
}
