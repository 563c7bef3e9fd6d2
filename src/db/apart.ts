// Apart: a batch stored by the threads that have its rows' partitions, this one among them.
//
//   batch -> [of several types where these are new: fitted here, as a whole] -> a part for each thread -> stored there -> put together
//
// The types of fields that are new to a thread are the head's to say. A new field of several types has that of its first row that
// is stored, which only the whole batch tells.

import type { Kernels, Pointer } from "../kernels/kernels.ts";
import { BatchSplitter } from "../kernels/split.ts";
import type { Schema } from "../store/schema.ts";
import { UndeclaredFields } from "./applier.ts";
import type { Companions, DeclaredField } from "./companions.ts";
import { type EndedPart, together } from "./parts.ts";
import type { Place, PlacedBatch, Stored, StoredPart } from "./stored.ts";
import { type FieldName, fieldsOfSeveralTypes, rebuild } from "./unify.ts";

export interface ApartParts {
  readonly kernels: Kernels;
  readonly schema: Schema;
  readonly companions: Companions;
  readonly strictTypes: boolean;
  /** Rows before it are refused, ns; null: none are. */
  oldestTime(place: Place): bigint | null;
  /** See `Surroundings`. */
  declare(database: string, fields: readonly DeclaredField[]): Promise<readonly DeclaredField[]>;
  /** Stores rows of this thread's partitions, in one step; throws `UndeclaredFields`. */
  store(batch: PlacedBatch, place: Place): Stored;
  /** Resolves when they are durable. */
  finish(stored: Stored): Promise<StoredPart>;
}

export class Apart {
  readonly #parts: ApartParts;
  readonly #splitter: BatchSplitter;

  constructor(parts: ApartParts) {
    this.#parts = parts;
    this.#splitter = new BatchSplitter(parts.kernels, parts.companions.seat.owners);
  }

  /** Each thread gets the rows of its partitions; durable when resolved. The batch is needed until then. */
  async store(batch: PlacedBatch, place: Place): Promise<StoredPart> {
    const isFitted = batch.rows > 1 && (await this.#needsFitting(batch.pointer, place.database));
    return isFitted ? this.#storeFitted(batch, place) : this.#storeParts(batch, place);
  }

  /** Stores rows of this thread's partitions; the types of fields that it does not know are asked of the head first. */
  async storeOwn(batch: PlacedBatch, place: Place): Promise<Stored> {
    for (;;) {
      try {
        return this.#parts.store(batch, place);
      } catch (error) {
        if (!(error instanceof UndeclaredFields)) throw error;
        // from here to the memtables nothing comes between: a drop that is under way comes after
        this.#define(place.database, await this.#parts.declare(place.database, error.fields));
      }
    }
  }

  /** Takes over the types of fields that are new here and known to the head; whether there are such. */
  async learn(database: string, fields: readonly FieldName[]): Promise<boolean> {
    const { companions } = this.#parts;
    if (companions.seat.index === 0) return false;
    const known = await companions.knownFields(database, fields);
    this.#define(database, known);
    return known.length > 0;
  }

  close(): void {
    this.#splitter.close();
  }

  async #storeParts({ pointer, sizeBytes, rows }: PlacedBatch, place: Place): Promise<StoredPart> {
    const { kernels, companions, finish } = this.#parts;
    const { index, owners } = companions.seat;
    const whole = () => kernels.view(pointer, sizeBytes);
    const storeWhole = async (thread: number) =>
      thread === index
        ? finish(await this.storeOwn({ pointer, sizeBytes, rows }, place))
        : companions.write(thread, place, whole(), rows);
    const storeOf = async (thread: number, count: number): Promise<EndedPart> => {
      if (thread !== index) {
        const bytes = this.#splitter.part(pointer, sizeBytes, thread);
        return { thread, stored: await companions.write(thread, place, bytes, count) };
      }
      const own = this.#splitter.ownPart(pointer, sizeBytes, thread);
      const storing = this.storeOwn({ ...own, rows: count }, place);
      return { thread, stored: await finish(await storing.finally(() => kernels.free(own.pointer))) };
    };
    const counts = this.#splitter.rowsOf(pointer, sizeBytes);
    if (rows === 0) return { rows, dropped: 0, errors: [] };
    const only = counts.indexOf(rows);
    if (only >= 0) return storeWhole(only);
    // the others first: they work while this thread does
    const threads = [...companions.others, index].filter((thread) => counts[thread]! > 0);
    // all of them: what is stored is stored, also where another thread could not
    const ended = await Promise.allSettled(threads.map((thread) => storeOf(thread, counts[thread]!)));
    const parts = ended.map((part) => {
      if (part.status === "rejected") throw part.reason;
      return part.value;
    });
    return together(parts, owners, () => whole().slice());
  }

  // Whether a field of several types is new, to this thread and to the head.
  async #needsFitting(batch: Pointer, database: string): Promise<boolean> {
    const { kernels, schema } = this.#parts;
    const isNew = ([measurement, field]: readonly [string, string]) =>
      schema.measurements(database).get(measurement)?.field(field) === undefined;
    const { all, several } = fieldsOfSeveralTypes(kernels, batch);
    if (!several.some(isNew)) return false;
    // of all fields: a point that is refused because of another one does not count
    const asked = all().filter(isNew);
    await this.learn(database, asked);
    return several.some(isNew);
  }

  async #storeFitted(batch: PlacedBatch, place: Place): Promise<StoredPart> {
    const { kernels, schema, strictTypes, oldestTime } = this.#parts;
    const { database, retentionPolicy } = place;
    const fitted = rebuild(
      ...([schema, kernels.view(batch.pointer, batch.sizeBytes), database, retentionPolicy] as const),
      ...([strictTypes, oldestTime(place)] as const),
    );
    const { rows, dropped, errors, originOf } = fitted;
    if (rows === 0) return { rows, dropped, errors };
    const pointer = kernels.alloc(fitted.batch.length);
    let stored: StoredPart;
    try {
      kernels.put(pointer, fitted.batch);
      stored = await this.#storeParts({ pointer, sizeBytes: fitted.batch.length, rows }, place);
    } finally {
      kernels.free(pointer);
    }
    // (of a field whose type another write has just decided)
    const later = stored.errors.map((refusal) => ({ ...refusal, ...originOf(refusal) }));
    return { rows: stored.rows, dropped: stored.dropped + dropped, errors: [...errors, ...later] };
  }

  #define(database: string, fields: readonly DeclaredField[]): void {
    for (const [measurement, field, type] of fields)
      this.#parts.schema.measurement(database, measurement).define(field, type);
  }
}
