// Parts of a batch: what the threads that got them say, put together as if of the whole.
import type { Refusal } from "../ingest/reasons.ts";
import { openBatch } from "../model/batchview.ts";
import { partitionOfHash } from "../ring/partition.ts";
import type { StoredPart } from "./stored.ts";

/** What one thread said of its part; it has ended. */
export interface EndedPart {
  readonly thread: number;
  readonly stored: StoredPart;
}

/** What became of all parts of the batch `bytes`, which is asked for when rows were refused. */
export function together(
  parts: readonly EndedPart[],
  owners: Uint8Array,
  bytes: () => Uint8Array,
): StoredPart {
  let rows = 0;
  let dropped = 0;
  const errors = new Map<string, Refusal>();
  let batch: ReturnType<typeof openBatch> | undefined;
  for (const { thread, stored } of parts) {
    rows += stored.rows;
    dropped += stored.dropped;
    for (const refusal of stored.errors) {
      batch ??= openBatch(bytes());
      const whole = inWhole(batch, owners, thread, refusal);
      const known = errors.get(refusal.reason);
      if (known === undefined || isBefore(whole, known)) errors.set(refusal.reason, whole);
    }
  }
  return { rows, dropped, errors: [...errors.values()] };
}

// Where the row of a thread's part stands in the batch that the part was cut out of.
function inWhole(
  { tables }: ReturnType<typeof openBatch>,
  owners: Uint8Array,
  thread: number,
  refusal: Refusal,
): Refusal {
  let tablesBefore = 0;
  for (const [number, table] of tables.entries()) {
    const ownerOf = (series: number) => owners[partitionOfHash(table.seriesHash(series), owners.length)];
    let rowsBefore = 0;
    for (const [row, series] of table.rowSeries.entries()) {
      if (ownerOf(series) !== thread) continue;
      if (tablesBefore === refusal.table && rowsBefore === refusal.row)
        return { ...refusal, table: number, row };
      rowsBefore++;
    }
    if (rowsBefore > 0) tablesBefore++;
  }
  return refusal;
}

function isBefore(a: Refusal, b: Refusal): boolean {
  return a.table < b.table || (a.table === b.table && a.row < b.row);
}
