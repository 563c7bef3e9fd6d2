// What SHOW statements over data plan to: measurements with the condition that each asks of its series.
import type { Expression } from "../model/expression.ts";
import type { NameFilter, Node } from "./ast.ts";
import type { TimeRange } from "./planner/condition.ts";

/** A null filter lets every name pass. */
export type ShowPlan =
  | { readonly kind: "show databases" }
  | { readonly kind: "show retention policies"; readonly database: string }
  | {
      readonly kind: "show measurements";
      readonly database: string;
      readonly filter: NameFilter | null;
      /** Over tags, as written: it chooses measurements, not series (show-measurements.ts). */
      readonly condition: Node | null;
      readonly limit: number;
      readonly offset: number;
    }
  | ShowNamesPlan
  | CardinalityPlan
  /** Of a whole database, also of one that does not exist. */
  | {
      readonly kind: "show database cardinality";
      readonly of: "measurements" | "series";
      readonly database: string;
    };

/** A measurement whose series are asked about. */
export interface ShowTarget {
  readonly database: string;
  readonly measurement: string;
  /** Those whose rows and fields count. */
  readonly retentionPolicies: readonly string[];
  /** Over tags, and where names are shown fields: of a row in the range; null = every series. */
  readonly where: Expression | null;
}

export interface ShowNamesPlan {
  readonly kind: "show series" | "show tag keys" | "show tag values" | "show field keys";
  /** Sorted by measurement. */
  readonly targets: readonly ShowTarget[];
  /** Tag keys wanted, for tag keys and tag values: all filters must let a key pass. */
  readonly keys: readonly KeyCondition[];
  /** Series must have rows in this range, such as `where` says; null: whether they have is not asked. */
  readonly range: TimeRange | null;
  /** Rows: per measurement for tag keys, tag values and field keys; over all for series. 0 = all. */
  readonly limit: number;
  readonly offset: number;
  /** Measurements; 0 = all. */
  readonly seriesLimit: number;
  readonly seriesOffset: number;
}

/** WITH KEY, or a condition on _tagKey with AND and OR. */
export type KeyCondition =
  | NameFilter
  | { readonly kind: "and" | "or"; readonly left: KeyCondition; readonly right: KeyCondition };

export interface CardinalityPlan {
  readonly kind: "show cardinality";
  readonly of: "measurements" | "series" | "tag keys" | "tag values" | "field keys";
  readonly targets: readonly ShowTarget[];
  readonly keys: readonly KeyCondition[];
  /** Tag keys of GROUP BY, sorted. */
  readonly dimensions: readonly string[];
  /** Each series of the answer has one row, so an offset leaves none. */
  readonly offset: number;
}
