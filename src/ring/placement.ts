// Partitions -> owners: consistent hashing with bounded loads, sticky towards an earlier placement.
//
// No owner holds more than ceil(loadFactor x replicas of all partitions / owners). A partition goes to the first owners
// in its order of preference (ring.ts) that have room (Mirrokni, Thorup, Zadimoghaddam: Consistent Hashing with Bounded
// Loads, SODA 2018). Without an earlier placement that is all, and depends on nothing but the arguments.
//
// With an earlier placement only what must move does:
//   keep    what an owner has and is still there
//   pull    an owner with less than half of its share (it just joined) takes the partitions that prefer it, each from
//           the holder which the partition prefers least
//   shed    an owner over the bound gives away what prefers it least
//   fill    a partition that misses replicas (an owner left) goes on along its order of preference
// Pull and shed replace at most one replica of a partition, so that the others can serve during the hand-off; to
// place again with the result as the earlier placement continues.
import { assert } from "../base/assert.ts";
import { InputError } from "../base/errors.ts";
import { MAX_PARTITIONS } from "./partition.ts";
import { preferences } from "./ring.ts";

export interface PlacementOptions {
  /** Names, unique, in any order: the result does not depend on it. */
  owners: readonly string[];
  partitionCount: number;
  /** Owners of each partition; fewer when there are fewer owners. Default 1. */
  replicas?: number;
  /** Bound on an owner's load relative to the average, at least 1 (perfectly even). Default 1.1. */
  loadFactor?: number;
  /** Points of an owner on the ring. Default 128. */
  pointsPerOwner?: number;
}

/** The owners of each partition. */
export type Placement = readonly (readonly string[])[];

export interface Move {
  partition: number;
  /** Undefined when a replica was missing. */
  from: string | undefined;
  to: string;
}

/** Most replicas that one owner may hold. */
export function loadBound({
  owners,
  partitionCount,
  replicas = 1,
  loadFactor = 1.1,
}: PlacementOptions): number {
  const total = partitionCount * Math.min(replicas, owners.length);
  return Math.ceil((loadFactor * total) / owners.length - 1e-9);
}

/** Places all partitions. Throws `InputError` for options out of range. */
export function place(options: PlacementOptions, earlier: Placement = []): Placement {
  validate(options, earlier);
  const owners = [...options.owners].sort();
  const replicas = Math.min(options.replicas ?? 1, owners.length);
  const planner = new Planner(
    owners,
    preferences(owners, options.partitionCount, options.pointsPerOwner ?? 128),
    replicas,
    loadBound(options),
  );
  planner.keep(earlier);
  if (earlier.length > 0) {
    planner.pull();
    planner.shed();
  }
  planner.fill();
  return planner.held.map((held) => held.map((owner) => owners[owner]!));
}

/** What has to be copied where to get from one placement to another. */
export function moves(from: Placement, to: Placement): Move[] {
  const found: Move[] = [];
  for (const [partition, owners] of to.entries()) {
    const before = from[partition] ?? [];
    const gone = before.filter((owner) => !owners.includes(owner));
    for (const owner of owners)
      if (!before.includes(owner)) found.push({ partition, from: gone.shift(), to: owner });
  }
  return found;
}

/** The state of one call of `place`; owners are indexes. */
class Planner {
  /** Owners of each partition so far. */
  readonly held: number[][];
  readonly #owners: readonly string[];
  readonly #orders: Uint16Array[];
  readonly #replicas: number;
  readonly #bound: number;
  readonly #loads: number[];
  /** Partitions of which a replica was replaced. */
  readonly #touched = new Set<number>();

  constructor(owners: readonly string[], orders: Uint16Array[], replicas: number, bound: number) {
    this.#owners = owners;
    this.#orders = orders;
    this.#replicas = replicas;
    this.#bound = bound;
    this.#loads = owners.map(() => 0);
    this.held = orders.map(() => []);
  }

  keep(earlier: Placement): void {
    const indexOf = new Map(this.#owners.map((name, index) => [name, index]));
    for (const [partition, names] of earlier.entries()) {
      for (const name of names) {
        const owner = indexOf.get(name);
        if (owner === undefined) this.#touched.add(partition);
        else if (this.held[partition]!.length < this.#replicas) this.#add(partition, owner);
      }
    }
  }

  pull(): void {
    const share = (this.#orders.length * this.#replicas) / this.#owners.length;
    const isPulling = this.#loads.map((load) => load < share / 2);
    for (const [partition, order] of this.#orders.entries()) {
      const held = this.held[partition]!;
      for (const owner of order.subarray(0, this.#replicas)) {
        if (!isPulling[owner] || this.#isFull(owner) || held.includes(owner)) continue;
        if (held.length < this.#replicas) this.#add(partition, owner);
        else if (!this.#touched.has(partition))
          this.#replace(partition, this.#leastPreferred(partition), owner);
      }
    }
  }

  shed(): void {
    for (const [owner] of this.#owners.entries()) {
      if (this.#loads[owner]! <= this.#bound) continue;
      const candidates = [...this.held.keys()].filter(
        (partition) => this.held[partition]!.includes(owner) && !this.#touched.has(partition),
      );
      candidates.sort((a, b) => this.#orders[b]!.indexOf(owner) - this.#orders[a]!.indexOf(owner) || a - b);
      for (const partition of candidates) {
        if (this.#loads[owner]! <= this.#bound) break;
        const heir = this.#firstWithRoom(partition);
        if (heir !== undefined) this.#replace(partition, owner, heir);
      }
    }
  }

  fill(): void {
    for (const partition of this.held.keys()) {
      while (this.held[partition]!.length < this.#replicas) {
        const owner = this.#firstWithRoom(partition);
        if (owner !== undefined) this.#add(partition, owner);
        else this.#addBySwap(partition);
      }
    }
  }

  /**
   * All owners with room hold the partition already: one of them takes a replica of another partition from an owner
   * that then has room for this one.
   */
  #addBySwap(partition: number): void {
    const held = this.held[partition]!;
    for (const taker of held) {
      if (this.#isFull(taker)) continue;
      for (const [other, holders] of this.held.entries()) {
        if (holders.includes(taker)) continue;
        const giver = holders.find((owner) => !held.includes(owner) && this.#loads[owner]! <= this.#bound);
        if (giver === undefined) continue;
        this.#replace(other, giver, taker);
        this.#add(partition, giver);
        return;
      }
    }
    // an earlier placement over the bound that cannot shed yet: rather too much load than a replica too few
    const owner = this.#orders[partition]!.find((candidate) => !held.includes(candidate));
    assert(owner !== undefined, "fewer owners than replicas");
    this.#add(partition, owner);
  }

  #firstWithRoom(partition: number): number | undefined {
    return this.#orders[partition]!.find(
      (owner) => !this.#isFull(owner) && !this.held[partition]!.includes(owner),
    );
  }

  #leastPreferred(partition: number): number {
    const order = this.#orders[partition]!;
    return this.held[partition]!.reduce((a, b) => (order.indexOf(b) > order.indexOf(a) ? b : a));
  }

  #isFull(owner: number): boolean {
    return this.#loads[owner]! >= this.#bound;
  }

  #add(partition: number, owner: number): void {
    this.held[partition]!.push(owner);
    this.#loads[owner]!++;
  }

  #replace(partition: number, from: number, to: number): void {
    const held = this.held[partition]!;
    held[held.indexOf(from)] = to;
    this.#loads[from]!--;
    this.#loads[to]!++;
    this.#touched.add(partition);
  }
}

function validate(options: PlacementOptions, earlier: Placement): void {
  const { owners, partitionCount, replicas = 1, loadFactor = 1.1, pointsPerOwner = 128 } = options;
  const inRange = (name: string, value: number, least: number, most: number) => {
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InputError(`${name} is ${value}, must be an integer from ${least} to ${most}`);
  };
  inRange("partitionCount", partitionCount, 1, MAX_PARTITIONS);
  inRange("number of owners", owners.length, 1, 0xffff);
  inRange("replicas", replicas, 1, 0xffff);
  inRange("pointsPerOwner", pointsPerOwner, 1, 1 << 16);
  if (!(loadFactor >= 1)) throw new InputError(`loadFactor is ${loadFactor}, must be at least 1`);
  if (new Set(owners).size < owners.length)
    throw new InputError(`owners are not unique: ${owners.join(", ")}`);
  if (earlier.length > 0 && earlier.length !== partitionCount)
    throw new InputError(
      `the earlier placement has ${earlier.length} partitions, must have ${partitionCount}`,
    );
}
