// The arguments of holt_winters() and holt_winters_with_fit(): their rules, and what they become in a plan.
import { assert } from "../../base/assert.ts";
import { InputError } from "../../base/errors.ts";
import type { CallNode } from "../ast.ts";
import type { Window } from "../plan.ts";

export function isForecastName(name: string): boolean {
  return name === "holt_winters" || name === "holt_winters_with_fit";
}

/** Predicted values, and values of a season, at most: each costs memory and time. */
const MOST = 100_000n;

/** Throws unless it is a call of windows with two integers that make sense. */
export function checkForecast(node: CallNode): void {
  const { name } = node;
  const got = node.arguments.length;
  if (got !== 3) throw new InputError(`invalid number of arguments for ${name}, expected 3, got ${got}`);
  const [argument, horizon, season] = node.arguments;
  if (horizon?.kind !== "integer") {
    throw new InputError(`expected integer argument as second arg in ${name}`);
  }
  if (horizon.value <= 0n) {
    throw new InputError(`second arg to ${name} must be greater than 0, got ${horizon.value}`);
  }
  if (season?.kind !== "integer") throw new InputError(`expected integer argument as third arg in ${name}`);
  if (season.value < 0n) {
    throw new InputError(`third arg to ${name} cannot be negative, got ${season.value}`);
  }
  if (horizon.value > MOST || season.value > MOST) {
    throw new InputError(`${name} predicts at most ${MOST} values, with a season of as many`);
  }
  if (argument?.kind !== "call" && argument?.kind !== "distinct") {
    throw new InputError(`must use aggregate function with ${name}`);
  }
}

/** Values to predict, values of a season, ns of a window. */
export function planForecast(node: CallNode, window: Window | null): number[] {
  const [, horizon, season] = node.arguments;
  assert(horizon?.kind === "integer" && season?.kind === "integer" && window !== null, "it was checked");
  if (window.everyMonths > 0) {
    throw new InputError(`${node.name} needs windows of one length: GROUP BY time() with d or w, not months`);
  }
  return [Number(horizon.value), Number(season.value), Number(window.everyNs)];
}
