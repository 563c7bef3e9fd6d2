// Accumulators: the partial aggregates of groups of series, in linear memory, which go from store to store.
import { LISTED_COLUMN_BYTES, listColumns } from "../codec/fold-list.ts";
import { accumulatorBytes, readAccumulators, type Windows } from "../kernels/fold.ts";
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";
import type { FoldedGroups, FoldRequest } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import { GroupBatch } from "../segment/group-batch.ts";
import { GroupSpan } from "../segment/group-span.ts";
import { type Field, knownFields, type Measurement } from "./schema.ts";

/** Bytes of accumulators after which they are copied out, which stay in the cache of a core, and groups. */
const BATCH_BYTES = 512 * 1024;
const MOST_GROUPS = 8192;

/**
 * The accumulators of groups, in linear memory end to end, and in those of a group the ones of its columns: those of many groups are
 * emptied and copied out at once.
 */
export class Accumulators {
  readonly #kernels: Kernels;
  readonly #request: FoldRequest;
  /** The fields that exist of those that are wanted or that the condition reads. */
  readonly known: readonly Field[];
  /** Per wanted column its place among the known fields, -1 = no such field. */
  readonly fields: readonly number[];
  readonly windows: Windows;
  /** Row groups that are folded into them, by their statistics alone as far as these tell. */
  readonly batch: GroupBatch;
  readonly span: GroupSpan;
  /** Room for lists of what is folded next. */
  readonly lists: Scratch;
  readonly #at: Pointer;
  /** Per wanted column: where its accumulators start in those of a group. */
  readonly #offsets: readonly number[];
  readonly #groupBytes: number;
  /** Groups that there is room for. */
  readonly capacity: number;
  #tags: readonly string[][];
  #count = 0;
  /** The group in hand. */
  #group = 0;

  /** There are no groups. `close` when done. */
  constructor(kernels: Kernels, measurement: Measurement, request: FoldRequest) {
    const { bounds, columns, groupBy, where } = request;
    this.#kernels = kernels;
    this.#request = request;
    const names = columns.map(({ field }) => field);
    this.known = knownFields(measurement, names, where);
    this.fields = names.map((name) => this.known.findIndex((info) => info.name === name));
    const count = bounds.length - 1;
    let groupBytes = 0;
    this.#offsets = columns.map(({ keep }) => {
      const offset = groupBytes;
      groupBytes += accumulatorBytes(keep, count);
      return offset;
    });
    this.#groupBytes = groupBytes;
    const fitting = Math.floor(BATCH_BYTES / Math.max(groupBytes, 1));
    this.capacity = groupBy.length === 0 ? 1 : Math.max(1, Math.min(fitting, MOST_GROUPS));
    this.#tags = groupBy.map(() => []);
    const sizeBytes = groupBytes * this.capacity;
    this.#at = kernels.alloc(sizeBytes + bounds.length * 8 + columns.length * LISTED_COLUMN_BYTES);
    this.windows = { bounds: this.#at + sizeBytes, count };
    kernels.longs.set(bounds, this.windows.bounds >>> 3);
    const list = this.windows.bounds + bounds.length * 8;
    const typeOf = (c: number) => this.known[this.fields[c]!]?.type ?? FieldType.Float;
    listColumns(
      kernels,
      list,
      columns.map(({ keep }, c) => ({ type: typeOf(c), keep, offset: this.#offsets[c]! })),
    );
    const keeps = columns.map(({ keep }) => keep);
    const [minTime, maxTime] = rangeOf(request);
    const { timeless = false } = request;
    const fold = {
      ...{ columns: list, columnCount: columns.length, minTime, maxTime, timeless },
      ...{ bounds: this.windows.bounds, windowCount: count },
    };
    this.batch = new GroupBatch(kernels, keeps, fold, bounds);
    this.span = new GroupSpan(kernels, keeps, fold, bounds);
    this.lists = new Scratch(kernels);
  }

  /** Groups that are in there. */
  get count(): number {
    return this.#count;
  }

  get room(): number {
    return this.capacity - this.#count;
  }

  /** Adds a group. `tagColumns`: by key of `groupBy` the values, of which number `place` is that of the group. */
  add(tagColumns: readonly (readonly string[])[], place: number): void {
    for (let k = 0; k < tagColumns.length; k++) this.#tags[k]!.push(tagColumns[k]![place]!);
    this.#kernels.call.foldInit(1, this.#groupBytes / 8, this.#at + this.#groupBytes * this.#count); // they are empty when zero
    this.#count++;
  }

  /** Takes one of the groups in hand; the first one is at the begin. */
  take(group: number): void {
    this.#group = group;
  }

  /** Those of the group in hand. */
  get inHand(): Pointer {
    return this.ofGroup(this.#group);
  }

  ofGroup(group: number): Pointer {
    return this.#at + this.#groupBytes * group;
  }

  /** Of these those of a wanted column. */
  of(column: number): Pointer {
    return this.inHand + this.offset(column);
  }

  /** Where those of a wanted column begin in those of a group, bytes. */
  offset(column: number): number {
    return this.#offsets[column]!;
  }

  /** Gives the groups in which rows counted; there are none then. Throws `CorruptionError`. */
  empty(): FoldedGroups {
    this.batch.fold();
    const count = this.#closeUp();
    const tags = this.#tags;
    const columns = this.#request.columns.map(({ keep }, c) => {
      const field = this.fields[c]!;
      if (field < 0) return null;
      return readAccumulators(
        ...([this.#kernels, this.known[field]!.type, this.windows.count, keep] as const),
        ...([this.#at + this.#offsets[c]!, count, this.#groupBytes] as const),
      );
    });
    this.#count = 0;
    this.#tags = tags.map(() => []);
    return { count, tags, columns };
  }

  close(): void {
    this.batch.release();
    this.span.release();
    this.lists.release();
    this.#kernels.free(this.#at);
  }

  // Leaves groups out in which no row counted; gives how many are left.
  #closeUp(): number {
    const { bytes } = this.#kernels;
    let kept = 0;
    for (let g = 0; g < this.#count; g++) {
      const from = this.#at + g * this.#groupBytes;
      if (!this.#hasRows(from)) continue;
      if (kept < g) {
        bytes.copyWithin(this.#at + kept * this.#groupBytes, from, from + this.#groupBytes);
        for (const values of this.#tags) values[kept] = values[g]!;
      }
      kept++;
    }
    for (const values of this.#tags) values.length = kept;
    return kept;
  }

  // Whether rows counted in a group.
  #hasRows(group: Pointer): boolean {
    const { doubles } = this.#kernels;
    for (let c = 0; c < this.#offsets.length; c++) {
      const counts = (group + this.#offsets[c]!) >>> 3;
      for (let w = 0; w < this.windows.count; w++) if (doubles[counts + w] !== 0) return true;
    }
    return false;
  }
}

/** What the request's range and its windows have in common. */
export function rangeOf({ bounds, minTime, maxTime }: FoldRequest): [minTime: bigint, maxTime: bigint] {
  const from = bounds[0]!;
  const to = bounds[bounds.length - 1]! - 1n;
  return [from > minTime ? from : minTime, to < maxTime ? to : maxTime];
}
