// Plans of statements that look at or change the running database rather than its rows.

export type Operation =
  | { readonly kind: "show queries" }
  | { readonly kind: "kill query"; readonly id: bigint };

export interface OperationPlan {
  readonly kind: "operation";
  readonly operation: Operation;
}
