// A bind parameter's token becomes the token of its value, so that a value can never change the syntax.
import type { Parameters, ParameterValue } from "../parameters.ts";
import { parseError } from "./errors.ts";
import type { Token, TokenKind } from "./lexer.ts";

export function parameterToken(token: Token, parameters: Parameters): Token {
  if (!Object.hasOwn(parameters, token.text)) throw parseError(`missing parameter: ${token.text}`);
  const literal = literalOf(parameters[token.text]!);
  if (literal === null) throw parseError(`cannot bind the value of parameter ${token.text}`);
  return { ...token, kind: literal[0], text: literal[1], quoted: true };
}

function literalOf(value: ParameterValue): [TokenKind, string] | null {
  if (typeof value !== "object") return scalar(value);
  const [wrapper, inner] = Object.entries(value)[0] ?? ["", null];
  switch (wrapper) {
    case "regex":
    case "identifier":
    case "string":
      return typeof inner === "string" ? [wrapper, inner] : null;
    case "duration":
      if (typeof inner === "string") return ["duration", inner];
      return isWhole(inner) ? ["duration", `${inner}ns`] : null;
    case "float":
      return typeof inner === "number" || typeof inner === "bigint" ? scalar(inner, "number") : null;
    case "integer":
      return isWhole(inner) ? ["integer", String(inner)] : null;
    case "boolean":
      return typeof inner === "boolean" ? scalar(inner) : null;
    default:
      return null;
  }
}

function scalar(
  value: string | number | bigint | boolean,
  numberKind?: TokenKind,
): [TokenKind, string] | null {
  if (typeof value === "string") return ["string", value];
  if (typeof value === "boolean") return ["keyword", value ? "TRUE" : "FALSE"];
  if (typeof value === "bigint") return [numberKind ?? "integer", String(value)];
  if (!Number.isFinite(value)) return null;
  return [numberKind ?? (Number.isSafeInteger(value) ? "integer" : "number"), String(value)];
}

const isWhole = (value: unknown): value is number | bigint =>
  typeof value === "bigint" || Number.isSafeInteger(value);
