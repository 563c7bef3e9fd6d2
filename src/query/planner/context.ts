// What planning needs from outside: names, what is stored under them, and the time.
import { InputError, NotFoundError } from "../../base/errors.ts";
import type { Administration } from "../../model/administration.ts";
import { policyNotFound } from "../../model/retention.ts";
import type { Metadata } from "../../model/scan.ts";

export interface PlanContext {
  readonly metadata: Metadata;
  readonly administration: Pick<Administration, "retentionPolicies">;
  /** The request's database and retention policy, "" = not given. */
  readonly database: string;
  readonly retentionPolicy: string;
  /** What now() means throughout the statement. */
  readonly nowNs: bigint;
}

/** The statement's or else the request's database; it exists. */
export function resolveDatabase(context: PlanContext, written: string): string {
  const database = requireDatabase(context, written);
  if (context.administration.retentionPolicies(database) === undefined) {
    throw new NotFoundError(`database not found: ${database}`);
  }
  return database;
}

/** As above, but it need not exist. */
export function requireDatabase(context: PlanContext, written: string): string {
  const database = written || context.database;
  if (database === "") throw new InputError("database name required");
  return database;
}

/** The statement's, the request's (for its own database) or the default retention policy; it exists. */
export function resolvePolicy(context: PlanContext, database: string, written: string): string {
  const policies = context.administration.retentionPolicies(database) ?? [];
  const name = written || (database === context.database ? context.retentionPolicy : "");
  const policy = policies.find((each) => (name === "" ? each.isDefault : each.name === name));
  if (policy === undefined) throw policyNotFound(database, name);
  return policy.name;
}
