// The two servers under comparison: a serie and an influxd, each a process of its own on a free port of 127.0.0.1.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeMulti, ExtensionCodec } from "@msgpack/msgpack";
import { freePort } from "../../scripts/bench/child.ts";
import { ServerProcess } from "../crash/server.ts";

/** One HTTP request, sent to both. */
export interface Exchange {
  readonly kind: "write" | "query";
  readonly database: string;
  /** Lines, or statements. */
  readonly text: string;
  /** The statements of the text one by one, without its comments and bind parameters; absent: the text is one. */
  readonly statements?: readonly string[] | undefined;
  /** The same, where `statements` holds them joined. */
  readonly parts?: readonly string[];
  /** Into which lines are written; absent: the default one. */
  readonly policy?: string | undefined;
  readonly epoch?: string;
  readonly method?: "GET" | "POST";
  readonly format?: "json" | "pretty" | "chunked" | "csv" | "msgpack" | undefined;
  /** Rows of a chunk. */
  readonly chunkSize?: number;
  /** JSON of bind parameters. */
  readonly parameters?: string | undefined;
}

export interface Reply {
  readonly status: number;
  readonly body: string;
}

export const isInfluxdThere = () => Bun.which("influxd") !== null;

export class Pair {
  /** Why an influxd ended is the last thing it wrote. */
  private constructor(
    readonly serieUrl: string,
    readonly influxdUrl: string,
    readonly stop: () => Promise<void>,
  ) {}

  /** `threads` of serie: what they have apart must not show. */
  static async start(threads = 2): Promise<Pair> {
    const folder = mkdtempSync(join(tmpdir(), "serie-fuzz-"));
    const serie = new ServerProcess(join(folder, "serie"), [
      ...["--log-level", "error", "--partitions", "4"],
      ...["--threads", String(threads)],
    ]);
    const influxd = await startInfluxd(join(folder, "influxd"));
    const stop = async () => {
      await Promise.all([serie.kill("SIGKILL"), influxd.stop()]);
      rmSync(folder, { recursive: true, force: true });
    };
    try {
      return new Pair(await serie.ready(), influxd.url, stop);
    } catch (error) {
      await stop();
      throw error;
    }
  }

  both(exchange: Exchange): Promise<[serie: Reply, influxd: Reply]> {
    return Promise.all([sendInTime(this.serieUrl, exchange), sendInTime(this.influxdUrl, exchange)]);
  }
}

/** An influxd with its data in a folder, once it answers. */
export async function startInfluxd(
  folder: string,
  { authEnabled = false }: { readonly authEnabled?: boolean } = {},
): Promise<{ url: string; stop(): Promise<void> }> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const path = join(folder, "influxd.toml");
  writeFileSync(path, configuration(folder, port, authEnabled));
  const child = Bun.spawn(["influxd", "run", "-config", path], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
    env: { ...process.env, GOMAXPROCS: "2" },
  });
  const url = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + 30_000;
  while (
    !(await fetch(`${url}/ping`).then(
      (answer) => answer.ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error("influxd does not start");
    await Bun.sleep(20);
  }
  return {
    url,
    stop: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

function configuration(folder: string, port: number, authEnabled: boolean): string {
  return `
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "${folder}/meta"
  logging-enabled = false
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
  query-log-enabled = false
[coordinator]
  max-select-buckets = 100000
  # (a write that waits while everything stands still is late, and not lost)
  write-timeout = "10m"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
  auth-enabled = ${authEnabled}
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
[logging]
  level = "error"
`;
}

/** No statement that is drawn takes so long; what is left of one when it is made small may. */
const DEADLINE_MS = 20_000;

/** Whether a reply is there, and was read to its end: of others nothing can be said. */
export const isWhole = ({ status, body }: Reply): boolean => status !== 0 && body !== TOO_LONG;

/** `headers`: beside those that the exchange needs. */
export async function sendInTime(
  url: string,
  exchange: Exchange,
  headers: Readonly<Record<string, string>> = {},
  isSecond = false,
): Promise<Reply> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const started = performance.now();
  // where the clock went on far beyond the deadline everything stood still, this process as well: that says nothing of the server
  const stoodStill = () => performance.now() - started > DEADLINE_MS * 1.1;
  try {
    const reply = await send(url, exchange, signal, headers);
    const isLate = reply.body.includes("query-timeout limit exceeded") && stoodStill();
    return isLate ? await sendInTime(url, exchange, headers) : reply;
  } catch (error) {
    if (!signal.aborted) throw error;
    if (stoodStill()) return await sendInTime(url, exchange, headers);
    // (or the server alone did: what does not come twice is not there)
    if (!isSecond) return await sendInTime(url, exchange, headers, true);
    return { status: 0, body: `no answer within ${DEADLINE_MS} ms` };
  }
}

async function send(
  url: string,
  exchange: Exchange,
  signal: AbortSignal,
  others: Readonly<Record<string, string>>,
): Promise<Reply> {
  const parameters = new URLSearchParams({ db: exchange.database });
  if (exchange.kind === "write") {
    if (exchange.policy !== undefined) parameters.set("rp", exchange.policy);
    const response = await fetch(`${url}/write?${parameters}`, {
      method: "POST",
      body: exchange.text,
      headers: others,
      signal,
    });
    return { status: response.status, body: await response.text() };
  }
  if (exchange.epoch) parameters.set("epoch", exchange.epoch);
  if (exchange.format === "pretty") parameters.set("pretty", "true");
  if (exchange.format === "chunked") {
    parameters.set("chunked", "true");
    parameters.set("chunk_size", String(exchange.chunkSize ?? 3));
  }
  if (exchange.parameters !== undefined) parameters.set("params", exchange.parameters);
  const headers = { ...others, ...acceptOf(exchange) };
  const isGet = exchange.method === "GET";
  if (isGet) parameters.set("q", exchange.text);
  const response = await fetch(`${url}/query?${parameters}`, {
    method: exchange.method ?? "POST",
    headers,
    signal,
    ...(isGet ? {} : { body: new URLSearchParams({ q: exchange.text }) }),
  });
  const isPacked = response.headers.get("content-type") === "application/x-msgpack";
  return { status: response.status, body: isPacked ? await unpacked(response) : await textOf(response) };
}

function acceptOf({ format }: Exchange): Record<string, string> {
  if (format === "csv") return { Accept: "text/csv" };
  return format === "msgpack" ? { Accept: "application/x-msgpack" } : {};
}

/** As JSON; times without an epoch, which are seconds and nanoseconds in extension 5, as `seconds.nanoseconds`. */
async function unpacked(response: Response): Promise<string> {
  const extensionCodec = new ExtensionCodec();
  const decode = (data: Uint8Array) => {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    return `${view.getBigInt64(0)}.${view.getUint32(8)}`;
  };
  extensionCodec.register({ type: 5, encode: () => null, decode });
  const documents = decodeMulti(new Uint8Array(await response.arrayBuffer()), {
    extensionCodec,
    useBigInt64: true,
  });
  // (64-bit integers keep all their digits)
  const text = (value: unknown): string => {
    if (typeof value === "bigint") return String(value);
    if (Array.isArray(value)) return `[${value.map(text).join(",")}]`;
    if (typeof value !== "object" || value === null) return JSON.stringify(value);
    // (influxd writes tags in any order)
    const isTags = Object.values(value).every((inner) => typeof inner === "string") && !("error" in value);
    // (and an empty list of series where JSON has none)
    const entries = Object.entries(value).filter(
      ([key, inner]) => key !== "series" || !Array.isArray(inner) || inner.length > 0,
    );
    if (isTags) entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${text(inner)}`)}}`;
  };
  return [...documents].map(text).join("\n");
}

/** No statement is meant to answer so much; one that a difference is checked with may. */
const MAX_BYTES = 8 << 20;
const TOO_LONG = `more than ${MAX_BYTES} bytes`;

async function textOf(response: Response): Promise<string> {
  if (response.body === null) return "";
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body) {
    pieces.push(piece);
    length += piece.length;
    if (length > MAX_BYTES) return TOO_LONG;
  }
  return Buffer.concat(pieces).toString();
}
