// Names of columns, as InfluxDB gives them: the alias, else the names in the expression joined by `_`, and `_1`,
// `_2` ... after a name that is taken. Aliases are handed out before all other names.
import type { Node, SelectStatement } from "../ast.ts";
import { isConstant } from "./check.ts";
import { isTimeName, type Schema } from "./schema.ts";

/** "" for an expression without names. */
export function nameOf(node: Node): string {
  return node.kind === "binary" || node.kind === "paren" ? namesIn(node).join("_") : (namesIn(node)[0] ?? "");
}

function namesIn(node: Node): string[] {
  if (isConstant(node)) return [];
  switch (node.kind) {
    case "call":
    case "reference":
      return [node.name];
    case "distinct":
      return ["distinct"];
    case "paren":
      return namesIn(node.inner);
    case "binary":
      return [...namesIn(node.left), ...namesIn(node.right)];
    default:
      return [];
  }
}

export interface Named {
  readonly expression: Node;
  readonly alias: string | null;
  /** Stands beside top() or bottom() as one of its tags. */
  readonly isOfRank?: true;
}

/** Time is always the first column: naming it among the fields only says how that column is called. `inParentheses`: there, too. */
export function takeTime(
  statement: SelectStatement,
  schema: Schema,
  inParentheses = true,
): { readonly timeName: string; readonly timeColumns: readonly string[]; readonly fields: Named[] } {
  let timeName = "time";
  const timeColumns: string[] = [];
  const fields = statement.fields.filter(({ expression: written, alias }) => {
    const expression = inParentheses && written.kind === "paren" ? written.inner : written;
    // (a cast leaves `time` what it is; `ts` with one may be a field that is not there)
    const isTime =
      expression.kind === "reference" &&
      (expression.cast === null || expression.name === "time") &&
      isTimeName(schema, expression.name);
    if (isTime) {
      timeName = alias ?? expression.name;
      timeColumns.push(timeName);
    }
    return !isTime;
  });
  return { timeName, timeColumns, fields };
}

/** Whether `*` around a subquery leaves a column out: one that got a number, as its name was taken, and a tag beside top() or bottom() that is no column as well. */
export function isUnlisted(column: Named, name: string, all: readonly Named[]): boolean {
  const isOfName = (other: Named) =>
    !other.isOfRank && other.alias === null && nameOf(other.expression) === name;
  if (column.isOfRank) return !all.some(isOfName);
  return name !== (column.alias ?? nameOf(column.expression));
}

/** As `nameColumns`, of a subquery: the statement around it reads by the names that are written, and of one name the first. */
export function nameColumnsInside(columns: readonly Named[]): string[] {
  const written = columns.map(({ expression, alias }) => alias ?? nameOf(expression));
  const taken = new Set(written);
  return written.map((base, index) => {
    if (written.indexOf(base) === index) return base;
    let count = 1;
    while (taken.has(`${base}_${count}`)) count++;
    taken.add(`${base}_${count}`);
    return `${base}_${count}`;
  });
}

/** Distinct names of the columns after the time; those that are written as tags (`isTag`) keep their own, and take none. */
export function nameColumns(columns: readonly Named[], isTag: (column: Named) => boolean): string[] {
  const taken = new Map<string, number>();
  for (const { alias } of columns) if (alias !== null) taken.set(alias, 1);
  return columns.map((column) => {
    const { expression, alias } = column;
    if (alias !== null) return alias;
    const base = nameOf(expression);
    if (isTag(column)) return base;
    let count = taken.get(base);
    let name = base;
    if (count !== undefined) {
      while (taken.has(`${base}_${count}`)) count++;
      taken.set(base, count + 1);
      name = `${base}_${count}`;
    }
    taken.set(name, (taken.get(name) ?? 0) + 1);
    return name;
  });
}
