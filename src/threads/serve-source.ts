// A source served to other threads: the handlers of a channel whose other end is a `RemoteSource`.
import type { Expression } from "../model/expression.ts";
import type { FoldRequest, ScanRequest, Source } from "../model/scan.ts";
import { WireWriter } from "../model/wire.ts";
import { ServedBudget } from "./budgets.ts";
import type { Chunks, Handlers, StreamState } from "./channel.ts";

/** Packed bytes that go over at once: handing over has its price, and so has waiting for the first. */
const CHUNK_BYTES = 256 * 1024;

const utf8 = new TextEncoder();

/** `maxHeldBytes`: what one query may hold here; 0 = no bound. */
export function serveSource(source: Source, maxHeldBytes: number): Handlers {
  return {
    calls: {
      measurements: source.measurements.bind(source),
      fields: source.fields.bind(source),
      tagKeys: source.tagKeys.bind(source),
      tagValues: source.tagValues.bind(source),
      countSeries: source.countSeries.bind(source),
      seriesCardinality: source.seriesCardinality.bind(source),
    },
    streams: {
      scan: (state: StreamState, request: Omit<ScanRequest, "budget">) => {
        const budget = new ServedBudget(state, maxHeldBytes);
        return packed(source.scan({ ...request, budget }), (writer, block) => writer.block(block));
      },
      fold: (state: StreamState, request: Omit<FoldRequest, "budget">) => {
        const budget = new ServedBudget(state, maxHeldBytes);
        return packed(source.fold({ ...request, budget }), (writer, group) => writer.group(group));
      },
      seriesKeys: (_: StreamState, database: string, measurement: string, where: Expression | null) =>
        keys(source.seriesKeys(database, measurement, where)),
    },
  };
}

async function* packed<T>(items: AsyncIterable<T>, put: (writer: WireWriter, item: T) => void): Chunks {
  const writer = new WireWriter();
  for await (const item of items) {
    put(writer, item);
    if (writer.sizeBytes >= CHUNK_BYTES) yield writer.finish();
  }
  return writer.isEmpty ? null : writer.finish();
}

async function* keys(chunks: AsyncIterable<string[]>): Chunks {
  for await (const chunk of chunks) yield utf8.encode(JSON.stringify(chunk));
  return null;
}
