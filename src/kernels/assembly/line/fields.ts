// The second section of a line, `name=value,name=value`, into the columns of its table.
//
// Lines of a measurement mostly have the same fields in the same order, so each name is first compared with the
// one that followed last time; and values are mostly short numbers, so those are parsed here, eight digits at a
// step, and everything else in value.ts.
import { countDigits, firstDigits, integerPower, lessZeros, scaleDown } from "../number";
import { addEntry, Entry, findEntry, hashBytes, sameBytes } from "./dictionary";
import { allocate } from "./memory";
import { fail, INVALID_FIELD_FORMAT, MISSING_FIELD_KEY } from "./reason";
import { BOOLEAN, countString, Field, FLOAT, INTEGER, newField, slotFor, STRING, Table } from "./rows";
import { BACKSLASH, COMMA, DOT, EQUALS, MINUS, NEWLINE, newlineEscaped, QUOTE, SPACE } from "./text";
import { atValueEnd, rareValue, stringBytes, valueBits, valueType } from "./value";

// scopes of the dictionary from here on are tables; the smaller ones are key.ts's
const FIELD_NAMES: u32 = 0x80000000;

/**
 * Parses fields from `start` to the first unescaped space or the line's end, which it returns; 0 when the line
 * is wrong.
 */
export function parseFields(start: usize, table: Table): usize {
  let p = start;
  let link = changetype<usize>(table); // Table.firstField and Entry.next both come first
  while (true) {
    let entry = changetype<Entry>(load<usize>(link));
    if (changetype<usize>(entry) == 0 || !sameBytes(entry.key, p, entry.length)) {
      entry = changetype<Entry>(fieldAt(p, table));
      if (changetype<usize>(entry) == 0) return 0;
      store<usize>(link, changetype<usize>(entry));
    }
    link = changetype<usize>(entry);
    p += entry.length;
    const field = changetype<Field>(entry.target);

    const negative = load<u8>(p) == MINUS;
    let q = p + <usize>negative;
    let digits = lessZeros(q);
    let count = countDigits(digits);
    let end: usize = 0;
    if (count != 0) {
      let mantissa = firstDigits(digits, count);
      let total = count;
      q += count;
      while (count == 8 && total < 24) {
        digits = lessZeros(q);
        count = countDigits(digits);
        if (count == 0) break;
        mantissa = mantissa * integerPower(count) + firstDigits(digits, count);
        total += count;
        q += count;
      }
      const c = load<u8>(q);
      if (c == 0x69) {
        if (total <= 18 && atValueEnd(q + 1)) {
          store<i64>(slotFor(table, field, INTEGER), negative ? -<i64>mantissa : <i64>mantissa);
          end = q + 1;
        }
      } else {
        let places: u32 = 0;
        if (c == DOT) {
          q++;
          do {
            digits = lessZeros(q);
            count = countDigits(digits);
            if (count == 0) break;
            mantissa = mantissa * integerPower(count) + firstDigits(digits, count);
            places += count;
            q += count;
          } while (count == 8 && places < 24);
        }
        if (total + places <= 19 && atValueEnd(q)) {
          const magnitude = scaleDown(mantissa, places);
          store<f64>(slotFor(table, field, FLOAT), negative ? -magnitude : magnitude);
          end = q;
        }
      }
    }
    if (end == 0) {
      end = rareValue(p);
      if (end == 0) return 0;
      const slot = slotFor(table, field, valueType);
      if (valueType == BOOLEAN) store<u8>(slot, <u8>valueBits);
      else store<u64>(slot, valueBits);
      if (valueType == STRING) countString(field, stringBytes);
    }
    p = end;
    if (load<u8>(p) != COMMA) break;
    p++;
  }
  return p;
}

/** The entry of the field name, with its `=`, that starts at `start`; 0 when there is none. */
function fieldAt(start: usize, table: Table): usize {
  let p = start;
  let escapes = false;
  for (; true; p++) {
    const c = load<u8>(p);
    if (c == EQUALS) break;
    if (c == BACKSLASH) {
      if (load<u8>(p + 1) == NEWLINE && !newlineEscaped(p + 1, start)) return fail(INVALID_FIELD_FORMAT);
      escapes = true;
      p++;
    } else if (c == COMMA || c == SPACE || c == NEWLINE) return fail(INVALID_FIELD_FORMAT);
  }
  if (p == start) return fail(MISSING_FIELD_KEY);
  const length = <u32>(p + 1 - start);
  const scope = FIELD_NAMES + <u32>changetype<usize>(table);
  const hash = hashBytes(start, length, scope);
  const known = findEntry(start, length, scope, hash);
  if (known != 0) return known;
  let field: usize = 0;
  if (!escapes) field = changetype<usize>(newField(start, length - 1));
  else field = escapedField(start, length, scope);
  return changetype<usize>(addEntry(start, length, scope, hash, field));
}

/**
 * The field that a raw name with backslashes stands for. It is also entered by its unescaped name, which is
 * either that field's other raw form (`a"b` and `a\"b`) or no raw name at all.
 */
function escapedField(raw: usize, rawBytes: u32, scope: u32): usize {
  const name = allocate(rawBytes + 16);
  let length: u32 = 0;
  for (let i: u32 = 0; i < rawBytes; i++) {
    let c = load<u8>(raw + i);
    if (c == BACKSLASH) {
      const next = load<u8>(raw + ++i);
      if (next != COMMA && next != SPACE && next != EQUALS && next != QUOTE) store<u8>(name + length++, c);
      c = next;
    }
    store<u8>(name + length++, c);
  }
  if (length == rawBytes) return changetype<usize>(newField(raw, rawBytes - 1));
  const hash = hashBytes(name, length, scope);
  let entry = findEntry(name, length, scope, hash);
  if (entry == 0) {
    const field = newField(name, length - 1);
    entry = changetype<usize>(addEntry(name, length, scope, hash, changetype<usize>(field)));
  }
  return changetype<Entry>(entry).target;
}
