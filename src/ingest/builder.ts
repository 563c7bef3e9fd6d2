// Builds the bytes of a WriteBatch (model/batch.ts) from points as JavaScript objects: for JSON and the
// library's `write`.
//
// A point is checked as a whole before any of it is kept, so a refused point leaves nothing behind. Columns
// hold the values of the rows that have one and the numbers of those rows; presence bitmaps are made at the
// end.
import { assert } from "../base/assert.ts";
import { InputError } from "../base/errors.ts";
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  FIELD_ENTRY_BYTES,
  SERIES_ENTRY_BYTES,
  TABLE_HEADER_BYTES,
} from "../model/batch.ts";
import { encodeKeyText, seriesKeyText, type Tag } from "../model/serieskey.ts";
import { FieldType, MAX_TIME, MIN_TIME } from "../model/types.ts";

/** number = float, bigint = integer (unsigned when above the int64 range), boolean, string. */
export type FieldValue = number | bigint | boolean | string;

export interface BatchTarget {
  readonly database: string;
  /** Empty or absent = the database's default policy. */
  readonly retentionPolicy?: string;
}

const MAX_INT64 = 0x7fff_ffff_ffff_ffffn;
const MAX_UINT64 = 0xffff_ffff_ffff_ffffn;
const utf8 = new TextEncoder();

type Encode = (text: string) => Uint8Array;

interface Column {
  readonly name: Uint8Array;
  readonly type: FieldType;
  readonly rows: number[];
  readonly values: FieldValue[];
}

/** The columns of one field: usually one. */
interface Field {
  readonly byType: (Column | undefined)[];
  /** The column that took the field's last value. */
  last: Column;
}

interface Table {
  readonly encode: Encode;
  readonly measurement: Uint8Array;
  /** Text of the canonical key -> index. */
  readonly seriesIndex: Map<string, number>;
  readonly seriesKeys: Uint8Array[];
  readonly fields: Map<string, Field>;
  /** All columns, in the order of their first values. */
  readonly columns: Column[];
  readonly rowSeries: number[];
  readonly times: bigint[];
  /** Which of all points each row is. */
  readonly rowPoints: number[];
}

export class BatchBuilder {
  readonly #database: Uint8Array;
  readonly #retentionPolicy: Uint8Array;
  readonly #encode: Encode;
  readonly #tables = new Map<string, Table>();
  #rowCount = 0;
  #minTime = 0n;
  #maxTime = 0n;

  /** `encode`: bytes of all names, tags and values that are taken as texts. */
  constructor(target: BatchTarget, encode: Encode = (text) => utf8.encode(text)) {
    this.#encode = encode;
    this.#database = utf8.encode(target.database);
    this.#retentionPolicy = utf8.encode(target.retentionPolicy ?? "");
    if (Math.max(this.#database.length, this.#retentionPolicy.length) > 0xffff)
      throw new InputError("database or retention policy name is longer than 65,535 bytes");
  }

  /** Points taken so far. */
  get rowCount(): number {
    return this.#rowCount;
  }

  /**
   * Takes one point. A field's type follows from its value unless it is given (a bigint as unsigned).
   * @param timeNs ns since the epoch.
   * @throws InputError that names what is wrong with the point; none of it is kept then.
   */
  add(
    name: string,
    tags: readonly Tag[],
    fields: readonly (readonly [name: string, value: FieldValue, type?: FieldType])[],
    timeNs: bigint,
  ): void {
    const measurement = name.toWellFormed(); // half a surrogate pair has no UTF-8
    const key = seriesKeyText(measurement, tags);
    if (timeNs < MIN_TIME || timeNs > MAX_TIME)
      throw new InputError(`time ${timeNs} is outside ${MIN_TIME} to ${MAX_TIME} ns`);
    let stored = 0;
    for (const [name, value] of fields) {
      checkValue(name, value);
      if (name !== "time") stored++;
    }
    if (stored === 0)
      throw new InputError(
        fields.length === 0
          ? "a point needs at least one field"
          : `"time" is not a field: a point needs another one`,
      );

    const { table, index } = this.#series(measurement, key);
    const row = this.#newRow(table, index, timeNs);
    for (const [name, value, type] of fields)
      if (name !== "time") setValue(table, row, name.toWellFormed(), type ?? typeOf(value), value);
  }

  /**
   * Takes rows of one series, as they stand in an answer. What cannot be stored is passed over: cells that are null, NaN
   * or infinite, and rows in which nothing is left.
   * @param timeColumn index of the column that has the times (bigint, ns)
   * @param typeOf type of a cell that is not null; whole numbers may come as number or bigint
   * @throws InputError when the series can have no key; nothing is kept then.
   */
  addRows(
    name: string,
    tags: readonly Tag[],
    timeColumn: number,
    columns: readonly string[],
    rows: readonly (readonly (FieldValue | null)[])[],
    typeOf: (column: number, cell: FieldValue) => FieldType,
  ): void {
    const measurement = name.toWellFormed();
    const names = columns.map((column) => column.toWellFormed());
    // (of several columns of one name the last one is written)
    const wanted = names.flatMap((each, c) =>
      c === timeColumn || each === "time" || each === "" || names.lastIndexOf(each) !== c ? [] : [c],
    );
    let place: { table: Table; index: number } | undefined;
    for (const cells of rows) {
      const time = cells[timeColumn];
      if (typeof time !== "bigint" || time < MIN_TIME || time > MAX_TIME) continue;
      let row = -1;
      for (const c of wanted) {
        const cell = cells[c]!;
        if (cell === null || (typeof cell === "number" && !Number.isFinite(cell))) continue;
        place ??= this.#series(measurement, seriesKeyText(measurement, tags));
        if (row < 0) row = this.#newRow(place.table, place.index, time);
        const type = typeOf(c, cell);
        const isWhole = type === FieldType.Integer || type === FieldType.Unsigned;
        setValue(place.table, row, names[c]!, type, isWhole ? BigInt(cell) : cell);
      }
    }
  }

  /** Which of the points that were taken, from 0, stands in this row of the finished batch. */
  pointOf(table: number, row: number): number {
    return [...this.#tables.values()][table]!.rowPoints[row]!;
  }

  /** The finished batch, in a new buffer. */
  finish(): Uint8Array {
    const tables = [...this.#tables.values()].map(layOut);
    const tablesOffset = align8(BATCH_HEADER_BYTES + this.#database.length + this.#retentionPolicy.length);
    const sizeBytes = tables.reduce((sum, table) => sum + table.sizeBytes, tablesOffset);
    if (sizeBytes > 0x4000_0000)
      throw new InputError("these points make a batch of over 1 GiB: write fewer of them at once");
    const bytes = new Uint8Array(sizeBytes);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, BATCH_MAGIC, true);
    view.setUint32(4, sizeBytes, true);
    view.setUint32(8, tables.length, true);
    view.setUint32(12, this.#rowCount, true);
    view.setBigInt64(16, this.#minTime, true);
    view.setBigInt64(24, this.#maxTime, true);
    view.setUint16(32, this.#database.length, true);
    view.setUint16(34, this.#retentionPolicy.length, true);
    bytes.set(this.#database, BATCH_HEADER_BYTES);
    bytes.set(this.#retentionPolicy, BATCH_HEADER_BYTES + this.#database.length);
    let offset = tablesOffset;
    for (const table of tables) {
      writeTable(bytes, view, offset, table);
      offset += table.sizeBytes;
    }
    return bytes;
  }

  #series(measurement: string, key: string): { table: Table; index: number } {
    let table = this.#tables.get(measurement);
    let index = table?.seriesIndex.get(key);
    if (table === undefined || index === undefined) {
      const bytes = encodeKeyText(key, this.#encode);
      table ??= this.#newTable(measurement);
      index = table.seriesKeys.push(bytes) - 1;
      table.seriesIndex.set(key, index);
    }
    return { table, index };
  }

  #newRow(table: Table, series: number, timeNs: bigint): number {
    table.rowSeries.push(series);
    if (this.#rowCount === 0 || timeNs < this.#minTime) this.#minTime = timeNs;
    if (this.#rowCount === 0 || timeNs > this.#maxTime) this.#maxTime = timeNs;
    table.rowPoints.push(this.#rowCount++);
    return table.times.push(timeNs) - 1;
  }

  #newTable(measurement: string): Table {
    const table: Table = {
      encode: this.#encode,
      measurement: this.#encode(measurement),
      seriesIndex: new Map(),
      seriesKeys: [],
      fields: new Map(),
      columns: [],
      rowSeries: [],
      times: [],
      rowPoints: [],
    };
    this.#tables.set(measurement, table);
    return table;
  }
}

function checkValue(name: string, value: FieldValue): void {
  if (name === "") throw new InputError("a field's name is empty");
  switch (typeof value) {
    case "number":
      if (!Number.isFinite(value))
        throw new InputError(`field ${JSON.stringify(name)}: ${value} cannot be stored`);
      return;
    case "bigint":
      if (value > MAX_UINT64 || value < -MAX_INT64 - 1n)
        throw new InputError(`field ${JSON.stringify(name)}: ${value} does not fit in 64 bits`);
      return;
    case "boolean":
    case "string":
      return;
    default: {
      const kind = value === null ? "null" : typeof value;
      throw new InputError(`field ${JSON.stringify(name)}: a ${kind} is not a value`);
    }
  }
}

function typeOf(value: FieldValue): FieldType {
  if (typeof value === "number") return FieldType.Float;
  if (typeof value === "bigint") return value > MAX_INT64 ? FieldType.Unsigned : FieldType.Integer;
  return typeof value === "boolean" ? FieldType.Boolean : FieldType.String;
}

/** Sets a field of the newest row; the last value of a field wins, whatever the types of the ones before. */
function setValue(table: Table, row: number, name: string, type: FieldType, value: FieldValue): void {
  let field = table.fields.get(name);
  let column = field?.byType[type];
  if (column === undefined) {
    column = { name: table.encode(name), type, rows: [], values: [] };
    table.columns.push(column);
    if (field === undefined) {
      field = { byType: [], last: column };
      table.fields.set(name, field);
    }
    field.byType[type] = column;
  }
  const { rows, values } = field!.last;
  if (rows.length > 0 && rows[rows.length - 1] === row) {
    rows.pop();
    values.pop();
  }
  field!.last = column;
  column.rows.push(row);
  column.values.push(value);
}

/** Where a column's sections stand, offsets from the start of its table. */
interface PlacedColumn {
  readonly column: Column;
  readonly strings: Uint8Array[];
  readonly nameOffset: number;
  presenceOffset: number;
  valuesOffset: number;
  heapOffset: number;
  heapBytes: number;
}

interface PlacedTable {
  readonly table: Table;
  readonly columns: PlacedColumn[];
  readonly seriesOffset: number;
  readonly fieldsOffset: number;
  readonly keysOffset: number;
  readonly rowSeriesOffset: number;
  readonly timesOffset: number;
  readonly sizeBytes: number;
}

function layOut(table: Table): PlacedTable {
  const rowCount = table.times.length;
  const columns = table.columns.filter((column) => column.rows.length > 0);
  const seriesOffset = align8(TABLE_HEADER_BYTES + table.measurement.length);
  const fieldsOffset = seriesOffset + table.seriesKeys.length * SERIES_ENTRY_BYTES;
  const keysOffset = fieldsOffset + columns.length * FIELD_ENTRY_BYTES;
  let offset = table.seriesKeys.reduce((sum, key) => sum + key.length, keysOffset);
  const placed = columns.map((column): PlacedColumn => {
    const nameOffset = offset;
    offset += column.name.length;
    const strings =
      column.type === FieldType.String ? column.values.map((value) => table.encode(String(value))) : [];
    return { column, strings, nameOffset, presenceOffset: 0, valuesOffset: 0, heapOffset: 0, heapBytes: 0 };
  });
  const rowSeriesOffset = align8(offset);
  const timesOffset = align8(rowSeriesOffset + rowCount * 4);
  offset = timesOffset + rowCount * 8;
  for (const place of placed) {
    const { type, values } = place.column;
    if (values.length < rowCount) {
      place.presenceOffset = offset;
      offset += align8(Math.ceil(rowCount / 8));
    }
    place.valuesOffset = offset;
    if (type === FieldType.String) {
      offset += align8((values.length + 1) * 4);
      place.heapOffset = offset;
      place.heapBytes = place.strings.reduce((sum, bytes) => sum + bytes.length, 0);
      offset += align8(place.heapBytes);
    } else offset += align8(values.length * (type === FieldType.Boolean ? 1 : 8));
  }
  return {
    table,
    columns: placed,
    seriesOffset,
    fieldsOffset,
    keysOffset,
    rowSeriesOffset,
    timesOffset,
    sizeBytes: offset,
  };
}

function writeTable(bytes: Uint8Array, view: DataView, start: number, placed: PlacedTable): void {
  const { table } = placed;
  view.setUint32(start, placed.sizeBytes, true);
  view.setUint32(start + 4, table.times.length, true);
  view.setUint32(start + 8, table.seriesKeys.length, true);
  view.setUint32(start + 12, placed.columns.length, true);
  view.setUint32(start + 16, table.measurement.length, true);
  bytes.set(table.measurement, start + TABLE_HEADER_BYTES);
  let keyOffset = placed.keysOffset;
  for (const [index, key] of table.seriesKeys.entries()) {
    const entry = start + placed.seriesOffset + index * SERIES_ENTRY_BYTES;
    view.setBigUint64(entry, Bun.hash.xxHash64(key, 0n), true);
    view.setUint32(entry + 8, keyOffset, true);
    view.setUint32(entry + 12, key.length, true);
    bytes.set(key, start + keyOffset);
    keyOffset += key.length;
  }
  new Uint32Array(bytes.buffer, start + placed.rowSeriesOffset, table.times.length).set(table.rowSeries);
  const times = new BigInt64Array(bytes.buffer, start + placed.timesOffset, table.times.length);
  for (let row = 0; row < times.length; row++) times[row] = table.times[row]!;
  for (const [index, column] of placed.columns.entries())
    writeColumn(bytes, view, start, start + placed.fieldsOffset + index * FIELD_ENTRY_BYTES, column);
}

function writeColumn(
  bytes: Uint8Array,
  view: DataView,
  table: number,
  entry: number,
  place: PlacedColumn,
): void {
  const { name, type, rows, values } = place.column;
  view.setUint32(entry, place.nameOffset, true);
  view.setUint32(entry + 4, name.length, true);
  view.setUint32(entry + 8, type, true);
  view.setUint32(entry + 12, values.length, true);
  view.setUint32(entry + 16, place.presenceOffset, true);
  view.setUint32(entry + 20, place.valuesOffset, true);
  view.setUint32(entry + 24, place.heapOffset, true);
  view.setUint32(entry + 28, place.heapBytes, true);
  bytes.set(name, table + place.nameOffset);
  if (place.presenceOffset !== 0)
    for (const row of rows) bytes[table + place.presenceOffset + (row >> 3)]! |= 1 << (row & 7);
  const at = table + place.valuesOffset;
  let heapAt = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (type === FieldType.Float) view.setFloat64(at + i * 8, value as number, true);
    else if (type === FieldType.Integer) view.setBigInt64(at + i * 8, value as bigint, true);
    else if (type === FieldType.Unsigned) view.setBigUint64(at + i * 8, value as bigint, true);
    else if (type === FieldType.Boolean) bytes[at + i] = value ? 1 : 0;
    else {
      const string = place.strings[i];
      assert(string !== undefined, "a string column without its strings");
      bytes.set(string, table + place.heapOffset + heapAt);
      heapAt += string.length;
      view.setUint32(at + (i + 1) * 4, heapAt, true);
    }
  }
}

function align8(offset: number): number {
  return Math.ceil(offset / 8) * 8;
}
