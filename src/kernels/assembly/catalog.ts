// Catalog: the series of a partition, as a hash table from canonical key to series id, and back.
//
// A partition has one record of PARTITION bytes; the records of all partitions stand end to end, so that a
// batch finds its partition by `hash % partitionCount`. Ids are dense, from 0, in the order of first sight.
// A series entry never moves: keys are bump allocated in a chain of areas.
//
//   slots     open addressing, linear probing: u32, 0 = empty. An id + 1 needs no more bits than the number of a slot: those above
//             are the hash's, so that hardly ever another series' key is looked at
//   entries   u32 pointer per id
//   entry     u32 table id, the key as series-keys.ts packs it; not aligned, as there are millions

export const PARTITION: usize = 64;
const SLOTS: usize = 0;
const MASK: usize = 4;
const COUNT: usize = 8;
const CAPACITY: usize = 12;
const ENTRIES: usize = 16;
const KEY_CURSOR: usize = 20;
const KEY_END: usize = 24;
const KEY_CHUNKS: usize = 28;
const KEY_BYTES: usize = 32;
/** u32 pointer to the active memtable of the partition (memtable.ts), 0 = none */
export const ACTIVE: usize = 36;

const ENTRY_TABLE: usize = 0;
const ENTRY_KEY: usize = 4;
const FAILED: u32 = 0xffff_ffff;
/** Table id of series that were dropped: their entries stay, as ids are dense, and are in no slot. */
export const DROPPED: u32 = 0xffff_ffff;

import { areaAlloc, areaFree, areaSize } from "./area";
import { xxHash64 } from "./hash";
import { holdShapes, isKey, keyLength, packedBytes, packKey, releaseShapes, shapeOfKey, unpackKey } from "./series-keys";

/** The key that was asked for or hashed last, unpacked. */
const keyRoom: usize = memory.data(65536);

/** Makes an empty catalog in the zeroed record at `partition`; false when out of memory. */
export function catalogOpen(partition: usize): bool {
  const slots = areaAlloc(65536);
  const entries = areaAlloc(65536);
  if (slots == 0 || entries == 0) return false;
  memory.fill(slots, 0, 65536);
  store<u32>(partition, <u32>slots, SLOTS);
  store<u32>(partition, 16383, MASK);
  store<u32>(partition, <u32>entries, ENTRIES);
  store<u32>(partition, 16384, CAPACITY);
  holdShapes();
  return true;
}

/** Frees everything that the catalog holds (not the record). */
export function catalogClose(partition: usize): void {
  areaFree(load<u32>(partition, SLOTS));
  areaFree(load<u32>(partition, ENTRIES));
  let chunk: usize = load<u32>(partition, KEY_CHUNKS);
  while (chunk != 0) {
    const next: usize = load<u32>(chunk);
    areaFree(chunk);
    chunk = next;
  }
  memory.fill(partition, 0, PARTITION);
  releaseShapes();
}

/** Number of series. */
export function catalogCount(partition: usize): u32 {
  return load<u32>(partition, COUNT);
}

/** Pointer to the entry of series `id` (see the head of this file). */
export function catalogEntry(partition: usize, id: u32): usize {
  return load<u32>(<usize>load<u32>(partition, ENTRIES) + (<usize>id << 2));
}

export function entryTable(entry: usize): u32 { return load<u32>(entry, ENTRY_TABLE); }
export function entryLength(entry: usize): u32 { return keyLength(entry + ENTRY_KEY); }
/** The key as series-keys.ts packs it. */
// @ts-ignore: decorator
@inline export function entryPacked(entry: usize): usize { return entry + ENTRY_KEY; }
/** Pointer to the key, which stands there until the next is asked for, or a series comes or goes. */
export function entryKey(entry: usize): usize {
  unpackKey(entry + ENTRY_KEY, keyRoom);
  return keyRoom;
}

// What a series is found by: its slot from the high half, what is compared there from the low one.
@inline function mix(hash: u64, table: u32): u64 {
  return hash ^ (<u64>table * 0x9e37_79b9_7f4a_7c15);
}

/** Id of a series, or 0xffffffff. `hash`: xxHash64 of the key. */
export function catalogFind(partition: usize, hash: u64, table: u32, key: usize, length: u32): u32 {
  const mixed = mix(hash, table);
  const slots: usize = load<u32>(partition, SLOTS);
  const mask = load<u32>(partition, MASK);
  let slot = <u32>(mixed >> 32) & mask;
  while (true) {
    const found = load<u32>(slots + (<usize>slot << 2));
    if (found == 0) return FAILED;
    if (((found ^ <u32>mixed) & ~mask) == 0) {
      const id = (found & mask) - 1;
      const entry = catalogEntry(partition, id);
      if (entryTable(entry) == table && isKey(entry + ENTRY_KEY, key, length)) return id;
    }
    slot = (slot + 1) & mask;
  }
}

// As `mix`, of a series that is there.
function mixOf(entry: usize): u64 {
  const length = unpackKey(entry + ENTRY_KEY, keyRoom);
  return mix(xxHash64(keyRoom, length, 0), entryTable(entry));
}

function place(slots: usize, mask: u32, mixed: u64, id: u32): void {
  let slot = <u32>(mixed >> 32) & mask;
  while (load<u32>(slots + (<usize>slot << 2)) != 0) slot = (slot + 1) & mask;
  store<u32>(slots + (<usize>slot << 2), (<u32>mixed & ~mask) | (id + 1));
}

// Takes a series out of its slot. What stands behind it and would not be found over an empty slot moves up: Knuth, The Art of
// Computer Programming 3, 6.4, algorithm R.
function displace(partition: usize, id: u32): void {
  const slots: usize = load<u32>(partition, SLOTS);
  const mask = load<u32>(partition, MASK);
  let hole = <u32>(mixOf(catalogEntry(partition, id)) >> 32) & mask;
  while ((load<u32>(slots + (<usize>hole << 2)) & mask) != id + 1) hole = (hole + 1) & mask;
  for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
    const slot = load<u32>(slots + (<usize>at << 2));
    if (slot == 0) break;
    const home = <u32>(mixOf(catalogEntry(partition, (slot & mask) - 1)) >> 32) & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    store<u32>(slots + (<usize>hole << 2), slot);
    hole = at;
  }
  store<u32>(slots + (<usize>hole << 2), 0);
}

// Fills the slots anew, as there are more of them or many series have gone.
function placeAll(partition: usize): void {
  const count = load<u32>(partition, COUNT);
  const mask = load<u32>(partition, MASK);
  const slots: usize = load<u32>(partition, SLOTS);
  memory.fill(slots, 0, (<usize>mask + 1) << 2);
  for (let id: u32 = 0; id < count; id++) {
    const entry = catalogEntry(partition, id);
    if (entryTable(entry) != DROPPED) place(slots, mask, mixOf(entry), id);
  }
}

function growSlots(partition: usize): bool {
  const mask = load<u32>(partition, MASK);
  const wider = areaAlloc((mask + 1) << 3);
  if (wider == 0) return false;
  areaFree(load<u32>(partition, SLOTS));
  store<u32>(partition, <u32>wider, SLOTS);
  store<u32>(partition, (mask << 1) + 1, MASK);
  placeAll(partition);
  return true;
}

function growEntries(partition: usize): bool {
  const capacity = load<u32>(partition, CAPACITY);
  const entries: usize = load<u32>(partition, ENTRIES);
  const wider = areaAlloc(capacity << 3);
  if (wider == 0) return false;
  memory.copy(wider, entries, <usize>capacity << 2);
  areaFree(entries);
  store<u32>(partition, <u32>wider, ENTRIES);
  store<u32>(partition, capacity << 1, CAPACITY);
  return true;
}

/** Id of a series, which is added when new; 0xffffffff when out of memory. */
export function catalogAdd(partition: usize, hash: u64, table: u32, key: usize, length: u32): u32 {
  const found = catalogFind(partition, hash, table, key, length);
  return found != FAILED ? found : catalogAppend(partition, hash, table, key, length);
}

/** Id of a series that is added without a look whether it is there (a dropped one may be there several times). */
export function catalogAppend(partition: usize, hash: u64, table: u32, key: usize, length: u32): u32 {
  const count = load<u32>(partition, COUNT);
  if (count == load<u32>(partition, CAPACITY) && !growEntries(partition)) return FAILED;
  if ((count << 1) > load<u32>(partition, MASK) && !growSlots(partition)) return FAILED;
  if (length > 0xffff) unreachable(); // model/serieskey.ts
  const shape = shapeOfKey(key, length);
  const size: u32 = <u32>ENTRY_KEY + packedBytes(shape, length);
  let cursor = load<u32>(partition, KEY_CURSOR);
  if (load<u32>(partition, KEY_END) - cursor < size) {
    const wanted: u32 = load<u32>(partition, KEY_BYTES) > 1 << 20 ? 1 << 18 : 1 << 16;
    const chunk = areaAlloc(max(wanted, size + 8));
    if (chunk == 0) return FAILED;
    store<u32>(chunk, load<u32>(partition, KEY_CHUNKS));
    store<u32>(partition, <u32>chunk, KEY_CHUNKS);
    store<u32>(partition, <u32>chunk + areaSize(chunk), KEY_END);
    store<u32>(partition, load<u32>(partition, KEY_BYTES) + areaSize(chunk), KEY_BYTES);
    cursor = <u32>chunk + 8;
  }
  const entry = <usize>cursor;
  store<u32>(partition, cursor + size, KEY_CURSOR);
  store<u32>(entry, table, ENTRY_TABLE);
  packKey(shape, key, length, entry + ENTRY_KEY);
  store<u32>(<usize>load<u32>(partition, ENTRIES) + (<usize>count << 2), <u32>entry);
  if (table != DROPPED) place(load<u32>(partition, SLOTS), load<u32>(partition, MASK), mix(hash, table), count);
  store<u32>(partition, count + 1, COUNT);
  return count;
}

/**
 * Appends `count` series of one table: `lengths` u32 each, `keys` end to end. Answers where the last key ends, 0 when out of memory
 * (some may be in).
 */
export function catalogAppendAll(partition: usize, table: u32, lengths: usize, count: u32, keys: usize): usize {
  let key = keys;
  for (let i: u32 = 0; i < count; i++) {
    const length = load<u32>(lengths + (<usize>i << 2));
    if (catalogAppend(partition, xxHash64(key, length, 0), table, key, length) == FAILED) return 0;
    key += length;
  }
  return key;
}

/**
 * Finds or adds every series of one table of a WriteBatch (model/batch.ts). `targets` gets, per entry of the
 * series directory, { u32 partition record, u32 series id }. False when out of memory.
 */
export function catalogResolve(partitions: usize, partitionCount: u32, batchTable: usize, table: u32, targets: usize): bool {
  const seriesCount = load<u32>(batchTable, 8);
  let directory = batchTable + 24 + ((<usize>load<u32>(batchTable, 16) + 7) & ~7);
  for (let s: u32 = 0; s < seriesCount; s++) {
    const hash = load<u64>(directory);
    const partition = partitions + <usize>(hash % partitionCount) * PARTITION;
    const id = catalogAdd(partition, hash, table, batchTable + load<u32>(directory, 8), load<u32>(directory, 12));
    if (id == FAILED) return false;
    store<u32>(targets, <u32>partition);
    store<u32>(targets, id, 4);
    targets += 8;
    directory += 16;
  }
  return true;
}

// With fewer of all series than one in so many to drop it costs less to take each out of its slot than to place those that stay.
const FEW: u32 = 8;

/** Marks `n` series, whose ids (u32) stand at `ids`, as dropped. */
export function catalogDropSeries(partition: usize, ids: usize, n: u32): void {
  const areFew = n < load<u32>(partition, COUNT) / FEW;
  for (let i: u32 = 0; i < n; i++) {
    const id = load<u32>(ids + (<usize>i << 2));
    const entry = catalogEntry(partition, id);
    if (entryTable(entry) == DROPPED) continue;
    if (areFew) displace(partition, id);
    store<u32>(entry, DROPPED, ENTRY_TABLE);
  }
  if (!areFew) placeAll(partition);
}

/**
 * Copies the ids of the series of some tables, ascending, to `out` (room for all series); gives their number. At `wanted` stands a byte
 * for each of the first `tables` table ids, 0 = not asked for.
 */
export function catalogList(partition: usize, wanted: usize, tables: u32, out: usize): u32 {
  const count = load<u32>(partition, COUNT);
  let n: u32 = 0;
  for (let id: u32 = 0; id < count; id++) {
    const table = entryTable(catalogEntry(partition, id));
    if (table >= tables || load<u8>(wanted + table) == 0) continue;
    store<u32>(out + (<usize>n << 2), id);
    n++;
  }
  return n;
}
