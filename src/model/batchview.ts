// A typed reader over the bytes of a WriteBatch (layout: batch.ts). `openBatch` checks every offset, count and
// length once, so that what comes after may trust them: bytes from a log or from a peer must pass here before
// anything else looks at them.
//
// Offsets in the views count from the start of the batch: add the batch's pointer to hand them to a kernel.
import { CorruptionError } from "../base/errors.ts";
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  FIELD_ENTRY_BYTES,
  SERIES_ENTRY_BYTES,
  TABLE_HEADER_BYTES,
} from "./batch.ts";
import { FieldType } from "./types.ts";

/**
 * A value of a field as JavaScript holds it: float number, integer and unsigned bigint, boolean, string its
 * bytes.
 */
export type BatchValue = number | bigint | boolean | Uint8Array;

/** One row, for tests and for people: every name still as bytes (names need not be UTF-8). */
export interface BatchRow {
  readonly series: number;
  readonly time: bigint;
  /** One per field of the table, undefined where the row has no value. */
  readonly values: (BatchValue | undefined)[];
}

/**
 * A field of a table: the column that holds its values. Offsets from the start of the batch, 0 where there is
 * nothing.
 */
export interface BatchField {
  readonly name: Uint8Array;
  readonly type: FieldType;
  readonly valueCount: number;
  /** Bitmap, one bit a row; 0 = every row has a value. */
  readonly presenceOffset: number;
  readonly valuesOffset: number;
  readonly heapOffset: number;
  readonly heapBytes: number;
}

/** The rows of one measurement. */
export class BatchTable {
  constructor(
    readonly bytes: Uint8Array,
    readonly offset: number,
    readonly measurement: Uint8Array,
    readonly rowCount: number,
    readonly seriesCount: number,
    readonly fields: readonly BatchField[],
    readonly seriesOffset: number,
    readonly rowSeriesOffset: number,
    readonly timesOffset: number,
  ) {}

  get #view(): DataView {
    return new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }

  /** xxHash64 (seed 0) of a series' key. */
  seriesHash(series: number): bigint {
    return this.#view.getBigUint64(this.seriesOffset + series * SERIES_ENTRY_BYTES, true);
  }

  /** The canonical key of a series: a view, not a copy. */
  seriesKey(series: number): Uint8Array {
    const entry = this.seriesOffset + series * SERIES_ENTRY_BYTES;
    const start = this.offset + this.#view.getUint32(entry + 8, true);
    return this.bytes.subarray(start, start + this.#view.getUint32(entry + 12, true));
  }

  /** Series index of each row: a view, not a copy. */
  get rowSeries(): Uint32Array {
    return new Uint32Array(this.bytes.buffer, this.bytes.byteOffset + this.rowSeriesOffset, this.rowCount);
  }

  /** Time of each row, ns: a view, not a copy. */
  get times(): BigInt64Array {
    return new BigInt64Array(this.bytes.buffer, this.bytes.byteOffset + this.timesOffset, this.rowCount);
  }

  /** The rows in arrival order, as objects: for tests, tools and error messages, not for the write path. */
  *rows(): Generator<BatchRow> {
    const view = this.#view;
    const next = this.fields.map(() => 0);
    for (let row = 0; row < this.rowCount; row++) {
      const values = this.fields.map((field, index) => {
        const bit = view.getUint8(field.presenceOffset + (row >> 3)) & (1 << (row & 7));
        if (field.presenceOffset !== 0 && bit === 0) return undefined;
        return this.#value(view, field, next[index]!++);
      });
      const series = view.getUint32(this.rowSeriesOffset + row * 4, true);
      yield { series, time: view.getBigInt64(this.timesOffset + row * 8, true), values };
    }
  }

  #value(view: DataView, field: BatchField, index: number): BatchValue {
    const at = field.valuesOffset;
    switch (field.type) {
      case FieldType.Float:
        return view.getFloat64(at + index * 8, true);
      case FieldType.Integer:
        return view.getBigInt64(at + index * 8, true);
      case FieldType.Unsigned:
        return view.getBigUint64(at + index * 8, true);
      case FieldType.Boolean:
        return view.getUint8(at + index) === 1;
      case FieldType.String:
        return this.bytes.slice(
          field.heapOffset + view.getUint32(at + index * 4, true),
          field.heapOffset + view.getUint32(at + index * 4 + 4, true),
        );
    }
  }
}

/** A whole batch. */
export interface BatchView {
  /** The bytes that the views look at: those given, or an aligned copy of them. */
  readonly bytes: Uint8Array;
  readonly database: string;
  /** "" = the database's default policy. */
  readonly retentionPolicy: string;
  readonly rowCount: number;
  /** Smallest and largest time, ns; both 0 when there are no rows. */
  readonly minTime: bigint;
  readonly maxTime: bigint;
  readonly tables: readonly BatchTable[];
}

/**
 * Opens the bytes of one batch and checks all of it: sizes, offsets, series indices, presence against value counts,
 * string offsets, series hashes and the range of time.
 * @param source what to call the bytes in an error (a file name, "batch from node 3").
 * @throws CorruptionError with the offset in `bytes` of the first thing that cannot be.
 */
export function openBatch(bytes: Uint8Array, source = "write batch"): BatchView {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  return new BatchCheck(aligned, source).batch();
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const COMMA = 0x2c;
const valueBytes: Readonly<Record<FieldType, number>> = { 1: 8, 2: 8, 3: 8, 4: 1, 5: 4 };

class BatchCheck {
  readonly #bytes: Uint8Array;
  readonly #source: string;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, source: string) {
    this.#bytes = bytes;
    this.#source = source;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #expect(condition: boolean, offset: number, reason: string): void {
    if (!condition) throw new CorruptionError(this.#source, offset, reason);
  }

  #u32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  /** Checks that [start, start + size) lies in [.., end) and is aligned as sections are. */
  #section(start: number, sizeBytes: number, end: number, at: number, what: string): void {
    this.#expect(start % 8 === 0, at, `${what} not at a multiple of 8`);
    this.#expect(start + sizeBytes <= end, at, `${what} run${what.endsWith("s") ? "" : "s"} past the end`);
  }

  batch(): BatchView {
    const bytes = this.#bytes;
    const view = this.#view;
    this.#expect(bytes.byteLength >= BATCH_HEADER_BYTES, 0, "shorter than a batch header");
    this.#expect(this.#u32(0) === BATCH_MAGIC, 0, "not a write batch (magic)");
    const sizeBytes = this.#u32(4);
    this.#expect(sizeBytes === bytes.byteLength && sizeBytes % 8 === 0, 4, `size ${sizeBytes} is wrong`);
    const databaseLength = view.getUint16(32, true);
    const policyLength = view.getUint16(34, true);
    const policyStart = BATCH_HEADER_BYTES + databaseLength;
    let offset = align8(policyStart + policyLength);
    this.#expect(offset <= sizeBytes, 32, "names run past the end");
    const database = this.#text(BATCH_HEADER_BYTES, databaseLength);
    const retentionPolicy = this.#text(policyStart, policyLength);

    const tables: BatchTable[] = [];
    const tableCount = this.#u32(8);
    let rowCount = 0;
    for (let i = 0; i < tableCount; i++) {
      this.#expect(offset + TABLE_HEADER_BYTES <= sizeBytes, 8, `table ${i} runs past the end`);
      const tableBytes = this.#u32(offset);
      this.#expect(
        tableBytes >= TABLE_HEADER_BYTES && tableBytes % 8 === 0 && offset + tableBytes <= sizeBytes,
        offset,
        `table size ${tableBytes} is wrong`,
      );
      const table = this.#table(offset, tableBytes);
      tables.push(table);
      rowCount += table.rowCount;
      offset += tableBytes;
    }
    this.#expect(offset === sizeBytes, 4, "bytes after the last table");
    this.#expect(rowCount === this.#u32(12), 12, `row count is not the tables' ${rowCount}`);
    const minTime = view.getBigInt64(16, true);
    const maxTime = view.getBigInt64(24, true);
    this.#checkTimes(tables, minTime, maxTime);
    return { bytes, database, retentionPolicy, rowCount, minTime, maxTime, tables };
  }

  #text(offset: number, length: number): string {
    try {
      return utf8.decode(this.#bytes.subarray(offset, offset + length));
    } catch {
      throw new CorruptionError(this.#source, offset, "name is not UTF-8");
    }
  }

  #table(offset: number, tableBytes: number): BatchTable {
    const end = offset + tableBytes;
    const rowCount = this.#u32(offset + 4);
    const seriesCount = this.#u32(offset + 8);
    const fieldCount = this.#u32(offset + 12);
    const nameBytes = this.#u32(offset + 16);
    const seriesOffset = align8(offset + TABLE_HEADER_BYTES + nameBytes);
    const fieldsOffset = seriesOffset + seriesCount * SERIES_ENTRY_BYTES;
    const keysOffset = fieldsOffset + fieldCount * FIELD_ENTRY_BYTES;
    this.#section(keysOffset, 0, end, offset + 8, "directories");
    const measurement = this.#bytes.subarray(
      offset + TABLE_HEADER_BYTES,
      offset + TABLE_HEADER_BYTES + nameBytes,
    );
    this.#expect(nameBytes > 0, offset + 16, "measurement without a name");

    let keysEnd = keysOffset;
    for (let i = 0; i < seriesCount; i++)
      keysEnd = this.#series(
        seriesOffset + i * SERIES_ENTRY_BYTES,
        offset,
        keysOffset,
        end,
        measurement,
        keysEnd,
      );
    const fields: BatchField[] = [];
    const seen = new Set<string>();
    for (let i = 0; i < fieldCount; i++) {
      const at = fieldsOffset + i * FIELD_ENTRY_BYTES;
      const field = this.#field(at, offset, keysOffset, end, rowCount);
      keysEnd = Math.max(keysEnd, field.name.byteOffset - this.#bytes.byteOffset + field.name.byteLength);
      const identity = `${field.type}${Buffer.from(field.name).toString("latin1")}`;
      this.#expect(!seen.has(identity), at, "the same field of the same type twice");
      seen.add(identity);
      fields.push(field);
    }
    const rowSeriesOffset = align8(keysEnd);
    const timesOffset = align8(rowSeriesOffset + rowCount * 4);
    this.#section(timesOffset, rowCount * 8, end, offset + 4, "times");
    for (let row = 0; row < rowCount; row++)
      this.#expect(
        this.#u32(rowSeriesOffset + row * 4) < seriesCount,
        rowSeriesOffset + row * 4,
        "row names a series that is not there",
      );
    return new BatchTable(
      this.#bytes,
      offset,
      measurement,
      rowCount,
      seriesCount,
      fields,
      seriesOffset,
      rowSeriesOffset,
      timesOffset,
    );
  }

  /** Checks a series entry; returns the new end of the keys. */
  #series(
    at: number,
    table: number,
    keysOffset: number,
    end: number,
    measurement: Uint8Array,
    keysEnd: number,
  ): number {
    const start = table + this.#u32(at + 8);
    const length = this.#u32(at + 12);
    this.#expect(start >= keysOffset && start + length <= end, at, "series key outside its table");
    const key = this.#bytes.subarray(start, start + length);
    this.#expect(startsWithMeasurement(key, measurement), at, "series key of another measurement");
    this.#expect(
      Bun.hash.xxHash64(key, 0n) === this.#view.getBigUint64(at, true),
      at,
      "series hash is not its key's",
    );
    return Math.max(keysEnd, start + length);
  }

  #field(at: number, table: number, keysOffset: number, end: number, rowCount: number): BatchField {
    const nameStart = table + this.#u32(at);
    const nameLength = this.#u32(at + 4);
    this.#expect(
      nameLength > 0 && nameStart >= keysOffset && nameStart + nameLength <= end,
      at,
      "field name outside its table",
    );
    const type = this.#u32(at + 8) as FieldType;
    this.#expect(type >= FieldType.Float && type <= FieldType.String, at + 8, `no field type ${type}`);
    const valueCount = this.#u32(at + 12);
    const presence = this.#u32(at + 16);
    const values = table + this.#u32(at + 20);
    const heap = this.#u32(at + 24);
    const heapBytes = this.#u32(at + 28);
    this.#expect(valueCount <= rowCount, at + 12, "more values than rows");
    this.#section(
      values,
      (valueCount + (type === FieldType.String ? 1 : 0)) * valueBytes[type],
      end,
      at + 20,
      "values",
    );
    this.#expect(values >= keysOffset, at + 20, "values outside their place");
    if (presence === 0)
      this.#expect(valueCount === rowCount, at + 12, "fewer values than rows, but no presence");
    else this.#checkPresence(at, table + presence, end, keysOffset, rowCount, valueCount);
    if (type === FieldType.String) this.#checkStrings(at, values, valueCount, table + heap, heapBytes, end);
    else this.#expect(heap === 0 && heapBytes === 0, at + 24, "a heap without strings");
    if (type === FieldType.Boolean)
      for (let i = 0; i < valueCount; i++)
        this.#expect(this.#bytes[values + i]! <= 1, values + i, "boolean that is neither 0 nor 1");
    return {
      name: this.#bytes.subarray(nameStart, nameStart + nameLength),
      type,
      valueCount,
      presenceOffset: presence === 0 ? 0 : table + presence,
      valuesOffset: values,
      heapOffset: type === FieldType.String ? table + heap : 0,
      heapBytes,
    };
  }

  #checkPresence(
    at: number,
    presence: number,
    end: number,
    floor: number,
    rowCount: number,
    valueCount: number,
  ) {
    const sizeBytes = Math.ceil(rowCount / 8);
    this.#section(presence, sizeBytes, end, at + 16, "presence");
    this.#expect(presence >= floor, at + 16, "presence outside its place");
    let count = 0;
    for (let i = 0; i < sizeBytes; i++) {
      let byte = this.#bytes[presence + i]!;
      if (i === sizeBytes - 1 && rowCount % 8 !== 0)
        this.#expect(byte >> (rowCount % 8) === 0, presence + i, "presence of rows that are not there");
      for (; byte !== 0; byte &= byte - 1) count++;
    }
    this.#expect(count === valueCount, presence, `presence of ${count} rows for ${valueCount} values`);
  }

  #checkStrings(
    at: number,
    values: number,
    valueCount: number,
    heap: number,
    heapBytes: number,
    end: number,
  ) {
    this.#section(heap, heapBytes, end, at + 24, "strings");
    let previous = 0;
    this.#expect(this.#u32(values) === 0, values, "first string does not start at 0");
    for (let i = 1; i <= valueCount; i++) {
      const stop = this.#u32(values + i * 4);
      this.#expect(stop >= previous && stop <= heapBytes, values + i * 4, "string outside its heap");
      previous = stop;
    }
    this.#expect(previous === heapBytes, at + 28, "bytes after the last string");
  }

  /** Compares without a BigInt per row: high halves signed, low halves unsigned. */
  #checkTimes(tables: readonly BatchTable[], minTime: bigint, maxTime: bigint): void {
    let minHigh = 0x7fffffff;
    let minLow = 0xffffffff;
    let maxHigh = -0x80000000;
    let maxLow = 0;
    let rows = 0;
    for (const table of tables) {
      const start = this.#bytes.byteOffset + table.timesOffset;
      const words = new Uint32Array(this.#bytes.buffer, start, table.rowCount * 2);
      rows += table.rowCount;
      for (let i = 0; i < words.length; i += 2) {
        const low = words[i]!;
        const high = words[i + 1]! | 0;
        if (high < minHigh || (high === minHigh && low < minLow)) {
          minHigh = high;
          minLow = low;
        }
        if (high > maxHigh || (high === maxHigh && low > maxLow)) {
          maxHigh = high;
          maxLow = low;
        }
      }
    }
    const min = rows === 0 ? 0n : (BigInt(minHigh) << 32n) | BigInt(minLow);
    const max = rows === 0 ? 0n : (BigInt(maxHigh) << 32n) | BigInt(maxLow);
    this.#expect(min === minTime, 16, `smallest time is not the rows' ${min}`);
    this.#expect(max === maxTime, 24, `largest time is not the rows' ${max}`);
  }
}

function align8(offset: number): number {
  return Math.ceil(offset / 8) * 8;
}

/** Whether a key starts with this measurement, escaped as in keys, and then ends or goes on with a tag. */
function startsWithMeasurement(key: Uint8Array, measurement: Uint8Array): boolean {
  let at = 0;
  for (const byte of measurement) {
    if (byte === COMMA || byte === 0x20) {
      if (key[at] !== 0x5c) return false;
      at++;
    }
    if (key[at] !== byte) return false;
    at++;
  }
  return at === key.length || key[at] === COMMA;
}
