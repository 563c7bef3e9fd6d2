// The first section of a line, `measurement,tag=value,...`, to a series.
//
// In keys a backslash before `,`, `=` or space makes it part of the name, and every such byte in a tag must
// have one: so the raw key is the canonical key but for the order of its tags, and needs no rewriting when they
// are sorted already. Only in a measurement `=` and `"` may have one, too: it is left out of the canonical key.
import { xxHash64 } from "../hash";
import { addEntry, Entry, findEntry, hashBytes } from "./dictionary";
import { allocate } from "./memory";
import {
  DUPLICATE_TAGS, fail, failAt, INVALID_TAG_FORMAT, KEY_TOO_LONG, MISSING_FIELDS, MISSING_MEASUREMENT,
  MISSING_TAG_KEY, MISSING_TAG_VALUE, TIME_TAG,
} from "./reason";
import { newSeries, newTable, Series, Table } from "./rows";
import { BACKSLASH, COMMA, EQUALS, NEWLINE, newlineEscaped, QUOTE, SPACE } from "./text";

const MEASUREMENTS: u32 = 1; // raw
const SERIES: u32 = 2; // raw keys, and canonical ones that mean the same when read as raw
const NAMES: u32 = 3; // measurements without escapes
const CANONICAL: u32 = 4; // canonical keys that mean another series when read as raw
const MAX_KEY_BYTES: u32 = 65535;
const FEW_TAGS: u32 = 16;
const MAX_TAGS: u32 = 16384; // `,a=b` is four bytes of at most 65,535

// the tags of the key at hand: pairs of u32, start (behind the comma) and length of `key=value`
const tags: usize = memory.data(16384 * 8, 8);
let tagCount: u32 = 0;
let measurementEnd: usize = 0;

/**
 * The entry of the series whose key starts at `start`; 0 when the line is wrong. The key ends at its first
 * unescaped space.
 */
export function seriesAt(start: usize): usize {
  const end = keyEnd(start);
  if (end == 0) return 0;
  const length = <u32>(end - start);
  const hash = hashBytes(start, length, SERIES);
  const known = findEntry(start, length, SERIES, hash);
  if (known != 0) return known;
  if (!scanTags(start, end)) return 0;

  let key = start;
  let keyBytes = length;
  let scope = SERIES;
  const isRewritten = hasOwnEscapes(start, measurementEnd);
  const isSorted = tagsSorted();
  if (isRewritten || !isSorted) {
    if (!isSorted) sortTags();
    key = allocate(length + 16);
    keyBytes = writeKey(start, key);
    if (isRewritten && hasOwnEscapes(key, key + writtenMeasurement)) scope = CANONICAL;
  }
  for (let i: u32 = 1; i < tagCount; i++)
    if (compareTags(tags + ((i - 1) << 3), tags + (i << 3)) == 0) return fail(DUPLICATE_TAGS);

  const keyHash = key == start ? hash : hashBytes(key, keyBytes, scope);
  let canonical: usize = key == start ? 0 : findEntry(key, keyBytes, scope, keyHash);
  if (canonical == 0) {
    const table = tableOf(start, <u32>(measurementEnd - start));
    const series = newSeries(table, key, keyBytes, xxHash64(key, keyBytes, 0));
    canonical = changetype<usize>(addEntry(key, keyBytes, scope, keyHash, changetype<usize>(series)));
  }
  if (key == start) return canonical;
  return changetype<usize>(addEntry(start, length, SERIES, hash, changetype<Entry>(canonical).target));
}

/** Where the key ends; 0 (and the reason) when the line does first, or is no key. */
function keyEnd(start: usize): usize {
  if (load<u8>(start) == COMMA) return fail(MISSING_MEASUREMENT);
  const spaces = i8x16.splat(SPACE);
  const newlines = i8x16.splat(NEWLINE);
  let p = start;
  while (true) {
    const bytes = v128.load(p);
    let found = i8x16.bitmask(v128.or(i8x16.eq(bytes, spaces), i8x16.eq(bytes, newlines)));
    while (found != 0) {
      const at = p + ctz(found);
      found &= found - 1;
      if (load<u8>(at) == SPACE) {
        if (load<u8>(at - 1) != BACKSLASH) return at - start > MAX_KEY_BYTES ? keyError(start, at) : at;
      } else if (!newlineEscaped(at, start)) return keyError(start, at);
    }
    p += 16;
  }
}

/** What is wrong with a key that is too long or that the line's end cut off at `end`. */
function keyError(start: usize, end: usize): usize {
  const cut = load<u8>(end) == NEWLINE;
  const last = cut && end > start && load<u8>(end - 1) == 0x0d ? end - 1 : end;
  if (!scanTags(start, last)) return 0;
  return fail(cut ? MISSING_FIELDS : KEY_TOO_LONG);
}

/** Where the measurement of the line at `start` ends. */
export function measurementEndAt(start: usize): usize {
  let p = start;
  while (true) {
    const c = load<u8>(++p);
    if ((c == COMMA || c == SPACE) && load<u8>(p - 1) != BACKSLASH) return p;
    if (c == NEWLINE && !newlineEscaped(p, start)) return p;
  }
}

/** Finds measurement and tags in [start, end); false and the reason when they are not well formed. */
function scanTags(start: usize, end: usize): bool {
  tagCount = 0;
  let p = min(end, measurementEndAt(start));
  measurementEnd = p;
  while (p < end) {
    const key = ++p; // behind the comma
    const first = p < end ? load<u8>(p) : COMMA;
    if (first == COMMA || first == EQUALS) return fail(MISSING_TAG_KEY) != 0;
    for (p++; ; p++) {
      if (p >= end || (load<u8>(p) == COMMA && load<u8>(p - 1) != BACKSLASH)) return fail(MISSING_TAG_VALUE) != 0;
      if (load<u8>(p) == EQUALS && load<u8>(p - 1) != BACKSLASH) break;
    }
    if (p - key == 4 && load<u32>(key) == 0x656d6974) return failAt(TIME_TAG, start, measurementEnd) != 0;
    const value = ++p;
    if (p >= end || load<u8>(p) == COMMA) return fail(MISSING_TAG_VALUE) != 0;
    for (; p < end; p++) {
      const c = load<u8>(p);
      if (c == COMMA && load<u8>(p - 1) != BACKSLASH) break;
      if (c == EQUALS && (p == value || load<u8>(p - 1) != BACKSLASH)) return fail(INVALID_TAG_FORMAT) != 0;
    }
    if (tagCount < MAX_TAGS) {
      store<u32>(tags + (tagCount << 3), <u32>key);
      store<u32>(tags + (tagCount << 3), <u32>(p - key), 4);
      tagCount++;
    }
  }
  return true;
}

/** Order of the unescaped keys of two tags: they end at their first unescaped `=`. */
function compareTags(a: usize, b: usize): i32 {
  let p = <usize>load<u32>(a);
  let q = <usize>load<u32>(b);
  while (true) {
    let x = load<u8>(p++);
    let y = load<u8>(q++);
    if (x == EQUALS || y == EQUALS) return x == y ? 0 : y == EQUALS ? 1 : -1;
    if (x == BACKSLASH && isEscapable(load<u8>(p))) x = load<u8>(p++);
    if (y == BACKSLASH && isEscapable(load<u8>(q))) y = load<u8>(q++);
    if (x != y) return x < y ? -1 : 1;
  }
}

@inline function isEscapable(c: u8): bool {
  return c == COMMA || c == EQUALS || c == SPACE;
}

function tagsSorted(): bool {
  for (let i: u32 = 1; i < tagCount; i++) if (compareTags(tags + ((i - 1) << 3), tags + (i << 3)) > 0) return false;
  return true;
}

/** Insertion for the few tags that keys have; else heapsort: in place, and n log n for any key that a client may think of. */
function sortTags(): void {
  if (tagCount <= FEW_TAGS) {
    insertTags();
    return;
  }
  for (let i: i32 = (tagCount >> 1) - 1; i >= 0; i--) siftDown(i, tagCount);
  for (let last = tagCount - 1; last > 0; last--) {
    const greatest = load<u64>(tags);
    store<u64>(tags, load<u64>(tags + (last << 3)));
    store<u64>(tags + (last << 3), greatest);
    siftDown(0, last);
  }
}

function insertTags(): void {
  const end = tags + (tagCount << 3);
  for (let next = tags + 8; next < end; next += 8) {
    let slot = next;
    while (slot > tags && compareTags(slot - 8, slot) > 0) {
      const tag = load<u64>(slot);
      store<u64>(slot, load<u64>(slot - 8));
      slot -= 8;
      store<u64>(slot, tag);
    }
  }
}

function siftDown(start: u32, count: u32): void {
  let parent = start;
  while (true) {
    let child = (parent << 1) + 1;
    if (child >= count) return;
    if (child + 1 < count && compareTags(tags + (child << 3), tags + ((child + 1) << 3)) < 0) child++;
    const above = tags + (parent << 3);
    const below = tags + (child << 3);
    if (compareTags(above, below) >= 0) return;
    const tag = load<u64>(above);
    store<u64>(above, load<u64>(below));
    store<u64>(below, tag);
    parent = child;
  }
}

/** Whether a measurement has a backslash that the canonical key has not. */
function hasOwnEscapes(start: usize, end: usize): bool {
  for (let p = start; p + 1 < end; p++)
    if (load<u8>(p) == BACKSLASH && isOwnEscape(load<u8>(p, 1))) return true;
  return false;
}

@inline function isOwnEscape(c: u8): bool {
  return c == EQUALS || c == QUOTE;
}

let writtenMeasurement: u32 = 0;

/** Writes measurement and sorted tags, and how long the measurement is to `writtenMeasurement`; returns the whole length. */
function writeKey(start: usize, out: usize): u32 {
  let to = out;
  for (let p = start; p < measurementEnd; p++) {
    const c = load<u8>(p);
    if (c == BACKSLASH && p + 1 < measurementEnd && isOwnEscape(load<u8>(p, 1))) continue;
    store<u8>(to++, c);
  }
  writtenMeasurement = <u32>(to - out);
  for (let i: u32 = 0; i < tagCount; i++) {
    const length = load<u32>(tags + (i << 3), 4);
    store<u8>(to, COMMA);
    memory.copy(to + 1, load<u32>(tags + (i << 3)), length);
    to += length + 1;
  }
  return <u32>(to - out);
}

/** The table of the measurement with this raw name. */
function tableOf(raw: usize, rawBytes: u32): Table {
  const hash = hashBytes(raw, rawBytes, MEASUREMENTS);
  const known = findEntry(raw, rawBytes, MEASUREMENTS, hash);
  if (known != 0) return changetype<Table>(changetype<Entry>(known).target);
  const name = allocate(rawBytes + 16);
  let length: u32 = 0;
  for (let i: u32 = 0; i < rawBytes; i++) {
    let c = load<u8>(raw + i);
    const next = i + 1 < rawBytes ? load<u8>(raw + i + 1) : 0;
    if (c == BACKSLASH && (next == COMMA || next == SPACE || isOwnEscape(next))) {
      c = next;
      i++;
    }
    store<u8>(name + length++, c);
  }
  // `a=b` and `a\=b` are one
  const nameHash = hashBytes(name, length, NAMES);
  let named = findEntry(name, length, NAMES, nameHash);
  if (named == 0) named = changetype<usize>(addEntry(name, length, NAMES, nameHash, changetype<usize>(newTable(name, length))));
  const table = changetype<Entry>(named).target;
  addEntry(raw, rawBytes, MEASUREMENTS, hash, table);
  return changetype<Table>(table);
}
