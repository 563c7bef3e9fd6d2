// A thread's share of an answer (shares.ts): made of the rows that it has, and written.
import { assert } from "../base/assert.ts";
import type { Chunks } from "../base/chunks.ts";
import type { Rows, ShareRequest } from "../model/scan.ts";
import type { TimeUnit } from "../model/types.ts";
import { executeInput } from "./execute.ts";
import { type ResultSeries, rowCount } from "./result.ts";
import { type ShareHead, ShareWriter } from "./share-format.ts";
import type { ShareWork } from "./shares.ts";
import { Turn } from "./turn.ts";

/** A part of a series, or a piece of one, as it is written: what parts a series from the one before stands in front of it. */
export interface WrittenPart {
  readonly part: ResultSeries;
  /** Valid until the next. */
  readonly bytes: Uint8Array;
}

/** Writes parts in a format of answers. */
export type SeriesWriter = (
  parts: AsyncIterable<ResultSeries>,
  epoch: TimeUnit | null,
) => AsyncIterable<WrittenPart>;

/**
 * The share of those rows that a source has: the chunks of share-format.ts, none where there are no groups.
 * `heldBytes`: what is held for it.
 */
export async function* makeShare(
  source: Rows,
  { work, budget, onSeries }: ShareRequest,
  write: SeriesWriter | null,
  heldBytes: () => number,
): Chunks {
  const { plan, nowNs, epoch } = work as ShareWork;
  if (write === null) {
    onSeries?.();
    return new ShareWriter({ tags: null, heldBytes: 0 }).take();
  }
  let tags: readonly (readonly string[])[] = plan.dimensions.map(() => []);
  const parts = executeInput(plan, plan.inputs[0]!, {
    ...{ source: noting(source, onSeries), budget, nowNs },
    onGroups: (found) => {
      tags = found;
    },
  }) as AsyncIterable<ResultSeries>;
  const turn = new Turn(budget);
  let writer: ShareWriter | undefined;
  let group = 0;
  let last: ResultSeries | undefined;
  for await (const { part, bytes } of write(parts, epoch)) {
    writer ??= yield* begun({ tags, heldBytes: heldBytes() }, turn);
    if (part !== last) writer.countRows(rowCount(part));
    last = part;
    group = groupFrom(group, tags, plan.dimensions, part.tags!);
    writer.add(group, bytes);
    if (writer.isFull) yield writer.take();
  }
  if (tags[0]!.length === 0) return null;
  writer ??= yield* begun({ tags, heldBytes: heldBytes() }, turn);
  return writer.isEmpty ? null : writer.take();
}

async function* begun(head: ShareHead, turn: Turn): AsyncGenerator<Uint8Array<ArrayBuffer>, ShareWriter> {
  const writer = new ShareWriter(head);
  for (const chunk of writer.opening()) {
    yield chunk;
    if (turn.isOver()) await turn.next();
  }
  return writer;
}

/** The same chunks, the last one among them. */
export async function* allChunks(chunks: Chunks): AsyncGenerator<Uint8Array> {
  const last = yield* chunks;
  if (last !== null) yield last;
}

// The first group from `group` on that has the tags of a series.
function groupFrom(
  group: number,
  tags: readonly (readonly string[])[],
  dimensions: readonly string[],
  tagsOfSeries: ReadonlyMap<string, string>,
): number {
  const values = dimensions.map((name) => tagsOfSeries.get(name));
  const isThere = (at: number) => tags.every((ofGroups, d) => ofGroups[at] === values[d]);
  const count = tags[0]!.length;
  let at = group;
  while (at < count && !isThere(at)) at++;
  assert(at < count, "a series of a share is of no group, or out of order");
  return at;
}

// Tells when there is a series, also of what is asked in several steps.
function noting(source: Rows, onSeries: (() => void) | undefined): Rows {
  if (onSeries === undefined) return source;
  return {
    scan: (request) => source.scan({ ...request, onSeries }),
    fold: (request) => source.fold({ ...request, onSeries }),
  };
}
