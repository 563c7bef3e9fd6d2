// Open stores: those of a thread that have series of what is asked for, one after the other, each as it is at the moment it is opened.
//
// The next ones are opened while there is not yet much to be read of those that are: the disk then works at all of them at once.
import { CorruptionError } from "../base/errors.ts";
import type { Pause } from "../base/pause.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { Budget, Selection } from "../model/scan.ts";
import type { IsTold } from "./read-ahead.ts";
import type { Field, Table } from "./schema.ts";
import { type SelectedSeries, SeriesSelector } from "./select.ts";
import { SeriesReader } from "./series-reader.ts";
import type { Store } from "./store.ts";

/** While so much is to be read of the stores that are open, bytes, no other is opened. */
const AHEAD_BYTES = 8 * 1024 * 1024;

/** What is wanted of each store. */
export interface Wanted {
  readonly fields: readonly Field[];
  /** Inclusive, ns; they may become narrower from store to store. */
  readonly minTime: bigint;
  readonly maxTime: bigint;
  /** Tags whose values are asked for. */
  readonly groupBy: readonly string[];
  /** null: what is read becomes known as it goes, and nothing is read ahead. */
  readonly isTold: IsTold | null;
}

export interface OpenStore {
  readonly store: Store;
  readonly selected: SelectedSeries;
  /** They are all that the table has. */
  readonly hasAll: boolean;
  /** By key of `groupBy` the value of each series, "" = absent. */
  readonly tagColumns: readonly (readonly string[])[];
  readonly reader: SeriesReader;
}

interface Opened extends OpenStore {
  /** What is to be read of it; where that is not known, as much as may be of all. */
  readonly aheadBytes: number;
  close(): void;
}

/** Gives way where it is time: at a moment that `openStores` gives. */
export async function giveWay(pause: Pause, budget: Budget): Promise<void> {
  if (!pause.due()) return;
  budget.check();
  await pause.wait();
}

const POINTER_BYTES = 8;

/** Among so many series those that are asked for are found in a millisecond or two, whatever the condition. */
const FEW_SERIES = 10_000;

/** Each is closed when the next one is asked for. Null: a moment to `giveWay`, as the selection of series may take long. */
export function* openStores(
  kernels: Kernels,
  stores: readonly Store[],
  table: Table,
  { where, onSeries, budget }: Selection & { readonly budget: Budget },
  wanted: Wanted,
): Generator<OpenStore | null> {
  const opened: Opened[] = [];
  let selector: SeriesSelector | undefined;
  let aheadBytes = 0;
  let next = 0;
  try {
    for (;;) {
      for (; next < stores.length && aheadBytes < AHEAD_BYTES; next++) {
        const store = stores[next]!;
        if (store.catalog.count > FEW_SERIES) yield null;
        selector = selector?.over(store.catalog) ?? new SeriesSelector(kernels, store.catalog);
        const selected = selector.select(table.id, where);
        if (selected.ids.length === 0) continue;
        onSeries?.();
        const one = open(kernels, store, table, selector, selected, wanted, budget);
        opened.push(one);
        aheadBytes += one.aheadBytes;
      }
      const [first] = opened;
      if (first === undefined) return;
      yield first;
      opened.shift();
      aheadBytes -= first.aheadBytes;
      first.close();
    }
  } finally {
    for (const one of opened) one.close();
    selector?.close();
  }
}

function open(
  kernels: Kernels,
  store: Store,
  { id, measurement, retentionPolicy }: Table,
  selector: SeriesSelector,
  selected: SelectedSeries,
  { fields, minTime, maxTime, groupBy, isTold }: Wanted,
  budget: Budget,
): Opened {
  const { ids } = selected;
  // (with as many tags as series, as of GROUP BY *, they are what takes most)
  const tagBytes = POINTER_BYTES * ids.length * groupBy.length;
  budget.hold(tagBytes);
  const tagColumns = groupBy.map((key) => selector.valuesOf(id, ids, key));
  const version = store.version.retain();
  try {
    const reader = new SeriesReader(
      ...([kernels, version, measurement, retentionPolicy, fields, minTime, maxTime] as const),
    );
    const aheadBytes = isTold === null ? AHEAD_BYTES : reader.readAhead(ids, isTold);
    const close = () => {
      reader.close();
      version.release();
      budget.hold(-tagBytes);
    };
    const hasAll = ids.length === selector.count(id);
    return { store, selected, hasAll, tagColumns, reader, aheadBytes, close };
  } catch (error) {
    version.release();
    if (error instanceof CorruptionError) store.reportDamage(error);
    throw error;
  }
}
