// Small parts of one turn go in one message, and each has its own end.
import { expect, test } from "bun:test";
import { InputError, OverloadedError } from "../src/base/errors.ts";
import {
  type EndOfPart,
  Parcels,
  type Send,
  SMALL_BYTES,
  storeEach,
  unlessWhole,
} from "../src/db/parcels.ts";
import type { Place, Stored } from "../src/db/stored.ts";

const place = (database: string, retentionPolicy = "autogen"): Place => ({ database, retentionPolicy });
const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);

interface Sent {
  readonly places: readonly Place[];
  readonly sizes: readonly number[];
  readonly bytes: Uint8Array;
}

function recording(answer: (sent: Sent) => readonly EndOfPart[] | null) {
  const all: Sent[] = [];
  const send: Send = async (places, sizes, given) => {
    const sent = structuredClone({ places, sizes: [...sizes], bytes: given });
    all.push(sent);
    return answer(sent);
  };
  return { all, parcels: new Parcels(send) };
}

test("parts of one turn are one parcel, in their order; what is added is copied", async () => {
  const { all, parcels } = recording(() => null);
  const scratch = bytes(16, 1);
  const first = parcels.add(place("a"), scratch, 2);
  scratch.fill(2);
  const rest = [
    parcels.add(place("a"), scratch, 3),
    parcels.add(place("a", "other"), bytes(8, 3), 1),
    parcels.add(place("b"), bytes(24, 4), 5),
  ];
  expect(all).toEqual([]);
  const ends = await Promise.all([first, ...rest]);
  for (const [i, rows] of [2, 3, 1, 5].entries()) expect(ends[i]!).toEqual({ rows, dropped: 0, errors: [] });
  expect(all.length).toBe(1);
  expect(all[0]!.places).toEqual([place("a"), place("a"), place("a", "other"), place("b")]);
  expect(all[0]!.places[0]).toBe(all[0]!.places[1]!);
  expect(all[0]!.sizes).toEqual([16, 2, 16, 3, 8, 1, 24, 5]);
  expect([...all[0]!.bytes]).toEqual([...bytes(16, 1), ...bytes(16, 2), ...bytes(8, 3), ...bytes(24, 4)]);
  await parcels.add(place("a"), bytes(8, 9), 1);
  expect(all.length).toBe(2);
  expect([...all[1]!.bytes]).toEqual([...bytes(8, 9)]);
});

test("no parcel is larger than 64 KiB, none is empty, nothing is lost", async () => {
  const { all, parcels } = recording(() => null);
  const parts = Array.from({ length: 40 }, (_, i) => bytes(SMALL_BYTES - 8 * i, i));
  await Promise.all(parts.map((part, i) => parcels.add(place("a"), part, i)));
  for (const sent of all) {
    expect(sent.bytes.length).toBeGreaterThan(0);
    expect(sent.bytes.length).toBeLessThanOrEqual(64 * 1024);
  }
  expect(Buffer.concat(all.map((sent) => sent.bytes)).equals(Buffer.concat(parts))).toBe(true);
  expect(all.flatMap((sent) => sent.sizes)).toEqual(parts.flatMap((part, i) => [part.length, i]));
});

test("each part has its own end, and all have that of a parcel that did not arrive", async () => {
  const refusal = { reason: "no", table: 0, row: 1 };
  const ends: EndOfPart[] = [
    { rows: 1, dropped: 1, errors: [refusal] },
    { failure: { name: "InputError", message: "bad", stack: undefined, detail: {} } },
    { rows: 3, dropped: 0, errors: [] },
  ];
  const { parcels } = recording(() => ends);
  const add = (to: Parcels) => [2, 2, 3].map((rows) => to.add(place("a"), bytes(8, rows), rows));
  const [one, two, three] = await Promise.allSettled(add(parcels));
  expect(one).toEqual({ status: "fulfilled", value: ends[0] as never });
  expect((two as PromiseRejectedResult).reason).toBeInstanceOf(InputError);
  expect(three).toEqual({ status: "fulfilled", value: ends[2] as never });
  const gone = new Parcels(async () => {
    throw new OverloadedError("send again");
  });
  for (const end of await Promise.allSettled(add(gone)))
    expect((end as PromiseRejectedResult).reason).toBeInstanceOf(OverloadedError);
});

test("where it arrives each part is stored from its place, whatever became of the one before", async () => {
  const places = [place("a"), place("gone"), place("a")];
  const sizes = Uint32Array.of(16, 1, 8, 2, 24, 3);
  const seen: unknown[] = [];
  const ends = await storeEach(places, sizes, 1000, async (part, to): Promise<Stored> => {
    seen.push([part, to]);
    if (to.database === "gone") throw new InputError("bad");
    return { position: 7, rows: part.rows, dropped: 0, errors: [] };
  });
  expect(seen).toEqual([
    [{ pointer: 1000, sizeBytes: 16, rows: 1 }, places[0]],
    [{ pointer: 1016, sizeBytes: 8, rows: 2 }, places[1]],
    [{ pointer: 1024, sizeBytes: 24, rows: 3 }, places[2]],
  ]);
  expect(unlessWhole(ends, sizes)).toBe(ends);
  expect(ends[1]).toMatchObject({ failure: { name: "InputError", message: "bad" } });
  const stored = (rows: number) => ({ rows, dropped: 0, errors: [] });
  expect(unlessWhole([1, 2, 3].map(stored), sizes)).toBeNull();
  expect(unlessWhole([1, 1, 3].map(stored), sizes)).not.toBeNull();
});

test("a part that waits for a type keeps no other part of its parcel from being stored", async () => {
  const stored: number[] = [];
  let declared = () => {};
  const ends = storeEach([place("a"), place("a")], Uint32Array.of(8, 1, 16, 2), 8, async ({ rows }) => {
    if (rows === 1)
      await new Promise<void>((resolve) => {
        declared = resolve;
      });
    stored.push(rows);
    return { position: rows, rows, dropped: 0, errors: [] };
  });
  await Bun.sleep(1);
  expect(stored).toEqual([2]);
  declared();
  expect((await ends).map((end) => "position" in end && end.position)).toEqual([1, 2]);
});
