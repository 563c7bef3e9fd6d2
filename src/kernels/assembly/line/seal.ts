// From tables, series and columns of a parse to the bytes of a WriteBatch (the layout: model/batch.ts), in an
// area of its own.
//
// Two passes: the size of everything, so that one area is enough and a body of sparse rows that would grow beyond
// measure is refused before a byte of it is written; then the bytes in their order.
import { chunkBytes, copyVector, mustAlloc, Vector } from "./memory";
import { BOOLEAN, Column, elementBytes, ESCAPED, Field, firstTable, Series, STRING, Table } from "./rows";
import { BACKSLASH, QUOTE } from "./text";

const MAGIC: u32 = 0x31425753;
const BATCH_HEADER: u32 = 40;
const TABLE_HEADER: u32 = 24;
const SERIES_ENTRY: u32 = 16;
const FIELD_ENTRY: u32 = 32;

@inline function align8(n: u64): u64 { return (n + 7) & ~7; }

/** Zeros up to the next multiple of 8; returns it. */
@inline function pad(p: usize): usize {
  const end = (p + 7) & ~7;
  memory.fill(p, 0, end - p);
  return end;
}

/**
 * Writes the batch; 0 when it would be larger than `maxBytes`.
 * @param names database and retention policy, end to end
 */
export function seal(
  names: usize, databaseBytes: u32, policyBytes: u32, rowCount: u32, minTime: i64, maxTime: i64, maxBytes: u32,
): usize {
  let size: u64 = align8(BATCH_HEADER + databaseBytes + policyBytes);
  let tables: u32 = 0;
  for (let p = firstTable(); p != 0; p = changetype<Table>(p).next) {
    const table = changetype<Table>(p);
    if (table.rowCount == 0) continue;
    tables++;
    size += tableSize(table);
  }
  if (size > maxBytes) return 0;
  const batch = mustAlloc(<u32>size);
  store<u32>(batch, MAGIC);
  store<u32>(batch, <u32>size, 4);
  store<u32>(batch, tables, 8);
  store<u32>(batch, rowCount, 12);
  store<i64>(batch, minTime, 16);
  store<i64>(batch, maxTime, 24);
  store<u16>(batch, <u16>databaseBytes, 32);
  store<u16>(batch, <u16>policyBytes, 34);
  store<u32>(batch, 0, 36);
  memory.copy(batch + BATCH_HEADER, names, databaseBytes + policyBytes);
  let out = pad(batch + BATCH_HEADER + databaseBytes + policyBytes);
  for (let p = firstTable(); p != 0; p = changetype<Table>(p).next) {
    const table = changetype<Table>(p);
    if (table.rowCount != 0) out = writeTable(table, out);
  }
  return batch;
}

function tableSize(table: Table): u64 {
  const rows = <u64>table.rowCount;
  let names: u64 = 0;
  let size: u64 = align8(TABLE_HEADER + table.nameBytes) + <u64>table.seriesCount * SERIES_ENTRY;
  for (let p = table.firstSeries; p != 0; p = changetype<Series>(p).next) names += changetype<Series>(p).keyBytes;
  for (let p = table.firstColumn; p != 0; p = changetype<Column>(p).next) {
    const column = changetype<Column>(p);
    if (column.count == 0) continue;
    names += changetype<Field>(column.field).nameBytes;
    size += FIELD_ENTRY + valuesSize(column) + align8(column.heapBytes);
    if (column.count < table.rowCount) size += align8((rows + 7) >> 3);
  }
  return size + align8(names) + align8(rows << 2) + (rows << 3);
}

function valuesSize(column: Column): u64 {
  const count = <u64>column.count;
  return column.type == STRING ? align8((count + 1) << 2) : align8(count * elementBytes(column.type));
}

function writeTable(table: Table, start: usize): usize {
  let columns: u32 = 0;
  for (let p = table.firstColumn; p != 0; p = changetype<Column>(p).next)
    if (changetype<Column>(p).count != 0) columns++;
  store<u32>(start, table.rowCount, 4);
  store<u32>(start, table.seriesCount, 8);
  store<u32>(start, columns, 12);
  store<u32>(start, table.nameBytes, 16);
  store<u32>(start, 0, 20);
  memory.copy(start + TABLE_HEADER, table.name, table.nameBytes);
  const series = pad(start + TABLE_HEADER + table.nameBytes);
  const fields = series + table.seriesCount * SERIES_ENTRY;
  let out = writeSeries(table, start, series, fields + columns * FIELD_ENTRY);
  out = writeFieldNames(table, start, fields, out);
  out = pad(copyVector(changetype<Vector>(table.rowSeries), out));
  out = copyVector(changetype<Vector>(table.times), out);
  let entry = fields;
  for (let p = table.firstColumn; p != 0; p = changetype<Column>(p).next) {
    const column = changetype<Column>(p);
    if (column.count == 0) continue;
    out = writeColumn(table, column, start, entry, out);
    entry += FIELD_ENTRY;
  }
  store<u32>(start, <u32>(out - start));
  return out;
}

function writeSeries(table: Table, start: usize, directory: usize, keys: usize): usize {
  let entry = directory;
  let out = keys;
  for (let p = table.firstSeries; p != 0; p = changetype<Series>(p).next) {
    const series = changetype<Series>(p);
    store<u64>(entry, series.hash);
    store<u32>(entry, <u32>(out - start), 8);
    store<u32>(entry, series.keyBytes, 12);
    memory.copy(out, series.key, series.keyBytes);
    out += series.keyBytes;
    entry += SERIES_ENTRY;
  }
  return out;
}

function writeFieldNames(table: Table, start: usize, directory: usize, names: usize): usize {
  let entry = directory;
  let out = names;
  for (let p = table.firstColumn; p != 0; p = changetype<Column>(p).next) {
    const column = changetype<Column>(p);
    if (column.count == 0) continue;
    const field = changetype<Field>(column.field);
    store<u32>(entry, <u32>(out - start));
    store<u32>(entry, field.nameBytes, 4);
    store<u32>(entry, column.type, 8);
    store<u32>(entry, column.count, 12);
    memory.copy(out, field.name, field.nameBytes);
    out += field.nameBytes;
    entry += FIELD_ENTRY;
  }
  return pad(out);
}

/** Writes presence, values and heap, and where they are to the field's entry. */
function writeColumn(table: Table, column: Column, start: usize, entry: usize, at: usize): usize {
  let out = at;
  store<u32>(entry, 0, 16);
  if (column.count < table.rowCount) {
    store<u32>(entry, <u32>(out - start), 16);
    out = writePresence(table, column, out);
  }
  store<u32>(entry, <u32>(out - start), 20);
  store<u64>(entry, 0, 24);
  if (column.type != STRING) {
    out = copyVector(column.values, out);
    return column.type == BOOLEAN ? pad(out) : out;
  }
  const offsets = out;
  const heap = pad(out + ((column.count + 1) << 2));
  store<u32>(entry, <u32>(heap - start), 24);
  store<u32>(entry, <u32>column.heapBytes, 28);
  return writeStrings(column, offsets, heap);
}

function writePresence(table: Table, column: Column, out: usize): usize {
  const end = out + (((<usize>table.rowCount + 63) >> 6) << 3);
  memory.fill(out, 0, end - out);
  const dense = column.sparse ? column.dense : column.count;
  memory.fill(out, 0xff, dense >> 3);
  if (dense & 7) store<u8>(out + (dense >> 3), (<u8>1 << <u8>(dense & 7)) - 1);
  if (!column.sparse) return end;
  const rows = changetype<Vector>(column.rows);
  for (let chunk = rows.first; chunk != 0; chunk = load<u32>(chunk)) {
    const chunkEnd = chunk + 8 + chunkBytes(rows, chunk);
    for (let p = chunk + 8; p < chunkEnd; p += 4) {
      const row = load<u32>(p);
      const byte = out + (row >> 3);
      store<u8>(byte, load<u8>(byte) | (<u8>1 << <u8>(row & 7)));
    }
  }
  return end;
}

function writeStrings(column: Column, offsets: usize, heap: usize): usize {
  let out = heap;
  let offset = offsets;
  store<u32>(offset, 0);
  const values = column.values;
  for (let chunk = values.first; chunk != 0; chunk = load<u32>(chunk)) {
    const chunkEnd = chunk + 8 + chunkBytes(values, chunk);
    for (let p = chunk + 8; p < chunkEnd; p += 8) {
      const raw = <usize>load<u32>(p);
      const length = load<u32>(p, 4);
      if (length & ESCAPED) out = unescape(raw, length & ~ESCAPED, out);
      else {
        memory.copy(out, raw, length);
        out += length;
      }
      offset += 4;
      store<u32>(offset, <u32>(out - heap));
    }
  }
  pad(offset + 4);
  return pad(out);
}

/** Only `\"` and `\\` are escapes in a string. */
function unescape(raw: usize, length: u32, to: usize): usize {
  let out = to;
  for (let i: u32 = 0; i < length; i++) {
    let c = load<u8>(raw + i);
    if (c == BACKSLASH && i + 1 < length) {
      const next = load<u8>(raw + i + 1);
      if (next == QUOTE || next == BACKSLASH) {
        c = next;
        i++;
      }
    }
    store<u8>(out++, c);
  }
  return out;
}
