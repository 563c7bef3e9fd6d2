// What the statements about subscriptions ask of the database that runs them.
import type { Awaitable } from "../base/awaitable.ts";

/** Where accepted writes of a retention policy are sent on to. */
export interface Subscription {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly name: string;
  /** "all": each destination gets every write; "any": one of them does, in turn. */
  readonly mode: "all" | "any";
  /** `http://host:port`, `https://...` or `udp://host:port`. */
  readonly destinations: readonly string[];
}

export interface Subscriptions {
  /** Of one database, in the order of their creation. */
  list(database: string): Awaitable<readonly Subscription[]>;
  /** Durable when resolved. Throws `InputError` for a name that is taken and a destination that is none. */
  create(subscription: Subscription): Promise<void>;
  /** Durable when resolved. Throws `NotFoundError`. */
  drop(database: string, retentionPolicy: string, name: string): Promise<void>;
}
