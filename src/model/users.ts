// Users, what they may do, and their tokens: what statements ask of the database, and what a request is allowed by.
import type { Awaitable } from "../base/awaitable.ts";

/** "none": a privilege was given and taken away again. */
export type Privilege = "none" | "read" | "write" | "all";

/** Whom a request comes from, as of the moment that it was let in. */
export interface Access {
  readonly user: string;
  readonly isAdmin: boolean;
  /** There are no users yet: all that is allowed is to create an administrator, and what stands behind that. */
  readonly isFirst: boolean;
  may(privilege: "read" | "write", database: string): boolean;
  /** Whether the database's name is shown: there is any privilege on it. */
  sees(database: string): boolean;
}

export interface UserInfo {
  readonly name: string;
  readonly isAdmin: boolean;
}

export interface Grant {
  readonly database: string;
  readonly privilege: Privilege;
}

export interface TokenInfo {
  readonly id: string;
  readonly user: string;
  /** ms since the epoch. */
  readonly createdMs: number;
}

/**
 * What changes is durable when resolved. Errors are `InputError` or `NotFoundError` with InfluxDB's text; passwords and
 * tokens are in none of them.
 */
export interface UserAdministration {
  /** In the order of their creation. */
  list(): Awaitable<readonly UserInfo[]>;
  /** No error when there is such a user, with this password. "": no password lets the user in, tokens do. */
  create(name: string, password: string, isAdmin: boolean): Promise<void>;
  /** The user's tokens go, too. */
  drop(name: string): Promise<void>;
  setPassword(name: string, password: string): Promise<void>;
  /** By database. */
  grants(name: string): Awaitable<readonly Grant[]>;
  /** Replaces what the user had on the database. */
  grant(name: string, privilege: "read" | "write" | "all", database: string): Promise<void>;
  revoke(name: string, privilege: "read" | "write" | "all", database: string): Promise<void>;
  setAdmin(name: string, isAdmin: boolean): Promise<void>;
  /** Without the tokens themselves, which only `createToken` gives. */
  tokens(): Awaitable<readonly TokenInfo[]>;
  createToken(user: string): Promise<{ readonly id: string; readonly token: string }>;
  dropToken(id: string): Promise<void>;
}
