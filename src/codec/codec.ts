// Column pages: one column of one row group as bytes, and back. The only switch between codecs is here.
//
// Everything is in linear memory; the kernels (assembly/page.ts, assembly/string-page.ts) choose among codecs by
// size and describe the bytes. What happens on this side is Snappy over the heap of string pages.
import { assert } from "../base/assert.ts";
import type { Kernels, Pointer } from "../kernels/kernels.ts";
import { FieldType } from "../model/types.ts";
import { PageError, pageError } from "./page-error.ts";
import { compress, uncompress } from "./snappy.ts";

/** Most rows that a page holds. */
export const MAX_PAGE_ROWS = 65_536;

/** A column in row-block form (src/README.md). */
export interface ColumnSource {
  readonly type: FieldType;
  readonly rowCount: number;
  /** 8 bytes a row. Strings: u32 offset into the heap, u32 length. */
  readonly values: Pointer;
  /** u8[rowCount] of 0 and 1, or 0: every row has a value. */
  readonly present: Pointer;
  /** Strings only, else 0. */
  readonly heap: Pointer;
  /** Upper bound of what the distinct strings take together. */
  readonly heapBytes: number;
}

export interface ColumnTarget {
  /** 8 bytes a row. */
  readonly values: Pointer;
  /** u8[rowCount]; written only when the page has nulls. May be 0 where nulls are impossible: then they are corrupt. */
  readonly present: Pointer;
  /** `pageHeapBytes` long; 0 unless strings. */
  readonly heap: Pointer;
}

/** An upper bound of `encodePage`, bytes: what `out` must have room for. */
export function maxPageBytes(type: FieldType, rowCount: number, heapBytes: number): number {
  return type === FieldType.String ? heapBytes + 24 * rowCount + 128 : 9 * rowCount + 64;
}

/** Encodes a column of up to 65,536 rows at `out`; returns the size of the page in bytes. */
export function encodePage(kernels: Kernels, column: ColumnSource, out: Pointer): number {
  const { type, rowCount, values, present, heap, heapBytes } = column;
  assert(rowCount <= MAX_PAGE_ROWS, `a page of ${rowCount} rows`);
  if (type !== FieldType.String) return kernels.call.encodeNumbers(type, rowCount, values, present, out);
  const sizeBytes = kernels.call.encodeStrings(rowCount, values, present, heap, heapBytes, out);
  return compressHeap(kernels, out, sizeBytes);
}

/**
 * Decodes a page of `rowCount` rows. Rows without a value become 0 (strings: the empty slot 0). `present` is
 * written only when `hasNulls`. Throws `PageError`; then the contents of `out` are undefined, nothing else was touched.
 */
export function decodePage(
  kernels: Kernels,
  type: FieldType,
  page: Pointer,
  pageBytes: number,
  rowCount: number,
  out: ColumnTarget,
): { hasNulls: boolean; heapBytes: number } {
  if (type !== FieldType.String) {
    const answer = kernels.call.decodeNumbers(type, page, pageBytes, rowCount, out.values, out.present);
    if (answer < 0) throw pageError(answer);
    return { hasNulls: answer === 1, heapBytes: 0 };
  }
  const heapBytes = pageHeapBytes(kernels, page, pageBytes);
  const format = kernels.bytes[page]!;
  if (format & COMPRESSED) decompressHeap(kernels, page, pageBytes, out.heap, heapBytes);
  const answer = kernels.call.decodeStrings(page, pageBytes, rowCount, out.values, out.present, out.heap);
  if (answer < 0) throw pageError(answer);
  return { hasNulls: answer === 1, heapBytes };
}

/** Room that the heap of a decoded page needs, bytes; 0 unless it holds strings. Throws `PageError`. */
export function pageHeapBytes(kernels: Kernels, page: Pointer, pageBytes: number): number {
  const bytes = kernels.view(page, pageBytes);
  const format = (bytes[0] ?? 0) & 0x3f;
  if (format !== PLAIN && format !== DICTIONARY) return 0;
  const [, afterRows] = readVarint(bytes, 1);
  const [heapBytes] = readVarint(bytes, afterRows);
  const { length } = storedHeap(bytes);
  // three bytes of Snappy stand for 64 at most
  const most = bytes[0]! & COMPRESSED ? length * 22 : length;
  if (heapBytes > most) throw new PageError(`string page claims a heap of ${heapBytes} bytes in ${length}`);
  return heapBytes;
}

/** Encodes i64[rowCount] (ns) at `out`, `maxPageBytes(FieldType.Integer, rowCount, 0)` long; returns the page's size. */
export function encodeTimes(kernels: Kernels, times: Pointer, rowCount: number, out: Pointer): number {
  assert(rowCount <= MAX_PAGE_ROWS, `a page of ${rowCount} rows`);
  return kernels.call.encodeNumbers(FieldType.Integer, rowCount, times, 0, out);
}

/** Decodes times to i64[rowCount]. Throws `PageError`. */
export function decodeTimes(
  kernels: Kernels,
  page: Pointer,
  pageBytes: number,
  rowCount: number,
  out: Pointer,
): void {
  const answer = kernels.call.decodeNumbers(FieldType.Integer, page, pageBytes, rowCount, out, 0);
  if (answer < 0) throw pageError(answer);
}

// assembly/string-page.ts
const PLAIN = 5;
const DICTIONARY = 6;
const COMPRESSED = 0x40;
const TRAILER_BYTES = 4;
/** Heaps below this are left alone; above, Snappy must save an eighth. */
const WORTH_COMPRESSING_BYTES = 128;

function compressHeap(kernels: Kernels, page: Pointer, sizeBytes: number): number {
  const bytes = kernels.view(page, sizeBytes);
  const heap = storedHeap(bytes);
  if (heap.length < WORTH_COMPRESSING_BYTES) return sizeBytes;
  const compressed = compress(heap);
  if (compressed.length > heap.length - (heap.length >> 3)) return sizeBytes;
  heap.set(compressed);
  const end = heap.byteOffset - page + compressed.length;
  new DataView(kernels.buffer, page).setUint32(end, compressed.length, true);
  bytes[0]! |= COMPRESSED;
  return end + TRAILER_BYTES;
}

function decompressHeap(
  kernels: Kernels,
  page: Pointer,
  pageBytes: number,
  target: Pointer,
  heapBytes: number,
): void {
  const stored = storedHeap(kernels.view(page, pageBytes));
  // a Snappy block starts with its decompressed size: checked before room is made for it
  if (readVarint(stored, 0)[0] !== heapBytes) throw new PageError("string page: its heap has another size");
  let heap: Uint8Array;
  try {
    heap = uncompress(stored);
  } catch (cause) {
    throw new PageError("string page: its heap does not decompress", { cause });
  }
  if (heap.length !== heapBytes) throw new PageError("string page: its heap has another size");
  kernels.put(target, heap);
}

/** The stored bytes of a string page's heap. */
function storedHeap(page: Uint8Array): Uint8Array {
  const end = page.length - TRAILER_BYTES;
  const length = end < 0 ? -1 : new DataView(page.buffer, page.byteOffset).getUint32(end, true);
  if (length < 0 || length > end) throw new PageError("string page ends before its heap");
  return page.subarray(end - length, end);
}

/** LEB128 up to 2^42: [value, offset after it]. */
function readVarint(bytes: Uint8Array, offset: number): [number, number] {
  let value = 0;
  for (let place = 0; place < 6; place++) {
    const byte = bytes[offset + place];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * place);
    if (byte < 0x80) return [value, offset + place + 1];
  }
  throw new PageError("string page: a number in its header does not end");
}
