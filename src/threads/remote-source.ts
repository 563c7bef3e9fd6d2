// A source in another thread: what is asked of it goes there over a channel, its answers come back as packed bytes (model/wire.ts).
import type { Expression } from "../model/expression.ts";
import type {
  Budget,
  FoldedGroups,
  FoldRequest,
  RowBatch,
  ScanRequest,
  Series,
  SeriesCount,
  ShareRequest,
} from "../model/scan.ts";
import type { FieldInfo } from "../model/types.ts";
import { readBatches, readGroups } from "../model/wire.ts";
import { attended } from "./budgets.ts";
import type { Channel, ReadStream } from "./channel.ts";
import type { SharingSource } from "./scattered-source.ts";
import { NO_SERIES_BYTES } from "./serve-source.ts";

const text = new TextDecoder();

export class RemoteSource implements SharingSource {
  readonly #channelOf: () => Channel;
  /** Those that were met before. */
  readonly #series = new Map<string, Series>();

  /** The other side of the channel has the handlers of `serveSource`. */
  constructor(channelOf: () => Channel) {
    this.#channelOf = channelOf;
  }

  get #channel(): Channel {
    return this.#channelOf();
  }

  /** Asked for at once. */
  scan({ budget, onSeries, ...request }: ScanRequest): AsyncGenerator<RowBatch> {
    const read = (bytes: Uint8Array<ArrayBuffer>) => readBatches(bytes, this.#series);
    return unpacked(this.#channel.stream("scan", request), budget, onSeries, read);
  }

  /** Asked for at once. */
  fold({ budget, onSeries, ...request }: FoldRequest): AsyncGenerator<FoldedGroups> {
    return unpacked(this.#channel.stream("fold", request), budget, onSeries, readGroups);
  }

  /** Asked for at once. */
  share({ budget, onSeries, ...request }: ShareRequest): AsyncGenerator<Uint8Array> {
    return unpacked(this.#channel.stream("share", request), budget, onSeries, (chunk) => [chunk]);
  }

  async *seriesKeys(
    database: string,
    measurement: string,
    where: Expression | null,
  ): AsyncGenerator<string[]> {
    yield* texts(this.#channel.stream("seriesKeys", database, measurement, where));
  }

  measurements(database: string, where: Expression | null): Promise<string[]> {
    return this.#channel.call("measurements", database, where);
  }

  fields(
    database: string,
    measurement: string,
    retentionPolicy?: string,
    hasSeries?: boolean,
  ): Promise<readonly FieldInfo[]> {
    return this.#channel.call("fields", database, measurement, retentionPolicy, hasSeries);
  }

  tagKeys(
    database: string,
    measurement: string,
    where: Expression | null,
    retentionPolicy?: string,
  ): Promise<readonly string[]> {
    return this.#channel.call("tagKeys", database, measurement, where, retentionPolicy);
  }

  async *tagValues(
    database: string,
    measurement: string,
    key: string,
    where: Expression | null,
    retentionPolicy?: string,
  ): AsyncGenerator<string[]> {
    yield* texts(this.#channel.stream("tagValues", database, measurement, key, where, retentionPolicy));
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

async function* texts(chunks: ReadStream): AsyncGenerator<string[]> {
  for await (const chunk of chunks) yield JSON.parse(text.decode(chunk));
}

async function* unpacked<T>(
  chunks: ReadStream,
  budget: Budget,
  onSeries: (() => void) | undefined,
  read: (bytes: Uint8Array<ArrayBuffer>) => Iterable<T>,
): AsyncGenerator<T> {
  let hasSeries = true;
  for await (const chunk of attended(chunks, budget)) {
    if (chunk.length === NO_SERIES_BYTES) hasSeries = false;
    else yield* read(chunk);
  }
  if (hasSeries) onSeries?.();
}
