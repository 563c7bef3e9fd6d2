// The answers that a request can get, with the headers that every answer carries.
//
// Errors are always JSON `{"error": "..."}`: Telegraf retries a 4xx for ever when its body is anything else.
import {
  BodyTooLargeError,
  ForbiddenError,
  InputError,
  NotFoundError,
  OverloadedError,
  SerieError,
  UnauthorizedError,
} from "../base/errors.ts";

/** What clients of InfluxDB 1.x look at to choose what they may send. */
export const INFLUXDB_VERSION = "1.8.10-serie";
const INFLUXDB_BUILD = "OSS";

/** HTTP status of an error thrown on purpose; anything else is our bug (500). */
function statusOf(error: unknown): number {
  if (error instanceof BodyTooLargeError) return 413;
  if (error instanceof InputError) return 400;
  if (error instanceof UnauthorizedError) return 401;
  if (error instanceof ForbiddenError) return 403;
  if (error instanceof NotFoundError) return 404;
  if (error instanceof OverloadedError) return 503;
  if (error instanceof SerieError && error.code === "closed") return 503;
  return 500;
}

/** A failure in another form than JSON: how its message is written. */
export interface FailureForm {
  readonly contentType: string;
  readonly body: (message: string) => string | Uint8Array;
}

/** By content type: to copy headers takes half the time of making them out of an object. */
const common = new Map<string, Headers>();

/** What all answers of a type have, "" = without one. */
function commonHeaders(contentType: string): Headers {
  let headers = common.get(contentType);
  if (headers === undefined) {
    headers = new Headers({ "X-Influxdb-Version": INFLUXDB_VERSION, "X-Influxdb-Build": INFLUXDB_BUILD });
    if (contentType !== "") headers.set("Content-Type", contentType);
    common.set(contentType, headers);
  }
  return headers;
}

function setAll(headers: Headers, more: Readonly<Record<string, string>>): void {
  for (const name in more) headers.set(name, more[name]!);
}

export type OnFailure = (error: unknown, status: number, requestId: string) => void;

/** One request's answer: made when the request arrives, used once. */
export class Reply {
  readonly id: string;
  readonly #forPages: Record<string, string> | null;
  readonly #onFailure: OnFailure;

  /**
   * `id` comes from the client (`X-Request-Id`, `Request-Id`) or is `ownId`; `forPages`: headers that browsers ask for;
   * `onFailure` hears of each exception that becomes an answer.
   */
  constructor(
    request: Request,
    ownId: string,
    forPages: Record<string, string> | null,
    onFailure: OnFailure,
  ) {
    this.#forPages = forPages;
    this.#onFailure = onFailure;
    this.id = request.headers.get("x-request-id") || request.headers.get("request-id") || ownId;
  }

  /** 204; `more`: further headers. */
  noContent(more?: Record<string, string>): Response {
    return new Response(null, { status: 204, headers: this.#headers("", more) });
  }

  json(status: number, text: string): Response {
    return this.body(status, "application/json", text);
  }

  /** `more`: further headers. */
  body(
    status: number,
    contentType: string,
    body: string | Uint8Array | ReadableStream<Uint8Array>,
    more?: Record<string, string>,
  ): Response {
    const headers = this.#headers(contentType, more);
    const vary = this.#forPages?.["Vary"];
    if (vary !== undefined && more?.["Vary"] !== undefined) headers.set("Vary", `${vary}, ${more["Vary"]}`);
    return new Response(body as string, { status, headers });
  }

  /** `more`: further headers. */
  error(status: number, message: string, more?: Record<string, string>, form?: FailureForm): Response {
    const headers = this.#headers(form?.contentType ?? "application/json", more);
    headers.set("X-Influxdb-Error", headerText(message));
    const body = form ? form.body(message) : `${JSON.stringify(this.errorBody(status, message))}\n`;
    return new Response(body as string, { status, headers });
  }

  /** The answer to an exception. */
  failure(error: unknown, form?: FailureForm): Response {
    const message = error instanceof Error ? error.message : String(error);
    const more: Record<string, string> = {};
    if (error instanceof OverloadedError) more["Retry-After"] = String(Math.ceil(error.retryAfterS));
    if (error instanceof UnauthorizedError) more["WWW-Authenticate"] = 'Basic realm="InfluxDB"';
    const status = statusOf(error);
    this.#onFailure(error, status, this.id);
    return this.error(status, message, more, form);
  }

  protected errorBody(_status: number, message: string): object {
    return { error: message };
  }

  #headers(contentType: string, more?: Record<string, string>): Headers {
    const headers = new Headers(commonHeaders(contentType));
    headers.set("Request-Id", this.id);
    headers.set("X-Request-Id", this.id);
    if (this.#forPages !== null) setAll(headers, this.#forPages);
    if (more !== undefined) setAll(headers, more);
    return headers;
  }
}

const platformCodes: Readonly<Record<number, string>> = {
  400: "invalid",
  401: "unauthorized",
  403: "forbidden",
  404: "not found",
  405: "method not allowed",
  413: "request too large",
  422: "unprocessable entity",
  501: "not implemented",
  503: "unavailable",
};

/** Answers of InfluxDB 2's API: errors are `{code, message}`, the code in the header `X-Platform-Error-Code` as well. */
export class PlatformReply extends Reply {
  override error(status: number, message: string, more?: Record<string, string>): Response {
    return super.error(status, message, { "X-Platform-Error-Code": platformCode(status), ...more });
  }

  protected override errorBody(status: number, message: string): object {
    return { code: platformCode(status), message };
  }
}

function platformCode(status: number): string {
  return platformCodes[status] ?? "internal error";
}

/** Header values are one line of printable ASCII; a message may be anything. */
function headerText(message: string): string {
  return message.slice(0, 500).replace(/[^\x20-\x7e]+/g, " ");
}
