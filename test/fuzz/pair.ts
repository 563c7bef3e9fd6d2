// The two servers under comparison: a serie and an influxd, each a process of its own on a free port of 127.0.0.1.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../scripts/bench/child.ts";
import { ServerProcess } from "../crash/server.ts";

/** One HTTP request, sent to both. */
export interface Exchange {
  readonly kind: "write" | "query";
  readonly database: string;
  /** Lines, or statements. */
  readonly text: string;
  readonly epoch?: string;
  readonly method?: "GET" | "POST";
  readonly format?: "json" | "pretty" | "chunked" | "csv";
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

  static async start(): Promise<Pair> {
    const folder = mkdtempSync(join(tmpdir(), "serie-fuzz-"));
    const serie = new ServerProcess(join(folder, "serie"), ["--log-level", "error", "--partitions", "4"]);
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
    return Promise.all([send(this.serieUrl, exchange), send(this.influxdUrl, exchange)]);
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

async function send(url: string, exchange: Exchange): Promise<Reply> {
  const parameters = new URLSearchParams({ db: exchange.database });
  if (exchange.kind === "write") {
    const response = await fetch(`${url}/write?${parameters}`, { method: "POST", body: exchange.text });
    return { status: response.status, body: await response.text() };
  }
  if (exchange.epoch) parameters.set("epoch", exchange.epoch);
  if (exchange.format === "pretty") parameters.set("pretty", "true");
  if (exchange.format === "chunked") {
    parameters.set("chunked", "true");
    parameters.set("chunk_size", "3");
  }
  const headers: Record<string, string> = exchange.format === "csv" ? { Accept: "text/csv" } : {};
  const isGet = exchange.method === "GET";
  if (isGet) parameters.set("q", exchange.text);
  const response = await fetch(`${url}/query?${parameters}`, {
    method: exchange.method ?? "POST",
    headers,
    ...(isGet ? {} : { body: new URLSearchParams({ q: exchange.text }) }),
  });
  return { status: response.status, body: await textOf(response) };
}

/** No statement is meant to answer so much; one that a difference is checked with may. */
const MAX_BYTES = 8 << 20;

async function textOf(response: Response): Promise<string> {
  if (response.body === null) return "";
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body) {
    pieces.push(piece);
    length += piece.length;
    if (length > MAX_BYTES) return `more than ${MAX_BYTES} bytes`;
  }
  return Buffer.concat(pieces).toString();
}
