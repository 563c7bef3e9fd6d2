// SHOW MEASUREMENTS WHERE: a condition on tags chooses measurements, as InfluxDB's index does.
//
// `tag = 'x'` chooses those that have the tag with that value, `tag != 'x'` those that have the tag, but nowhere that value.
// AND and OR intersect and unite what their sides choose.
import { InputError } from "../base/errors.ts";
import { RegexCache } from "../model/regex.ts";
import type { Metadata } from "../model/scan.ts";
import type { BinaryNode, Node } from "./ast.ts";
import { printNode } from "./print.ts";

/** Sorted names of a database's measurements; null: all of them. */
export async function measurementsWhere(
  database: string,
  condition: Node | null,
  source: Metadata,
): Promise<string[]> {
  const all = await source.measurements(database, null);
  if (condition === null) return all;
  const chosen = await choose(condition, database, all, source);
  return all.filter((name) => chosen.has(name));
}

async function choose(
  node: Node,
  database: string,
  all: readonly string[],
  source: Metadata,
): Promise<ReadonlySet<string>> {
  if (node.kind === "paren") return choose(node.inner, database, all, source);
  if (node.kind !== "binary") throw new InputError(`invalid condition expression: ${printNode(node)}`);
  if (node.operator === "and" || node.operator === "or") {
    const left = await choose(node.left, database, all, source);
    const right = await choose(node.right, database, all, source);
    return node.operator === "and" ? left.intersection(right) : left.union(right);
  }
  const { tag, matches, negated } = comparisonOf(node);
  if (tag === "_name") return new Set(all.filter((name) => matches(name) !== negated));
  const chosen = new Set<string>();
  for (const name of all) {
    let [hasValues, isFound] = [false, false];
    for await (const values of source.tagValues(database, name, tag, null)) {
      hasValues ||= values.length > 0;
      isFound ||= values.some(matches);
      if (isFound) break;
    }
    if (hasValues && isFound !== negated) chosen.add(name);
  }
  return chosen;
}

function comparisonOf({ operator, left, right }: BinaryNode) {
  if (!["=", "!=", "=~", "!~"].includes(operator)) throw new InputError("invalid tag comparison operator");
  if (left.kind !== "reference") throw new InputError(`left side of '${operator}' must be a tag key`);
  const negated = operator.startsWith("!");
  if (right.kind === "regex") {
    const regex = new RegexCache().get(right.pattern);
    return { tag: left.name, matches: (value: string) => regex.test(value), negated };
  }
  if (right.kind !== "string") throw new InputError(`right side of '${operator}' must be a tag value string`);
  return { tag: left.name, matches: (value: string) => value === right.value, negated };
}
