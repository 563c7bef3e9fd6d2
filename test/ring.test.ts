import { expect, test } from "bun:test";
import fc from "fast-check";
import { InputError } from "../src/base/errors.ts";
import { partitionOf, partitionOfHash } from "../src/ring/partition.ts";
import { loadBound, moves, type Placement, place } from "../src/ring/placement.ts";
import { preferences } from "../src/ring/ring.ts";

function loads(placement: Placement, owners: readonly string[]): number[] {
  return owners.map((owner) => placement.filter((held) => held.includes(owner)).length);
}

const names = (count: number, prefix = "node") => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

// Pinned: a change here would make every existing data directory unreadable.
test("the partition of a series key never changes", () => {
  const partition = (key: string, count: number) => partitionOfHash(Bun.hash.xxHash64(key), count);
  expect(Bun.hash.xxHash64("")).toBe(0xef46db3751d8e999n); // the published vector
  expect(PINNED_KEYS.map((key) => [8, 16, 64, 1000].map((count) => partition(key, count)))).toEqual(
    PINNED_PARTITIONS,
  );
});

const PINNED_KEYS = [
  "",
  "cpu",
  "cpu,host=a",
  "weather,location=HELSINKI",
  "cpu,host=host_999,region=eu-west-1",
];
const PINNED_PARTITIONS = [
  [1, 9, 25, 921],
  [3, 11, 27, 139],
  [7, 15, 15, 215],
  [6, 6, 22, 70],
  [3, 11, 27, 931],
];

test("the preferences of partitions never change", () => {
  const orders = preferences(["a", "b", "c", "d"], 8, 128).map((order) => [...order].join(""));
  expect(orders).toEqual(PINNED_ORDERS);
});

const PINNED_ORDERS = ["2301", "0213", "3120", "2130", "0123", "3201", "0231", "0312"];

test("the placement of partitions never changes", () => {
  const placement = place({ owners: ["a", "b", "c"], partitionCount: 16, replicas: 2 });
  expect(placement.map((held) => held.join(""))).toEqual(PINNED_PLACEMENT);
});

const PINNED_PLACEMENT = [
  "ca",
  "ac",
  "bc",
  "cb",
  "ab",
  "ca",
  "ac",
  "ab",
  "cb",
  "ca",
  "cb",
  "ca",
  "ab",
  "bc",
  "ab",
  "ca",
];

test("partitionOf by halves = partitionOfHash, for every hash and count", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.integer({ min: 1, max: 1 << 20 }),
      (hash, count) => {
        const expected = Number(hash % BigInt(count));
        expect(partitionOfHash(hash, count)).toBe(expected);
        expect(partitionOfHash(BigInt.asIntN(64, hash), count)).toBe(expected);
        const [low, high] = [Number(hash & 0xffff_ffffn), Number(hash >> 32n)];
        expect(partitionOf(low, high, count)).toBe(expected);
        expect(partitionOf(low | 0, high | 0, count)).toBe(expected); // as they come from WebAssembly
      },
    ),
  );
});

const options = fc.record({
  owners: fc.integer({ min: 1, max: 14 }).map((count) => names(count)),
  partitionCount: fc.constantFrom(1, 7, 16, 64, 256),
  replicas: fc.integer({ min: 1, max: 4 }),
  loadFactor: fc.constantFrom(1, 1.1, 1.15, 1.25),
  pointsPerOwner: fc.constant(64),
});

test("each partition has its replicas at distinct owners, within the bound; the order of the owners is nothing", () => {
  fc.assert(
    fc.property(options, (given) => {
      const placement = place(given);
      const replicas = Math.min(given.replicas, given.owners.length);
      for (const held of placement) {
        expect(held.length).toBe(replicas);
        expect(new Set(held).size).toBe(replicas);
      }
      expect(Math.max(...loads(placement, given.owners))).toBeLessThanOrEqual(loadBound(given));
      expect(place({ ...given, owners: given.owners.toReversed() })).toEqual(placement);
      expect(place(given, placement)).toEqual(placement);
    }),
    { numRuns: 200 },
  );
});

test("a load factor of 1 is as even as can be", () => {
  expect(loads(place({ owners: names(4), partitionCount: 16, loadFactor: 1 }), names(4))).toEqual([
    4, 4, 4, 4,
  ]);
});

test("who joins takes about its share, and nothing moves between the others but what the bound demands", () => {
  for (const replicas of [1, 3]) {
    for (const loadFactor of [1.1, 1.25]) {
      for (let round = 0; round < 10; round++) {
        const owners = names(10, `round-${round}`);
        const given = { partitionCount: 1024, replicas, loadFactor };
        const before = place({ ...given, owners: owners.slice(0, 9) });
        const after = place({ ...given, owners }, before);
        const moved = moves(before, after);
        const share = (1024 * replicas) / 10;
        expect(loads(after, owners)[9]!).toBeGreaterThan(share * 0.6);
        expect(moved.length).toBeLessThan(share * 1.35);
        expect(Math.max(...loads(after, owners))).toBeLessThanOrEqual(loadBound({ ...given, owners }));
        // hand-off one replica at a time
        expect(new Set(moved.map(({ partition }) => partition)).size).toBe(moved.length);
        for (const { from } of moved) expect(from).toBeDefined();
      }
    }
  }
});

test("who leaves moves only what it held", () => {
  for (const replicas of [1, 3]) {
    for (let round = 0; round < 10; round++) {
      const owners = names(10, `round-${round}`);
      const given = { partitionCount: 1024, replicas, loadFactor: 1.25 };
      const before = place({ ...given, owners });
      const after = place({ ...given, owners: owners.slice(1) }, before);
      const moved = moves(before, after);
      expect(moved.length).toBe(loads(before, owners)[0]!);
      for (const { from } of moved) expect(from).toBe(owners[0]!);
    }
  }
});

test("a random life of joins and leaves keeps every promise", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.nat(11), { maxLength: 15 }),
      (replicas, changes) => {
        const owners = new Set(names(5));
        const given = { partitionCount: 128, replicas, loadFactor: 1.2, pointsPerOwner: 64 };
        let placement = place({ ...given, owners: [...owners] });
        for (const change of changes) {
          const name = `node-${change}`;
          if (!owners.delete(name)) owners.add(name);
          if (owners.size === 0) owners.add(name);
          const earlier = placement;
          placement = place({ ...given, owners: [...owners] }, earlier);
          for (const [partition, held] of placement.entries()) {
            expect(new Set(held).size).toBe(Math.min(replicas, owners.size));
            for (const owner of held) expect(owners.has(owner)).toBe(true);
            // never all owners of a partition at once, while one of them is still there
            const survivors = earlier[partition]!.filter((owner) => owners.has(owner));
            if (replicas > 1 && survivors.length > 1)
              expect(held.some((owner) => survivors.includes(owner))).toBe(true);
          }
        }
        // placing again with the same owners settles within the bound
        for (let i = 0; i < 4; i++) placement = place({ ...given, owners: [...owners] }, placement);
        const bound = loadBound({ ...given, owners: [...owners] });
        expect(Math.max(...loads(placement, [...owners]))).toBeLessThanOrEqual(bound);
      },
    ),
    { numRuns: 150 },
  );
});

test("options out of range are refused", () => {
  const good = { owners: ["a"], partitionCount: 8 };
  for (const bad of [
    { owners: [] },
    { owners: ["a", "a"] },
    { partitionCount: 0 },
    { partitionCount: 1.5 },
    { replicas: 0 },
    { loadFactor: 0.9 },
    { loadFactor: Number.NaN },
    { pointsPerOwner: 0 },
  ])
    expect(() => place({ ...good, ...bad })).toThrow(InputError);
  expect(() => place(good, [["a"]])).toThrow(InputError);
});
