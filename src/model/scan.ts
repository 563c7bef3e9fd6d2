// The one contract of reads: what a query may ask of a store, of a worker thread's stores, of a remote node.
//
// Two shapes of answer. `scan` gives rows, series by series, as columns that many series share. `fold` gives partial
// aggregates of groups by time window that merge with those of other sources, so that aggregation happens
// where the data is. Everything is plain data and typed arrays: it can cross a thread or a network.
import type { Expression } from "./expression.ts";
import type { FieldInfo, FieldType } from "./types.ts";

/** Which rows: of one measurement, in a time range, of the series and with the values that satisfy `where`. */
export interface Selection {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly measurement: string;
  /** Inclusive, ns. */
  readonly minTime: bigint;
  /** Inclusive, ns. */
  readonly maxTime: bigint;
  /** Condition over tags and fields; null: all rows. */
  readonly where: Expression | null;
  /** Told when there is a series whose tags satisfy `where`, whether it has rows in the range or not. */
  readonly onSeries?: () => void;
}

export interface ScanRequest extends Selection {
  /** Fields wanted, by name, in this order. Rows with none of them present are left out. */
  readonly fields: readonly string[];
  /** Rows wanted per series at most, from the early end, or the late end when `descending`. */
  readonly limit: number;
  /** The late end first: blocks of a series come in descending order; rows inside a block stay ascending. */
  readonly descending: boolean;
  /** Only the first row of all series (the last when `descending`) is looked at: what cannot be it may be left out. */
  readonly edge?: boolean;
  /**
   * Only so many rows of all series together are looked at, the first ones in time (the last when `descending`), and which of several
   * at one time is the caller's to say: what cannot be among them may be left out.
   */
  readonly firstRows?: number;
  readonly budget: Budget;
}

/**
 * Rows of one or several series, already filtered by `where`: block after block, each of rows of one series that ascend and are unique
 * in time, in columns that all of them share.
 */
export interface RowBatch {
  /** Of each block; blocks of the same series are adjacent, also from batch to batch. */
  readonly series: readonly Series[];
  /** Where the rows of each block end; those of the first begin at 0. */
  readonly ends: readonly number[];
  /** ns, by row. */
  readonly times: BigInt64Array;
  /** As `ScanRequest.fields`; null where no row of the batch has a value of that field. */
  readonly columns: readonly (Column | null)[];
}

/**
 * Values of one field in a batch. `present` is one byte a row, 1 = has a value; null = all have.
 * Batches own their arrays: they stay valid.
 */
export type Column = NumberColumn | IntegerColumn | BooleanColumn | StringColumn;
interface ColumnBase {
  readonly present: Uint8Array | null;
}
export interface NumberColumn extends ColumnBase {
  readonly type: typeof FieldType.Float;
  readonly values: Float64Array;
}
export interface IntegerColumn extends ColumnBase {
  readonly type: typeof FieldType.Integer | typeof FieldType.Unsigned;
  /** int64 or uint64 bits: read through BigInt64Array/BigUint64Array only where a value leaves the safe range. */
  readonly values: BigInt64Array | BigUint64Array;
}
export interface BooleanColumn extends ColumnBase {
  readonly type: typeof FieldType.Boolean;
  /** 0 or 1 a row. */
  readonly values: Uint8Array;
}
export interface StringColumn extends ColumnBase {
  readonly type: typeof FieldType.String;
  readonly values: readonly string[];
}

export interface Series {
  /** Canonical escaped line-protocol form, tags sorted: `cpu,host=a,region=eu`. */
  readonly key: string;
  /** Sorted by key. */
  readonly tags: ReadonlyMap<string, string>;
}

/** Bits of the aggregates that a fold can keep; each is mergeable. */
export const Fold = {
  Count: 1,
  Sum: 2,
  Min: 4,
  Max: 8,
  First: 16,
  Last: 32,
  /** Sum of squared deviations from the mean (with count and mean), merged by Chan's rule. */
  Deviations: 64,
} as const;

export interface FoldRequest extends Selection {
  /** Tag keys that make a group; values absent from a series count as "". */
  readonly groupBy: readonly string[];
  /** One entry a column of the answer. `Count` is legal for every type, the others for numbers only. */
  readonly columns: readonly { readonly field: string; readonly keep: number }[];
  /**
   * Ascending window boundaries, ns: window i is [bounds[i], bounds[i+1]). At least two. Rows outside all
   * windows are left out, as are rows outside [minTime, maxTime].
   */
  readonly bounds: BigInt64Array;
  /** When minima and maxima are does not matter: what is given as their times may be any. */
  readonly timeless?: boolean;
  readonly budget: Budget;
}

/**
 * Partial aggregates of many groups, in arrays that have an entry a group and window:
 *
 *     tags    [a b c]                       by key of `groupBy`: the value in each group, "" = absent
 *     count   a0 a1 a2  b0 b1 b2  c0 c1 c2  with three windows
 *
 * Sources may give a group several times (once a partition): merge them. Arrays belong to who is given them.
 */
export interface FoldedGroups {
  /** How many groups. */
  readonly count: number;
  readonly tags: readonly (readonly string[])[];
  /** As `FoldRequest.columns`; null where no group has a value of the field. */
  readonly columns: readonly (FoldedColumn | null)[];
}

/** Arrays by group and window. Only those that `keep` asks for are there (count always is). Where count = 0 the rest is undefined. */
export interface FoldedColumn {
  readonly type: FieldType;
  readonly count: Float64Array;
  /** Float64Array for floats; int64/uint64 (wrapping) for integers, as are min, max, first and last. */
  readonly sum?: FoldValues;
  readonly min?: FoldValues;
  readonly minTime?: BigInt64Array;
  readonly max?: FoldValues;
  readonly maxTime?: BigInt64Array;
  readonly first?: FoldValues;
  readonly firstTime?: BigInt64Array;
  readonly last?: FoldValues;
  readonly lastTime?: BigInt64Array;
  readonly mean?: Float64Array;
  readonly deviations?: Float64Array;
}
export type FoldValues = Float64Array | BigInt64Array | BigUint64Array;

/** A part of an answer that is made where the rows of a selection are. Who asks and who answers know what `work` is; it is plain data. */
export interface ShareRequest extends Selection {
  readonly groupBy: readonly string[];
  readonly work: unknown;
  readonly budget: Budget;
}

/** What a query may still use. Sources call it as they go; it throws `QueryAbortedError` when the query must end. */
export interface Budget {
  /** Checks the deadline and a kill; call at least every few milliseconds of work. */
  check(): void;
  /** Accounts for bytes that the query now holds (negative: gives back). */
  hold(sizeBytes: number): void;
}

/** Facts about what is stored, without reading rows. A null measurement means every one. */
export interface Metadata {
  /** Sorted names of measurements that have a series satisfying `where` (over tags only). */
  measurements(database: string, where: Expression | null): Promise<string[]>;
  /**
   * Sorted by name, in any retention policy or those in the one that is named; empty when the measurement has no series there, unless
   * `hasSeries` says that it has elsewhere.
   */
  fields(
    database: string,
    measurement: string,
    retentionPolicy?: string,
    hasSeries?: boolean,
  ): Promise<readonly FieldInfo[]>;
  /** Sorted tag keys of the series that satisfy `where`, in any retention policy or the one that is named. */
  tagKeys(
    database: string,
    measurement: string,
    where: Expression | null,
    retentionPolicy?: string,
  ): Promise<readonly string[]>;
  /** Values of one tag among the series that satisfy `where`, in chunks sorted each; one may come again. Retention policies as above. */
  tagValues(
    database: string,
    measurement: string,
    key: string,
    where: Expression | null,
    retentionPolicy?: string,
  ): AsyncIterable<string[]>;
  /** Keys of the series that satisfy `where`, in chunks sorted each; a key may come again, once a retention policy. */
  seriesKeys(database: string, measurement: string, where: Expression | null): AsyncIterable<string[]>;
  /** How many series satisfy `where` in a retention policy, by the values of the tags `groupBy`: in no order, no zeros. */
  countSeries(
    database: string,
    retentionPolicy: string,
    measurement: string,
    where: Expression | null,
    groupBy: readonly string[],
  ): Promise<SeriesCount[]>;
  /** How many series a measurement has; one that several retention policies hold counts once. */
  seriesCardinality(database: string, measurement: string): Promise<number>;
}

export interface SeriesCount {
  /** Values of `groupBy`, in its order; "" = absent. */
  readonly tags: readonly string[];
  readonly count: number;
}

/** What execution reads. */
export interface Rows {
  scan(request: ScanRequest): AsyncIterable<RowBatch>;
  fold(request: FoldRequest): AsyncIterable<FoldedGroups>;
}

export interface Source extends Metadata, Rows {}
