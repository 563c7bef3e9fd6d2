// The description of every route, as GET /openapi publishes it. Documentation only: nothing here validates.
import type { AnyElysia } from "elysia";
import { version } from "../base/version.ts";

const text = { type: "string" } as const;

function parameter(name: string, description: string, required = false) {
  return { name, in: "query" as const, description, required, schema: text };
}

function json(description: string) {
  return { description, content: { "application/json": { schema: { type: "object" as const } } } };
}

const error = {
  description: "What is wrong and where",
  content: {
    "application/json": {
      schema: { type: "object" as const, properties: { error: text }, required: ["error"] },
    },
  },
};

const writeParameters = [
  parameter("db", "Database", true),
  parameter("rp", "Retention policy; absent or empty: the default one"),
  parameter("precision", "Unit of integer timestamps: ns (default), n, us, u, ms, s, m or h"),
];

const writeResponses = {
  204: { description: "Every point is stored and durable" },
  400: { ...error, description: "Points refused, with the reasons; good points beside bad ones are stored" },
  404: { ...error, description: "No such database or retention policy" },
  413: { ...error, description: "The body is too large" },
  503: { ...error, description: "Too much in flight: try again after `Retry-After` seconds" },
};

const query = {
  summary: "Runs InfluxQL statements",
  description:
    "A POST may carry the parameters as a form (urlencoded or multipart) too. `Accept: text/csv` asks for CSV, `Accept: application/x-msgpack` for MessagePack, `Accept-Encoding: gzip` for compression.",
  parameters: [
    parameter("q", "One or more statements, separated by `;`", true),
    parameter("db", "Database"),
    parameter("rp", "Retention policy"),
    parameter("epoch", "Times as integers of this unit (ns, us, ms, s, m, h) instead of RFC 3339"),
    parameter("params", "JSON object with the values of `$name`"),
    parameter("pretty", "`true`: indented JSON"),
    parameter("chunked", "`true`: one JSON document a line"),
    parameter("chunk_size", "Rows a line when chunked; 10000 by default"),
    parameter("async", "`true`: 204 as soon as the statements are read; they run, and nobody hears of them"),
  ],
  responses: {
    200: json("Results; a statement that failed has an `error` in its own"),
    204: { description: "Asked with `async=true`" },
    400: { ...error, description: "A statement cannot be parsed, or `q` is missing" },
  },
};

/** By route; passed to Elysia as `detail`. */
export const descriptions = {
  write: {
    summary: "Writes line protocol",
    parameters: [...writeParameters, parameter("consistency", "Accepted for compatibility")],
    requestBody: { description: "Line protocol, plain or gzip", content: { "text/plain": { schema: text } } },
    responses: writeResponses,
  },
  writeJson: {
    summary: "Writes points as JSON",
    description:
      "`{measurement, tags, fields, time}` or `{metric, tags, value, timestamp}`. A number makes a new field a float; a field of integers takes whole numbers exactly.",
    parameters: writeParameters,
    requestBody: {
      description: "One point, an array of points, or one point a line",
      content: { "application/json": { schema: {} } },
    },
    responses: writeResponses,
  },
  writePlatform: {
    summary: "Writes line protocol as clients of InfluxDB 2 send it",
    description: "Errors are `{code, message}`. A line that cannot be read refuses the whole batch.",
    parameters: [
      parameter("bucket", "`DATABASE` or `DATABASE/RETENTION-POLICY`", true),
      parameter("org", "Ignored"),
      parameter("precision", "Unit of integer timestamps: ns (default), us, ms or s"),
    ],
    requestBody: { description: "Line protocol, plain or gzip", content: { "text/plain": { schema: text } } },
    responses: {
      204: { description: "Every point is stored and durable" },
      400: json("A line cannot be read, or a parameter is wrong: nothing is stored"),
      404: json("No such bucket"),
      413: json("The body is too large: send less at a time"),
      422: json("Some points did not fit what is stored; the others are stored"),
      503: json("Too much in flight: try again after `Retry-After` seconds"),
    },
  },
  queryPlatform: {
    summary: "Answers that Flux is not spoken here",
    responses: { 501: json("Use /query") },
  },
  query,
  status: { summary: "Is the server there? (as /ping)", responses: { 204: { description: "Yes" } } },
  debugVars: {
    summary: "Statistics as InfluxDB 1.x publishes them, for Telegraf's `inputs.influxdb`",
    responses: { 200: json("`{name, tags, values}` by key, beside `system` and `memstats`") },
  },
  ping: { summary: "Is the server there?", responses: { 204: { description: "Yes" } } },
  health: {
    summary: "Is the server well?",
    responses: { 200: json("Every check passes"), 503: json("The checks that fail") },
  },
  ready: {
    summary: "Do all threads take requests?",
    responses: { 200: json("Yes, or they did once"), 503: json("The server is starting") },
  },
  metrics: {
    summary: "Metrics in Prometheus's text format",
    responses: { 200: { description: "Metrics", content: { "text/plain": { schema: text } } } },
  },
  welcome: { summary: "What this server is", responses: { 200: { description: "Plain text" } } },
};

/** The document, of the routes that do not hide. What makes it is loaded when it is first asked for. */
export async function apiDocument(app: AnyElysia): Promise<object> {
  const { toOpenAPISchema } = await import("@elysiajs/openapi/openapi");
  const info = { title: "serie", version, description: "Time series over HTTP, InfluxDB 1.x style." };
  return { openapi: "3.1.2", info, ...toOpenAPISchema(app) };
}
