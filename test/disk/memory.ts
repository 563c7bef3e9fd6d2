// A disk in memory that crashes: it keeps what `Disk` promises to keep and, seeded, loses or tears the rest.
//
// Each file has its content as programs see it, and its content as of the last finished sync plus the writes since;
// each folder has its names as of the last finished folder sync plus the changes since. `crash` chooses what of the
// writes (by 512-byte sectors) and of the changes has reached the platter, and returns the disk as the next
// process finds it. The old disk is dead: its operations throw, its syncs never finish.
import { assert } from "../../src/base/assert.ts";
import { DiskError } from "../../src/base/errors.ts";
import { type Disk, type DiskFile, type DiskLock, folderOf, type OpenMode } from "../../src/disk/disk.ts";

const SECTOR_BYTES = 512;

type Write =
  | { sequence: number; position: number; bytes: Uint8Array }
  | { sequence: number; truncate: number };

class Inode {
  content = new Uint8Array(0);
  sizeBytes = 0;
  synced = new Uint8Array(0);
  syncedSequence = 0;
  writes: Write[] = [];

  write(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length;
    if (end > this.content.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.content.length));
      grown.set(this.content.subarray(0, this.sizeBytes));
      this.content = grown;
    }
    this.content.set(bytes, position);
    this.sizeBytes = Math.max(this.sizeBytes, end);
  }

  truncate(sizeBytes: number): void {
    const content = new Uint8Array(sizeBytes);
    content.set(this.content.subarray(0, Math.min(sizeBytes, this.sizeBytes)));
    this.content = content;
    this.sizeBytes = sizeBytes;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.content.slice(0, this.sizeBytes);
  }
}

type Entry = Inode | "folder";
/** One change of a folder: all of its names change or none (a rename has two). */
type Change = [path: string, entry: Entry | undefined][];
type FolderChange = { sequence: number; folder: string; change: Change };

export interface MemoryDiskCounts {
  writes: number;
  syncs: number;
  folderSyncs: number;
}

export class MemoryDisk implements Disk {
  /** Asked before every operation: an errno ("EIO", "ENOSPC") makes it fail. */
  fault: ((operation: string, path: string) => string | undefined) | undefined;
  /** While true, syncs do not finish; `releaseSyncs` lets them. */
  holdSyncs = false;
  readonly counts: MemoryDiskCounts = { writes: 0, syncs: 0, folderSyncs: 0 };
  readonly #random: () => number;
  #names = new Map<string, Entry>([["/", "folder"]]);
  #durableNames = new Map<string, Entry>([["/", "folder"]]);
  #changes: FolderChange[] = [];
  #sequence = 0;
  #held: (() => void)[] = [];
  #locked = new Set<string>();
  #dead = false;

  constructor(readonly seed = 1) {
    this.#random = randomNumbers(seed);
  }

  /**
   * The machine loses power: returns the disk that the next process finds. With "process" only the process
   * dies (kill -9): everything written is still there.
   */
  crash(what: "machine" | "process" = "machine"): MemoryDisk {
    this.#dead = true;
    const next = new MemoryDisk(Math.floor(this.#random() * 2 ** 31));
    const inodes = new Map<Inode, Inode>();
    if (what === "process") {
      next.#names = this.#names;
      next.#durableNames = this.#durableNames;
      next.#changes = this.#changes;
      next.#sequence = this.#sequence;
      return next;
    }
    const names = new Map(this.#durableNames);
    const inOrder = this.#random() < 0.5;
    let lost = false;
    for (const { change } of this.#changes) {
      lost = (inOrder && lost) || this.#random() < 0.5;
      if (lost) continue;
      for (const [path, entry] of change) entry ? names.set(path, entry) : names.delete(path);
    }
    const isReachable = (path: string): boolean =>
      path === "/" || (names.get(folderOf(path)) === "folder" && isReachable(folderOf(path)));
    for (const [path, entry] of names) {
      if (!isReachable(path)) continue;
      let survivor: Entry = "folder";
      if (entry !== "folder") {
        survivor = inodes.get(entry) ?? this.#survivor(entry);
        inodes.set(entry, survivor);
      }
      next.#names.set(path, survivor);
      next.#durableNames.set(path, survivor);
    }
    return next;
  }

  #survivor(inode: Inode): Inode {
    const survivor = new Inode();
    survivor.write(0, inode.synced);
    for (const write of inode.writes) {
      const choice = this.#random();
      if (choice < 0.3) continue; // lost
      if ("truncate" in write) {
        survivor.truncate(write.truncate);
      } else if (choice < 0.6) {
        survivor.write(write.position, write.bytes);
      } else {
        // torn: each sector is there or not
        for (let at = 0; at < write.bytes.length; ) {
          const end = Math.min(
            write.bytes.length,
            at + SECTOR_BYTES - ((write.position + at) % SECTOR_BYTES),
          );
          if (this.#random() < 0.6) survivor.write(write.position + at, write.bytes.subarray(at, end));
          at = end;
        }
        // an append may also end inside a sector
        if (this.#random() < 0.3 && write.position + write.bytes.length === survivor.sizeBytes)
          survivor.truncate(write.position + Math.floor(this.#random() * write.bytes.length));
      }
    }
    survivor.synced = survivor.bytes;
    return survivor;
  }

  /** Lets held syncs finish. */
  releaseSyncs(): void {
    this.holdSyncs = false;
    for (const release of this.#held.splice(0)) release();
  }

  open(path: string, mode: OpenMode): DiskFile {
    this.#check("open", path);
    let inode = this.#names.get(path);
    if (inode === "folder") throw refusal("open", path, "EISDIR");
    if (!inode) {
      if (mode === "read" || this.#names.get(folderOf(path)) !== "folder")
        throw refusal("open", path, "ENOENT");
      inode = new Inode();
      this.#change(folderOf(path), [[path, inode]]);
    } else if (mode === "create") {
      inode.truncate(0);
      inode.writes.push({ sequence: ++this.#sequence, truncate: 0 });
    }
    return this.#handle(path, inode, mode);
  }

  #handle(path: string, inode: Inode, mode: OpenMode): DiskFile {
    const disk = this;
    let isOpen = true;
    const checked = (operation: string) => {
      assert(isOpen, `use of closed file ${path}`);
      disk.#check(operation, path);
    };
    const write = (position: number, bytes: Uint8Array) => {
      assert(mode !== "read", `write to ${path}, opened for reading`);
      inode.write(position, bytes);
      inode.writes.push({ sequence: ++disk.#sequence, position, bytes: bytes.slice() });
    };
    return {
      path,
      get sizeBytes() {
        return inode.sizeBytes;
      },
      append(...parts) {
        checked("write");
        disk.counts.writes++;
        // one write: parts are torn by sector, not by part
        write(inode.sizeBytes, Buffer.concat(parts));
      },
      writeAt(position, bytes) {
        checked("write");
        disk.counts.writes++;
        write(position, bytes);
      },
      read(position, into) {
        checked("read");
        const bytes = inode.content.subarray(position, Math.min(inode.sizeBytes, position + into.length));
        into.set(bytes);
        return bytes.length;
      },
      truncate(sizeBytes) {
        checked("truncate");
        inode.truncate(sizeBytes);
        inode.writes.push({ sequence: ++disk.#sequence, truncate: sizeBytes });
      },
      async sync() {
        disk.counts.syncs++;
        checked("sync");
        const sequence = disk.#sequence;
        const content = inode.bytes;
        await disk.#delay();
        assert(isOpen, `${path} was closed under a sync`);
        if (sequence < inode.syncedSequence) return;
        inode.synced = content;
        inode.syncedSequence = sequence;
        inode.writes = inode.writes.filter((write) => write.sequence > sequence);
      },
      close() {
        isOpen = false;
      },
    };
  }

  readFile(path: string): Uint8Array {
    this.#check("read", path);
    return this.#inode("read", path).bytes;
  }

  map(path: string): Uint8Array {
    this.#check("map", path);
    // (a copy, for `unmap` to take away)
    return this.#inode("map", path).bytes.slice();
  }

  unmap({ buffer }: Uint8Array): void {
    (buffer as ArrayBuffer).transfer(0);
  }

  readAhead(): void {}

  rest(): void {}

  exists(path: string): boolean {
    return this.#names.has(path);
  }

  size(path: string): number {
    this.#check("stat", path);
    return this.#inode("stat", path).sizeBytes;
  }

  list(folder: string): string[] {
    this.#check("list", folder);
    if (this.#names.get(folder) !== "folder") throw refusal("list", folder, "ENOENT");
    return [...this.#names.keys()]
      .filter((path) => path !== "/" && folderOf(path) === folder)
      .map((path) => path.slice(path.lastIndexOf("/") + 1))
      .sort();
  }

  makeFolder(path: string): void {
    this.#check("make folder", path);
    if (this.#names.get(path) === "folder") return;
    this.makeFolder(folderOf(path));
    this.#change(folderOf(path), [[path, "folder"]]);
  }

  removeFolder(path: string): void {
    this.#check("remove folder", path);
    for (const name of [...this.#names.keys()].filter((name) => name.startsWith(`${path}/`)))
      this.#change(folderOf(name), [[name, undefined]]);
    if (this.#names.has(path)) this.#change(folderOf(path), [[path, undefined]]);
  }

  rename(from: string, to: string): void {
    this.#check("rename", from);
    const entry = this.#names.get(from);
    if (!entry || this.#names.get(folderOf(to)) !== "folder") throw refusal("rename", from, "ENOENT");
    this.#change(folderOf(to), [
      [from, undefined],
      [to, entry],
    ]);
  }

  unlink(path: string): void {
    this.#check("unlink", path);
    this.#inode("unlink", path);
    this.#change(folderOf(path), [[path, undefined]]);
  }

  async syncFolder(path: string): Promise<void> {
    this.counts.folderSyncs++;
    this.#check("sync folder", path);
    const sequence = this.#sequence;
    await this.#delay();
    const kept: FolderChange[] = [];
    for (const entry of this.#changes) {
      if (entry.folder !== path || entry.sequence > sequence) kept.push(entry);
      else
        for (const [name, inode] of entry.change)
          inode ? this.#durableNames.set(name, inode) : this.#durableNames.delete(name);
    }
    this.#changes = kept;
  }

  async lock(path: string): Promise<DiskLock> {
    this.#check("lock", path);
    if (this.#locked.has(path)) throw refusal("lock", path, "EWOULDBLOCK");
    this.#locked.add(path);
    return { release: () => void this.#locked.delete(path) };
  }

  #change(folder: string, change: Change): void {
    for (const [path, entry] of change) entry ? this.#names.set(path, entry) : this.#names.delete(path);
    this.#changes.push({ sequence: ++this.#sequence, folder, change });
  }

  #inode(operation: string, path: string): Inode {
    const entry = this.#names.get(path);
    if (!entry) throw refusal(operation, path, "ENOENT");
    if (entry === "folder") throw refusal(operation, path, "EISDIR");
    return entry;
  }

  #check(operation: string, path: string): void {
    if (this.#dead) throw refusal(operation, path, "ENODEV");
    const errno = this.fault?.(operation, path);
    if (errno) throw refusal(operation, path, errno);
  }

  /** A while that other code may run in; never ends on a dead disk. */
  async #delay(): Promise<void> {
    for (let turns = Math.floor(this.#random() * 3); turns >= 0; turns--)
      await new Promise<void>((resolve) => setImmediate(resolve));
    if (this.holdSyncs) await new Promise<void>((resolve) => this.#held.push(resolve));
    if (this.#dead) await new Promise(() => {});
  }
}

function refusal(operation: string, path: string, errno: string): DiskError {
  return new DiskError(`cannot ${operation} ${path} (${errno})`, { operation, path, errno });
}

/** mulberry32: numbers in [0, 1) from a seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
