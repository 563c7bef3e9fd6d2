// What threads know of each other without asking.
import { expect, test } from "bun:test";
import { systemClock } from "../src/base/clock.ts";
import { Companions, type Seat, sharedBytes } from "../src/db/companions.ts";
import { Queries, threadOfQuery } from "../src/db/queries.ts";

function seatOf(index: number, shared: SharedArrayBuffer): Seat {
  return { index, count: 3, owners: Uint8Array.of(0, 1, 2), shared };
}

test("changes of fields and series have another number each time, also when a thread that was started again counts from 0", () => {
  const shared = new SharedArrayBuffer(sharedBytes(3));
  const head = new Companions(seatOf(0, shared));
  const seen = new Set([head.changes()]);
  for (let start = 0; start < 3; start++) {
    const member = new Companions(seatOf(1, shared));
    for (let changes = 0; changes < 5; changes++) {
      member.changed(changes);
      expect(seen.has(head.changes())).toBe(false);
      seen.add(head.changes());
      // nothing has changed: what is remembered stays
      member.changed(changes);
      expect(seen.has(head.changes())).toBe(true);
    }
  }
});

test("queries of a thread that died count no more", () => {
  const shared = new SharedArrayBuffer(sharedBytes(3));
  const [head, member] = [0, 2].map((index) => new Companions(seatOf(index, shared))) as [
    Companions,
    Companions,
  ];
  head.running.add(1);
  member.running.add(1);
  member.running.add(1);
  expect(head.running.count()).toBe(3);
  head.forget(2);
  expect(head.running.count()).toBe(1);
});

test("an id names one query, also when its thread was started again", () => {
  const shared = new SharedArrayBuffer(sharedBytes(3));
  const ids: number[] = [];
  for (let start = 0; start < 3; start++)
    for (const thread of [0, 1, 2]) {
      const queries = new Queries(systemClock, 0, new Companions(seatOf(thread, shared)));
      const begun = Array.from({ length: 4 }, () => queries.begin(() => "SELECT", "d").id);
      for (const id of begun) expect(threadOfQuery(BigInt(id), 3)).toBe(thread);
      expect(queries.list().map(({ id }) => id)).toEqual(begun);
      ids.push(...begun);
    }
  expect(new Set(ids).size).toBe(36);
  expect(Math.min(...ids)).toBe(1);
  // (whatever else is counted there)
  const head = new Companions(seatOf(0, shared));
  expect(head.running.count()).toBe(36);
});

test("rows in memory are summed over threads, without those of one that died", () => {
  const shared = new SharedArrayBuffer(sharedBytes(3));
  const [head, member] = [0, 1].map((index) => new Companions(seatOf(index, shared))) as [
    Companions,
    Companions,
  ];
  head.tellMemory(1024 ** 2, 3 * 1024 ** 2);
  member.tellMemory(2 ** 32, 2 ** 33);
  for (const each of [head, member])
    expect(each.memory()).toEqual({ filling: 2 ** 32 + 1024 ** 2, all: 2 ** 33 + 3 * 1024 ** 2 });
  member.tellMemory(0, 2048);
  expect(head.memory()).toEqual({ filling: 1024 ** 2, all: 3 * 1024 ** 2 + 2048 });
  head.forget(1);
  expect(head.memory()).toEqual({ filling: 1024 ** 2, all: 3 * 1024 ** 2 });
});
