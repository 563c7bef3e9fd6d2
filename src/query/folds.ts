// Aggregates from partial folds: the answers of several sources (one a partition) merged per group and field (folded-windows.ts
// reads them as the values of calls). No value of a row comes this far: the work is per group and window.

import { assert } from "../base/assert.ts";
import { listKey } from "../model/listkey.ts";
import { Fold, type FoldedColumn, type FoldRequest, type FoldValues, type Rows } from "../model/scan.ts";

/** Aggregates of one field of a group, by window from `first` on. */
export interface FoldedField {
  readonly first: number;
  readonly column: FoldedColumn;
}

export interface FoldGroup {
  readonly tags: readonly string[];
  /** As the request's columns; null where the group has no value. */
  readonly fields: (FoldedField | null)[];
}

/** Reads a whole fold. Groups stand in no particular order. */
export async function foldGroups(source: Rows, request: FoldRequest): Promise<Iterable<FoldGroup>> {
  const groups = new Map<string, FoldGroup>();
  for await (const folded of source.fold(request)) {
    const key = listKey(folded.tags);
    const group = groups.get(key);
    const { firstWindow: first } = folded;
    if (group === undefined) {
      const fields = folded.columns.map((column, i) => hold(request, i, column, first));
      groups.set(key, { tags: folded.tags, fields });
    } else
      for (let i = 0; i < folded.columns.length; i++) {
        const added = hold(request, i, folded.columns[i]!, first);
        if (added === null) continue;
        const held = group.fields[i]!;
        group.fields[i] = held === null ? added : mergeFolded(held, added);
      }
  }
  return groups.values();
}

function hold(
  { budget, columns }: FoldRequest,
  index: number,
  column: FoldedColumn | null,
  first: number,
): FoldedField | null {
  if (column === null) return null;
  // counts, and at most two arrays for each other aggregate
  const { keep } = columns[index]!;
  let arrays = 1;
  for (let bits = keep & ~Fold.Count; bits !== 0; bits &= bits - 1) arrays += 2;
  budget.hold(column.count.length * 8 * arrays);
  return { first, column };
}

/** The aggregates of the rows of both: windows that only one has are taken over. */
export function mergeFolded(a: FoldedField, b: FoldedField): FoldedField {
  const first = Math.min(a.first, b.first);
  const end = Math.max(a.first + a.column.count.length, b.first + b.column.count.length);
  const length = end - first;
  const into = widened(a, first, length);
  const { column } = b;
  assert(column.type === into.type, "a field has two types in one fold");
  const shift = b.first - first;
  for (let w = 0; w < column.count.length; w++) {
    if (column.count[w] === 0) continue;
    if (into.count[shift + w] === 0) copyWindow(into, shift + w, column, w);
    else mergeWindow(into, shift + w, column, w);
  }
  return { first, column: into };
}

const keptArrays = [
  "sum",
  "min",
  "minTime",
  "max",
  "maxTime",
  "first",
  "firstTime",
  "last",
  "lastTime",
  "mean",
  "deviations",
] as const;

type MutableColumn = { -readonly [K in keyof FoldedColumn]: FoldedColumn[K] };

function widened(field: FoldedField, first: number, length: number): FoldedColumn {
  const { column } = field;
  const copy = <T extends FoldValues>(from: T): T => {
    const to = new (from.constructor as new (length: number) => T)(length);
    to.set(from as never, field.first - first);
    return to;
  };
  const wide: MutableColumn = { type: column.type, count: copy(column.count) };
  for (const name of keptArrays) {
    const from = column[name];
    if (from !== undefined) wide[name] = copy(from) as never;
  }
  return wide;
}

function copyWindow(into: FoldedColumn, at: number, from: FoldedColumn, w: number): void {
  into.count[at] = from.count[w]!;
  for (const name of keptArrays) {
    const source = from[name];
    if (source !== undefined) (into[name] as FoldValues)[at] = source[w]!;
  }
}

function mergeWindow(into: FoldedColumn, at: number, from: FoldedColumn, w: number): void {
  if (into.deviations && into.mean && from.deviations && from.mean) {
    // Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979)
    const a = into.count[at]!;
    const b = from.count[w]!;
    const delta = from.mean[w]! - into.mean[at]!;
    into.mean[at]! += (delta * b) / (a + b);
    into.deviations[at]! += from.deviations[w]! + (delta * delta * a * b) / (a + b);
  }
  into.count[at]! += from.count[w]!;
  if (into.sum && from.sum) {
    if (into.sum instanceof Float64Array) into.sum[at]! += from.sum[w] as number;
    else into.sum[at] = into.sum[at]! + (from.sum[w] as bigint);
  }
  pick(into.min, into.minTime, at, from.min, from.minTime, w, extreme(-1));
  pick(into.max, into.maxTime, at, from.max, from.maxTime, w, extreme(1));
  pick(into.first, into.firstTime, at, from.first, from.firstTime, w, edge(-1));
  pick(into.last, into.lastTime, at, from.last, from.lastTime, w, edge(1));
}

type Better = (value: number | bigint, time: bigint, heldValue: number | bigint, heldTime: bigint) => boolean;

/** Smaller (-1) or greater (1) value, then the earlier time. */
const extreme =
  (sign: 1 | -1): Better =>
  (value, time, heldValue, heldTime) =>
    value === heldValue ? time < heldTime : sign === 1 ? value > heldValue : value < heldValue;

/** Earlier (-1) or later (1) time, then the greater value. */
const edge =
  (sign: 1 | -1): Better =>
  (value, time, heldValue, heldTime) =>
    time === heldTime ? value > heldValue : sign === 1 ? time > heldTime : time < heldTime;

function pick(
  into: FoldValues | undefined,
  intoTime: BigInt64Array | undefined,
  at: number,
  from: FoldValues | undefined,
  fromTime: BigInt64Array | undefined,
  w: number,
  isBetter: Better,
): void {
  if (!into || !intoTime || !from || !fromTime) return;
  if (!isBetter(from[w]!, fromTime[w]!, into[at]!, intoTime[at]!)) return;
  into[at] = from[w]!;
  intoTime[at] = fromTime[w]!;
}
