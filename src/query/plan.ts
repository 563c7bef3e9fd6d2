// Plans: what the planner hands to the executor, plain data with every name resolved and every type known.
//
//   SelectPlan ── columns (names and types of the answer; time is always the first)
//              ── time range, window, dimensions, fill, order, limits
//              └─ inputs: one a measurement (or subquery), each with
//                   source  where the rows come from, with the condition over its tags and fields
//                   calls   the function calls, deduplicated, arguments before their users
//                   outputs one expression a column, over calls and over the values of a row
//
// Each input answers series of its own name; all have the same columns. An input without calls answers rows.
// An input whose outputs mix calls with `row` expressions has exactly one call, a selector (or top/bottom): the
// row values are those of the row that it selected.
import type { BinaryOperator, Expression, Reference } from "../model/expression.ts";
import type { MathName } from "../model/mathematics.ts";
import type { FieldType } from "../model/types.ts";
import type { Fill, JoinType, Statement } from "./ast.ts";
import type { FunctionName } from "./functions.ts";
import type { OperationPlan } from "./operation-plan.ts";
import type { ShowPlan } from "./show-plan.ts";

export type Plan =
  | OperationPlan
  | SelectPlan
  | SelectIntoPlan
  | ExplainPlan
  | ShowPlan
  | SchemaPlan
  | UnsupportedPlan;

export interface SelectPlan {
  readonly kind: "select";
  /** `columns[0]` is time. */
  readonly columns: readonly PlannedColumn[];
  /** Sorted by measurement. Empty: nothing to read, the answer is empty. */
  readonly inputs: readonly Input[];
  /** Inclusive, ns; MIN_TIME and MAX_TIME where nothing was said (the upper bound of windows is then now). */
  readonly minTime: bigint;
  readonly maxTime: bigint;
  /** Time, ns, of the one row of an aggregate without windows: the lower bound that was written, or 0. */
  readonly aggregateTime: bigint;
  /** GROUP BY time(...); null: none. */
  readonly window: Window | null;
  /** Tag keys of GROUP BY, expanded, sorted, distinct. */
  readonly dimensions: readonly string[];
  /** "none" unless there is a window. */
  readonly fill: Fill;
  /** Which rows stay, before OFFSET and LIMIT; null: all. */
  readonly having: Having | null;
  readonly descending: boolean;
  /** Rows per series; 0 = all. */
  readonly limit: number;
  readonly offset: number;
  /** Series over the whole statement; 0 = all. */
  readonly seriesLimit: number;
  readonly seriesOffset: number;
  /** tz('...'): windows start by this zone's clock and times are printed in it; null = UTC. */
  readonly timezone: string | null;
}

/** SELECT ... INTO: the rows of `plan` are written. */
export interface IntoPart {
  readonly plan: SelectPlan;
  /** Columns that are written as tags, not as fields. */
  readonly tagColumns: readonly number[];
}

export interface SelectIntoPlan {
  readonly kind: "select into";
  /** Of all that is read. */
  readonly plan: SelectPlan;
  /** What is run, one after the other. */
  readonly parts: readonly IntoPart[];
  /** Both names exist; `measurement` "" = the name of the series that the rows come from. */
  readonly target: {
    readonly database: string;
    readonly retentionPolicy: string;
    readonly measurement: string;
  };
}

export interface Having {
  /** Fields are columns (shown or hidden), tags are dimensions. */
  readonly condition: Expression;
  /** Columns that only the condition reads: outputs of the inputs behind those of `columns`. */
  readonly hidden: readonly PlannedColumn[];
}

export interface PlannedColumn {
  readonly name: string;
  /** "time" for the first column, "tag" for a tag (a string, absent = null), null when no input knows the name. */
  readonly type: FieldType | "time" | "tag" | null;
  /** INTO makes a tag of it: one that top() or bottom() show of their rows. */
  readonly isWrittenAsTag?: true;
  /** `*` around a subquery leaves it out: its name is that of a column before it, with a number, or it stands beside top(). */
  readonly isUnlisted?: true;
}

/** Windows [k·every + offset, (k+1)·every + offset) in the zone's local time; the executor computes the bounds. */
export interface Window {
  /** Of months: their mean length, good for estimates only. */
  readonly everyNs: bigint;
  /** Within (-every, every), unless windows are months. */
  readonly offsetNs: bigint;
  /** Length in calendar months; 0 = `everyNs` is the length. */
  readonly everyMonths: number;
  /** Beside `offsetNs`, for windows of months: 3 lets years begin in April. */
  readonly offsetMonths: number;
}

export interface Input {
  readonly source: InputSource;
  /** Condition over the source's tags and fields, time taken out; null = every row, or the parts of the source have their own. */
  readonly where: Expression | null;
  /** Fields that calls and outputs read (not `where`'s), sorted: what a raw scan must ask for. Empty at most over a subquery. */
  readonly fields: readonly string[];
  /** Empty: a query of rows. A call's argument stands before it. */
  readonly calls: readonly Call[];
  /** As SelectPlan.columns without the first, then those that only HAVING reads. */
  readonly outputs: readonly Output[];
  /**
   * Which time a row of the answer has, when there are calls: "row" = of the selected or transformed row (one
   * selector without window, top, bottom, transformations of rows), "window" = the window's start (or
   * `aggregateTime`).
   */
  readonly rowTime: "row" | "window";
  /**
   * True when every call is answered by `Source.fold`: all have `fold` bits, or are transformations of calls
   * that have. A column of the fold request per distinct field, with the bits of its calls or-ed.
   */
  readonly foldable: boolean;
}

/** Rows of several sources side by side, where time and the keys are the same; columns are `alias.column`. */
export interface JoinRows {
  readonly kind: "join";
  /** In the order of FROM, at least two. */
  readonly sides: readonly JoinSide[];
  /** Tag keys, sorted. */
  readonly keys: readonly string[];
}

export interface JoinSide {
  /** How its rows meet those of the sides before it; the first side's means nothing. */
  readonly type: JoinType;
  readonly alias: string;
  /** Subqueries alone, which group by the keys. */
  readonly source: DerivedSource;
  /** Its columns, by name without alias. */
  readonly columns: readonly { readonly name: string; readonly type: FieldType }[];
}

export interface MeasurementRows {
  readonly kind: "measurement";
  readonly database: string;
  readonly retentionPolicy: string;
  readonly measurement: string;
}

export type InputSource = MeasurementRows | DerivedSource;

/**
 * Rows that are not one measurement's as stored: what FROM with a subquery reads. As in InfluxDB, rows of one name are one
 * series whichever part of FROM they come from, so that there is an input a name.
 */
export interface DerivedSource {
  readonly kind: "derived";
  /** Of the measurement at the bottom: that of the answer's series. */
  readonly name: string;
  readonly parts: readonly SourcePart[];
  /** Fields that are tags which a subquery gives as columns: known to `*`, unlike other strings not to `count(*)`. */
  readonly tagColumns: readonly string[];
}

export interface SourcePart {
  readonly rows: MeasurementRows | SubqueryRows | JoinRows;
  /** Condition over the names of this part; null = every row. */
  readonly where: Expression | null;
  /** Fields of a measurement that are of another kind beside it (number, text, boolean), and so have no values here. */
  readonly absent?: readonly string[];
}

/** Rows of another plan; references are to its column names (fields) and dimensions (tags). */
export interface SubqueryRows {
  readonly kind: "subquery";
  /** Its inputs are those of the one name; its times are cut to those of the statement around it. */
  readonly plan: SelectPlan;
  /** Its own times, as written; null = not bounded there. */
  readonly minTime: bigint | null;
  readonly maxTime: bigint | null;
}

/** One function call over a field of the rows, or over the points of another call. */
export interface Call {
  readonly function: FunctionName;
  /** A field of the row, or the index of the call (lower than this one's) whose points are the input. */
  readonly argument:
    | { readonly kind: "field"; readonly field: RowValue }
    | { readonly kind: "call"; readonly call: number };
  /** Numbers after the argument: percentile's 90, top's N, moving_average's N; durations in ns. Defaults filled in. */
  readonly parameters: readonly number[];
  /** The tags between field and N in top/bottom: one winner for each distinct combination of them. */
  readonly distinctBy: readonly Reference[];
  /** Type of the values it gives. */
  readonly type: FieldType;
  /** Fold bits that suffice for it; 0: needs the values themselves. */
  readonly fold: number;
  /** Windows before the first (after the last when descending) that this transformation looks at, beside its argument's. */
  readonly extraWindows: number;
}

/** The value of a field or tag in a row. With `cast`: read as that type (float <-> integer only, truncating). */
export interface RowValue {
  readonly kind: "row";
  readonly reference: Reference;
  readonly type: FieldType;
}

/** Value of a column. Numbers mix as in Go's InfluxDB: integer op integer = integer, but `/` gives float; x/0 = 0. */
export type Output =
  | RowValue
  /** The name is unknown to this input: null in every row. `given`: the type that such values would have, when what is written says it. */
  | { readonly kind: "absent"; readonly type: null; readonly given?: FieldType }
  | { readonly kind: "literal"; readonly type: FieldType; readonly value: number | bigint | string | boolean }
  | { readonly kind: "call"; readonly call: number; readonly type: FieldType }
  | {
      readonly kind: "binary";
      readonly operator: Exclude<BinaryOperator, "and" | "or" | "=" | "!=" | "<" | "<=" | ">" | ">=">;
      readonly left: Output;
      readonly right: Output;
      /** null: one side is absent, so the value always is null. */
      readonly type: FieldType | null;
    }
  | {
      readonly kind: "math";
      readonly function: MathName;
      readonly operands: readonly Output[];
      /** null: an operand is absent, so the value always is null. Not a number: an operand is none, and so is the value. */
      readonly type: FieldType | null;
    };

/** The outputs that an output is made of. */
export function operandsOf(output: Output): readonly Output[] {
  if (output.kind === "binary") return [output.left, output.right];
  return output.kind === "math" ? output.operands : [];
}

/** Whether a value of the row, not only of calls, is in it. */
export function readsRow(output: Output): boolean {
  return output.kind === "row" || operandsOf(output).some(readsRow);
}

export interface ExplainPlan {
  readonly kind: "explain";
  /** EXPLAIN ANALYZE: run it and measure. */
  readonly analyze: boolean;
  readonly plan: SelectPlan;
}

export type SchemaPlan =
  | { readonly kind: "create database"; readonly database: string }
  | { readonly kind: "drop database"; readonly database: string }
  | { readonly kind: "drop measurement"; readonly database: string; readonly measurement: string };

/** Parsed, but not answered yet; the executor says so in the statement's error. */
export interface UnsupportedPlan {
  readonly kind: "unsupported";
  readonly statement: Statement;
}
