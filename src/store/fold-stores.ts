// Fold over the stores of this thread: partial aggregates of groups, store after store.
//
// Without GROUP BY tags there is one group, and all stores fold into the same accumulators; else each store has groups of its own,
// which the caller merges. Series are folded in the order of their rows, those of as many groups at once as there are accumulators.

import { CorruptionError } from "../base/errors.ts";
import { Pause } from "../base/pause.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { areInOneWindow } from "../model/bounds.ts";
import { fieldsOf } from "../model/predicate.ts";
import { Fold, type FoldedGroups, type FoldRequest } from "../model/scan.ts";
import { Accumulators, rangeOf } from "./accumulators.ts";
import { GroupFold } from "./group-fold.ts";
import { giveWay, type OpenStore, openStores } from "./open-stores.ts";
import type { IsTold } from "./read-ahead.ts";
import type { Table } from "./schema.ts";
import type { SelectedSeries } from "./select.ts";
import { atOnce, groupsOf } from "./series-groups.ts";
import type { Store } from "./store.ts";
import { MOST_SERIES } from "./whole-groups.ts";

/** Series that are folded next, and the group of each. (Nobody else comes before they are.) */
const some = new Uint32Array(MOST_SERIES);
const theirGroups = new Uint32Array(MOST_SERIES);

export async function* foldStores(
  kernels: Kernels,
  table: Table,
  stores: readonly Store[],
  request: FoldRequest,
): AsyncGenerator<FoldedGroups> {
  const pause = new Pause();
  const accumulators = new Accumulators(kernels, table.measurement, request);
  const isOneGroup = request.groupBy.length === 0;
  const [minTime, maxTime] = rangeOf(request);
  if (isOneGroup) accumulators.add([], 0);
  try {
    const wanted = {
      fields: accumulators.known,
      minTime,
      maxTime,
      groupBy: request.groupBy,
      isTold: toldBy(request),
    };
    for (const open of openStores(kernels, stores, table, request, wanted)) {
      if (open === null) {
        await giveWay(pause, request.budget);
        continue;
      }
      const { store } = open;
      try {
        const { ids } = open.selected;
        const fold = new GroupFold(kernels, open.reader, accumulators, request, ids.length);
        if (isOneGroup) {
          for (const _ of addSeries(fold, open, null, null, 0)) {
            request.budget.check();
            if (pause.due()) await pause.wait();
          }
        } else {
          const { tagColumns } = open;
          const groups = groupsOf(tagColumns, ids.length);
          for (const { from, to, series } of atOnce(groups, accumulators.room, accumulators.capacity)) {
            const first = accumulators.count - from;
            for (let g = from; g < to; g++) accumulators.add(tagColumns, groups.firsts[g]!);
            for (const _ of addSeries(fold, open, series, groups.ofSeries, first)) {
              request.budget.check();
              if (pause.due()) await pause.wait();
            }
            if (accumulators.room === 0) yield accumulators.empty();
          }
        }
        accumulators.batch.fold();
      } catch (error) {
        if (error instanceof CorruptionError) store.reportDamage(error);
        throw error;
      }
      if (pause.due()) await pause.wait();
    }
    const groups = accumulators.empty();
    if (groups.count > 0) yield groups;
  } finally {
    accumulators.close();
  }
}

// Folds series of a store that are selected, each into its group; gives moments to look whether it is time to give way. `series`: which,
// ascending; null: all. `ofSeries`: by series the number of its group, counted from `first`; null: they have one.
function addSeries(
  fold: GroupFold,
  open: OpenStore,
  series: Uint32Array | null,
  ofSeries: Uint32Array | null,
  first: number,
): Generator<void> {
  const { ids, residuals } = open.selected;
  if (residuals !== null || fold.way !== "all") return addEach(fold, open.selected, series, ofSeries, first);
  if (open.hasAll && ofSeries === null) return fold.addAll(ids, null);
  const wanted = series === null ? ids : series.map((i) => ids[i]!);
  const into = new Uint32Array(wanted.length).fill(first);
  if (ofSeries !== null)
    for (let i = 0; i < into.length; i++) into[i] = first + ofSeries[series === null ? i : series[i]!]!;
  return fold.addAll(wanted, into);
}

// The same where they are looked for.
function* addEach(
  fold: GroupFold,
  { ids, residuals }: SelectedSeries,
  series: Uint32Array | null,
  ofSeries: Uint32Array | null,
  first: number,
): Generator<void> {
  const count = series?.length ?? ids.length;
  const together = residuals === null && fold.way === "many";
  for (let from = 0; from < count; from += MOST_SERIES) {
    const length = Math.min(MOST_SERIES, count - from);
    for (let s = 0; s < length; s++) {
      const i = series === null ? from + s : series[from + s]!;
      const group = ofSeries === null ? first : first + ofSeries[i]!;
      if (together) {
        some[s] = ids[i]!;
        theirGroups[s] = group;
      } else fold.add(ids[i]!, group, residuals?.[i] ?? null);
    }
    if (together) fold.addMany(some.subarray(0, length), theirGroups);
    yield;
  }
}

// Statistics tell what is wanted of a row group that is in one window, but for deviations.
function toldBy({ bounds, columns, where }: FoldRequest): IsTold {
  if (fieldsOf(where).length > 0 || columns.some(({ keep }) => (keep & Fold.Deviations) !== 0))
    return () => false;
  return (minTime, maxTime) => areInOneWindow(bounds, minTime, maxTime);
}
