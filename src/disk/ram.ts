// A disk in memory, for what is not to last: nothing of it can fail, and nothing is there once nobody has it.
import { type Disk, type DiskFile, diskError, folderOf, type OpenMode } from "./disk.ts";

export class RamDisk implements Disk {
  /** Bytes of files by path; null: a folder. */
  readonly #entries = new Map<string, Uint8Array | null>([["/", null]]);

  open(path: string, mode: OpenMode): DiskFile {
    if (mode === "create" || (mode === "append" && !this.exists(path)))
      this.#entries.set(path, new Uint8Array(0));
    this.readFile(path);
    const write = (position: number, bytes: Uint8Array) => {
      const before = this.readFile(path);
      const after = new Uint8Array(Math.max(before.length, position + bytes.length));
      after.set(before);
      after.set(bytes, position);
      this.#entries.set(path, after);
    };
    const size = () => this.size(path);
    return {
      path,
      get sizeBytes() {
        return size();
      },
      append: (...parts) => write(size(), Buffer.concat(parts)),
      writeAt: write,
      read: (position, into) => {
        const bytes = this.readFile(path).subarray(position, position + into.length);
        into.set(bytes);
        return bytes.length;
      },
      truncate: (sizeBytes) => void this.#entries.set(path, this.readFile(path).slice(0, sizeBytes)),
      sync: async () => {},
      close: () => {},
    };
  }

  readFile(path: string): Uint8Array {
    const bytes = this.#entries.get(path);
    if (!bytes) throw diskError("read", path, "there is no such file");
    return bytes;
  }

  map(path: string): Uint8Array {
    return this.readFile(path);
  }

  unmap(): void {}

  readAhead(_bytes: Uint8Array, _start: number, _end: number): void {}

  rest(_bytes: Uint8Array): void {}

  exists(path: string): boolean {
    return this.#entries.has(path);
  }

  size(path: string): number {
    return this.readFile(path).length;
  }

  list(folder: string): string[] {
    const paths = [...this.#entries.keys()].filter((path) => path !== "/" && folderOf(path) === folder);
    return paths.map((path) => path.slice(path.lastIndexOf("/") + 1)).sort();
  }

  makeFolder(path: string): void {
    for (let at = path; !this.#entries.has(at); at = folderOf(at)) this.#entries.set(at, null);
  }

  removeFolder(path: string): void {
    for (const each of [...this.#entries.keys()])
      if (each === path || each.startsWith(`${path}/`)) this.#entries.delete(each);
  }

  rename(from: string, to: string): void {
    this.#entries.set(to, this.readFile(from));
    this.#entries.delete(from);
  }

  unlink(path: string): void {
    this.#entries.delete(path);
  }

  async syncFolder(): Promise<void> {}

  async lock(): Promise<{ release(): void }> {
    return { release: () => {} };
  }
}
