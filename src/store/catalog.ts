// Catalog: the series of a partition in memory (kernels/assembly/catalog.ts), and its file (catalog-file.ts).
//
// The file is only appended to, before the manifest that counts the new bytes is written; what the manifest does not
// count is a left-over of a crash. After a drop a new file is written, whole. It lets a store start without
// reading its segments.
import { CorruptionError, OverloadedError } from "../base/errors.ts";
import { Pause } from "../base/pause.ts";
import { type Disk, folderOf } from "../disk/disk.ts";
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";
import type { Series } from "../model/scan.ts";
import { decodeKeyText } from "../model/serieskey.ts";
import { encodeFrame, encodeHeader, readFrames, type TableName } from "./catalog-file.ts";
import { DROPPED_TABLE, type Schema } from "./schema.ts";
import { TagColumns } from "./tag-columns.ts";
import type { OpenSegment } from "./version.ts";

export const PARTITION_BYTES = 64;
/** Some 700 KB: what a frame takes while it is made stays with the compressor's allocator. */
const SERIES_PER_FRAME = 4096;
/** Series that were read last and are kept as a scan gives them, about 1 KB each. */
const KEPT_SERIES = 1024;
/** Of series that were dropped: it is asked for no more. */
const NO_KEY = new Uint8Array(0);
const FAILED = 0xffff_ffff;

export class Catalog {
  readonly #kernels: Kernels;
  readonly #schema: Schema;
  readonly #key: Scratch;
  #drops = 0;
  /** By id, which never becomes another series'. */
  readonly #series = new Map<number, Series>();
  /** Tag keys by table, as far as they were asked for (select.ts); as many as the tag index has, or out of date. */
  readonly tagKeys = new Map<number, readonly string[]>();
  readonly tagColumns = new TagColumns();

  /** `record`: PARTITION_BYTES of zeroed linear memory that stay the caller's. */
  constructor(
    kernels: Kernels,
    schema: Schema,
    readonly record: Pointer,
  ) {
    this.#kernels = kernels;
    this.#schema = schema;
    this.#key = new Scratch(kernels);
    if (!kernels.call.catalogOpen(record))
      throw new OverloadedError("out of linear memory: no room for a catalog");
  }

  get count(): number {
    return this.#kernels.call.catalogCount(this.record) >>> 0;
  }

  /** Grows with every series that comes and every drop. */
  get changes(): number {
    return this.count + this.#drops;
  }

  /** The canonical key of a series: a view, valid until the next is asked for, a series comes or goes, or linear memory grows. */
  key(id: number): Uint8Array {
    const { call } = this.#kernels;
    const entry = call.catalogEntry(this.record, id);
    return this.#kernels.view(call.entryKey(entry) >>> 0, call.entryLength(entry));
  }

  #keyLength(id: number): number {
    const { call } = this.#kernels;
    return call.entryLength(call.catalogEntry(this.record, id));
  }

  /** A series as a scan gives it: the same object as long as it is read again soon. */
  series(id: number): Series {
    let series = this.#series.get(id);
    if (series === undefined) {
      series = seriesOf(this.key(id));
      if (this.#series.size === KEPT_SERIES) this.#series.clear();
      this.#series.set(id, series);
    }
    return series;
  }

  /** Id of a series of a table, -1 = there is none. */
  find(tableId: number, key: Uint8Array): number {
    const at = this.#key.reserve(key.length + 16);
    this.#kernels.put(at, key);
    const hash = Bun.hash.xxHash64(key) as bigint;
    const id = this.#kernels.call.catalogFind(this.record, hash, tableId, at, key.length) >>> 0;
    return id === FAILED ? -1 : id;
  }

  tableId(id: number): number {
    const entry = this.#kernels.call.catalogEntry(this.record, id) >>> 0;
    return this.#kernels.call.entryTable(entry) >>> 0;
  }

  /** Gives the next id to a series that is not there yet. */
  #append(tableId: number, key: Uint8Array): void {
    const pointer = this.#key.reserve(key.length + 16);
    this.#kernels.put(pointer, key);
    const hash = Bun.hash.xxHash64(key) as bigint;
    const id = this.#kernels.call.catalogAppend(this.record, hash, tableId, pointer, key.length) >>> 0;
    if (id === FAILED) throw new OverloadedError("out of linear memory: no room for more series");
  }

  /** The tables' series are found no more; their ids stay taken. */
  drop(tableIds: ReadonlySet<number>): void {
    const { count } = this;
    let tables = 0;
    for (const id of tableIds) tables = Math.max(tables, id + 1);
    const at = this.#key.reserve(count * 4 + tables + 8);
    const wanted = at + count * 4;
    const marks = this.#kernels.view(wanted, tables).fill(0);
    for (const id of tableIds) marks[id] = 1;
    // (in one walk, however many there are)
    this.#drop(at, this.#kernels.call.catalogList(this.record, wanted, tables, at) >>> 0);
    this.#key.release();
  }

  /** The same for some series. */
  dropSeries(ids: readonly number[]): void {
    const at = this.#key.reserve(ids.length * 4 + 8);
    this.#kernels.u32(at, ids.length).set(ids);
    this.#drop(at, ids.length);
  }

  // Series whose ids stand in linear memory.
  #drop(ids: Pointer, count: number): void {
    this.#drops++;
    this.tagKeys.clear();
    this.#kernels.call.tagIndexDrop(this.record, ids, count);
    this.#kernels.call.catalogDropSeries(this.record, ids, count);
  }

  close(): void {
    this.#key.release();
    this.#kernels.call.tagIndexClose(this.record);
    this.#kernels.call.catalogClose(this.record);
  }

  /** Adds the series of the file's first `sizeBytes` bytes. Throws `CorruptionError`. */
  load(disk: Disk, path: string, sizeBytes: number): void {
    if (sizeBytes === 0) return;
    if (!disk.exists(path)) throw new CorruptionError(path, 0, "the file is missing");
    const bytes = disk.map(path);
    if (bytes.length < sizeBytes)
      throw new CorruptionError(path, bytes.length, `the manifest counts ${sizeBytes} bytes`);
    for (const frame of readFrames(path, bytes.subarray(0, sizeBytes))) {
      const tableIds = frame.tables.map(([database, policy, measurement]) => {
        return this.#schema.table(this.#schema.measurement(database, measurement), policy).id;
      });
      this.#appendRuns(
        frame.runs.map(({ table, count }) => ({
          tableId: table === null ? DROPPED_TABLE : tableIds[table]!,
          count,
        })),
        frame.keys,
      );
    }
    disk.unmap(bytes);
    this.#key.release();
  }

  // No object a series: there are millions.
  #appendRuns(runs: readonly { readonly tableId: number; readonly count: number }[], keys: Uint8Array): void {
    if (keys.length === 0) return;
    let lengths = this.#key.reserve(keys.length);
    this.#kernels.put(lengths, keys);
    let key = lengths + 4 * runs.reduce((sum, { count }) => sum + count, 0);
    for (const { tableId, count } of runs) {
      key = this.#kernels.call.catalogAppendAll(this.record, tableId, lengths, count, key) >>> 0;
      if (key === 0) throw new OverloadedError("out of linear memory: no room for more series");
      lengths += 4 * count;
    }
  }

  /** Fills an empty catalog from the keys that segments carry; ids that no segment has become dropped series. */
  rebuild(segments: readonly OpenSegment[]): void {
    const entries: [id: number, tableId: number, key: Uint8Array][] = [];
    for (const { entry, reader } of segments) {
      for (const name of reader.tables) {
        const hidden = entry.hidden.includes(name);
        const tableId = hidden
          ? DROPPED_TABLE
          : this.#schema.table(this.#schema.measurement(entry.database, name), entry.retentionPolicy).id;
        for (const [id, key] of reader.table(name)!.seriesKeys()) entries.push([id, tableId, key.slice()]);
      }
    }
    entries.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    for (const [id, tableId, key] of entries) {
      if (id < this.count) continue;
      while (this.count < id) this.#append(DROPPED_TABLE, NO_KEY);
      this.#append(tableId, tableId === DROPPED_TABLE ? NO_KEY : key);
    }
  }

  /** Appends the series from id `from` on to the file and syncs it; gives the file's size in bytes then. No drop may come meanwhile. */
  async append(disk: Disk, path: string, sizeBytes: number, from: number): Promise<number> {
    const count = this.count;
    if (from === count) return sizeBytes;
    const file = disk.open(path, "append");
    try {
      if (file.sizeBytes > sizeBytes) file.truncate(sizeBytes);
      if (sizeBytes === 0) file.append(encodeHeader());
      const pause = new Pause("flush");
      for (let id = from; id < count; id += SERIES_PER_FRAME) {
        file.append(...this.#frame(id, Math.min(count, id + SERIES_PER_FRAME)));
        if (pause.due()) await pause.wait();
      }
      await file.sync();
      // its name must not come after the name of the manifest that counts on it
      if (sizeBytes === 0) await disk.syncFolder(folderOf(path));
      return file.sizeBytes;
    } finally {
      file.close();
    }
  }

  #frame(from: number, to: number): [Uint8Array, Uint8Array] {
    const tables: TableName[] = [];
    const places = new Map<number, number>();
    const series: { table: number | null; keyBytes: number }[] = [];
    for (let id = from; id < to; id++) {
      const tableId = this.tableId(id);
      let table = tableId === DROPPED_TABLE ? null : places.get(tableId);
      if (table === undefined) {
        const { measurement, retentionPolicy } = this.#schema.byId(tableId);
        table = tables.push([measurement.database, retentionPolicy, measurement.name]) - 1;
        places.set(tableId, table);
      }
      series.push({ table, keyBytes: table === null ? 0 : this.#keyLength(id) });
    }
    return encodeFrame(tables, series, (index) =>
      series[index]!.table === null ? NO_KEY : this.key(from + index),
    );
  }
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

function seriesOf(key: Uint8Array): Series {
  const decoded = utf8.decode(key);
  const tags = new Map<string, string>();
  for (const tag of decodeKeyText(decoded).tags) tags.set(tag.key, tag.value);
  return { key: decoded, tags };
}
