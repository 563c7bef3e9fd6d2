// Writes: the bodies of writes on their way into the database.
//
//   small   at once
//   large   in the next turn of the event loop; while others wait here, it goes to another thread that has none
import type { SentWrite } from "../db/peers.ts";
import type { WriteOutcome } from "../db/stored.ts";
import type { Backend } from "./backend.ts";
import type { Bodies, SentBody } from "./body.ts";

/** To store a body that was so large when it was sent takes much longer than to hand it over. */
const LARGE_BYTES = 64 * 1024;

export class Writes {
  readonly #db: Backend;
  readonly #bodies: Bodies;
  #waiting = 0;

  constructor(db: Backend, bodies: Bodies) {
    this.#db = db;
    this.#bodies = bodies;
    db.peers?.serve((write, bytes) =>
      this.#storeCounted(write, (store) => bodies.adopt(bytes, write.encoding, store)),
    );
  }

  /** Stores the points of a request's body. */
  store(request: Request, form: SentWrite["form"], target: SentWrite["target"]): Promise<WriteOutcome> {
    return this.#bodies.receive(request, (sent) => {
      const write = { form, target, encoding: sent.encoding };
      if (sent.bytes.length >= LARGE_BYTES) return this.#storeLarge(sent, write);
      return this.#bodies.open(sent, (bytes) => this.#store(bytes, write));
    });
  }

  async #storeLarge(sent: SentBody, write: SentWrite): Promise<WriteOutcome> {
    const { peers } = this.#db;
    peers?.add(1);
    this.#waiting++;
    // (what else has come in this turn is known in the next)
    await new Promise((resolve) => setImmediate(resolve));
    this.#waiting--;
    if (this.#waiting > 0) {
      const outcome = peers?.handOver(write, whole(sent.bytes));
      if (outcome) {
        peers!.add(-1);
        return outcome;
      }
    }
    return this.#storeCounted(write, (store) => this.#bodies.open(sent, store));
  }

  // Of a body that was counted: until the database has it, from when on it is only waited for.
  async #storeCounted(
    write: SentWrite,
    open: (store: (bytes: Uint8Array) => Promise<WriteOutcome>) => Promise<WriteOutcome>,
  ): Promise<WriteOutcome> {
    let isCounted = true;
    const ended = () => {
      if (isCounted) this.#db.peers?.add(-1);
      isCounted = false;
    };
    try {
      return await open((bytes) => {
        const storing = this.#store(bytes, write);
        ended();
        return storing;
      });
    } finally {
      ended();
    }
  }

  #store(bytes: Uint8Array, { form, target }: SentWrite): Promise<WriteOutcome> {
    return form === "lines" ? this.#db.writeLines(bytes, target) : this.#db.writeJson(bytes, target);
  }
}

// The bytes with a buffer of their own.
function whole(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
}
