// Engine: the stores of one thread and the way of a write into them, on disk and in memory.
//
//   bytes -> parse -> [parts to the threads that own their partitions] -> types -> log -> memtables -> durable
//
// From the types to the memtables it is one synchronous stretch (applier.ts), in every thread for its own rows.
import type { Clock } from "../base/clock.ts";
import { ClosedError, DiskError, InputError, NotFoundError, OverloadedError } from "../base/errors.ts";
import { parseJson } from "../ingest/json.ts";
import { type LineOptions, LineParser, type ParsedLines } from "../ingest/line.ts";
import { encodePoints, type Point } from "../ingest/points.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { Wal } from "../log/wal.ts";
import { policyNotFound } from "../model/retention.ts";
import type { Source } from "../model/scan.ts";
import type { TimeUnit } from "../model/types.ts";
import type { Schema } from "../store/schema.ts";
import { StoreSource } from "../store/source.ts";
import type { Store } from "../store/store.ts";
import { ScatteredSource } from "../threads/scattered-source.ts";
import { Apart } from "./apart.ts";
import type { Applier } from "./applier.ts";
import type { ChangeProgress } from "./changes.ts";
import type { Companions } from "./companions.ts";
import type { Databases } from "./databases.ts";
import { Deletions } from "./deletions.ts";
import { type AcceptedWrite, asItCame } from "./forwarding.ts";
import { Maintenance } from "./maintenance.ts";
import { checkNameOfWrite } from "./names.ts";
import type { OpenParts } from "./open.ts";
import type { Options } from "./options.ts";
import { type EndOfPart, storeEach, unlessWhole } from "./parcels.ts";
import { AUTOGEN } from "./policies.ts";
import type { Queries } from "./queries.ts";
import { Retention } from "./retention.ts";
import { Room } from "./room.ts";
import { Sharing } from "./sharing.ts";
import { engineMetrics, type Health, healthOf, type Metric } from "./status.ts";
import {
  type Counters,
  type Locate,
  NONE_REFUSED,
  outcomeOf,
  type Place,
  type PlacedBatch,
  type Refused,
  type Stored,
  type StoredPart,
  type WriteOutcome,
  type WriteTarget,
} from "./stored.ts";
import type { Surroundings } from "./surroundings.ts";

/** How often expired shards are looked for. */
const RETENTION_CHECK_MS = 30_000;
/** Linear memory that writes leave to flushes and queries is the rest of 4 GiB. */
const MOST_LINEAR_BYTES = 3 * 2 ** 30;
/** What a batch takes in memtable and catalog, at most, in its own size. */
const GROWTH = 4;

export class Engine {
  /** What this thread has. */
  readonly ownSource: StoreSource;
  /** What all threads have. */
  readonly source: Source;
  readonly sharing: Sharing;
  readonly deletions: Deletions;
  readonly retention: Retention;
  readonly maintenance: Maintenance;
  readonly changes: ChangeProgress;
  readonly counters: Counters = { writes: 0, rows: 0, dropped: 0, statements: 0, slowStatements: 0 };
  readonly #options: Options;
  readonly #clock: Clock;
  readonly #kernels: Kernels;
  readonly #schema: Schema;
  readonly #databases: Databases;
  readonly #log: Wal;
  readonly #stores: readonly Store[];
  readonly #applier: Applier;
  readonly #parser: LineParser;
  readonly #room: Room;
  readonly #surroundings: Surroundings;
  readonly #companions: Companions | null;
  /** Null when this thread has all partitions. */
  readonly #apart: Apart | null;
  readonly #stopTimer: () => void;
  #oldestRowMs: number | undefined;
  #nextExpiryMs = 0;
  #poison: DiskError | undefined;
  #closed: Promise<void> | undefined;

  /** `companions`: null when this thread has all partitions. */
  constructor(parts: OpenParts, companions: Companions | null, surroundings: Surroundings) {
    this.#options = parts.options;
    this.#clock = parts.clock;
    this.#kernels = parts.kernels;
    this.#schema = parts.schema;
    this.#databases = parts.databases;
    this.#log = parts.log;
    this.#stores = parts.stores;
    this.#applier = parts.applier;
    this.#surroundings = surroundings;
    this.#companions = companions;
    this.#parser = new LineParser(parts.kernels);
    this.maintenance = new Maintenance(parts.log, parts.stores);
    this.changes = parts.progress;
    this.maintenance.carried = () => this.changes.record;
    this.ownSource = new StoreSource(parts.kernels, parts.schema, parts.stores);
    const changes = () => companions?.changes() ?? "";
    const scattered =
      companions && new ScatteredSource(this.ownSource, companions.sources, companions.seat.index, changes);
    this.source = scattered ?? this.ownSource;
    this.sharing = new Sharing(this.ownSource, scattered);
    if (this.#stores.some((store) => store.rowsInMemory > 0)) this.#oldestRowMs = parts.clock.elapsedMs();
    const checkWritable = () => this.checkWritable();
    const changed = () => this.#changed();
    this.#room = new Room({
      ...{ ...parts, companions, checkWritable, maxMemSize: parts.options.maxMemSize },
      flush: () => this.flush(),
    });
    const { mayForget, holdOthers, subscriptions, declare } = surroundings;
    this.deletions = new Deletions({
      ...{ ...parts, maintenance: this.maintenance, checkWritable, mayForget, changed },
    });
    this.retention = new Retention({
      ...{ ...parts, maintenance: this.maintenance, deletions: this.deletions, checkWritable, holdOthers },
      ...{ subscriptions, mayForget },
    });
    this.#apart =
      companions &&
      new Apart({
        ...{ kernels: parts.kernels, schema: parts.schema, companions, declare },
        strictTypes: parts.options.strictTypes,
        oldestTime: ({ database, retentionPolicy }) => this.retention.oldestTime(database, retentionPolicy),
        store: (batch, place) => this.#store(batch, place),
        finish: (stored) => this.#finish(stored),
      });
    // the types of fields that are new are the head's to say, once what the log has is in memory
    if (companions) this.#applier.declares = true;
    this.#changed();
    const period = Math.min(1000, parts.options.flushInterval);
    this.#stopTimer = parts.clock.every(period, () => {
      this.#flushWhenOld();
      this.#room.flushWhenDue();
      this.#expireWhenDue();
      this.maintenance.rest(parts.clock);
      this.#kernels.rest();
      this.ownSource.rest(parts.clock.elapsedMs());
    });
  }

  /** Writes line protocol. Resolves when every stored row is durable; refused lines are in the outcome. */
  async writeLines(body: Uint8Array | string, target: WriteTarget): Promise<WriteOutcome> {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    const place = this.#placeAtOnce(target) ?? (await this.#admit(target));
    const { database, retentionPolicy } = place;
    const nowNs = this.#clock.nowNs();
    const { precision } = target;
    const options: LineOptions = precision
      ? { database, retentionPolicy, nowNs, precision }
      : { database, retentionPolicy, nowNs };
    const parsed = this.#parser.parse(bytes, options);
    const locate: Locate = (refusals) => this.#parser.locate(bytes, options, refusals);
    return this.#storeParsed(parsed, target, place, locate, (accepted) =>
      asItCame(accepted, bytes, precision ?? "ns", nowNs),
    );
  }

  /** Writes JSON: one point, an array, or a point a line. Otherwise as `writeLines`. */
  async writeJson(body: Uint8Array | string, target: WriteTarget): Promise<WriteOutcome> {
    const place = this.#placeAtOnce(target) ?? (await this.#admit(target));
    const { database } = place;
    const typeOf = (measurement: string, field: string) =>
      this.#schema.measurements(database).get(measurement)?.field(field)?.type;
    const options = { ...place, ...precisionOf(target), nowNs: this.#clock.nowNs(), typeOf };
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    const plain = this.#parser.parsePlainJson(bytes, options);
    if (plain !== null)
      return this.#storeParsed(plain, target, place, (refusals) => parseJson(body, options).locate(refusals));
    const parse = () => this.#kernels.stages.time("parse", () => parseJson(body, options));
    let parsed = parse();
    // fields that are new here may be known to the head
    if (parsed.unknown.length > 0 && (await this.#apart?.learn(database, parsed.unknown))) parsed = parse();
    const refused = { count: parsed.errorCount, unread: parsed.errorCount, errors: parsed.errors };
    return this.#count(await this.#storeBytes(parsed.batch, parsed.rows, place), refused, parsed.locate);
  }

  // Stores what was parsed and gives its memory back. `whole`: what is offered to subscribers when no point was refused.
  async #storeParsed(
    parsed: ParsedLines,
    target: WriteTarget,
    place: Place,
    locate: Locate,
    whole: (accepted: AcceptedWrite) => AcceptedWrite = (accepted) => accepted,
  ): Promise<WriteOutcome> {
    const refused =
      parsed.errorCount === 0
        ? NONE_REFUSED
        : {
            count: parsed.errorCount,
            unread: parsed.unread,
            errors: parsed.errors.map(({ lineNumber, message }) => ({ number: lineNumber, text: message })),
          };
    const isRefused = target.allOrNothing === true && refused.unread > 0;
    const batch = { pointer: parsed.batch, sizeBytes: parsed.batchBytes, rows: parsed.rows };
    this.#room.note(batch.sizeBytes);
    let storing: Promise<StoredPart>;
    try {
      if (isRefused) return this.#count(NOTHING, refused);
      if (this.#apart) storing = Promise.resolve(await this.#apart.store(batch, place));
      else {
        const stored = this.#store(batch, place);
        const { accepted } = stored;
        const isWhole = accepted && refused.count + stored.dropped === 0;
        storing = this.#finish(isWhole ? { ...stored, accepted: whole(accepted) } : stored);
      }
    } finally {
      parsed.free();
    }
    return this.#count(await storing, refused, locate);
  }

  /** Writes points. All of them are stored or, when one is malformed (`InputError`), none. */
  async writePoints(points: readonly Point[], target: WriteTarget): Promise<WriteOutcome> {
    const nowNs = this.#clock.nowNs();
    const place = await this.#admit(target);
    const { batch, locate } = encodePoints(points, place, nowNs);
    return this.#count(await this.#storeBytes(batch, points.length, place), NONE_REFUSED, locate);
  }

  /** Writes a batch. */
  async writeBatch(batch: Uint8Array, rows: number, target: WriteTarget): Promise<WriteOutcome> {
    const place = await this.#admit(target);
    return this.#count(await this.#storeBytes(batch, rows, place), NONE_REFUSED);
  }

  /** Stores rows of this thread's partitions that another has parsed; durable when resolved. */
  async storePart(place: Place, batch: Uint8Array, rows: number): Promise<StoredPart> {
    this.checkWritable();
    this.#room.note(batch.length);
    await this.#room.wait();
    return this.#finish(await this.#withBytes(batch, rows, (placed) => this.#apart!.storeOwn(placed, place)));
  }

  /** The same of several parts, each of which may fail: see parcels.ts. */
  async storeParcel(
    places: readonly Place[],
    sizes: Uint32Array,
    bytes: Uint8Array,
  ): Promise<readonly EndOfPart[] | null> {
    this.checkWritable();
    await this.#room.wait();
    const storeOwn = (placed: PlacedBatch, place: Place) => this.#apart!.storeOwn(placed, place);
    const ends = await this.#withBytes(bytes, 0, ({ pointer }) =>
      storeEach(places, sizes, pointer, storeOwn),
    );
    const finished = ends.map((end) => ("failure" in end ? end : this.#finish(end)));
    return unlessWhole(await Promise.all(finished), sizes);
  }

  /** Brings all rows of this thread in memory to segments. Resolves when they are durable there. */
  async flush(): Promise<void> {
    if (this.#closed) throw new ClosedError("the database is closed");
    this.#oldestRowMs = undefined;
    await this.maintenance.flush();
    // (other threads wait for it)
    this.#room.look();
  }

  /** Resolves when everything that was logged so far is durable. */
  settled(): Promise<void> {
    return this.#log.sync();
  }

  /** Finishes what is in flight, flushes and closes; calling again waits for the same. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Why writes are refused; undefined = they are not. */
  get failure(): DiskError | undefined {
    return (
      this.#poison ??
      this.#log.failure ??
      this.maintenance.failure ??
      this.#databases.failure ??
      this.#surroundings.failure()
    );
  }

  /** Throws `ClosedError`, `DiskError`. */
  checkWritable(): void {
    if (this.#closed) throw new ClosedError("the database is closed");
    const failure = this.failure;
    if (failure)
      throw new DiskError(`writes are refused since the disk failed: ${failure.message}`, {
        errno: failure.errno,
        cause: failure,
      });
  }

  get schema(): Schema {
    return this.#schema;
  }

  health(): Health {
    return healthOf({
      failure: this.failure,
      recovery: this.#log.recovery,
      stores: this.#stores,
      closed: this.isClosed,
    });
  }

  metrics(queries: Queries): readonly Metric[] {
    return engineMetrics({
      counters: this.counters,
      log: this.#log.statistics,
      stores: this.#stores,
      kernels: this.#kernels,
      maintenance: this.maintenance,
      queries,
    });
  }

  // Whether a write may come in, and where it goes. Waits for room.
  async #admit(target: WriteTarget): Promise<Place> {
    this.checkWritable();
    const { database } = target;
    if (database === "") throw new InputError("database is required");
    // also when another write is creating it: no row may be acknowledged for a database that a crash forgets
    if (!this.#databases.isDurable(database)) {
      if (!this.#databases.has(database)) {
        if (!this.#options.autoCreateDatabase) throw new NotFoundError(`database not found: "${database}"`);
        checkNameOfWrite(database);
        // what is refused makes no database
        const { retentionPolicy } = target;
        if (retentionPolicy && retentionPolicy !== AUTOGEN.name)
          throw policyNotFound(database, retentionPolicy);
      }
      await this.#surroundings.createDatabase(database);
    }
    const place = this.#placeOf(target);
    await this.#room.wait();
    return place;
  }

  // The same where nothing has to be waited for; null: something has.
  #placeAtOnce(target: WriteTarget): Place | null {
    this.checkWritable();
    if (!this.#databases.isDurable(target.database) || this.#room.isFull) return null;
    return this.#placeOf(target);
  }

  #placeOf({ database, retentionPolicy: wanted }: WriteTarget): Place {
    const policies = this.#databases.policies(database);
    // (dropped while the write waited)
    if (!policies) throw new NotFoundError(`database not found: "${database}"`);
    const retentionPolicy = wanted || policies.find((policy) => policy.isDefault)?.name || "";
    if (!policies.some(({ name }) => name === retentionPolicy))
      throw policyNotFound(database, retentionPolicy);
    return { database, retentionPolicy };
  }

  async #storeBytes(bytes: Uint8Array, rows: number, place: Place): Promise<StoredPart> {
    const apart = this.#apart;
    if (apart) return this.#withBytes(bytes, rows, (placed) => apart.store(placed, place));
    return this.#finish(await this.#withBytes(bytes, rows, (placed) => this.#store(placed, place)));
  }

  // The copy in linear memory is gone when `store` has ended.
  async #withBytes<T>(
    bytes: Uint8Array,
    rows: number,
    store: (placed: PlacedBatch) => T | Promise<T>,
  ): Promise<T> {
    const pointer = this.#applier.put(bytes);
    try {
      return await store({ pointer, sizeBytes: bytes.length, rows });
    } finally {
      this.#kernels.free(pointer);
    }
  }

  // Synchronous from the types to the memtables: see applier.ts.
  #store(batch: PlacedBatch, place: Place): Stored {
    this.checkWritable();
    // a DROP DATABASE may have come while the write waited for room
    if (!this.#databases.has(place.database))
      throw new NotFoundError(`database not found: "${place.database}"`);
    const { database, retentionPolicy } = place;
    if (!this.#databases.policies(database)?.some(({ name }) => name === retentionPolicy))
      throw policyNotFound(database, retentionPolicy);
    if (batch.rows === 0) return { position: 0, rows: 0, dropped: 0, errors: [] };
    const oldestTime = this.retention.oldestTime(database, retentionPolicy);
    const fitted = this.#applier.fit(batch, place, this.#options.strictTypes, oldestTime);
    try {
      const { rows, dropped, errors } = fitted;
      if (rows === 0) return { position: 0, rows, dropped, errors };
      this.#checkMemory(fitted.sizeBytes);
      const position = this.#log.append(this.#kernels.view(fitted.pointer, fitted.sizeBytes));
      try {
        this.#applier.apply(fitted);
      } catch (error) {
        // the log has rows that memory does not: only a restart brings them together again
        this.#poison = new DiskError(
          `rows in the log could not be brought to memory: ${(error as Error).message}`,
        );
        throw error;
      }
      this.#changed();
      this.#oldestRowMs ??= this.#clock.elapsedMs();
      if (!this.#surroundings.subscriptions.wants(place)) return { position, rows, dropped, errors };
      const bytes = this.#kernels.view(fitted.pointer, fitted.sizeBytes).slice();
      const accepted: AcceptedWrite = { ...place, rows, batch: bytes, lines: null, precision: "ns" };
      return { position, rows, dropped, errors, accepted };
    } finally {
      fitted.free();
    }
  }

  // Refuses before the log has the rows: what is there must fit in memory, at the next start as well.
  #checkMemory(batchBytes: number): void {
    if (this.#kernels.usedBytes + GROWTH * batchBytes <= MOST_LINEAR_BYTES) return;
    void this.flush().catch(() => undefined);
    throw new OverloadedError("memory is full of rows and series: send again later, or drop measurements");
  }

  // Tells the other threads' queries that what they know of fields and series may be old; before a write is answered.
  #changed(): void {
    if (!this.#companions) return;
    let changes = this.#schema.changes;
    for (const { catalog } of this.#stores) changes += catalog.changes;
    this.#companions.changed(changes);
  }

  async #finish(stored: Stored): Promise<StoredPart> {
    this.#room.flushWhenDue();
    if (stored.position > 0) await this.#log.durable(stored.position);
    if (stored.accepted) this.#surroundings.subscriptions.offer(stored.accepted);
    const { rows, dropped, errors } = stored;
    return { rows, dropped, errors };
  }

  #count(stored: StoredPart, refused: Refused, locate?: Locate): WriteOutcome {
    const outcome = outcomeOf(stored, refused, locate);
    this.counters.writes++;
    this.counters.rows += outcome.rows;
    this.counters.dropped += outcome.dropped;
    return outcome;
  }

  #expireWhenDue(): void {
    const nowMs = this.#clock.elapsedMs();
    if (nowMs < this.#nextExpiryMs || this.failure || this.#closed) return;
    this.#nextExpiryMs = nowMs + RETENTION_CHECK_MS;
    void this.retention.enforce().catch(() => undefined);
  }

  #flushWhenOld(): void {
    const oldest = this.#oldestRowMs;
    if (oldest === undefined || this.failure || this.#closed) return;
    if (this.#clock.elapsedMs() - oldest >= this.#options.flushInterval)
      void this.flush().catch(() => undefined);
  }

  async #close(): Promise<void> {
    this.#stopTimer();
    try {
      if (!this.failure) await this.maintenance.flush();
    } finally {
      await this.maintenance.close();
      await this.#log.close().finally(() => this.#release());
    }
  }

  #release(): void {
    for (const store of this.#stores) store.close();
    this.#applier.close();
    this.#parser.close();
    this.#apart?.close();
  }
}

const NOTHING: StoredPart = { rows: 0, dropped: 0, errors: [] };

function precisionOf(target: WriteTarget): { precision?: TimeUnit } {
  return target.precision === undefined ? {} : { precision: target.precision };
}
