import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DiskError } from "../src/base/errors.ts";
import { replaceFile } from "../src/disk/disk.ts";
import { lockFile } from "../src/disk/lock.ts";
import { nodeDisk } from "../src/disk/node.ts";
import { RamDisk } from "../src/disk/ram.ts";

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "serie-disk-"));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const text = (value: string) => new TextEncoder().encode(value);
const string = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("append, writeAt, read, truncate and reopen agree on the bytes", () =>
  inFolder(async (folder) => {
    const path = join(folder, "file");
    const file = nodeDisk.open(path, "create");
    file.append(text("hello "), new Uint8Array(0), text("world"));
    file.writeAt(0, text("J"));
    expect(file.sizeBytes).toBe(11);
    const middle = new Uint8Array(100);
    expect(file.read(6, middle)).toBe(5);
    expect(string(middle.subarray(0, 5))).toBe("world");
    file.truncate(5);
    file.append(text("!"));
    await file.sync();
    file.close();
    file.close();
    const again = nodeDisk.open(path, "append");
    again.append(text("?"));
    again.close();
    expect(string(nodeDisk.readFile(path))).toBe("Jello!?");
    expect(nodeDisk.size(path)).toBe(7);
    expect(string(nodeDisk.map(path))).toBe("Jello!?");
  }));

test("a subarray of a larger buffer is written as such", () =>
  inFolder(async (folder) => {
    const path = join(folder, "file");
    const file = nodeDisk.open(path, "create");
    const whole = text("0123456789");
    file.append(whole.subarray(2, 4), whole.subarray(7));
    file.writeAt(1, whole.subarray(9));
    file.close();
    expect(string(nodeDisk.readFile(path))).toBe("29789");
  }));

test("folders, names and replaceFile", () =>
  inFolder(async (folder) => {
    const inner = join(folder, "a/b");
    nodeDisk.makeFolder(inner);
    nodeDisk.makeFolder(inner);
    await replaceFile(nodeDisk, join(inner, "z"), text("one"));
    await replaceFile(nodeDisk, join(inner, "z"), text("two"));
    nodeDisk.open(join(inner, "empty"), "create").close();
    expect(nodeDisk.list(inner)).toEqual(["empty", "z"]);
    expect(string(nodeDisk.readFile(join(inner, "z")))).toBe("two");
    expect(nodeDisk.map(join(inner, "empty")).length).toBe(0);
    nodeDisk.rename(join(inner, "z"), join(inner, "y"));
    expect(nodeDisk.exists(join(inner, "z"))).toBe(false);
    nodeDisk.unlink(join(inner, "y"));
    nodeDisk.removeFolder(join(folder, "a"));
    nodeDisk.removeFolder(join(folder, "a"));
    expect(nodeDisk.list(folder)).toEqual([]);
  }));

test("a mapped file outlives its name", () =>
  inFolder(async (folder) => {
    const path = join(folder, "file");
    await replaceFile(nodeDisk, path, text("still here"));
    const mapped = nodeDisk.map(path);
    nodeDisk.unlink(path);
    expect(string(mapped)).toBe("still here");
  }));

test("what is unmapped is gone at once, views of it as well", () =>
  inFolder(async (folder) => {
    const path = join(folder, "file");
    await replaceFile(nodeDisk, path, text("for now"));
    const mapped = nodeDisk.map(path);
    const view = mapped.subarray(4);
    if (process.platform === "linux") expect(readFileSync("/proc/self/maps", "utf8")).toContain(path);
    nodeDisk.unmap(mapped);
    expect([mapped.length, view.length]).toEqual([0, 0]);
    if (process.platform === "linux") expect(readFileSync("/proc/self/maps", "utf8")).not.toContain(path);
    expect(string(nodeDisk.map(path))).toBe("for now");
    // an empty file has no mapping
    nodeDisk.open(join(folder, "empty"), "create").close();
    nodeDisk.unmap(nodeDisk.map(join(folder, "empty")));
  }));

test("a refusal says operation, path and errno", () =>
  inFolder(async (folder) => {
    const missing = join(folder, "missing");
    for (const [operation, run] of [
      ["open", () => nodeDisk.open(missing, "read")],
      ["read", () => nodeDisk.readFile(missing)],
      ["map", () => nodeDisk.map(missing)],
      ["stat", () => nodeDisk.size(missing)],
      ["list", () => nodeDisk.list(missing)],
      ["unlink", () => nodeDisk.unlink(missing)],
      ["rename", () => nodeDisk.rename(missing, join(folder, "x"))],
    ] as const) {
      let error: unknown;
      try {
        run();
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(DiskError);
      expect(error).toMatchObject({ operation, path: missing, errno: "ENOENT" });
      expect((error as DiskError).message).toContain(missing);
    }
  }));

test("a full disk says so", () => {
  // /dev/full refuses every write with ENOSPC
  const file = nodeDisk.open("/dev/full", "append");
  expect(() => file.append(text("x"))).toThrow("the disk is full");
  file.close();
});

test("a lock keeps a second holder out until it is released", () =>
  inFolder(async (folder) => {
    const path = join(folder, "LOCK");
    const lock = await nodeDisk.lock(path);
    await expect(nodeDisk.lock(path, 50)).rejects.toThrow(`held by process ${process.pid}`);
    const waiting = nodeDisk.lock(path, 2000);
    await Bun.sleep(30);
    lock.release();
    lock.release();
    (await waiting).release();
  }));

/** A process that holds the lock at `path`, or the reason why it does not. */
async function spawnHolder(path: string) {
  const child = Bun.spawn(["bun", `${import.meta.dir}/disk/lock-holder.ts`, path], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const { value } = await child.stdout.getReader().read();
  return { child, held: value !== undefined && string(value).trim() === "held" };
}

test("a lock holds against another process, also after kill -9 of the holder", () =>
  inFolder(async (folder) => {
    const path = join(folder, "LOCK");
    const first = await spawnHolder(path);
    expect(first.held).toBe(true);
    await expect(nodeDisk.lock(path, 50)).rejects.toThrow(`held by process ${first.child.pid}`);
    const second = await spawnHolder(path);
    expect(second.held).toBe(false);
    expect(await new Response(second.child.stderr).text()).toContain(`held by process ${first.child.pid}`);
    for (let round = 0; round < 3; round++) {
      const holder = round === 0 ? first : await spawnHolder(path);
      expect(holder.held).toBe(true);
      holder.child.kill("SIGKILL");
      const lock = await nodeDisk.lock(path); // at once, while the process is still dying
      await holder.child.exited;
      lock.release();
    }
  }));

test("a child process does not inherit the lock", () =>
  inFolder(async (folder) => {
    const path = join(folder, "LOCK");
    const lock = await nodeDisk.lock(path);
    const child = Bun.spawn(["sleep", "20"]);
    lock.release();
    (await nodeDisk.lock(path, 0)).release();
    child.kill();
    await child.exited;
  }));

test("without flock, the pid in the file holds the lock while that process lives", () =>
  inFolder(async (folder) => {
    const path = join(folder, "LOCK");
    const child = Bun.spawn(["sleep", "20"]);
    await Bun.write(path, `${child.pid}\n`);
    await expect(lockFile(path, 50, null)).rejects.toThrow(`held by process ${child.pid}`);
    child.kill("SIGKILL");
    (await lockFile(path, 2000, null)).release();
    expect(string(nodeDisk.readFile(path))).toBe("");
  }));

test("a short write is continued where it stopped", () =>
  inFolder(async (folder) => {
    // the shell limits files to 1 KiB: the first write stops there, its continuation is refused
    const path = join(folder, "file");
    const program = `
      import { lockFile } from "../src/disk/lock.ts";
import { nodeDisk } from ${JSON.stringify(`${import.meta.dir}/../src/disk/node.ts`)};
      const part = (value) => new Uint8Array(700).fill(value);
      const file = nodeDisk.open(${JSON.stringify(path)}, "create");
      file.append(part(1).subarray(0, 5));
      try { file.append(part(2), part(3), part(4)); } catch (error) { console.log(error.operation, error.errno, file.sizeBytes); }`;
    const child = Bun.spawnSync(["bash", "-c", `trap '' XFSZ; ulimit -f 1; exec bun -e "$0"`, program]);
    expect(child.stdout.toString().trim()).toBe("write EFBIG 5");
    const expected = new Uint8Array(1024).fill(1, 0, 5).fill(2, 5, 705).fill(3, 705);
    expect(Buffer.compare(nodeDisk.readFile(path), expected)).toBe(0);
  }));

test("only disk/ and the command line use Bun's files (node:fs: layering.test.ts)", async () => {
  const offenders: string[] = [];
  const source = `${import.meta.dir}/../src`;
  for await (const name of new Bun.Glob("**/*.ts").scan(source)) {
    if (name.startsWith("disk/") || name.startsWith("cli/")) continue;
    if (/Bun\.(file|write|mmap)\(/.test(await Bun.file(`${source}/${name}`).text())) offenders.push(name);
  }
  expect(offenders).toEqual([]);
});

test("a disk in memory is one, too", async () => {
  const disk = new RamDisk();
  disk.makeFolder("/a/b");
  const file = disk.open("/a/b/file", "append");
  file.append(text("hello "), new Uint8Array(0), text("world"));
  file.writeAt(0, text("J"));
  file.truncate(5);
  file.append(text("!"));
  await file.sync();
  file.close();
  const into = new Uint8Array(10);
  expect(disk.open("/a/b/file", "read").read(3, into)).toBe(3);
  expect(string(into.subarray(0, 3))).toBe("lo!");
  expect(string(disk.map("/a/b/file"))).toBe("Jello!");
  await replaceFile(disk, "/a/b/other", text("x"));
  expect(disk.list("/a/b")).toEqual(["file", "other"]);
  expect(disk.list("/a")).toEqual(["b"]);
  disk.open("/a/b/file", "create").close();
  expect(disk.size("/a/b/file")).toBe(0);
  disk.unlink("/a/b/file");
  expect(() => disk.open("/a/b/file", "read")).toThrow("cannot read /a/b/file");
  disk.removeFolder("/a/b");
  expect([disk.exists("/a/b/other"), disk.exists("/a")]).toEqual([false, true]);
});
