// `serie/server`: puts HTTP over an open database.
import { type Logger, pino } from "pino";
import { collectAfterAnswers } from "./base/collector.ts";
import { InputError } from "./base/errors.ts";
import type { Head } from "./db/head.ts";
import { type OptionsInput, resolveOptions } from "./db/options.ts";
import { createApp } from "./http/app.ts";
import type { Backend } from "./http/backend.ts";
import { checkExposure } from "./http/exposure.ts";
import { rehearse } from "./http/rehearsal.ts";

export type ServeOptions = Pick<
  OptionsInput,
  "host" | "port" | "maxBodySize" | "maxInflightSize" | "authEnabled" | "allowOpen"
> & {
  /** Where requests that fail are logged; absent: nowhere. */
  readonly log?: Logger;
};

export interface Server {
  /** `http://127.0.0.1:8086` */
  readonly url: string;
  readonly port: number;
  /**
   * Stops accepting connections and resolves when every request that had begun is answered, at the latest
   * after `graceMs` (10 s): what is left then is cut off. The database stays open.
   */
  stop(graceMs?: number): Promise<void>;
}

/** A connection without traffic, a slow query's included, is closed after this time: Bun's longest. */
const IDLE_TIMEOUT_S = 255;
const GRACE_MS = 10_000;

/** Throws `InputError` on bad options, on an address that others reach without authentication, and when the address cannot be listened on. */
export function serve(db: Backend, options: ServeOptions & SharedPort = {}): Server {
  const { log, sharedPort = false, logLevel = "silent", ...given } = options;
  const resolved = resolveOptions(given);
  checkExposure(resolved);
  const logger = log ?? serverLog(logLevel);
  const app = createApp(db, resolved, logger);
  const { host, port } = resolved;
  try {
    // Bun's own limit answers without a body, so ours (http/body.ts) has to be met first
    const maxRequestBodySize = Number.MAX_SAFE_INTEGER;
    const limits = { idleTimeout: IDLE_TIMEOUT_S, maxRequestBodySize };
    // Elysia would let two servers share a port: half of the writes would go to the other data folder
    app.listen({ hostname: host, port, ...limits, reusePort: sharedPort, development: false });
  } catch (error) {
    throw cannotListen(host, port, error);
  }
  const server = app.server;
  if (!server) throw new InputError(`cannot listen on ${host} port ${port}`);
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${server.port}`,
    port: server.port as number,
    async stop(graceMs = GRACE_MS) {
      void server.stop();
      const deadline = performance.now() + graceMs;
      while (server.pendingRequests > 0 && performance.now() < deadline) await Bun.sleep(5);
      const requests = server.pendingRequests;
      if (requests > 0) logger.warn({ requests }, `cut off what was not answered within ${graceMs} ms`);
      await server.stop(true);
    },
  };
}

/** How the threads of one server serve; for `serveThreads`. */
interface SharedPort {
  /** Others of this process listen on the same port. */
  readonly sharedPort?: boolean;
  /** Level of a log of one's own on stderr, where there is no `log`. */
  readonly logLevel?: string;
}

/** For a program that does nothing but serve, in each of its threads, before it does. */
export async function prepare(threads: number): Promise<void> {
  collectAfterAnswers(threads);
  await rehearse();
}

/** As `serve`, in every thread of a database that has several: they share the port, and the system the connections. */
export async function serveThreads(
  head: Head,
  options: ServeOptions & { logLevel: string },
): Promise<Server> {
  const { log, logLevel, ...given } = options;
  const { host, port: wanted, maxInflightSize } = resolveOptions(given);
  const port = freePort(host, wanted);
  const share = Math.ceil(maxInflightSize / head.options.threads);
  const own = { ...given, port, maxInflightSize: share, sharedPort: true };
  const server = serve(head, log ? { ...own, log } : own);
  try {
    await head.serveInThreads({ module: import.meta.url, options: { ...own, logLevel } });
  } catch (error) {
    await server.stop(0);
    throw error;
  }
  return {
    ...server,
    async stop(graceMs = GRACE_MS) {
      await Promise.all([server.stop(graceMs), head.stopServing(graceMs)]);
    },
  };
}

/** What the server logs on stderr. */
export function serverLog(level: string): Logger {
  return pino({ level, base: null }, pino.destination({ dest: 2, sync: true }));
}

// The port, 0 made a free one, that nobody listens on: sharing it would let another process's server have it, too.
function freePort(host: string, port: number): number {
  try {
    const probe = Bun.serve({ hostname: host, port, reusePort: false, fetch: () => new Response() });
    const found = probe.port as number;
    void probe.stop(true);
    return found;
  } catch (error) {
    throw cannotListen(host, port, error);
  }
}

function cannotListen(host: string, port: number, error: unknown): InputError {
  return new InputError(`cannot listen on ${host} port ${port}: ${(error as Error).message}`);
}
