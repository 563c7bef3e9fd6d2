// Member: a thread beside the head, with the engine of its own partitions. What it is asked: rows of its partitions to store and
// to read, by every other thread; what concerns names and all threads together, by the head. Queries run here as they do
// there; what their statements ask of the database goes to the head.
import { systemClock } from "../base/clock.ts";
import { ClosedError } from "../base/errors.ts";
import { nodeDisk } from "../disk/node.ts";
import type { Administration } from "../model/administration.ts";
import type { DeleteRequest } from "../model/deletions.ts";
import type { Budget } from "../model/scan.ts";
import type { TimeWindow } from "../model/windows.ts";
import type { SeriesWriter } from "../query/make-share.ts";
import type { StatementResult } from "../query/result.ts";
import { attendedTask, ServedBudget } from "../threads/budgets.ts";
import type { Handlers, StreamState } from "../threads/channel.ts";
import { type Share, serveSource } from "../threads/serve-source.ts";
import type { Companions, DeclaredField } from "./companions.ts";
import { ReadDatabases } from "./databases.ts";
import { UNENDING } from "./deletions.ts";
import { Engine } from "./engine.ts";
import type { AcceptedWrite } from "./forwarding.ts";
import { Into } from "./into.ts";
import { shareOf } from "./layout.ts";
import { type OpenParts, openParts } from "./open.ts";
import type { Options } from "./options.ts";
import type { Peers, SentWrite } from "./peers.ts";
import { Queries } from "./queries.ts";
import { type RunOptions, Sessions } from "./sessions.ts";
import type { Health, Metric } from "./status.ts";
import type { Place, StoredPart, WriteOutcome, WriteTarget } from "./stored.ts";
import type { FieldName } from "./unify.ts";
import type { Users } from "./users.ts";

/** What a member's own step opened. */
export interface MemberReport {
  readonly fields: readonly (readonly [database: string, ...DeclaredField])[];
  readonly warnings: readonly string[];
  /** Records that its log had. */
  readonly records: number;
}

export class Member {
  readonly users: Users;
  readonly #engine: Engine;
  readonly #parts: OpenParts;
  readonly #companions: Companions;
  readonly #queries: Queries;
  readonly #sessions: Sessions;
  readonly #administration: Administration;
  readonly #ownMetrics: (() => readonly Metric[])[] = [];
  #wanted: readonly Place[] = [];
  /** Lets flushes go on that wait while the head alters the windows of a policy. */
  #release: () => void = () => undefined;

  private constructor(parts: OpenParts, companions: Companions) {
    this.#parts = parts;
    this.#companions = companions;
    this.users = parts.users;
    const { options, clock } = parts;
    const head = () => companions.channel(0);
    this.#engine = new Engine(parts, companions, {
      createDatabase: async (database) => {
        const known = parts.databases.policies(database);
        if (known === undefined) return this.#administration.createDatabase(database);
        // (to have it made would bring back one that is being dropped, and wait for what else changes)
        await head().call("databasesRead");
        parts.databases.allHaveRead(database, known);
      },
      subscriptions: {
        wants: ({ database, retentionPolicy }) =>
          this.#wanted.some((each) => each.database === database && each.retentionPolicy === retentionPolicy),
        offer: ({ batch, ...write }) => head().notify("offer", write, batch),
        dropPolicy: async () => undefined,
      },
      failure: () => undefined,
      mayForget: () => true,
      declare: (database, fields) => companions.declare(database, fields),
      holdOthers: () => Promise.reject(new Error("policies are the head's to alter")),
    });
    this.#queries = new Queries(clock, options.maxConcurrentQueries, companions);
    const asked = <K extends keyof Administration>(part: K) =>
      new Proxy({} as Administration[K] & object, {
        get:
          (_, method) =>
          (...args: unknown[]) =>
            head().call("administration", part, method, args),
      });
    const queries = asked("queries");
    this.#administration = {
      into: new Into((batch, rows, target) => this.#engine.writeBatch(batch, rows, target)),
      queries: {
        begin: (text, database) => this.#queries.begin(text, database),
        list: () => queries.list(),
        kill: (id) => queries.kill(id),
      },
      continuousQueries: asked("continuousQueries"),
      subscriptions: asked("subscriptions"),
      status: asked("status"),
      users: asked("users"),
      retention: asked("retention"),
      deletions: {
        delete: (requests, budget) => attendedTask(head().task<void>("delete", requests), budget),
      },
      databases: () => parts.databases.names(),
      retentionPolicies: (database) => parts.databases.policies(database),
      createDatabase: (database) => head().call("administration", null, "createDatabase", [database]),
      dropDatabase: (database) => head().call("administration", null, "dropDatabase", [database]),
      dropMeasurement: (database, measurement) =>
        head().call("administration", null, "dropMeasurement", [database, measurement]),
    };
    this.#sessions = new Sessions(this.#engine, this.#administration, options, clock);
    this.#sessions.onSlowStatement = (statement) => head().notify("slow", statement);
  }

  /** Opens the partitions of a seat; the head has the data directory's lock. */
  static async open(options: Options, companions: Companions): Promise<Member> {
    const { seat } = companions;
    const { dataDir } = options;
    const databases = new ReadDatabases(nodeDisk, `${dataDir}/databases`, seat.owners.length);
    const share = shareOf(dataDir, seat.owners.length, seat.index, seat.count);
    return new Member(await openParts(options, nodeDisk, systemClock, databases, share), companions);
  }

  get report(): MemberReport {
    const fields = [...this.#parts.schema.fields()].map(
      ({ measurement, field }) => [measurement.database, measurement.name, field.name, field.type] as const,
    );
    const { warnings, records } = this.#parts.log.recovery;
    return { fields, warnings, records };
  }

  writeLines(body: Uint8Array | string, target: WriteTarget): Promise<WriteOutcome> {
    return this.#engine.writeLines(body, target);
  }

  writeJson(body: Uint8Array | string, target: WriteTarget): Promise<WriteOutcome> {
    return this.#engine.writeJson(body, target);
  }

  run(text: string, options: RunOptions = {}): AsyncIterable<StatementResult> {
    if (this.#engine.isClosed) throw new ClosedError("the database is closed");
    return this.#sessions.run(text, options);
  }

  /** Reads again what the head may have written since this thread has. Throws `CorruptionError`, `DiskError`. */
  reload(): void {
    this.#parts.databases.reload();
    this.users.reload();
  }

  /** Of all threads. */
  isReady(): Promise<boolean> {
    return this.#companions.channel(0).call("isReady");
  }

  health(): Promise<Health> {
    return this.#companions.channel(0).call("healthOfAll");
  }

  /** Of all threads. */
  metrics(): Promise<readonly Metric[]> {
    return this.#companions.channel(0).call("metricsOfAll");
  }

  addMetrics(metrics: () => readonly Metric[]): void {
    this.#ownMetrics.push(metrics);
  }

  /** How series of answers are written in this thread. */
  answerWith(writer: SeriesWriter): void {
    this.#engine.sharing.writer = writer;
  }

  get peers(): Peers {
    return this.#companions.peers;
  }

  /** What every other thread may ask. */
  partHandlers(): Handlers {
    return partHandlers(this.#engine, this.peers, this.#parts.options.queryMemory);
  }

  /** What the head may have this thread do that it may be asked to end. */
  headTasks(): NonNullable<Handlers["tasks"]> {
    const { queryMemory } = this.#parts.options;
    return {
      delete: (state: StreamState, requests: readonly DeleteRequest[]) =>
        this.#delete(requests, new ServedBudget(state, queryMemory), undefined),
    };
  }

  // Gives the fields that are still there of those that were to go.
  async #delete(
    requests: readonly DeleteRequest[],
    budget: Budget,
    change: string | undefined,
  ): Promise<FieldName[]> {
    await this.#engine.deletions.delete(requests, budget, this.#engine.changes.steps(change));
    return requests.flatMap(({ database, measurement, fields }): FieldName[] => {
      const known = this.#parts.schema.measurements(database).get(measurement);
      return (fields ?? []).flatMap((field) => (known?.field(field) ? [[measurement, field]] : []));
    });
  }

  /** What the head may ask beside that. */
  headCalls(): NonNullable<Handlers["calls"]> {
    const engine = this.#engine;
    return {
      checkWritable: () => engine.checkWritable(),
      queries: () => this.#queries.list(),
      kill: (id: bigint) => this.#queries.kill(id),
      delete: (requests: readonly DeleteRequest[], change: string) =>
        this.#delete(requests, UNENDING, change),
      drop: (database: string, measurement: string | null) => engine.deletions.drop(database, measurement),
      // gives the measurements that have rows in other policies
      dropPolicy: async (database: string, name: string) => {
        await engine.retention.dropPolicy(database, name);
        return [...engine.schema.measurements(database).keys()];
      },
      shards: () => engine.retention.shards(),
      holdWindows: (database: string, name: string) =>
        new Promise<readonly TimeWindow[]>((resolve) => {
          void engine.maintenance.exclusively(
            () =>
              new Promise<void>((release) => {
                this.#release = release;
                resolve(engine.retention.windows(database, name));
              }),
          );
        }),
      releaseWindows: () => this.#release(),
      dropShard: (id: bigint, change: string) => engine.retention.dropShard(id, engine.changes.steps(change)),
      changeOver: () => engine.changes.over(),
      enforce: () => engine.retention.enforce(),
      flush: () => engine.flush(),
      health: () => engine.health(),
      metrics: () => [...engine.metrics(this.#queries), ...this.#ownMetrics.flatMap((metrics) => metrics())],
      reloadDatabases: () => this.#parts.databases.reload(),
      reloadUsers: () => this.users.reload(),
      wanted: (places: readonly Place[]) => {
        this.#wanted = places;
      },
      close: async () => {
        this.#sessions.close();
        await engine.close();
      },
    };
  }
}

/** What any other thread may ask: to store rows of this one's partitions and to read them, and to take over a body. */
export function partHandlers(engine: Engine, peers: Peers, queryMemory: number): Handlers {
  const share: Share = (request, heldBytes) => engine.sharing.make(request, heldBytes);
  const { calls, streams } = serveSource(engine.ownSource, share, queryMemory);
  const write = (place: Place, batch: Uint8Array, rows: number): Promise<StoredPart> =>
    engine.storePart(place, batch, rows);
  const writeParcel = (places: readonly Place[], sizes: Uint32Array, bytes: Uint8Array) =>
    engine.storeParcel(places, sizes, bytes);
  const takeOver = (write: SentWrite, body: Uint8Array) => peers.takeOver(write, body);
  return { calls: { ...calls, write, writeParcel, takeOver }, ...(streams ? { streams } : {}) };
}

/** An accepted write without its bytes, which go beside it. */
export type OfferedWrite = Omit<AcceptedWrite, "batch">;
