// Writes a segment from row blocks, in one pass and in bounded memory: pages go through a buffer of 1 MiB in linear
// memory to a temporary file; only the index (some 20 bytes a page) and the series ids wait in the heap.
//
//   create -> { startTable -> addGroup* }* -> finish      `abort` at any moment instead
//
// The file gets its name last (write, sync, rename, sync of the folder), so a file with the name is whole. When the
// disk refuses, the temporary file is removed, the `DiskError` passes through, and the writer is of no more use.
import { assert } from "../base/assert.ts";
import { crc32c } from "../base/checksum.ts";
import { encodePage, encodeTimes, maxPageBytes } from "../codec/codec.ts";
import { type Disk, type DiskFile, folderOf } from "../disk/disk.ts";
import type { Kernels, Pointer } from "../kernels/kernels.ts";
import { type FieldInfo, FieldType } from "../model/types.ts";
import { bloomAdd, bloomBytes } from "./bloom.ts";
import { ByteWriter } from "./bytes.ts";
import { type SegmentHeader, type SegmentTotals, writeFooter, writeHeader, writeIndex } from "./format.ts";
import { writeSeriesKeys } from "./keys.ts";
import { PageBuffer } from "./page-buffer.ts";
import { SeriesIds } from "./series-ids.ts";
import type { PageStats } from "./stats.ts";
import { TableIndexWriter, writeKeyBlocks } from "./table-index.ts";

const PAGE_STATS_BYTES = 48;

/** Values of one field in a row group, a column of a row block (src/README.md): pointers into linear memory. */
export interface ColumnBlock {
  readonly values: Pointer;
  /** One byte a row; 0: every row has a value. */
  readonly present: Pointer;
  /** Strings' bytes; 0 for other types. */
  readonly heap: Pointer;
  readonly heapBytes: number;
}

/** Rows sorted by (series id, time). All row groups but the last of a series or table should be full (2,048 rows). */
export interface RowGroup {
  readonly rowCount: number;
  /** Ascending; not below the ids of the groups before in this table (a long series spans groups). */
  readonly seriesIds: Uint32Array;
  /** Rows of each of `seriesIds`, at least 1. */
  readonly seriesRows: Uint32Array;
  readonly times: Pointer;
  /** As the table's fields; null where no row has a value. */
  readonly columns: readonly (ColumnBlock | null)[];
}

/** What `finish` reports of the written file. */
export interface SegmentSummary extends SegmentTotals {
  readonly sizeBytes: number;
}

interface WrittenTable {
  readonly index: TableIndexWriter;
  readonly series: SeriesIds;
}

export class SegmentWriter {
  readonly #disk: Disk;
  readonly #kernels: Kernels;
  readonly #path: string;
  readonly #file: DiskFile;
  readonly #buffer: PageBuffer;
  readonly #tables: WrittenTable[] = [];
  readonly #measurements = new Set<string>();
  #fields: readonly FieldInfo[] = [];
  #rowCount = 0;
  #minTime = 0n;
  #maxTime = 0n;
  #ended = false;

  private constructor(disk: Disk, path: string, kernels: Kernels) {
    this.#disk = disk;
    this.#kernels = kernels;
    this.#path = path;
    this.#buffer = new PageBuffer(kernels);
    try {
      this.#file = disk.open(temporaryPath(path), "create");
    } catch (error) {
      this.#buffer.release();
      throw error;
    }
  }

  /** Starts the segment that will stand at `path`. Throws `DiskError`. */
  static create(disk: Disk, path: string, kernels: Kernels, header: SegmentHeader): SegmentWriter {
    assert(header.windowStartNs < header.windowEndNs, "a segment's window is empty");
    const writer = new SegmentWriter(disk, path, kernels);
    const bytes = new ByteWriter();
    writeHeader(bytes, header);
    writer.#guarded(() => writer.#file.append(bytes.written));
    return writer;
  }

  /** Ends the table before. A measurement comes once; by custom they ascend. */
  startTable(measurement: string, fields: readonly FieldInfo[]): void {
    assert(!this.#measurements.has(measurement), `table ${measurement} twice in a segment`);
    this.#measurements.add(measurement);
    this.#fields = fields;
    const firstPageAt = this.#file.sizeBytes + this.#buffer.usedBytes;
    const index = new TableIndexWriter(measurement, fields, firstPageAt);
    this.#tables.push({ index, series: new SeriesIds() });
  }

  /** Appends a row group to the table; the row block is the caller's again when this returns. Throws `DiskError`. */
  addGroup(group: RowGroup): void {
    assert(!this.#ended, `the segment ${this.#path} has ended`);
    const table = this.#tables.at(-1);
    assert(table !== undefined, "a row group before the first table");
    assert(group.columns.length === this.#fields.length, "a row group with other columns than its table");
    table.series.add({ ids: group.seriesIds, rows: group.seriesRows }, group.rowCount);
    this.#guarded(() => this.#writeGroup(table.index, group));
  }

  /**
   * Writes keys, index and footer, and gives the file its name. `seriesKey` answers the canonical key of any id
   * that was added (the bytes are copied at once). Lets other work run between blocks of keys. Throws `DiskError`.
   */
  async finish(seriesKey: (id: number) => Uint8Array): Promise<SegmentSummary> {
    assert(!this.#ended, `the segment ${this.#path} has ended`);
    let sizeBytes = 0;
    try {
      this.#buffer.flush(this.#file);
      const blocks: ByteWriter[] = [];
      for (const { index, series } of this.#tables) {
        const block = index.finish(series.ids.length);
        const firstBlockAt = this.#file.sizeBytes;
        writeKeyBlocks(block, firstBlockAt, await writeSeriesKeys(this.#file, series.ids, seriesKey));
        blocks.push(block);
      }
      this.#writeIndex(blocks);
      sizeBytes = this.#file.sizeBytes;
      await this.#file.sync();
      this.#file.close();
      this.#disk.rename(temporaryPath(this.#path), this.#path);
      await this.#disk.syncFolder(folderOf(this.#path));
    } catch (error) {
      this.abort();
      throw error;
    }
    this.#end();
    return { sizeBytes, ...this.#totals() };
  }

  /** Gives up: removes the temporary file. Does nothing after `finish` or another `abort`; never throws. */
  abort(): void {
    if (this.#ended) return;
    this.#end();
    const temporary = temporaryPath(this.#path);
    try {
      this.#file.close();
      if (this.#disk.exists(temporary)) this.#disk.unlink(temporary);
    } catch {
      // the disk that refused before refuses this too; the next start of the store removes temporary files
    }
  }

  #writeGroup(index: TableIndexWriter, group: RowGroup): void {
    const kernels = this.#kernels;
    const { rowCount } = group;
    const bounds = this.#room(16);
    kernels.call.timeBounds(group.times, rowCount, bounds);
    const [minTime, maxTime] = readTimeBounds(kernels, bounds);
    if (this.#rowCount === 0 || minTime < this.#minTime) this.#minTime = minTime;
    if (this.#rowCount === 0 || maxTime > this.#maxTime) this.#maxTime = maxTime;
    this.#rowCount += rowCount;
    index.group(rowCount, { ids: group.seriesIds, rows: group.seriesRows }, minTime, maxTime);

    const out = this.#room(maxPageBytes(FieldType.Integer, rowCount, 0));
    this.#page(index, out, encodeTimes(kernels, group.times, rowCount, out));
    for (let f = 0; f < this.#fields.length; f++) {
      const column = group.columns[f];
      if (column) this.#writeColumn(index, this.#fields[f]!.type, rowCount, column);
      else index.noPage();
    }
  }

  #writeColumn(index: TableIndexWriter, type: FieldType, rowCount: number, column: ColumnBlock): void {
    const kernels = this.#kernels;
    const { count, stats } = this.#statsOf(type, rowCount, column);
    if (count === 0) {
      index.noPage();
      return;
    }
    const out = this.#room(maxPageBytes(type, rowCount, column.heapBytes));
    this.#page(index, out, encodePage(kernels, { type, rowCount, ...column }, out));
    index.fieldStats(type, rowCount, count, stats);
  }

  #statsOf(
    type: FieldType,
    rowCount: number,
    column: ColumnBlock,
  ): { count: number; stats: PageStats | null } {
    const kernels = this.#kernels;
    if (type === FieldType.Boolean || type === FieldType.String) {
      const count = column.present ? kernels.call.presentCount(column.present, rowCount) : rowCount;
      return { count, stats: null };
    }
    const out = this.#room(PAGE_STATS_BYTES);
    kernels.call.pageStats(type, column.values, column.present, rowCount, out);
    return readPageStats(kernels, type, out);
  }

  /** Takes over the page that was just encoded at the end of the buffer. */
  #page(index: TableIndexWriter, page: Pointer, sizeBytes: number): void {
    index.page(sizeBytes, this.#kernels.call.crc32c(page, sizeBytes, 0) >>> 0);
    this.#buffer.take(sizeBytes);
  }

  #room(sizeBytes: number): Pointer {
    return this.#buffer.room(sizeBytes, this.#file);
  }

  #writeIndex(blocks: readonly ByteWriter[]): void {
    const totals = this.#totals();
    const filter = new Uint8Array(bloomBytes(totals.seriesCount));
    for (const { series } of this.#tables) for (const id of series.ids) bloomAdd(filter, id);
    const tables = blocks.map((block, t) => ({ measurement: this.#tables[t]!.index.measurement, block }));
    const index = new ByteWriter();
    writeIndex(index, totals, tables, filter);

    const footer = new ByteWriter();
    const indexOffset = this.#file.sizeBytes;
    writeFooter(footer, { indexOffset, indexBytes: index.size, indexChecksum: crc32c(index.written) });
    this.#file.append(index.written, footer.written);
  }

  #totals(): SegmentTotals {
    const seriesCount = this.#tables.reduce((sum, { series }) => sum + series.ids.length, 0);
    return { rowCount: this.#rowCount, seriesCount, minTime: this.#minTime, maxTime: this.#maxTime };
  }

  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  #end(): void {
    this.#ended = true;
    this.#buffer.release();
  }
}

/** Where a segment stands until it is whole; the store removes such files when it opens. */
export function temporaryPath(path: string): string {
  return `${path}.tmp`;
}

function readTimeBounds(kernels: Kernels, pointer: Pointer): [bigint, bigint] {
  const view = new DataView(kernels.buffer, pointer, 16);
  return [view.getBigInt64(0, true), view.getBigInt64(8, true)];
}

function readPageStats(
  kernels: Kernels,
  type: FieldType,
  pointer: Pointer,
): { count: number; stats: PageStats | null } {
  const view = new DataView(kernels.buffer, pointer, PAGE_STATS_BYTES);
  const count = view.getUint32(0, true);
  if (view.getUint32(4, true) === 0) return { count, stats: null };
  const number = (at: number) =>
    type === FieldType.Float
      ? view.getFloat64(at, true)
      : type === FieldType.Unsigned
        ? view.getBigUint64(at, true)
        : view.getBigInt64(at, true);
  return {
    count,
    stats: { count, min: number(8), max: number(16), sum: number(24), first: number(32), last: number(40) },
  };
}
