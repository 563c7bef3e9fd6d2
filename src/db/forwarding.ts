// Forwarding: one queue of accepted writes and the destinations that it feeds, in the background.
//
//   write accepted ── offer ──▶ [queue, bounded] ──▶ one request after the other ──▶ http(s): POST /write   udp: datagrams
//
// Nothing here slows or fails a write: a full queue drops what comes, a destination that does not answer costs that write after
// a time limit; both are counted.
import { Pause } from "../base/pause.ts";
import { printLines } from "../ingest/print-lines.ts";
import { bytesOfText } from "../model/bytetext.ts";
import { type TimeUnit, unitNs } from "../model/types.ts";

/** A write that was stored. The bytes are the queue's own. */
export interface AcceptedWrite {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly rows: number;
  /** The stored rows as a WriteBatch. */
  readonly batch: Uint8Array;
  /** The client's line protocol, when it says the same; its times have the unit `precision`. */
  readonly lines: Uint8Array | null;
  readonly precision: TimeUnit;
}

/**
 * The write with the client's own bytes, which are cheaper to send on than the batch is to print; not where a line may have come
 * without its time, which another server would take for its own now.
 */
export function asItCame(
  write: AcceptedWrite,
  lines: Uint8Array,
  precision: TimeUnit,
  nowNs: bigint,
): AcceptedWrite {
  const view = new DataView(write.batch.buffer, write.batch.byteOffset);
  const isNowInside =
    view.getBigInt64(16, true) <= nowNs && view.getBigInt64(24, true) > nowNs - unitNs[precision];
  return isNowInside ? write : { ...write, lines: lines.slice(), precision };
}

export interface ForwardCounters {
  /** Rows sent, not taken because a queue was full or closed, not sent because no destination took them. */
  sent: number;
  dropped: number;
  failed: number;
}

/** Bytes of batches and lines that one queue holds at most. */
const MOST_BYTES = 32 << 20;
const TIMEOUT_MS = 10_000;
/** Bytes of a datagram at most: what loopback and most networks pass in one piece. */
const DATAGRAM_BYTES = 32_768;

export class ForwardQueue {
  readonly #destinations: readonly URL[];
  readonly #counters: ForwardCounters;
  readonly #waiting: AcceptedWrite[] = [];
  readonly #closing = new AbortController();
  #heldBytes = 0;
  #worker: Promise<void> | undefined;
  #turn = 0;

  /** Each write goes to one of `destinations`: the next in turn that takes it. */
  constructor(destinations: readonly string[], counters: ForwardCounters) {
    this.#destinations = destinations.map((destination) => new URL(destination));
    this.#counters = counters;
  }

  offer(write: AcceptedWrite): void {
    const sizeBytes = sizeOf(write);
    if (this.#closing.signal.aborted || this.#heldBytes + sizeBytes > MOST_BYTES) {
      this.#counters.dropped += write.rows;
      return;
    }
    this.#heldBytes += sizeBytes;
    this.#waiting.push(write);
    this.#worker ??= this.#work().finally(() => {
      this.#worker = undefined;
    });
  }

  /** Resolves when all that was offered has been sent or given up. */
  async settled(): Promise<void> {
    await this.#worker;
  }

  /** Gives up what waits. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#worker;
  }

  async #work(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve)); // the write is answered first
    for (let write = this.#waiting.shift(); write !== undefined; write = this.#waiting.shift()) {
      if (this.#closing.signal.aborted) this.#counters.dropped += write.rows;
      else if (await this.#send(write)) this.#counters.sent += write.rows;
      else this.#counters.failed += write.rows;
      this.#heldBytes -= sizeOf(write);
    }
  }

  async #send(write: AcceptedWrite): Promise<boolean> {
    for (let tried = 0; tried < this.#destinations.length; tried++) {
      const destination = this.#destinations[this.#turn++ % this.#destinations.length]!;
      try {
        if (destination.protocol === "udp:") await sendDatagrams(write, destination);
        else await post(write, destination, this.#closing.signal);
        return true;
      } catch {
        // unreachable, too slow, or it refused: counted, and the next one tried
      }
    }
    return false;
  }
}

const sizeOf = ({ batch, lines }: AcceptedWrite) => batch.length + (lines?.length ?? 0);

async function post(write: AcceptedWrite, destination: URL, closing: AbortSignal): Promise<void> {
  const { database, retentionPolicy, lines, precision } = write;
  const url = new URL(destination);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/write`;
  url.search = new URLSearchParams({
    ...{ db: database, rp: retentionPolicy, precision: lines === null ? "ns" : precision },
  }).toString();
  const headers: Record<string, string> = { "Content-Type": "text/plain; charset=utf-8" };
  if (url.username !== "") {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers["Authorization"] = `Basic ${Buffer.from(credentials).toString("base64")}`;
    url.username = "";
    url.password = "";
  }
  const body = (lines ?? (await bytesOf(write))) as Uint8Array<ArrayBuffer>;
  const signal = AbortSignal.any([closing, AbortSignal.timeout(TIMEOUT_MS)]);
  const response = await fetch(url, { method: "POST", body, headers, signal });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${destination.host} answered ${response.status}`);
}

async function bytesOf(write: AcceptedWrite): Promise<Uint8Array> {
  const all: string[] = [];
  for await (const line of unhurried(write)) all.push(line);
  return bytesOfText(`${all.join("\n")}\n`);
}

/** The lines of a batch as byte text, with pauses for whatever else is to do. */
async function* unhurried({ batch }: AcceptedWrite): AsyncGenerator<string> {
  const pause = new Pause();
  for (const line of printLines(batch)) {
    if (pause.due()) await pause.wait();
    yield line;
  }
}

async function sendDatagrams(write: AcceptedWrite, destination: URL): Promise<void> {
  const socket = await Bun.udpSocket({});
  try {
    const host = destination.hostname.replace(/^\[|\]$/g, "");
    const send = (lines: string) => {
      if (lines !== "" && !socket.send(bytesOfText(lines), Number(destination.port), host))
        throw new Error("the network takes no more");
    };
    let waiting = "";
    for await (const line of unhurried(write)) {
      if (waiting.length + line.length >= DATAGRAM_BYTES) {
        send(waiting);
        waiting = "";
      }
      waiting += `${line}\n`;
    }
    send(waiting);
  } finally {
    socket.close();
  }
}
