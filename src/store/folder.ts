// Folder: the names of a store's files, and what becomes of those that no manifest names.
import { CorruptionError } from "../base/errors.ts";
import { type Disk, makeDurableFolder } from "../disk/disk.ts";
import { emptyManifest, type SegmentEntry, writeManifest } from "./manifest.ts";

/** Behind the name of a segment that could not be opened. */
const SET_ASIDE = ".corrupt";

export class StoreFolder {
  readonly #disk: Disk;
  readonly path: string;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.path = path;
  }

  /**
   * Makes the folder of a new store, with a manifest: where segments are without one it was lost, and they are not left-overs.
   * When it exists, makes sure that it stays: a process that was killed may have renamed it without a sync, and what the
   * one before names is removed next. Throws `CorruptionError`, `DiskError`.
   */
  async make(partition: number, partitionCount: number): Promise<void> {
    const disk = this.#disk;
    if (disk.exists(this.manifest)) {
      await disk.syncFolder(this.path);
      return;
    }
    if (!disk.exists(this.path)) await makeDurableFolder(disk, this.path);
    if (disk.list(this.path).some((name) => name.endsWith(".seg")))
      throw new CorruptionError(this.manifest, 0, "the file is missing, but there are segments beside it");
    await writeManifest(disk, this.manifest, emptyManifest(partition, partitionCount));
  }

  get manifest(): string {
    return `${this.path}/manifest`;
  }

  file(name: string): string {
    return `${this.path}/${name}`;
  }

  segment(id: number): string {
    return this.file(nameOf(id));
  }

  /** Gives a corrupt segment another name: it is kept beside the others, for a person to mend. */
  setAside(id: number): void {
    this.#disk.rename(this.segment(id), `${this.segment(id)}${SET_ASIDE}`);
  }

  /** Whether the segment's file is there: not gone, nor set aside by a process that did not come to say so in the manifest. */
  stateOf(id: number): "there" | "gone" | "set aside" {
    const path = this.segment(id);
    if (this.#disk.exists(path)) return "there";
    return this.#disk.exists(`${path}${SET_ASIDE}`) ? "set aside" : "gone";
  }

  /** Of each segment that was set aside: its rows are missing until it is mended, and every start says so until the file is taken away. */
  reports(): CorruptionError[] {
    const reason = "set aside at an earlier start, its rows are missing; remove the file to accept that";
    return this.#disk
      .list(this.path)
      .filter((name) => name.endsWith(SET_ASIDE))
      .map((name) => new CorruptionError(this.file(name), 0, reason));
  }

  /** Removes the files whose names begin as these do, but for those to keep. */
  removeOthers(beginnings: readonly string[], kept: readonly string[]): void {
    for (const name of this.#disk.list(this.path))
      if (beginnings.some((each) => name.startsWith(each)) && !kept.includes(name))
        this.#disk.unlink(this.file(name));
  }

  /** Removes what a crash left: files without their name yet, segments that the manifest does not name. */
  removeLeftOvers(segments: readonly SegmentEntry[]): void {
    const known = new Set(segments.map(({ id }) => nameOf(id)));
    for (const name of this.#disk.list(this.path))
      if (name.endsWith(".tmp") || (name.endsWith(".seg") && !known.has(name)))
        this.#disk.unlink(this.file(name));
  }
}

function nameOf(id: number): string {
  return `${String(id).padStart(10, "0")}.seg`;
}
