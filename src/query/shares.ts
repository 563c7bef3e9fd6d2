// Shares: an answer whose groups are each in one thread alone is made and written by the threads that have them. What is left to the
// thread that was asked is to put bytes together in the order of the tags.
//
//   thread 0    groups a c d    series a c d, written  ─┐
//   thread 1    groups b e      series b e              ├─ a b c d e
//
// A group that is in two of them has series in both, and who was asked has to merge these as folds or rows: there are no shares then.
// It shows once all have said which groups they have, which is before anything is passed on.
import { QueryAbortedError } from "../base/errors.ts";
import type { Budget, ShareRequest } from "../model/scan.ts";
import { MIN_TIME, type TimeUnit } from "../model/types.ts";
import { canFold, isSketched } from "./calls.ts";
import type { ExecutionContext } from "./execute.ts";
import type { Input, SelectPlan } from "./plan.ts";
import { WrittenSeries } from "./result.ts";
import { selectionOf } from "./selection.ts";
import { ShareReader } from "./share-format.ts";
import { Turn } from "./turn.ts";

/** Threads that answer in shares. */
export interface Shares {
  /** How times are written: cut to this unit, null = RFC 3339. */
  readonly epoch: TimeUnit | null;
  /** The share of each that may have rows of the selection; null: these groups are known to be in several. */
  ask(request: ShareRequest): readonly AsyncIterable<Uint8Array>[] | null;
  /** Tells that these groups are in several. */
  areMixed(request: ShareRequest): void;
}

/** What a share is made of. */
export interface ShareWork {
  /** Of the one input: a statement FROM thousands of measurements asks for as many shares. */
  readonly plan: SelectPlan;
  readonly nowNs: bigint;
  readonly epoch: TimeUnit | null;
}

/** Bytes that are passed on at once. */
const PIECE_BYTES = 64 * 1024;

/**
 * Whether an answer is made in shares: calls of values by tags, of which each thread would have to send all its rows. (Folds give
 * little to put together, and rows without calls are not worth the way.)
 */
export function isDivisible(plan: SelectPlan, input: Input): boolean {
  if (input.source.kind !== "measurement" || plan.dimensions.length === 0) return false;
  if (input.calls.length === 0 || (canFold(input) && !input.calls.some(isSketched))) return false;
  if (plan.seriesLimit > 0 || plan.seriesOffset > 0) return false;
  // (windows then begin with the first row of all)
  return plan.window === null || plan.minTime > MIN_TIME;
}

/** The answer of an input in shares; null: it cannot be. */
export async function inShares(
  plan: SelectPlan,
  input: Input,
  { budget, nowNs }: ExecutionContext,
  shares: Shares,
): Promise<AsyncGenerator<WrittenSeries> | null> {
  const { epoch } = shares;
  const work: ShareWork = { plan: { ...plan, inputs: [input] }, nowNs, epoch };
  let heldBytes = 0;
  const hold = (sizeBytes: number) => {
    heldBytes += sizeBytes;
    budget.hold(sizeBytes);
  };
  let hasEnded = false;
  const check = () => {
    if (hasEnded) throw new QueryAbortedError("another share has failed");
    budget.check();
  };
  const request = { ...selectionOf(plan, input), groupBy: plan.dimensions, work, budget: { check, hold } };
  const readers = shares.ask(request)?.map((share) => new ShareReader(share));
  if (readers === undefined) return null;
  const end = () => {
    hasEnded = true;
    for (const reader of readers) reader.end();
  };
  try {
    const turn = new Turn(budget);
    await Promise.all(readers.map((reader) => reader.begin(turn)));
    for (const { head } of readers) hold(head.heldBytes);
    if (readers.every(({ head }) => head.tags !== null)) {
      const order = await orderOf(readers, plan.descending, turn);
      if (order !== null) return putTogether(readers, order, budget, end);
      shares.areMixed(request);
    }
  } catch (error) {
    end();
    throw error;
  }
  end();
  budget.hold(-heldBytes);
  return null;
}

/** Of each group in the order of the answer whose it is; null: two have the same. */
async function orderOf(
  readers: readonly ShareReader[],
  descending: boolean,
  turn: Turn,
): Promise<Uint16Array | null> {
  const count = readers.reduce((sum, { groupCount }) => sum + groupCount, 0);
  const order = new Uint16Array(count);
  const at = new Uint32Array(readers.length);
  for (let i = 0; i < count; i++) {
    let first = -1;
    for (let r = 0; r < readers.length; r++) {
      if (at[r] === readers[r]!.groupCount) continue;
      const compared = first < 0 ? -1 : compareTags(readers[r]!, at[r]!, readers[first]!, at[first]!);
      if (compared === 0) return null;
      if (first < 0 || compared < 0 !== descending) first = r;
    }
    order[i] = first;
    at[first]!++;
    if (i % 1000 === 999 && turn.isOver()) await turn.next();
  }
  return order;
}

// Negative: group i of a stands before group j of b.
function compareTags(a: ShareReader, i: number, b: ShareReader, j: number): number {
  const [left, right] = [a.head.tags!, b.head.tags!];
  for (let d = 0; d < left.length; d++)
    if (left[d]![i] !== right[d]![j]) return left[d]![i]! < right[d]![j]! ? -1 : 1;
  return 0;
}

async function* putTogether(
  readers: readonly ShareReader[],
  order: Uint16Array,
  budget: Budget,
  end: () => void,
): AsyncGenerator<WrittenSeries> {
  const turn = new Turn(budget);
  const merge = new ShareMerge(readers, order);
  try {
    for (;;) {
      const series = merge.take();
      if (series !== null) yield series;
      else if (merge.awaited !== null) await merge.awaited.load();
      else break;
      if (turn.isOver()) await turn.next();
    }
    for (const reader of readers) await reader.load();
  } finally {
    end();
  }
}

/** Series of several shares, put into the order of the answer. */
class ShareMerge {
  readonly #readers: readonly ShareReader[];
  readonly #order: Uint16Array;
  #at = 0;
  /** By share the next of its groups. */
  readonly #next: Uint32Array;
  readonly #piece = new Uint8Array(PIECE_BYTES);
  #length = 0;
  #rowsGiven = 0;
  /** Series that have begun, since the last piece; the place of the one that has. */
  #begun = 0;
  #begunAt = -1;
  /** What has to load before more can be taken. */
  awaited: ShareReader | null = null;

  constructor(readers: readonly ShareReader[], order: Uint16Array) {
    this.#readers = readers;
    this.#order = order;
    this.#next = new Uint32Array(readers.length);
  }

  /** The next piece, valid until more is taken. Null: there is none before `awaited` has loaded, or none at all. */
  take(): WrittenSeries | null {
    this.awaited = null;
    for (; this.#at < this.#order.length; this.#at++) {
      const share = this.#order[this.#at]!;
      const reader = this.#readers[share]!;
      const group = this.#next[share]!;
      while (reader.group === group) {
        const { size } = reader;
        if (this.#length > 0 && this.#length + size > PIECE_BYTES) return this.#taken();
        const bytes = reader.take();
        if (this.#begunAt !== this.#at) this.#begun++;
        this.#begunAt = this.#at;
        if (size > PIECE_BYTES) return this.#written(bytes);
        this.#piece.set(bytes, this.#length);
        this.#length += size;
      }
      if (reader.isEmpty && !reader.hasEnded) {
        this.awaited = reader;
        return null;
      }
      this.#next[share] = group + 1;
    }
    return this.#length > 0 ? this.#taken() : null;
  }

  #taken(): WrittenSeries {
    const bytes = this.#piece.subarray(0, this.#length);
    this.#length = 0;
    return this.#written(bytes);
  }

  #written(bytes: Uint8Array): WrittenSeries {
    const rows = this.#readers.reduce((sum, { rows }) => sum + rows, 0);
    const series = new WrittenSeries(bytes, rows - this.#rowsGiven, this.#begun);
    this.#rowsGiven = rows;
    this.#begun = 0;
    return series;
  }
}
