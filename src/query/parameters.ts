// Bind parameters: values that `$name` in a statement stands for, never text that is pasted into it.
import { InputError } from "../base/errors.ts";

/** Scalars are themselves; `{ regex }`, `{ identifier }`, `{ duration }` say what a string means. */
export type ParameterValue =
  | string
  | number
  | bigint
  | boolean
  | { readonly regex: string }
  | { readonly identifier: string }
  /** As written (`1h30m`) or in ns. */
  | { readonly duration: string | number | bigint }
  /** As numbers, when a whole number must count as float or the reverse. */
  | { readonly float: number }
  | { readonly integer: number | bigint }
  | { readonly string: string }
  | { readonly boolean: boolean };

export type Parameters = Readonly<Record<string, ParameterValue>>;

/**
 * The JSON object of `params=`; numbers without a fraction become integers, exact over all of int64. A value that can stand for
 * nothing is an error only of the statement that uses it.
 */
export function parseParameters(json: string): Parameters {
  if (json.trim() === "") return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(json, exactIntegers);
  } catch (error) {
    throw new InputError(`error parsing query parameters: ${error instanceof Error ? error.message : error}`);
  }
  if (parsed === null) return {};
  if (typeof parsed !== "object" || Array.isArray(parsed)) {
    throw new InputError('error parsing query parameters: expected an object such as {"name":"value"}');
  }
  return parsed as Parameters;
}

function exactIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || context?.source === undefined) return value;
  return /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
}
