// What an engine asks of the database, or of the member of several threads, that it is in.
import type { DiskError } from "../base/errors.ts";
import type { DeclaredField } from "./companions.ts";
import type { AcceptedWrite } from "./forwarding.ts";
import type { HeldWindows } from "./retention.ts";
import type { Place } from "./stored.ts";

export interface Surroundings {
  /** Makes a database where there is none of that name; durable when resolved. */
  createDatabase(database: string): Promise<void>;
  /** Forgets the subscriptions of a policy that goes. */
  readonly subscriptions: {
    wants(place: Place): boolean;
    offer(write: AcceptedWrite): void;
    dropPolicy(database: string, retentionPolicy: string): Promise<void>;
  };
  /** Why writes are refused, apart from the engine's own reasons. */
  failure(): DiskError | undefined;
  /** Whether a field, or null = all of a measurement, may be forgotten that has no values here. */
  mayForget(database: string, measurement: string, field: string | null): boolean;
  /** The types of fields that are new here, as the head has them or now gives them. */
  declare(database: string, fields: readonly DeclaredField[]): Promise<readonly DeclaredField[]>;
  /** See `RetentionParts`. */
  holdOthers(database: string, name: string): Promise<HeldWindows>;
}
