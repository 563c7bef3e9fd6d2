// A source in another thread: what is asked of it goes there over a channel, its answers come back as packed bytes (model/wire.ts).
import type { Expression } from "../model/expression.ts";
import type {
  Budget,
  FoldedGroup,
  FoldRequest,
  ScanRequest,
  SeriesBlock,
  SeriesCount,
  Source,
} from "../model/scan.ts";
import type { FieldInfo } from "../model/types.ts";
import { readBlocks, readGroups } from "../model/wire.ts";
import type { Channel, ReadStream } from "./channel.ts";

/** How often a query that waits for another thread looks whether it must end. */
const CHECK_MS = 50;

const text = new TextDecoder();

export class RemoteSource implements Source {
  readonly #channel: Channel;

  /** The other side of the channel has the handlers of `serveSource`. */
  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Asked for at once. */
  scan({ budget, ...request }: ScanRequest): AsyncGenerator<SeriesBlock> {
    return unpacked(this.#channel.stream("scan", request), budget, readBlocks);
  }

  /** Asked for at once. */
  fold({ budget, ...request }: FoldRequest): AsyncGenerator<FoldedGroup> {
    return unpacked(this.#channel.stream("fold", request), budget, readGroups);
  }

  async *seriesKeys(
    database: string,
    measurement: string,
    where: Expression | null,
  ): AsyncGenerator<string[]> {
    for await (const chunk of this.#channel.stream("seriesKeys", database, measurement, where))
      yield JSON.parse(text.decode(chunk));
  }

  measurements(database: string, where: Expression | null): Promise<string[]> {
    return this.#channel.call("measurements", database, where);
  }

  fields(database: string, measurement: string): Promise<readonly FieldInfo[]> {
    return this.#channel.call("fields", database, measurement);
  }

  tagKeys(
    database: string,
    measurement: string,
    where: Expression | null,
    retentionPolicy?: string,
  ): Promise<readonly string[]> {
    return this.#channel.call("tagKeys", database, measurement, where, retentionPolicy);
  }

  tagValues(
    database: string,
    measurement: string,
    key: string,
    where: Expression | null,
    retentionPolicy?: string,
  ): Promise<string[]> {
    return this.#channel.call("tagValues", database, measurement, key, where, retentionPolicy);
  }

  countSeries(
    database: string,
    retentionPolicy: string,
    measurement: string,
    where: Expression | null,
    groupBy: readonly string[],
  ): Promise<SeriesCount[]> {
    return this.#channel.call("countSeries", database, retentionPolicy, measurement, where, groupBy);
  }

  seriesCardinality(database: string, measurement: string): Promise<number> {
    return this.#channel.call("seriesCardinality", database, measurement);
  }
}

async function* unpacked<T>(
  chunks: ReadStream,
  budget: Budget,
  read: (bytes: Uint8Array<ArrayBuffer>) => Iterable<T>,
): AsyncGenerator<T> {
  let ended: { readonly error: unknown } | undefined;
  const timer = setInterval(() => {
    try {
      budget.check();
    } catch (error) {
      ended = { error };
      void chunks.return();
    }
  }, CHECK_MS);
  try {
    for await (const chunk of chunks) yield* read(chunk);
    if (ended) throw ended.error;
  } finally {
    clearInterval(timer);
  }
}
