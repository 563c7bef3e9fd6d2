// Team: what the head of several threads does beside the engine of its own partitions: it says the types of new fields, and
// does with all threads what a statement asks for.
//
// The head has every field's type in its schema; a member asks for those that it meets for the first time. Changes of
// names go one after the other.
//
//   drops      the head first, which gives types anew once all have dropped: a member's rows of before go with its own drop
//   of policies and DELETE: the members first, as types are forgotten by the head only when no thread has a value, or asked meanwhile
import { ClosedError, NotFoundError, OverloadedError } from "../base/errors.ts";
import type { Administration } from "../model/administration.ts";
import { type DeleteRequest, type DeletionAdministration, isByValue } from "../model/deletions.ts";
import type { QueryRegistry, QueryTicket, RunningQuery } from "../model/queries.ts";
import type { PolicyChange, RetentionAdministration, RetentionPolicy, Shard } from "../model/retention.ts";
import type { Budget } from "../model/scan.ts";
import type { ServerStatus } from "../model/server-status.ts";
import type { TimeWindow } from "../model/windows.ts";
import { attendedTask } from "../threads/budgets.ts";
import { type ChangeFile, Changes } from "./changes.ts";
import { type Companions, type DeclaredField, valuesOf } from "./companions.ts";
import type { Database } from "./database.ts";
import { UNENDING } from "./deletions.ts";
import type { MemberReport } from "./member.ts";
import { type Queries, threadOfQuery } from "./queries.ts";
import type { HeldWindows, Retention } from "./retention.ts";
import type { Figures } from "./server-status.ts";
import { TeamMetrics } from "./team-metrics.ts";
import type { FieldName } from "./unify.ts";

/** How long a write waits for a drop before it is refused. */
const DROP_TIMEOUT_MS = 5_000;

/** A field that a deletion is about, or all of a measurement. */
const nameOf = (database: string, measurement: string, field: string | null) =>
  JSON.stringify([database, measurement, field]);

export class Team {
  readonly companions: Companions;
  readonly metrics: TeamMetrics;
  /** What all threads do. */
  readonly changes: Changes;
  /** While a deletion runs, or a policy goes: fields and measurements that other threads have, or asked for. */
  #kept: Set<string> | null = null;

  /** What a drop takes that not all threads have done yet; a measurement of null: all of the database. */
  #dropping: {
    readonly database: string;
    readonly measurement: string | null;
    readonly over: Promise<void>;
  } | null = null;

  #changing: Promise<unknown> = Promise.resolve();

  constructor(companions: Companions, changeFile: ChangeFile) {
    this.companions = companions;
    this.changes = new Changes(changeFile, () => companions.reachable("changeOver"));
    this.metrics = new TeamMetrics(companions);
  }

  /** Takes the fields that a thread has that was started. */
  adopt(db: Database, fields: MemberReport["fields"]): void {
    for (const [database, measurement, field, type] of fields) {
      // its types are none any more: what the thread has of it goes at once
      if (this.#isDropping(database, measurement)) continue;
      this.#keep(database, measurement, field);
      db.engine.schema.measurement(database, measurement).define(field, type);
    }
  }

  #keep(database: string, measurement: string, field: string): void {
    this.#kept?.add(nameOf(database, measurement, field));
    this.#kept?.add(nameOf(database, measurement, null));
  }

  #isDropping(database: string, measurement: string): boolean {
    const drop = this.#dropping;
    return drop?.database === database && (drop.measurement ?? measurement) === measurement;
  }

  /** Has the other threads drop what the head has dropped; does not end before they have. */
  async drop(database: string, measurement: string | null, isOver: () => boolean): Promise<void> {
    await this.companions.everyone("drop", [database, measurement], isOver);
  }

  /** Runs a drop from its first step to its last. */
  async dropping<T>(database: string, measurement: string | null, work: () => Promise<T>): Promise<T> {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    this.#dropping = { database, measurement, over };
    try {
      return await work();
    } finally {
      this.#dropping = null;
      resolve();
    }
  }

  /**
   * Takes a name away by `work`, which has the other threads drop what they have under it: they do it `again` when one was started
   * meanwhile. It has done its part and may then have found the name still in its file, and taken rows.
   */
  async again(work: () => Promise<void>, again: () => Promise<void>): Promise<void> {
    const { connects } = this.companions;
    await work();
    if (this.companions.connects !== connects) await again();
  }

  /** One change of names or deletion after the other: none begins on what another has half done, or when the database closes. */
  inTurn<T>(db: Database, work: () => Promise<T>): Promise<T> {
    const done = this.#changing.then(() => {
      if (db.isClosed) throw new ClosedError("the database is closed");
      return work();
    });
    this.#changing = done.catch(() => undefined);
    return done;
  }

  /** Resolves when the changes that have begun are done. */
  async settled(): Promise<void> {
    await this.#changing;
  }

  administration(db: Database): Administration {
    return new TeamAdministration(db, this);
  }

  /** Runs what takes values of all threads away; `kept` are the names that others have, as far as `work` says, or ask for meanwhile. */
  async keeping<T>(work: (kept: Set<string>) => Promise<T>): Promise<T> {
    const kept = new Set<string>();
    this.#kept = kept;
    try {
      return await work(kept);
    } finally {
      this.#kept = null;
    }
  }

  /** Whether the head may forget what it has no values of: see `Surroundings`. */
  mayForget(database: string, measurement: string, field: string | null): boolean {
    return !this.#kept?.has(nameOf(database, measurement, field));
  }

  /**
   * The types of fields, which get the ones given where they are new; only of those that are not, where one of these has another
   * type: points may be refused for that, and say nothing of their other fields. What took the types of before must be durable
   * then, in all threads: a crash would bring them back beside the new ones.
   */
  async declare(
    db: Database,
    database: string,
    fields: readonly DeclaredField[],
  ): Promise<readonly DeclaredField[]> {
    const { schema } = db.engine;
    const deadlineMs = performance.now() + DROP_TIMEOUT_MS;
    for (let isSettled = this.#kept === null; ; isSettled = true) {
      while (fields.some(([measurement]) => this.#isDropping(database, measurement))) {
        const leftMs = deadlineMs - performance.now();
        if (leftMs <= 0)
          throw new OverloadedError("a drop waits for a thread that is being started: send again");
        await Promise.race([this.#dropping!.over, Bun.sleep(leftMs)]);
      }
      if (isSettled) break;
      await db.engine.settled();
    }
    // a DROP DATABASE may have come meanwhile: types of before it must not outlive it
    if (!db.hasDatabase(database)) throw new NotFoundError(`database not found: "${database}"`);
    const typeOf = ([measurement, field]: DeclaredField) =>
      schema.measurements(database).get(measurement)?.field(field)?.type;
    const known = fields.filter((field) => typeOf(field) !== undefined);
    const isConflict = known.some((field) => typeOf(field) !== field[2]);
    return (isConflict ? known : fields).map(([measurement, field, type]) => {
      this.#keep(database, measurement, field);
      const known = schema.measurement(database, measurement);
      known.define(field, type);
      return [measurement, field, known.field(field)!.type];
    });
  }

  /**
   * Those of the fields that have types, which stay: a thread that was told one asks no more. It waits for no drop: the head, which is
   * the first to drop, has no types of what is dropped.
   */
  knownFields(db: Database, database: string, fields: readonly FieldName[]): readonly DeclaredField[] {
    return fields.flatMap(([measurement, name]): DeclaredField[] => {
      const field = db.engine.schema.measurements(database).get(measurement)?.field(name);
      if (field === undefined) return [];
      this.#keep(database, measurement, name);
      return [[measurement, name, field.type]];
    });
  }

  /** The windows that a policy has in the other threads, which flush nothing until they are released. */
  async holdWindows(database: string, name: string): Promise<HeldWindows> {
    const release = async () => {
      await this.companions.reachable("releaseWindows");
    };
    try {
      const windows = await this.companions.all<readonly TimeWindow[]>("holdWindows", database, name);
      return { windows: windows.flat(), release };
    } catch (error) {
      await release();
      throw error;
    }
  }

  /**
   * DELETE in all threads, side by side. Without values, all of it or nothing: `budget` may end it until the first has been told, and
   * a thread that dies meanwhile does it when it is there again.
   */
  async delete(db: Database, requests: readonly DeleteRequest[], budget: Budget): Promise<void> {
    const { companions } = this;
    const [first] = requests;
    if (first === undefined) return;
    const isOver = () => db.isClosed;
    await companions.allThere(() => {
      budget.check();
      return isOver();
    });
    budget.check();
    db.engine.checkWritable();
    const asked = () =>
      companions.others.map(async (thread) =>
        attendedTask(companions.channel(thread).task<FieldName[]>("delete", requests), budget),
      );
    const deletion = (change?: string) =>
      this.keeping(async (kept) => {
        // (all of them have ended when this does, whatever became of one)
        const lists = change
          ? await companions.everyone<FieldName[]>("delete", [requests, change], isOver)
          : valuesOf(await Promise.allSettled(asked()));
        for (const [measurement, field] of lists.flat()) kept.add(nameOf(first.database, measurement, field));
        await db.engine.deletions.delete(
          requests,
          change ? UNENDING : budget,
          db.engine.changes.steps(change),
        );
      });
    if (requests.some(isByValue)) await deletion();
    else await this.changes.whole(db, { kind: "delete", requests }, deletion);
  }

  /** DROP RETENTION POLICY in all threads, the head last: its step is the one that takes the name out of the file. */
  async dropPolicy(db: Database, database: string, name: string): Promise<void> {
    await this.keeping(async (kept) => {
      const drop = [database, name];
      const lists = await this.companions.everyone<string[]>("dropPolicy", drop, () => db.isClosed);
      for (const measurement of lists.flat()) kept.add(nameOf(database, measurement, null));
      await db.retention.dropPolicy(database, name);
    });
  }
}

class TeamAdministration implements Administration {
  readonly into;
  readonly queries: QueryRegistry;
  readonly continuousQueries;
  readonly subscriptions;
  readonly status: ServerStatus;
  readonly users;
  readonly retention: RetentionAdministration;
  readonly deletions: DeletionAdministration;
  readonly #db: Database;
  readonly #team: Team;

  constructor(db: Database, team: Team) {
    this.#db = db;
    this.#team = team;
    this.into = db.into;
    this.continuousQueries = db.continuousQueries;
    this.subscriptions = db.subscriptions;
    this.users = db.users;
    this.queries = new TeamQueries(db.queries, team.companions);
    this.status = new TeamStatus(db.status, db, team.metrics);
    this.retention = new TeamRetention(db, team, (work) => this.#inTurn(work));
    this.deletions = { delete: (requests, budget) => this.#inTurn(() => team.delete(db, requests, budget)) };
  }

  databases(): string[] {
    return this.#db.databases();
  }

  retentionPolicies(database: string): readonly RetentionPolicy[] | undefined {
    return this.#db.retentionPolicies(database);
  }

  createDatabase(database: string): Promise<void> {
    return this.#inTurn(() => this.#db.createDatabase(database));
  }

  dropDatabase(database: string): Promise<void> {
    return this.#drop(database, null, (others) =>
      this.#team.again(() => this.#db.dropDatabase(database, others), others),
    );
  }

  dropMeasurement(database: string, measurement: string): Promise<void> {
    return this.#drop(database, measurement, async (others) => {
      await this.#db.dropMeasurement(database, measurement);
      await others();
    });
  }

  #drop(
    database: string,
    measurement: string | null,
    work: (others: () => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const isOver = () => this.#db.isClosed;
    const others = () => this.#team.drop(database, measurement, isOver);
    return this.#inTurn(async () => {
      this.#db.engine.checkWritable();
      await this.#team.companions.allThere(isOver);
      // (rows that come once the first has done it wait until it would not be done again)
      await this.#team.dropping(database, measurement, () =>
        this.#team.changes.whole(this.#db, { kind: "drop", database, measurement }, () => work(others)),
      );
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#team.inTurn(this.#db, work);
  }
}

class TeamQueries implements QueryRegistry {
  readonly #own: Queries;
  readonly #companions: Companions;

  constructor(own: Queries, companions: Companions) {
    this.#own = own;
    this.#companions = companions;
  }

  begin(text: () => string, database: string): QueryTicket {
    return this.#own.begin(text, database);
  }

  async list(): Promise<readonly RunningQuery[]> {
    const others = await this.#companions.reachable<readonly RunningQuery[]>("queries");
    return [...this.#own.list(), ...others.flatMap((list) => list ?? [])].sort((a, b) => a.id - b.id);
  }

  async kill(id: bigint): Promise<void> {
    const thread = id < 1n ? 0 : threadOfQuery(id, this.#companions.seat.count);
    if (thread === this.#companions.seat.index) this.#own.kill(id);
    else await this.#companions.channel(thread).call("kill", id);
  }
}

class TeamStatus implements ServerStatus {
  readonly #own: Figures;
  readonly #db: Database;
  readonly #metrics: TeamMetrics;

  constructor(own: Figures, db: Database, metrics: TeamMetrics) {
    this.#own = own;
    this.#db = db;
    this.#metrics = metrics;
  }

  async statistics() {
    return this.#own.statisticsOf(await this.#metrics.all(this.#db.metrics()));
  }

  diagnostics() {
    return this.#own.diagnostics();
  }
}

class TeamRetention implements RetentionAdministration {
  readonly #own: Retention;
  readonly #db: Database;
  readonly #team: Team;
  readonly #companions: Companions;
  readonly #inTurn: <T>(work: () => Promise<T>) => Promise<T>;

  constructor(db: Database, team: Team, inTurn: <T>(work: () => Promise<T>) => Promise<T>) {
    this.#own = db.retention;
    this.#db = db;
    this.#team = team;
    this.#companions = team.companions;
    this.#inTurn = inTurn;
  }

  createDatabase(database: string, name: string | undefined, change: PolicyChange): Promise<void> {
    return this.#inTurn(() => this.#own.createDatabase(database, name, change));
  }

  createPolicy(database: string, name: string, change: PolicyChange): Promise<void> {
    return this.#inTurn(() => this.#own.createPolicy(database, name, change));
  }

  alterPolicy(database: string, name: string, change: PolicyChange): Promise<void> {
    return this.#inTurn(async () => {
      await this.#own.alterPolicy(database, name, change);
      // (one that is not there does so by itself, later)
      await this.#companions.reachable("enforce");
    });
  }

  dropPolicy(database: string, name: string): Promise<void> {
    return this.#inTurn(async () => {
      this.#db.engine.checkWritable();
      await this.#companions.allThere(() => this.#db.isClosed);
      await this.#team.changes.whole(this.#db, { kind: "drop policy", database, policy: name }, () =>
        this.#team.again(
          () => this.#team.dropPolicy(this.#db, database, name),
          () => this.#everyone("dropPolicy", database, name),
        ),
      );
    });
  }

  async shards(): Promise<Shard[]> {
    const others = await this.#companions.all<Shard[]>("shards");
    const byId = new Map([...others.flat(), ...(await this.#own.shards())].map((shard) => [shard.id, shard]));
    return [...byId.values()].sort(
      (a, b) =>
        compare(a.database, b.database) ||
        compare(a.retentionPolicy, b.retentionPolicy) ||
        compare(a.startNs, b.startNs) ||
        compare(a.endNs, b.endNs),
    );
  }

  dropShard(id: bigint): Promise<void> {
    return this.#inTurn(async () => {
      this.#db.engine.checkWritable();
      await this.#companions.allThere(() => this.#db.isClosed);
      await this.#team.changes.whole(this.#db, { kind: "drop shard", shard: id }, async (change) => {
        await this.#everyone("dropShard", id, change);
        await this.#own.dropShard(id, this.#db.engine.changes.steps(change));
      });
    });
  }

  async #everyone(name: string, ...args: unknown[]): Promise<void> {
    await this.#companions.everyone(name, args, () => this.#db.isClosed);
  }
}

function compare<T extends string | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
