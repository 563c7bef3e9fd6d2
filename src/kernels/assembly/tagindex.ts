// Tag index: the inverted index of a partition's catalog, tag=value -> series, built from the keys when it is
// first asked for and extended by the series that came since: writing a new series costs it nothing.
//
// A tree of nodes per table: the table's node (text empty), below it a node per tag key (text `key`), below
// that one per value (text `key=value`, a slice of some series key, escaped as there). All nodes are found by
// (table, text) in one hash table. Table and value nodes list their series ids, ascending, in chunks; of one series, as values of host
// names mostly have, the id stands where else the first chunk does.
//
//   node   0 next sibling     4 first child   8 table id    12 text pointer  16 text length  20 hash
//          24 series count   28 first chunk  32 last chunk, 0 = none is needed  36 child count
//   chunk  0 next chunk       4 capacity      8 used          12 ids

import { areaAlloc, areaFree, areaSize } from "./area";
import { PARTITION, catalogCount, catalogEntry, entryKey, entryLength, entryTable } from "./catalog";
import { xxHash64 } from "./hash";

/** u32 pointer to the index in the partition's record */
const INDEX: usize = 40;

const SLOTS: usize = 0;
const MASK: usize = 4;
const NODES: usize = 8;
const COVERED: usize = 12;
const CURSOR: usize = 16;
const END: usize = 20;
const CHUNKS: usize = 24;

const NEXT: usize = 0;
const CHILD: usize = 4;
const TABLE: usize = 8;
const TEXT: usize = 12;
const LENGTH: usize = 16;
const HASH: usize = 20;
const COUNT: usize = 24;
const FIRST: usize = 28;
const LAST: usize = 32;
const CHILDREN: usize = 36;
const NODE: u32 = 40;

const COMMA: u8 = 44;
const EQUALS: u8 = 61;
const BACKSLASH: u8 = 92;

function open(partition: usize): usize {
  const chunk = areaAlloc(65536);
  if (chunk == 0) return 0;
  const slots = areaAlloc(65536);
  if (slots == 0) {
    areaFree(chunk);
    return 0;
  }
  memory.fill(slots, 0, 65536);
  const index = chunk + 8;
  memory.fill(chunk, 0, 64);
  store<u32>(index, <u32>slots, SLOTS);
  store<u32>(index, 16383, MASK);
  store<u32>(index, <u32>chunk + 64, CURSOR);
  store<u32>(index, <u32>chunk + areaSize(chunk), END);
  store<u32>(index, <u32>chunk, CHUNKS);
  store<u32>(partition, <u32>index, INDEX);
  return index;
}

/** Frees the index; the next use builds it anew (a dropped table's series then are not in it). */
export function tagIndexClose(partition: usize): void {
  const index: usize = load<u32>(partition, INDEX);
  if (index == 0) return;
  areaFree(load<u32>(index, SLOTS));
  let chunk: usize = load<u32>(index, CHUNKS);
  while (chunk != 0) {
    const next: usize = load<u32>(chunk);
    areaFree(chunk);
    chunk = next;
  }
  store<u32>(partition, 0, INDEX);
}

function take(index: usize, size: u32): usize {
  let cursor = load<u32>(index, CURSOR);
  if (load<u32>(index, END) - cursor < size) {
    const chunk = areaAlloc(1 << 18);
    if (chunk == 0) return 0;
    store<u32>(chunk, load<u32>(index, CHUNKS));
    store<u32>(index, <u32>chunk, CHUNKS);
    store<u32>(index, <u32>chunk + areaSize(chunk), END);
    cursor = <u32>chunk + 8;
  }
  store<u32>(index, cursor + size, CURSOR);
  return <usize>cursor;
}

function hashOf(table: u32, text: usize, length: u32): u32 {
  return <u32>xxHash64(text, length, table);
}

function find(index: usize, hash: u32, table: u32, text: usize, length: u32): usize {
  const slots: usize = load<u32>(index, SLOTS);
  const mask = load<u32>(index, MASK);
  let slot = hash & mask;
  while (true) {
    const node: usize = load<u32>(slots + (<usize>slot << 2));
    if (node == 0) return 0;
    if (
      load<u32>(node, HASH) == hash && load<u32>(node, TABLE) == table && load<u32>(node, LENGTH) == length &&
      memory.compare(load<u32>(node, TEXT), text, length) == 0
    ) return node;
    slot = (slot + 1) & mask;
  }
}

function grow(index: usize): bool {
  const slots: usize = load<u32>(index, SLOTS);
  const mask = load<u32>(index, MASK);
  const wider = areaAlloc((mask + 1) << 3);
  if (wider == 0) return false;
  memory.fill(wider, 0, <usize>(mask + 1) << 3);
  const widerMask = ((mask + 1) << 1) - 1;
  for (let s: usize = 0; s <= <usize>mask; s++) {
    const node: usize = load<u32>(slots + (s << 2));
    if (node == 0) continue;
    let slot = load<u32>(node, HASH) & widerMask;
    while (load<u32>(wider + (<usize>slot << 2)) != 0) slot = (slot + 1) & widerMask;
    store<u32>(wider + (<usize>slot << 2), <u32>node);
  }
  areaFree(slots);
  store<u32>(index, <u32>wider, SLOTS);
  store<u32>(index, widerMask, MASK);
  return true;
}

// The node of (table, text), made below `parent` (0 = the root) when new; 0 when out of memory.
function nodeOf(index: usize, parent: usize, table: u32, text: usize, length: u32): usize {
  const hash = hashOf(table, text, length);
  const found = find(index, hash, table, text, length);
  if (found != 0) return found;
  if ((load<u32>(index, NODES) << 1) > load<u32>(index, MASK) && !grow(index)) return 0;
  const node = take(index, NODE);
  if (node == 0) return 0;
  memory.fill(node, 0, NODE);
  store<u32>(node, table, TABLE);
  store<u32>(node, <u32>text, TEXT);
  store<u32>(node, length, LENGTH);
  store<u32>(node, hash, HASH);
  if (parent != 0) {
    store<u32>(node, load<u32>(parent, CHILD), NEXT);
    store<u32>(parent, <u32>node, CHILD);
    store<u32>(parent, load<u32>(parent, CHILDREN) + 1, CHILDREN);
  }
  const slots: usize = load<u32>(index, SLOTS);
  const mask = load<u32>(index, MASK);
  let slot = hash & mask;
  while (load<u32>(slots + (<usize>slot << 2)) != 0) slot = (slot + 1) & mask;
  store<u32>(slots + (<usize>slot << 2), <u32>node);
  store<u32>(index, load<u32>(index, NODES) + 1, NODES);
  return node;
}

function post(index: usize, node: usize, id: u32): bool {
  const count = load<u32>(node, COUNT);
  store<u32>(node, count + 1, COUNT);
  if (count == 0) {
    store<u32>(node, id, FIRST);
    return true;
  }
  let chunk: usize = load<u32>(node, LAST);
  if (count == 1) {
    chunk = chunkOf(index, 3);
    if (chunk == 0) return false;
    append(chunk, load<u32>(node, FIRST));
    store<u32>(node, <u32>chunk, FIRST);
    store<u32>(node, <u32>chunk, LAST);
  } else if (load<u32>(chunk, 8) == load<u32>(chunk, 4)) {
    // chunks of 3, 6, 12 ... 1,024
    const next = chunkOf(index, min<u32>(1024, load<u32>(chunk, 4) << 1));
    if (next == 0) return false;
    store<u32>(chunk, <u32>next);
    store<u32>(node, <u32>next, LAST);
    chunk = next;
  }
  append(chunk, id);
  return true;
}

function chunkOf(index: usize, capacity: u32): usize {
  const chunk = take(index, (12 + (capacity << 2) + 7) & ~7);
  if (chunk == 0) return 0;
  store<u32>(chunk, 0);
  store<u32>(chunk, capacity, 4);
  store<u32>(chunk, 0, 8);
  return chunk;
}

function append(chunk: usize, id: u32): void {
  const at = load<u32>(chunk, 8);
  store<u32>(chunk + 12 + (<usize>at << 2), id);
  store<u32>(chunk, at + 1, 8);
}

// Position of the first unescaped `stop` (or comma, or the end) at or behind `at`. A backslash escapes what follows
// only where that is a stop, and is no escape of another backslash: `a\\,b` is the text `a\,b` (model/serieskey.ts).
function until(key: usize, at: u32, length: u32, stop: u8): u32 {
  let escaped = false;
  while (at < length) {
    const c = load<u8>(key + at);
    if (!escaped && (c == stop || c == COMMA)) break;
    escaped = c == BACKSLASH;
    at++;
  }
  return at;
}

/** Brings the index up to the catalog; false when out of memory: then it is gone, so that no series is half in it. */
export function tagIndexExtend(partition: usize): bool {
  if (extend(partition)) return true;
  tagIndexClose(partition);
  return false;
}

// Nodes of the keys that the tags of the series before had, by the tag's place: the next one's mostly are the same.
const MOST_KEYS: u32 = 32;
const keyNodes: usize = memory.data(32 * 4);

// As nodeOf, of the key of tag number `tag` of a series.
function keyNodeOf(index: usize, root: usize, table: u32, text: usize, length: u32, tag: u32): usize {
  if (tag >= MOST_KEYS) return nodeOf(index, root, table, text, length);
  const known = keyNodes + (<usize>tag << 2);
  let node: usize = load<u32>(known);
  if (
    node == 0 || load<u32>(node, TABLE) != table || load<u32>(node, LENGTH) != length ||
    memory.compare(load<u32>(node, TEXT), text, length) != 0
  ) {
    node = nodeOf(index, root, table, text, length);
    store<u32>(known, <u32>node);
  }
  return node;
}

function extend(partition: usize): bool {
  let index: usize = load<u32>(partition, INDEX);
  if (index == 0) index = open(partition);
  if (index == 0) return false;
  memory.fill(keyNodes, 0, MOST_KEYS << 2);
  const count = catalogCount(partition);
  for (let id = load<u32>(index, COVERED); id < count; id++) {
    const entry = catalogEntry(partition, id);
    const table = entryTable(entry);
    if (table == 0xffff_ffff) continue;
    const key = entryKey(entry);
    const length = entryLength(entry);
    const root = nodeOf(index, 0, table, key, 0);
    if (root == 0 || !post(index, root, id)) return false;
    let at = until(key, 0, length, COMMA);
    for (let tag: u32 = 0; at < length; tag++) {
      const start = at + 1;
      const equals = until(key, start, length, EQUALS);
      const end = until(key, min(equals + 1, length), length, COMMA);
      const parent = keyNodeOf(index, root, table, key + start, equals - start, tag);
      if (parent == 0) return false;
      const node = nodeOf(index, parent, table, key + start, end - start);
      if (node == 0 || !post(index, node, id)) return false;
      store<u32>(parent, load<u32>(parent, COUNT) + 1, COUNT);
      at = end;
    }
    store<u32>(index, id + 1, COVERED);
  }
  store<u32>(index, count, COVERED);
  return true;
}

/** The node of (table, text), 0 = none. Its fields: see the head of this file. */
export function tagIndexNode(partition: usize, table: u32, text: usize, length: u32): usize {
  const index: usize = load<u32>(partition, INDEX);
  return index == 0 ? 0 : find(index, hashOf(table, text, length), table, text, length);
}

/** Copies the node's series ids, ascending, to `out`; gives their number. */
export function tagIndexSeries(node: usize, out: usize): u32 {
  let chunk: usize = load<u32>(node, FIRST);
  if (load<u32>(node, COUNT) == 1) {
    store<u32>(out, <u32>chunk);
    return 1;
  }
  let n: u32 = 0;
  while (chunk != 0) {
    const used = load<u32>(chunk, 8);
    memory.copy(out + (<usize>n << 2), chunk + 12, <usize>used << 2);
    n += used;
    chunk = load<u32>(chunk);
  }
  return n;
}

/** For each of `count` series at `ids`, the value node of the tag `key` (escaped) in `out` (u32), 0 = absent. */
export function tagIndexValues(partition: usize, table: u32, ids: usize, count: u32, text: usize, length: u32, out: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    const entry = catalogEntry(partition, load<u32>(ids + (i << 2)));
    const key = entryKey(entry);
    const end = entryLength(entry);
    let node: usize = 0;
    let at = until(key, 0, end, COMMA);
    while (at < end) {
      const start = at + 1;
      const equals = until(key, start, end, EQUALS);
      at = until(key, min(equals + 1, end), end, COMMA);
      if (equals - start == length && memory.compare(key + start, text, length) == 0) {
        node = tagIndexNode(partition, table, key + start, at - start);
        break;
      }
    }
    store<u32>(out + (i << 2), <u32>node);
  }
}
