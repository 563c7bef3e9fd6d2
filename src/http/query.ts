// GET and POST /query: InfluxQL text in, a streamed answer in the format the client accepts out.
//
// A statement that cannot be parsed fails the whole request (400); whatever fails later is an error inside an
// answer that is 200. When the client goes away the query is ended.
import { noteAnswer } from "../base/collector.ts";
import { InputError } from "../base/errors.ts";
import { Pause } from "../base/pause.ts";
import type { RunOptions } from "../db/sessions.ts";
import type { TimeUnit } from "../model/types.ts";
import type { Access } from "../model/users.ts";
import { parseParameters } from "../query/parameters.ts";
import type { StatementResult } from "../query/result.ts";
import type { Backend } from "./backend.ts";
import type { Bodies } from "./body.ts";
import { Gone } from "./gone.ts";
import { encodeChunkedJson } from "./output/chunked.ts";
import { csvError, encodeCsv } from "./output/csv.ts";
import { takesGzip } from "./output/gzip.ts";
import { encodeJson } from "./output/json.ts";
import { encodeChunkedMsgpack, encodeMsgpack, msgpackError } from "./output/msgpack.ts";
import { bodyOf, type Piece } from "./output/stream.ts";
import { epochOf, optional, urlParameters } from "./parameters.ts";
import type { Reply } from "./reply.ts";

const uncompressed = { Vary: "Accept-Encoding" };
const compressed = { ...uncompressed, "Content-Encoding": "gzip" };

/** A chunk is built in memory. */
const MAX_CHUNK_ROWS = 1_000_000;
const DEFAULT_CHUNK_ROWS = 10_000;

export async function query(
  db: Backend,
  bodies: Bodies,
  request: Request,
  reply: Reply,
  access?: Access,
): Promise<Response> {
  const format = formatOf(request);
  try {
    return await answer(db, bodies, request, reply, format, access);
  } catch (error) {
    // the answer to a request that failed has the format that was asked for, too
    const pretty = urlParameters(request).get("pretty") === "true";
    const body = (message: string) => format.error(message, pretty);
    return reply.failure(error, { contentType: format.contentType, body });
  }
}

async function answer(
  db: Backend,
  bodies: Bodies,
  request: Request,
  reply: Reply,
  format: Format,
  access: Access | undefined,
) {
  const parameters = await queryParameters(bodies, request);
  const text = optional(parameters, "q")?.trim() || undefined;
  if (text === undefined) throw new InputError('missing required parameter "q"');
  await new Pause().begin();
  const isAsync = parameters.get("async") === "true";
  const gone = new Gone(isAsync ? null : request);
  const shape = {
    epoch: epochOf(parameters),
    pretty: parameters.get("pretty") === "true",
    chunkRows: parameters.get("chunked") === "true" ? chunkRows(parameters) : null,
  };
  const options = runOptions(request, parameters, gone, access);
  const takesWritten = format === json && !shape.pretty && shape.chunkRows === null && !isAsync;
  // throws what is wrong with the text, before an answer has begun
  const results = db.run(text, takesWritten ? { ...options, writtenEpoch: shape.epoch } : options);
  if (isAsync) {
    void runToEnd(results);
    return reply.noContent();
  }
  const gzip = takesGzip(request.headers.get("accept-encoding"));
  noteAnswer();
  const { body, isGzip } = await bodyOf(format.encode(results, shape), gone, gzip);
  return reply.body(200, format.contentType, body, isGzip ? compressed : uncompressed);
}

/** `async=true`: nobody waits for the answer, and what goes wrong in a statement is nobody's to hear. */
async function runToEnd(results: AsyncIterable<StatementResult>): Promise<void> {
  for await (const { series } of results) {
    try {
      for await (const _ of series);
    } catch {
      // the statements after it run
    }
  }
}

/**
 * Parameters of the URL and, for POST, of a form in the body. Of several values of a name the first counts, where those of a form come
 * before the URL's and those of multipart/form-data behind them, as in InfluxDB.
 */
async function queryParameters(bodies: Bodies, request: Request): Promise<URLSearchParams> {
  const inUrl = urlParameters(request);
  if (request.method !== "POST") return inUrl;
  const contentType = request.headers.get("content-type") ?? "";
  const mediaType = contentType.split(";", 1)[0]!.trim().toLowerCase();
  const isForm = true;
  const read = async (bytes: Uint8Array) => {
    if (mediaType === "multipart/form-data") return await withParts(inUrl, contentType, bytes);
    if (mediaType !== "" && mediaType !== "application/x-www-form-urlencoded") return inUrl;
    return new URLSearchParams([...new URLSearchParams(new TextDecoder().decode(bytes)), ...inUrl]);
  };
  return await bodies.with(request, read, isForm);
}

/** Adds the parts; where there is no `q`, it may be a file of statements. */
async function withParts(
  inUrl: URLSearchParams,
  contentType: string,
  bytes: Uint8Array,
): Promise<URLSearchParams> {
  const body = new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { "Content-Type": contentType } });
  const form = await body.formData().catch((error: Error) => {
    throw new InputError(`the body is not multipart/form-data: ${error.message}`);
  });
  const parameters = new URLSearchParams(inUrl);
  for (const [name, value] of form) if (typeof value === "string") parameters.append(name, value);
  const file = [...form.getAll("q")].find((value) => typeof value !== "string");
  if (!parameters.get("q")?.trim() && file !== undefined)
    parameters.set("q", await (file as unknown as Blob).text());
  return parameters;
}

function runOptions(
  request: Request,
  parameters: URLSearchParams,
  signal: Gone,
  access: Access | undefined,
): RunOptions {
  const options: { -readonly [K in keyof RunOptions]: RunOptions[K] } = {
    signal,
    readOnly: request.method === "GET",
  };
  const database = optional(parameters, "db");
  if (database !== undefined) options.database = database;
  const retentionPolicy = optional(parameters, "rp");
  if (retentionPolicy !== undefined) options.retentionPolicy = retentionPolicy;
  const params = optional(parameters, "params");
  if (params !== undefined) options.params = parseParameters(params);
  if (access !== undefined) options.access = access;
  return options;
}

function chunkRows(parameters: URLSearchParams): number {
  const text = parameters.get("chunk_size") ?? "";
  const rows = /^[+-]?\d+$/.test(text) ? Number(text) : 0;
  return rows > 0 ? Math.min(rows, MAX_CHUNK_ROWS) : DEFAULT_CHUNK_ROWS;
}

interface Shape {
  /** null: times as text. */
  readonly epoch: TimeUnit | null;
  readonly pretty: boolean;
  /** null: not chunked. */
  readonly chunkRows: number | null;
}

interface Format {
  readonly contentType: string;
  encode(results: AsyncIterable<StatementResult>, shape: Shape): AsyncGenerator<Piece>;
  /** The message of a failed request. */
  error(message: string, pretty: boolean): Piece;
}

const json: Format = {
  contentType: "application/json",
  encode: (results, { epoch, pretty, chunkRows }) =>
    chunkRows === null
      ? encodeJson(results, { epoch, pretty })
      : encodeChunkedJson(results, { epoch, pretty }, chunkRows),
  error: (message, pretty) => `${JSON.stringify({ error: message }, null, pretty ? 4 : 0)}\n`,
};

const csv: Format = {
  contentType: "text/csv",
  encode: (results, { epoch }) => encodeCsv(results, epoch),
  error: csvError,
};

const msgpack: Format = {
  contentType: "application/x-msgpack",
  encode: (results, { epoch, chunkRows }) =>
    chunkRows === null ? encodeMsgpack(results, epoch) : encodeChunkedMsgpack(results, epoch, chunkRows),
  error: msgpackError,
};

const formats = new Map<string, Format>([
  ["application/json", json],
  ["*/*", json],
  ["text/csv", csv],
  ["application/csv", csv],
  ["application/x-msgpack", msgpack],
]);

/** Of the types in `Accept` that serie knows the one with the highest `q`, of equals the first; JSON when there is none. */
function formatOf(request: Request): Format {
  const accepted = request.headers.get("accept") ?? "*/*";
  return formats.get(accepted) ?? bestOf(accepted);
}

function bestOf(accepted: string): Format {
  let best = json;
  let bestQuality = 0;
  for (const entry of accepted.split(",")) {
    const [type = "", ...parameters] = entry.split(";").map((part) => part.trim().toLowerCase());
    const format = formats.get(type);
    const quality = Number(parameters.find((each) => each.startsWith("q="))?.slice(2) ?? 1);
    if (format === undefined || !(quality > bestQuality)) continue;
    best = format;
    bestQuality = quality;
  }
  return best;
}
