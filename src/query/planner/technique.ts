// The arguments of the functions of technical analysis: their rules, and what they become in a plan.
import { assert } from "../../base/assert.ts";
import { InputError } from "../../base/errors.ts";
import type { CallNode } from "../ast.ts";
import { type TechniqueName, techniqueParameters, techniques } from "../functions/technical-analysis.ts";
import { influxType } from "../print.ts";

/** Throws unless the call's arguments after the first make sense. */
export function checkTechnique(node: CallNode, name: TechniqueName): void {
  const { warmups, minimumHold } = techniques[name];
  const most = warmups.length > 0 ? 4 : 3;
  const got = node.arguments.length;
  if (got < 2 || got > most) {
    throw new InputError(
      `invalid number of arguments for ${name}, expected at least 2 but no more than ${most}, got ${got}`,
    );
  }
  const [, period, hold, warmup] = node.arguments;
  if (period?.kind !== "integer") {
    throw new InputError(`${name} period must be an integer, got ${influxType(period!)}`);
  }
  if (period.value < 1n) throw new InputError(`${name} period must be greater than 1, got ${period.value}`);
  if (period.value > MAX_PERIOD) {
    throw new InputError(`${name} period must not be greater than ${MAX_PERIOD}, got ${period.value}`);
  }
  if (hold !== undefined) {
    if (hold.kind !== "integer") {
      throw new InputError(`${name} hold period must be an integer, got ${influxType(hold)}`);
    }
    if (hold.value < BigInt(minimumHold) && hold.value !== -1n) {
      throw new InputError(`${name} hold period must be greater than or equal to ${minimumHold}`);
    }
  }
  if (warmup === undefined) return;
  if (warmup.kind !== "string") {
    throw new InputError(`${name} warmup type must be a string, got ${influxType(warmup)}`);
  }
  if (!(warmups as readonly string[]).includes(warmup.value)) {
    const known = warmups.map((each) => `'${each}'`).join(", ");
    throw new InputError(`${name} warmup type must be one of: ${known}, got ${warmup.value}`);
  }
}

/** Memory grows with the period, and a window is read for each. */
const MAX_PERIOD = 1_000_000n;

/** The call's parameters in a plan (technical-analysis.ts). */
export function planTechnique(node: CallNode, name: TechniqueName): number[] {
  const [, period, hold, warmup] = node.arguments;
  assert(period?.kind === "integer", "arguments were checked");
  const held = hold?.kind === "integer" ? Number(hold.value) : -1;
  return techniqueParameters(
    name,
    Number(period.value),
    held,
    warmup?.kind === "string" ? warmup.value : null,
  );
}
