// Series without rows: what deletions and the end of segments leave behind in the catalog.
import type { Pause } from "../base/pause.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { MAX_TIME, MIN_TIME } from "../model/types.ts";
import type { Schema, Table } from "./schema.ts";
import { SeriesReader } from "./series-reader.ts";
import type { OpenSegment, Version } from "./version.ts";

/** Series of a step: some ten milliseconds. */
const STEP = 20_000;

/** Those of the series that have no row in the version, without reading more than times. */
export function emptySeries(
  kernels: Kernels,
  version: Version,
  { measurement, retentionPolicy }: Table,
  series: Iterable<number>,
): number[] {
  const reader = new SeriesReader(
    ...([kernels, version, measurement, retentionPolicy, [], MIN_TIME, MAX_TIME] as const),
  );
  try {
    const empty: number[] = [];
    for (const id of series) {
      let hasRows = false;
      reader.clusters(id, false, () => {
        hasRows = true;
        return false;
      });
      if (!hasRows) empty.push(id);
    }
    return empty;
  } finally {
    reader.close();
  }
}

/** Takes those of the series that have no rows out of a store's catalog, a step at a time: others get their turn between. */
export async function dropEmptySeries(
  store: { dropEmpty(table: Table, series: Iterable<number>): void },
  table: Table,
  series: Uint32Array,
  pause: Pause,
): Promise<void> {
  for (let from = 0; from < series.length; from += STEP) {
    store.dropEmpty(table, series.subarray(from, from + STEP));
    if (pause.due()) await pause.wait();
  }
}

/** The tables that have rows in the segments. */
export function tablesIn(schema: Schema, segments: readonly OpenSegment[]): Set<Table> {
  const tables = new Set<Table>();
  for (const { entry, reader } of segments)
    for (const name of reader.tables) {
      const table = schema.findTable(entry.database, entry.retentionPolicy, name);
      if (table) tables.add(table);
    }
  return tables;
}
