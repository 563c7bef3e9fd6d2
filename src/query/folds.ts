// Aggregates from partial folds: the answers of several sources (one a partition) merged per group and field (folded-windows.ts
// reads them as the values of calls). No value of a row comes this far: the work is per group and window.
//
//     batches   [a b c] [b d]      as the sources gave them
//     groups     a b c    d        where each of them stands: the second b is merged into the first

import { assert } from "../base/assert.ts";
import { foldedBytes } from "../model/folded.ts";
import { listKey } from "../model/listkey.ts";
import type { FoldedColumn, FoldedGroups, FoldRequest, FoldValues, Rows } from "../model/scan.ts";
import { sortTexts } from "./sorting.ts";
import { STEP, type Steps, Turn } from "./turn.ts";

/** Aggregates of one field of a group, by window from place `at` of the arrays on. */
export interface FoldedField {
  readonly column: FoldedColumn;
  readonly at: number;
  readonly windows: number;
}

/** Reads a whole fold. */
export async function foldGroups(source: Rows, request: FoldRequest): Promise<FoldedTable> {
  const table = new FoldedTable(request.bounds.length - 1);
  const turn = new Turn(request.budget);
  for await (const groups of source.fold(request)) {
    request.budget.hold(foldedBytes(groups));
    table.add(groups);
    if (turn.isOver()) await turn.next();
  }
  return table;
}

/** Groups, each of them once, in no particular order. */
export class FoldedTable {
  readonly windows: number;
  readonly #batches: MutableGroups[] = [];
  /** By group: its batch, and its place there. */
  readonly #batch: number[] = [];
  readonly #place: number[] = [];
  readonly #groups = new Map<string, number>();

  constructor(windows: number) {
    this.windows = windows;
  }

  get count(): number {
    return this.#batch.length;
  }

  add({ count, tags, columns }: FoldedGroups): void {
    const added = this.#batches.push({ count, tags, columns: columns.slice() }) - 1;
    for (let place = 0; place < count; place++) {
      const key = tags.length === 1 ? tags[0]![place]! : listKey(tags.map((values) => values[place]!));
      const group = this.#groups.get(key);
      if (group === undefined) {
        this.#groups.set(key, this.#batch.length);
        this.#batch.push(added);
        this.#place.push(place);
      } else this.#merge(group, added, place);
    }
  }

  /** The value that a group has of a tag, by the tag's number among those it is grouped by. */
  tag(group: number, key: number): string {
    return this.#batches[this.#batch[group]!]!.tags[key]![this.#place[group]!]!;
  }

  tags(group: number): string[] {
    return this.#batches[this.#batch[group]!]!.tags.map((values) => values[this.#place[group]!]!);
  }

  /** Groups in the order of their tags, which is that of their keys. */
  *ordered(): Steps<number[]> {
    const groups: number[] = [];
    for (const key of yield* sortTexts([...this.#groups.keys()]))
      if (groups.push(this.#groups.get(key)!) % STEP === 0) yield;
    return groups;
  }

  /** Arrays that have a group's entries of a field (`column`: its place in the request) among others'; null: none of them has any. */
  column(group: number, column: number): FoldedColumn | null {
    return this.#batches[this.#batch[group]!]!.columns[column]!;
  }

  /** Which of the groups in those arrays it is. */
  place(group: number): number {
    return this.#place[group]!;
  }

  /** Null where the group has no value of the field. `column`: its place in the request. */
  field(group: number, column: number): FoldedField | null {
    const { windows } = this;
    const folded = this.#batches[this.#batch[group]!]!.columns[column]!;
    if (folded === null) return null;
    const at = this.#place[group]! * windows;
    for (let w = 0; w < windows; w++) if (folded.count[at + w] !== 0) return { column: folded, at, windows };
    return null;
  }

  #merge(group: number, batch: number, place: number): void {
    const { count, columns } = this.#batches[this.#batch[group]!]!;
    const into = this.#place[group]! * this.windows;
    const from = place * this.windows;
    for (const [c, column] of this.#batches[batch]!.columns.entries()) {
      if (column === null) continue;
      columns[c] ??= emptyLike(column, count * this.windows);
      const held = columns[c];
      assert(column.type === held.type, "a field has two types in one fold");
      for (let w = 0; w < this.windows; w++) {
        if (column.count[from + w] === 0) continue;
        if (held.count[into + w] === 0) copyWindow(held, into + w, column, from + w);
        else mergeWindow(held, into + w, column, from + w);
      }
    }
  }
}

interface MutableGroups {
  readonly count: number;
  readonly tags: readonly (readonly string[])[];
  readonly columns: (FoldedColumn | null)[];
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

// A column with the arrays of another, for as many groups as those of a batch that has none.
function emptyLike(column: FoldedColumn, length: number): FoldedColumn {
  const empty: MutableColumn = { type: column.type, count: new Float64Array(length) };
  for (const name of keptArrays) {
    const array = column[name];
    if (array === undefined) continue;
    empty[name] = new (array.constructor as new (length: number) => FoldValues)(length) as never;
  }
  return empty;
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
