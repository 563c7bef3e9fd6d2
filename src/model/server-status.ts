// What SHOW STATS and SHOW DIAGNOSTICS ask of the database that runs them.
import type { Awaitable } from "../base/awaitable.ts";

/** Figures of one module, or of one thing in it. */
export interface StatusModule {
  readonly name: string;
  readonly tags?: ReadonlyMap<string, string>;
  readonly values: Readonly<Record<string, string | number | boolean>>;
}

export interface ServerStatus {
  statistics(): Awaitable<readonly StatusModule[]>;
  diagnostics(): Awaitable<readonly StatusModule[]>;
}
