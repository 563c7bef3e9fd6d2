// Opens a segment by mapping it: the operating system pages its bytes in and out, the heap holds only the index.
//
// A mapped file has a lifetime of its own. It is never truncated, and a file that compaction has replaced stays until
// its last reader is done: `open` gives the first reference, a query takes another with `retain` for as long as it
// reads, and each ends with `release`. `unlink` only marks the file; the last `release` removes it.
import { assert } from "../base/assert.ts";
import { crc32c } from "../base/checksum.ts";
import { CorruptionError, InputError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { bloomHas } from "./bloom.ts";
import { Cursor } from "./bytes.ts";
import {
  FOOTER_BYTES,
  FORMAT_VERSION,
  type IndexHead,
  readFooter,
  readHeader,
  readIndexHead,
  type SegmentFooter,
  type SegmentHeader,
  type SegmentTotals,
} from "./format.ts";
import { readTableIndex } from "./table-index.ts";
import { TableReader } from "./table-reader.ts";

export class SegmentReader {
  readonly header: SegmentHeader;
  readonly totals: SegmentTotals;
  readonly sizeBytes: number;
  /** Of `sizeBytes`, what the index takes. */
  readonly indexBytes: number;
  /** Measurements, ascending. */
  readonly tables: readonly string[];
  readonly #disk: Disk;
  readonly #kernels: Kernels;
  readonly #bytes: Uint8Array;
  readonly #version: number;
  readonly #indexOffset: number;
  readonly #places: ReadonlyMap<string, { at: number; sizeBytes: number }>;
  readonly #bloom: Uint8Array;
  readonly #opened = new Map<string, TableReader>();
  #references = 1;
  #doomed = false;

  private constructor(
    disk: Disk,
    readonly path: string,
    kernels: Kernels,
    parts: SegmentParts,
  ) {
    const { bytes, version, header, footer, head } = parts;
    this.#disk = disk;
    this.#kernels = kernels;
    this.#bytes = bytes;
    this.header = header;
    this.totals = head.totals;
    this.sizeBytes = bytes.length;
    this.indexBytes = footer.indexBytes;
    this.#version = version;
    this.#indexOffset = footer.indexOffset;
    this.tables = head.tables.map((table) => table.measurement);
    this.#places = new Map(head.tables.map((table) => [table.measurement, table]));
    this.#bloom = bytes.subarray(head.bloomAt, head.bloomAt + head.bloomBytes);
  }

  /**
   * Checks header, footer and index (the pages are checked when they are read). Throws `CorruptionError` with file
   * and offset for a damaged or cut file, `InputError` for a version that this serie does not know, `DiskError`.
   */
  static open(disk: Disk, path: string, kernels: Kernels): SegmentReader {
    const bytes = disk.map(path);
    try {
      return new SegmentReader(disk, path, kernels, readParts(path, bytes));
    } catch (error) {
      disk.unmap(bytes);
      throw error;
    }
  }

  /** The rows of a measurement; its index is parsed at the first call. Undefined when it has none here. */
  table(measurement: string): TableReader | undefined {
    assert(this.#references > 0, `segment ${this.path} is closed`);
    const opened = this.#opened.get(measurement);
    if (opened) return opened;
    const place = this.#places.get(measurement);
    if (!place) return undefined;
    const cursor = new Cursor(this.path, this.#bytes, place.at, place.at + place.sizeBytes);
    const index = readTableIndex(cursor, this.#version, this.#indexOffset);
    const table = new TableReader({
      file: this.path,
      bytes: this.#bytes,
      kernels: this.#kernels,
      index,
      indexEnd: cursor.end,
      mayHave: (id) => bloomHas(this.#bloom, id),
      readAhead: (start, end) => this.#disk.readAhead(this.#bytes, start, end),
    });
    this.#opened.set(measurement, table);
    return table;
  }

  /** Whether the file may have rows of the series, by the Bloom filter (1 in 100 answers true by mistake). */
  mayHave(seriesId: number): boolean {
    return bloomHas(this.#bloom, seriesId);
  }

  /** It is not going to be read for a while: see `Disk.rest`. */
  rest(): void {
    this.#disk.rest(this.#bytes);
  }

  /** Takes a reference: the file stays readable until its `release`. */
  retain(): void {
    assert(this.#references > 0, `segment ${this.path} is closed`);
    this.#references++;
  }

  /** Gives a reference back; the last one unmaps the file, and removes it if `unlink` was called. Throws `DiskError`. */
  release(): void {
    assert(this.#references > 0, `segment ${this.path} is released too often`);
    this.#references--;
    if (this.#references > 0) return;
    this.#opened.clear();
    this.#disk.unmap(this.#bytes);
    if (this.#doomed) this.#disk.unlink(this.path);
  }

  /** Gives back the reference that `open` gave. */
  close(): void {
    this.release();
  }

  /** Removes the file when the last reference is released. */
  unlink(): void {
    this.#doomed = true;
  }
}

/** A mapped segment's checked outer structure. */
export interface SegmentParts {
  readonly bytes: Uint8Array;
  /** Of the format. */
  readonly version: number;
  readonly header: SegmentHeader;
  readonly footer: SegmentFooter;
  readonly head: IndexHead;
}

type MakeCursor = (at: number, end: number) => Cursor;

/** Parses and checks header, footer and the head of the index, through cursors that `inspect` can listen to. */
export function readParts(
  path: string,
  bytes: Uint8Array,
  cursor: MakeCursor = (at, end) => new Cursor(path, bytes, at, end),
): SegmentParts {
  const refuse = (version: number): never => {
    throw new InputError(
      `${path} has segment format version ${version}, this serie reads versions 1 to ${FORMAT_VERSION}: use a newer serie`,
    );
  };
  const { version, ...header } = readHeader(cursor(0, bytes.length), refuse);
  if (bytes.length < FOOTER_BYTES) throw new CorruptionError(path, 0, "the file was cut off");
  const footer = readFooter(cursor(bytes.length - FOOTER_BYTES, bytes.length));
  const { indexOffset, indexBytes, indexChecksum } = footer;
  if (crc32c(bytes.subarray(indexOffset, indexOffset + indexBytes)) !== indexChecksum)
    throw new CorruptionError(path, indexOffset, "the index does not have its checksum");
  const head = readIndexHead(cursor(indexOffset, indexOffset + indexBytes));
  return { bytes, version, header, footer, head };
}
