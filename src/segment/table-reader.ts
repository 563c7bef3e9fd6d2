// The rows of one measurement in a segment: find a series' row groups, read their times, columns and statistics.
//
// A page is copied from the mapped file into linear memory, compared with its checksum the first time, and decoded
// there. Row groups are numbered from 0, ascending by (series id, time).
import { CorruptionError } from "../base/errors.ts";
import { decodePage, decodeTimes, pageHeapBytes } from "../codec/codec.ts";
import { PageError } from "../codec/page-error.ts";
import type { Kernels, Pointer, Scratch } from "../kernels/kernels.ts";
import { type FieldInfo, FieldType } from "../model/types.ts";
import { wordsOf } from "../model/words.ts";
import { Cursor } from "./bytes.ts";
import type { GroupPages } from "./group-pages.ts";
import { readSeriesKeys } from "./keys.ts";
import { PagesAhead, type ReadAhead } from "./pages-ahead.ts";
import { readSeriesList, type SeriesList } from "./series-list.ts";
import { type PageStats, readStats } from "./stats.ts";
import { firstFrom, type TableIndex } from "./table-index.ts";

/** Where a column is decoded to; sizes: 8 bytes a row, 1 byte a row, `columnHeapBytes`. */
export interface ColumnTarget {
  readonly values: Pointer;
  readonly present: Pointer;
  /** Only for strings. */
  readonly heap: Pointer;
}

/** What `readColumn` found. */
export interface ColumnRead {
  /** False: no row of the group has a value of the field, and nothing was written. */
  readonly present: boolean;
  /** False: every row has a value, and `ColumnTarget.present` was not written. */
  readonly hasNulls: boolean;
  readonly heapBytes: number;
}

/** Row groups `first`, `first + step`, `first + 2 * step`, ... */
export interface GroupSteps {
  readonly first: number;
  readonly step: number;
  readonly count: number;
}

/** What `readEdges` found: of fields one behind the other. */
export interface EdgeValues {
  /** Of so many row groups, from the first on, statistics tell all values; the rest is undefined. */
  readonly told: number;
  /** Entries of a field. */
  readonly room: number;
  /** 8 bytes each. */
  readonly values: Pointer;
  /** u8 each: 0 = the row has no value. */
  readonly present: Pointer;
}

/** What `loadStats` copied: pointers into linear memory, and numbers. */
export interface LoadedStats {
  readonly out: Pointer;
  /** u32 a row group: its rows. */
  readonly rows: Pointer;
  /** u32 a page, of which each row group has `stride`: where its statistics end, counted from `bytes - origin`. */
  readonly ends: Pointer;
  readonly stride: number;
  readonly bytes: Pointer;
  readonly origin: number;
}

/** What kernels may read behind statistics. */
const SPARE_BYTES = 32;

/** What the kernels say of a page. */
export const STATS_BYTES = 48;

const ABSENT: ColumnRead = { present: false, hasNulls: true, heapBytes: 0 };

export class TableReader {
  readonly fields: readonly FieldInfo[];
  readonly groupCount: number;
  readonly seriesCount: number;
  readonly rowCount: number;
  /** ns, over all groups. */
  readonly minTime: bigint;
  readonly maxTime: bigint;
  readonly #file: string;
  readonly #bytes: Uint8Array;
  readonly #kernels: Kernels;
  readonly #index: TableIndex;
  readonly #indexEnd: number;
  readonly #mayHave: (seriesId: number) => boolean;
  /** What begins to read pages before they are wanted. */
  readonly ahead: PagesAhead;
  /** One bit a page: its checksum was compared since the file was opened. */
  readonly #verified: Uint8Array;
  #statsCursor: Cursor | undefined;
  /** Of the series that was looked for last. */
  #lastGroup = -1;
  #minWords: Int32Array | undefined;
  #maxWords: Int32Array | undefined;
  #listGroup = -1;
  #list: SeriesList | undefined;
  /** In this list where a series was last looked for, and the rows before it. */
  #listPlace = 0;
  #listStart = 0;

  constructor(table: {
    file: string;
    bytes: Uint8Array;
    kernels: Kernels;
    index: TableIndex;
    indexEnd: number;
    mayHave: (seriesId: number) => boolean;
    readAhead: ReadAhead;
  }) {
    this.#file = table.file;
    this.#bytes = table.bytes;
    this.#kernels = table.kernels;
    this.#index = table.index;
    this.#indexEnd = table.indexEnd;
    this.#mayHave = table.mayHave;
    this.ahead = new PagesAhead(table.index, table.readAhead);
    this.#verified = new Uint8Array((table.index.checksums.length + 7) >>> 3);
    this.fields = table.index.fields;
    this.groupCount = table.index.groupCount;
    this.seriesCount = table.index.seriesCount;
    const { rows, minTimes, maxTimes, groupCount } = table.index;
    let rowCount = 0;
    let minTime = minTimes[0] ?? 0n;
    let maxTime = maxTimes[0] ?? 0n;
    for (let group = 0; group < groupCount; group++) {
      rowCount += rows[group]!;
      if (minTimes[group]! < minTime) minTime = minTimes[group]!;
      if (maxTimes[group]! > maxTime) maxTime = maxTimes[group]!;
    }
    this.rowCount = rowCount;
    this.minTime = minTime;
    this.maxTime = maxTime;
  }

  /**
   * The row groups, first to last, outside of which the series has no rows; null: it has none at all. A group that
   * several series share may turn out not to have this one: `seriesRows` tells.
   */
  groupRange(seriesId: number): { first: number; last: number } | null {
    const { firstIds, lastIds } = this.#index;
    // series are mostly asked for one after the other, and many have groups of their own: then it is the next one
    let first = this.#lastGroup + 1;
    if (firstIds[first] !== seriesId || (first > 0 && lastIds[first - 1]! >= seriesId)) {
      if (!this.#mayHave(seriesId)) return null;
      first = this.groupFrom(seriesId);
    }
    let end = first;
    while (end < this.groupCount && firstIds[end]! <= seriesId) end++;
    if (end === first) return null;
    this.#lastGroup = end - 1;
    return { first, last: end - 1 };
  }

  /** The first group that may have this series or one behind it. */
  groupFrom(seriesId: number): number {
    return firstFrom(this.#index.lastIds, seriesId);
  }

  /** The rows [start, start + count) of the group that belong to the series; null: none. */
  seriesRows(group: number, seriesId: number): { start: number; count: number } | null {
    const { ids, rows } = this.groupSeries(group);
    // series are mostly asked for one after the other: the search goes on where the last one ended
    let at = this.#listPlace;
    let start = this.#listStart;
    if (at === ids.length || ids[at]! > seriesId) at = start = 0;
    while (at < ids.length && ids[at]! < seriesId) start += rows[at++]!;
    this.#listPlace = at;
    this.#listStart = start;
    return ids[at] === seriesId ? { start, count: rows[at]! } : null;
  }

  groupMinTime(group: number): bigint {
    return this.#index.minTimes[group]!;
  }

  groupMaxTime(group: number): bigint {
    return this.#index.maxTimes[group]!;
  }

  /** Whether the first and the last time of two groups are the same. (As words: a bigint each would take longer.) */
  isSameRange(a: number, b: number): boolean {
    this.#minWords ??= wordsOf(this.#index.minTimes);
    this.#maxWords ??= wordsOf(this.#index.maxTimes);
    const [min, max] = [this.#minWords, this.#maxWords];
    return (
      min[2 * a] === min[2 * b] &&
      min[2 * a + 1] === min[2 * b + 1] &&
      max[2 * a] === max[2 * b] &&
      max[2 * a + 1] === max[2 * b + 1]
    );
  }

  /** Writes the first and the last time of a group, two int64, to `words` from `at` on. */
  putRange(group: number, words: Uint32Array, at: number): void {
    this.#minWords ??= wordsOf(this.#index.minTimes);
    this.#maxWords ??= wordsOf(this.#index.maxTimes);
    words[at] = this.#minWords[2 * group]!;
    words[at + 1] = this.#minWords[2 * group + 1]!;
    words[at + 2] = this.#maxWords[2 * group]!;
    words[at + 3] = this.#maxWords[2 * group + 1]!;
  }

  /** Writes the first time of each of `count` groups to linear memory, int64 ns, and behind them all the last ones. */
  putRanges(group: number, count: number, at: Pointer): void {
    const { longs } = this.#kernels;
    longs.set(this.#index.minTimes.subarray(group, group + count), at >>> 3);
    longs.set(this.#index.maxTimes.subarray(group, group + count), (at >>> 3) + count);
  }

  groupRows(group: number): number {
    return this.#index.rows[group]!;
  }

  /** Smallest and largest series id of the group: equal when all rows are of one series. */
  groupFirstId(group: number): number {
    return this.#index.firstIds[group]!;
  }

  groupLastId(group: number): number {
    return this.#index.lastIds[group]!;
  }

  /** Series of the group, ascending, and the rows of each (they stand in this order). Do not change the arrays. */
  groupSeries(group: number): SeriesList {
    if (this.#list && this.#listGroup === group) return this.#list;
    const { listsAt, listEnds, firstIds, lastIds, rows } = this.#index;
    const start = listsAt + (group === 0 ? 0 : listEnds[group - 1]!);
    const cursor = new Cursor(this.#file, this.#bytes, start, listsAt + listEnds[group]!);
    this.#list = readSeriesList(cursor, firstIds[group]!, lastIds[group]!, rows[group]!);
    this.#listGroup = group;
    this.#listPlace = this.#listStart = 0;
    return this.#list;
  }

  /** Whether the pages of times of two groups hold the same, as those of hosts that report together mostly do. */
  isSameTimes(a: number, b: number): boolean {
    const { rows, checksums, pagesPerGroup, places } = this.#index;
    if (rows[a] !== rows[b] || checksums[a * pagesPerGroup] !== checksums[b * pagesPerGroup]) return false;
    const sizeBytes = this.timesBytes(a);
    if (sizeBytes !== this.timesBytes(b)) return false;
    const bytes = this.#bytes;
    const [atA, atB] = [places.start(a, 0), places.start(b, 0)];
    for (let i = 0; i < sizeBytes; i++) if (bytes[atA + i] !== bytes[atB + i]) return false;
    return true;
  }

  /** Decodes the group's times, int64 ns, 8 bytes a row, to `out`. Throws `CorruptionError`. */
  readTimes(group: number, out: Pointer, buffer?: GroupPages): void {
    const page = this.#open(group, 0, buffer);
    try {
      decodeTimes(this.#kernels, page, this.timesBytes(group), this.groupRows(group), out);
    } catch (error) {
      throw this.failed(group, 0, error);
    } finally {
      if (!buffer) this.#kernels.free(page);
    }
  }

  /**
   * Copies pages of the group to `buffer`, 0 = its times, 1 + f = field f: reads of them with that buffer then copy nothing.
   */
  loadPages(group: number, pages: readonly number[], buffer: GroupPages): void {
    buffer.load(this.#bytes, this.#index.places, group, pages);
  }

  /** Decodes a field's column of the group. Rows without a value hold 0. Throws `CorruptionError`. */
  readColumn(group: number, field: number, out: ColumnTarget, buffer?: GroupPages): ColumnRead {
    const sizeBytes = this.pageBytes(group, field);
    if (sizeBytes === 0) return ABSENT;
    const page = this.#open(group, 1 + field, buffer);
    try {
      const { type } = this.fields[field]!;
      const read = decodePage(this.#kernels, type, page, sizeBytes, this.groupRows(group), out);
      return { present: true, hasNulls: read.hasNulls, heapBytes: read.heapBytes };
    } catch (error) {
      throw this.failed(group, 1 + field, error);
    } finally {
      if (!buffer) this.#kernels.free(page);
    }
  }

  /** Room that `readColumn` needs at `ColumnTarget.heap`: 0 unless the field is a string. */
  columnHeapBytes(group: number, field: number): number {
    if (this.fields[field]!.type !== FieldType.String || this.pageBytes(group, field) === 0) return 0;
    const page = this.#open(group, 1 + field, undefined);
    try {
      return pageHeapBytes(this.#kernels, page, this.pageBytes(group, field));
    } catch (error) {
      throw this.failed(group, 1 + field, error);
    } finally {
      this.#kernels.free(page);
    }
  }

  /** Bytes of the group's page of times in the file. */
  timesBytes(group: number): number {
    return this.#index.places.size(group, 0);
  }

  /** Bytes of the field's page in the file; 0: no row of the group has a value. */
  pageBytes(group: number, field: number): number {
    return this.#index.places.size(group, 1 + field);
  }

  /** Whether any row has a value of the field. */
  hasValues(name: string): boolean {
    const field = this.fields.findIndex((each) => each.name === name);
    if (field < 0) return false;
    for (let group = 0; group < this.groupCount; group++) if (this.pageBytes(group, field) > 0) return true;
    return false;
  }

  /** Values of the field in the group, without reading its page. */
  valueCount(group: number, field: number): number {
    return this.#pageStats(group, field)?.count ?? 0;
  }

  /** Statistics over all rows of the group, without reading its page; null: no values, not numbers, or a NaN. */
  stats(group: number, field: number): PageStats | null {
    return this.#pageStats(group, field)?.stats ?? null;
  }

  /**
   * The same of the fields of `count` row groups at once, in the form of the kernels (`STATS_BYTES` each, field by field: see
   * `pageStats` there; no values: there is no page). They stand in `room` until it is reserved again. Throws `CorruptionError`.
   */
  readAllStats(fields: readonly number[], group: number, count: number, room: Scratch): Pointer {
    const { out, origin, ends, stride, rows, bytes } = this.loadStats(
      group,
      count,
      fields.length * STATS_BYTES * count,
      room,
    );
    const kernels = this.#kernels;
    for (let f = 0, at = out; f < fields.length; f++, at += count * STATS_BYTES) {
      const field = fields[f]!;
      if (field < 0) kernels.bytes.fill(0, at, at + count * STATS_BYTES);
      else {
        const { type } = this.fields[field]!;
        const read = kernels.call.decodeStats(
          ...([type, bytes, origin, ends + field * 4, stride, rows, count, at] as const),
        );
        if (read < count) {
          const { statsAt, statsEnds } = this.#index;
          const reason = "the statistics of a page do not end where they should";
          throw new CorruptionError(
            this.#file,
            statsAt + statsEnds[(group + read) * stride + field]!,
            reason,
          );
        }
      }
    }
    return out;
  }

  /**
   * The values of the fields in the first (`last`: the last) row of each of `count` row groups, `step` apart from each other, as far as
   * statistics tell. They stand in `room` until it is reserved again.
   */
  readEdges(
    fields: readonly number[],
    { first, step, count }: GroupSteps,
    last: boolean,
    room: Scratch,
  ): EdgeValues {
    const span = (count - 1) * step + 1;
    const { out, origin, ends, stride, bytes } = this.loadStats(
      first,
      span,
      fields.length * count * 9 + 8,
      room,
    );
    const present = out + fields.length * count * 8;
    const kernels = this.#kernels;
    let told = count;
    for (let f = 0; f < fields.length && told > 0; f++) {
      const field = fields[f]!;
      const [values, flags] = [out + f * count * 8, present + f * count];
      if (field < 0) kernels.bytes.fill(0, flags, flags + count);
      else
        told = kernels.call.decodeEdges(
          ...([this.fields[field]!.type, bytes, origin, ends + field * 4, stride, step] as const),
          ...([told, last ? 1 : 0, values, flags] as const),
        );
    }
    return { told, room: count, values: out, present };
  }

  /** Copies the statistics of row groups, and what it takes to find them, into `room`, behind `outBytes` for what is read of them. */
  loadStats(group: number, count: number, outBytes: number, room: Scratch): LoadedStats {
    const { statsAt, statsEnds, pagesPerGroup: stride, rows } = this.#index;
    const ends = statsEnds.subarray(group * stride, (group + count) * stride);
    const origin = ends[0]!;
    const bytes = this.#bytes.subarray(statsAt + origin, statsAt + ends[ends.length - 1]!);
    const wanted = ((outBytes + 7) & ~7) + (count + ends.length) * 4 + bytes.length;
    const out = room.reserve(wanted + SPARE_BYTES);
    const rowsAt = out + ((outBytes + 7) & ~7);
    const endsAt = rowsAt + count * 4;
    const bytesAt = endsAt + ends.length * 4;
    const kernels = this.#kernels;
    kernels.words.set(rows.subarray(group, group + count), rowsAt >>> 2);
    kernels.words.set(ends, endsAt >>> 2);
    kernels.put(bytesAt, bytes);
    return { out, origin, stride, rows: rowsAt, ends: endsAt, bytes: bytesAt };
  }

  /** Where a page of a group begins in the file: page 0 is of its times, page 1 + f of field f. */
  pageStart(group: number, page: number): number {
    return this.#index.places.start(group, page);
  }

  /** Where it ends. */
  pageEnd(group: number, page: number): number {
    return this.#index.places.pageEnd(group, page);
  }

  /** The first group that is not in the group's stripe any more: see `PagePlaces`. */
  stripeEnd(group: number): number {
    return this.#index.places.stripeEnd(group);
  }

  /** Where the statistics of a field's page begin in the file. */
  statsStart(group: number, field: number): number {
    const { statsAt, statsEnds, pagesPerGroup } = this.#index;
    return statsAt + statsEnds[group * pagesPerGroup + field]!;
  }

  /** Where they end. */
  statsEnd(group: number, field: number): number {
    return this.statsStart(group, field + 1);
  }

  /** Copies a part of the file into linear memory. */
  copy(start: number, end: number, to: Pointer): void {
    this.#kernels.put(to, this.#bytes.subarray(start, end));
  }

  /** Whether a page was compared with its checksum since the file was opened. */
  isChecked(group: number, page: number): boolean {
    const index = group * this.#index.pagesPerGroup + page;
    return (this.#verified[index >>> 3]! & (1 << (index & 7))) !== 0;
  }

  /** Compares a copy of a page with its checksum, if none was. Throws `CorruptionError`. */
  check(group: number, page: number, copy: Pointer): void {
    if (this.isChecked(group, page)) return;
    const start = this.pageStart(group, page);
    const sizeBytes = this.pageEnd(group, page) - start;
    const index = group * this.#index.pagesPerGroup + page;
    if (this.#kernels.call.crc32c(copy, sizeBytes, 0) >>> 0 !== this.#index.checksums[index])
      throw new CorruptionError(this.#file, start, "the page does not have its checksum");
    this.#verified[index >>> 3]! |= 1 << (index & 7);
  }

  /** An error of a group's page as one of the file. */
  failed(group: number, page: number, error: unknown): unknown {
    return error instanceof PageError
      ? new CorruptionError(this.#file, this.pageStart(group, page), error.message)
      : error;
  }

  /** Id and canonical key of each series, ascending by id: reads the keys section. Throws `CorruptionError`. */
  seriesKeys(): IterableIterator<[number, Uint8Array]> {
    const cursor = new Cursor(this.#file, this.#bytes, this.#index.keysAt, this.#indexEnd);
    return readSeriesKeys(cursor);
  }

  #pageStats(group: number, field: number): { count: number; stats: PageStats | null } | null {
    if (this.pageBytes(group, field) === 0) return null;
    const { statsAt, statsEnds, pagesPerGroup } = this.#index;
    const page = group * pagesPerGroup + 1 + field;
    this.#statsCursor ??= new Cursor(this.#file, this.#bytes, statsAt, this.#indexEnd);
    const cursor = this.#statsCursor.moveTo(statsAt + statsEnds[page - 1]!, statsAt + statsEnds[page]!);
    return readStats(cursor, this.fields[field]!.type, this.groupRows(group));
  }

  // A checked copy of the page in linear memory: in `buffer`, else in an area of its own that the caller frees.
  #open(group: number, page: number, buffer: GroupPages | undefined): Pointer {
    const start = this.pageStart(group, page);
    const end = this.pageEnd(group, page);
    if (buffer) {
      const copy = buffer.page(this.#bytes, page, start, end);
      this.check(group, page, copy);
      return copy;
    }
    const copy = this.#kernels.alloc(end - start);
    try {
      this.copy(start, end, copy);
      this.check(group, page, copy);
    } catch (error) {
      this.#kernels.free(copy);
      throw error;
    }
    return copy;
  }
}
