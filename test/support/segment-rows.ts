// Segments as plain values: written from and read back into rows, through the real writer and reader.
import type { Disk } from "../../src/disk/disk.ts";
import type { Kernels, Pointer } from "../../src/kernels/kernels.ts";
import { type FieldInfo, FieldType } from "../../src/model/types.ts";
import type { SegmentHeader } from "../../src/segment/format.ts";
import type { SegmentReader } from "../../src/segment/reader.ts";
import type { TableReader } from "../../src/segment/table-reader.ts";
import { type ColumnBlock, type SegmentSummary, SegmentWriter } from "../../src/segment/writer.ts";

/** Float: number; Integer, Unsigned: bigint; Boolean; String. */
export type Value = number | bigint | boolean | string | null;

export interface TestRow {
  readonly time: bigint;
  /** As the table's fields. */
  readonly values: readonly Value[];
}

export interface TestSeries {
  readonly id: number;
  readonly rows: readonly TestRow[];
}

export interface TestTable {
  readonly measurement: string;
  readonly fields: readonly FieldInfo[];
  /** Ascending by id, each with at least one row. */
  readonly series: readonly TestSeries[];
}

export const testHeader: SegmentHeader = {
  database: "db",
  retentionPolicy: "autogen",
  windowStartNs: 0n,
  windowEndNs: 604_800_000_000_000n,
};

export const testKey = (id: number): Uint8Array => new TextEncoder().encode(`m,host=server_${id},region=eu`);

/** One row group as plain values: `rows` of the series, one after the other. */
interface TestGroup {
  ids: number[];
  counts: number[];
  rows: TestRow[];
}

/** Cuts the rows of a table into groups of `groupRows` rows. */
function groupsOf(table: TestTable, groupRows: number): TestGroup[] {
  const groups: TestGroup[] = [];
  for (const { id, rows } of table.series) {
    for (const row of rows) {
      let group = groups.at(-1);
      if (!group || group.rows.length === groupRows) {
        group = { ids: [], counts: [], rows: [] };
        groups.push(group);
      }
      if (group.ids.at(-1) !== id) {
        group.ids.push(id);
        group.counts.push(0);
      }
      group.counts[group.counts.length - 1]!++;
      group.rows.push(row);
    }
  }
  return groups;
}

export async function writeTestSegment(
  disk: Disk,
  path: string,
  kernels: Kernels,
  tables: readonly TestTable[],
  groupRows = 2048,
): Promise<SegmentSummary> {
  const writer = SegmentWriter.create(disk, path, kernels, testHeader);
  for (const table of tables) {
    writer.startTable(table.measurement, table.fields);
    for (const group of groupsOf(table, groupRows)) writeGroup(writer, kernels, table.fields, group);
  }
  return writer.finish(testKey);
}

function writeGroup(
  writer: SegmentWriter,
  kernels: Kernels,
  fields: readonly FieldInfo[],
  group: TestGroup,
): void {
  const rowCount = group.rows.length;
  withAreas(kernels, (area) => {
    const times = area(rowCount * 8);
    kernels.i64(times, rowCount).set(group.rows.map((row) => row.time));
    const valuesOf = (f: number) => group.rows.map((row) => row.values[f] ?? null);
    const columns = fields.map(({ type }, f) => putColumn(kernels, type, valuesOf(f), area));
    const seriesIds = Uint32Array.from(group.ids);
    const seriesRows = Uint32Array.from(group.counts);
    writer.addGroup({ rowCount, seriesIds, seriesRows, times, columns });
  });
}

/** Runs with areas of linear memory that are freed at the end, whatever happens. */
function withAreas<T>(kernels: Kernels, run: (area: (sizeBytes: number) => Pointer) => T): T {
  const areas: Pointer[] = [];
  try {
    return run((sizeBytes) => {
      areas.push(kernels.alloc(Math.max(1, sizeBytes)));
      return areas.at(-1)!;
    });
  } finally {
    for (const pointer of areas) kernels.free(pointer);
  }
}

/** Puts values into linear memory as a column of a row block; null when there is no value. */
export function putColumn(
  kernels: Kernels,
  type: FieldType,
  values: readonly Value[],
  area: (sizeBytes: number) => Pointer,
): ColumnBlock | null {
  if (values.every((value) => value === null)) return null;
  const count = values.length;
  const hasNulls = values.includes(null);
  const texts = values.map((value) => new TextEncoder().encode(typeof value === "string" ? value : ""));
  const heapBytes = texts.reduce((sum, text) => sum + text.length, 0);
  const column = {
    values: area(count * 8),
    present: hasNulls ? area(count) : 0,
    heap: type === FieldType.String ? area(heapBytes) : 0,
    heapBytes,
  };
  const slots = new DataView(kernels.buffer, column.values, count * 8);
  let heapAt = 0;
  for (let row = 0; row < count; row++) {
    const value = values[row] ?? null;
    const at = row * 8;
    slots.setBigUint64(at, 0n, true);
    if (hasNulls) kernels.bytes[column.present + row] = value === null ? 0 : 1;
    if (value === null) continue;
    if (typeof value === "number") slots.setFloat64(at, value, true);
    else if (typeof value === "string") {
      slots.setUint32(at, heapAt, true);
      slots.setUint32(at + 4, texts[row]!.length, true);
      kernels.bytes.set(texts[row]!, column.heap + heapAt);
      heapAt += texts[row]!.length;
    } else slots.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
  }
  return column;
}

export function readTestSegment(reader: SegmentReader, kernels: Kernels): TestTable[] {
  return reader.tables.map((measurement) => readTable(measurement, reader.table(measurement)!, kernels));
}

function readTable(measurement: string, table: TableReader, kernels: Kernels): TestTable {
  const series: { id: number; rows: TestRow[] }[] = [];
  for (let group = 0; group < table.groupCount; group++) {
    const rowCount = table.groupRows(group);
    const times = withAreas(kernels, (area) => {
      const out = area(rowCount * 8);
      table.readTimes(group, out);
      return [...kernels.i64(out, rowCount)];
    });
    const columns = table.fields.map((_, f) => readValues(table, kernels, group, f));
    const { ids, rows } = table.groupSeries(group);
    let row = 0;
    for (let i = 0; i < ids.length; i++) {
      if (series.at(-1)?.id !== ids[i]) series.push({ id: ids[i]!, rows: [] });
      for (let n = 0; n < rows[i]!; n++, row++)
        series.at(-1)!.rows.push({ time: times[row]!, values: columns.map((column) => column[row]!) });
    }
  }
  return { measurement, fields: table.fields, series };
}

/** One column of one group as plain values. */
export function readValues(table: TableReader, kernels: Kernels, group: number, field: number): Value[] {
  return withAreas(kernels, (area) => valuesIn(table, kernels, group, field, area));
}

function valuesIn(
  table: TableReader,
  kernels: Kernels,
  group: number,
  field: number,
  area: (sizeBytes: number) => Pointer,
): Value[] {
  const rowCount = table.groupRows(group);
  const { type } = table.fields[field]!;
  const heapBytes = table.columnHeapBytes(group, field);
  const target = {
    values: area(rowCount * 8),
    present: area(rowCount),
    heap: area(heapBytes),
  };
  const read = table.readColumn(group, field, target);
  const slots = new DataView(kernels.buffer, target.values, rowCount * 8);
  const values: Value[] = [];
  for (let row = 0; row < rowCount; row++) {
    const at = row * 8;
    if (!read.present || (read.hasNulls && kernels.bytes[target.present + row] === 0)) values.push(null);
    else if (type === FieldType.Float) values.push(slots.getFloat64(at, true));
    else if (type === FieldType.Integer) values.push(slots.getBigInt64(at, true));
    else if (type === FieldType.Unsigned) values.push(slots.getBigUint64(at, true));
    else if (type === FieldType.Boolean) values.push(slots.getBigUint64(at, true) === 1n);
    else {
      const start = target.heap + slots.getUint32(at, true);
      values.push(new TextDecoder().decode(kernels.view(start, slots.getUint32(at + 4, true)).slice()));
    }
  }
  return values;
}
