// Version: what a store consists of at one moment. A read takes the current version and keeps it: flush and
// compaction put new versions in its place, and what a version holds is freed after its last reader.
import { assert } from "../base/assert.ts";
import type { SegmentReader } from "../segment/reader.ts";
import type { SegmentEntry } from "./manifest.ts";
import type { Memtable } from "./memtable.ts";
import type { Tombstone } from "./tombstones.ts";

export interface OpenSegment {
  readonly entry: SegmentEntry;
  readonly reader: SegmentReader;
}

export class Version {
  #references = 1;

  /** Takes a reference to each part. Oldest first in both lists; memtables are newer than segments. */
  constructor(
    readonly segments: readonly OpenSegment[],
    readonly memtables: readonly Memtable[],
    /** What is deleted from the segments. */
    readonly tombstones: readonly Tombstone[] = [],
  ) {
    for (const { reader } of segments) reader.retain();
    for (const memtable of memtables) memtable.retain();
  }

  retain(): this {
    assert(this.#references > 0, "a version is used after its end");
    this.#references++;
    return this;
  }

  release(): void {
    this.#references--;
    assert(this.#references >= 0, "a version is released too often");
    if (this.#references > 0) return;
    for (const { reader } of this.segments) reader.release();
    for (const memtable of this.memtables) memtable.release();
  }
}
