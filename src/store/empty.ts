// Series without rows, which deletions and the end of segments leave behind in the catalog, and fields without values.
import { CorruptionError } from "../base/errors.ts";
import type { Pause } from "../base/pause.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { MAX_TIME, MIN_TIME } from "../model/types.ts";
import type { SegmentEntry } from "./manifest.ts";
import type { Run } from "./runs.ts";
import type { Field, Schema, Table } from "./schema.ts";
import { SeriesReader } from "./series-reader.ts";
import type { OpenSegment, Version } from "./version.ts";

/**
 * Gives for each of the series whether it has no row in the version, as its memtables are at that moment, without reading more than
 * times where no fields were deleted. Of a series whose pages are damaged that is not known: it may have some.
 */
export function* emptySeries(
  kernels: Kernels,
  version: Version,
  { measurement, retentionPolicy }: Table,
  series: Iterable<number>,
  onDamage: (error: CorruptionError) => void,
): Generator<boolean> {
  const fields = version.tombstones.some((tombstone) => tombstone.fields) ? measurement.fields : [];
  const reader = new SeriesReader(
    ...([kernels, version, measurement, retentionPolicy, fields, MIN_TIME, MAX_TIME] as const),
  );
  try {
    for (const id of series) {
      // (what is deleted from memory has left it)
      let hasRows = version.memtables.some((memtable) => memtable.seriesRows(id) > 0);
      try {
        if (!hasRows)
          reader.clusters(id, false, (runs) => {
            hasRows = runs.some((run) => !run.mayBeHollow || hasValue(kernels, run, fields.length));
            return !hasRows;
          });
      } catch (error) {
        if (!(error instanceof CorruptionError)) throw error;
        onDamage(error);
        hasRows = true;
      }
      yield !hasRows;
    }
  } finally {
    reader.close();
  }
}

/** Gives for each of the series whether it has a value of the field in the version, or may have one in a damaged page. */
export function* haveField(
  kernels: Kernels,
  version: Version,
  { measurement, retentionPolicy }: Table,
  series: Uint32Array,
  field: Field,
): Generator<boolean> {
  const reader = new SeriesReader(
    ...([kernels, version, measurement, retentionPolicy, [field], MIN_TIME, MAX_TIME] as const),
  );
  try {
    for (const id of series) {
      let found = false;
      try {
        reader.clusters(id, false, (runs) => {
          found = runs.some((run) => hasValue(kernels, run, 1));
          return !found;
        });
      } catch (error) {
        if (!(error instanceof CorruptionError)) throw error;
        found = true;
      }
      yield found;
    }
  } finally {
    reader.close();
  }
}

// Whether a row of the run has a value of one of the reader's fields.
function hasValue(kernels: Kernels, run: Run, fieldCount: number): boolean {
  const fields = Array.from({ length: fieldCount }, (_, field) => field);
  if (run.place !== null) {
    const { cursor, index } = run.place;
    const isFull = (place: number) =>
      place >= 0 && cursor.table.valueCount(index, place) === cursor.table.groupRows(index);
    if (fields.some((field) => isFull(cursor.fieldIndex(field)))) return true;
  }
  return fields.some((field) => {
    const { rowCount, columns } = run.read(fields.map((each) => each === field));
    const column = columns[field];
    return column && (column.present === 0 || kernels.call.presentCount(column.present, rowCount) > 0);
  });
}

/** A store, as far as this goes: see `Store`. */
interface Emptied {
  areEmpty(table: Table, series: Iterable<number>): Generator<boolean>;
  dropSeries(series: readonly number[]): void;
}

/** Series of a table. */
export interface TableSeries {
  readonly table: Table;
  readonly series: Uint32Array;
}

/**
 * Takes those of the series that have no rows out of a store's catalog. They are looked for with pauses; what they lose their ids
 * for is a step of its own, one for all of them: the next flush writes the catalog's file anew. No flush may come meanwhile.
 */
export async function dropEmptySeries(
  store: Emptied,
  all: Iterable<TableSeries>,
  pause: Pause,
): Promise<void> {
  const empty: number[] = [];
  for (const { table, series } of all) {
    let place = 0;
    for (const isEmpty of store.areEmpty(table, series)) {
      const id = series[place++]!;
      if (isEmpty) empty.push(id);
      if (pause.due()) await pause.wait();
    }
  }
  store.dropSeries(empty);
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

/** The entry of a segment whose rows of the tables are found no more. */
export function withHidden(entry: SegmentEntry, tables: readonly Table[]): SegmentEntry {
  const names = tables
    .filter(
      ({ measurement, retentionPolicy }) =>
        measurement.database === entry.database && retentionPolicy === entry.retentionPolicy,
    )
    .map(({ measurement }) => measurement.name)
    .filter((name) => !entry.hidden.includes(name));
  return names.length === 0 ? entry : { ...entry, hidden: [...entry.hidden, ...names] };
}
