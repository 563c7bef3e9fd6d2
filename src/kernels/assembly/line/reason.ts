// Why a line was refused: the codes that ingest/reasons.ts turns into InfluxDB's words, and the records of the
// refused lines.

export const MISSING_MEASUREMENT: u32 = 1;
export const MISSING_FIELDS: u32 = 2;
export const MISSING_TAG_KEY: u32 = 3;
export const MISSING_TAG_VALUE: u32 = 4;
export const INVALID_TAG_FORMAT: u32 = 5;
export const DUPLICATE_TAGS: u32 = 6;
export const KEY_TOO_LONG: u32 = 7;
export const TIME_TAG: u32 = 8; // detail: the measurement
export const MISSING_FIELD_KEY: u32 = 9;
export const MISSING_FIELD_VALUE: u32 = 10;
export const INVALID_FIELD_FORMAT: u32 = 11;
export const UNBALANCED_QUOTES: u32 = 12;
export const INVALID_NUMBER: u32 = 13;
export const INVALID_FLOAT: u32 = 14;
export const INVALID_BOOLEAN: u32 = 15;
export const INTEGER_RANGE: u32 = 16; // detail: the digits
export const UNSIGNED_RANGE: u32 = 17; // detail: the digits
export const UNSIGNED_SIGN: u32 = 18; // detail: the digits
export const TIME_FIELD: u32 = 19; // detail: the measurement
export const BAD_TIMESTAMP: u32 = 20;
export const TIMESTAMP_OVERFLOW: u32 = 21; // detail: the digits
export const TIMESTAMP_SYNTAX: u32 = 22; // detail: the digits
export const TIME_RANGE: u32 = 23;
export const INVALID_POINT: u32 = 24;

export const KEPT_ERRORS: u32 = 100;
const RECORD_BYTES: u32 = 24;

let reason: u32 = 0;
let detail: usize = 0;
let detailBytes: u32 = 0;
let errors: u32 = 0;
let unread: u32 = 0;

// KEPT_ERRORS records: u32 line number (from 1), offset, length, reason, detail offset, detail length; offsets
// in the body
const records: usize = memory.data(100 * 24, 8);

let countedTo: usize = 0; // newlines before here are counted
let newlines: u32 = 0;

/** Says why the line is wrong; returns 0, which every parsing function returns then. */
export function fail(why: u32): usize {
  reason = why;
  detailBytes = 0;
  return 0;
}

/** `fail` with the piece of the body that the reason is about. */
export function failAt(why: u32, start: usize, end: usize): usize {
  reason = why;
  detail = start;
  detailBytes = <u32>(end - start);
  return 0;
}

export function initErrors(body: usize): void {
  errors = 0;
  unread = 0;
  countedTo = body;
  newlines = 0;
}

export function errorCount(): u32 {
  return errors;
}

/** Those of them that are no line protocol; the others name a tag or a field as no point may. */
export function unreadCount(): u32 {
  return unread;
}

export function errorRecords(): usize {
  return records;
}

/** Records the line at [start, end) with the reason given last. */
export function recordError(body: usize, start: usize, end: usize): void {
  if (errors < KEPT_ERRORS) {
    for (; countedTo < start; countedTo++) if (load<u8>(countedTo) == 0x0a) newlines++;
    const record = records + errors * RECORD_BYTES;
    store<u32>(record, newlines + 1);
    store<u32>(record, <u32>(start - body), 4);
    store<u32>(record, <u32>(end - start), 8);
    store<u32>(record, reason, 12);
    store<u32>(record, detailBytes == 0 ? 0 : <u32>(detail - body), 16);
    store<u32>(record, detailBytes, 20);
  }
  errors++;
  if (reason != TIME_TAG && reason != TIME_FIELD) unread++;
}
