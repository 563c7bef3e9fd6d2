// Gather: rows of a memtable, series by series, as the columns of a row block (src/README.md).
//
//   collect   a series' chain -> its row pointers, ascending in time, in arrival order where times are equal
//   gather    row pointers -> times and columns; rows of equal time become one, the later value of a field wins
//
// A column descriptor is { u32 field id, u32 values, u32 present, u32 number of values }: `values` has room for
// 8 bytes a row and `present` for 1; strings come out as { u32 absolute pointer, u32 length } until packHeap.

import { headOf, headsEnd, headsFirst } from "./memtable";

const ROW_SET: usize = 4;
const ROW_TIME: usize = 8;
const ROW_VALUES: usize = 16;
const NONE: u32 = 0xffff_ffff;

/** Rows (duplicates included) that the memtable holds of series `id`. */
export function memtableSeriesRows(mem: usize, id: u32): u32 {
  const head = headOf(mem, id);
  return head == 0 ? 0 : load<u32>(head, 4);
}

/** Writes the ids (u32, ascending) of the series below `limit` that have rows to `out`; gives their number. */
export function memtableSeries(mem: usize, limit: u32, out: usize): u32 {
  const end = min(limit, headsEnd(mem));
  let n: u32 = 0;
  for (let id = headsFirst(mem); id < end; id++) {
    if (load<u32>(headOf(mem, id)) == 0) continue;
    store<u32>(out + (<usize>n << 2), id);
    n++;
  }
  return n;
}

/** Smallest time of any row that is >= `from` of the `count` series at `ids`; i64 max when there is none. */
export function memtableNextTime(mem: usize, ids: usize, count: u32, from: i64): i64 {
  let smallest = i64.MAX_VALUE;
  for (let s: u32 = 0; s < count; s++) {
    const head = headOf(mem, load<u32>(ids + (<usize>s << 2)));
    let row: usize = head == 0 ? 0 : load<u32>(head);
    while (row != 0) {
      const time = load<i64>(row, ROW_TIME);
      if (time >= from && time < smallest) smallest = time;
      row = load<u32>(row);
    }
  }
  return smallest;
}

/**
 * Row pointers (u32) of series `id` with minTime <= time <= maxTime to `out`, which has room for twice
 * `memtableSeriesRows` pointers (the second half is work space); gives their number.
 */
export function memtableCollect(mem: usize, id: u32, minTime: i64, maxTime: i64, out: usize): u32 {
  const head = headOf(mem, id);
  if (head == 0) return 0;
  const total = load<u32>(head, 4);
  let row: usize = load<u32>(head);
  // the chain runs from new to old: fill the room from its end
  let at = out + (<usize>total << 2);
  let sorted = true;
  let previous = i64.MAX_VALUE;
  while (row != 0) {
    const time = load<i64>(row, ROW_TIME);
    if (time >= minTime && time <= maxTime) {
      if (time > previous) sorted = false;
      previous = time;
      at -= 4;
      store<u32>(at, <u32>row);
    }
    row = load<u32>(row);
  }
  const n = total - <u32>((at - out) >> 2);
  if (at != out) memory.copy(out, at, <usize>n << 2);
  if (!sorted) sortByTime(out, n, out + (<usize>total << 2));
  return n;
}

// Bottom-up merge sort of row pointers by time: stable, so rows of equal time keep their order of arrival.
function sortByTime(rows: usize, n: u32, work: usize): void {
  let from = rows;
  let to = work;
  for (let width: u32 = 1; width < n; width <<= 1) {
    for (let start: u32 = 0; start < n; start += width << 1) {
      const middle = min(start + width, n);
      const end = min(start + (width << 1), n);
      let a = start;
      let b = middle;
      for (let k = start; k < end; k++) {
        const takeA = a < middle && (b >= end || timeOf(from, a) <= timeOf(from, b));
        store<u32>(to + (<usize>k << 2), load<u32>(from + (<usize>(takeA ? a : b) << 2)));
        if (takeA) a++;
        else b++;
      }
    }
    const swap = from;
    from = to;
    to = swap;
  }
  if (from != rows) memory.copy(rows, from, <usize>n << 2);
}

@inline function timeOf(rows: usize, i: u32): i64 {
  return load<i64>(<usize>load<u32>(rows + (<usize>i << 2)), ROW_TIME);
}

/**
 * Gathers up to `room` output rows from the row pointers at rows[start..end), all of one series, into times +
 * `at` rows and the columns described at `columns`, which are cleared by the caller (blockClear) beforehand.
 * Gives the index behind the last row pointer used; `written` (u32*) gets the number of output rows.
 */
export function memtableGather(
  rows: usize, start: u32, end: u32, room: u32, columns: usize, columnCount: u32, times: usize, at: u32, written: usize,
): u32 {
  let i = start;
  let made: u32 = 0;
  let lastSet: usize = 0;
  let direct = false;
  while (i < end) {
    const row: usize = load<u32>(rows + (<usize>i << 2));
    const set: usize = load<u32>(row, ROW_SET);
    if (set != lastSet) {
      lastSet = set;
      direct = isDirect(set, columns, columnCount);
    }
    if (direct) {
      const count = gatherRun(rows, i, min(end, i + RUN), min(RUN, room - made), set, columns, columnCount, times, at, made);
      if (count > 0) {
        i += count;
        made += count;
        continue;
      }
    }
    // rows of equal time, of other fields, or no room
    const time = load<i64>(row, ROW_TIME);
    if (made == 0 || load<i64>(times + (<usize>(at + made - 1) << 3)) != time) {
      if (made == room) break;
      store<i64>(times + (<usize>(at + made) << 3), time);
      made++;
    }
    gatherRow(row, set, columns, columnCount, <usize>(at + made - 1));
    i++;
  }
  store<u32>(written, made);
  return i;
}

// Rows that are gathered column by column at a time: few enough to stay in the nearest cache.
const RUN: u32 = 64;

// Whether the set's fields are exactly the columns.
function isDirect(set: usize, columns: usize, columnCount: u32): bool {
  if (load<u32>(set) != columnCount) return false;
  for (let c: u32 = 0; c < columnCount; c++) {
    if (load<u32>(set + 8 + (<usize>c << 2)) != load<u32>(columns + (<usize>c << 4))) return false;
  }
  return true;
}

// Gathers rows from rows[start] on while each has the field set `set` and a time of its own, up to rows[end] and up to
// `room`; gives their number.
function gatherRun(
  rows: usize, start: u32, end: u32, room: u32, set: usize, columns: usize, columnCount: u32, times: usize, at: u32, made: u32,
): u32 {
  const first = rows + (<usize>start << 2);
  let out = times + (<usize>(at + made) << 3);
  const most = min(end - start, room);
  let count: u32 = 0;
  for (; count < most; count++) {
    const row: usize = load<u32>(first + (<usize>count << 2));
    const time = load<i64>(row, ROW_TIME);
    if (load<u32>(row, ROW_SET) != <u32>set || (made + count > 0 && load<i64>(out - 8) == time)) break;
    store<i64>(out, time);
    out += 8;
  }
  if (count == 0) return 0;
  const last = first + (<usize>count << 2);
  for (let c: usize = 0; c < <usize>columnCount; c++) {
    const column = columns + (c << 4);
    const from = ROW_VALUES + (c << 3);
    let to = <usize>load<u32>(column, 4) + (<usize>(at + made) << 3);
    for (let p = first; p < last; p += 4, to += 8) store<u64>(to, load<u64>(<usize>load<u32>(p) + from));
    memory.fill(<usize>load<u32>(column, 8) + at + made, 1, count);
    store<u32>(column, load<u32>(column, 12) + count, 12);
  }
  return count;
}

function gatherRow(row: usize, set: usize, columns: usize, columnCount: u32, out: usize): void {
  const count = load<u32>(set);
  for (let v: u32 = 0; v < count; v++) {
    const c = columnOf(columns, columnCount, load<u32>(set + 8 + (<usize>v << 2)), v);
    if (c == NONE) continue;
    const column = columns + (<usize>c << 4);
    store<u64>(<usize>load<u32>(column, 4) + (out << 3), load<u64>(row + ROW_VALUES + (<usize>v << 3)));
    const flag = <usize>load<u32>(column, 8) + out;
    store<u32>(column, load<u32>(column, 12) + 1 - <u32>load<u8>(flag), 12);
    store<u8>(flag, 1);
  }
}

// Field ids of descriptors are ascending: binary search, after a look at the likely place.
function columnOf(columns: usize, columnCount: u32, field: u32, guess: u32): u32 {
  if (guess < columnCount && load<u32>(columns + (<usize>guess << 4)) == field) return guess;
  let low: u32 = 0;
  let high = columnCount;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(columns + (<usize>middle << 4)) < field) low = middle + 1;
    else high = middle;
  }
  return low < columnCount && load<u32>(columns + (<usize>low << 4)) == field ? low : NONE;
}

/** Zeroes `rows` rows of every column and the descriptors' value counts. */
export function blockClear(columns: usize, columnCount: u32, rows: u32): void {
  for (let c: u32 = 0; c < columnCount; c++) {
    const column = columns + (<usize>c << 4);
    memory.fill(load<u32>(column, 4), 0, <usize>rows << 3);
    memory.fill(load<u32>(column, 8), 0, rows);
    store<u32>(column, 0, 12);
  }
}

/**
 * Appends values to a column at row `at`, which with those behind it is clear: of `rows` rows, or of those whose byte at `mask` (not 0)
 * is 1. A present pointer of 0 means all have a value. `base` is added to the first word (string offsets). Gives how many rows.
 */
export function blockAppend(
  values: usize, present: usize, mask: usize, rows: u32, base: u32, column: usize, at: u32,
): u32 {
  const first = <usize>load<u32>(column, 4) + (<usize>at << 3);
  let to = first;
  let flag = <usize>load<u32>(column, 8) + at;
  let count: u32 = 0;
  if (mask == 0 && present == 0 && base == 0) {
    memory.copy(to, values, <usize>rows << 3);
    memory.fill(flag, 1, rows);
    to += <usize>rows << 3;
    count = rows;
  } else {
    for (let row: usize = 0; row < <usize>rows; row++) {
      if (mask != 0) {
        // few rows are wanted, mostly
        while (row + 8 <= <usize>rows && load<u64>(mask + row) == 0) row += 8;
        if (row == <usize>rows || load<u8>(mask + row) == 0) continue;
      }
      if (present == 0 || load<u8>(present + row) != 0) {
        store<u64>(to, load<u64>(values + (row << 3)) + <u64>base);
        store<u8>(flag, 1);
        count++;
      }
      to += 8;
      flag++;
    }
  }
  store<u32>(column, load<u32>(column, 12) + count, 12);
  return <u32>((to - first) >> 3);
}

/** Bytes of all strings of a column of { u32 pointer, u32 length }. */
export function heapSize(values: usize, rows: u32): u32 {
  let size: u32 = 0;
  for (let r: usize = 0; r < <usize>rows; r++) size += load<u32>(values + (r << 3), 4);
  return size;
}

/** Copies the strings end to end to `heap` and turns pointers (base + offset) into offsets from `heap`, from `start` on. */
export function packHeap(values: usize, rows: u32, base: usize, heap: usize, start: u32): u32 {
  let offset = start;
  for (let r: usize = 0; r < <usize>rows; r++) {
    const at = values + (r << 3);
    const length = load<u32>(at, 4);
    if (length != 0) memory.copy(heap + offset, base + load<u32>(at), length);
    store<u32>(at, offset);
    offset += length;
  }
  return offset;
}

/**
 * Merges two ascending runs of unique times: `older` and `newer`. `pairs` gets { u32 row in older, u32 row in
 * newer } per merged row, 0xffffffff where a run has none; gives the number of merged rows.
 */
export function mergeTimes(older: usize, olderRows: u32, newer: usize, newerRows: u32, times: usize, pairs: usize): u32 {
  let a: u32 = 0;
  let b: u32 = 0;
  let n: u32 = 0;
  while (a < olderRows || b < newerRows) {
    const ta = a < olderRows ? load<i64>(older + (<usize>a << 3)) : i64.MAX_VALUE;
    const tb = b < newerRows ? load<i64>(newer + (<usize>b << 3)) : i64.MAX_VALUE;
    const pair = pairs + (<usize>n << 3);
    const useA = a < olderRows && (ta <= tb || b >= newerRows);
    const useB = b < newerRows && (tb <= ta || a >= olderRows);
    store<u32>(pair, useA ? a : NONE);
    store<u32>(pair, useB ? b : NONE, 4);
    store<i64>(times + (<usize>n << 3), useA ? ta : tb);
    if (useA) a++;
    if (useB) b++;
    n++;
  }
  return n;
}

/**
 * Merges one column along `pairs`: the newer value where there is one. A present pointer of 0 means all rows have a
 * value, a values pointer of 0 that none has. `newerBase` is added to the first word of newer values (string
 * offsets). Gives the number of values.
 */
export function mergeColumn(
  pairs: usize, rows: u32, olderValues: usize, olderPresent: usize, newerValues: usize, newerPresent: usize,
  newerBase: u32, values: usize, present: usize,
): u32 {
  let n: u32 = 0;
  for (let r: usize = 0; r < <usize>rows; r++) {
    const a = load<u32>(pairs + (r << 3));
    const b = load<u32>(pairs + (r << 3), 4);
    let value: u64 = 0;
    let has: u8 = 0;
    if (b != NONE && newerValues != 0 && (newerPresent == 0 || load<u8>(newerPresent + <usize>b) != 0)) {
      value = load<u64>(newerValues + (<usize>b << 3)) + <u64>newerBase;
      has = 1;
    } else if (a != NONE && olderValues != 0 && (olderPresent == 0 || load<u8>(olderPresent + <usize>a) != 0)) {
      value = load<u64>(olderValues + (<usize>a << 3));
      has = 1;
    }
    store<u64>(values + (r << 3), value);
    store<u8>(present + r, has);
    n += has;
  }
  return n;
}
