// A source served to other threads: the handlers of a channel whose other end is a `RemoteSource`.
import type { Chunks } from "../base/chunks.ts";
import type { Expression } from "../model/expression.ts";
import type { FoldRequest, ScanRequest, ShareRequest, Source } from "../model/scan.ts";
import { WireWriter } from "../model/wire.ts";
import { ServedBudget } from "./budgets.ts";
import type { Handlers, StreamState } from "./channel.ts";

/** Packed bytes that go over at once: handing over has its price, and so has waiting for the first. */
const CHUNK_BYTES = 256 * 1024;

const utf8 = new TextEncoder();

/** Makes shares of answers. `heldBytes`: what is held for it. */
export type Share = (request: ShareRequest, heldBytes: () => number) => Chunks;

/** `maxHeldBytes`: what one query may hold here; 0 = no bound. */
export function serveSource(source: Source, share: Share, maxHeldBytes: number): Handlers {
  return {
    calls: {
      measurements: source.measurements.bind(source),
      fields: source.fields.bind(source),
      tagKeys: source.tagKeys.bind(source),
      countSeries: source.countSeries.bind(source),
      seriesCardinality: source.seriesCardinality.bind(source),
    },
    streams: {
      scan: (state: StreamState, request: Sent<ScanRequest>) => {
        const budget = new ServedBudget(state, maxHeldBytes);
        const scan = (onSeries: () => void) => source.scan({ ...request, budget, onSeries });
        return packed(scan, (writer, batch) => writer.batch(batch));
      },
      fold: (state: StreamState, request: Sent<FoldRequest>) => {
        const budget = new ServedBudget(state, maxHeldBytes);
        const fold = (onSeries: () => void) => source.fold({ ...request, budget, onSeries });
        return packed(fold, (writer, groups) => writer.groups(groups));
      },
      share: (state: StreamState, request: Sent<ShareRequest>) => {
        const budget = new ServedBudget(state, maxHeldBytes);
        const ask = (onSeries: () => void) => share({ ...request, budget, onSeries }, () => budget.heldBytes);
        return passedOn(ask);
      },
      seriesKeys: (_: StreamState, database: string, measurement: string, where: Expression | null) =>
        texts(source.seriesKeys(database, measurement, where)),
      tagValues: (
        _: StreamState,
        database: string,
        measurement: string,
        key: string,
        where: Expression | null,
        retentionPolicy?: string,
      ) => texts(source.tagValues(database, measurement, key, where, retentionPolicy)),
    },
  };
}

/** What crosses of a request. */
type Sent<T> = Omit<T, "budget" | "onSeries">;

/** The only chunk of an answer when no series has the tags that are asked for. */
export const NO_SERIES_BYTES = 0;

async function* packed<T>(
  ask: (onSeries: () => void) => AsyncIterable<T>,
  put: (writer: WireWriter, item: T) => void,
): Chunks {
  const writer = new WireWriter();
  let hasSeries = false;
  const items = ask(() => {
    hasSeries = true;
  });
  for await (const item of items) {
    put(writer, item);
    if (writer.sizeBytes >= CHUNK_BYTES) yield writer.finish();
  }
  if (!hasSeries) return new Uint8Array(NO_SERIES_BYTES);
  return writer.isEmpty ? null : writer.finish();
}

async function* passedOn(ask: (onSeries: () => void) => Chunks): Chunks {
  let hasSeries = false;
  const last = yield* ask(() => {
    hasSeries = true;
  });
  return hasSeries ? last : new Uint8Array(NO_SERIES_BYTES);
}

async function* texts(chunks: AsyncIterable<string[]>): Chunks {
  for await (const chunk of chunks) yield utf8.encode(JSON.stringify(chunk));
  return null;
}
