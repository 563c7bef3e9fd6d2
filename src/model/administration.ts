// What statements other than SELECT may ask of the database that runs them.
import type { BatchWriter } from "./batch-writer.ts";
import type { ContinuousQueries } from "./continuous-queries.ts";
import type { DeletionAdministration } from "./deletions.ts";
import type { QueryRegistry } from "./queries.ts";
import type { RetentionAdministration, RetentionPolicy } from "./retention.ts";
import type { ServerStatus } from "./server-status.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { UserAdministration } from "./users.ts";

export interface Administration {
  /** Where the rows of SELECT ... INTO go. */
  readonly into: BatchWriter;
  /** The queries that run now. */
  readonly queries: QueryRegistry;
  readonly continuousQueries: ContinuousQueries;
  readonly subscriptions: Subscriptions;
  /** Figures of the running server. */
  readonly status: ServerStatus;
  /** Users, grants and tokens. */
  readonly users: UserAdministration;
  /** Retention policies and shards. */
  readonly retention: RetentionAdministration;
  readonly deletions: DeletionAdministration;
  /** Names, sorted. */
  databases(): string[];
  /** In the order in which they were made; undefined when the database does not exist. */
  retentionPolicies(database: string): readonly RetentionPolicy[] | undefined;
  /** No error when it exists. Durable when resolved, as are the others. */
  createDatabase(database: string): Promise<void>;
  /** No error when it does not exist. */
  dropDatabase(database: string): Promise<void>;
  dropMeasurement(database: string, measurement: string): Promise<void>;
}
