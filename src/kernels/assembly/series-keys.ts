// Keys of series as they stand in catalogs: what a key has in common with others, its measurement and the names of its tags, is a
// shape, and there once in linear memory; with the series stand the values alone.
//
//   key      cpu,host=a,region=eu
//   shape    cpu,host=      ,region=            the pieces with which the values take turns
//   packed   u16 shape      u8 lengths of the values, the values: 1 2 a eu
//
// Shape 0 is a key as it is, behind a u16 length: one without tags, with too many or too long values, or no room for its shape.
//
//   shape    0 hash   4 u16 values   6 u16 bytes of the pieces   8 u16 bytes of the measurement   10 u16 lengths of the pieces, the pieces

import { areaAlloc, areaFree, areaSize } from "./area";
import { xxHash64 } from "./hash";

const HASH: usize = 0;
const VALUES: usize = 4;
const FIXED: usize = 6;
const MEASUREMENT: usize = 8;
const LENGTHS: usize = 10;

const COMMA: u8 = 44;
const EQUALS: u8 = 61;
const BACKSLASH: u8 = 92;

const MOST_VALUES: u32 = 64;
const LONGEST_VALUE: u32 = 255;
const MOST_SHAPES: u32 = 65536;
/** Twice as many, for hashing. */
const SLOTS: u32 = 131072;

// Static zero pages: they take memory only as far as they are used.
/** u16 a slot, 0 = empty */
const slots: usize = memory.data(131072 * 2);
/** u32 pointer a shape */
const shapes: usize = memory.data(65536 * 4);
let shapeCount: u32 = 1;
let lastShape: u32 = 0;
let chunks: usize = 0;
let cursor: usize = 0;
let chunkEnd: usize = 0;
/** Catalogs that have keys. */
let users: u32 = 0;

/** Of the key that was split last: where values stand in it. */
const valueAt: usize = memory.data(64 * 4);
const valueBytes: usize = memory.data(64 * 4);
let values: u32 = 0;
let measurementBytes: u32 = 0;

/** A catalog has keys from now on. */
export function holdShapes(): void {
  users++;
}

/** It has none any more; the shapes go with the last of them. */
export function releaseShapes(): void {
  if (--users > 0) return;
  while (chunks != 0) {
    const next: usize = load<u32>(chunks);
    areaFree(chunks);
    chunks = next;
  }
  memory.fill(slots, 0, <usize>SLOTS << 1);
  shapeCount = 1;
  lastShape = 0;
  cursor = 0;
  chunkEnd = 0;
}

// Position of the first unescaped `stop` (or comma, or the end) at or behind `at`. A backslash escapes what follows
// only where that is a stop, and is no escape of another backslash: `a\\,b` is the text `a\,b` (model/serieskey.ts).
export function until(key: usize, at: u32, length: u32, stop: u8): u32 {
  const stops = i8x16.splat(stop);
  for (; at + 16 <= length; at += 16) {
    const c = v128.load(key + at);
    if (v128.any_true(i8x16.eq(c, i8x16.splat(BACKSLASH)))) break;
    const found = i8x16.bitmask(v128.or(i8x16.eq(c, stops), i8x16.eq(c, i8x16.splat(COMMA))));
    if (found != 0) return at + ctz(found);
  }
  let escaped = false;
  while (at < length) {
    const c = load<u8>(key + at);
    if (!escaped && (c == stop || c == COMMA)) break;
    escaped = c == BACKSLASH;
    at++;
  }
  return at;
}

// Finds the values of a key; false where it is one for shape 0.
function split(key: usize, length: u32): bool {
  let at = until(key, 0, length, COMMA);
  measurementBytes = at;
  values = 0;
  while (at < length) {
    const equals = until(key, at + 1, length, EQUALS);
    if (values == MOST_VALUES || equals >= length || load<u8>(key + equals) != EQUALS) return false;
    at = until(key, equals + 1, length, COMMA);
    const bytes = at - equals - 1;
    if (bytes > LONGEST_VALUE) return false;
    store<u32>(valueAt + (<usize>values << 2), equals + 1);
    store<u32>(valueBytes + (<usize>values << 2), bytes);
    values++;
  }
  return values > 0;
}

// @ts-ignore: decorator
@inline function shapeAt(shape: u32): usize { return load<u32>(shapes + (<usize>shape << 2)); }
// @ts-ignore: decorator
@inline function pieceBytes(shape: usize, i: u32): u32 { return load<u16>(shape + LENGTHS + (<usize>i << 1)); }
// @ts-ignore: decorator
@inline function firstPiece(shape: usize): usize { return shape + LENGTHS + (<usize>load<u16>(shape, VALUES) << 1); }
// Where piece `i` of the key that was split begins: behind the value before it.
// @ts-ignore: decorator
@inline function pieceStart(i: u32): u32 {
  return i == 0 ? 0 : load<u32>(valueAt + (<usize>(i - 1) << 2)) + load<u32>(valueBytes + (<usize>(i - 1) << 2));
}

// (the last bytes are compared with some of those before them once more)
// @ts-ignore: decorator
@inline function same(a: usize, b: usize, length: u32): bool {
  const n = <usize>length;
  if (n > 16) return sameLong(a, b, n);
  if (n >= 8) return ((load<u64>(a) ^ load<u64>(b)) | (load<u64>(a + n - 8) ^ load<u64>(b + n - 8))) == 0;
  if (n >= 4) return ((load<u32>(a) ^ load<u32>(b)) | (load<u32>(a + n - 4) ^ load<u32>(b + n - 4))) == 0;
  if (n >= 2) return ((load<u16>(a) ^ load<u16>(b)) | (load<u16>(a + n - 2) ^ load<u16>(b + n - 2))) == 0;
  return n == 0 || load<u8>(a) == load<u8>(b);
}

function sameLong(a: usize, b: usize, n: usize): bool {
  const last = n - 16;
  for (let i: usize = 0; i < last; i += 16)
    if (v128.any_true(v128.xor(v128.load(a + i), v128.load(b + i)))) return false;
  return !v128.any_true(v128.xor(v128.load(a + last), v128.load(b + last)));
}

// The same way.
// @ts-ignore: decorator
@inline function copy(to: usize, from: usize, length: u32): void {
  const n = <usize>length;
  if (n > 16) memory.copy(to, from, n);
  else if (n >= 8) {
    const last = load<u64>(from + n - 8);
    store<u64>(to, load<u64>(from));
    store<u64>(to + n - 8, last);
  } else if (n >= 4) {
    const last = load<u32>(from + n - 4);
    store<u32>(to, load<u32>(from));
    store<u32>(to + n - 4, last);
  } else if (n >= 2) {
    const last = load<u16>(from + n - 2);
    store<u16>(to, load<u16>(from));
    store<u16>(to + n - 2, last);
  } else if (n == 1) store<u8>(to, load<u8>(from));
}

// Splits a key of this shape; false: it has another.
function splitAs(shape: usize, key: usize, length: u32): bool {
  const count = <u32>load<u16>(shape, VALUES);
  let piece = firstPiece(shape);
  let at: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const fixed = pieceBytes(shape, i);
    if (at + fixed > length || !same(piece, key + at, fixed)) return false;
    const start = at + fixed;
    at = until(key, start, length, COMMA);
    if (at - start > LONGEST_VALUE) return false;
    store<u32>(valueAt + (<usize>i << 2), start);
    store<u32>(valueBytes + (<usize>i << 2), at - start);
    piece += fixed;
  }
  values = count;
  return at == length;
}

// Whether the key that was split has this shape.
function hasShape(shape: usize, key: usize): bool {
  if (load<u16>(shape, VALUES) != <u16>values) return false;
  let piece = firstPiece(shape);
  for (let i: u32 = 0; i < values; i++) {
    const start = pieceStart(i);
    const bytes = load<u32>(valueAt + (<usize>i << 2)) - start;
    if (bytes != pieceBytes(shape, i) || !same(piece, key + start, bytes)) return false;
    piece += bytes;
  }
  return true;
}

// The shape of the key that was split, made when new; 0: there is no room for one.
function shapeOf(key: usize): u32 {
  let hash: u64 = measurementBytes;
  let fixed: u32 = 0;
  for (let i: u32 = 0; i < values; i++) {
    const start = pieceStart(i);
    const bytes = load<u32>(valueAt + (<usize>i << 2)) - start;
    hash = xxHash64(key + start, bytes, hash);
    fixed += bytes;
  }
  let slot = <u32>hash & (SLOTS - 1);
  while (true) {
    const found = <u32>load<u16>(slots + (<usize>slot << 1));
    if (found == 0) break;
    const shape = shapeAt(found);
    if (load<u32>(shape, HASH) == <u32>(hash >> 32) && hasShape(shape, key)) {
      lastShape = found;
      return found;
    }
    slot = (slot + 1) & (SLOTS - 1);
  }
  if (shapeCount == MOST_SHAPES) return 0;
  const shape = take(<u32>LENGTHS + (values << 1) + fixed);
  if (shape == 0) return 0;
  store<u32>(shape, <u32>(hash >> 32), HASH);
  store<u16>(shape, <u16>values, VALUES);
  store<u16>(shape, <u16>fixed, FIXED);
  store<u16>(shape, <u16>measurementBytes, MEASUREMENT);
  let piece = firstPiece(shape);
  for (let i: u32 = 0; i < values; i++) {
    const start = pieceStart(i);
    const bytes = load<u32>(valueAt + (<usize>i << 2)) - start;
    store<u16>(shape + LENGTHS + (<usize>i << 1), <u16>bytes);
    memory.copy(piece, key + start, bytes);
    piece += bytes;
  }
  lastShape = shapeCount++;
  store<u32>(shapes + (<usize>lastShape << 2), <u32>shape);
  store<u16>(slots + (<usize>slot << 1), <u16>lastShape);
  return lastShape;
}

function take(bytes: u32): usize {
  if (chunkEnd - cursor < bytes) {
    const chunk = areaAlloc(max<u32>(65536, bytes + 8));
    if (chunk == 0) return 0;
    store<u32>(chunk, <u32>chunks);
    chunks = chunk;
    cursor = chunk + 8;
    chunkEnd = chunk + areaSize(chunk);
  }
  const taken = cursor;
  cursor += bytes;
  return taken;
}

// --- Packed keys ---

/** The shape of a key (at most 65,535 bytes), to be packed next. */
export function shapeOfKey(key: usize, length: u32): u32 {
  // (mostly it is that of the key before)
  if (lastShape != 0 && splitAs(shapeAt(lastShape), key, length)) return lastShape;
  return split(key, length) ? shapeOf(key) : 0;
}

/** Bytes that the key takes packed, after `shapeOfKey`. */
export function packedBytes(shape: u32, length: u32): u32 {
  return shape == 0 ? 4 + length : 2 + values + length - <u32>load<u16>(shapeAt(shape), FIXED);
}

/** Packs the key, after `shapeOfKey`. */
export function packKey(shape: u32, key: usize, length: u32, out: usize): void {
  store<u16>(out, <u16>shape);
  if (shape == 0) {
    store<u16>(out, <u16>length, 2);
    memory.copy(out + 4, key, length);
    return;
  }
  let value = out + 2 + values;
  for (let i: u32 = 0; i < values; i++) {
    const bytes = load<u32>(valueBytes + (<usize>i << 2));
    store<u8>(out + i, <u8>bytes, 2);
    copy(value, key + load<u32>(valueAt + (<usize>i << 2)), bytes);
    value += bytes;
  }
}

/** Length of a packed key. */
export function keyLength(packed: usize): u32 {
  const id = <u32>load<u16>(packed);
  if (id == 0) return load<u16>(packed, 2);
  const shape = shapeAt(id);
  const count = <u32>load<u16>(shape, VALUES);
  let length = <u32>load<u16>(shape, FIXED);
  for (let i: u32 = 0; i < count; i++) length += load<u8>(packed + i, 2);
  return length;
}

export function isKey(packed: usize, key: usize, length: u32): bool {
  const id = <u32>load<u16>(packed);
  if (id == 0) return <u32>load<u16>(packed, 2) == length && same(packed + 4, key, length);
  const shape = shapeAt(id);
  const count = <u32>load<u16>(shape, VALUES);
  let piece = firstPiece(shape);
  let value = packed + 2 + count;
  const end = key + length;
  for (let i: u32 = 0; i < count; i++) {
    const fixed = pieceBytes(shape, i);
    const bytes = <u32>load<u8>(packed + i, 2);
    if (end - key < fixed + bytes || !same(piece, key, fixed) || !same(value, key + fixed, bytes)) return false;
    piece += fixed;
    value += bytes;
    key += fixed + bytes;
  }
  return key == end;
}

/** Writes a packed key out; gives its length. */
export function unpackKey(packed: usize, out: usize): u32 {
  const id = <u32>load<u16>(packed);
  if (id == 0) {
    const length = <u32>load<u16>(packed, 2);
    memory.copy(out, packed + 4, length);
    return length;
  }
  const shape = shapeAt(id);
  const count = <u32>load<u16>(shape, VALUES);
  let piece = firstPiece(shape);
  let value = packed + 2 + count;
  let at = out;
  for (let i: u32 = 0; i < count; i++) {
    const fixed = pieceBytes(shape, i);
    copy(at, piece, fixed);
    const bytes = <u32>load<u8>(packed + i, 2);
    copy(at + fixed, value, bytes);
    piece += fixed;
    value += bytes;
    at += fixed + bytes;
  }
  return <u32>(at - out);
}

// --- Tags of packed keys ---

/** The number of the tag that `findTag` found. */
export let tagNumber: u32 = 0;
/** What `readTag` and `findTag` found: `key=value`, until the next, and the value, where it stands as long as the catalog. */
export let tagText: usize = 0;
export let tagBytes: u32 = 0;
export let tagValue: usize = 0;
export let tagValueBytes: u32 = 0;

/** Where `key=value` is put together: of tags that are read, of those that are found. */
const readRoom: usize = memory.data(65536);
const foundRoom: usize = memory.data(65536);

/** Reads the tag with this number, which is there. */
export function readTag(packed: usize, number: u32): void {
  const id = <u32>load<u16>(packed);
  if (id == 0) {
    const key = packed + 4;
    const length = <u32>load<u16>(packed, 2);
    let at = until(key, 0, length, COMMA);
    for (let i: u32 = 0; i < number; i++) at = until(key, at + 1, length, COMMA);
    plainTag(key, at + 1, until(key, at + 1, length, EQUALS), until(key, at + 1, length, COMMA));
    return;
  }
  const shape = shapeAt(id);
  let piece = firstPiece(shape);
  let value = packed + 2 + <usize>load<u16>(shape, VALUES);
  for (let i: u32 = 0; i < number; i++) {
    piece += pieceBytes(shape, i);
    value += load<u8>(packed + i, 2);
  }
  joinTag(shape, number, piece, value, load<u8>(packed + number, 2), readRoom);
}

/** Finds the tag whose key is the text; false = absent. */
export function findTag(packed: usize, text: usize, textBytes: u32): bool {
  const id = <u32>load<u16>(packed);
  tagNumber = 0;
  if (id == 0) {
    const key = packed + 4;
    const length = <u32>load<u16>(packed, 2);
    for (let at = until(key, 0, length, COMMA); at < length; tagNumber++) {
      const start = at + 1;
      const equals = until(key, start, length, EQUALS);
      at = until(key, min(equals + 1, length), length, COMMA);
      if (equals - start != textBytes || !same(key + start, text, textBytes)) continue;
      plainTag(key, start, equals, at);
      return true;
    }
    return false;
  }
  const shape = shapeAt(id);
  const count = <u32>load<u16>(shape, VALUES);
  let piece = firstPiece(shape);
  let value = packed + 2 + count;
  for (; tagNumber < count; tagNumber++) {
    const fixed = pieceBytes(shape, tagNumber);
    const bytes = <u32>load<u8>(packed + tagNumber, 2);
    const skipped = nameStart(shape, tagNumber);
    if (fixed - skipped - 1 == textBytes && same(piece + skipped, text, textBytes)) {
      joinTag(shape, tagNumber, piece, value, bytes, foundRoom);
      return true;
    }
    piece += fixed;
    value += bytes;
  }
  return false;
}

// What stands in a piece before the key of its tag.
// @ts-ignore: decorator
@inline function nameStart(shape: usize, number: u32): u32 { return number == 0 ? <u32>load<u16>(shape, MEASUREMENT) + 1 : 1; }

function joinTag(shape: usize, number: u32, piece: usize, value: usize, bytes: u32, room: usize): void {
  const skipped = nameStart(shape, number);
  const fixed = pieceBytes(shape, number) - skipped;
  copy(room, piece + skipped, fixed);
  copy(room + fixed, value, bytes);
  tagText = room;
  tagBytes = fixed + bytes;
  tagValue = value;
  tagValueBytes = bytes;
}

// A tag in [start, end) of a key as it is.
function plainTag(key: usize, start: u32, equals: u32, end: u32): void {
  tagText = key + start;
  tagBytes = end - start;
  const from = min(equals + 1, end);
  tagValue = key + from;
  tagValueBytes = end - from;
}
