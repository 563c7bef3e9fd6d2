// The rows of a body while it is being parsed: a table per measurement, a column per field and type.
//
// A column is dense as long as every row so far has a value: then its count is the table's row count and no
// presence is kept. At its first gap it becomes sparse: rows 0 .. dense-1 had values, and the row numbers of
// the later values are kept. A row counts from `commitRow` on. Until then `undoRow` takes its values back: they
// hang on the chain of touched columns.
import { allocate, growVector, initVector, Vector } from "./memory";

export const FLOAT: u32 = 1;
export const INTEGER: u32 = 2;
export const UNSIGNED: u32 = 3;
export const BOOLEAN: u32 = 4;
export const STRING: u32 = 5;

const NO_ROW: u32 = 0xffffffff;

/** Set in the length of a string value that holds escapes. */
export const ESCAPED: u32 = 0x80000000;

@unmanaged
export class Table {
  /** The field entry that came first in the last row (see Entry.next), or 0. */
  firstField: usize;
  next: usize;
  /** Unescaped name. */
  name: usize;
  nameBytes: u32;
  rowCount: u32;
  seriesCount: u32;
  firstSeries: usize;
  lastSeries: usize;
  firstColumn: usize;
  lastColumn: usize;
  rowSeries: usize; // Vector of u32
  times: usize; // Vector of i64
}

@unmanaged
export class Series {
  hash: u64;
  key: usize; // canonical
  keyBytes: u32;
  table: usize;
  next: usize;
  /** Index in the table's directory, or -1 before its first row. */
  index: i32;
}

@unmanaged
export class Field {
  name: usize; // unescaped
  nameBytes: u32;
  /** More than one column, a sparse one, or the name `time`: off the fast path. */
  special: u32;
  isTime: u32;
  /** Columns by type; 0 = none. */
  column0: usize;
  column1: usize;
  column2: usize;
  column3: usize;
  column4: usize;
  column5: usize;
}

@unmanaged
export class Column {
  values: Vector; // f64, i64, u64, u8 or pairs of u32: pointer, length | ESCAPED
  count: u32;
  type: u32;
  field: usize;
  next: usize; // in the table
  touched: usize; // the column touched before this one in the open row
  touchedRow: u32; // row in which it is on that chain though it may have no value
  sparse: u32;
  dense: u32; // when sparse: how many rows from 0 on have values without being in `rows`
  lastRow: u32; // when sparse: row of the last value
  rows: usize; // when sparse: Vector of u32
  heapBytes: u64; // strings: bytes once unescaped
  lastBytes: u32; // of the last string
}

let firstTableFound: usize = 0;
let lastTableFound: usize = 0;
let touchedColumns: usize = 0;

export function initRows(): void {
  firstTableFound = 0;
  lastTableFound = 0;
  touchedColumns = 0;
}

export function firstTable(): usize {
  return firstTableFound;
}

@inline export function elementBytes(type: u32): u32 {
  return type == BOOLEAN ? 1 : 8;
}

function newVector(): usize {
  const vector = allocate(offsetof<Vector>());
  initVector(changetype<Vector>(vector));
  return vector;
}

export function newTable(name: usize, nameBytes: u32): Table {
  const pointer = allocate(offsetof<Table>());
  memory.fill(pointer, 0, offsetof<Table>());
  const table = changetype<Table>(pointer);
  table.name = name;
  table.nameBytes = nameBytes;
  table.rowSeries = newVector();
  table.times = newVector();
  if (lastTableFound == 0) firstTableFound = pointer;
  else changetype<Table>(lastTableFound).next = pointer;
  lastTableFound = pointer;
  return table;
}

export function newSeries(table: Table, key: usize, keyBytes: u32, hash: u64): Series {
  const series = changetype<Series>(allocate(offsetof<Series>()));
  series.hash = hash;
  series.key = key;
  series.keyBytes = keyBytes;
  series.table = changetype<usize>(table);
  series.next = 0;
  series.index = -1;
  return series;
}

export function newField(name: usize, nameBytes: u32): Field {
  const pointer = allocate(offsetof<Field>());
  memory.fill(pointer, 0, offsetof<Field>());
  const field = changetype<Field>(pointer);
  field.name = name;
  field.nameBytes = nameBytes;
  if (nameBytes == 4 && load<u32>(name) == 0x656d6974) {
    field.isTime = 1;
    field.special = 1;
  }
  return field;
}

@inline export function columnOf(field: Field, type: u32): usize {
  return load<usize>(changetype<usize>(field) + (type << 2), offsetof<Field>("column0"));
}

export function newColumn(table: Table, field: Field, type: u32): Column {
  const pointer = allocate(offsetof<Column>());
  memory.fill(pointer, 0, offsetof<Column>());
  const column = changetype<Column>(pointer);
  column.values = changetype<Vector>(newVector());
  column.type = type;
  column.field = changetype<usize>(field);
  column.touchedRow = NO_ROW;
  column.lastRow = NO_ROW;
  for (let other: u32 = FLOAT; other <= STRING; other++) if (columnOf(field, other) != 0) field.special = 1;
  store<usize>(changetype<usize>(field) + (type << 2), pointer, offsetof<Field>("column0"));
  if (table.lastColumn == 0) table.firstColumn = pointer;
  else changetype<Column>(table.lastColumn).next = pointer;
  table.lastColumn = pointer;
  return column;
}

@inline function hasValue(column: Column, row: u32): bool {
  return column.sparse ? column.lastRow == row : column.count == row + 1;
}

/** Where to store the open row's value of this field, 8 bytes (a boolean takes one). */
@inline export function slotFor(table: Table, field: Field, type: u32): usize {
  let column = changetype<Column>(columnOf(field, type));
  const row = table.rowCount;
  if (changetype<usize>(column) == 0 || field.special || column.count != row) return rareSlot(table, field, type);
  column.touched = touchedColumns;
  touchedColumns = changetype<usize>(column);
  column.count = row + 1;
  const values = column.values;
  let slot = values.position;
  if (slot == values.end) slot = growVector(values, elementBytes(type));
  values.position = slot + elementBytes(type);
  return slot;
}

const ignored: usize = memory.data(16, 16);

/**
 * `slotFor` for a new column, a gap, a field that came before in this row, and the field `time`, which is
 * ignored.
 */
function rareSlot(table: Table, field: Field, type: u32): usize {
  if (field.isTime) return ignored;
  const row = table.rowCount;
  let column = changetype<Column>(columnOf(field, type));
  if (changetype<usize>(column) == 0) column = newColumn(table, field, type);
  for (let other: u32 = FLOAT; other <= STRING; other++) {
    const sibling = changetype<Column>(columnOf(field, other));
    if (changetype<usize>(sibling) == 0 || !hasValue(sibling, row)) continue;
    removeLast(sibling); // the last value of a field in a line wins, whatever the types
    sibling.touchedRow = row;
  }
  if (column.count != row && !column.sparse) {
    column.sparse = 1;
    field.special = 1; // within a row the count of a sparse column may equal the row's number
    column.dense = column.count;
    column.rows = newVector();
  }
  if (column.touchedRow != row) {
    column.touchedRow = row;
    column.touched = touchedColumns;
    touchedColumns = changetype<usize>(column);
  }
  if (column.sparse) {
    column.lastRow = row;
    append32(changetype<Vector>(column.rows), row);
  }
  column.count++;
  const values = column.values;
  let slot = values.position;
  if (slot == values.end) slot = growVector(values, elementBytes(type));
  values.position = slot + elementBytes(type);
  return slot;
}

/** Counts a string for the heap: call right after `slotFor`. */
@inline export function countString(field: Field, bytes: u32): void {
  const column = changetype<Column>(columnOf(field, STRING));
  if (changetype<usize>(column) == 0) return; // the field `time`
  column.heapBytes += bytes;
  column.lastBytes = bytes;
}

function removeLast(column: Column): void {
  column.count--;
  column.values.position -= elementBytes(column.type);
  column.heapBytes -= column.lastBytes;
  column.lastBytes = 0;
  if (column.sparse) {
    changetype<Vector>(column.rows).position -= 4;
    column.lastRow = NO_ROW;
  }
}

/** Whether the open row has touched any column. */
@inline export function rowTouched(): bool {
  return touchedColumns != 0;
}

/** Takes the values of the open row back. */
export function undoRow(table: Table): void {
  for (let pointer = touchedColumns; pointer != 0; ) {
    const column = changetype<Column>(pointer);
    if (hasValue(column, table.rowCount)) removeLast(column);
    column.touchedRow = NO_ROW;
    pointer = column.touched;
  }
  touchedColumns = 0;
}

@inline export function commitRow(table: Table, series: Series, time: i64): void {
  touchedColumns = 0;
  if (series.index < 0) enterSeries(table, series);
  append32(changetype<Vector>(table.rowSeries), series.index);
  const times = changetype<Vector>(table.times);
  let slot = times.position;
  if (slot == times.end) slot = growVector(times, 8);
  times.position = slot + 8;
  store<i64>(slot, time);
  table.rowCount++;
}

function enterSeries(table: Table, series: Series): void {
  series.index = table.seriesCount++;
  if (table.lastSeries == 0) table.firstSeries = changetype<usize>(series);
  else changetype<Series>(table.lastSeries).next = changetype<usize>(series);
  table.lastSeries = changetype<usize>(series);
}

@inline function append32(vector: Vector, value: u32): void {
  let slot = vector.position;
  if (slot == vector.end) slot = growVector(vector, 4);
  vector.position = slot + 4;
  store<u32>(slot, value);
}
