// A source served to other threads: the handlers of a channel whose other end is a `RemoteSource`.
import { QueryAbortedError } from "../base/errors.ts";
import type { Expression } from "../model/expression.ts";
import type { Budget, FoldRequest, ScanRequest, Source } from "../model/scan.ts";
import { WireWriter } from "../model/wire.ts";
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

/** The deadline is kept by the thread that asks: it stops the stream. */
class ServedBudget implements Budget {
  readonly #state: StreamState;
  readonly #maxHeldBytes: number;
  #heldBytes = 0;

  constructor(state: StreamState, maxHeldBytes: number) {
    this.#state = state;
    this.#maxHeldBytes = maxHeldBytes;
  }

  check(): void {
    if (this.#state.isStopped) throw new QueryAbortedError("query was killed");
  }

  hold(sizeBytes: number): void {
    this.#heldBytes += sizeBytes;
    if (this.#maxHeldBytes > 0 && this.#heldBytes > this.#maxHeldBytes)
      throw new QueryAbortedError(
        `query holds more than ${this.#maxHeldBytes} bytes; narrow its time range, select fewer series or add a LIMIT`,
      );
  }
}
