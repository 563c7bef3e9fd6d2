// Fold over the stores of this thread: partial aggregates by group, store after store.
//
// Without GROUP BY tags there is one group, and all stores fold into the same accumulators; else each store gives its groups,
// which the caller merges.

import { CorruptionError } from "../base/errors.ts";
import { Pause } from "../base/pause.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { listKey } from "../model/listkey.ts";
import type { FoldedGroup, FoldRequest } from "../model/scan.ts";
import { Accumulators, GroupFold } from "./group-fold.ts";
import type { Table } from "./schema.ts";
import type { SelectedSeries, SeriesSelector } from "./select.ts";
import { SeriesReader } from "./series-reader.ts";
import type { Store } from "./store.ts";

export interface FoldedStore {
  readonly store: Store;
  readonly selector: SeriesSelector;
}

export async function* foldStores(
  kernels: Kernels,
  table: Table,
  stores: Iterable<FoldedStore>,
  request: FoldRequest,
): AsyncGenerator<FoldedGroup> {
  const pause = new Pause();
  const accumulators = new Accumulators(kernels, table.measurement, request);
  const isOneGroup = request.groupBy.length === 0;
  try {
    for (const { store, selector } of stores) {
      const selected = selector.select(table.id, request.where);
      if (selected.ids.length === 0) continue;
      request.onSeries?.();
      const version = store.version.retain();
      try {
        const reader = new SeriesReader(
          ...([kernels, version, table.measurement, table.retentionPolicy] as const),
          ...([accumulators.known, ...rangeOf(request)] as const),
        );
        try {
          const fold = new GroupFold(kernels, reader, accumulators, request);
          if (isOneGroup) addAll(fold, selected, request);
          else
            for (const group of groups(fold, accumulators, table, { selector, selected }, request)) {
              if (pause.due()) await pause.wait();
              yield group;
            }
        } finally {
          reader.close();
        }
      } catch (error) {
        if (error instanceof CorruptionError) store.reportDamage(error);
        throw error;
      } finally {
        version.release();
      }
      if (pause.due()) await pause.wait();
    }
    if (!isOneGroup) return;
    const columns = accumulators.columns();
    if (columns.some((column) => column !== null)) yield { tags: [], firstWindow: 0, columns };
  } finally {
    accumulators.close();
  }
}

function addAll(fold: GroupFold, { ids, residuals }: SelectedSeries, { budget }: FoldRequest): void {
  budget.check();
  for (let i = 0; i < ids.length; i++) fold.add(ids[i]!, residuals?.[i] ?? null);
}

function* groups(
  fold: GroupFold,
  accumulators: Accumulators,
  table: Table,
  series: { readonly selector: SeriesSelector; readonly selected: SelectedSeries },
  request: FoldRequest,
): Generator<FoldedGroup> {
  const { ids, residuals } = series.selected;
  const tagColumns = request.groupBy.map((key) => series.selector.valuesOf(table.id, ids, key));
  for (const members of groupsOf(tagColumns, ids.length)) {
    request.budget.check();
    accumulators.clear();
    for (const i of members) fold.add(ids[i]!, residuals?.[i] ?? null);
    const columns = accumulators.columns();
    if (columns.every((column) => column === null)) continue;
    yield { tags: tagColumns.map((values) => values[members[0]!]!), firstWindow: 0, columns };
  }
}

// What the request's range and its windows have in common.
function rangeOf({ bounds, minTime, maxTime }: FoldRequest): [minTime: bigint, maxTime: bigint] {
  const from = bounds[0]!;
  const to = bounds[bounds.length - 1]! - 1n;
  return [from > minTime ? from : minTime, to < maxTime ? to : maxTime];
}

// Series with equal values of all tags, as lists of indices.
function groupsOf(tagColumns: readonly (readonly string[])[], count: number): Iterable<number[]> {
  const indices = Array.from({ length: count }, (_, i) => i);
  const only = tagColumns[0]!;
  if (tagColumns.length === 1) return Map.groupBy(indices, (i) => only[i]!).values();
  return Map.groupBy(indices, (i) => listKey(tagColumns.map((values) => values[i]!))).values();
}
