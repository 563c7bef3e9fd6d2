// What DELETE and DROP SERIES may ask of the database that runs them.
import type { Expression } from "./expression.ts";
import { fieldsOf } from "./predicate.ts";
import type { Budget } from "./scan.ts";

export interface DeleteRequest {
  readonly database: string;
  readonly measurement: string;
  /** Values of these fields go, the others of a point stay; null: points go. */
  readonly fields: readonly string[] | null;
  /** Over tags alone: rows of series. With fields: rows that satisfy it. null: every row. */
  readonly where: Expression | null;
  /** Inclusive, ns. */
  readonly minTime: bigint;
  readonly maxTime: bigint;
}

/** A condition over fields. */
export type ByValue = DeleteRequest & { readonly where: Expression };

/** Whether rows have to be read to know what goes. */
export function isByValue(request: DeleteRequest): request is ByValue {
  return request.where !== null && fieldsOf(request.where).length > 0;
}

export interface DeletionAdministration {
  /**
   * Deletes in every retention policy; a series without rows and a field without values are gone, too. Durable when resolved. When
   * none of the requests is by values, `budget` ends it before it begins or not at all. A deletion by values goes step by step: when
   * it throws (`QueryAbortedError` of the budget, `CorruptionError` at a damaged page, `DiskError`), what it has deleted stays
   * deleted, durably.
   */
  delete(requests: readonly DeleteRequest[], budget: Budget): Promise<void>;
}
