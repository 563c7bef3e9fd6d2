// Statements with something taken out or replaced: what a claimed difference is checked with.
import type { CallNode, Node, SelectField, SelectStatement, Source, Statement } from "../../src/query/ast.ts";
import { parseQuery } from "../../src/query/parse/parser.ts";
import { printSelect, printStatement } from "../../src/query/print.ts";

/** The SELECTs of a text, outer before inner; none where it has anything else. */
export function selectsOf(text: string): SelectStatement[] {
  const found: SelectStatement[] = [];
  const visit = (statement: SelectStatement) => {
    found.push(statement);
    for (const source of statement.sources) if (source.kind === "subquery") visit(source.statement);
  };
  for (const statement of parsed(text) ?? []) visit(statement);
  return found;
}

/**
 * Every SELECT changed, inner before outer. null: the text has other statements, or there was nothing to change.
 * `hasWindows`: it has them, or takes over those of one around it.
 */
export function withSelects(
  text: string,
  change: (statement: SelectStatement, depth: number, hasWindows: boolean) => SelectStatement,
): string | null {
  const visit = (statement: SelectStatement, depth: number, isInWindows: boolean): SelectStatement => {
    const hasWindows = isInWindows || isWindowed(statement);
    const sources = statement.sources.map(
      (source): Source =>
        source.kind === "subquery"
          ? { ...source, statement: visit(source.statement, depth + 1, hasWindows) }
          : source,
    );
    return change({ ...statement, sources }, depth, hasWindows);
  };
  const statements = parsed(text);
  if (statements === null) return null;
  const before = statements.map(printSelect).join("; ");
  const after = statements.map((statement) => printSelect(visit(statement, 0, false))).join("; ");
  return after === before ? null : after;
}

/** Every node of columns and conditions changed, inner before outer. */
export function withNodes(text: string, change: (node: Node) => Node): string | null {
  return withSelects(text, (statement) => ({
    ...statement,
    fields: statement.fields.map(
      (field): SelectField => ({ ...field, expression: visitNode(field.expression, change) }),
    ),
    condition: statement.condition === null ? null : visitNode(statement.condition, change),
  }));
}

/** Calls of these names replaced by calls of another one with their first argument. */
export const withCall = (text: string, names: RegExp, other: string): string | null =>
  withNodes(text, (node) =>
    node.kind === "call" && names.test(node.name)
      ? { kind: "call", name: other, arguments: node.arguments.slice(0, 1) }
      : node,
  );

/** All nodes of columns and conditions, of every SELECT. */
export function nodesOf(text: string): Node[] {
  const found: Node[] = [];
  withNodes(text, (node) => {
    found.push(node);
    return node;
  });
  return found;
}

export const callsOf = (text: string): CallNode[] =>
  nodesOf(text).filter((node): node is CallNode => node.kind === "call");

export const isWindowed = ({ dimensions }: SelectStatement): boolean =>
  dimensions.some((node) => node.kind === "call" && node.name === "time");

/** The condition of SHOW, DELETE or DROP SERIES; null: there is none. */
export function conditionOf(text: string): Node | null {
  try {
    const [statement] = parseQuery(text);
    return statement !== undefined && "condition" in statement ? statement.condition : null;
  } catch {
    return null;
  }
}

/** SHOW with every node of its condition changed; null: there was nothing to change. */
export function withShown(text: string, change: (node: Node) => Node): string | null {
  const condition = conditionOf(text);
  if (condition === null || !/^\s*show/i.test(text)) return null;
  const [statement] = parseQuery(text);
  const changed = { ...statement!, condition: visitNode(condition, change) } as Statement;
  const [before, after] = [printStatement(statement!), printStatement(changed)];
  return before === after ? null : after;
}

/** All nodes of a tree. */
export function nodesIn(root: Node): Node[] {
  const found: Node[] = [];
  visitNode(root, (node) => {
    found.push(node);
    return node;
  });
  return found;
}

/** A tree with every node changed, inner before outer. */
export function visitNode(node: Node, change: (node: Node) => Node): Node {
  const inner = (each: Node) => visitNode(each, change);
  switch (node.kind) {
    case "call":
      return change({ ...node, arguments: node.arguments.map(inner) });
    case "binary":
      return change({ ...node, left: inner(node.left), right: inner(node.right) });
    case "paren":
      return change({ ...node, inner: inner(node.inner) });
    default:
      return change(node);
  }
}

function parsed(text: string): SelectStatement[] | null {
  try {
    const statements = parseQuery(text);
    return statements.every((statement): statement is SelectStatement => statement.kind === "select")
      ? statements
      : null;
  } catch {
    return null;
  }
}
