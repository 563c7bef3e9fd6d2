// Applier: brings WriteBatches into the memtables of a thread's stores.
//
// A batch in linear memory is bound to the schema (unify.ts), logged, and applied in one synchronous stretch: nothing
// else sees the scratch memory, and the order of the log is the order of the memtables.
import { assert } from "../base/assert.ts";
import { OverloadedError } from "../base/errors.ts";
import type { Refusal } from "../ingest/reasons.ts";
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";
import { openBatch } from "../model/batchview.ts";
import type { Schema } from "../store/schema.ts";
import type { DeclaredField } from "./companions.ts";
import { type BoundTable, bind, rebuild } from "./unify.ts";

/** A batch that fits the schema. */
export interface FittedBatch {
  readonly pointer: Pointer;
  readonly sizeBytes: number;
  readonly rows: number;
  readonly tables: readonly BoundTable[];
  readonly dropped: number;
  readonly errors: readonly Refusal[];
  /** Frees what `fit` allocated, not the batch that it was given. */
  free(): void;
}

const nothing = () => undefined;

/** Fields whose types are another thread's to say; nothing has been done. */
export class UndeclaredFields extends Error {
  constructor(readonly fields: readonly DeclaredField[]) {
    super(`the types of ${fields.length} fields are not known here`);
  }
}

export class Applier {
  /** Whether `fit` throws `UndeclaredFields` for fields that are new, instead of giving them the batch's types. */
  declares = false;
  readonly #kernels: Kernels;
  readonly #schema: Schema;
  readonly #partitions: Pointer;
  readonly #partitionCount: number;
  readonly #scratch: Scratch;

  /** `partitions`: the records of all partitions, end to end. */
  constructor(kernels: Kernels, schema: Schema, partitions: Pointer, partitionCount: number) {
    this.#kernels = kernels;
    this.#schema = schema;
    this.#partitions = partitions;
    this.#partitionCount = partitionCount;
    this.#scratch = new Scratch(kernels);
  }

  /** Bytes of rows in the active memtables of all partitions. */
  get activeBytes(): number {
    return this.#kernels.call.activeMemtableBytes(this.#partitions, this.#partitionCount);
  }

  /**
   * Binds a batch in linear memory to the schema, leaving out points that have no exact form in their field's type, and those
   * before `oldestTime` (ns). `replayed`: see `rebuild`.
   */
  fit(
    batch: { pointer: Pointer; sizeBytes: number; rows: number },
    target: { database: string; retentionPolicy: string },
    strict: boolean,
    oldestTime: bigint | null = null,
    replayed = false,
  ): FittedBatch {
    const { database, retentionPolicy } = target;
    const { pointer } = batch;
    const isWhole = oldestTime === null || this.#kernels.longs[(pointer + 16) >>> 3]! >= oldestTime;
    const tables = isWhole && this.#bind(pointer, target, strict, replayed);
    if (tables) {
      const { sizeBytes, rows } = batch;
      return { pointer, sizeBytes, rows, tables, dropped: 0, errors: [], free: nothing };
    }
    const bytes = this.#kernels.view(pointer, batch.sizeBytes);
    const rebuilt = rebuild(
      ...([this.#schema, bytes, database, retentionPolicy, strict, oldestTime, replayed] as const),
    );
    const area = this.put(rebuilt.batch);
    const free = () => this.#kernels.free(area);
    let again: BoundTable[] | null;
    try {
      again = this.#bind(area, target, strict, replayed);
    } catch (error) {
      free();
      throw error;
    }
    assert(again, "a batch that was made to fit the schema does not");
    const { rows, dropped, errors } = rebuilt;
    return { pointer: area, sizeBytes: rebuilt.batch.length, rows, tables: again, dropped, errors, free };
  }

  #bind(
    batch: Pointer,
    { database, retentionPolicy }: { database: string; retentionPolicy: string },
    strict: boolean,
    replayed: boolean,
  ): BoundTable[] | null {
    const bound = bind(
      ...([this.#kernels, this.#schema, batch, database, retentionPolicy, strict] as const),
      ...([this.declares, replayed] as const),
    );
    if (bound !== null && "undeclared" in bound) throw new UndeclaredFields(bound.undeclared);
    return bound;
  }

  /** Copies batch bytes into an area of linear memory, which is the caller's to free. */
  put(bytes: Uint8Array): Pointer {
    const area = this.#kernels.alloc(bytes.length);
    this.#kernels.put(area, bytes);
    return area;
  }

  /** Appends the rows to the memtables. Throws `OverloadedError` when linear memory is exhausted: some rows may be in. */
  apply(batch: FittedBatch): void {
    this.#kernels.stages.time("memtable", () => this.#apply(batch));
  }

  #apply(batch: FittedBatch): void {
    const kernels = this.#kernels;
    for (const { pointer, seriesCount, table, fieldIds } of batch.tables) {
      const fieldsAt = seriesCount * 8;
      const workAt = fieldsAt + fieldIds.length * 4;
      const targets = this.#scratch.reserve(workAt + fieldIds.length * 16 + 64);
      const ids = (targets + fieldsAt) >>> 2;
      for (let f = 0; f < fieldIds.length; f++) kernels.words[ids + f] = fieldIds[f]!;
      const applied =
        kernels.call.catalogResolve(
          ...([this.#partitions, this.#partitionCount, pointer, table.id, targets] as const),
        ) && kernels.call.memtableApply(pointer, targets, targets + fieldsAt, targets + workAt);
      if (!applied) throw new OverloadedError("out of linear memory: no room for more rows or series");
    }
  }

  /** Applies a record of the log again. Throws `CorruptionError` when the bytes are no batch. */
  replay(record: Uint8Array): void {
    const bytes = record.slice();
    const { database, retentionPolicy, rowCount } = openBatch(bytes, "log record");
    const pointer = this.put(bytes);
    try {
      const batch = { pointer, sizeBytes: bytes.length, rows: rowCount };
      const fitted = this.fit(batch, { database, retentionPolicy }, false, null, true);
      this.apply(fitted);
      fitted.free();
    } finally {
      this.#kernels.free(pointer);
    }
  }

  close(): void {
    this.#scratch.release();
  }
}
