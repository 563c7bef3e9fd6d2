// POST /write, /write/json and /api/v2/write: bytes in, 204 once every point is durable.
//
// v1 keeps what is good beside what is bad (400 with the reasons). v2 refuses a whole batch for one line that cannot be
// read (400), and says 422 when lines could be read but not stored, because its clients drop the batch on both.
import { InputError, NotFoundError } from "../base/errors.ts";
import type { WriteOutcome, WriteTarget } from "../db/stored.ts";
import type { Access } from "../model/users.ts";
import { requireWrite } from "./authentication.ts";
import { optional, platformPrecisionOf, precisionOf, urlQuery } from "./parameters.ts";
import { Remembered } from "./remembered.ts";
import type { Reply } from "./reply.ts";
import type { Writes } from "./writes.ts";

export async function writeLines(
  writes: Writes,
  targets: WriteTargets,
  request: Request,
  reply: Reply,
  access?: Access,
) {
  const target = targets.of(request);
  requireWrite(access, target.database);
  try {
    const outcome = await writes.store(request, "lines", target);
    return answer(outcome, reply);
  } catch (error) {
    // not 404: clients would take it for an unknown database, which they create, and send the points again
    if (error instanceof NotFoundError && error.message.startsWith("retention policy"))
      return reply.error(500, error.message);
    throw error;
  }
}

/** `reply` is a `PlatformReply`. */
export async function writePlatform(
  writes: Writes,
  targets: WriteTargets,
  request: Request,
  reply: Reply,
  access?: Access,
) {
  const target = targets.of(request);
  requireWrite(access, target.database);
  const outcome = await writes.store(request, "lines", target).catch(bucketNotFound);
  const reasons = outcome.errors.join("\n");
  if (outcome.errors.length === 0) return reply.noContent();
  if (!outcome.partial) return reply.error(400, reasons);
  const written = `failure writing points to database: partial write: ${reasons} dropped=${outcome.dropped}`;
  return reply.error(422, written);
}

function bucketNotFound(error: unknown): never {
  if (error instanceof NotFoundError) throw new NotFoundError(`bucket not found: ${error.message}`);
  throw error;
}

export async function writeJson(
  writes: Writes,
  targets: WriteTargets,
  request: Request,
  reply: Reply,
  access?: Access,
) {
  const target = targets.of(request);
  requireWrite(access, target.database);
  const outcome = await writes.store(request, "json", target);
  return answer(outcome, reply);
}

const consistencies = new Set(["", "any", "one", "quorum", "all"]);

/** Whatever is asked for, a point is durable when it is acknowledged. */
function checkConsistency(parameters: URLSearchParams): void {
  if (!consistencies.has((parameters.get("consistency") ?? "").toLowerCase()))
    throw new InputError("invalid consistency level");
}

/** What the parameters of a write say, remembered by their text: clients send the same ones with every write. */
export class WriteTargets {
  readonly #targets: Remembered<WriteTarget>;
  #last: { readonly url: string; readonly target: WriteTarget } | undefined;

  constructor(read: (parameters: URLSearchParams) => WriteTarget = targetOf) {
    this.#targets = new Remembered((text) => read(new URLSearchParams(text)));
  }

  /** Throws `InputError` when the parameters are wrong. */
  of(request: Request): WriteTarget {
    const { url } = request;
    if (this.#last?.url !== url) this.#last = { url, target: this.#targets.of(urlQuery(request)) };
    return this.#last.target;
  }
}

function targetOf(parameters: URLSearchParams): WriteTarget {
  const database = optional(parameters, "db");
  if (database === undefined) throw new InputError("database is required");
  checkConsistency(parameters);
  const target: { -readonly [K in keyof WriteTarget]: WriteTarget[K] } = { database };
  const retentionPolicy = optional(parameters, "rp");
  if (retentionPolicy !== undefined) target.retentionPolicy = retentionPolicy;
  const precision = precisionOf(parameters);
  if (precision !== undefined) target.precision = precision;
  return target;
}

/** `bucket=db` or `bucket=db/rp`; who or what `org` is does not matter here. */
export function platformTargetOf(parameters: URLSearchParams): WriteTarget {
  const bucket = optional(parameters, "bucket");
  if (bucket === undefined) throw new InputError("bucket is required: bucket=DATABASE or DATABASE/POLICY");
  const slash = bucket.indexOf("/");
  const database = slash < 0 ? bucket : bucket.slice(0, slash);
  if (database === "") throw new InputError(`bucket ${JSON.stringify(bucket)} names no database`);
  checkConsistency(parameters);
  const retentionPolicy = slash < 0 ? "" : bucket.slice(slash + 1);
  return { database, retentionPolicy, precision: platformPrecisionOf(parameters), allOrNothing: true };
}

function answer(outcome: WriteOutcome, reply: Reply): Response {
  if (outcome.errors.length === 0) return reply.noContent();
  const reasons = outcome.errors.join("\n");
  return reply.error(400, outcome.partial ? `partial write: ${reasons} dropped=${outcome.dropped}` : reasons);
}
