// Rows of columns as JSON: `[time,a,b],[time,a,b]`.
//
// A form is what the rows of a series have in common: u32 lengths of `columns + 1` pieces of text, then the pieces. A row is
//
//     [ time  piece 0  value 0  piece 1  value 1 ...  piece n
//
// with commas, tags and the closing bracket in the pieces.
// A column is u32 values, u32 marks: 8 bytes a value, and a byte that is its type, 0 = null.

import { putDigits, putDouble, putFraction, putInteger, putUnsigned } from "./shortest";

const FLOAT: u8 = 1;
const INTEGER: u8 = 2;
const UNSIGNED: u8 = 3;
const BOOLEAN: u8 = 4;
const TEXT: u8 = 5; // u32 pointer, u32 length of what stands for it
const NOTHING: u8 = 6; // what stands for it is in the pieces

const NS_PER_S: i64 = 1_000_000_000;
const S_PER_DAY: i64 = 86_400;

/** A byte for the length, 32 for the longest time, and those that are copied with a shorter one. */
const TIME_TEXT: usize = 40;
const timeText: usize = memory.data(48);
let end: usize = 0;

/**
 * Writes rows from `from` on until `rows` or until `limit` is passed (so there must be room for a row behind it); gives the
 * first row that is not written, `jsonEnd` where the bytes end. Every row but row 0 of the series (`first` != 0) begins with a
 * comma. `unit`: ns that times are cut to, 0 = RFC 3339 in quotes. `forms`: u32 a row.
 */
export function jsonRows(
  from: u32, rows: u32, first: u32,
  times: usize, unit: i64, forms: usize, columns: usize, columnCount: u32,
  out: usize, limit: usize,
): u32 {
  let at = out;
  let row = from;
  knownBytes = 0;
  for (; row < rows && at < limit; row++) {
    if (row > 0 || first == 0) store<u8>(at++, 0x2c);
    at = putRow(at, row, times, unit, forms, columns, columnCount);
  }
  end = at;
  return row;
}

// The time that was written last, and its text.
let known: i64 = 0;
let knownBytes: usize = 0;

function putRow(
  out: usize, row: u32, times: usize, unit: i64, forms: usize, columns: usize, columnCount: u32,
): usize {
  let at = out;
  store<u8>(at++, 0x5b);
  const time = load<i64>(times + (<usize>row << 3));
  if (knownBytes == 0 || known != time) {
    known = time;
    knownBytes = putTime(timeText, time, unit) - timeText;
  }
  memory.copy(at, timeText, knownBytes);
  at += knownBytes;
  const lengths = <usize>load<u32>(forms + (<usize>row << 2));
  let piece = lengths + (<usize>(columnCount + 1) << 2);
  for (let c: u32 = 0; c < columnCount; c++) {
    const length = <usize>load<u32>(lengths + (<usize>c << 2));
    at = putBytes(at, piece, length);
    piece += length;
    const column = columns + (<usize>c << 3);
    const value = <usize>load<u32>(column) + (<usize>row << 3);
    at = putValue(at, value, load<u8>(<usize>load<u32>(column, 4) + row));
  }
  return putBytes(at, piece, <usize>load<u32>(lengths + (<usize>columnCount << 2)));
}

/** Where the bytes of the last `jsonRows` end. */
export function jsonEnd(): usize {
  return end;
}

/**
 * Writes rows that have nothing in common; gives where the bytes end. A row is
 *
 *     piece 0  time  piece 1  value 0  piece 2  value 1 ...  piece n + 1
 *
 * with brackets and commas, and what stands between two series, in the pieces. `lengths`: u32 a piece, row by row; `text`: the pieces,
 * as they follow; `values`, `marks`: row by row.
 */
export function jsonApart(
  rows: u32, columnCount: u32, times: usize, unit: i64, lengths: usize, text: usize, values: usize, marks: usize, out: usize,
): usize {
  let at = out;
  let piece = text;
  let length = lengths;
  let value = values;
  let mark = marks;
  for (let row: u32 = 0; row < rows; row++) {
    const before = <usize>load<u32>(length);
    memory.copy(at, piece, before);
    piece += before;
    at = putTime(at + before, load<i64>(times + (<usize>row << 3)), unit);
    length += 4;
    for (let c: u32 = 0; c < columnCount; c++) {
      const between = <usize>load<u32>(length);
      at = putValue(putBytes(at, piece, between), value, load<u8>(mark));
      piece += between;
      length += 4;
      value += 8;
      mark++;
    }
    const behind = <usize>load<u32>(length);
    at = putBytes(at, piece, behind);
    piece += behind;
    length += 4;
  }
  return at;
}

/**
 * Writes series that have their windows in common; gives where the bytes end. A series is
 *
 *     , head  its tags  middle  [ time , value , value ] , [ ... ]  tail
 *
 * the first of all (`first` != 0) without the comma. `frame`: u32 lengths of head, middle and tail, then these. `tagLengths`: u32 a series;
 * `tags`: one behind the other. `times`: a row; `timeTexts`: room for TIME_TEXT bytes a row. `columns`: as for jsonRows, slots series by
 * series. `gaps` != 0: rows without any value are left out.
 */
export function jsonSeries(
  series: u32, rows: u32, columnCount: u32, first: u32, gaps: u32, times: usize, unit: i64, timeTexts: usize,
  frame: usize, tagLengths: usize, tags: usize, columns: usize, out: usize,
): usize {
  for (let row: u32 = 0; row < rows; row++) {
    const text = timeTexts + <usize>row * TIME_TEXT;
    store<u8>(text, <u8>(putTime(text + 1, load<i64>(times + (<usize>row << 3)), unit) - text - 1));
  }
  let at = out;
  let tag = tags;
  let slot: usize = 0;
  for (let s: u32 = 0; s < series; s++) {
    const tagBytes = <usize>load<u32>(tagLengths + (<usize>s << 2));
    at = putOpening(at, s > 0 || first == 0, frame, tag, tagBytes);
    tag += tagBytes;
    let isFirst = true;
    for (let row: u32 = 0; row < rows; row++, slot++) {
      if (gaps != 0 && isGap(columns, columnCount, slot)) continue;
      if (!isFirst) store<u8>(at++, 0x2c);
      isFirst = false;
      store<u8>(at++, 0x5b);
      const text = timeTexts + <usize>row * TIME_TEXT;
      v128.store(at, v128.load(text, 1));
      v128.store(at, v128.load(text, 17), 16);
      at += <usize>load<u8>(text);
      for (let c: u32 = 0; c < columnCount; c++) {
        store<u8>(at++, 0x2c);
        const column = columns + (<usize>c << 3);
        const value = <usize>load<u32>(column) + (slot << 3);
        at = putValue(at, value, load<u8>(<usize>load<u32>(column, 4) + slot));
      }
      store<u8>(at++, 0x5d);
    }
    at = putClosing(at, frame);
  }
  return at;
}

/**
 * Writes short series, whose rows have times of their own; gives where the bytes end. `frame`, `tagLengths`, `tags` and `first` as for
 * jsonSeries; `ends`: u32 a series, where its rows end; the rest as for jsonRows.
 */
export function jsonShort(
  series: u32, ends: usize, first: u32, times: usize, unit: i64, forms: usize, columns: usize, columnCount: u32,
  frame: usize, tagLengths: usize, tags: usize, out: usize,
): usize {
  let at = out;
  let tag = tags;
  let row: u32 = 0;
  knownBytes = 0;
  for (let s: u32 = 0; s < series; s++) {
    const tagBytes = <usize>load<u32>(tagLengths + (<usize>s << 2));
    at = putOpening(at, s > 0 || first == 0, frame, tag, tagBytes);
    tag += tagBytes;
    const end = load<u32>(ends + (<usize>s << 2));
    for (const start = row; row < end; row++) {
      if (row > start) store<u8>(at++, 0x2c);
      at = putRow(at, row, times, unit, forms, columns, columnCount);
    }
    at = putClosing(at, frame);
  }
  return at;
}

/** Writes what stands before the rows of a series, whose tags are at `tags`; gives where it ends. */
@inline function putOpening(out: usize, comma: bool, frame: usize, tags: usize, tagBytes: usize): usize {
  const headBytes = <usize>load<u32>(frame);
  const middleBytes = <usize>load<u32>(frame, 4);
  let at = out;
  if (comma) store<u8>(at++, 0x2c);
  memory.copy(at, frame + 12, headBytes);
  at += headBytes;
  memory.copy(at, tags, tagBytes);
  at += tagBytes;
  memory.copy(at, frame + 12 + headBytes, middleBytes);
  return at + middleBytes;
}

/** Writes what stands behind them. */
@inline function putClosing(at: usize, frame: usize): usize {
  const tailBytes = <usize>load<u32>(frame, 8);
  memory.copy(at, frame + 12 + load<u32>(frame) + load<u32>(frame, 4), tailBytes);
  return at + tailBytes;
}

function isGap(columns: usize, columnCount: u32, slot: usize): bool {
  for (let c: u32 = 0; c < columnCount; c++)
    if (load<u8>(<usize>load<u32>(columns + (<usize>c << 3), 4) + slot) != 0) return false;
  return true;
}

@inline function putTime(at: usize, time: i64, unit: i64): usize {
  return unit == 0 ? putRfc3339(at, time) : putInteger(at, time / unit);
}

@inline function putBytes(at: usize, from: usize, length: usize): usize {
  if (length == 1) store<u8>(at, load<u8>(from));
  else memory.copy(at, from, length);
  return at + length;
}

@inline function putValue(at: usize, value: usize, mark: u8): usize {
  if (mark == FLOAT) {
    const float = load<f64>(value);
    if (abs<f64>(float) < Infinity) return putDouble(at, float);
    store<u32>(at, 0x6c6c756e); // JSON has no NaN: "null"
    return at + 4;
  }
  if (mark == INTEGER) return putInteger(at, load<i64>(value));
  if (mark == UNSIGNED) return putUnsigned(at, load<u64>(value));
  if (mark == NOTHING) return at;
  if (mark == TEXT) return putBytes(at, <usize>load<u32>(value), <usize>load<u32>(value, 4));
  if (mark == BOOLEAN && load<u32>(value) == 0) {
    store<u32>(at, 0x736c6166); // "fals"
    store<u8>(at, 0x65, 4);
    return at + 5;
  }
  store<u32>(at, mark == BOOLEAN ? 0x65757274 : 0x6c6c756e); // "true", "null"
  return at + 4;
}

/** `"2024-01-31T12:00:00.5Z"`: the fraction without zeros at its end. Days to dates: Hinnant, chrono-compatible date algorithms. */
function putRfc3339(start: usize, time: i64): usize {
  let seconds = time / NS_PER_S;
  let fraction = time - seconds * NS_PER_S;
  if (fraction < 0) {
    fraction += NS_PER_S;
    seconds--;
  }
  let days = seconds / S_PER_DAY;
  let inDay = <u32>(seconds - days * S_PER_DAY);
  if (seconds < days * S_PER_DAY) {
    days--;
    inDay = <u32>(seconds - days * S_PER_DAY);
  }
  const shifted = <u32>(days + 719_468); // from March 1 of year 0; times are within 1677 to 2262
  const era = shifted / 146_097;
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const shiftedMonth = (5 * dayOfYear + 2) / 153;
  const day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  store<u8>(start, 0x22);
  putDigits(start + 1, year, 4);
  store<u8>(start, 0x2d, 5);
  putDigits(start + 6, month, 2);
  store<u8>(start, 0x2d, 8);
  putDigits(start + 9, day, 2);
  store<u8>(start, 0x54, 11);
  putDigits(start + 12, inDay / 3600, 2);
  store<u8>(start, 0x3a, 14);
  putDigits(start + 15, (inDay / 60) % 60, 2);
  store<u8>(start, 0x3a, 17);
  putDigits(start + 18, inDay % 60, 2);
  let at = start + 20;
  if (fraction != 0) at = putFraction(at, <u32>fraction, 9);
  store<u8>(at, 0x5a);
  store<u8>(at, 0x22, 1);
  return at + 2;
}
