// Catalog: the series of a partition in memory (kernels/assembly/catalog.ts), and its file.
//
// The file is only appended to, before the manifest that counts the new bytes is written; what the manifest does not
// count is a left-over of a crash. After a drop a new file is written, whole. It lets a store start without
// reading its segments.
//
//   file    "SCAT" u32 version (1)  then frames
//   frame   u32 payload bytes   u32 raw bytes   u64 xxHash64 of the payload   payload (Snappy of the raw bytes)
//   raw     u32 bytes of the head   head: JSON { tables: [[database, policy, measurement]], runs: [[table, series]] }
//           then u32 key length per series, then the keys end to end; series ids continue from frame to frame.
//           Runs of table -1 are series that were dropped before they were written.
import { compressSync, uncompressSync } from "@napi-rs/snappy";
import { CorruptionError, OverloadedError } from "../base/errors.ts";
import { type Disk, type DiskFile, folderOf } from "../disk/disk.ts";
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";
import { DROPPED_TABLE, type Schema } from "./schema.ts";
import type { OpenSegment } from "./version.ts";

export const PARTITION_BYTES = 64;
const MAGIC = 0x54414353; // "SCAT"
const VERSION = 1;
const HEADER_BYTES = 8;
const FRAME_BYTES = 16;
const SERIES_PER_FRAME = 65_536;
const FAILED = 0xffff_ffff;

export class Catalog {
  readonly #kernels: Kernels;
  readonly #schema: Schema;
  readonly #key: Scratch;

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

  /** The canonical key of a series: a view, valid until linear memory grows. */
  key(id: number): Uint8Array {
    const entry = this.#kernels.call.catalogEntry(this.record, id) >>> 0;
    return this.#kernels.view(entry + 16, this.#kernels.call.entryLength(entry));
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

  /** The table's series are found no more; their ids stay taken. */
  drop(tableId: number): void {
    this.#kernels.call.tagIndexClose(this.record);
    this.#kernels.call.catalogDrop(this.record, tableId, DROPPED_TABLE);
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
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (view.getUint32(0, true) !== MAGIC || view.getUint32(4, true) !== VERSION)
      throw new CorruptionError(path, 0, "not a catalog of version 1");
    for (let at = HEADER_BYTES; at < sizeBytes; ) {
      const payloadBytes = at + FRAME_BYTES <= sizeBytes ? view.getUint32(at, true) : sizeBytes;
      const end = at + FRAME_BYTES + payloadBytes;
      if (end > sizeBytes) throw new CorruptionError(path, at, "a frame runs past the end");
      const payload = bytes.subarray(at + FRAME_BYTES, end);
      if (Bun.hash.xxHash64(payload) !== view.getBigUint64(at + 8, true))
        throw new CorruptionError(path, at, "the checksum of a frame does not match");
      const raw = uncompressSync(payload) as Uint8Array;
      if (raw.length !== view.getUint32(at + 4, true))
        throw new CorruptionError(path, at + 4, "a frame has another size than it says");
      this.#loadFrame(raw);
      at = end;
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
      while (this.count < id) this.#append(DROPPED_TABLE, new TextEncoder().encode(`lost,id=${this.count}`));
      this.#append(tableId, key);
    }
  }

  #loadFrame(raw: Uint8Array): void {
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    const headBytes = view.getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(raw.subarray(4, 4 + headBytes))) as FrameHead;
    const tableIds = head.tables.map(([database, policy, measurement]) => {
      return this.#schema.table(this.#schema.measurement(database, measurement), policy).id;
    });
    let lengthAt = 4 + headBytes;
    let keyAt = lengthAt + 4 * head.runs.reduce((sum, [, count]) => sum + count, 0);
    for (const [table, count] of head.runs) {
      for (let i = 0; i < count; i++) {
        const length = view.getUint32(lengthAt, true);
        this.#append(table < 0 ? DROPPED_TABLE : tableIds[table]!, raw.subarray(keyAt, keyAt + length));
        lengthAt += 4;
        keyAt += length;
      }
    }
  }

  /** Appends the series from id `from` on to the file and syncs it; gives the file's size in bytes then. */
  async append(disk: Disk, path: string, sizeBytes: number, from: number): Promise<number> {
    const count = this.count;
    if (from === count) return sizeBytes;
    const file = disk.open(path, "append");
    try {
      if (file.sizeBytes > sizeBytes) file.truncate(sizeBytes);
      if (sizeBytes === 0) writeHeader(file);
      for (let id = from; id < count; id += SERIES_PER_FRAME)
        file.append(...this.#frame(id, Math.min(count, id + SERIES_PER_FRAME)));
      await file.sync();
      // its name must not come after the name of the manifest that counts on it
      if (sizeBytes === 0) await disk.syncFolder(folderOf(path));
      return file.sizeBytes;
    } finally {
      file.close();
    }
  }

  #frame(from: number, to: number): [Uint8Array, Uint8Array] {
    const tables: [string, string, string][] = [];
    const places = new Map<number, number>();
    const runs: [number, number][] = [];
    let keyBytes = 0;
    for (let id = from; id < to; id++) {
      const tableId = this.tableId(id);
      let place = tableId === DROPPED_TABLE ? -1 : places.get(tableId);
      if (place === undefined) {
        const { measurement, retentionPolicy } = this.#schema.byId(tableId);
        place = tables.push([measurement.database, retentionPolicy, measurement.name]) - 1;
        places.set(tableId, place);
      }
      const run = runs.at(-1);
      if (run?.[0] === place) run[1]++;
      else runs.push([place, 1]);
      keyBytes += this.key(id).length;
    }
    const head = new TextEncoder().encode(JSON.stringify({ tables, runs } satisfies FrameHead));
    const raw = new Uint8Array(4 + head.length + 4 * (to - from) + keyBytes);
    const view = new DataView(raw.buffer);
    view.setUint32(0, head.length, true);
    raw.set(head, 4);
    let lengthAt = 4 + head.length;
    let keyAt = lengthAt + 4 * (to - from);
    for (let id = from; id < to; id++) {
      const key = this.key(id);
      view.setUint32(lengthAt, key.length, true);
      raw.set(key, keyAt);
      lengthAt += 4;
      keyAt += key.length;
    }
    const payload = compressSync(raw) as Uint8Array;
    const frame = new Uint8Array(FRAME_BYTES);
    const frameView = new DataView(frame.buffer);
    frameView.setUint32(0, payload.length, true);
    frameView.setUint32(4, raw.length, true);
    frameView.setBigUint64(8, Bun.hash.xxHash64(payload) as bigint, true);
    return [frame, payload];
  }
}

interface FrameHead {
  tables: [string, string, string][];
  runs: [number, number][];
}

function writeHeader(file: DiskFile): void {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  file.append(header);
}
