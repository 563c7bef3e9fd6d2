// The byte strings met in one body (raw series keys, raw field names, measurements), each with what it stands for.
//
// One hash table (open addressing, linear probing, at most half full) serves all of them; a scope keeps the
// field names of different tables apart. Hashes are seeded per process, so that no body can be made to collide.
// An entry also remembers which entry followed it the last time: bodies repeat themselves, so the next series
// and the next field are found by comparing bytes with the successor (`sameBytes`) and the hash table is
// hardly ever asked.
import { xxHash64 } from "../hash";
import { allocate } from "./memory";

const FIRST_SLOTS: u32 = 512;

@unmanaged
export class Entry {
  /** The entry that followed this one last, or 0. First, as in Table: a link is a pointer to one of these. */
  next: usize;
  /** The raw bytes, in the body. */
  key: usize;
  length: u32;
  scope: u32;
  hash: u64;
  /** What the bytes stand for: a Series, a Field or a Table. */
  target: usize;
}

let slots: usize = 0; // pairs of u32: upper half of the hash, entry
let mask: u32 = 0;
let entries: u32 = 0;
let seed: u64 = 0;

export function initDictionary(newSeed: u64): void {
  seed = newSeed;
  entries = 0;
  mask = FIRST_SLOTS - 1;
  slots = allocate(FIRST_SLOTS << 3);
  memory.fill(slots, 0, FIRST_SLOTS << 3);
}

/** Whether the `length` bytes at `p` are those at `key`. May read, but not mind, 16 bytes past either end. */
@inline export function sameBytes(key: usize, p: usize, length: u32): bool {
  let i: u32 = 0;
  while (i + 16 <= length) {
    if (v128.any_true(v128.xor(v128.load(key + i), v128.load(p + i)))) return false;
    i += 16;
  }
  const rest = length & 15;
  return (i8x16.bitmask(i8x16.ne(v128.load(key + i), v128.load(p + i))) & ((1 << rest) - 1)) == 0;
}

export function hashBytes(key: usize, length: u32, scope: u32): u64 {
  return xxHash64(key, length, seed + scope);
}

/** The entry of these bytes in this scope, or 0. */
export function findEntry(key: usize, length: u32, scope: u32, hash: u64): usize {
  const tag = <u32>(hash >> 32);
  let i = <u32>hash;
  while (true) {
    const slot = slots + ((i++ & mask) << 3);
    const found = load<u32>(slot, 4);
    if (found == 0) return 0;
    if (load<u32>(slot) == tag) {
      const entry = changetype<Entry>(<usize>found);
      if (entry.length == length && entry.scope == scope && sameBytes(entry.key, key, length)) return found;
    }
  }
}

export function addEntry(key: usize, length: u32, scope: u32, hash: u64, target: usize): Entry {
  if (++entries << 1 > mask) grow();
  const entry = changetype<Entry>(allocate(offsetof<Entry>()));
  entry.next = 0;
  entry.key = key;
  entry.length = length;
  entry.scope = scope;
  entry.hash = hash;
  entry.target = target;
  insert(hash, changetype<usize>(entry));
  return entry;
}

function insert(hash: u64, entry: usize): void {
  let i = <u32>hash & mask;
  while (load<u32>(slots + (i << 3), 4) != 0) i = (i + 1) & mask;
  store<u32>(slots + (i << 3), <u32>(hash >> 32));
  store<u32>(slots + (i << 3), <u32>entry, 4);
}

function grow(): void {
  const old = slots;
  const oldSlots = mask + 1;
  const bytes = oldSlots << 4;
  slots = allocate(bytes);
  memory.fill(slots, 0, bytes);
  mask = (oldSlots << 1) - 1;
  for (let i: u32 = 0; i < oldSlots; i++) {
    const entry = <usize>load<u32>(old + (i << 3), 4);
    if (entry != 0) insert(changetype<Entry>(entry).hash, entry);
  }
}
