// When the rows in memory are flushed: what the threads share of it, and what one thread can hold.
import { expect, test } from "bun:test";
import { Companions, type Seat, sharedBytes } from "../src/db/companions.ts";
import { Room, type RoomParts } from "../src/db/room.ts";

const MIB = 2 ** 20;

/** A thread with `own.bytes` of rows; how often it was flushed. */
function roomOf(companions: Companions | null, maxMemSize: number) {
  const own = { bytes: 0 };
  let flushes = 0;
  const parts = {
    ...{ maxMemSize, companions, stores: [] },
    applier: {
      get activeBytes() {
        return own.bytes;
      },
    },
    flush: async () => {
      flushes++;
      own.bytes = 0;
    },
  } as unknown as RoomParts;
  const room = new Room(parts);
  return (bytes: number) => {
    own.bytes = bytes;
    flushes = 0;
    room.flushWhenDue();
    return flushes;
  };
}

function twoRooms(maxMemSize: number) {
  const shared = new SharedArrayBuffer(sharedBytes(2));
  const seat = (index: number): Seat => ({ index, count: 2, owners: Uint8Array.of(0, 1), shared });
  return [0, 1].map((index) => roomOf(new Companions(seat(index)), maxMemSize)) as [
    ReturnType<typeof roomOf>,
    ReturnType<typeof roomOf>,
  ];
}

test("of the threads those are flushed that have their share, once all of them together have what they may", () => {
  const [one, two] = twoRooms(64 * MIB);
  expect(one(60 * MIB)).toBe(0);
  expect(two(3 * MIB)).toBe(0);
  // too much together; the other one has its share
  expect(two(5 * MIB)).toBe(0);
  expect(one(60 * MIB)).toBe(1);
});

test("a thread has no more than its linear memory holds, however much the threads share", () => {
  for (const room of [...twoRooms(8192 * MIB), roomOf(null, 8192 * MIB)]) {
    expect(room(1000 * MIB)).toBe(0);
    expect(room(1100 * MIB)).toBe(1);
  }
});
