// HAVING: a condition over rows of the answer. Its names are columns and tags of GROUP BY; an aggregate that no column
// shows becomes a column that only the condition reads.
//
//   SELECT mean(v) AS m ... HAVING m > 90 AND count(v) > 3      columns: m | count(v)      condition: m > 90 AND "count(v)" > 3
import { InputError } from "../../base/errors.ts";
import { isMathName } from "../../model/mathematics.ts";
import { FieldType } from "../../model/types.ts";
import type { CallNode, Node } from "../ast.ts";
import { fixedLength } from "../duration.ts";
import type { Having, PlannedColumn } from "../plan.ts";
import { printNode, quoteName } from "../print.ts";
import { isWildcard, resolveCondition } from "./condition.ts";
import type { Named } from "./naming.ts";
import { errorAt } from "./place.ts";

/** The aggregates of a condition, each once, as written. */
export function havingCalls(condition: Node): CallNode[] {
  const calls = new Map<string, CallNode>();
  const visit = (node: Node): Node => {
    if (node.kind === "call" && !isMathName(node.name)) {
      const inner = node.arguments[0];
      if (inner?.kind === "wildcard" || inner?.kind === "regex")
        throw errorAt(node.place, `${printNode(node)} in HAVING is more than one value: name the field`);
      calls.set(printNode(node), node);
      return node;
    }
    return withChildren(node, visit);
  };
  visit(condition);
  return [...calls.values()];
}

/** Columns that the condition needs beside those that are shown, named apart from them. */
export function hiddenColumns(condition: Node, shown: readonly Named[], names: readonly string[]): Named[] {
  const texts = new Set(shown.map(({ expression }) => printNode(expression)));
  const taken = new Set(names);
  return havingCalls(condition)
    .filter((call) => !texts.has(printNode(call)))
    .map((expression) => {
      let alias = printNode(expression);
      while (taken.has(alias)) alias = `${alias}_`;
      return { expression, alias };
    });
}

/** `columns`: the shown ones, then the hidden ones, as `written`; `dimensions`: tags of GROUP BY. */
export function planHaving(
  condition: Node,
  written: readonly Named[],
  columns: readonly PlannedColumn[],
  shown: number,
  dimensions: readonly string[],
): Having {
  const fields = new Map<string, FieldType>();
  for (const { name, type } of columns) {
    // A column that nothing has a value for compares with nothing, whatever its type.
    if (!fields.has(name))
      fields.set(
        name,
        type === "tag" ? FieldType.String : type === "time" ? FieldType.Integer : (type ?? FieldType.Float),
      );
  }
  const tags = new Set(dimensions);
  const byText = new Map(
    written.map(({ expression }, index) => [printNode(expression), columns[index]!.name]),
  );
  const toColumns = (node: Node): Node => {
    if (node.kind === "call" && !isMathName(node.name))
      return { kind: "reference", name: byText.get(printNode(node))!, cast: null };
    if (isWildcard(node)) throw new InputError(`invalid condition expression: ${printNode(node)}`);
    // (times between points are columns like others)
    if (node.kind === "duration") return { kind: "integer", value: fixedLength(node) };
    if (node.kind !== "reference") return withChildren(node, toColumns);
    if (fields.has(node.name) || tags.has(node.name)) return node;
    if (node.name.toLowerCase() === "time")
      throw errorAt(node.place, "HAVING does not compare time: WHERE does");
    throw errorAt(
      node.place,
      `HAVING knows no ${quoteName(node.name)}: it reads columns of the answer, tags of GROUP BY and aggregates`,
    );
  };
  return {
    condition: resolveCondition(toColumns(condition), { fields, tags }),
    hidden: columns.slice(shown),
  };
}

function withChildren(node: Node, map: (child: Node) => Node): Node {
  switch (node.kind) {
    case "paren":
      return { ...node, inner: map(node.inner) };
    case "binary":
      return { ...node, left: map(node.left), right: map(node.right) };
    case "call":
      return { ...node, arguments: node.arguments.map(map) };
    default:
      return node;
  }
}
