// `_name` in the condition of SELECT: the measurement, as in SHOW, where there is no field or tag of that name.
import { RegexCache } from "../../model/regex.ts";
import type { Node } from "../ast.ts";
import type { Schema } from "./schema.ts";

/** The condition with what it asks of the name worked out. */
export function withMeasurementName(node: Node, schema: Schema, measurement: string): Node {
  if (schema.fields.has("_name") || schema.tags.has("_name")) return node;
  const inside = (each: Node) => withMeasurementName(each, schema, measurement);
  if (node.kind === "paren") return { ...node, inner: inside(node.inner) };
  if (node.kind !== "binary") return node;
  const { operator, left, right } = node;
  if (operator === "and" || operator === "or") return { ...node, left: inside(left), right: inside(right) };
  const other = isName(left) ? right : isName(right) ? left : null;
  if (other?.kind === "string" && (operator === "=" || operator === "!="))
    return { kind: "boolean", value: (other.value === measurement) === (operator === "=") };
  if (other?.kind === "regex" && (operator === "=~" || operator === "!~"))
    return {
      kind: "boolean",
      value: new RegexCache().get(other.pattern).test(measurement) === (operator === "=~"),
    };
  return node;
}

const isName = (node: Node): boolean => node.kind === "reference" && node.name === "_name";
