// `serie/server`: puts HTTP over an open database.
import { type Logger, pino } from "pino";
import { InputError } from "./base/errors.ts";
import { type OptionsInput, resolveOptions } from "./db/options.ts";
import { createApp } from "./http/app.ts";
import type { Backend } from "./http/backend.ts";
import { checkExposure } from "./http/exposure.ts";

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

/** Throws `InputError` on bad options, on an address that others reach without authentication, and when the address cannot be listened on. */
export function serve(db: Backend, options: ServeOptions = {}): Server {
  const { log = pino({ level: "silent" }), ...given } = options;
  const resolved = resolveOptions(given);
  const { host, port } = resolved;
  checkExposure(resolved);
  const app = createApp(db, resolved, log);
  try {
    // Bun's own limit answers without a body, so ours (http/body.ts) has to be met first
    const maxRequestBodySize = Number.MAX_SAFE_INTEGER;
    // Elysia would let two servers share a port: half of the writes would go to the other data folder
    const exclusive = { reusePort: false };
    const limits = { idleTimeout: IDLE_TIMEOUT_S, maxRequestBodySize };
    app.listen({ hostname: host, port, ...limits, ...exclusive, development: false });
  } catch (error) {
    throw new InputError(`cannot listen on ${host} port ${port}: ${(error as Error).message}`);
  }
  const server = app.server;
  if (!server) throw new InputError(`cannot listen on ${host} port ${port}`);
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${server.port}`,
    port: server.port as number,
    async stop(graceMs = 10_000) {
      void server.stop();
      const deadline = performance.now() + graceMs;
      while (server.pendingRequests > 0 && performance.now() < deadline) await Bun.sleep(5);
      await server.stop(true);
    },
  };
}
