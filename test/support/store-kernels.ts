// The kernels of a store (catalog, memtable, tag index) and their twins under one roof: what goes in goes into both.
import { expect } from "bun:test";
import { type Kernels, type Pointer, Scratch } from "../../src/kernels/kernels.ts";
import { openBatch } from "../../src/model/batchview.ts";
import { FieldType } from "../../src/model/types.ts";
import type { RowBlock } from "../../src/store/block.ts";
import { Memtable } from "../../src/store/memtable.ts";
import { CatalogTwin } from "../twin/catalog.ts";
import { MemtableTwin, type TwinRow, type TwinValue } from "../twin/memtable.ts";

const RECORD_BYTES = 64;
const ACTIVE = 36;
const NONE = 0xffff_ffff;

export const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));

/** One partition's catalog: every call goes to the kernel and to the twin, whose answers must be equal. */
export class BothCatalogs {
  readonly twin = new CatalogTwin();
  readonly #kernels: Kernels;
  readonly #scratch: Scratch;

  constructor(
    kernels: Kernels,
    readonly record: Pointer,
  ) {
    this.#kernels = kernels;
    this.#scratch = new Scratch(kernels);
    expect(kernels.call.catalogOpen(record)).toBeTruthy();
  }

  #call(
    name: "catalogFind" | "catalogAdd" | "catalogAppend",
    table: number,
    key: string,
  ): number | undefined {
    const bytes = bytesOf(key);
    const at = this.#scratch.reserve(bytes.length + 16);
    this.#kernels.put(at, bytes);
    const hash = Bun.hash.xxHash64(bytes) as bigint;
    const id = this.#kernels.call[name](this.record, hash, table, at, bytes.length) >>> 0;
    return id === NONE ? undefined : id;
  }

  find(table: number, key: string): number | undefined {
    const id = this.twin.find(table, key);
    if (this.#call("catalogFind", table, key) !== id) throw new Error(`find(${table}, ${key}) is not ${id}`);
    return id;
  }

  add(table: number, key: string): number {
    const id = this.twin.add(table, key);
    if (this.#call("catalogAdd", table, key) !== id) throw new Error(`add(${table}, ${key}) is not ${id}`);
    return id;
  }

  append(table: number, key: string): number {
    const id = this.twin.append(table, key);
    if (this.#call("catalogAppend", table, key) !== id)
      throw new Error(`append(${table}, ${key}) is not ${id}`);
    return id;
  }

  appendAll(table: number, keys: readonly string[]): void {
    const all = keys.map(bytesOf);
    for (const key of keys) this.twin.append(table, key);
    const lengths = this.#scratch.reserve(
      all.length * 4 + all.reduce((sum, { length }) => sum + length, 0) + 8,
    );
    this.#kernels.u32(lengths, all.length).set(all.map(({ length }) => length));
    let at = lengths + all.length * 4;
    for (const bytes of all) {
      this.#kernels.put(at, bytes);
      at += bytes.length;
    }
    const keysAt = lengths + all.length * 4;
    const end = this.#kernels.call.catalogAppendAll(this.record, table, lengths, all.length, keysAt) >>> 0;
    expect(end).toBe(at);
  }

  drop(table: number): void {
    this.dropSeries(this.list(table));
  }

  dropSeries(ids: readonly number[]): void {
    this.twin.dropSeries(ids);
    const at = this.#scratch.reserve(ids.length * 4 + 8);
    this.#kernels.u32(at, ids.length).set(ids);
    this.#kernels.call.tagIndexDrop(this.record, at, ids.length);
    this.#kernels.call.catalogDropSeries(this.record, at, ids.length);
  }

  list(...tables: number[]): number[] {
    const room = Math.max(...tables) + 1;
    const out = this.#scratch.reserve(this.twin.series.length * 4 + room + 8);
    const wanted = out + this.twin.series.length * 4;
    const marks = this.#kernels.view(wanted, room).fill(0);
    for (const table of tables) marks[table] = 1;
    const count = this.#kernels.call.catalogList(this.record, wanted, room, out);
    const ids = [...this.#kernels.u32(out, count)];
    expect(ids).toEqual(this.twin.list(...tables));
    return ids;
  }

  /** Compares all entries: tables and keys by id, and that each is found. */
  check(): void {
    const { call } = this.#kernels;
    expect(call.catalogCount(this.record)).toBe(this.twin.series.length);
    for (const [id, { table, key }] of this.twin.series.entries()) {
      const entry = call.catalogEntry(this.record, id);
      const own = latin1(this.#kernels.view(call.entryKey(entry) >>> 0, call.entryLength(entry)));
      if (call.entryTable(entry) >>> 0 !== table || own !== key)
        throw new Error(`entry ${id} is not ${table} ${key}`);
      this.find(table, key);
    }
  }

  close(): void {
    this.#scratch.release();
    this.#kernels.call.catalogClose(this.record);
  }
}

/** A catalog with a record of its own. */
export function openCatalog(kernels: Kernels): BothCatalogs {
  const record = kernels.alloc(64);
  kernels.bytes.fill(0, record, record + 64);
  return new BothCatalogs(kernels, record);
}

/** Gives back what it took, its index of tags included. */
export function freeCatalog(kernels: Kernels, catalog: BothCatalogs): void {
  kernels.call.tagIndexClose(catalog.record);
  catalog.close();
  kernels.free(catalog.record);
}

export interface BothPartition {
  readonly catalog: BothCatalogs;
  readonly memtable: Memtable;
  readonly twin: MemtableTwin;
}

/** The write path's end: partitions with catalogs and memtables that take whole batches. */
export class BothPartitions {
  readonly partitions: readonly BothPartition[];
  /** measurement -> table id; `measurement.field` -> field id, per measurement. */
  readonly #tables = new Map<string, number>();
  readonly #fields = new Map<string, Map<string, number>>();
  readonly #kernels: Kernels;
  readonly #records: Pointer;

  constructor(kernels: Kernels, count: number) {
    this.#kernels = kernels;
    this.#records = kernels.alloc(count * RECORD_BYTES);
    kernels.bytes.fill(0, this.#records, this.#records + count * RECORD_BYTES);
    this.partitions = Array.from({ length: count }, (_, p) => {
      const catalog = new BothCatalogs(kernels, this.#records + p * RECORD_BYTES);
      const memtable = new Memtable(kernels);
      kernels.u32(catalog.record + ACTIVE, 1)[0] = memtable.pointer;
      return { catalog, memtable, twin: new MemtableTwin() };
    });
  }

  tableId(measurement: string): number {
    const known = this.#tables.get(measurement) ?? this.#tables.size + 1;
    this.#tables.set(measurement, known);
    return known;
  }

  fieldId(measurement: string, field: string): number {
    const fields = this.#fields.get(measurement) ?? new Map<string, number>();
    this.#fields.set(measurement, fields);
    const known = fields.get(field) ?? fields.size;
    fields.set(field, known);
    return known;
  }

  apply(batch: Uint8Array): void {
    const area = this.#kernels.alloc(batch.length);
    this.#kernels.put(area, batch);
    for (const table of openBatch(batch).tables) {
      const name = latin1(table.measurement);
      const tableId = this.tableId(name);
      const fieldIds = table.fields.map((field) => this.fieldId(name, latin1(field.name)));
      const fieldsAt = table.seriesCount * 8;
      const workAt = fieldsAt + fieldIds.length * 4;
      const targets = this.#kernels.alloc(workAt + fieldIds.length * 16 + 8 * this.partitions.length);
      this.#kernels.u32(targets + fieldsAt, fieldIds.length).set(fieldIds);
      const { call } = this.#kernels;
      const at = area + table.offset;
      expect(call.catalogResolve(this.#records, this.partitions.length, at, tableId, targets)).toBeTruthy();
      expect(call.memtableApply(at, targets, targets + fieldsAt, targets + workAt)).toBeTruthy();
      this.#kernels.free(targets);

      const places = Array.from({ length: table.seriesCount }, (_, s) => {
        const partition = this.partitions[Number(table.seriesHash(s) % BigInt(this.partitions.length))]!;
        return { partition, id: partition.catalog.twin.add(tableId, latin1(table.seriesKey(s))) };
      });
      for (const { series, time, values } of table.rows()) {
        const row = new Map<number, TwinValue>();
        for (const [f, value] of values.entries())
          if (value !== undefined) row.set(fieldIds[f]!, value instanceof Uint8Array ? latin1(value) : value);
        const { partition, id } = places[series]!;
        partition.twin.append(id, { time, values: row });
      }
    }
    this.#kernels.free(area);
  }

  close(): void {
    for (const { catalog, memtable } of this.partitions) {
      catalog.close();
      memtable.release();
    }
    this.#kernels.free(this.#records);
  }
}

/** Rows [0, rows) of a block as the twin has them; strings are absolute pointers. */
export function rowsOfBlock(
  kernels: Kernels,
  block: RowBlock,
  rows: number,
  typeOf: (fieldId: number) => FieldType,
): TwinRow[] {
  const times = kernels.i64(block.times, rows);
  return Array.from({ length: rows }, (_, r) => {
    const values = new Map<number, TwinValue>();
    for (const [c, field] of block.fieldIds.entries()) {
      const present = kernels.bytes[block.present(c) + r]!;
      const view = new DataView(kernels.buffer, block.values(c) + r * 8, 8);
      if (present === 0 && view.getBigUint64(0, true) !== 0n)
        throw new Error("a slot without a value is not 0");
      if (present !== 0) values.set(field, valueIn(kernels, view, typeOf(field)));
    }
    return { time: times[r]!, values };
  });
}

function valueIn(kernels: Kernels, view: DataView, type: FieldType): TwinValue {
  switch (type) {
    case FieldType.Float:
      return view.getFloat64(0, true);
    case FieldType.Integer:
      return view.getBigInt64(0, true);
    case FieldType.Unsigned:
      return view.getBigUint64(0, true);
    case FieldType.Boolean:
      return view.getBigUint64(0, true) === 1n;
    case FieldType.String:
      return latin1(kernels.view(view.getUint32(0, true), view.getUint32(4, true)));
  }
}
