// Which series a row group holds and how many rows of each, in as few bytes as their regularity allows.
//
// The first and the last id stand in the table's index; a group of one series needs nothing more. Otherwise:
//   flags   1 byte   bit 0: ids as runs; bit 1: every series has the same number of rows
//   count   varint   series in the group, at least 2
//   ids     varint gap - 1 to the id before, for each but the first
//           or runs of consecutive ids: varint length - 1, then while ids remain: varint gap - 2, varint length - 1
//   rows    varint rows - 1 of each series (unless bit 1)
import type { ByteWriter, Cursor } from "./bytes.ts";

export interface SeriesList {
  /** Ascending. */
  readonly ids: Uint32Array;
  /** Rows of each, at least 1. */
  readonly rows: Uint32Array;
}

const RUNS = 1;
const UNIFORM = 2;

export function writeSeriesList(out: ByteWriter, { ids, rows }: SeriesList): void {
  const count = ids.length;
  if (count === 1) return;
  let runs = 1;
  let uniform = true;
  for (let i = 1; i < count; i++) {
    if (ids[i]! - ids[i - 1]! !== 1) runs++;
    if (rows[i] !== rows[0]) uniform = false;
  }
  const asRuns = 2 * runs < count;
  out.u8((asRuns ? RUNS : 0) | (uniform ? UNIFORM : 0));
  out.varint(count);
  if (asRuns) writeRuns(out, ids);
  else for (let i = 1; i < count; i++) out.varint(ids[i]! - ids[i - 1]! - 1);
  if (!uniform) for (let i = 0; i < count; i++) out.varint(rows[i]! - 1);
}

function writeRuns(out: ByteWriter, ids: Uint32Array): void {
  for (let start = 0; start < ids.length; ) {
    let end = start + 1;
    while (end < ids.length && ids[end]! - ids[end - 1]! === 1) end++;
    out.varint(end - start - 1);
    if (end < ids.length) out.varint(ids[end]! - ids[end - 1]! - 2);
    start = end;
  }
}

/** The list of a group of `rowCount` rows whose ids go from `firstId` to `lastId`. */
export function readSeriesList(
  cursor: Cursor,
  firstId: number,
  lastId: number,
  rowCount: number,
): SeriesList {
  if (firstId === lastId) return { ids: Uint32Array.of(firstId), rows: Uint32Array.of(rowCount) };
  const start = cursor.at;
  const flags = cursor.u8("flags of the series list");
  const count = cursor.varint("series in the group");
  if (count < 2 || count > rowCount) cursor.fail("impossible number of series in a group", start);
  const ids = new Uint32Array(count);
  let id = firstId;
  ids[0] = id;
  if (flags & RUNS) {
    for (let i = 0; i < count; ) {
      const length = cursor.varint("length of the run - 1") + 1;
      if (length > count - i) cursor.fail("a run of series ids is too long");
      for (const end = i + length; i < end; i++) ids[i] = id++;
      if (i < count) id += cursor.varint("gap - 2") + 1;
    }
    id--;
  } else {
    for (let i = 1; i < count; i++) ids[i] = id += cursor.varint("gap - 1") + 1;
  }
  if (id !== lastId) cursor.fail("the series ids do not end at the last one", start);
  const rows = new Uint32Array(count);
  if (flags & UNIFORM) {
    if (rowCount % count !== 0) cursor.fail("the rows do not divide among the series", start);
    rows.fill(rowCount / count);
    return { ids, rows };
  }
  let sum = 0;
  for (let i = 0; i < count; i++) sum += rows[i] = cursor.varint("rows - 1") + 1;
  if (sum !== rowCount) cursor.fail("the rows of the series are not those of the group", start);
  return { ids, rows };
}
