// Pages of times, numbers and booleans: one column of one row group in bytes, and back. Strings: string-page.ts.
//
//   u8 format     low 5 bits: how the values are coded; + 0x20 the row count is not told; + 0x80 there are rows without a value
//   varint        row count; only without 0x20 (version 1 and 2 of segments: since then it is the row group's to say)
//   presence      (row count + 7) / 8 bytes, bit r%8 of byte r/8 = row r has a value; only with the high bit
//   values        of the rows that have one:
//                 1 INTEGERS  integers, unsigned (modulo 2^64), booleans, times: integers-decode.ts
//                 2 RAW, 3 DECIMAL, 4 ORDERED, 7 ALL_DECIMAL  floats: floats.ts
//
// A page ends where its last section ends: fewer or more bytes are corrupt.
import { decodeFloats, encodeFloats, floatFormat } from "./floats";
import { decodeIntegers } from "./integers-decode";
import { encodeIntegers } from "./integers-encode";
import { CORRUPT, OTHER_ROWS, OTHER_TYPE } from "./page-answers";
import { gather } from "./masks";
import { countPresent, decodePresence, encodePresence, spread } from "./presence";
import { openPage, pageEnded, pageFailed, readByte, readVarint, takeBytes } from "./reader";
import { dense, MAX_ROWS } from "./workspace";

export const INTEGERS: u32 = 1;
const UNCOUNTED: u32 = 0x20;
const NULLS: u32 = 0x80;

// FieldType in model/types.ts
const FLOAT: u32 = 1;
const STRING: u32 = 5;

/**
 * Encodes `count` (up to 65,536) rows of 8-byte values of a FieldType other than string; `present` u8[count], or 0 when
 * all rows have a value. Returns the size of the page, at most 8 * count + count / 8 + 64 bytes.
 */
export function encodeNumbers(type: u32, count: u32, values: usize, present: usize, page: usize): u32 {
  if (count > MAX_ROWS) unreachable();
  let at = page + 1;
  let having = count;
  let nulls: u32 = 0;
  if (present) {
    having = countPresent(present, count);
    if (having < count) {
      nulls = NULLS;
      at = encodePresence(present, count, at);
      gather(values, present, count, dense);
      values = dense;
    }
  }
  let format = INTEGERS;
  if (having) {
    if (type == FLOAT) {
      at = encodeFloats(values, having, at);
      format = floatFormat();
    } else at = encodeIntegers(values, having, at, true);
  }
  store<u8>(page, <u8>(format | UNCOUNTED | nulls));
  return <u32>(at - page);
}

/**
 * How the values are coded of the page that was opened: the cursor stands at them. 0: its rows are not `count`, or some have no
 * value.
 */
export function openWholePage(count: u32): u32 {
  const format = readByte();
  if (!(format & UNCOUNTED) && readVarint() != count) return 0;
  return format & NULLS ? 0 : format & ~UNCOUNTED;
}

/**
 * Decodes a page of `count` rows to 8-byte values (0 where a row has none) and, when it has nulls, to `present`
 * u8[count]. Answers 1 = there are nulls, 0 = there are none (`present` is not written), or CORRUPT, OTHER_TYPE, OTHER_ROWS.
 */
export function decodeNumbers(type: u32, page: usize, sizeBytes: u32, count: u32, values: usize, present: usize): i32 {
  openPage(page, sizeBytes);
  const format = readByte();
  const rowCount = format & UNCOUNTED ? count : readVarint();
  if (pageFailed()) return CORRUPT;
  if (rowCount != count || count > MAX_ROWS) return OTHER_ROWS;
  let having = count;
  const nulls = format & NULLS;
  if (nulls) {
    if (!present) return OTHER_TYPE;
    const bitmap = takeBytes((count + 7) >> 3);
    if (pageFailed()) return CORRUPT;
    having = decodePresence(bitmap, count, present);
  }
  const coded = format & ~(UNCOUNTED | NULLS);
  if (having) {
    if (coded == INTEGERS) {
      if (type == FLOAT || type == STRING) return OTHER_TYPE;
      if (!decodeIntegers(having, values, 0)) return CORRUPT;
    } else {
      if (type != FLOAT) return OTHER_TYPE;
      if (!decodeFloats(coded, having, values)) return CORRUPT;
    }
  } else if (coded != INTEGERS) return CORRUPT;
  if (!pageEnded()) return CORRUPT;
  if (nulls) spread(values, present, count, having);
  return nulls ? 1 : 0;
}
