// What DELETE and DROP SERIES may ask of the database that runs them.
import type { Expression } from "./expression.ts";

export interface DeleteRequest {
  readonly database: string;
  readonly measurement: string;
  /** Over tags alone: rows of series. With fields: rows that satisfy it. null: every row. */
  readonly where: Expression | null;
  /** Inclusive, ns. */
  readonly minTime: bigint;
  readonly maxTime: bigint;
}

export interface DeletionAdministration {
  /** Deletes in every retention policy; a series without rows is gone, too. Durable when resolved. Throws `DiskError`. */
  delete(request: DeleteRequest): Promise<void>;
}
