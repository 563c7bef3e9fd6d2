// Parcels: small parts of batches on their way to another thread. Those of one turn of the event loop go in one message: a
// message takes as long as all that is done for a single point in the thread that stores it.
//
//   places   one a part        sizes   u32 bytes, u32 rows a part        bytes   the parts, end to end
import type { Pointer } from "../kernels/kernels.ts";
import { receivedError, type SentError, sentError } from "../threads/errors.ts";
import type { Place, PlacedBatch, Stored, StoredPart } from "./stored.ts";

/** Parts up to this size are gathered. */
export const SMALL_BYTES = 8 * 1024;
/** What is gathered at most. */
const MOST_BYTES = 64 * 1024;

interface Failed {
  readonly failure: SentError;
}

/** What became of a part. */
export type EndOfPart = StoredPart | Failed;

/** Sends a parcel; null: all rows of all parts are stored. */
export type Send = (
  places: readonly Place[],
  sizes: Uint32Array,
  bytes: Uint8Array,
) => Promise<readonly EndOfPart[] | null>;

interface Waiting {
  readonly rows: number;
  readonly resolve: (stored: StoredPart) => void;
  readonly reject: (error: unknown) => void;
}

export class Parcels {
  readonly #send: Send;
  readonly #room = new Uint8Array(MOST_BYTES);
  #gathered = 0;
  #places: Place[] = [];
  #sizes: number[] = [];
  #waiting: Waiting[] = [];

  constructor(send: Send) {
    this.#send = send;
  }

  /** The bytes, SMALL_BYTES at most, are copied. */
  add(place: Place, bytes: Uint8Array, rows: number): Promise<StoredPart> {
    if (this.#gathered + bytes.length > MOST_BYTES) this.#sendGathered();
    if (this.#places.length === 0) setImmediate(() => this.#sendGathered());
    this.#room.set(bytes, this.#gathered);
    this.#gathered += bytes.length;
    const last = this.#places.at(-1);
    const isSame = last?.database === place.database && last.retentionPolicy === place.retentionPolicy;
    // (one object is one in the message, too)
    this.#places.push(isSame ? last : place);
    this.#sizes.push(bytes.length, rows);
    return new Promise((resolve, reject) => this.#waiting.push({ rows, resolve, reject }));
  }

  #sendGathered(): void {
    if (this.#places.length === 0) return;
    const [places, waiting] = [this.#places, this.#waiting];
    const sizes = Uint32Array.from(this.#sizes);
    const bytes = this.#room.slice(0, this.#gathered);
    this.#gathered = 0;
    this.#places = [];
    this.#sizes = [];
    this.#waiting = [];
    const fail = (error: unknown) => {
      for (const { reject } of waiting) reject(error);
    };
    this.#send(places, sizes, bytes).then((ends) => {
      for (const [i, { rows, resolve, reject }] of waiting.entries()) {
        const end = ends?.[i] ?? { rows, dropped: 0, errors: [] };
        if ("failure" in end) reject(receivedError(end.failure));
        else resolve(end);
      }
    }, fail);
  }
}

/**
 * Stores the parts of a parcel whose bytes stand at `pointer`, where it has arrived. Begun one after the other: types that are new here
 * are asked for of all parts at once.
 */
export async function storeEach(
  places: readonly Place[],
  sizes: Uint32Array,
  pointer: Pointer,
  store: (part: PlacedBatch, place: Place) => Promise<Stored>,
): Promise<(Stored | Failed)[]> {
  let at = pointer;
  const storing = places.map(async (place, i) => {
    const part = { pointer: at, sizeBytes: sizes[2 * i]!, rows: sizes[2 * i + 1]! };
    at += part.sizeBytes;
    try {
      return await store(part, place);
    } catch (error) {
      return { failure: sentError(error) };
    }
  });
  return Promise.all(storing);
}

/** The ends of a parcel's parts; null: all rows of all parts are stored. */
export function unlessWhole(ends: readonly EndOfPart[], sizes: Uint32Array): readonly EndOfPart[] | null {
  const isWhole = ends.every((end, i) => !("failure" in end) && end.rows === sizes[2 * i + 1]);
  return isWhole ? null : ends;
}
