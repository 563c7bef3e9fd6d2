// A bind parameter's token becomes the token of its value, so that a value can never change the syntax.
import type { Parameters, ParameterValue } from "../parameters.ts";
import { parseError } from "./errors.ts";
import type { Token, TokenKind } from "./lexer.ts";

export function parameterToken(token: Token, parameters: Parameters): Token {
  if (!Object.hasOwn(parameters, token.text)) throw missing(token.text);
  const [kind, text] = literalOf(parameters[token.text]!);
  return { ...token, kind, text, quoted: true };
}

/** influxd says so also of parameters that are there and cannot be bound. */
const missing = (reason: string) => parseError(`missing parameter: ${reason}`);

/** `value` is what the client sent, which may be no `ParameterValue`. */
function literalOf(value: ParameterValue | null): [TokenKind, string] {
  if (value === null) throw missing("unable to bind parameter with type <nil>");
  if (Array.isArray(value)) throw missing("unable to bind parameter with type []interface {}");
  if (typeof value !== "object") return scalar(value);
  const entries = Object.entries(value);
  if (entries.length !== 1) throw missing("bound object parameter value must have exactly one entry");
  const [wrapper, inner] = entries[0]!;
  switch (wrapper) {
    case "regex":
    case "identifier":
    case "string":
      if (typeof inner === "string") return [wrapper, inner];
      throw missing(`${wrapper}${wrapper === "identifier" ? "" : " literal"} must be a string value`);
    case "duration":
      if (typeof inner === "string") return ["duration", inner];
      if (isWhole(inner)) return ["duration", `${inner}ns`];
      throw missing("duration literal must be a string or integer value");
    case "float":
      if (typeof inner === "number" || typeof inner === "bigint") return scalar(inner, "number");
      throw missing("number literal must be a float value");
    case "integer":
      if (isWhole(inner)) return ["integer", String(inner)];
      throw missing("integer literal must be an integer value");
    case "boolean":
      if (typeof inner === "boolean") return scalar(inner);
      throw missing("boolean literal must be a boolean value");
    default:
      throw missing(`unknown bind object type: ${wrapper}`);
  }
}

function scalar(value: string | number | bigint | boolean, numberKind?: TokenKind): [TokenKind, string] {
  if (typeof value === "string") return ["string", value];
  if (typeof value === "boolean") return ["keyword", value ? "TRUE" : "FALSE"];
  if (typeof value === "bigint") return [numberKind ?? "integer", String(value)];
  if (!Number.isFinite(value)) throw missing(`unable to bind ${value}`);
  return [numberKind ?? (Number.isSafeInteger(value) ? "integer" : "number"), String(value)];
}

const isWhole = (value: unknown): value is number | bigint =>
  typeof value === "bigint" || Number.isSafeInteger(value);
