// The same HTTP request to serie and to a real influxd, and whether their answers are the same: status, headers and body. Where they
// differ on purpose, a case says what serie answers instead, and why; a difference that is none any more fails.
import { expect, test } from "bun:test";
import type { Servers } from "../clients/servers.ts";
import { typedMsgpack } from "../support/msgpack.ts";
import { type HttpDifference, known } from "./differences.ts";

export interface Request {
  readonly method?: string;
  /** With the parameters. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | URLSearchParams | FormData;
  /** Sent without a length, in pieces. */
  readonly chunked?: boolean;
}

export interface Seen {
  readonly status: number;
  readonly contentType: string | null;
  readonly encoding: string | null;
  readonly error: string | null;
  readonly authenticate: string | null;
  /** Those of X-Influxdb-Version, X-Influxdb-Build: OSS, Request-Id and X-Request-Id that are missing. */
  readonly missing: readonly string[];
  /** JSON and MessagePack decoded, one a document. */
  readonly body: unknown;
}

/** What serie answers instead: parts of `Seen`, or only that it is another. */
export interface Difference {
  readonly of: HttpDifference;
  readonly serie: Partial<Seen>;
}

export const differs = (of: HttpDifference, serie: Partial<Seen>): Difference => ({ of, serie });

/** A `comparable` that hides one difference, where both say the same but for that. */
export function asIn(_: HttpDifference, comparable: (seen: Seen) => Seen): (seen: Seen) => Seen {
  return comparable;
}

export interface Case {
  readonly title: string;
  readonly request: Request;
  readonly differs?: Difference | undefined;
  /** Applied to both before they are compared. */
  readonly comparable?: ((seen: Seen) => Seen) | undefined;
}

export async function send(base: string, request: Request): Promise<Seen> {
  const { method = "GET", path, headers, body } = request;
  const given = body === undefined ? {} : { body: request.chunked ? inPieces(body as string) : body };
  const init = { method, headers: { "Accept-Encoding": "identity", ...headers }, ...given };
  const response = await fetch(base + path, init);
  const header = (name: string) => response.headers.get(name);
  const contentType = header("content-type");
  const missing = ["X-Influxdb-Version", "Request-Id", "X-Request-Id"].filter((name) => !header(name));
  if (header("x-influxdb-build") !== "OSS") missing.push("X-Influxdb-Build");
  return {
    status: response.status,
    contentType: response.status === 204 ? null : contentType, // influxd names a type of nothing
    encoding: header("content-encoding"),
    error: header("x-influxdb-error"),
    authenticate: header("www-authenticate"),
    missing,
    body: decoded(new Uint8Array(await response.arrayBuffer()), contentType),
  };
}

function inPieces(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const half = bytes.length >> 1;
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes.subarray(0, half));
      controller.enqueue(bytes.subarray(half));
      controller.close();
    },
  });
}

/** Numbers of JSON stay as they are written: JSON.parse would round integers. */
function decoded(bytes: Uint8Array, contentType: string | null): unknown {
  if (contentType === "application/x-msgpack") return [...typedMsgpack(bytes)].map(plain);
  const text = new TextDecoder().decode(bytes);
  if (contentType !== "application/json" || text === "") return text;
  if (text.startsWith("{\n")) return text; // pretty: to the letter
  expect(text).toEndWith("\n");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line, (_, value, context?: { source?: string }) => written(value, context)));
}

const written = (value: unknown, context?: { source?: string }) =>
  typeof value === "number" ? `number ${context?.source}` : value;

/** Without what an encoder may choose, the bytes of an integer; an integer stays one, and a float a float. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return `integer ${value}`;
  if (typeof value === "number") return `float ${Object.is(value, -0) ? "-0" : value}`;
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

/** `servers`: asked when the test runs. */
export function compare(servers: () => Servers, cases: readonly Case[]): void {
  test.each(cases.map((each) => [each.title, each] as const))("%s", async (_, each) => {
    const { serieUrl, influxdUrl } = servers();
    const { differs, request, comparable = (seen) => seen } = each;
    const serie = comparable(await send(serieUrl, request));
    if (differs !== undefined) expect(serie).toMatchObject(differs.serie);
    if (influxdUrl === null) return;
    const influxd = comparable(await send(influxdUrl, request));
    if (differs === undefined) expect(serie).toEqual(influxd);
    else expect(serie, "a difference that is none").not.toEqual(influxd);
  });
}

/** Sends to both what must be the same on both. */
export async function prepare(
  { serieUrl, influxdUrl }: Servers,
  requests: readonly Request[],
): Promise<void> {
  for (const request of requests)
    for (const url of [serieUrl, influxdUrl])
      if (url !== null) expect((await send(url, request)).status).toBeLessThan(300);
}

export const form = (parameters: Record<string, string>, path = "/query"): Request => ({
  method: "POST",
  path,
  body: new URLSearchParams(parameters),
});

export const url = (path: string, parameters: Record<string, string>) =>
  `${path}?${new URLSearchParams(parameters)}`;

/** In serie every error is JSON, and every answer has its headers: a client that retries what it cannot read, Telegraf, would for ever. */
export const jsonError = (status: number, error: string): Difference => ({
  of: known.jsonErrors,
  serie: { status, contentType: "application/json", error, missing: [], body: [{ error }] },
});
