// Literals among operators and functions of numbers in the columns of SELECT, worked out: `top(f, 1 + 1)` is `top(f, 2)`.
//
// As InfluxDB does before it looks at columns, so that messages and types are those of what is left. Times are no literals.
import { isMathName, keepsType, mathematics, operandCount } from "../../model/mathematics.ts";
import type { BinaryNode, CallNode, Node, SelectStatement, Source } from "../ast.ts";
import { quantityOf } from "./instants.ts";

/** The statement, and those inside of it, with their columns worked out. */
export function withReducedFields(statement: SelectStatement): SelectStatement {
  const fields = statement.fields.map((field) => ({ ...field, expression: column(field.expression) }));
  return { ...statement, fields, sources: statement.sources.map(withReducedSource) };
}

/** (Time in parentheses counts as a name where calls are looked at, and so keeps them.) */
function column(node: Node): Node {
  const expression = reduced(node);
  const isTime = expression.kind === "reference" && expression.name === "time";
  return isTime && node.kind === "paren" ? { kind: "paren", inner: expression } : expression;
}

function withReducedSource<S extends Source>(source: S): S {
  if (source.kind === "subquery") return { ...source, statement: withReducedFields(source.statement) };
  if (source.kind !== "join") return source;
  return {
    ...source,
    sides: source.sides.map((side) => ({ ...side, source: withReducedSource(side.source) })),
  };
}

function reduced(node: Node): Node {
  switch (node.kind) {
    case "paren": {
      const inner = reduced(node.inner);
      return inner.kind === "binary" ? { ...node, inner } : inner;
    }
    case "call": {
      const call = { ...node, arguments: node.arguments.map(reduced) };
      return numberOf(call) ?? call;
    }
    case "binary": {
      const binary = { ...node, left: reduced(node.left), right: reduced(node.right) };
      if (binary.left.kind === "boolean" && binary.right.kind === "boolean")
        return booleanOf(binary, binary.left.value, binary.right.value);
      return isLiteral(binary.left) && isLiteral(binary.right) ? (literalOf(binary) ?? binary) : binary;
    }
    default:
      return node;
  }
}

const isLiteral = ({ kind }: Node): boolean =>
  kind === "integer" || kind === "number" || kind === "duration" || kind === "string";

/** Bits of booleans; the node itself where it is another operator. */
function booleanOf(node: BinaryNode, left: boolean, right: boolean): Node {
  switch (node.operator) {
    case "&":
      return { kind: "boolean", value: left && right };
    case "|":
      return { kind: "boolean", value: left || right };
    case "^":
      return { kind: "boolean", value: left !== right };
    default:
      return node;
  }
}

/** null: the operator does not fit, or gives a time. */
function literalOf(node: Node): Node | null {
  const quantity = quantityOf(node, { nowNs: 0n, timezone: null });
  switch (quantity.kind) {
    case "integer":
      return { kind: "integer", value: quantity.ns };
    case "number":
    case "duration":
      return quantity;
    case "text":
      return { kind: "string", value: quantity.text };
    default:
      return null;
  }
}

/** A function of numbers over numbers; null: it is another call. */
function numberOf({ name, arguments: operands }: CallNode): Node | null {
  if (!isMathName(name) || operands.length !== operandCount(name)) return null;
  const values = operands.map((each) =>
    each.kind === "number" || each.kind === "integer" ? Number(each.value) : null,
  );
  if (values.includes(null)) return null;
  const [first] = operands;
  const value = mathematics(name)(values[0]!, values[1] ?? 0);
  if (first?.kind === "integer" && keepsType(name))
    return { kind: "integer", value: name === "abs" && first.value < 0n ? -first.value : first.value };
  return { kind: "number", value };
}
