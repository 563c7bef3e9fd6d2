// What statements other than SELECT may ask of the database that runs them.
import type { BatchWriter } from "./batch-writer.ts";
import type { ContinuousQueries } from "./continuous-queries.ts";
import type { QueryRegistry } from "./queries.ts";
import type { ServerStatus } from "./server-status.ts";
import type { UserAdministration } from "./users.ts";

export interface RetentionPolicy {
  readonly name: string;
  /** ns; 0 = for ever. */
  readonly durationNs: bigint;
  /** Width of a time window of segments, ns. */
  readonly shardDurationNs: bigint;
  readonly isDefault: boolean;
}

export interface Administration {
  /** Where the rows of SELECT ... INTO go. */
  readonly into: BatchWriter;
  /** The queries that run now. */
  readonly queries: QueryRegistry;
  readonly continuousQueries: ContinuousQueries;
  /** Figures of the running server. */
  readonly status: ServerStatus;
  /** Users, grants and tokens. */
  readonly users: UserAdministration;
  /** Names, sorted. */
  databases(): string[];
  /** The default one first; undefined when the database does not exist. */
  retentionPolicies(database: string): readonly RetentionPolicy[] | undefined;
  /** No error when it exists. Durable when resolved, as are the others. */
  createDatabase(database: string): Promise<void>;
  /** No error when it does not exist. */
  dropDatabase(database: string): Promise<void>;
  dropMeasurement(database: string, measurement: string): Promise<void>;
}
