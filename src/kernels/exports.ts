// The signatures of the kernels as JavaScript sees them: pointers, counts and sizes are numbers (pointers come
// back signed above 2 GiB: `>>> 0`), i64 is bigint (so it occurs only per call, never per value).
// The documentation of each stands at its definition in assembly/.

export interface KernelExports
  extends AreaExports,
    LineExports,
    PageExports,
    ChecksumExports,
    StatsExports,
    FoldExports,
    MaskExports,
    CatalogExports,
    MemtableExports,
    TagIndexExports,
    JsonExports,
    SplitExports {
  readonly memory: WebAssembly.Memory;
}

/** assembly/area.ts */
export interface AreaExports {
  areaSizeFor(sizeBytes: number): number;
  areaAlloc(sizeBytes: number): number;
  areaFree(pointer: number): void;
  areaSize(pointer: number): number;
  areaUsed(): number;
  /** Comes back signed, and goes round: see `areaTaken`. */
  areaTaken(): number;
  areaNextFree(pointer: number): number;
}

/** assembly/page.ts, assembly/string-page.ts */
export interface PageExports {
  encodeNumbers(type: number, count: number, values: number, present: number, page: number): number;
  decodeNumbers(
    type: number,
    page: number,
    sizeBytes: number,
    count: number,
    values: number,
    present: number,
  ): number;
  encodeStrings(
    count: number,
    slots: number,
    present: number,
    heap: number,
    heapBytes: number,
    page: number,
  ): number;
  decodeStrings(
    page: number,
    sizeBytes: number,
    count: number,
    slots: number,
    present: number,
    heap: number,
  ): number;
}

/** assembly/checksum.ts */
export interface ChecksumExports {
  /** Comes back signed: `>>> 0`. */
  crc32c(source: number, sizeBytes: number, seed: number): number;
}

/** assembly/stats.ts, assembly/group.ts */
export interface StatsExports {
  encodeGroup(
    columns: number,
    columnCount: number,
    from: number,
    rowCount: number,
    out: number,
    outEnd: number,
    index: number,
  ): number;
  encodeStats(type: number, rowCount: number, stats: number, target: number): number;
  decodeStats(
    type: number,
    bytes: number,
    origin: number,
    ends: number,
    stride: number,
    rows: number,
    groups: number,
    out: number,
  ): number;
  decodeEdges(
    type: number,
    bytes: number,
    origin: number,
    ends: number,
    stride: number,
    step: number,
    groups: number,
    last: number,
    values: number,
    present: number,
  ): number;
  pageStats(type: number, values: number, present: number, rowCount: number, out: number): void;
  presentCount(present: number, rowCount: number): number;
  timeBounds(times: number, rowCount: number, out: number): void;
}
/** assembly/fold.ts, assembly/fold-stats.ts, assembly/fold-groups.ts */
export interface FoldExports {
  foldInit(windows: number, arrays: number, accumulators: number): void;
  foldFloat: FoldKernel;
  foldInteger: FoldKernel;
  foldUnsigned: FoldKernel;
  foldCount(
    times: number,
    present: number,
    mask: number,
    rows: number,
    bounds: number,
    windows: number,
    window: number,
    accumulators: number,
  ): number;
  foldStats(
    type: number,
    stats: number,
    rows: number,
    first: bigint,
    last: bigint,
    bounds: number,
    windows: number,
    window: number,
    keep: number,
    timeless: boolean,
    accumulators: number,
  ): number;
  foldBeaten(
    type: number,
    stats: number,
    rows: number,
    times: number,
    from: number,
    to: number,
    bounds: number,
    windows: number,
    window: number,
    keep: number,
    timeless: boolean,
    accumulators: number,
  ): number;
  foldEach(
    type: number,
    times: number,
    values: number,
    present: number,
    series: number,
    counts: number,
    into: number,
    offset: number,
    minTime: bigint,
    maxTime: bigint,
    bounds: number,
    windows: number,
    keep: number,
  ): void;
  foldShared(
    type: number,
    times: number,
    values: number,
    present: number,
    rows: number,
    minTime: bigint,
    maxTime: bigint,
    bounds: number,
    windows: number,
    keep: number,
    accumulators: number,
  ): void;
  foldSpan(
    columns: number,
    columnCount: number,
    fields: number,
    count: number,
    rows: number,
    ends: number,
    stride: number,
    bytes: number,
    origin: number,
    firsts: number,
    lasts: number,
    into: number,
    minTime: bigint,
    maxTime: bigint,
    bounds: number,
    windows: number,
    timeless: boolean,
    room: number,
    left: number,
  ): number;
  foldGroups(
    columns: number,
    columnCount: number,
    groups: number,
    from: number,
    to: number,
    minTime: bigint,
    maxTime: bigint,
    bounds: number,
    windows: number,
    timeless: boolean,
    room: number,
    roomRows: number,
  ): number;
  failedGroup(): number;
  failedPage(): number;
  lowerBound(times: number, from: number, rows: number, time: bigint): number;
}
export type FoldKernel = (
  times: number,
  values: number,
  present: number,
  mask: number,
  rows: number,
  bounds: number,
  windows: number,
  window: number,
  keep: number,
  accumulators: number,
) => number;

/** assembly/masks.ts */
export interface MaskExports {
  compareFloat: CompareKernel<number>;
  compareInteger: CompareKernel<bigint>;
  compareUnsigned: CompareKernel<bigint>;
  andMasks(a: number, b: number, rows: number, target: number): void;
  orMasks(a: number, b: number, rows: number, target: number): void;
  gather(values: number, mask: number, rows: number, target: number): number;
  gatherBytes(bytes: number, mask: number, rows: number, target: number): number;
  maskRanges(times: number, rows: number, ranges: number, rangeCount: number, mask: number): number;
  maskColumn(mask: number, rows: number, values: number, present: number): number;
}
export type CompareKernel<T> = (
  values: number,
  present: number,
  rows: number,
  operator: number,
  constant: T,
  mask: number,
) => void;

/** assembly/line.ts, hash.ts, number.ts */
export interface LineExports {
  lineParse(
    body: number,
    bodyBytes: number,
    databaseBytes: number,
    policyBytes: number,
    now: bigint,
    unit: bigint,
    seed: bigint,
    maxBytes: number,
    offsets: boolean,
  ): number;
  lineRows(): number;
  lineErrors(): number;
  lineUnread(): number;
  lineErrorRecords(): number;
  lineExhausted(): number;
  lineRelease(): void;
  /** assembly/json-lines.ts */
  jsonToLines(body: number, bodyBytes: number, lines: number): number;
  xxHash64(start: number, length: number, seed: bigint): bigint;
  parseDecimal(start: number, end: number): number;
  powersOfFive(): number;
}

/** assembly/catalog.ts */
export interface CatalogExports {
  catalogOpen(partition: number): number;
  catalogClose(partition: number): void;
  catalogCount(partition: number): number;
  catalogEntry(partition: number, id: number): number;
  entryTable(entry: number): number;
  entryLength(entry: number): number;
  entryKey(entry: number): number;
  catalogFind(partition: number, hash: bigint, table: number, key: number, length: number): number;
  catalogAdd(partition: number, hash: bigint, table: number, key: number, length: number): number;
  catalogAppend(partition: number, hash: bigint, table: number, key: number, length: number): number;
  /** Comes back signed: `>>> 0`. */
  catalogAppendAll(partition: number, table: number, lengths: number, count: number, keys: number): number;
  catalogResolve(
    partitions: number,
    partitionCount: number,
    batchTable: number,
    table: number,
    targets: number,
  ): number;
  catalogDropSeries(partition: number, ids: number, n: number): void;
  catalogList(partition: number, wanted: number, tables: number, out: number): number;
}

/** assembly/memtable.ts and assembly/gather.ts */
export interface MemtableExports {
  memtableOpen(): number;
  memtableClose(memtable: number): void;
  memtableRows(memtable: number): number;
  memtableSize(memtable: number): number;
  activeMemtableBytes(partitions: number, partitionCount: number): number;
  memtableMinTime(memtable: number): bigint;
  memtableMaxTime(memtable: number): bigint;
  memtableApply(batchTable: number, targets: number, fieldIds: number, scratch: number): number;
  memtableSeriesRows(memtable: number, id: number): number;
  memtableDelete(memtable: number, id: number, ranges: number, rangeCount: number): number;
  memtableDeleteFields(
    memtable: number,
    id: number,
    ranges: number,
    rangeCount: number,
    fields: number,
    fieldCount: number,
  ): number;
  memtableSeries(memtable: number, limit: number, out: number): number;
  memtableNextTime(memtable: number, ids: number, count: number, from: bigint): bigint;
  memtableCollect(memtable: number, id: number, minTime: bigint, maxTime: bigint, out: number): number;
  memtableGather(
    rows: number,
    start: number,
    end: number,
    room: number,
    columns: number,
    columnCount: number,
    times: number,
    at: number,
    written: number,
  ): number;
  blockClear(columns: number, columnCount: number, rows: number): void;
  blockAppend(
    values: number,
    present: number,
    mask: number,
    rows: number,
    base: number,
    column: number,
    at: number,
  ): number;
  heapSize(values: number, rows: number): number;
  packHeap(values: number, rows: number, base: number, heap: number, start: number): number;
  mergeTimes(
    older: number,
    olderRows: number,
    newer: number,
    newerRows: number,
    times: number,
    pairs: number,
  ): number;
  mergeColumn(
    pairs: number,
    rows: number,
    olderValues: number,
    olderPresent: number,
    newerValues: number,
    newerPresent: number,
    newerBase: number,
    values: number,
    present: number,
  ): number;
}

/** assembly/tagindex.ts */
export interface TagIndexExports {
  tagIndexExtend(partition: number): number;
  tagIndexClose(partition: number): void;
  tagIndexFind(partition: number, table: number, text: number, length: number): number;
  tagIndexFindValue(
    partition: number,
    table: number,
    key: number,
    keyBytes: number,
    value: number,
    valueBytes: number,
  ): number;
  tagIndexDrop(partition: number, ids: number, n: number): void;
  tagIndexCount(reference: number): number;
  tagIndexRoom(reference: number): number;
  tagIndexKeyCount(table: number): number;
  tagIndexSeries(partition: number, reference: number, out: number): void;
  tagIndexKeys(table: number, out: number): void;
  tagIndexValues(partition: number, tagKey: number, out: number): void;
  tagIndexValuesOf(
    partition: number,
    table: number,
    ids: number,
    count: number,
    text: number,
    length: number,
    out: number,
  ): void;
}

/** assembly/json.ts */
export interface JsonExports {
  jsonRows(
    from: number,
    rows: number,
    first: number,
    times: number,
    unit: bigint,
    forms: number,
    columns: number,
    columnCount: number,
    out: number,
    limit: number,
  ): number;
  jsonEnd(): number;
  /** Comes back signed: `>>> 0`. */
  jsonShort(
    series: number,
    ends: number,
    first: number,
    times: number,
    unit: bigint,
    forms: number,
    columns: number,
    columnCount: number,
    frame: number,
    tagLengths: number,
    tags: number,
    out: number,
  ): number;
  /** Comes back signed: `>>> 0`. */
  jsonApart(
    rows: number,
    columnCount: number,
    times: number,
    unit: bigint,
    lengths: number,
    text: number,
    values: number,
    marks: number,
    out: number,
  ): number;
  /** Comes back signed: `>>> 0`. */
  jsonSeries(
    series: number,
    rows: number,
    columnCount: number,
    first: number,
    gaps: number,
    times: number,
    unit: bigint,
    timeTexts: number,
    frame: number,
    tagLengths: number,
    tags: number,
    columns: number,
    out: number,
  ): number;
  /** assembly/shortest.ts */
  powersOfTen(): number;
}

/** assembly/split.ts */
export interface SplitExports {
  batchOwners(batch: number, owners: number, partitions: number, work: number, rows: number): void;
  /** Comes back signed: `>>> 0`. */
  batchPart(
    batch: number,
    owners: number,
    partitions: number,
    owner: number,
    work: number,
    target: number,
  ): number;
}
