// Retention: policies made, changed and dropped, and what is older than they keep removed.
//
// A shard is what all partitions have of one time window of a policy. When its end is older than the policy keeps, its
// segments are removed as files, as are those of which everything has been dropped: no record of the log says so, since the
// next look would find and remove them again.
import type { Clock } from "../base/clock.ts";
import { DiskError, InputError, NotFoundError } from "../base/errors.ts";
import type { Wal } from "../log/wal.ts";
import type { PolicyChange, RetentionAdministration, RetentionPolicy, Shard } from "../model/retention.ts";
import { type TimeWindow, uncovered } from "../model/windows.ts";
import type { SegmentEntry } from "../store/manifest.ts";
import type { Schema } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import { NO_STEPS, type Steps } from "./changes.ts";
import type { Databases } from "./databases.ts";
import { applyDrop, type Deletions } from "./deletions.ts";
import type { Maintenance } from "./maintenance.ts";
import { checkLength, checkName } from "./names.ts";
import {
  AUTOGEN,
  alteredPolicy,
  isAsWritten,
  isSamePolicy,
  isTooShort,
  newPolicy,
  withKept,
} from "./policies.ts";
import { encodeDrop } from "./record.ts";
import type { Forwarder } from "./subscriptions.ts";

export interface RetentionParts {
  readonly clock: Clock;
  readonly databases: Databases;
  readonly schema: Schema;
  readonly stores: readonly Store[];
  readonly log: Wal;
  readonly maintenance: Maintenance;
  readonly deletions: Deletions;
  readonly subscriptions: Pick<Forwarder, "dropPolicy">;
  /** Throws when nothing may be written. */
  checkWritable(): void;
  /** See `Surroundings`. */
  mayForget(database: string, measurement: string, field: null): boolean;
  /** The windows of the segments that a policy has in other threads, which flush nothing until `release`. */
  holdOthers(database: string, name: string): Promise<HeldWindows>;
}

export interface HeldWindows {
  readonly windows: readonly TimeWindow[];
  release(): Promise<void>;
}

const CONFLICT = "retention policy conflicts with an existing policy";

export class Retention implements RetentionAdministration {
  readonly #parts: RetentionParts;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  async createDatabase(database: string, name: string | undefined, change: PolicyChange): Promise<void> {
    const { databases, checkWritable } = this.#parts;
    checkWritable();
    checkName(database);
    checkName(name || AUTOGEN.name);
    const policies = databases.policies(database);
    const known = policies?.find((each) => each.name === (name || AUTOGEN.name));
    // what conflicts is said before that its shards would be too long, as in InfluxDB
    const isKnown = known?.isDefault === true && isAsWritten(known, change);
    const conflicts = policies !== undefined && policies.length > 0 && !isKnown;
    if (conflicts && !isTooShort(change.durationNs ?? 0n)) throw new InputError(CONFLICT);
    const policy = newPolicy(name || AUTOGEN.name, { ...change, isDefault: true });
    if (policies?.length === 0) {
      checkLength(policy.name);
      await this.#put(database, [policy], policy);
      return;
    }
    checkLength(policy.name);
    await databases.create(database, policy);
  }

  async createPolicy(database: string, name: string, change: PolicyChange): Promise<void> {
    this.#parts.checkWritable();
    const policy = newPolicy(name, change);
    checkLength(name);
    const policies = this.#policiesOf(database);
    const known = policies.find((each) => each.name === name);
    if (known) {
      if (!isSamePolicy(known, policy)) throw new InputError("retention policy already exists");
      if (policy.isDefault && !known.isDefault) throw new InputError(CONFLICT);
    } else await this.#put(database, [...policies, policy], policy);
  }

  /** `name`: "" = the default one. */
  async alterPolicy(database: string, name: string, change: PolicyChange): Promise<void> {
    this.#parts.checkWritable();
    const policies = this.#policiesOf(database);
    const known = policies.find((each) => (name === "" ? each.isDefault : each.name === name));
    if (!known) throw new NotFoundError(`retention policy not found: ${name}`);
    const policy = alteredPolicy(known, change);
    if (policy.shardDurationNs === known.shardDurationNs) {
      const changed = policies.map((each) => (each === known ? policy : each));
      await this.#put(database, changed, policy);
    } else await this.#alterWidth(database, known.name, change);
    await this.enforce();
  }

  // The windows that segments have stay, and new ones begin where these leave off. No flush may come between a look at the
  // segments and the policy in its file: after a crash windows would be cut as before, and overlap.
  async #alterWidth(database: string, name: string, change: PolicyChange): Promise<void> {
    const { maintenance, holdOthers, checkWritable } = this.#parts;
    await maintenance.exclusively(async () => {
      checkWritable();
      const others = await holdOthers(database, name);
      try {
        // from here to `#put` in one step
        const policies = this.#policiesOf(database);
        const known = policies.find((each) => each.name === name);
        if (!known) throw new NotFoundError(`retention policy not found: ${name}`);
        const windows = [...this.windows(database, name), ...others.windows];
        const policy = withKept(alteredPolicy(known, change), windows);
        await this.#put(
          database,
          policies.map((each) => (each === known ? policy : each)),
          policy,
        );
      } catch (error) {
        // the file may have the one policy or the other
        if (error instanceof DiskError) maintenance.fail(error);
        throw error;
      } finally {
        await others.release();
      }
    });
  }

  /** The windows of the segments that a policy has here. */
  windows(database: string, name: string): TimeWindow[] {
    return this.#entriesOf(database, name).map(windowOf);
  }

  // Not those of which all has been dropped: they may be of an earlier policy of the name, whose windows were others.
  #entriesOf(database: string, name: string): SegmentEntry[] {
    return this.#parts.stores
      .flatMap(({ entries, dropped }) => entries.filter((entry) => !dropped.has(entry)))
      .filter((entry) => entry.database === database && entry.retentionPolicy === name);
  }

  async dropPolicy(database: string, name: string): Promise<void> {
    const { databases, schema, stores, log, maintenance, subscriptions, checkWritable, mayForget } =
      this.#parts;
    checkWritable();
    // first: another policy of its name must not have its subscriptions, whenever a crash comes
    await subscriptions.dropPolicy(database, name);
    await maintenance.soon(async () => {
      checkWritable();
      const policies = databases.policies(database);
      // (a thread that was started again may have rows of one whose name is gone)
      const hasRows = [...schema.measurements(database).keys()].some((each) =>
        schema.findTable(database, name, each),
      );
      if (!hasRows && !policies?.some((policy) => policy.name === name)) return;
      const drop = { database, measurement: null, retentionPolicy: name };
      log.append(encodeDrop(drop));
      applyDrop(schema, stores, drop, (each) => !mayForget(database, each, null));
      // in the same step: a write that comes now finds no such policy
      if (policies)
        databases.setPolicies(
          database,
          policies.filter((policy) => policy.name !== name),
        );
      await log.sync();
      await databases.save();
    });
  }

  async shards(): Promise<Shard[]> {
    await this.#parts.maintenance.flush();
    const shards = new Map<number, Shard>();
    for (const entry of this.#parts.stores.flatMap(({ segments, dropped }) =>
      segments.filter((segment) => !dropped.has(segment)),
    )) {
      const { database, retentionPolicy, windowStart: startNs, windowEnd: endNs } = entry;
      const id = shardId(entry);
      const duration = this.#durationOf(database, retentionPolicy);
      const expiryNs = duration === 0n ? null : endNs + duration;
      shards.set(id, { id, database, retentionPolicy, startNs, endNs, expiryNs });
    }
    return [...shards.values()].sort(
      (a, b) =>
        compare(a.database, b.database) ||
        compare(a.retentionPolicy, b.retentionPolicy) ||
        compare(a.startNs, b.startNs) ||
        compare(a.endNs, b.endNs),
    );
  }

  /** One step. */
  async dropShard(id: bigint, steps: Steps = NO_STEPS): Promise<void> {
    const { stores, log, maintenance, deletions, checkWritable } = this.#parts;
    // (what its window has now came later)
    if (steps.isDone(0)) return;
    await maintenance.flush();
    await maintenance.exclusively(async () => {
      checkWritable();
      const isIt = (entry: SegmentEntry) => BigInt(shardId(entry)) === id;
      const entry = stores.flatMap((store) => store.segments).find(isIt);
      if (!entry) return;
      const { database, retentionPolicy } = entry;
      // rows of before windows were apart: what other shards cover is theirs
      const others = this.#entriesOf(database, retentionPolicy).filter((other) => !isIt(other));
      const ranges = uncovered(windowOf(entry), others.map(windowOf)).map(
        ({ start, end }) => [start, end - 1n] as const,
      );
      const deletion = { database, retentionPolicy, measurement: null, where: null, ranges };
      await deletions.log(deletion, steps);
      await log.sync();
      for (const store of stores) await store.expire(isIt);
    });
  }

  /** Removes what is older than its policy keeps, and what is left of dropped databases and measurements. */
  async enforce(): Promise<void> {
    const { clock, stores, maintenance, checkWritable } = this.#parts;
    const nowNs = clock.nowNs();
    const isOver = ({ database, retentionPolicy, windowEnd }: SegmentEntry) => {
      const duration = this.#durationOf(database, retentionPolicy);
      return duration !== 0n && windowEnd <= nowNs - duration;
    };
    if (!stores.some(({ segments, dropped }) => dropped.size > 0 || segments.some(isOver))) return;
    await maintenance.exclusively(async () => {
      checkWritable();
      for (const store of stores) {
        const { dropped, segments } = store;
        // an older segment of another window, as there may be of before windows were apart, would show what this one overwrote
        const isUncovering = (entry: SegmentEntry) =>
          segments
            .slice(0, segments.indexOf(entry))
            .some((older) => !isOver(older) && !dropped.has(older) && overlap(older, entry));
        await store.expire((entry) => dropped.has(entry) || (isOver(entry) && !isUncovering(entry)));
      }
    });
  }

  /** Rows before it are refused, ns; null: none are. */
  oldestTime(database: string, retentionPolicy: string): bigint | null {
    const duration = this.#durationOf(database, retentionPolicy);
    return duration === 0n ? null : this.#parts.clock.nowNs() - duration;
  }

  #durationOf(database: string, name: string): bigint {
    return this.#parts.databases.policies(database)?.find((each) => each.name === name)?.durationNs ?? 0n;
  }

  #policiesOf(database: string): readonly RetentionPolicy[] {
    const policies = this.#parts.databases.policies(database);
    if (!policies) throw new NotFoundError(`database not found: ${database}`);
    return policies;
  }

  async #put(
    database: string,
    policies: readonly RetentionPolicy[],
    changed: RetentionPolicy,
  ): Promise<void> {
    const { databases } = this.#parts;
    const one = policies.map((each) =>
      each === changed ? each : { ...each, isDefault: each.isDefault && !changed.isDefault },
    );
    databases.setPolicies(database, one);
    await databases.save();
  }
}

function windowOf({ windowStart: start, windowEnd: end }: SegmentEntry): TimeWindow {
  return { start, end };
}

/** From what the window is, so that it needs no file to stay the same; 48 bits. */
function shardId({ database, retentionPolicy, windowStart, windowEnd }: SegmentEntry): number {
  const text = `${database}\0${retentionPolicy}\0${windowStart}\0${windowEnd}`;
  return Number(BigInt.asUintN(48, Bun.hash.xxHash64(text) as bigint));
}

function compare<T extends string | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function overlap(a: SegmentEntry, b: SegmentEntry): boolean {
  return (
    a.database === b.database &&
    a.retentionPolicy === b.retentionPolicy &&
    a.minTime <= b.maxTime &&
    b.minTime <= a.maxTime
  );
}
