// The index block of one table: which series, times and pages its row groups have. Column-wise, so that it is
// small on disk and becomes a handful of typed arrays in memory (nothing per group, page or series).
//
//   fields       varint count, then per field: u8 type (model/types.ts), text name
//   totals       varint group count, varint series count, varint file offset of the first page
//   rows         per group: varint row count
//   first ids    per group: varint distance of the first series id to the last one of the group before (or 0)
//   last ids     per group: varint distance of the last series id to the first one
//   list sizes   per group: varint size of its series list (0: one series)
//   lists        the series lists: see series-list.ts
//   times        per group: zigzag varint distance (ns) of the smallest time to that of the group before (or 0); then per
//                group: zigzag varint, by how much its largest time is farther from its smallest than in the group before;
//                modulo 2^64. Up to version 2: per group i64 smallest time; then per group i64 largest time (ns)
//   stripes      varint count, then per stripe: varint how many groups it has (see page-places.ts). Up to version 3 there are
//                none: each group is one
//   page sizes   per group: varint size of the page of times, then of each field's page (0: no page)
//   checksums    per page: u32 CRC32C
//   stats sizes  per field page: varint size of its statistics
//   stats        the statistics: see stats.ts
//   keys         varint file offset of the first key block, varint block count, then per block:
//                varint series count, varint raw size, varint compressed size, u32 CRC32C of the compressed bytes
//
// Pages stand one behind the other in the file, so sizes and stripes are all it takes to find them; so do key blocks.
import { MAX_PAGE_ROWS } from "../codec/codec.ts";
import type { Kernels, Pointer } from "../kernels/kernels.ts";
import { type FieldInfo, FieldType } from "../model/types.ts";
import { ByteWriter, type Cursor } from "./bytes.ts";
import { PagePlaces } from "./page-places.ts";
import { type SeriesList, writeSeriesList } from "./series-list.ts";
import { writeCount } from "./stats.ts";

/** Collects the index of a table while its groups are written. */
export class TableIndexWriter {
  groupCount = 0;
  #stripeCount = 0;
  readonly #rows = new ByteWriter();
  readonly #firstIds = new ByteWriter();
  readonly #idSpans = new ByteWriter();
  readonly #listSizes = new ByteWriter();
  readonly #lists = new ByteWriter();
  readonly #minTimes = new ByteWriter();
  readonly #spans = new ByteWriter();
  readonly #stripes = new ByteWriter();
  readonly #pageSizes = new ByteWriter();
  readonly #checksums = new ByteWriter();
  readonly #statsSizes = new ByteWriter();
  readonly #stats = new ByteWriter();
  #previousId = 0;
  #previousMinTime = 0n;
  #previousSpan = 0n;

  constructor(
    readonly measurement: string,
    readonly fields: readonly FieldInfo[],
    readonly firstPageAt: number,
  ) {}

  /** Starts a group; then come its pages: the times, then the fields (`noPage` where none has a value). */
  group(rowCount: number, series: SeriesList, minTime: bigint, maxTime: bigint): void {
    const firstId = series.ids[0]!;
    const lastId = series.ids[series.ids.length - 1]!;
    this.groupCount++;
    this.#rows.varint(rowCount);
    this.#firstIds.varint(firstId - this.#previousId);
    this.#idSpans.varint(lastId - firstId);
    const before = this.#lists.size;
    writeSeriesList(this.#lists, series);
    this.#listSizes.varint(this.#lists.size - before);
    const span = maxTime - minTime;
    this.#minTimes.zigzag64(minTime - this.#previousMinTime);
    this.#spans.zigzag64(span - this.#previousSpan);
    this.#previousId = lastId;
    this.#previousMinTime = minTime;
    this.#previousSpan = span;
  }

  /** Takes over what `encodeGroup` wrote at `pointer` of pages and of columns without one (0); gives their sizes to `take`. */
  pages(kernels: Kernels, pointer: Pointer, columnCount: number, take: (sizeBytes: number) => void): void {
    const [, ...runs] = kernels.u32(pointer, 5);
    const columns = [this.#pageSizes, this.#checksums, this.#statsSizes, this.#stats];
    for (const [r, column] of columns.entries())
      column.bytes(kernels.view(pointer + 32 + r * 8 * columnCount, runs[r]!));
    const { bytes } = kernels;
    for (let at = pointer + 32, end = at + runs[0]!; at < end; ) {
      let size = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++]!;
        size |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      take(size);
    }
  }

  stringPage(sizeBytes: number, checksum: number, rowCount: number, count: number): void {
    this.#pageSizes.varint(sizeBytes);
    this.#checksums.u32(checksum);
    const before = this.#stats.size;
    writeCount(this.#stats, rowCount, count);
    this.#statsSizes.varint(this.#stats.size - before);
  }

  noPage(): void {
    this.#pageSizes.varint(0);
  }

  /** So many groups behind those of the stripes before are one. */
  stripe(groupCount: number): void {
    this.#stripeCount++;
    this.#stripes.varint(groupCount);
  }

  /** The block without its part about keys, which `writeKeyBlocks` appends. */
  finish(seriesCount: number): ByteWriter {
    const out = new ByteWriter();
    out.varint(this.fields.length);
    for (const field of this.fields) {
      out.u8(field.type);
      out.text(field.name);
    }
    out.varint(this.groupCount);
    out.varint(seriesCount);
    out.varint(this.firstPageAt);
    const columns = [this.#rows, this.#firstIds, this.#idSpans, this.#listSizes, this.#lists];
    columns.push(this.#minTimes, this.#spans);
    for (const column of columns) out.bytes(column.written);
    out.varint(this.#stripeCount);
    const ofPages = [this.#stripes, this.#pageSizes, this.#checksums, this.#statsSizes, this.#stats];
    for (const column of ofPages) out.bytes(column.written);
    return out;
  }
}

export interface KeyBlock {
  readonly seriesCount: number;
  readonly rawBytes: number;
  readonly compressedBytes: number;
  readonly checksum: number;
}

export function writeKeyBlocks(out: ByteWriter, firstBlockAt: number, blocks: readonly KeyBlock[]): void {
  out.varint(firstBlockAt);
  out.varint(blocks.length);
  for (const block of blocks) {
    out.varint(block.seriesCount);
    out.varint(block.rawBytes);
    out.varint(block.compressedBytes);
    out.u32(block.checksum);
  }
}

/** The key blocks of a table and where in the file each starts. */
export function readKeyBlocks(cursor: Cursor): (KeyBlock & { readonly at: number })[] {
  let at = cursor.varint("offset of the first key block");
  const count = cursor.count("key block count", 7);
  const blocks: (KeyBlock & { at: number })[] = [];
  for (let i = 0; i < count; i++) {
    const block = {
      at,
      seriesCount: cursor.varint("series in the key block"),
      rawBytes: cursor.varint("raw size of the key block"),
      compressedBytes: cursor.varint("compressed size of the key block"),
      checksum: cursor.checksum("CRC32C of the key block"),
    };
    blocks.push(block);
    at += block.compressedBytes;
  }
  if (at > cursor.source.length) cursor.fail("the key blocks run past the end of the file");
  return blocks;
}

/**
 * A table's index in memory. A group's pages are numbered 0 (times), 1 + f (field f); page p of group g has
 * the number g * pagesPerGroup + p in `checksums`.
 */
export interface TableIndex {
  readonly fields: readonly FieldInfo[];
  readonly groupCount: number;
  readonly seriesCount: number;
  readonly pagesPerGroup: number;
  readonly rows: Uint32Array;
  readonly firstIds: Uint32Array;
  readonly lastIds: Uint32Array;
  /** File offset where the lists start, and for each group where its list ends, counted from there. */
  readonly listsAt: number;
  readonly listEnds: Uint32Array;
  readonly minTimes: BigInt64Array;
  readonly maxTimes: BigInt64Array;
  readonly places: PagePlaces;
  readonly checksums: Uint32Array;
  /** File offset where the statistics start, and for each page where its ones end, counted from there. */
  readonly statsAt: number;
  readonly statsEnds: Uint32Array;
  /** File offset of the part about keys: `readKeyBlocks`. */
  readonly keysAt: number;
}

/** The place of the first of ascending numbers that is not below `least`. */
export function firstFrom(numbers: Uint32Array, least: number): number {
  let low = 0;
  for (let high = numbers.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

const types: readonly number[] = Object.values(FieldType);

/** The cursor covers the block of the table in a file of that version; pages must end at or before `pagesEnd`. */
export function readTableIndex(cursor: Cursor, version: number, pagesEnd: number): TableIndex {
  const fields = readFields(cursor);
  const groupCount = cursor.count("group count", 11);
  const seriesCount = cursor.varint("series count");
  const firstPageAt = cursor.varint("offset of the first page");
  const pagesPerGroup = 1 + fields.length;
  const pageCount = groupCount * pagesPerGroup;
  if (pageCount > cursor.remaining) cursor.fail("more pages than the table's block has room for");

  const rowsAt = cursor.at;
  const rows = numbers(cursor, groupCount, "rows of the group");
  if (rows.some((count) => count === 0 || count > MAX_PAGE_ROWS)) cursor.fail("impossible row count", rowsAt);
  const firstIds = numbers(cursor, groupCount, "first series id - last one before");
  const lastIds = numbers(cursor, groupCount, "last series id - first");
  for (let g = 0, previous = 0; g < groupCount; g++) {
    previous = firstIds[g] = asUint32(cursor, previous + firstIds[g]!);
    previous = lastIds[g] = asUint32(cursor, previous + lastIds[g]!);
  }
  const listEnds = endsOf(cursor, numbers(cursor, groupCount, "size of the series list"));
  const listsAt = cursor.at;
  cursor.skip(listEnds[groupCount - 1] ?? 0, "series lists");
  const { minTimes, maxTimes } = version < 3 ? wholeTimes(cursor, groupCount) : times(cursor, groupCount);

  const stripes = version < 4 ? new Uint32Array(groupCount).fill(1) : readStripes(cursor, groupCount);
  const sizes = numbers(cursor, pageCount, "size of the page");
  const places = new PagePlaces(cursor, stripes, sizes, pagesPerGroup, firstPageAt);
  if (places.end > pagesEnd) cursor.fail("the pages run past the index");
  const checksums = new Uint32Array(pageCount);
  for (let p = 0; p < pageCount; p++) if (sizes[p]! > 0) checksums[p] = cursor.checksum("CRC32C of the page");
  const statsSizes = new Uint32Array(pageCount);
  for (let p = 0; p < pageCount; p++) {
    if (sizes[p]! > 0 && p % pagesPerGroup > 0) statsSizes[p] = cursor.varint("size of the statistics");
  }
  const statsEnds = endsOf(cursor, statsSizes);
  const statsAt = cursor.at;
  cursor.skip(statsEnds[pageCount - 1] ?? 0, "statistics");
  return {
    ...{ fields, groupCount, seriesCount, pagesPerGroup, rows, firstIds, lastIds, listsAt, listEnds },
    ...{ minTimes, maxTimes, places, checksums, statsAt, statsEnds, keysAt: cursor.at },
  };
}

function readFields(cursor: Cursor): FieldInfo[] {
  const count = cursor.count("field count", 2);
  const fields: FieldInfo[] = [];
  for (let i = 0; i < count; i++) {
    const type = cursor.u8("field type");
    if (!types.includes(type)) cursor.fail(`there is no field type ${type}`, cursor.at - 1);
    fields.push({ type: type as FieldType, name: cursor.text("field name") });
  }
  return fields;
}

function numbers(cursor: Cursor, count: number, label: string): Uint32Array<ArrayBuffer> {
  const array = new Uint32Array(count);
  for (let i = 0; i < count; i++) array[i] = asUint32(cursor, cursor.varint(label));
  return array;
}

type GroupTimes = Pick<TableIndex, "minTimes" | "maxTimes">;

function times(cursor: Cursor, count: number): GroupTimes {
  const minTimes = new BigInt64Array(count); // (entries are modulo 2^64)
  const maxTimes = new BigInt64Array(count);
  for (let i = 0, time = 0n; i < count; i++) {
    time += cursor.zigzag64("smallest time - that of the group before, ns");
    minTimes[i] = time;
  }
  for (let i = 0, span = 0n; i < count; i++) {
    span += cursor.zigzag64("largest time - smallest, - that of the group before, ns");
    maxTimes[i] = minTimes[i]! + span;
  }
  return { minTimes, maxTimes };
}

/** Those of versions 1 and 2. */
function wholeTimes(cursor: Cursor, count: number): GroupTimes {
  const minTimes = new BigInt64Array(count);
  const maxTimes = new BigInt64Array(count);
  for (let i = 0; i < count; i++) minTimes[i] = cursor.i64("smallest time, ns");
  for (let i = 0; i < count; i++) maxTimes[i] = cursor.i64("largest time, ns");
  return { minTimes, maxTimes };
}

/** Turns sizes of things that stand one behind the other into the places where each ends. */
function endsOf(cursor: Cursor, sizes: Uint32Array<ArrayBuffer>): Uint32Array {
  for (let i = 1; i < sizes.length; i++) sizes[i] = asUint32(cursor, sizes[i - 1]! + sizes[i]!);
  return sizes;
}

/** By stripe how many groups it has. */
function readStripes(cursor: Cursor, groupCount: number): Uint32Array {
  const stripes = numbers(cursor, cursor.count("stripe count", 1), "groups of the stripe");
  let groups = 0;
  for (const count of stripes) {
    if (count === 0) cursor.fail("a stripe without groups");
    groups += count;
  }
  if (groups !== groupCount) cursor.fail(`stripes of ${groups} groups, of which there are ${groupCount}`);
  return stripes;
}

function asUint32(cursor: Cursor, value: number): number {
  if (value > 0xffff_ffff) cursor.fail(`${value} is out of range`);
  return value;
}
