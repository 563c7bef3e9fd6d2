// Pages in browsers: which of them may send requests and read the answers.
//
// Where users have passwords, any page may, as in InfluxDB: browsers are not allowed to add what they know of the user. Where everybody
// is let in, whoever sits at this machine would let in every page that is visited, so that only pages of this machine may.
import { ForbiddenError } from "../base/errors.ts";
import type { Options } from "../db/options.ts";
import { isLoopback } from "./exposure.ts";

export class Pages {
  readonly #areAllAllowed: boolean;

  constructor({ authEnabled, allowOpen }: Pick<Options, "authEnabled" | "allowOpen">) {
    this.#areAllAllowed = authEnabled || allowOpen;
  }

  /** Throws `ForbiddenError` for a request that a browser sends for another site's page. */
  check(request: Request): void {
    if (this.#areAllAllowed || request.headers.get("sec-fetch-site") !== "cross-site") return;
    const origin = request.headers.get("origin");
    if (origin !== null && isOfThisMachine(origin)) return;
    throw new ForbiddenError(
      "pages of other sites are let in only where authentication is on (--auth-enabled)",
    );
  }

  /** What lets a page read the answer (CORS); null: nothing, or it is no page that asks. */
  headers(request: Request): Record<string, string> | null {
    const origin = request.headers.get("origin");
    if (origin === null || !(this.#areAllAllowed || isOfThisMachine(origin))) return null;
    return { ...corsHeaders, "Access-Control-Allow-Origin": origin };
  }
}

const corsHeaders = {
  "Access-Control-Allow-Methods": "GET, OPTIONS, POST",
  "Access-Control-Allow-Headers":
    "Accept, Accept-Encoding, Authorization, Content-Encoding, Content-Length, Content-Type, User-Agent, X-CSRF-Token",
  "Access-Control-Expose-Headers": "Date, Request-Id, X-Influxdb-Build, X-Influxdb-Error, X-Influxdb-Version",
  Vary: "Origin",
};

function isOfThisMachine(origin: string): boolean {
  return URL.canParse(origin) && isLoopback(new URL(origin).hostname.replace(/^\[|\]$/g, ""));
}
