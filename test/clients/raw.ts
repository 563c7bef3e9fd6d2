// Requests over a connection of our own, as Go's HTTP client writes them for Telegraf and Grafana (CLIENTS.md tells where in their
// sources): headers, gzip and chunked bodies are theirs to the byte.
import { connect } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface FullAnswer extends Answer {
  readonly headers: Headers;
}

/** Sends a head and a body as they stand and reads the answer, which may be compressed: Go's client asks for it unless told otherwise. */
export function exchange(
  url: string,
  head: readonly string[],
  body: readonly Uint8Array[] = [],
): Promise<FullAnswer> {
  const { hostname, port } = new URL(url);
  const lines = [...head, `Host: ${hostname}:${port}`, "Accept-Encoding: gzip"];
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    // the connection is kept, as Go keeps it: the answer says where it ends
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${lines.join("\r\n")}\r\n\r\n`);
      for (const part of body) socket.write(part);
    });
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const answer = parse(received);
      if (answer === null) return;
      socket.destroy();
      resolve(answer);
    });
    socket.on("error", reject);
    socket.on("end", () =>
      reject(new Error(`the server ends the connection after ${received.length} bytes`)),
    );
  });
}

/** What two servers must agree on. */
export async function raw(...request: Parameters<typeof exchange>): Promise<Answer> {
  const { status, body } = await exchange(...request);
  return { status, body };
}

/** null: it goes on. */
function parse(bytes: Buffer): FullAnswer | null {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [first = "", ...fields] = bytes.subarray(0, end).toString().split("\r\n");
  const headers = new Headers(
    fields.map((field) => {
      const colon = field.indexOf(":");
      return [field.slice(0, colon), field.slice(colon + 1).trim()];
    }),
  );
  const status = Number(first.split(" ")[1]);
  const sent = bytes.subarray(end + 4);
  const length = Number(headers.get("content-length") ?? 0);
  const isWhole = status === 204 || sent.length >= length;
  const body =
    headers.get("transfer-encoding") === "chunked"
      ? unchunk(sent)
      : isWhole
        ? sent.subarray(0, length)
        : null;
  if (body === null) return null;
  const text = headers.get("content-encoding") === "gzip" ? gunzipSync(body) : body;
  return { status, headers, body: text.toString().trim() };
}

/** null: the last chunk is not there yet. */
function unchunk(bytes: Buffer): Buffer | null {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n", at);
    if (end < 0) return null;
    const length = Number.parseInt(bytes.toString("latin1", at, end), 16);
    if (bytes.length < end + 2 + length + 2) return null;
    if (length === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
}

/** Lines to a path, compressed, in chunks of unknown number: what both outputs of Telegraf send. */
export const streamed = (
  url: string,
  target: string,
  lines: string | Uint8Array,
  more: readonly string[] = [],
) => {
  const bytes = gzipSync(lines);
  return exchange(
    url,
    [
      `POST ${target} HTTP/1.1`,
      "User-Agent: Telegraf/1.30.0 Go/1.22.2",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Encoding: gzip",
      ...more,
      "Transfer-Encoding: chunked",
    ],
    [Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n0\r\n\r\n")],
  );
};

/** outputs.influxdb: no precision. */
export const telegraf = async (
  url: string,
  parameters: string,
  lines: string,
  more: readonly string[] = [],
): Promise<Answer> => {
  const { status, body } = await streamed(url, `/write?${parameters}`, lines, more);
  return { status, body };
};

/** outputs.influxdb, when it connects. */
export const createDatabase = (url: string, database: string, more: readonly string[] = []) => {
  const body = `q=CREATE+DATABASE+%22${database}%22`;
  return raw(
    url,
    [
      "POST /query HTTP/1.1",
      "User-Agent: Telegraf/1.30.0 Go/1.22.2",
      "Content-Type: application/x-www-form-urlencoded",
      `Content-Length: ${body.length}`,
      ...more,
    ],
    [Buffer.from(body)],
  );
};

export const basic = (name: string, password: string) =>
  `Authorization: Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;

/** What Telegraf's inputs gather on a small machine. */
export const gathered = [
  "cpu,cpu=cpu0,host=web\\ 1 usage_idle=91.5,usage_user=4i 1700000000000000000",
  "cpu,cpu=cpu1,host=web\\ 1 usage_idle=87,usage_user=9i 1700000010000000000",
  'system,host=web\\ 1 uptime_format="1 day, 2:03",load1=0.5 1700000000000000000',
  "disk,host=web\\ 1,path=/ used=123456789i,full=false 1700000020000000000",
];
