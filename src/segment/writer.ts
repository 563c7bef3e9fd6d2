// Writes a segment from row blocks, in one pass and in bounded memory: pages go through a buffer of 1 MiB in linear
// memory, a stripe at a time, to a temporary file; only the index (some 20 bytes a page) and the series ids wait in the heap.
//
//   create -> { startTable -> addGroup* }* -> finish      `abort` at any moment instead
//
// The file gets its name last (write, sync, rename, sync of the folder), so a file with the name is whole. When the
// disk refuses, the temporary file is removed, the `DiskError` passes through, and the writer is of no more use.
import { assert } from "../base/assert.ts";
import { crc32c } from "../base/checksum.ts";
import { encodePage, maxPageBytes } from "../codec/codec.ts";
import { type Disk, type DiskFile, folderOf } from "../disk/disk.ts";
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";
import { type FieldInfo, FieldType } from "../model/types.ts";
import { bloomAdd, bloomBytes } from "./bloom.ts";
import { ByteWriter } from "./bytes.ts";
import { type SegmentHeader, type SegmentTotals, writeFooter, writeHeader, writeIndex } from "./format.ts";
import { writeSeriesKeys } from "./keys.ts";
import { SeriesIds } from "./series-ids.ts";
import { StripeBuffer } from "./stripe-buffer.ts";
import { TableIndexWriter, writeKeyBlocks } from "./table-index.ts";

/** What `encodeGroup` (kernels/assembly/group.ts) is told of a column, and room for what it tells of all. */
const COLUMN_BYTES = 16;
const groupIndexBytes = (columnCount: number) => 32 + 96 * columnCount;
const TIMES = 0;

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
  readonly #buffer: StripeBuffer;
  readonly #columns: Scratch;
  readonly #groupIndex: Scratch;
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
    this.#columns = new Scratch(kernels);
    this.#groupIndex = new Scratch(kernels);
    this.#file = disk.open(temporaryPath(path), "create");
    this.#buffer = new StripeBuffer(kernels, this.#file, (groupCount) =>
      this.#tables.at(-1)!.index.stripe(groupCount),
    );
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
    assert(!this.#ended, `the segment ${this.#path} has ended`);
    assert(!this.#measurements.has(measurement), `table ${measurement} twice in a segment`);
    this.#measurements.add(measurement);
    this.#fields = fields;
    this.#buffer.startTable(1 + fields.length);
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
    this.#kernels.stages.time("encode", () => this.#guarded(() => this.#writeGroup(table.index, group)));
  }

  /**
   * Writes keys, index and footer, and gives the file its name. `seriesKey` answers the canonical key of any id
   * that was added (the bytes are copied at once). Lets other work run between blocks of keys. Throws `DiskError`.
   */
  async finish(seriesKey: (id: number) => Uint8Array): Promise<SegmentSummary> {
    assert(!this.#ended, `the segment ${this.#path} has ended`);
    let sizeBytes = 0;
    try {
      this.#buffer.flush();
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
    const bounds = this.#buffer.room(16);
    kernels.call.timeBounds(group.times, rowCount, bounds);
    const [minTime, maxTime] = readTimeBounds(kernels, bounds);
    if (this.#rowCount === 0 || minTime < this.#minTime) this.#minTime = minTime;
    if (this.#rowCount === 0 || maxTime > this.#maxTime) this.#maxTime = maxTime;
    this.#rowCount += rowCount;
    index.group(rowCount, { ids: group.seriesIds, rows: group.seriesRows }, minTime, maxTime);

    const columnCount = 1 + this.#fields.length;
    const columns = this.#describe(group);
    const groupIndex = this.#groupIndex.reserve(groupIndexBytes(columnCount));
    const pageBytes = maxPageBytes(FieldType.Integer, rowCount, 0);
    for (let c = 0; c < columnCount; ) {
      const out = this.#buffer.room(pageBytes);
      const end = this.#buffer.end;
      c = kernels.call.encodeGroup(columns, columnCount, c, rowCount, out, end, groupIndex);
      index.pages(kernels, groupIndex, columnCount, (sizeBytes) => this.#buffer.take(sizeBytes));
      const column = c === 0 ? undefined : group.columns[c - 1];
      if (column && this.#fields[c - 1]!.type === FieldType.String) {
        this.#writeStrings(index, rowCount, column);
        c++;
      }
    }
    this.#buffer.endGroup();
  }

  /** The times and the columns as `encodeGroup` takes them. */
  #describe({ times, columns }: RowGroup): Pointer {
    const pointer = this.#columns.reserve((1 + columns.length) * COLUMN_BYTES);
    const words = this.#kernels.u32(pointer, (1 + columns.length) * 4);
    words[0] = TIMES;
    words[1] = times;
    words[2] = 0;
    for (let f = 0; f < columns.length; f++) {
      const column = columns[f];
      words[f * 4 + 4] = this.#fields[f]!.type;
      words[f * 4 + 5] = column ? column.values : 0;
      words[f * 4 + 6] = column ? column.present : 0;
    }
    return pointer;
  }

  #writeStrings(index: TableIndexWriter, rowCount: number, column: ColumnBlock): void {
    const kernels = this.#kernels;
    const count = column.present ? kernels.call.presentCount(column.present, rowCount) : rowCount;
    if (count === 0) {
      index.noPage();
      this.#buffer.take(0);
      return;
    }
    const type = FieldType.String;
    const out = this.#buffer.room(maxPageBytes(type, rowCount, column.heapBytes));
    const sizeBytes = encodePage(kernels, { type, rowCount, ...column }, out);
    index.stringPage(sizeBytes, kernels.call.crc32c(out, sizeBytes, 0) >>> 0, rowCount, count);
    this.#buffer.take(sizeBytes);
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
    this.#columns.release();
    this.#groupIndex.release();
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
