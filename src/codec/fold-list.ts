// A list of row groups whose pages are folded in one call: assembly/fold-groups.ts draws it.
import type { Kernels, Pointer } from "../kernels/kernels.ts";
import type { FieldType } from "../model/types.ts";
import { type PageError, pageError } from "./page-error.ts";

/** A column whose pages are folded. */
export interface ListedColumn {
  readonly type: FieldType;
  readonly keep: number;
  /** Where its accumulators begin in those of a row group. */
  readonly offset: number;
}

/** Bytes of a column in a list of them. */
export const LISTED_COLUMN_BYTES = 12;

/** Writes a list of columns at `list`. */
export function listColumns(kernels: Kernels, list: Pointer, columns: readonly ListedColumn[]): void {
  const words = columns.flatMap(({ type, keep, offset }) => [type, keep, offset]);
  kernels.words.set(words, list >>> 2);
}

/** Words of a row group in a list before those of its columns, and of a column. */
export const GROUP_WORDS = 8;
export const PAGE_WORDS = 4;
/** Where they stand: of a row group, of a column. */
export const ROWS = 0;
export const ACCUMULATORS = 1;
export const TIMES = 2;
export const TIMES_BYTES = 3;
export const RANGE = 4;
export const PAGE = 0;
export const PAGE_BYTES = 1;
export const STATS = 2;
export const STATS_BYTES = 3;

/** What a fold of a list has in common: kernels/fold.ts has the rules. */
export interface ListFold {
  readonly columns: Pointer;
  readonly columnCount: number;
  /** Inclusive, ns. */
  readonly minTime: bigint;
  readonly maxTime: bigint;
  readonly bounds: Pointer;
  readonly windowCount: number;
  readonly timeless: boolean;
}

/** Room that a fold of row groups of up to so many rows needs, bytes. */
export const foldRoomBytes = (rowCount: number): number => rowCount * 17;

/** A row group or one of its pages could not be read. */
export interface FoldFailure {
  readonly group: number;
  /** By column, -1 = the times. */
  readonly column: number;
  readonly error: PageError;
}

/**
 * Folds the row groups [from, to) of a list. `room` is for row groups of up to `rowCount` rows. Answers `to`, or the row group of which
 * pages are needed that are not there, or what failed.
 */
export function foldList(
  kernels: Kernels,
  list: Pointer,
  from: number,
  to: number,
  { columns, columnCount, minTime, maxTime, bounds, windowCount, timeless }: ListFold,
  room: Pointer,
  rowCount: number,
): number | FoldFailure {
  const { call } = kernels;
  const answer = call.foldGroups(
    ...([columns, columnCount, list, from, to, minTime, maxTime] as const),
    ...([bounds, windowCount, timeless, room, rowCount] as const),
  );
  return answer >= 0 ? answer : failure(kernels, answer);
}

/** Row groups that stand next to each other, in linear memory: assembly/fold-spans.ts draws it. */
export interface ListedSpan {
  readonly count: number;
  readonly fields: Pointer;
  readonly rows: Pointer;
  readonly ends: Pointer;
  readonly stride: number;
  readonly bytes: Pointer;
  readonly origin: number;
  readonly firsts: Pointer;
  readonly lasts: Pointer;
  readonly into: Pointer;
  /** Room for what is decoded. */
  readonly out: Pointer;
  readonly left: Pointer;
}

/** Folds what statistics tell of row groups. Answers how many are left at `left`, or what failed. */
export function spanFold(
  kernels: Kernels,
  { count, fields, rows, ends, stride, bytes, origin, firsts, lasts, into, out, left }: ListedSpan,
  { columns, columnCount, minTime, maxTime, bounds, windowCount, timeless }: ListFold,
): number | FoldFailure {
  const { call } = kernels;
  const answer = call.foldSpan(
    ...([columns, columnCount, fields, count, rows, ends, stride, bytes, origin] as const),
    ...([firsts, lasts, into, minTime, maxTime, bounds, windowCount, timeless, out, left] as const),
  );
  return answer >= 0 ? answer : failure(kernels, answer);
}

function failure(kernels: Kernels, answer: number): FoldFailure {
  const { call } = kernels;
  return { group: call.failedGroup(), column: call.failedPage(), error: pageError(answer) };
}
