// Series without rows: what deletions and the end of segments leave behind in the catalog.
import type { Kernels } from "../kernels/kernels.ts";
import { MAX_TIME, MIN_TIME } from "../model/types.ts";
import type { Schema, Table } from "./schema.ts";
import { SeriesReader } from "./series-reader.ts";
import type { OpenSegment, Version } from "./version.ts";

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
