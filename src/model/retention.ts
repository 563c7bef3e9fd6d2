// What statements about retention policies and shards may ask of the database that runs them.
import { NotFoundError } from "../base/errors.ts";
import type { TimeWindow } from "./windows.ts";

export interface RetentionPolicy {
  readonly name: string;
  /** ns; 0 = for ever. */
  readonly durationNs: bigint;
  /** Width of a time window of segments, ns. */
  readonly shardDurationNs: bigint;
  /** Windows begin at multiples of their width since 1970, as all did before 0.2; absent: where InfluxDB's do. */
  readonly fromEpoch?: boolean;
  /** Windows of before the width changed, ascending and apart; absent: none. */
  readonly keptWindows?: readonly TimeWindow[];
  readonly isDefault: boolean;
  /** As it was written; a single node keeps one copy whatever it says. */
  readonly replication: number;
}

/** There is no policy of that name, "" = a default one. */
export function policyNotFound(database: string, name: string): NotFoundError {
  const none = `database "${database}" has no default retention policy: name one, or make one the default (ALTER RETENTION POLICY ... DEFAULT)`;
  return new NotFoundError(name === "" ? none : `retention policy not found: ${name}`);
}

/** What is written of a policy; undefined = not written. Durations in ns, 0 = INF. */
export interface PolicyChange {
  readonly durationNs?: bigint;
  readonly shardDurationNs?: bigint;
  readonly replication?: number;
  readonly isDefault?: boolean;
}

/** One time window of a retention policy that has data on disk. */
export interface Shard {
  /** The same as long as the window has data, also after a restart. */
  readonly id: number;
  readonly database: string;
  readonly retentionPolicy: string;
  /** [start, end), ns. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** When its policy drops it; null = never. */
  readonly expiryNs: bigint | null;
}

/** All are durable when they resolve. Errors are `InputError` and `NotFoundError` in InfluxDB's words. */
export interface RetentionAdministration {
  /** CREATE DATABASE ... WITH ...: the first policy of a new database, or the very one that it has. */
  createDatabase(database: string, name: string | undefined, change: PolicyChange): Promise<void>;
  createPolicy(database: string, name: string, change: PolicyChange): Promise<void>;
  alterPolicy(database: string, name: string, change: PolicyChange): Promise<void>;
  /** With all data in it. No error when there is none. */
  dropPolicy(database: string, name: string): Promise<void>;
  /** Sorted by database, policy and time. Rows in memory are brought to segments first. */
  shards(): Promise<Shard[]>;
  /** No error when there is none. */
  dropShard(id: bigint): Promise<void>;
}
