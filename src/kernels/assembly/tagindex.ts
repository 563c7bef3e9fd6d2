// Tag index: the inverted index of a partition's catalog, tag=value -> series, built from the keys when it is
// first asked for and extended by the series that came since: writing a new series costs it nothing.
//
// A tree per table: the table (text empty), below it its tag keys (text `key`), below those their values (text
// `key=value`, escaped as in series keys). All are found by (table, text) in one hash table, whose
// slots hold a reference, u32:
//
//   even   pointer to a node, 0 = empty
//   odd    a value that one series has, as those of host names mostly do: no node, the series and the place of the tag in its
//          key say all.  bit 0 = 1, bits 1 to 5 number of the tag, from bit 6 on series id; those above (HIGH), which no id needs
//          yet, are the hash's, so that hardly ever another text's is looked at
//
// A node has a list of series ids, ascending: those of the table or value; of a tag key, for each value the series that came first
// with it. So the values of a key are read out of the keys of these series. Lists are differences as varints (LEB128), in chunks.
//
// A series that is dropped stays in the lists, as its key stays in the catalog, and what is read of them is sifted; what has no
// other series is a node that is not found until one comes. When every eighth is dropped a new index costs less.
//
//   node   0 next tag key; of a table its first    4 table id    8 text pointer   12 text length   16 hash
//          20 length of the list   24 first chunk   28 last chunk   32 last id   36 how many of the list are gone: series, values (tag key)
//          40 the text
//   chunk  0 next chunk       4 size (u16)    6 end of what is used (u16)    8 varints

import { areaAlloc, areaFree, areaSize } from "./area";
import { catalogCount, catalogEntry, DROPPED, entryKey, entryLength, entryPacked, entryTable } from "./catalog";
import { xxHash64 } from "./hash";
import { findTag, readTag, tagBytes, tagNumber, tagText, tagValue, tagValueBytes, until } from "./series-keys";

/** u32 pointer to the index in the partition's record */
const INDEX: usize = 40;

const SLOTS: usize = 0;
const MASK: usize = 4;
const FILLED: usize = 8;
const COVERED: usize = 12;
const CURSOR: usize = 16;
const END: usize = 20;
const AREAS: usize = 24;
const HIGH: usize = 28;
/** Series that are in the lists and dropped. */
const DROPS: usize = 32;

const NEXT: usize = 0;
const TABLE: usize = 4;
const TEXT: usize = 8;
const LENGTH: usize = 12;
const HASH: usize = 16;
const COUNT: usize = 20;
const FIRST: usize = 24;
const LAST: usize = 28;
const LATEST: usize = 32;
const GONE: usize = 36;
const NODE: u32 = 40;

const SIZE: usize = 4;
const USED: usize = 6;
const HEAD: u32 = 8;
const LEAST_CHUNK: u32 = 16;
const LARGEST_CHUNK: u32 = 512;

const LEAST_SLOTS: u32 = 16384;
/** Of all series that are in the index no more than one in so many may be dropped. */
const MOST_DROPS: u32 = 8;
/** Tags behind these, and series behind those, have a node for each value. */
const REFERRED_TAGS: u32 = 1 << 5;
const REFERRED_SERIES: u32 = 1 << 26;

const COMMA: u8 = 44;
const EQUALS: u8 = 61;

// Slots for `count` references, at most half of them filled.
function slotsFor(count: u32): u32 {
  let slots = LEAST_SLOTS;
  while (slots < count << 1) slots <<= 1;
  return slots;
}

function open(partition: usize): usize {
  const area = areaAlloc(65536);
  if (area == 0) return 0;
  memory.fill(area, 0, 64);
  const index = area + 8;
  store<u32>(index, <u32>area + 64, CURSOR);
  store<u32>(index, <u32>area + areaSize(area), END);
  store<u32>(index, <u32>area, AREAS);
  store<u32>(partition, <u32>index, INDEX);
  // as if each series had a value of its own, which spares growing; what is too much goes when all are in
  return resize(partition, index, slotsFor(catalogCount(partition))) ? index : 0;
}

/** Frees the index; the next use builds it anew. */
export function tagIndexClose(partition: usize): void {
  const index: usize = load<u32>(partition, INDEX);
  if (index == 0) return;
  const slots: usize = load<u32>(index, SLOTS);
  if (slots != 0) areaFree(slots);
  let area: usize = load<u32>(index, AREAS);
  while (area != 0) {
    const next: usize = load<u32>(area);
    areaFree(area);
    area = next;
  }
  store<u32>(partition, 0, INDEX);
}

function take(index: usize, size: u32): usize {
  let cursor = load<u32>(index, CURSOR);
  if (load<u32>(index, END) - cursor < size) {
    const area = areaAlloc(1 << 17);
    if (area == 0) return 0;
    store<u32>(area, load<u32>(index, AREAS));
    store<u32>(index, <u32>area, AREAS);
    store<u32>(index, <u32>area + areaSize(area), END);
    cursor = <u32>area + 8;
  }
  store<u32>(index, cursor + size, CURSOR);
  return <usize>cursor;
}

// --- References ---

function hashOf(table: u32, text: usize, length: u32): u32 {
  return <u32>xxHash64(text, length, table);
}

// Of a reference to a series without a node.
// @ts-ignore: decorator
@inline function seriesOf(reference: u32, high: u32): u32 { return (reference & ~high) >> 6; }
// @ts-ignore: decorator
@inline function numberOf(reference: u32): u32 { return (reference >> 1) & 31; }
// @ts-ignore: decorator
@inline function referenceTo(id: u32, tag: u32, hash: u32, high: u32): u32 {
  return (hash & high) | (id << 6) | (tag << 1) | 1;
}

function stands(partition: usize, reference: u32, high: u32, hash: u32, table: u32, text: usize, length: u32): bool {
  if (reference & 1) {
    if ((reference ^ hash) & high) return false;
    const entry = catalogEntry(partition, seriesOf(reference, high));
    if (entryTable(entry) != table) return false;
    readTag(entryPacked(entry), numberOf(reference));
    return tagBytes == length && memory.compare(tagText, text, length) == 0;
  }
  const node: usize = reference;
  return (
    load<u32>(node, HASH) == hash && load<u32>(node, TABLE) == table && load<u32>(node, LENGTH) == length &&
    memory.compare(load<u32>(node, TEXT), text, length) == 0
  );
}

// Where the reference of (table, text) stands, or would: then the slot is empty.
function slotOf(partition: usize, index: usize, hash: u32, table: u32, text: usize, length: u32): usize {
  const slots: usize = load<u32>(index, SLOTS);
  const mask = load<u32>(index, MASK);
  const high = load<u32>(index, HIGH);
  let slot = hash & mask;
  while (true) {
    const at = slots + (<usize>slot << 2);
    const reference = load<u32>(at);
    if (reference == 0 || stands(partition, reference, high, hash, table, text, length)) return at;
    slot = (slot + 1) & mask;
  }
}

// Moves all references into so many slots, a power of two, with room for the ids that the catalog has.
function resize(partition: usize, index: usize, count: u32): bool {
  const slots = areaAlloc(count << 2);
  if (slots == 0) return false;
  memory.fill(slots, 0, <usize>count << 2);
  // (of 26 bits for ids those that are 0 in all of them)
  const high = ~(0xffff_ffff >> clz(min(catalogCount(partition), REFERRED_SERIES - 1) << 6));
  const before: usize = load<u32>(index, SLOTS);
  if (before != 0) {
    const highBefore = load<u32>(index, HIGH);
    const end = before + ((<usize>load<u32>(index, MASK) + 1) << 2);
    for (let at = before; at < end; at += 4) {
      let reference = load<u32>(at);
      if (reference == 0) continue;
      let hash: u32;
      if (reference & 1) {
        const id = seriesOf(reference, highBefore);
        const entry = catalogEntry(partition, id);
        readTag(entryPacked(entry), numberOf(reference));
        hash = hashOf(entryTable(entry), tagText, tagBytes);
        reference = referenceTo(id, numberOf(reference), hash, high);
      } else hash = load<u32>(reference, HASH);
      let slot = hash & (count - 1);
      while (load<u32>(slots + (<usize>slot << 2)) != 0) slot = (slot + 1) & (count - 1);
      store<u32>(slots + (<usize>slot << 2), reference);
    }
    areaFree(before);
  }
  store<u32>(index, <u32>slots, SLOTS);
  store<u32>(index, count - 1, MASK);
  store<u32>(index, high, HIGH);
  return true;
}

// Sees to it that one more reference finds a slot; before its slot is looked for, as the others may move.
function makeRoom(partition: usize, index: usize): bool {
  const filled = load<u32>(index, FILLED);
  return filled << 1 <= load<u32>(index, MASK) || resize(partition, index, (load<u32>(index, MASK) + 1) << 1);
}

function newNode(index: usize, hash: u32, table: u32, text: usize, length: u32): usize {
  const node = take(index, NODE + ((length + 3) & ~3));
  if (node == 0) return 0;
  memory.fill(node, 0, NODE);
  memory.copy(node + NODE, text, length);
  store<u32>(node, table, TABLE);
  store<u32>(node, <u32>node + NODE, TEXT);
  store<u32>(node, length, LENGTH);
  store<u32>(node, hash, HASH);
  return node;
}

// --- Lists ---

// Adds an id to a node's list; false when out of memory.
function post(index: usize, node: usize, id: u32): bool {
  let difference = id - load<u32>(node, LATEST);
  const size: u32 = difference < 1 << 7 ? 1 : difference < 1 << 14 ? 2 : difference < 1 << 21 ? 3 : difference < 1 << 28 ? 4 : 5;
  let chunk: usize = load<u32>(node, LAST);
  if (chunk == 0 || <u32>load<u16>(chunk, USED) + size > <u32>load<u16>(chunk, SIZE)) {
    const bytes = chunk == 0 ? LEAST_CHUNK : min<u32>(LARGEST_CHUNK, <u32>load<u16>(chunk, SIZE) << 1);
    const next = take(index, bytes);
    if (next == 0) return false;
    store<u32>(next, 0);
    store<u16>(next, <u16>bytes, SIZE);
    store<u16>(next, <u16>HEAD, USED);
    if (chunk == 0) store<u32>(node, <u32>next, FIRST);
    else store<u32>(chunk, <u32>next);
    store<u32>(node, <u32>next, LAST);
    chunk = next;
  }
  let at = chunk + <usize>load<u16>(chunk, USED);
  for (; difference >= 128; difference >>= 7) store<u8>(at++, <u8>difference | 128);
  store<u8>(at++, <u8>difference);
  store<u16>(chunk, <u16>(at - chunk), USED);
  store<u32>(node, id, LATEST);
  store<u32>(node, load<u32>(node, COUNT) + 1, COUNT);
  return true;
}

// How many of a node's list are not gone.
// @ts-ignore: decorator
@inline function left(node: usize): u32 { return load<u32>(node, COUNT) - load<u32>(node, GONE); }
// @ts-ignore: decorator
@inline function addGone(node: usize, count: i32): void { store<u32>(node, load<u32>(node, GONE) + count, GONE); }

// Writes a node's list to `out` (u32).
function readList(node: usize, out: usize): void {
  let id: u32 = 0;
  for (let chunk: usize = load<u32>(node, FIRST); chunk != 0; chunk = load<u32>(chunk)) {
    const end = chunk + <usize>load<u16>(chunk, USED);
    let at = chunk + HEAD;
    while (at < end) {
      let byte = <u32>load<u8>(at++);
      let difference = byte & 127;
      for (let shift = 7; byte & 128; shift += 7) {
        byte = <u32>load<u8>(at++);
        difference |= (byte & 127) << shift;
      }
      id += difference;
      store<u32>(out, id);
      out += 4;
    }
  }
}

// --- Building ---

/** Brings the index up to the catalog; false when out of memory: then it is gone, so that no series is half in it. */
export function tagIndexExtend(partition: usize): bool {
  if (extend(partition)) return true;
  tagIndexClose(partition);
  return false;
}

// The node of a table (empty text, no parent) or tag key (below the table's), made when new; 0 when out of memory.
function nodeOf(partition: usize, index: usize, parent: usize, table: u32, text: usize, length: u32): usize {
  if (!makeRoom(partition, index)) return 0;
  const hash = hashOf(table, text, length);
  const slot = slotOf(partition, index, hash, table, text, length);
  const found: usize = load<u32>(slot);
  if (found != 0) return found;
  const node = newNode(index, hash, table, text, length);
  if (node == 0) return 0;
  store<u32>(slot, <u32>node);
  store<u32>(index, load<u32>(index, FILLED) + 1, FILLED);
  if (parent != 0) {
    store<u32>(node, load<u32>(parent, NEXT), NEXT);
    store<u32>(parent, <u32>node, NEXT);
  }
  return node;
}

// Nodes of the keys that the tags of the series before had, by the tag's number: the next one's mostly are the same.
const MOST_KEYS: u32 = 32;
const keyNodes: usize = memory.data(32 * 4);

// As nodeOf, of the key of tag number `tag` of a series.
function keyNodeOf(partition: usize, index: usize, root: usize, table: u32, text: usize, length: u32, tag: u32): usize {
  if (tag >= MOST_KEYS) return nodeOf(partition, index, root, table, text, length);
  const known = keyNodes + (<usize>tag << 2);
  let node: usize = load<u32>(known);
  if (
    node == 0 || load<u32>(node, TABLE) != table || load<u32>(node, LENGTH) != length ||
    memory.compare(load<u32>(node, TEXT), text, length) != 0
  ) {
    node = nodeOf(partition, index, root, table, text, length);
    store<u32>(known, <u32>node);
  }
  return node;
}

// Adds a series to those of a value of the tag key `parent`; `tag`: the tag's number in the series. False when out of memory.
function addTo(partition: usize, index: usize, parent: usize, table: u32, text: usize, length: u32, id: u32, tag: u32): bool {
  if (!makeRoom(partition, index)) return false;
  const hash = hashOf(table, text, length);
  const slot = slotOf(partition, index, hash, table, text, length);
  const reference = load<u32>(slot);
  if (reference != 0 && !(reference & 1)) {
    // (the value is in the list of its key, by a series that is dropped)
    if (left(reference) == 0) addGone(parent, -1);
    return post(index, reference, id);
  }
  if (reference == 0) {
    if (!post(index, parent, id)) return false;
    store<u32>(index, load<u32>(index, FILLED) + 1, FILLED);
    if (tag < REFERRED_TAGS && id < REFERRED_SERIES) {
      store<u32>(slot, referenceTo(id, tag, hash, load<u32>(index, HIGH)));
      return true;
    }
  }
  const node = newNode(index, hash, table, text, length);
  if (node == 0) return false;
  store<u32>(slot, <u32>node);
  return (reference == 0 || post(index, node, seriesOf(reference, load<u32>(index, HIGH)))) && post(index, node, id);
}

function extend(partition: usize): bool {
  let index: usize = load<u32>(partition, INDEX);
  const isNew = index == 0;
  if (isNew) index = open(partition);
  if (index == 0) return false;
  memory.fill(keyNodes, 0, MOST_KEYS << 2);
  const count = catalogCount(partition);
  const largest = min(count, REFERRED_SERIES - 1) << 6;
  if (largest & load<u32>(index, HIGH) && !resize(partition, index, load<u32>(index, MASK) + 1)) return false;
  for (let id = load<u32>(index, COVERED); id < count; id++) {
    const entry = catalogEntry(partition, id);
    const table = entryTable(entry);
    if (table == DROPPED) continue;
    const key = entryKey(entry);
    const length = entryLength(entry);
    const root = nodeOf(partition, index, 0, table, key, 0);
    if (root == 0 || !post(index, root, id)) return false;
    let at = until(key, 0, length, COMMA);
    for (let tag: u32 = 0; at < length; tag++) {
      const start = at + 1;
      const equals = until(key, start, length, EQUALS);
      const end = until(key, min(equals + 1, length), length, COMMA);
      const parent = keyNodeOf(partition, index, root, table, key + start, equals - start, tag);
      if (parent == 0 || !addTo(partition, index, parent, table, key + start, end - start, id, tag)) return false;
      at = end;
    }
  }
  store<u32>(index, count, COVERED);
  const enough = slotsFor(load<u32>(index, FILLED));
  return !isNew || enough > load<u32>(index, MASK) || resize(partition, index, enough);
}

// --- Dropping ---

/** Takes `n` series, whose ids (u32) stand at `ids`, out of the index; before the catalog marks them as dropped. */
export function tagIndexDrop(partition: usize, ids: usize, n: u32): void {
  const index: usize = load<u32>(partition, INDEX);
  if (index == 0) return;
  const drops = load<u32>(index, DROPS) + n;
  store<u32>(index, drops, DROPS);
  let isWhole = drops <= load<u32>(index, COVERED) / MOST_DROPS;
  for (let i: u32 = 0; isWhole && i < n; i++) isWhole = takeOut(partition, index, load<u32>(ids + (<usize>i << 2)));
  if (!isWhole) tagIndexClose(partition);
}

// False where that cannot be done: out of memory, or tags without a key or a value, which would be taken for something else.
function takeOut(partition: usize, index: usize, id: u32): bool {
  if (id >= load<u32>(index, COVERED)) return true;
  const entry = catalogEntry(partition, id);
  const table = entryTable(entry);
  if (table == DROPPED) return true;
  const key = entryKey(entry);
  const length = entryLength(entry);
  const root: usize = load<u32>(slotOf(partition, index, hashOf(table, key, 0), table, key, 0));
  addGone(root, 1);
  for (let at = until(key, 0, length, COMMA); at < length; ) {
    const text = key + at + 1;
    const equals = until(key, at + 1, length, EQUALS) - at - 1;
    const end = until(key, min(at + equals + 2, length), length, COMMA);
    const size = end - at - 1;
    const parent: usize = load<u32>(slotOf(partition, index, hashOf(table, text, equals), table, text, equals));
    const hash = hashOf(table, text, size);
    const slot = slotOf(partition, index, hash, table, text, size);
    let node: usize = load<u32>(slot);
    if (parent == root || parent == node) return false;
    if (node & 1) {
      node = newNode(index, hash, table, text, size);
      if (node == 0) return false;
      store<u32>(slot, <u32>node);
    } else addGone(node, 1);
    if (left(node) == 0) addGone(parent, 1);
    at = end;
  }
  return true;
}

// --- Reading ---

/** Reference of (table, text), 0 = none. */
export function tagIndexFind(partition: usize, table: u32, text: usize, length: u32): u32 {
  const index: usize = load<u32>(partition, INDEX);
  if (index == 0) return 0;
  const reference = load<u32>(slotOf(partition, index, hashOf(table, text, length), table, text, length));
  return reference == 0 || reference & 1 || left(reference) != 0 ? reference : 0;
}

const joined: usize = memory.data(65536);

/** The same of a value of a tag key, both escaped. */
export function tagIndexFindValue(
  partition: usize, table: u32, key: usize, keyBytes: u32, value: usize, valueBytes: u32,
): u32 {
  memory.copy(joined, key, keyBytes);
  store<u8>(joined + keyBytes, EQUALS);
  memory.copy(joined + keyBytes + 1, value, valueBytes);
  return tagIndexFind(partition, table, joined, keyBytes + 1 + valueBytes);
}

/** Of a table or value the number of its series, of a tag key that of its values. */
export function tagIndexCount(reference: u32): u32 {
  return reference & 1 ? 1 : left(reference);
}

/** For how many there must be room to read them: those that are dropped are read with them. */
export function tagIndexRoom(reference: u32): u32 {
  return reference & 1 ? 1 : load<u32>(reference, COUNT);
}

/** Number of the tag keys of a table. */
export function tagIndexKeyCount(table: usize): u32 {
  let count: u32 = 0;
  for (let key: usize = load<u32>(table, NEXT); key != 0; key = load<u32>(key, NEXT)) count += u32(left(key) != 0);
  return count;
}

/** Copies the series ids of a table or value, ascending, to `out`. */
export function tagIndexSeries(partition: usize, reference: u32, out: usize): void {
  if (reference & 1) {
    store<u32>(out, seriesOf(reference, load<u32>(<usize>load<u32>(partition, INDEX), HIGH)));
    return;
  }
  readList(reference, out);
  const count = load<u32>(reference, COUNT);
  if (load<u32>(reference, GONE) == 0) return;
  let to = out;
  for (let at = out; at < out + (<usize>count << 2); at += 4) {
    const id = load<u32>(at);
    if (entryTable(catalogEntry(partition, id)) == DROPPED) continue;
    store<u32>(to, id);
    to += 4;
  }
}

/** Writes where the tag keys of a table stand to `out`: { u32 pointer, u32 length } each. */
export function tagIndexKeys(table: usize, out: usize): void {
  for (let key: usize = load<u32>(table, NEXT); key != 0; key = load<u32>(key, NEXT)) {
    if (left(key) == 0) continue;
    store<u64>(out, load<u64>(key, TEXT));
    out += 8;
  }
}

/** The same of the values of a tag key. */
export function tagIndexValues(partition: usize, tagKey: usize, out: usize): void {
  const count: usize = load<u32>(tagKey, COUNT);
  // the ids stand in the second half, where none is overwritten before it was read
  const ids = out + (count << 2);
  readList(tagKey, ids);
  for (let i: usize = 0; i < count; i++) {
    const entry = catalogEntry(partition, load<u32>(ids + (i << 2)));
    findTag(entryPacked(entry), load<u32>(tagKey, TEXT), load<u32>(tagKey, LENGTH));
    const value = <u64>tagValue | (<u64>tagValueBytes << 32);
    // (others may have the value of a series that is dropped)
    if (entryTable(entry) == DROPPED && tagIndexFind(partition, load<u32>(tagKey, TABLE), tagText, tagBytes) == 0) continue;
    store<u64>(out, value);
    out += 8;
  }
}

/**
 * Of each of `count` series at `ids` the value of the tag `text` (escaped) in `out`, { u32 pointer, u32 length }, the same pointer for
 * the same value; 0 = absent. All must be in the index.
 */
export function tagIndexValuesOf(partition: usize, table: u32, ids: usize, count: u32, text: usize, length: u32, out: usize): void {
  const index: usize = load<u32>(partition, INDEX);
  for (let i: usize = 0; i < <usize>count; i++) {
    const id = load<u32>(ids + (i << 2));
    const packed = entryPacked(catalogEntry(partition, id));
    if (findTag(packed, text, length)) store<u64>(out + (i << 3), canonical(partition, index, table, id));
    else store<u64>(out + (i << 3), 0);
  }
}

// Where the value of the tag that was found in a series stands for all series that have it.
function canonical(partition: usize, index: usize, table: u32, id: u32): u64 {
  const at = tagText;
  const length = tagBytes;
  const value = <u64>tagValue | (<u64>tagValueBytes << 32);
  const valueStart = length - tagValueBytes;
  const hash = hashOf(table, at, length);
  const high = load<u32>(index, HIGH);
  const own = tagNumber < REFERRED_TAGS && id < REFERRED_SERIES ? referenceTo(id, tagNumber, hash, high) : 0;
  const slots: usize = load<u32>(index, SLOTS);
  const mask = load<u32>(index, MASK);
  let slot = hash & mask;
  while (true) {
    const reference = load<u32>(slots + (<usize>slot << 2));
    // (one of another series is no other's value)
    if (reference == own || reference == 0) return value;
    if (!(reference & 1) && stands(partition, reference, high, hash, table, at, length))
      return (<u64>load<u32>(reference, TEXT) + valueStart) | (value & 0xffff_ffff_0000_0000);
    slot = (slot + 1) & mask;
  }
}
