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

const wrappers = ["regex", "identifier", "duration", "float", "integer", "string", "boolean"] as const;

/** The JSON object of `params=`; numbers without a fraction become integers, exact over all of int64. */
export function parseParameters(json: string): Parameters {
  if (json.trim() === "") return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(json, exactIntegers);
  } catch (error) {
    throw new InputError(`error parsing query parameters: ${error instanceof Error ? error.message : error}`);
  }
  if (parsed === null || typeof parsed !== "object" || Array.isArray(parsed)) {
    throw new InputError('error parsing query parameters: expected an object such as {"name":"value"}');
  }
  const parameters: Record<string, ParameterValue> = Object.create(null);
  for (const [name, value] of Object.entries(parsed)) {
    if (!isParameterValue(value)) {
      throw new InputError(`error parsing query parameters: cannot bind the value of "${name}"`);
    }
    parameters[name] = value;
  }
  return parameters;
}

function exactIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || context?.source === undefined) return value;
  return /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
}

function isParameterValue(value: unknown): value is ParameterValue {
  if (value === null || value === undefined) return false;
  if (typeof value !== "object") return true;
  const entries = Object.entries(value);
  const wrapper = entries[0];
  return (
    entries.length === 1 &&
    wrapper !== undefined &&
    (wrappers as readonly string[]).includes(wrapper[0]) &&
    wrapper[1] !== null &&
    typeof wrapper[1] !== "object"
  );
}
