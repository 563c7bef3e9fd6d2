// POST /write and POST /write/json: bytes in, 204 once every point is durable.
import { InputError } from "../base/errors.ts";
import type { WriteOutcome, WriteTarget } from "../db/database.ts";
import type { Backend } from "./backend.ts";
import type { Bodies } from "./body.ts";
import { optional, precisionOf, urlParameters } from "./parameters.ts";
import type { Reply } from "./reply.ts";

export async function writeLines(
  db: Backend,
  bodies: Bodies,
  targets: WriteTargets,
  request: Request,
  reply: Reply,
) {
  const target = targets.of(request);
  const outcome = await bodies.with(request, (bytes) => db.writeLines(bytes, target));
  return answer(outcome, reply);
}

export async function writeJson(
  db: Backend,
  bodies: Bodies,
  targets: WriteTargets,
  request: Request,
  reply: Reply,
) {
  const target = targets.of(request);
  const outcome = await bodies.with(request, (bytes) => db.writeJson(bytes, target));
  return answer(outcome, reply);
}

const consistencies = new Set(["", "any", "one", "quorum", "all"]);

/** What the parameters of a write say, remembered by their text: clients send the same ones with every write. */
export class WriteTargets {
  readonly #known = new Map<string, WriteTarget>();

  /** Throws `InputError` when the parameters are wrong. */
  of(request: Request): WriteTarget {
    const text = request.url.slice(request.url.indexOf("?") + 1);
    let target = this.#known.get(text);
    if (target === undefined) {
      target = targetOf(urlParameters(request));
      if (this.#known.size >= MOST_TARGETS) this.#known.clear();
      this.#known.set(text, target);
    }
    return target;
  }
}

const MOST_TARGETS = 100;

function targetOf(parameters: URLSearchParams): WriteTarget {
  const database = optional(parameters, "db");
  if (database === undefined) throw new InputError("database is required");
  if (!consistencies.has(parameters.get("consistency") ?? ""))
    throw new InputError("invalid consistency level");
  const target: { -readonly [K in keyof WriteTarget]: WriteTarget[K] } = { database };
  const retentionPolicy = optional(parameters, "rp");
  if (retentionPolicy !== undefined) target.retentionPolicy = retentionPolicy;
  const precision = precisionOf(parameters);
  if (precision !== undefined) target.precision = precision;
  return target;
}

function answer(outcome: WriteOutcome, reply: Reply): Response {
  if (outcome.errors.length === 0) return reply.noContent();
  const reasons = outcome.errors.join("\n");
  return reply.error(400, outcome.partial ? `partial write: ${reasons} dropped=${outcome.dropped}` : reasons);
}
