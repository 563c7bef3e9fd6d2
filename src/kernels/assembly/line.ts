// Parses a body of InfluxDB line protocol in linear memory into one WriteBatch.
//
//   line   measurement,tag=value,...  field=value,...  timestamp
//          line/key.ts                line/fields.ts   line/time.ts    line/value.ts: values of unusual form
//   rows   line/rows.ts (tables, columns)  line/dictionary.ts (names)  line/memory.ts (scratch)  line/seal.ts (the batch)
//
// One pass, and the usual line costs comparisons, not look-ups: its series is that which followed the previous
// line's series the last time, its fields are those of the line before in the same order. A wrong line is taken
// back whole, recorded, and skipped.
import { Entry, initDictionary, sameBytes } from "./line/dictionary";
import { parseFields } from "./line/fields";
import { measurementEndAt, seriesAt } from "./line/key";
import { exhausted, releaseAll } from "./line/memory";
import { errorCount, errorRecords, failAt, initErrors, recordError, TIME_FIELD, unreadCount } from "./line/reason";
import { commitRow, initRows, rowTouched, Series, Table, undoRow } from "./line/rows";
import { seal } from "./line/seal";
import { atLineEnd, bodyEnd, HASH, lineEnd, NEWLINE, RETURN, setBodyEnd, skipBlank, SPACE } from "./line/text";
import { initTime, parseTime, time } from "./line/time";

let rows: u32 = 0;
let minTime: i64 = 0;
let maxTime: i64 = 0;

const firstLink: usize = memory.data(8, 8);

/**
 * Parses `bodyBytes` bytes at `body`, which has room for 32 more: the parser writes there. Behind those stand
 * the names of database and retention policy, end to end.
 * @param now the time of lines without one, ns
 * @param unit ns in a unit of the timestamps
 * @param seed any number, best a random one: of the hash tables
 * @param maxBytes largest batch
 * @param offsets rows get, in place of their times, the offset in the body at which their line starts: to say where they were
 * @returns the batch, an area of the caller's; 0 when it would be larger. Traps when memory runs out
 *   (`lineExhausted`).
 *   In every case, a trap too, the caller must then call `lineRelease`.
 */
export function lineParse(
  body: usize, bodyBytes: u32, databaseBytes: u32, policyBytes: u32, now: i64, unit: i64, seed: u64, maxBytes: u32,
  offsets: bool,
): usize {
  const end = body + bodyBytes;
  setBodyEnd(end);
  memory.fill(end, NEWLINE, 32); // no name goes on behind two newlines, so no comparison does either
  initDictionary(seed);
  initRows();
  initErrors(body);
  initTime();
  rows = 0;
  minTime = i64.MAX_VALUE;
  maxTime = i64.MIN_VALUE;
  store<usize>(firstLink, 0);
  parseBody(body, now, unit, offsets);
  if (rows == 0) {
    minTime = 0;
    maxTime = 0;
  }
  return seal(end + 32, databaseBytes, policyBytes, rows, minTime, maxTime, maxBytes);
}

function parseBody(body: usize, now: i64, unit: i64, offsets: bool): void {
  const end = bodyEnd;
  let link = firstLink; // where the successor of the last line's series is kept
  let p = body;
  while (p < end) {
    let start = p;
    if (load<u8>(p) <= HASH) {
      start = skipBlank(p);
      const c = load<u8>(start);
      if (c == NEWLINE || c == HASH || (c == RETURN && load<u8>(start, 1) == NEWLINE)) {
        p = start;
        while (load<u8>(p) != NEWLINE) p++;
        p++;
        continue;
      }
    }
    let entry = load<usize>(link);
    if (entry == 0 || !isSeries(changetype<Entry>(entry), start)) {
      entry = seriesAt(start);
      if (entry == 0) {
        p = skipLine(body, start);
        continue;
      }
      store<usize>(link, entry);
    }
    link = entry;
    const series = changetype<Series>(changetype<Entry>(entry).target);
    const table = changetype<Table>(series.table);
    p = parseFields(skipBlank(start + changetype<Entry>(entry).length), table);
    let stamp = now;
    if (p != 0) {
      p = skipBlank(p);
      if (!atLineEnd(p)) {
        p = parseTime(p, unit);
        stamp = time;
      }
      if (p != 0 && !rowTouched()) p = failAt(TIME_FIELD, start, measurementEndAt(start));
    }
    if (p == 0) {
      undoRow(table);
      p = skipLine(body, start);
      continue;
    }
    if (offsets) stamp = <i64>(start - body);
    commitRow(table, series, stamp);
    minTime = min(minTime, stamp);
    maxTime = max(maxTime, stamp);
    rows++;
    p += load<u8>(p) == RETURN ? 2 : 1;
  }
}

@inline function isSeries(entry: Entry, p: usize): bool {
  return sameBytes(entry.key, p, entry.length) && load<u8>(p + entry.length) == SPACE;
}

/** Records the wrong line that starts at `start`; returns where the next one does. */
function skipLine(body: usize, start: usize): usize {
  const end = lineEnd(start);
  recordError(body, start, end > start && load<u8>(end - 1) == RETURN ? end - 1 : end);
  return end + 1;
}

/** Rows in the batch of the last parse. */
export function lineRows(): u32 {
  return rows;
}

/** Lines that the last parse refused. */
export function lineErrors(): u32 {
  return errorCount();
}

/** Those of them that are no line protocol. */
export function lineUnread(): u32 {
  return unreadCount();
}

/**
 * The first 100 of them: u32 line number (from 1), offset, length, reason, offset and length of the detail;
 * offsets in the body.
 */
export function lineErrorRecords(): usize {
  return errorRecords();
}

/**
 * Whether the parse trapped because linear memory ran out (1) or because it needed more scratch than any body may
 * (2), else 0. Before `lineRelease`.
 */
export function lineExhausted(): u32 {
  return exhausted();
}

/** Gives the scratch memory of the last parse back. The batch stays. */
export function lineRelease(): void {
  releaseAll();
}
