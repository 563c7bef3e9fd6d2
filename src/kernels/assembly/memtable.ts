// Memtable: the newest rows of a partition, in arrival order, in linear memory.
//
// Rows, field sets and string bytes are bump allocated in a chain of areas that is freed as a whole after a
// flush. Each series has a chain of its rows, newest first.
//
//   memtable   the record below, at the start of its first area
//   heads      per series id, from some id on { u32 newest row or 0, u32 number of rows }
//   row        u32 previous row of the series or 0, u32 field set, i64 time, then 8 bytes a value
//   field set  u32 count, u32 field set that a deletion last made of it or 0, then u32 field id a value: which fields the
//              values of a row are
//   string     a value { u32 pointer, u32 length } into the same areas

import { areaAlloc, areaFree, areaSize } from "./area";
import { ACTIVE, PARTITION } from "./catalog";

const CHUNK: u32 = 1 << 18;
const LEAST_HEADS: u32 = 8192;

const HEADS: usize = 0;
const HEADS_CAPACITY: usize = 4;
const CURSOR: usize = 8;
const END: usize = 12;
const CHUNKS: usize = 16;
const ROWS: usize = 20;
const MIN_TIME: usize = 24;
const MAX_TIME: usize = 32;
const SIZE: usize = 40;
const LAST_SET: usize = 44;
/** The id of the first head. */
const HEADS_FIRST: usize = 48;
const RECORD: u32 = 64;

const SET_SMALLER: usize = 4;
const SET_FIELDS: usize = 8;

const ROW_SET: usize = 4;
const ROW_TIME: usize = 8;
const ROW_VALUES: usize = 16;

const STRING: u32 = 5;
const BOOLEAN: u32 = 4;

/** An empty memtable, or 0 when out of memory. Its numbers: see `memtableRows` and below. */
export function memtableOpen(): usize {
  const chunk = areaAlloc(CHUNK);
  if (chunk == 0) return 0;
  const mem = chunk + 16;
  memory.fill(chunk, 0, RECORD + 16);
  store<u32>(mem, <u32>mem + RECORD, CURSOR);
  store<u32>(mem, <u32>chunk + areaSize(chunk), END);
  store<u32>(mem, <u32>chunk, CHUNKS);
  store<u32>(mem, areaSize(chunk), SIZE);
  store<i64>(mem, i64.MAX_VALUE, MIN_TIME);
  store<i64>(mem, i64.MIN_VALUE, MAX_TIME);
  return mem;
}

export function memtableClose(mem: usize): void {
  const heads: usize = load<u32>(mem, HEADS);
  if (heads != 0) areaFree(heads);
  let chunk: usize = load<u32>(mem, CHUNKS);
  while (chunk != 0) {
    const next: usize = load<u32>(chunk);
    areaFree(chunk);
    chunk = next;
  }
}

// Whether one of the `count` ranges of time (pairs of i64, both ends within, ascending, apart) has a time.
@inline function isWithin(ranges: usize, count: u32, time: i64): bool {
  let low: u32 = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (load<i64>(ranges + (<usize>middle << 4), 8) < time) low = middle + 1;
    else high = middle;
  }
  return low < count && load<i64>(ranges + (<usize>low << 4)) <= time;
}

/**
 * Takes the rows of series `id` whose times are within one of the `rangeCount` ranges at `ranges` out of its chain, in one walk
 * (their bytes stay until the memtable is freed; `memtableRows` and the bounds of time stay as they were). Gives their number.
 */
export function memtableDelete(mem: usize, id: u32, ranges: usize, rangeCount: u32): u32 {
  const head = headOf(mem, id);
  if (head == 0) return 0;
  let link = head;
  let gone: u32 = 0;
  let row: usize = load<u32>(link);
  while (row != 0) {
    const time = load<i64>(row, ROW_TIME);
    const older: usize = load<u32>(row);
    if (isWithin(ranges, rangeCount, time)) {
      store<u32>(link, <u32>older);
      gone++;
    } else link = row;
    row = older;
  }
  store<u32>(head, load<u32>(head, 4) - gone, 4);
  return gone;
}

/**
 * Takes the values of the `fieldCount` fields at `fields` out of the rows of series `id` within ranges, and rows without a value
 * left out of the chain, as `memtableDelete` does. Gives the number of values, or 0xffffffff when out of
 * memory: some are gone then.
 */
export function memtableDeleteFields(
  mem: usize, id: u32, ranges: usize, rangeCount: u32, fields: usize, fieldCount: u32,
): u32 {
  const head = headOf(mem, id);
  if (head == 0) return 0;
  let link = head;
  let taken: u32 = 0;
  let row: usize = load<u32>(link);
  while (row != 0) {
    const time = load<i64>(row, ROW_TIME);
    const older: usize = load<u32>(row);
    if (isWithin(ranges, rangeCount, time)) {
      const set: usize = load<u32>(row, ROW_SET);
      const kept = countWithout(set, fields, fieldCount);
      taken += load<u32>(set) - kept;
      if (kept == 0) {
        store<u32>(link, <u32>older);
        store<u32>(head, load<u32>(head, 4) - 1, 4);
        row = older;
        continue;
      }
      if (kept < load<u32>(set) && !shrinkRow(mem, row, kept, fields, fieldCount)) return 0xffff_ffff;
    }
    link = row;
    row = older;
  }
  return taken;
}

@inline function isAmong(field: u32, fields: usize, fieldCount: u32): bool {
  for (let f: u32 = 0; f < fieldCount; f++) if (load<u32>(fields + (<usize>f << 2)) == field) return true;
  return false;
}

function countWithout(set: usize, fields: usize, fieldCount: u32): u32 {
  const count = load<u32>(set);
  let kept: u32 = 0;
  for (let v: u32 = 0; v < count; v++) {
    if (!isAmong(load<u32>(set + SET_FIELDS + (<usize>v << 2)), fields, fieldCount)) kept++;
  }
  return kept;
}

// Moves the `kept` values that are of other fields to the front of the row.
function shrinkRow(mem: usize, row: usize, kept: u32, fields: usize, fieldCount: u32): bool {
  const set: usize = load<u32>(row, ROW_SET);
  const smaller = smallerSet(mem, set, kept, fields, fieldCount);
  if (smaller == 0) return false;
  const count = load<u32>(set);
  let out = row + ROW_VALUES;
  for (let v: u32 = 0; v < count; v++) {
    if (isAmong(load<u32>(set + SET_FIELDS + (<usize>v << 2)), fields, fieldCount)) continue;
    store<u64>(out, load<u64>(row + ROW_VALUES + (<usize>v << 3)));
    out += 8;
  }
  store<u32>(row, <u32>smaller, ROW_SET);
  return true;
}

// The set without the fields, the one that was made of it last when that is it; 0 when out of memory.
function smallerSet(mem: usize, set: usize, kept: u32, fields: usize, fieldCount: u32): usize {
  const last: usize = load<u32>(set, SET_SMALLER);
  if (last != 0 && load<u32>(last) == kept && countWithout(last, fields, fieldCount) == kept) return last;
  const made = take(mem, (<u32>SET_FIELDS + (kept << 2) + 7) & ~7);
  if (made == 0) return 0;
  store<u32>(made, kept);
  store<u32>(made, 0, SET_SMALLER);
  const count = load<u32>(set);
  let out = made + SET_FIELDS;
  for (let v: u32 = 0; v < count; v++) {
    const field = load<u32>(set + SET_FIELDS + (<usize>v << 2));
    if (isAmong(field, fields, fieldCount)) continue;
    store<u32>(out, field);
    out += 4;
  }
  store<u32>(set, <u32>made, SET_SMALLER);
  return made;
}

/** Rows appended (duplicates of a series and time counted each). */
export function memtableRows(mem: usize): u32 { return load<u32>(mem, ROWS); }
/** Bytes that rows, field sets and strings take. */
export function memtableSize(mem: usize): u32 {
  return load<u32>(mem, SIZE) - (load<u32>(mem, END) - load<u32>(mem, CURSOR));
}
/** Bytes of the active memtables that have rows, over all partitions: asked with every write. */
export function activeMemtableBytes(partitions: usize, partitionCount: u32): f64 {
  let sum: u64 = 0;
  for (let p: u32 = 0; p < partitionCount; p++) {
    const mem: usize = load<u32>(partitions + <usize>p * PARTITION, ACTIVE);
    // (no memtable: another thread's partition)
    if (mem != 0 && load<u32>(mem, ROWS) != 0) sum += memtableSize(mem);
  }
  return <f64>sum;
}
export function memtableMinTime(mem: usize): i64 { return load<i64>(mem, MIN_TIME); }
export function memtableMaxTime(mem: usize): i64 { return load<i64>(mem, MAX_TIME); }

function grow(mem: usize, size: u32): bool {
  const chunk = areaAlloc(max(CHUNK, size + 16));
  if (chunk == 0) return false;
  store<u32>(chunk, load<u32>(mem, CHUNKS));
  store<u32>(mem, <u32>chunk, CHUNKS);
  store<u32>(mem, <u32>chunk + 16, CURSOR);
  store<u32>(mem, <u32>chunk + areaSize(chunk), END);
  store<u32>(mem, load<u32>(mem, SIZE) + areaSize(chunk), SIZE);
  return true;
}

// A piece of `size` bytes (a multiple of 8), or 0 when out of memory.
@inline function take(mem: usize, size: u32): usize {
  if (load<u32>(mem, END) - load<u32>(mem, CURSOR) < size && !grow(mem, size)) return 0;
  const at = load<u32>(mem, CURSOR);
  store<u32>(mem, at + size, CURSOR);
  return <usize>at;
}

/** Where the head of series `id` stands; 0 = it has no rows. */
// @ts-ignore: decorator
@inline export function headOf(mem: usize, id: u32): usize {
  const at = id - load<u32>(mem, HEADS_FIRST);
  return at < load<u32>(mem, HEADS_CAPACITY) ? <usize>load<u32>(mem, HEADS) + (<usize>at << 3) : 0;
}

/** The first id that has a head, and the one behind the last. */
export function headsFirst(mem: usize): u32 { return load<u32>(mem, HEADS_FIRST); }
export function headsEnd(mem: usize): u32 { return load<u32>(mem, HEADS_FIRST) + load<u32>(mem, HEADS_CAPACITY); }

// Series that are new come with the last ids: heads start at the first id that has rows, and at 0 once an older series has.
function growHeads(mem: usize, id: u32): bool {
  const old: usize = load<u32>(mem, HEADS);
  const capacity = load<u32>(mem, HEADS_CAPACITY);
  const firstBefore = load<u32>(mem, HEADS_FIRST);
  const first = old == 0 ? id & ~(LEAST_HEADS - 1) : id < firstBefore ? 0 : firstBefore;
  const last = old == 0 ? id : max(id, firstBefore + capacity - 1);
  let wider: u32 = max<u32>(LEAST_HEADS, capacity << 1);
  while (wider <= last - first) wider <<= 1;
  const heads = areaAlloc(wider << 3);
  if (heads == 0) return false;
  memory.fill(heads, 0, <usize>wider << 3);
  if (old != 0) {
    memory.copy(heads + (<usize>(firstBefore - first) << 3), old, <usize>capacity << 3);
    areaFree(old);
  }
  store<u32>(mem, <u32>heads, HEADS);
  store<u32>(mem, wider, HEADS_CAPACITY);
  store<u32>(mem, first, HEADS_FIRST);
  return true;
}

// The field set of a row: `fields` lists `count` field ids. The newest set of the memtable that `last` names
// is tried first: rows of one kind come together.
function fieldSet(mem: usize, last: usize, fields: usize, count: u32): usize {
  if (last != 0 && load<u32>(last) == count) {
    let i: u32 = 0;
    while (i < count && load<u32>(last + 8 + (<usize>i << 2)) == load<u32>(fields + (<usize>i << 2))) i++;
    if (i == count) return last;
  }
  const set = take(mem, (8 + (count << 2) + 7) & ~7);
  if (set == 0) return 0;
  store<u32>(set, count);
  store<u32>(set, 0, SET_SMALLER);
  memory.copy(set + SET_FIELDS, fields, <usize>count << 2);
  return set;
}

/**
 * Appends the rows of one table of a WriteBatch. `targets`: { u32 partition record, u32 series id } per entry of
 * the series directory (catalogResolve). `fieldIds`: u32 per entry of the field directory. `scratch`: room for
 * 16 bytes a field and 8 bytes a partition. False when out of memory (rows before stay).
 */
export function memtableApply(batchTable: usize, targets: usize, fieldIds: usize, scratch: usize): bool {
  const rowCount = load<u32>(batchTable, 4);
  const seriesCount = load<u32>(batchTable, 8);
  const fieldCount = load<u32>(batchTable, 12);
  const directory = batchTable + 24 + ((<usize>load<u32>(batchTable, 16) + 7) & ~7) + (<usize>seriesCount << 4);
  let dense = true;
  // where the next value of each column stands
  const cursors = scratch;
  const present = scratch + (<usize>fieldCount << 2);
  let wordsOnly = true;
  for (let f: u32 = 0; f < fieldCount; f++) {
    const field = directory + (<usize>f << 5);
    store<u32>(cursors + (<usize>f << 2), <u32>batchTable + load<u32>(field, 20));
    if (load<u32>(field, 16) != 0) dense = false;
    const type = load<u32>(field, 8);
    if (type == STRING || type == BOOLEAN) wordsOnly = false;
  }
  const rowSeries = rowsSection(batchTable, directory, fieldCount, seriesCount);
  const rowTimes = rowSeries + ((<usize>rowCount * 4 + 7) & ~7);
  let lastSet: usize = 0;
  let lastMem: usize = 0;
  for (let r: u32 = 0; r < rowCount; r++) {
    const target = targets + (<usize>load<u32>(rowSeries + (<usize>r << 2)) << 3);
    const partition: usize = load<u32>(target);
    const id = load<u32>(target, 4);
    const mem: usize = load<u32>(partition, ACTIVE);
    const time = load<i64>(rowTimes + (<usize>r << 3));
    let count: u32 = fieldCount;
    let ids = fieldIds;
    if (!dense) {
      count = 0;
      ids = present;
      for (let f: u32 = 0; f < fieldCount; f++) {
        if (!has(batchTable, directory + (<usize>f << 5), r)) continue;
        store<u32>(present + (<usize>count << 2), load<u32>(fieldIds + (<usize>f << 2)));
        count++;
      }
    }
    let head = headOf(mem, id);
    if (head == 0) {
      if (!growHeads(mem, id)) return false;
      head = headOf(mem, id);
    }
    if (mem != lastMem) {
      lastSet = cachedSet(mem);
      lastMem = mem;
    }
    const set = fieldSet(mem, lastSet, ids, count);
    if (set == 0) return false;
    if (set != lastSet) {
      cacheSet(mem, set);
      lastSet = set;
    }
    const row = take(mem, <u32>ROW_VALUES + (count << 3));
    if (row == 0) return false;
    store<u32>(row, load<u32>(head));
    store<u32>(row, <u32>set, ROW_SET);
    store<i64>(row, time, ROW_TIME);
    store<u32>(head, <u32>row);
    store<u32>(head, load<u32>(head, 4) + 1, 4);
    store<u32>(mem, load<u32>(mem, ROWS) + 1, ROWS);
    if (time < load<i64>(mem, MIN_TIME)) store<i64>(mem, time, MIN_TIME);
    if (time > load<i64>(mem, MAX_TIME)) store<i64>(mem, time, MAX_TIME);
    let out = row + ROW_VALUES;
    if (dense && wordsOnly) {
      for (let f: usize = 0; f < <usize>fieldCount << 2; f += 4) {
        const cursor = load<u32>(cursors + f);
        store<u64>(out, load<u64>(cursor));
        store<u32>(cursors + f, cursor + 8);
        out += 8;
      }
      continue;
    }
    for (let f: u32 = 0; f < fieldCount; f++) {
      const field = directory + (<usize>f << 5);
      if (!dense && !has(batchTable, field, r)) continue;
      const cursor: usize = load<u32>(cursors + (<usize>f << 2));
      const type = load<u32>(field, 8);
      if (type == BOOLEAN) {
        store<u64>(out, <u64>load<u8>(cursor));
        store<u32>(cursors + (<usize>f << 2), <u32>cursor + 1);
      } else if (type == STRING) {
        const from = load<u32>(cursor);
        const length = load<u32>(cursor, 4) - from;
        const text = take(mem, (length + 7) & ~7);
        if (text == 0) return false;
        memory.copy(text, batchTable + load<u32>(field, 24) + from, length);
        store<u32>(out, <u32>text);
        store<u32>(out, length, 4);
        store<u32>(cursors + (<usize>f << 2), <u32>cursor + 4);
      } else {
        store<u64>(out, load<u64>(cursor));
        store<u32>(cursors + (<usize>f << 2), <u32>cursor + 8);
      }
      out += 8;
    }
  }
  return true;
}

@inline function has(batchTable: usize, field: usize, row: u32): bool {
  const presence = load<u32>(field, 16);
  return presence == 0 || ((load<u8>(batchTable + presence + (row >> 3)) >> <u8>(row & 7)) & 1) != 0;
}

@inline function cachedSet(mem: usize): usize { return load<u32>(mem, LAST_SET); }
@inline function cacheSet(mem: usize, set: usize): void { store<u32>(mem, <u32>set, LAST_SET); }

// Where the row series section of a table starts: right behind the keys and names.
function rowsSection(batchTable: usize, directory: usize, fieldCount: u32, seriesCount: u32): usize {
  let end: u32 = <u32>(directory - batchTable) + (fieldCount << 5);
  const series = directory - (<usize>seriesCount << 4);
  for (let s: u32 = 0; s < seriesCount; s++) {
    const entry = series + (<usize>s << 4);
    end = max(end, load<u32>(entry, 8) + load<u32>(entry, 12));
  }
  for (let f: u32 = 0; f < fieldCount; f++) {
    const field = directory + (<usize>f << 5);
    end = max(end, load<u32>(field) + load<u32>(field, 4));
  }
  return batchTable + ((<usize>end + 7) & ~7);
}
