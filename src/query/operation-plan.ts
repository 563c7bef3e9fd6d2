// Plans of statements that look at or change the running database rather than its rows.
import type { ContinuousQuery } from "../model/continuous-queries.ts";
import type { DeleteRequest } from "../model/deletions.ts";
import type { PolicyChange } from "../model/retention.ts";
import type { Subscription } from "../model/subscriptions.ts";
import type { AccessStatement } from "./ast.ts";

export type Operation =
  | { readonly kind: "access"; readonly statement: AccessStatement }
  | { readonly kind: "show queries" }
  | { readonly kind: "kill query"; readonly id: bigint }
  | { readonly kind: "show subscriptions" }
  | { readonly kind: "create subscription"; readonly subscription: Subscription }
  | {
      readonly kind: "drop subscription";
      readonly database: string;
      readonly retentionPolicy: string;
      readonly name: string;
    }
  /** `of`: one module; "" = every. */
  | { readonly kind: "show stats" | "show diagnostics"; readonly of: string }
  | { readonly kind: "show continuous queries"; readonly status: boolean }
  | { readonly kind: "create continuous query"; readonly database: string; readonly query: ContinuousQuery }
  | { readonly kind: "drop continuous query"; readonly database: string; readonly name: string }
  | { readonly kind: "delete"; readonly requests: readonly DeleteRequest[] }
  | RetentionOperation;

export type RetentionOperation =
  | {
      readonly kind: "create database with";
      readonly database: string;
      readonly change: PolicyChange & { readonly name?: string };
    }
  | {
      readonly kind: "create retention policy" | "alter retention policy";
      readonly database: string;
      readonly name: string;
      readonly change: PolicyChange;
    }
  | { readonly kind: "drop retention policy"; readonly database: string; readonly name: string }
  | { readonly kind: "show shards" }
  | { readonly kind: "show shard groups" }
  | { readonly kind: "drop shard"; readonly id: bigint };

export interface OperationPlan {
  readonly kind: "operation";
  readonly operation: Operation;
}
