// Large bodies go to threads that have none: each is stored once, by whom it was given to, and answered as if by the thread that
// it came to.
import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { OverloadedError } from "../src/base/errors.ts";
import { Companions, type Seat, sharedBytes } from "../src/db/companions.ts";
import type { SentWrite } from "../src/db/peers.ts";
import type { WriteOutcome, WriteTarget } from "../src/db/stored.ts";
import type { Backend } from "../src/http/backend.ts";
import { Bodies } from "../src/http/body.ts";
import { Writes } from "../src/http/writes.ts";
import type { Port } from "../src/threads/channel.ts";

const target: WriteTarget = { database: "d", precision: "s" };
const write: SentWrite = { form: "lines", target, encoding: null };
const outcome = (rows: number): WriteOutcome => ({ rows, dropped: 0, errors: [], partial: false });
const text = new TextDecoder();

/** Threads that see each other, all in this one. */
function companionsOf(count: number): Companions[] {
  const shared = new SharedArrayBuffer(sharedBytes(count));
  const seat = (index: number): Seat => ({ index, count, owners: Uint8Array.of(0), shared });
  const all = Array.from({ length: count }, (_, index) => new Companions(seat(index)));
  for (const [a, one] of all.entries())
    for (const [b, other] of all.entries()) {
      if (a >= b) continue;
      const { port1, port2 } = new MessageChannel();
      const handlers = (each: Companions) => ({
        calls: { takeOver: (sent: SentWrite, body: Uint8Array) => each.peers.takeOver(sent, body) },
      });
      one.connect(b, port1 as Port, handlers(one));
      other.connect(a, port2 as Port, handlers(other));
    }
  return all;
}

test("a body is handed to a thread that serves, is there and has none, and only to one at a time", async () => {
  const [one, two, three] = companionsOf(3) as [Companions, Companions, Companions];
  const body = () => new Uint8Array(8);
  const got: number[] = [];
  const serve = (each: Companions, index: number) =>
    each.peers.serve(async () => {
      got.push(index);
      each.peers.add(-1);
      return outcome(index);
    });
  // nobody serves
  expect(one.peers.handOver(write, body())).toBeNull();
  serve(one, 1);
  // not to itself
  expect(one.peers.handOver(write, body())).toBeNull();
  serve(two, 2);
  two.peers.add(1);
  expect(one.peers.handOver(write, body())).toBeNull();
  two.peers.add(-1);
  const first = one.peers.handOver(write, body());
  // it has that one now
  expect(one.peers.handOver(write, body())).toBeNull();
  expect(await first).toEqual(outcome(2));
  serve(three, 3);
  const both = [one.peers.handOver(write, body()), one.peers.handOver(write, body())];
  expect(one.peers.handOver(write, body())).toBeNull();
  expect(await Promise.all(both)).toEqual([outcome(2), outcome(3)]);
  one.forget(1);
  const last = one.peers.handOver(write, body());
  expect(one.peers.handOver(write, body())).toBeNull();
  await last;
  expect(got).toEqual([2, 2, 3, 3]);
});

test("what a thread that goes has taken over ends with an error that asks to send again, and it gets nothing more", async () => {
  const [one, two] = companionsOf(2) as [Companions, Companions];
  two.peers.serve(() => new Promise(() => undefined));
  const under = one.peers.handOver(write, new Uint8Array(8));
  one.disconnect(1);
  await expect(under).rejects.toBeInstanceOf(OverloadedError);
  two.peers.add(-1);
  expect(one.peers.handOver(write, new Uint8Array(8))).toBeNull();
});

interface Stored {
  readonly form: "lines" | "json";
  readonly body: string;
  readonly target: WriteTarget;
}

/** Two threads with HTTP over them; what each stores. */
function twoThreads(maxBodyBytes = 1 << 24) {
  return companionsOf(2).map(({ peers }) => {
    const stored: Stored[] = [];
    const take = (form: Stored["form"]) => async (bytes: Uint8Array, to: WriteTarget) => {
      stored.push({ form, body: text.decode(bytes), target: to });
      return outcome(bytes.length);
    };
    const db = { peers, writeLines: take("lines"), writeJson: take("json") } as unknown as Backend;
    const bodies = new Bodies(maxBodyBytes, 1 << 26);
    return { peers, bodies, stored, writes: new Writes(db, bodies) };
  });
}

const bodyOf = (i: number) => `m v=${i}\n`.repeat(40_000);
const requestOf = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
  new Request("http://host/write", { method: "POST", body, headers });

test("of bodies that come at once a thread keeps one and hands one over; alone it keeps each", async () => {
  const [near, far] = twoThreads() as [ReturnType<typeof twoThreads>[0], ReturnType<typeof twoThreads>[0]];
  for (let i = 0; i < 3; i++) await near.writes.store(requestOf(bodyOf(i)), "lines", target);
  expect(near.stored.length).toBe(3);
  expect(far.stored).toEqual([]);
  const bodies = Array.from({ length: 4 }, (_, i) => bodyOf(10 + i));
  const outcomes = await Promise.all(
    bodies.map((body, i) =>
      i % 2 === 0
        ? near.writes.store(requestOf(body), "json", target)
        : near.writes.store(
            requestOf(gzipSync(body, { level: 0 }), { "Content-Encoding": "gzip" }),
            "json",
            target,
          ),
    ),
  );
  expect(outcomes).toEqual(bodies.map((body) => outcome(body.length)));
  // (that thread here is this one: it can take over nothing until the others are done)
  expect(far.stored.length).toBe(1);
  const all = [...near.stored.slice(3), ...far.stored];
  expect(all.map(({ body }) => body).sort()).toEqual(bodies);
  for (const each of all) expect(each).toMatchObject({ form: "json", target });
  for (const { bodies: held } of [near, far]) expect(held.inflightBytes).toBe(0);
  // all are free again
  const again = near.peers.handOver(write, new TextEncoder().encode(bodyOf(1)));
  expect(await again).toEqual(outcome(bodyOf(1).length));
  expect(far.peers.handOver(write, new TextEncoder().encode(bodyOf(2)))).not.toBeNull();
});

test("small bodies are not handed over, and one that is refused is refused in the other thread's words", async () => {
  const [near, far] = twoThreads(1 << 20) as [
    ReturnType<typeof twoThreads>[0],
    ReturnType<typeof twoThreads>[0],
  ];
  const small = Array.from({ length: 20 }, (_, i) =>
    near.writes.store(requestOf(`m v=${i}`), "lines", target),
  );
  await Promise.all(small);
  expect(near.stored.length).toBe(20);
  // they are larger than they may be once they are inflated, and one is no gzip at all
  const zeros = gzipSync(new Uint8Array(1 << 25), { level: 9 });
  const padded = Buffer.concat([zeros, new Uint8Array(1 << 17)]);
  const bad = Buffer.from("x".repeat(1 << 17));
  const refused = [padded, bad, padded, bad].map((body) =>
    near.writes.store(requestOf(body, { "Content-Encoding": "gzip" }), "lines", target),
  );
  const reasons = (await Promise.allSettled(refused)).map((each) => (each as PromiseRejectedResult).reason);
  expect(reasons.map(({ name }) => name)).toEqual([
    "BodyTooLargeError",
    "InputError",
    "BodyTooLargeError",
    "InputError",
  ]);
  expect(far.stored).toEqual([]);
  for (const { bodies } of [near, far]) expect(bodies.inflightBytes).toBe(0);
  // and both are free
  expect(near.peers.handOver(write, new TextEncoder().encode(bodyOf(1)))).not.toBeNull();
  expect(far.peers.handOver(write, new TextEncoder().encode(bodyOf(1)))).not.toBeNull();
});
