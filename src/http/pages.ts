// Pages in browsers: which of them may send requests and read the answers.
//
// Where users have passwords, any page may, as in InfluxDB: browsers are not allowed to add what they know of the user. Where everybody
// is let in, whoever sits at this machine would let in every page that is visited, so that only pages of this machine may.
import { ForbiddenError } from "../base/errors.ts";
import type { Options } from "../db/options.ts";
import { isLoopback } from "./exposure.ts";
import { Remembered } from "./remembered.ts";

export class Pages {
  readonly #areAllAllowed: boolean;

  constructor({ authEnabled, allowOpen }: Pick<Options, "authEnabled" | "allowOpen">) {
    this.#areAllAllowed = authEnabled || allowOpen;
  }

  /**
   * Throws `ForbiddenError` for a request that a browser sends for another site's page. Browsers say whose page it is
   * (Sec-Fetch-Site, which no page can forge), but not to a server without TLS whose name is not of this machine: so comes a page
   * whose own name was made to lead here (DNS rebinding), and it is known by that name.
   */
  check(request: Request): void {
    if (this.#areAllAllowed) return;
    const { headers } = request;
    const site = headers.get("sec-fetch-site");
    const origin = headers.get("origin");
    const isLetIn =
      site === null
        ? (origin === null || isOfThisMachine(origin)) && namedHere.of(headers.get("host") ?? "")
        : site !== "cross-site" || (origin !== null && isOfThisMachine(origin));
    if (isLetIn) return;
    throw new ForbiddenError(
      "pages of other sites, and requests by another name than localhost or an address, are let in only with --auth-enabled or --allow-open",
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

/** `localhost:8086`, or an address, which no page has for a name that it could make lead elsewhere. */
function isNamedHere(host: string): boolean {
  if (host === "") return true;
  if (!URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(`http://${host}`);
  return hostname.startsWith("[") || /^\d+(\.\d+){3}$/.test(hostname) || isLoopback(hostname);
}

const namedHere = new Remembered(isNamedHere);

function isOfThisMachine(origin: string): boolean {
  return URL.canParse(origin) && isLoopback(new URL(origin).hostname.replace(/^\[|\]$/g, ""));
}
