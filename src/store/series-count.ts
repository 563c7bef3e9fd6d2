// Series counted out of the tag index, without an object or a string per series.
import { listKey } from "../model/listkey.ts";
import type { SeriesCount } from "../model/scan.ts";
import type { Catalog } from "./catalog.ts";
import type { SeriesSelector } from "./select.ts";

/** Counts per combination of tag values, over several catalogs. */
export class GroupCounts {
  readonly #groups = new Map<string, { readonly tags: readonly string[]; count: number }>();

  constructor(readonly groupBy: readonly string[]) {}

  add(selector: SeriesSelector, tableId: number, ids: Uint32Array): void {
    const columns = this.groupBy.map((key) => selector.valuesOf(tableId, ids, key));
    for (let i = 0; i < ids.length; i++) {
      const tags = columns.map((values) => values[i]!);
      const key = listKey(tags);
      const group = this.#groups.get(key);
      if (group === undefined) this.#groups.set(key, { tags, count: 1 });
      else group.count++;
    }
  }

  /** Counts without a group. */
  addAll(count: number): void {
    const group = this.#groups.get("");
    if (group !== undefined) group.count += count;
    else if (count > 0) this.#groups.set("", { tags: [], count });
  }

  result(): SeriesCount[] {
    return [...this.#groups.values()];
  }
}

/** Hashes of the keys of series, for counting those that several retention policies hold once. */
export function hashesOf(catalog: Catalog, ids: Uint32Array): BigUint64Array {
  const hashes = new BigUint64Array(ids.length);
  for (let i = 0; i < ids.length; i++) hashes[i] = Bun.hash.xxHash64(catalog.key(ids[i]!)) as bigint;
  return hashes;
}

/** How many different values stand in arrays. */
export function countDistinct(arrays: readonly BigUint64Array[]): number {
  const all = new BigUint64Array(arrays.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const each of arrays) {
    all.set(each, at);
    at += each.length;
  }
  all.sort();
  let count = 0;
  for (let i = 0; i < all.length; i++) if (i === 0 || all[i] !== all[i - 1]) count++;
  return count;
}
