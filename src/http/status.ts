// /ping, /health, /ready, / and /api/v2/query: is it there, is it well, what is it, and what it does not speak.
import { version } from "../base/version.ts";
import type { Backend } from "./backend.ts";
import { INFLUXDB_VERSION, type Reply } from "./reply.ts";

/** 204, or with `verbose=true` the version, as InfluxDB 1.8. */
export function ping(request: Request, reply: Reply): Response {
  const verbose = /[?&]verbose=(?!0|false)/.test(request.url);
  return verbose ? reply.json(200, `${JSON.stringify({ version: INFLUXDB_VERSION })}\n`) : reply.noContent();
}

/** 200 when every check passes, else 503 with the reasons: reads may still be served. */
export async function health(db: Backend, reply: Reply): Promise<Response> {
  const { status, message, checks } = await db.health();
  const body = { name: "serie", message, status, checks, version };
  return reply.json(status === "pass" ? 200 : 503, `${JSON.stringify(body)}\n`);
}

/** 200 as soon as all threads serve requests, else 503: recovery is over before the server listens. */
export async function ready(db: Backend, startedMs: number, reply: Reply): Promise<Response> {
  if (db.isReady !== undefined && !(await db.isReady()))
    return reply.json(503, `${JSON.stringify({ status: "starting" })}\n`);
  const up = `${Math.round((Date.now() - startedMs) / 1000)}s`;
  const body = { status: "ready", started: new Date(startedMs).toISOString(), up };
  return reply.json(200, `${JSON.stringify(body)}\n`);
}

/** Clients of InfluxDB 2 ask in Flux alone. */
export function noFlux(reply: Reply): Response {
  return reply.error(501, "serie does not speak Flux: send InfluxQL to /query?db=DATABASE&q=STATEMENT");
}

export function welcome(reply: Reply): Response {
  const text = `serie ${version}, a time series database that speaks InfluxDB 1.x.

POST /write?db=DB         line protocol, e.g.  cpu,host=a usage=0.5 1700000000000000000
POST /api/v2/write?bucket=DB        the same, as clients of InfluxDB 2 send it
POST /write/json?db=DB    one point, an array of points, or one a line
GET  /query?db=DB&q=...   InfluxQL; POST takes a form
GET  /ping  /health  /ready  /metrics  /debug/vars
GET  /openapi             this interface, described
`;
  return reply.body(200, "text/plain; charset=utf-8", text);
}
