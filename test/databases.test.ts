import { expect, test } from "bun:test";
import { Databases } from "../src/db/databases.ts";
import { AUTOGEN } from "../src/db/policies.ts";
import { makeDurableFolder, replaceFile } from "../src/disk/disk.ts";
import { encodeSealed } from "../src/disk/sealed.ts";
import { MemoryDisk } from "./disk/memory.ts";

test("a database counts as durable only when its file is, also for a second caller", async () => {
  const disk = new MemoryDisk(1);
  await makeDurableFolder(disk, "/data");
  const databases = new Databases(disk, "/data/databases", 4);
  disk.holdSyncs = true;
  const first = databases.create("a");
  expect(databases.has("a")).toBe(true);
  expect(databases.isDurable("a")).toBe(false);
  let second = false;
  const other = databases.create("a").then(() => {
    second = true;
  });
  await Bun.sleep(5);
  expect(second).toBe(false);
  disk.holdSyncs = false;
  disk.releaseSyncs();
  await Promise.all([first, other]);
  expect(databases.isDurable("a")).toBe(true);
  const again = new Databases(disk.crash("machine"), "/data/databases", 9);
  expect(again.names()).toEqual(["a"]);
  expect(again.partitions).toBe(4);
});

test("a policy that is put while an earlier state is saved is not durable with that", async () => {
  const disk = new MemoryDisk(1);
  await makeDurableFolder(disk, "/data");
  const databases = new Databases(disk, "/data/databases", 4);
  disk.holdSyncs = true;
  const created = databases.create("a");
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  databases.setPolicies("a", [...databases.policies("a")!, { ...AUTOGEN, name: "p", isDefault: false }]);
  void databases.save();
  // syncs are let go one after the other, up to the first moment at which a write to the policy may be answered
  for (let turn = 0; turn < 50 && !databases.isDurable("a"); turn++) {
    disk.releaseSyncs();
    disk.holdSyncs = true;
    await Bun.sleep(1);
  }
  await created;
  const again = new Databases(disk.crash("machine"), "/data/databases", 4);
  expect(again.policies("a")!.map(({ name }) => name)).toEqual(["autogen", "p"]);
});

test("what another thread has written counts once all threads have read it", async () => {
  const disk = new MemoryDisk(1);
  await makeDurableFolder(disk, "/data");
  const head = new Databases(disk, "/data/databases", 4);
  await head.create("a");
  const read = new Databases(disk, "/data/databases", 4);
  expect(read.isDurable("a")).toBe(true);
  await head.create("b");
  expect(read.has("b")).toBe(false);
  read.reload();
  expect([read.has("b"), read.isDurable("b"), read.isDurable("a")]).toEqual([true, false, true]);
  read.allHaveRead("b", undefined);
  expect(read.isDurable("b")).toBe(false);
  read.allHaveRead("b", read.policies("b"));
  expect(read.isDurable("b")).toBe(true);
  const before = read.policies("a");
  head.setPolicies("a", [...head.policies("a")!, { ...AUTOGEN, name: "p", isDefault: false }]);
  await head.save();
  read.reload();
  expect([read.isDurable("a"), read.isDurable("b")]).toEqual([false, true]);
  // others have read what was before
  read.allHaveRead("a", before);
  expect(read.isDurable("a")).toBe(false);
});

test("a database that an older version made under a name that can no more be made stays", async () => {
  const disk = new MemoryDisk(1);
  await makeDurableFolder(disk, "/data");
  const policy = { name: "..", durationNs: "0", shardDurationNs: "3600000000000", isDefault: true };
  const body = { partitions: 2, databases: [{ name: "a/b", policies: [policy] }] };
  await replaceFile(disk, "/data/databases", encodeSealed("serie databases", 2, body));
  const databases = new Databases(disk, "/data/databases", 2);
  await databases.create("a/b");
  await databases.create("c");
  await expect(databases.create("b/c")).rejects.toThrow("invalid name");
  const again = new Databases(disk.crash("machine"), "/data/databases", 2);
  expect(again.names()).toEqual(["a/b", "c"]);
  expect(again.policies("a/b")!.map(({ name }) => name)).toEqual([".."]);
});
