// Store: the state of one partition: catalog, memtables and segments, with the manifest that names them.
//
//   apply -> active memtable -> seal -> flush -> segments -> compact -> fewer segments
//
// Order on disk, so that a crash at any point leaves the old state or the new one:
//   1. segments (each durable under its name)   2. catalog file (appended, synced)   3. manifest (replaced)
//   4. only then the log is trimmed and replaced segments are unlinked.
// What 1 and 2 leave behind without 3 is removed at the next start, and made again from the log.
//
// `flush`, `drop` and the commit of `compact` are the caller's to run one after the other, beside writes and reads.
import { CorruptionError, DiskError } from "../base/errors.ts";
import { Pause } from "../base/pause.ts";
import type { Disk } from "../disk/disk.ts";
import type { Kernels, Pointer } from "../kernels/kernels.ts";
import type { LogPosition } from "../model/log.ts";
import type { WindowGrid } from "../model/windows.ts";
import { SegmentReader } from "../segment/reader.ts";
import { Catalog } from "./catalog.ts";
import { compactSegments, deletedRun, mergeShare, pickRun, restRun } from "./compact.ts";
import { dropEmptySeries, emptySeries, type TableSeries, tablesIn, withHidden } from "./empty.ts";
import { flushMemtable } from "./flush.ts";
import { StoreFolder } from "./folder.ts";
import { emptyManifest, type Manifest, readManifest, type SegmentEntry, writeManifest } from "./manifest.ts";
import { Memtable } from "./memtable.ts";
import type { Schema, Table } from "./schema.ts";
import { SeriesSelector } from "./select.ts";
import type { SeriesRanges } from "./series-ranges.ts";
import { writeTombstones } from "./tombstone-file.ts";
import { Deleted, needed, type Tombstone, tombstoneOf, withTombstone } from "./tombstones.ts";
import { type OpenSegment, Version } from "./version.ts";

/** Offset of the active memtable's pointer in a partition's record (kernels/assembly/catalog.ts). */
const ACTIVE = 36;
export interface StoreParts {
  readonly disk: Disk;
  readonly kernels: Kernels;
  readonly schema: Schema;
  /** The partition's record in linear memory, zeroed. */
  readonly record: Pointer;
  readonly folder: string;
  readonly partition: number;
  readonly partitionCount: number;
  /** How a retention policy cuts time. */
  windows(database: string, retentionPolicy: string): WindowGrid;
}

export class Store {
  readonly catalog: Catalog;
  readonly partition: { readonly index: number; readonly count: number };
  readonly #parts: StoreParts;
  readonly #folder: StoreFolder;
  #manifest: Manifest;
  #version: Version;
  /** Segments whose file was gone when the store was opened, and the ids of those that are older. */
  #missing: { readonly entry: SegmentEntry; readonly older: Set<SegmentEntry["id"]> }[] = [];
  #active: Memtable;
  #sealed: Memtable | undefined;
  /** Series that are in the catalog file. */
  #savedSeries = 0;
  /** The tombstones that the manifest's file of them has. */
  #savedTombstones: readonly Tombstone[] = [];
  /** The manifest in memory says more than the one on disk. */
  #dirty = false;
  #compactions = { runs: 0, readBytes: 0, writtenBytes: 0 };
  /** Damage found while opening or merging, for people. */
  readonly corruptions: CorruptionError[] = [];
  /** Segments that are gone or in which a merge met damage: nothing is merged with them or across them. */
  readonly #damaged = new Set<SegmentEntry["id"]>();

  private constructor(parts: StoreParts) {
    this.#parts = parts;
    this.#folder = new StoreFolder(parts.disk, parts.folder);
    this.partition = { index: parts.partition, count: parts.partitionCount };
    this.catalog = new Catalog(parts.kernels, parts.schema, parts.record);
    this.#manifest = emptyManifest(parts.partition, parts.partitionCount);
    this.#active = this.#newActive();
    this.#version = new Version([], [this.#active]);
  }

  /** Makes the folder of a new store, see `StoreFolder.make`. */
  static make(disk: Disk, folder: string, partition: number, partitionCount: number): Promise<void> {
    return new StoreFolder(disk, folder).make(partition, partitionCount);
  }

  /** Opens the store in its folder (see `make`). Corrupt segments are set aside: see `corruptions`. */
  static open(parts: StoreParts): Store {
    const store = new Store(parts);
    store.#load();
    return store;
  }

  get version(): Version {
    return this.#version;
  }

  get logPosition(): LogPosition {
    return this.#manifest.logPosition;
  }

  get segments(): readonly SegmentEntry[] {
    return this.#version.segments.map(({ entry }) => entry);
  }

  /** As `segments`, and those whose file is gone. */
  get entries(): readonly SegmentEntry[] {
    return this.#entries(this.#version.segments);
  }

  /** Those of `segments` whose tables have all been dropped: nothing is found in them. */
  get dropped(): ReadonlySet<SegmentEntry> {
    const isDropped = ({ entry, reader }: OpenSegment) =>
      reader.tables.every((name) => entry.hidden.includes(name));
    return new Set(this.#version.segments.filter(isDropped).map(({ entry }) => entry));
  }

  get compactions(): Readonly<{ runs: number; readBytes: number; writtenBytes: number }> {
    return this.#compactions;
  }

  /** A query met damage: `/health` says so from now on. */
  reportDamage(error: CorruptionError): void {
    if (!this.corruptions.some(({ message }) => message === error.message)) this.corruptions.push(error);
  }

  /** Bytes of rows in memory, sealed ones included. */
  get memoryBytes(): number {
    return this.#active.sizeBytes + (this.#sealed?.sizeBytes ?? 0);
  }

  get rowsInMemory(): number {
    return this.#active.rowCount + (this.#sealed?.rowCount ?? 0);
  }

  /** Bytes of rows that wait to be flushed. */
  get sealedBytes(): number {
    return this.#sealed?.sizeBytes ?? 0;
  }

  /** Makes the active memtable the one to flush and starts a new one. Nothing to do without rows. */
  seal(): void {
    if (this.#sealed || this.#active.rowCount === 0) return;
    const full = this.#active;
    this.#active = this.#newActive();
    this.#sealed = full;
    this.#replaceVersion(this.#version.segments, [this.#sealed, this.#active]);
  }

  /**
   * Writes the sealed memtable to segments. `position`: the last record that it holds. Resolves when all of it is
   * durable. Throws `DiskError`; the rows then stay readable and the call may be repeated.
   */
  async flush(position: LogPosition): Promise<void> {
    const sealed = this.#sealed;
    if (!sealed && !this.#dirty) return;
    const added = sealed
      ? await flushMemtable({ ...this.#segmentParts(), pause: new Pause("flush") }, sealed)
      : [];
    const opened = added.map((entry) => this.#openSegment(entry));
    await this.#commit([...this.#version.segments, ...opened], position);
    if (sealed) {
      this.#sealed = undefined;
      this.#replaceVersion(this.#version.segments, [this.#active]);
      sealed.release();
    }
  }

  /**
   * Merges one run of segments of a time window if there are too many, and all of one that ended before `endedNs`; false: nothing to do. Only the short last step,
   * the commit, goes through `exclusively`: flushes and drops may come before it. Throws `DiskError`.
   */
  async compact(
    exclusively: <T>(work: () => Promise<T>) => Promise<T>,
    stopped: () => boolean,
    endedNs: bigint | null = null,
  ): Promise<boolean> {
    const many = pickRun(this.entries, this.#damaged) ?? deletedRun(this.#version, this.#damaged);
    const run = many ?? (endedNs === null ? null : restRun(this.entries, endedNs, this.#damaged));
    if (!run) return false;
    const inputs = this.#version.segments.filter(({ entry }) => run.includes(entry));
    const version = this.#version.retain();
    try {
      const tombstones = () => this.#manifest.tombstones;
      const pause = new Pause("merge", mergeShare(this.entries, run));
      const parts = { ...this.#segmentParts(), pause, tombstones };
      const merged = await compactSegments(parts, inputs, () => stopped() || !this.#hasAll(inputs));
      if (merged === "stopped") return !stopped();
      await exclusively(() => this.#replaceRun(inputs, merged));
      this.#compactions.runs++;
      this.#compactions.readBytes += run.reduce((sum, entry) => sum + entry.sizeBytes, 0);
      this.#compactions.writtenBytes += merged?.sizeBytes ?? 0;
      return true;
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      // the inputs stay: what is whole of them can be read, and the damaged one can be mended from a copy
      this.corruptions.push(error);
      const damaged = run.filter(({ id }) => this.#folder.segment(id) === error.file);
      for (const { id } of damaged.length > 0 ? damaged : run) this.#damaged.add(id);
      return true;
    } finally {
      version.release();
    }
  }

  // Whether none of them was changed by a drop, or expired.
  #hasAll(inputs: readonly OpenSegment[]): boolean {
    const current = this.#version.segments;
    return inputs.every(({ entry }) => current.some((segment) => segment.entry === entry));
  }

  // Puts the merged segment in the place of its inputs, unless one of them has changed.
  async #replaceRun(inputs: readonly OpenSegment[], merged: SegmentEntry | null): Promise<void> {
    if (!this.#hasAll(inputs))
      return void (merged && this.#parts.disk.unlink(this.#folder.segment(merged.id)));
    const same = (segment: OpenSegment) => inputs.some(({ entry }) => entry === segment.entry);
    const current = this.#version.segments;
    const last = current.findLastIndex(same);
    const opened = merged ? [this.#openSegment(merged)] : [];
    for (const { older } of this.#missing) if (merged && older.has(inputs[0]!.entry.id)) older.add(merged.id);
    const segments = current.toSpliced(last + 1, 0, ...opened).filter((segment) => !same(segment));
    await this.#commit(segments, this.#manifest.logPosition);
    for (const { reader } of inputs) {
      reader.unlink();
      reader.close();
    }
  }

  /** Forgets tables that the schema has dropped: their rows are found no more. Durable as `delete` is. */
  drop(tables: readonly Table[]): void {
    this.catalog.drop(new Set(tables.map(({ id }) => id)));
    const segments = this.#version.segments.map(({ entry, reader }) => ({
      entry: withHidden(entry, tables),
      reader,
    }));
    this.#missing = this.#missing.map(({ entry, older }) => ({ entry: withHidden(entry, tables), older }));
    this.#manifest = { ...this.#manifest, segments: this.#entries(segments) };
    this.#replaceVersion(segments, this.#version.memtables);
    this.#rewriteCatalog();
  }

  /**
   * Deletes rows of a table, or values of fields. `series`: those that `taken` has, or all of the table. Durable with the next flush; until then the log has the record of it. No flush may be running. Series
   * that have no other rows are for `dropEmpty`.
   */
  delete(
    table: Table,
    taken: SeriesRanges,
    series: Uint32Array,
    fields: readonly string[] | null = null,
  ): void {
    const fieldIds = fields?.map((each) => table.measurement.fieldId(each)).filter((id) => id >= 0);
    for (const memtable of this.#version.memtables) {
      if (memtable.rowCount === 0) continue;
      for (let place = 0; place < series.length; place++) {
        if (fieldIds === undefined) memtable.delete(series[place]!, taken.at(place));
        else memtable.deleteFields(series[place]!, taken.at(place), fieldIds);
      }
    }
    const added = tombstoneOf(table, taken, fields, this.#manifest.nextSegment);
    this.#dirty = true;
    if (this.#needed([added], this.#version.segments).length === 0) return;
    const tombstones = withTombstone(this.#manifest.tombstones, added);
    this.#manifest = { ...this.#manifest, tombstones };
    this.#replaceVersion(this.#version.segments, this.#version.memtables);
  }

  /** Ranges of time that are deleted from segments and still in them. */
  get deletedRanges(): number {
    return this.#manifest.tombstones.reduce((sum, { taken }) => sum + taken.rangeCount, 0);
  }

  /** A segment's file is gone, and may come back. */
  get isMissingRows(): boolean {
    return this.#missing.length > 0;
  }

  /** Takes those of the series out of the catalog that have no rows. Durable with the next flush, which may not be running. */
  dropEmpty(table: Table, series: ReadonlySet<number>): void {
    // (to its end, which gives the version back)
    const areEmpty = [...this.areEmpty(table, series)];
    this.dropSeries([...series].filter((_, place) => areEmpty[place]));
  }

  /** Gives for each of the series whether it has no rows: see `emptySeries`. */
  *areEmpty(table: Table, series: Iterable<number>): Generator<boolean> {
    // the rows of a segment that is gone may come back
    if (this.isMissingRows) return;
    const version = this.#version.retain();
    const onDamage = (error: CorruptionError) => this.reportDamage(error);
    try {
      yield* emptySeries(this.#parts.kernels, version, table, series, onDamage);
    } finally {
      version.release();
    }
  }

  /** Takes series without rows out of the catalog, but for those that have got some in memory. Durable as `dropEmpty`. */
  dropSeries(series: readonly number[]): void {
    const { memtables } = this.#version;
    const empty = series.filter((id) => memtables.every((memtable) => memtable.seriesRows(id) === 0));
    if (empty.length === 0) return;
    this.catalog.dropSeries(empty);
    this.#rewriteCatalog();
  }

  /** Removes the segments that `isOver`; durable when resolved. No flush may be running. Gives their number. */
  async expire(isOver: (entry: SegmentEntry) => boolean): Promise<number> {
    const gone = this.#version.segments.filter(({ entry }) => isOver(entry));
    if (gone.length === 0) return 0;
    const kept = this.#version.segments.filter(({ entry }) => !isOver(entry));
    this.#replaceVersion(kept, this.#version.memtables);
    try {
      const all = Array.from(tablesIn(this.#parts.schema, gone), (table) => this.#seriesOf(table));
      await dropEmptySeries(this, all, new Pause());
    } finally {
      // whatever becomes of the catalog: what left the version leaves the disk
      await this.#commit(kept, this.#manifest.logPosition);
      for (const { reader } of gone) {
        reader.unlink();
        reader.close();
      }
    }
    return gone.length;
  }

  // The next commit writes a new catalog file.
  #rewriteCatalog(): void {
    this.#manifest = { ...this.#manifest, catalogFile: "", catalogBytes: 0 };
    this.#savedSeries = 0;
    this.#dirty = true;
  }

  /** Frees the memory; the files are as the last flush left them. */
  close(): void {
    const { segments } = this.#version;
    this.#version.release();
    for (const { reader } of segments) reader.close();
    this.#active.release();
    this.#sealed?.release();
    this.catalog.close();
  }

  // What the manifest names: also the files that are gone, in their place by age, so that they count again as what they
  // were when they are put back.
  #entries(segments: readonly OpenSegment[]): SegmentEntry[] {
    const entries = segments.map(({ entry }) => entry);
    for (const { entry, older } of this.#missing)
      entries.splice(entries.findLastIndex(({ id }) => older.has(id)) + 1, 0, entry);
    return entries;
  }

  #needed(tombstones: readonly Tombstone[], segments: readonly OpenSegment[]): readonly Tombstone[] {
    const missing = this.#missing.map(({ entry }) => entry);
    return needed(tombstones, segments, missing);
  }

  #newActive(): Memtable {
    const memtable = new Memtable(this.#parts.kernels);
    this.#parts.kernels.u32(this.#parts.record + ACTIVE, 1)[0] = memtable.pointer;
    return memtable;
  }

  #replaceVersion(segments: readonly OpenSegment[], memtables: readonly Memtable[]): void {
    const old = this.#version;
    this.#version = new Version(segments, memtables, this.#manifest.tombstones);
    old.release();
  }

  // What it takes to write segments.
  #segmentParts() {
    return { ...this.#parts, catalog: this.catalog, nextSegment: () => this.#nextSegment() };
  }

  #nextSegment(): { id: number; path: string } {
    const id = this.#manifest.nextSegment;
    this.#manifest = { ...this.#manifest, nextSegment: id + 1 };
    return { id, path: this.#folder.segment(id) };
  }

  // Writes catalog and manifest, then shows the segments to readers.
  async #commit(segments: readonly OpenSegment[], logPosition: LogPosition): Promise<void> {
    const { disk } = this.#parts;
    const folder = this.#folder;
    const series = this.catalog.count;
    const catalogFile = this.#manifest.catalogFile || `catalog-${this.#nextSegment().id}`;
    const catalogBytes = await this.catalog.append(
      ...([disk, folder.file(catalogFile), this.#manifest.catalogBytes, this.#savedSeries] as const),
    );
    this.#savedSeries = series;
    const tombstones = this.#needed(this.#manifest.tombstones, segments);
    const tombstoneFile = await this.#saveTombstones(tombstones);
    const entries = this.#entries(segments);
    this.#manifest = {
      ...this.#manifest,
      ...{ catalogFile, catalogBytes, logPosition, segments: entries, tombstones, tombstoneFile },
    };
    this.#dirty = false;
    await writeManifest(disk, folder.manifest, this.#manifest);
    this.#replaceVersion(segments, this.#version.memtables);
    folder.removeOthers(["catalog-", "tombstones-"], [catalogFile, tombstoneFile]);
  }

  // Gives the name of the file that has them: a new one if the last one has others.
  async #saveTombstones(tombstones: readonly Tombstone[]): Promise<string> {
    if (tombstones.length === 0) return "";
    const saved = this.#savedTombstones;
    const isSaved = tombstones.length === saved.length && tombstones.every((each, i) => each === saved[i]);
    if (isSaved && this.#manifest.tombstoneFile !== "") return this.#manifest.tombstoneFile;
    const name = `tombstones-${this.#nextSegment().id}`;
    await writeTombstones(this.#parts.disk, this.#folder.file(name), tombstones);
    this.#savedTombstones = tombstones;
    return name;
  }

  #openSegment(entry: SegmentEntry): OpenSegment {
    const { disk, kernels, schema } = this.#parts;
    const reader = SegmentReader.open(disk, this.#folder.segment(entry.id), kernels);
    for (const name of reader.tables) {
      if (entry.hidden.includes(name)) continue;
      const measurement = schema.measurement(entry.database, name);
      const table = schema.table(measurement, entry.retentionPolicy);
      const stored = reader.table(name)!;
      const deleted = Deleted.of(this.#manifest.tombstones, entry, name);
      for (const field of stored.fields)
        if (stored.hasValues(field.name) && !deleted?.isGone(field.name))
          table.note(measurement.define(field.name, field.type));
    }
    return { entry, reader };
  }

  #load(): void {
    const { disk, schema } = this.#parts;
    const folder = this.#folder;
    this.#manifest = readManifest(disk, folder.manifest);
    if (this.#manifest.partitionCount !== this.#parts.partitionCount)
      throw new DiskError(
        `${folder.manifest} belongs to a data directory of ${this.#manifest.partitionCount} partitions, not ${this.#parts.partitionCount}`,
      );
    if (this.#manifest.tombstoneFile !== "") this.#savedTombstones = this.#manifest.tombstones;
    folder.removeLeftOvers(this.#manifest.segments);
    this.corruptions.push(...folder.reports());
    const segments: OpenSegment[] = [];
    for (const [place, entry] of this.#manifest.segments.entries()) {
      const state = folder.stateOf(entry.id);
      if (state === "set aside") continue;
      if (state === "gone") {
        const reason = "the file is gone, its rows are missing; put it back from a backup and restart";
        this.corruptions.push(new CorruptionError(folder.segment(entry.id), 0, reason));
        this.#missing.push({
          entry,
          older: new Set(this.#manifest.segments.slice(0, place).map(({ id }) => id)),
        });
        this.#damaged.add(entry.id);
        continue;
      }
      try {
        segments.push(this.#openSegment(entry));
      } catch (error) {
        if (!(error instanceof CorruptionError)) throw error;
        folder.setAside(entry.id);
        this.corruptions.push(error);
      }
    }
    if (segments.length + this.#missing.length < this.#manifest.segments.length) {
      this.#manifest = { ...this.#manifest, segments: this.#entries(segments) };
      this.#dirty = true;
    }
    const isRebuilt = this.#loadCatalog(segments);
    this.#replaceVersion(segments, [this.#active]);
    // segments have the keys of series that were deleted, too
    if (isRebuilt && this.#manifest.tombstones.length > 0)
      for (const table of tablesIn(schema, segments))
        this.dropEmpty(table, new Set(this.#seriesOf(table).series));
  }

  #seriesOf(table: Table): TableSeries {
    const selector = new SeriesSelector(this.#parts.kernels, this.catalog);
    const { ids } = selector.select(table.id, null);
    selector.close();
    return { table, series: ids };
  }

  // Whether it had to be rebuilt.
  #loadCatalog(segments: readonly OpenSegment[]): boolean {
    const { disk } = this.#parts;
    try {
      this.catalog.load(disk, this.#folder.file(this.#manifest.catalogFile), this.#manifest.catalogBytes);
      this.#savedSeries = this.catalog.count;
      return false;
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      const { file, offset, reason } = error;
      this.corruptions.push(
        new CorruptionError(file, offset, `${reason}; the catalog was rebuilt from the segments`),
      );
      this.catalog.rebuild(segments);
      this.#rewriteCatalog();
      return true;
    }
  }
}
