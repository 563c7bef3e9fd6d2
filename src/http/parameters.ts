// What a request says outside its body: parameters of the URL, of which an empty one counts as absent.
import { InputError } from "../base/errors.ts";
import { type TimeUnit, unitNs } from "../model/types.ts";

/** What stands behind the `?`; "" where there is none. */
export function urlQuery({ url }: Request): string {
  const start = url.indexOf("?");
  return start < 0 ? "" : url.slice(start + 1);
}

/** Parameters of the URL; the URL is not parsed beyond its `?`. */
export function urlParameters(request: Request): URLSearchParams {
  return new URLSearchParams(urlQuery(request));
}

/** Clients send `rp=`, `epoch=` and `precision=` when they mean none. */
export function optional(parameters: URLSearchParams, name: string): string | undefined {
  return parameters.get(name) || undefined;
}

/** `precision=` of a write. Throws `InputError` on an unknown one. */
export function precisionOf(parameters: URLSearchParams): TimeUnit | undefined {
  const text = optional(parameters, "precision");
  if (text === undefined || isUnit(text)) return text;
  throw new InputError(`invalid precision ${JSON.stringify(text)} (use n, u, ms, s, m or h)`);
}

/** `precision=` of InfluxDB 2's API, which has fewer units. Throws `InputError` on an unknown one. */
export function platformPrecisionOf(parameters: URLSearchParams): TimeUnit {
  const text = optional(parameters, "precision") ?? "ns";
  if (text === "ns" || text === "us" || text === "ms" || text === "s") return text;
  throw new InputError(`invalid precision ${JSON.stringify(text)}: use ns, us, ms or s`);
}

/** `epoch=` of a query: null = RFC 3339. An unknown unit is ns, as in InfluxDB. */
export function epochOf(parameters: URLSearchParams): TimeUnit | null {
  const text = optional(parameters, "epoch");
  if (text === undefined) return null;
  return isUnit(text) ? text : "ns";
}

function isUnit(text: string): text is TimeUnit {
  return Object.hasOwn(unitNs, text);
}
