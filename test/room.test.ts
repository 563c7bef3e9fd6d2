// Memory for rows is one for all threads: who has the rows flushes them, and all wait while there is no room.
import { expect, test } from "bun:test";
import { systemClock } from "../src/base/clock.ts";
import type { Applier } from "../src/db/applier.ts";
import { Companions, sharedBytes } from "../src/db/companions.ts";
import { Room } from "../src/db/room.ts";
import type { Store } from "../src/store/store.ts";

const MIB = 1024 ** 2;
const MOST = 64 * MIB;

/** A thread with rows in memory, of which `flush` seals those that are not. */
class Thread {
  active = 0;
  sealed = 0;
  flushes = 0;
  writable = true;
  readonly room: Room;

  constructor(companions: Companions | null, maxMemSize = MOST) {
    const thread = this;
    this.room = new Room({
      maxMemSize,
      clock: systemClock,
      companions,
      applier: {
        get activeBytes() {
          return thread.active;
        },
      } as Applier,
      stores: [
        {
          get sealedBytes() {
            return thread.sealed;
          },
        } as Store,
      ],
      flush: async () => {
        this.flushes++;
        this.sealed += this.active;
        this.active = 0;
      },
      checkWritable: () => {
        if (!this.writable) throw new Error("closed");
      },
    });
  }
}

function threadsOf(count: number): Thread[] {
  const shared = new SharedArrayBuffer(sharedBytes(count));
  const owners = Uint8Array.from({ length: count }, (_, i) => i);
  return [...owners].map((index) => new Thread(new Companions({ index, count, owners, shared })));
}

test("one thread flushes when it has more than may be", () => {
  const thread = new Thread(null);
  thread.active = MOST;
  thread.room.flushWhenDue();
  expect(thread.flushes).toBe(0);
  thread.active++;
  thread.room.flushWhenDue();
  expect(thread.flushes).toBe(1);
});

test("of several, one that has its share flushes when all together have more than may be", () => {
  const [one, two] = threadsOf(2) as [Thread, Thread];
  one.active = 60 * MIB;
  one.room.flushWhenDue();
  two.active = 4 * MIB;
  two.room.flushWhenDue();
  expect([one.flushes, two.flushes]).toEqual([0, 0]);
  two.active = 5 * MIB;
  // it has less than its share: it is the other's to do
  two.room.flushWhenDue();
  expect([one.flushes, two.flushes]).toEqual([0, 0]);
  one.room.flushWhenDue();
  expect([one.flushes, two.flushes]).toEqual([1, 0]);
  // what is sealed does not count any more
  one.room.look();
  two.active = 40 * MIB;
  two.room.flushWhenDue();
  expect(two.flushes).toBe(0);
});

test("all wait while all together have twice what may be, and go on when one of them has made room", async () => {
  const [one, two] = threadsOf(2) as [Thread, Thread];
  one.sealed = 100 * MIB;
  one.room.look();
  two.active = 28 * MIB;
  expect(two.room.isFull).toBe(false);
  two.active += 1024;
  expect(two.room.isFull).toBe(true);
  let isOver = false;
  const waiting = two.room.wait().then(() => {
    isOver = true;
  });
  await Bun.sleep(20);
  expect(isOver).toBe(false);
  one.sealed = 0;
  one.room.look();
  await waiting;
  // it has nothing that is worth a flush
  expect(two.flushes).toBe(0);
});

test("who waits hears that writes are refused", async () => {
  const thread = new Thread(null);
  thread.sealed = 3 * MOST;
  const waiting = thread.room.wait();
  thread.writable = false;
  await expect(waiting).rejects.toThrow("closed");
});

test("a thread has no more than its linear memory holds, however much the threads share", () => {
  const shared = new SharedArrayBuffer(sharedBytes(2));
  const seat = { count: 2, owners: Uint8Array.of(0, 1), shared };
  for (const companions of [
    null,
    new Companions({ ...seat, index: 0 }),
    new Companions({ ...seat, index: 1 }),
  ]) {
    const thread = new Thread(companions, 8192 * MIB);
    thread.active = 1000 * MIB;
    thread.room.flushWhenDue();
    expect(thread.flushes).toBe(0);
    thread.active = 1100 * MIB;
    thread.room.flushWhenDue();
    expect(thread.flushes).toBe(1);
  }
});
