// The routes: an Elysia application over an open database.
//
// Invariants: every answer carries the standard headers, every error is JSON, no body is parsed by Elysia (the
// handlers read raw bytes), and nothing is validated or hooked around a handler, so a write costs what it costs.
import { Elysia } from "elysia";
import type { Logger } from "pino";
import { SerieError } from "../base/errors.ts";
import type { Options } from "../db/options.ts";
import type { Access } from "../model/users.ts";
import { Gate, requireUser } from "./authentication.ts";
import type { Backend } from "./backend.ts";
import { Bodies } from "./body.ts";
import { allowLongHeaders } from "./headers.ts";
import { bodyMetrics, processMetrics, prometheusText, Traffic } from "./metrics.ts";
import { apiDocument, descriptions } from "./openapi.ts";
import { writeSeries } from "./output/json-share.ts";
import { Pages } from "./pages.ts";
import { query } from "./query.ts";
import { PlatformReply, Reply } from "./reply.ts";
import { health, noFlux, ping, ready, welcome } from "./status.ts";
import { debugVars } from "./vars.ts";
import { platformTargetOf, WriteTargets, writeJson, writeLines, writePlatform } from "./write.ts";
import { Writes } from "./writes.ts";

export type HttpOptions = Pick<Options, "maxBodySize" | "maxInflightSize" | "authEnabled" | "allowOpen">;

type Handler = (request: Request, reply: Reply, access?: Access) => Response | Promise<Response>;

const allowed: Readonly<Record<string, string>> = {
  "/write": "OPTIONS, POST",
  "/write/json": "OPTIONS, POST",
  "/query": "OPTIONS, GET, POST",
  "/api/v2/write": "OPTIONS, POST",
  "/api/v2/query": "OPTIONS, POST",
  "/api/v2/health": "GET",
  "/ping": "GET, HEAD",
  "/status": "GET, HEAD",
  "/health": "GET",
  "/ready": "GET",
  "/metrics": "GET",
  "/debug/vars": "GET",
  "/openapi": "GET",
  "/": "GET",
};

/** What has no route. */
const OTHER = "other";
const pathOf = (request: Request) => new URL(request.url).pathname;

export function createApp(db: Backend, options: HttpOptions, log: Logger) {
  allowLongHeaders();
  const bodies = new Bodies(options.maxBodySize, options.maxInflightSize);
  const writes = new Writes(db, bodies);
  const targets = new WriteTargets();
  const platformTargets = new WriteTargets(platformTargetOf);
  const traffic = new Traffic();
  const ownMetrics = () => [...bodyMetrics(bodies), ...traffic.metrics()];
  db.addMetrics?.(ownMetrics);
  db.answerWith?.(writeSeries);
  const allMetrics = async () => {
    const metrics = await db.metrics();
    return db.addMetrics ? metrics : [...metrics, ...ownMetrics()];
  };
  const startedMs = Date.now();
  const idPrefix = crypto.randomUUID().slice(0, 24);
  let requestCount = 0;

  const pages = new Pages(options);
  const gate = options.authEnabled ? new Gate(db.users) : null;

  /** A route that only users may take, where authentication is on; elsewhere no page of another site. */
  function guarded(path: string, handle: Handler) {
    if (gate === null)
      return route(path, (request, reply) => {
        pages.check(request);
        return handle(request, reply);
      });
    return route(path, async (request, reply) => handle(request, reply, await gate.admit(request)));
  }

  /** A request's way through: identify, handle, turn what was thrown into an answer, count. */
  function route(path: string, handle: Handler) {
    const noteFailure = (error: unknown, status: number, requestId: string) => {
      const entry = { requestId, path, status, error: logged(error) };
      if (status >= 500 && status !== 503) log.error(entry, "request failed");
      else log.debug(entry, "request refused");
    };
    return async ({ request }: { request: Request }): Promise<Response> => {
      const Form = (path === OTHER ? pathOf(request) : path).startsWith("/api/v2/") ? PlatformReply : Reply;
      const reply = new Form(
        request,
        idPrefix + (requestCount++).toString(16).padStart(12, "0"),
        pages.headers(request),
        noteFailure,
      );
      let response: Response;
      try {
        response = await handle(request, reply);
      } catch (error) {
        response = reply.failure(error);
      }
      traffic.count(path, response.status);
      return response;
    };
  }

  const raw = { parse: "none" } as const;
  const handleQuery = guarded("/query", (request, reply, access) =>
    query(db, bodies, request, reply, access),
  );
  const handlePing = route("/ping", ping);
  const handleStatus = route("/status", (_, reply) => reply.noContent());
  const notFound = route(OTHER, (request, reply) => {
    const path = pathOf(request);
    const methods = allowed[path];
    if (request.method === "OPTIONS" && methods?.startsWith("OPTIONS"))
      return reply.noContent({ Allow: methods });
    if (methods === undefined) return reply.error(404, `path not found: ${path}`);
    return reply.error(405, `method ${request.method} not allowed on ${path}: use ${methods}`, {
      Allow: methods,
    });
  });

  // (a slash at the end makes another path, as in InfluxDB)
  const app = new Elysia({ strictPath: true });
  const handleOpenapi = route("/openapi", async (_, reply) =>
    reply.json(200, JSON.stringify(await apiDocument(app))),
  );
  return (
    app
      .post(
        "/write",
        guarded("/write", (request, reply, access) => writeLines(writes, targets, request, reply, access)),
        { ...raw, detail: descriptions.write },
      )
      .post(
        "/write/json",
        guarded("/write/json", (request, reply, access) =>
          writeJson(writes, targets, request, reply, access),
        ),
        { ...raw, detail: descriptions.writeJson },
      )
      .post(
        "/api/v2/write",
        guarded("/api/v2/write", (request, reply, access) =>
          writePlatform(writes, platformTargets, request, reply, access),
        ),
        { ...raw, detail: descriptions.writePlatform },
      )
      .post(
        "/api/v2/query",
        route("/api/v2/query", (_, reply) => noFlux(reply)),
        { ...raw, detail: descriptions.queryPlatform },
      )
      .get("/query", handleQuery, { detail: descriptions.query })
      .post("/query", handleQuery, { ...raw, detail: descriptions.query })
      // else it were a GET, which may change something
      .head("/query", ({ request }) => notFound({ request }), { detail: { hide: true } })
      .get("/openapi", handleOpenapi, { detail: { hide: true } })
      .get("/ping", handlePing, { detail: descriptions.ping })
      .head("/ping", handlePing, { detail: descriptions.ping })
      .get("/status", handleStatus, { detail: descriptions.status })
      .head("/status", handleStatus, { detail: descriptions.status })
      .get(
        "/health",
        route("/health", (_, reply) => health(db, reply)),
        { detail: descriptions.health },
      )
      .get(
        "/api/v2/health",
        route("/api/v2/health", (_, reply) => health(db, reply)),
        { detail: descriptions.health },
      )
      .get(
        "/debug/vars",
        guarded("/debug/vars", async (_, reply, access) => {
          requireUser(access);
          return debugVars(await allMetrics(), startedMs, reply);
        }),
        { detail: descriptions.debugVars },
      )
      .get(
        "/ready",
        route("/ready", (_, reply) => ready(db, startedMs, reply)),
        { detail: descriptions.ready },
      )
      .get(
        "/metrics",
        guarded("/metrics", async (_, reply, access) => {
          requireUser(access);
          const all = [...(await allMetrics()), ...processMetrics()];
          return reply.body(200, "text/plain; version=0.0.4; charset=utf-8", prometheusText(all));
        }),
        { detail: descriptions.metrics },
      )
      .get(
        "/",
        route("/", (_, reply) => welcome(reply)),
        { detail: descriptions.welcome },
      )
      .onError(({ request }) => notFound({ request }))
  );
}

/** An error as the log has it: with its message, which says the reason, and, where it is none of ours, with the place. */
function logged(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack } = error;
  return error instanceof SerieError ? { ...error, name, message } : { name, message, stack };
}
