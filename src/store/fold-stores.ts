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
import { Accumulators, GroupFold, rangeOf } from "./group-fold.ts";
import { giveWay, openStores } from "./open-stores.ts";
import type { IsTold } from "./read-ahead.ts";
import type { Table } from "./schema.ts";
import { atOnce, groupsOf } from "./series-groups.ts";
import type { Store } from "./store.ts";

/** After this many series it looks whether it has to give way. */
const SERIES_A_LOOK = 64;

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
      const { store, selected, tagColumns, reader } = open;
      try {
        const fold = new GroupFold(kernels, reader, accumulators, request);
        const { ids, residuals } = selected;
        if (isOneGroup) {
          for (let i = 0; i < ids.length; i++) {
            if (i % SERIES_A_LOOK === 0) {
              request.budget.check();
              if (pause.due()) await pause.wait();
            }
            fold.add(ids[i]!, residuals?.[i] ?? null);
          }
        } else {
          const groups = groupsOf(tagColumns, ids.length);
          for (const { from, to, series } of atOnce(groups, accumulators.room, accumulators.capacity)) {
            const first = accumulators.count - from;
            for (let g = from; g < to; g++) accumulators.add(tagColumns, groups.firsts[g]!);
            for (let s = 0; s < series.length; s++) {
              if (s % SERIES_A_LOOK === 0) {
                request.budget.check();
                if (pause.due()) await pause.wait();
              }
              const i = series[s]!;
              accumulators.take(first + groups.ofSeries[i]!);
              fold.add(ids[i]!, residuals?.[i] ?? null);
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

// Statistics tell what is wanted of a row group that is in one window, but for deviations.
function toldBy({ bounds, columns, where }: FoldRequest): IsTold {
  if (fieldsOf(where).length > 0 || columns.some(({ keep }) => (keep & Fold.Deviations) !== 0))
    return () => false;
  return (minTime, maxTime) => areInOneWindow(bounds, minTime, maxTime);
}
