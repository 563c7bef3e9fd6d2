// Table cursors: one for each segment of a version that may have rows of a measurement between two times.
import type { Kernels } from "../kernels/kernels.ts";
import type { Field, Measurement } from "./schema.ts";
import { SegmentCursor } from "./segment-cursor.ts";
import type { Deleted } from "./tombstones.ts";
import type { Version } from "./version.ts";

/** By segment; null: it has none. `fields`: those that are wanted. `deleted`: by segment what is deleted from it. */
export function cursorsOf(
  kernels: Kernels,
  version: Version,
  measurement: Measurement,
  retentionPolicy: string,
  fields: readonly Field[],
  minTime: bigint,
  maxTime: bigint,
  deleted: readonly (Deleted | null)[],
): (SegmentCursor | null)[] {
  return version.segments.map(({ entry, reader }, s) => {
    if (entry.database !== measurement.database || entry.retentionPolicy !== retentionPolicy) return null;
    if (entry.maxTime < minTime || entry.minTime > maxTime) return null;
    if (entry.hidden.includes(measurement.name)) return null;
    const table = reader.table(measurement.name);
    if (!table) return null;
    const indices = fields.map(({ name, type }) => {
      // (of another type are values of before the field was deleted)
      const index = table.fields.findIndex((field) => field.name === name && field.type === type);
      return deleted[s]?.isGone(name) ? -1 : index;
    });
    return new SegmentCursor(kernels, table, indices);
  });
}
