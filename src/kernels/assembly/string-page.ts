// Pages of strings: lengths and bytes, through a dictionary when at least half of the rows repeat.
//
//   u8 format     5 PLAIN, 6 DICTIONARY; + 0x40 the heap is Snappy compressed; + 0x80 there are rows without a value
//   varint        row count
//   varint        heap size in bytes, decompressed
//   presence      as in page.ts; only with 0x80
//   DICTIONARY    varint entry count, integers: the entry of each row with a value
//   lengths       integers: of each entry (PLAIN: each row with a value is an entry)
//   heap          the entries' bytes one after the other, maybe compressed
//   u32           stored size of the heap in bytes
//
// Compression is not a kernel: codec/codec.ts replaces the heap of an encoded page, and decompresses it before a decode.
import { writeVarint } from "./bits";
import { decodeIntegers } from "./integers-decode";
import { encodeIntegers } from "./integers-encode";
import { CORRUPT, OTHER_ROWS, OTHER_TYPE } from "./page-answers";
import { gather } from "./masks";
import { countPresent, decodePresence, encodePresence, spread } from "./presence";
import { openPage, pageEnded, pageFailed, readByte, readVarint, takeBytes } from "./reader";
import { dense, entries, integers, MAX_ROWS, residuals } from "./workspace";

const PLAIN: u32 = 5;
const DICTIONARY: u32 = 6;
const COMPRESSED: u32 = 0x40;
const NULLS: u32 = 0x80;

// A slot is u32 offset into the heap, u32 length.
// @ts-ignore: decorator
@inline function lengthOf(slot: u64): u32 {
  return <u32>(slot >> 32);
}

/**
 * Encodes `count` (up to 65,536) slots into `heap`, of which distinct strings use `heapBytes` at most. Returns the size
 * of the page, at most heapBytes + 24 * count + 128 bytes. The heap is the page's end, before its last four bytes.
 */
export function encodeStrings(count: u32, slots: usize, present: usize, heap: usize, heapBytes: u32, page: usize): u32 {
  if (count > MAX_ROWS) unreachable();
  let having = count;
  let source = slots;
  if (present) {
    having = countPresent(present, count);
    if (having < count) {
      gather(slots, present, count, dense);
      source = dense;
    }
  }
  let total: u64 = 0;
  for (let i: u32 = 0; i < having; i++) total += lengthOf(load<u64>(source + (<usize>i << 3)));
  // slots that share bytes (a decoded dictionary) may add up to more than the heap: they repeat for certain
  const most = total > heapBytes ? having : having >> 1;
  let distinct = findDistinct(source, having, heap, most);
  const dictionary = distinct != 0;
  let entrySlots = entries;
  if (!dictionary) {
    distinct = having;
    entrySlots = source;
  } else {
    total = 0;
    for (let i: u32 = 0; i < distinct; i++) total += lengthOf(load<u64>(entries + (<usize>i << 3)));
  }

  store<u8>(page, <u8>((dictionary ? DICTIONARY : PLAIN) | (having < count ? NULLS : 0)));
  let at = writeVarint(count, page + 1);
  at = writeVarint(total, at);
  if (having < count) at = encodePresence(present, count, at);
  if (dictionary) {
    at = writeVarint(distinct, at);
    at = encodeIntegers(integers, having, at, false);
  }
  for (let i: usize = 0; i < distinct; i++)
    store<u64>(integers + (i << 3), lengthOf(load<u64>(entrySlots + (i << 3))));
  at = encodeIntegers(integers, distinct, at, false);
  for (let i: usize = 0; i < distinct; i++) {
    const slot = load<u64>(entrySlots + (i << 3));
    memory.copy(at, heap + <u32>slot, lengthOf(slot));
    at += lengthOf(slot);
  }
  store<u32>(at, <u32>total);
  return <u32>(at + 4 - page);
}

/**
 * Decodes a page of `count` strings to slots into `heap` (its heap size long). With a compressed page the heap must
 * stand there already. Answers as decodeNumbers does.
 */
export function decodeStrings(page: usize, sizeBytes: u32, count: u32, slots: usize, present: usize, heap: usize): i32 {
  openPage(page, sizeBytes);
  const format = readByte();
  const rowCount = readVarint();
  const heapBytes = readVarint();
  const nulls = format & NULLS;
  const coded = format & ~(NULLS | COMPRESSED);
  if (pageFailed() || heapBytes > 0x7fff_ffff) return CORRUPT;
  if (coded != PLAIN && coded != DICTIONARY) return OTHER_TYPE;
  if (rowCount != count || count > MAX_ROWS) return OTHER_ROWS;
  let having = count;
  if (nulls) {
    if (!present) return OTHER_TYPE;
    const bitmap = takeBytes((count + 7) >> 3);
    if (pageFailed()) return CORRUPT;
    having = decodePresence(bitmap, count, present);
  }
  if (coded == DICTIONARY) {
    const distinct = readVarint();
    if (pageFailed() || distinct > having) return CORRUPT;
    if (!decodeIntegers(having, slots, 0)) return CORRUPT;
    if (!decodeSlots(entries, <u32>distinct, <u32>heapBytes)) return CORRUPT;
    for (let i: usize = 0; i < having; i++) {
      const entry = load<u64>(slots + (i << 3));
      if (entry >= distinct) return CORRUPT;
      store<u64>(slots + (i << 3), load<u64>(entries + (<usize>entry << 3)));
    }
  } else if (!decodeSlots(slots, having, <u32>heapBytes)) return CORRUPT;

  const trailer = page + sizeBytes - 4;
  const stored = sizeBytes < 4 ? 0 : load<u32>(trailer);
  const bytes = takeBytes(stored);
  if (takeBytes(4) != trailer || !pageEnded()) return CORRUPT;
  if (!(format & COMPRESSED)) {
    if (stored != heapBytes) return CORRUPT;
    memory.copy(heap, bytes, stored);
  }
  if (nulls) spread(slots, present, count, having);
  return nulls ? 1 : 0;
}

// Lengths at the cursor become slots one after the other; they must fill the heap exactly.
function decodeSlots(target: usize, count: u32, heapBytes: u32): bool {
  if (!decodeIntegers(count, target, 0)) return false;
  let offset: u64 = 0;
  for (let i: usize = 0; i < count; i++) {
    const length = load<u64>(target + (i << 3));
    if (length > heapBytes - offset) return false;
    store<u64>(target + (i << 3), offset | (length << 32));
    offset += length;
  }
  return offset == heapBytes;
}

// Numbers the distinct strings in order of appearance: slots to `entries`, the number of each row to `integers`.
// Returns how many; 0 when there are more than `most`. Open addressing, linear probing, at most half full.
function findDistinct(slots: usize, count: u32, heap: usize, most: u32): u32 {
  if (most == 0) return 0;
  const table = residuals; // u32: entry number + 1, 0 = free
  const size: u32 = min<u32>(1 << (33 - clz(count)), MAX_ROWS * 2);
  memory.fill(table, 0, <usize>size << 2);
  let distinct: u32 = 0;
  for (let i: usize = 0; i < count; i++) {
    const slot = load<u64>(slots + (i << 3));
    const bytes = heap + <u32>slot;
    let place = hash(bytes, lengthOf(slot)) & (size - 1);
    let entry: u32 = 0;
    while ((entry = load<u32>(table + (<usize>place << 2))) != 0) {
      const other = load<u64>(entries + (<usize>(entry - 1) << 3));
      if (other == slot || (lengthOf(other) == lengthOf(slot) && sameBytes(heap + <u32>other, bytes, lengthOf(slot))))
        break;
      place = (place + 1) & (size - 1);
    }
    if (entry == 0) {
      if (distinct == most) return 0;
      store<u64>(entries + (<usize>distinct << 3), slot);
      entry = ++distinct;
      store<u32>(table + (<usize>place << 2), entry);
    }
    store<u64>(integers + (i << 3), entry - 1);
  }
  return distinct;
}

function sameBytes(a: usize, b: usize, length: u32): bool {
  let i: u32 = 0;
  for (; i + 8 <= length; i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false;
  return length - i == 0 || lastBytes(a + i, length - i) == lastBytes(b + i, length - i);
}

// One to seven bytes as a number; loads overlap rather than leave the string.
// @ts-ignore: decorator
@inline function lastBytes(from: usize, length: u32): u64 {
  if (length >= 4) return <u64>load<u32>(from) | (<u64>load<u32>(from + length - 4) << 32);
  return <u64>load<u8>(from) | (<u64>load<u8>(from + (length >> 1)) << 8) | (<u64>load<u8>(from + length - 1) << 16);
}

// Multiply and fold, eight bytes at a time.
function hash(bytes: usize, length: u32): u32 {
  let h: u64 = 0x9e37_79b9_7f4a_7c15 ^ length;
  for (; length >= 8; bytes += 8, length -= 8) {
    h = (h ^ load<u64>(bytes)) * 0xff51_afd7_ed55_8ccd;
    h ^= h >> 32;
  }
  if (length) h = (h ^ lastBytes(bytes, length)) * 0xff51_afd7_ed55_8ccd;
  return <u32>(h >> 40) ^ <u32>(h >> 20);
}
