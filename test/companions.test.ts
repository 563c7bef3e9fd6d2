// What threads know of each other without asking.
import { expect, test } from "bun:test";
import { Companions, type Seat, sharedBytes } from "../src/db/companions.ts";

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
  head.forgetRunning(2);
  expect(head.running.count()).toBe(1);
});
