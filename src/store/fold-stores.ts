// Fold over the stores of this thread: partial aggregates of groups, store after store.
//
// Without GROUP BY tags there is one group, and all stores fold into the same accumulators; else each store has groups of its own,
// which the caller merges.

import { CorruptionError } from "../base/errors.ts";
import { Pause } from "../base/pause.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { areInOneWindow } from "../model/bounds.ts";
import { listKey } from "../model/listkey.ts";
import { fieldsOf } from "../model/predicate.ts";
import { Fold, type FoldedGroups, type FoldRequest } from "../model/scan.ts";
import { Accumulators, GroupFold, rangeOf } from "./group-fold.ts";
import { giveWay, openStores } from "./open-stores.ts";
import type { IsTold } from "./read-ahead.ts";
import type { Table } from "./schema.ts";
import type { Store } from "./store.ts";

/** After this many series it looks whether it has to give way. */
const SERIES_A_LOOK = 256;

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
          const { members, ends } = groupsOf(tagColumns, ids.length);
          for (let g = 0, at = 0; g < ends.length; g++) {
            const first = members[at]!;
            request.budget.check();
            for (; at < ends[g]!; at++) {
              const i = members[at]!;
              fold.add(ids[i]!, residuals?.[i] ?? null);
            }
            accumulators.next(tagColumns, first);
            if (accumulators.isFull) yield accumulators.take();
            if (pause.due()) await pause.wait();
          }
        }
        accumulators.batch.fold();
      } catch (error) {
        if (error instanceof CorruptionError) store.reportDamage(error);
        throw error;
      }
      if (pause.due()) await pause.wait();
    }
    if (isOneGroup) accumulators.next([], 0);
    const groups = accumulators.take();
    if (groups.count > 0) yield groups;
  } finally {
    accumulators.close();
  }
}

/** Indices of series, those of one group behind each other; and of each group where they end. */
interface Groups {
  readonly members: Uint32Array;
  readonly ends: Uint32Array;
}

/** By column that it was asked of, as long as that is kept (tag-columns.ts). */
const groupsByColumn = new WeakMap<readonly string[], Groups>();

// Series with equal values of all tags.
function groupsOf(tagColumns: readonly (readonly string[])[], count: number): Groups {
  if (tagColumns.length > 1) return grouped(count, (i) => listKey(tagColumns.map((values) => values[i]!)));
  const only = tagColumns[0]!;
  let groups = groupsByColumn.get(only);
  if (groups === undefined) {
    groups = grouped(count, (i) => only[i]!);
    groupsByColumn.set(only, groups);
  }
  return groups;
}

function grouped(count: number, keyOf: (index: number) => string): Groups {
  const lists = Map.groupBy(
    Array.from({ length: count }, (_, i) => i),
    keyOf,
  );
  const members = new Uint32Array(count);
  const ends = new Uint32Array(lists.size);
  let [g, end] = [0, 0];
  for (const list of lists.values()) {
    members.set(list, end);
    end += list.length;
    ends[g++] = end;
  }
  return { members, ends };
}

// Statistics tell what is wanted of a row group that is in one window, but for deviations.
function toldBy({ bounds, columns, where }: FoldRequest): IsTold {
  if (fieldsOf(where).length > 0 || columns.some(({ keep }) => (keep & Fold.Deviations) !== 0))
    return () => false;
  return (minTime, maxTime) => areInOneWindow(bounds, minTime, maxTime);
}
