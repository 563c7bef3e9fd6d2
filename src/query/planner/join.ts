// JOIN in FROM as one source: each side is a subquery that groups by the keys; a measurement is SELECT of what is read of it.
import { FieldType } from "../../model/types.ts";
import type { JoinedSource, JoinSource, Node, SelectField, SelectStatement } from "../ast.ts";
import type { DerivedSource, JoinSide } from "../plan.ts";
import { quoteName } from "../print.ts";
import { errorAt } from "./place.ts";
import { type PlannedSource, type Schema, unite } from "./schema.ts";
import { type PlanSubquery, subquerySources } from "./sources.ts";

/** `read`: what the statement reads, for which fields of a measurement have to be scanned. */
export async function planJoin(
  { sides, keys }: JoinSource,
  read: readonly Node[],
  planSubquery: PlanSubquery,
): Promise<PlannedSource> {
  const planned: JoinSide[] = [];
  const fields = new Map<string, FieldType>();
  const tagColumns = new Set<string>();
  for (const side of sides) {
    const parts = await planSide(side, keys, read, planSubquery);
    const schema = unite(parts);
    const { alias, type } = side;
    const isKey = (name: string) => keys.includes(name) && schema.tagColumns?.has(name);
    const columns = [...schema.fields]
      .filter(([name]) => !isKey(name))
      .map(([name, type]) => ({ name, type }));
    for (const name of schema.tags) if (!keys.includes(name)) columns.push({ name, type: FieldType.String });
    for (const { name, type } of columns) fields.set(`${alias}.${name}`, type);
    for (const name of [...(schema.tagColumns ?? []), ...schema.tags])
      if (!keys.includes(name)) tagColumns.add(`${alias}.${name}`);
    const source: DerivedSource = {
      kind: "derived",
      name: alias,
      parts: parts.map(({ rows }) => ({ rows, where: null })),
      tagColumns: [...(schema.tagColumns ?? [])],
    };
    planned.push({ type, alias, source, columns });
  }
  return {
    name: sides.map(({ alias }) => alias).join("_"),
    rows: { kind: "join", sides: planned, keys },
    fields,
    tags: new Set(keys),
    tagColumns,
    sides: sides.map(({ alias }) => alias),
  };
}

/** Rows of a join have the tags of USING alone: grouped by another they would silently be one group. */
export function checkGroups(dimensions: readonly Node[], { sides, tags }: Schema): void {
  if (sides === undefined) return;
  for (const node of dimensions)
    if (node.kind === "reference" && !tags.has(node.name))
      throw errorAt(
        node.place,
        `GROUP BY ${quoteName(node.name)}: a join is grouped by the tags that USING names${tags.size === 0 ? "" : ` (${[...tags].join(", ")})`}`,
      );
}

async function planSide(
  { source, alias }: JoinedSource,
  keys: readonly string[],
  read: readonly Node[],
  planSubquery: PlanSubquery,
): Promise<PlannedSource[]> {
  if (source.kind === "subquery") return subquerySources(await planSubquery(source.statement, keys));
  const everything: SelectField[] = [{ expression: { kind: "wildcard", only: null }, alias: null }];
  const names = namesRead(read, `${alias}.`);
  const fields = names?.map(
    (name): SelectField => ({ expression: { kind: "reference", name, cast: null }, alias: null }),
  );
  const statement: SelectStatement = {
    kind: "select",
    fields: fields ?? everything,
    into: null,
    sources: [source],
    condition: null,
    dimensions: [],
    fill: null,
    having: null,
    descending: false,
    limit: 0,
    offset: 0,
    seriesLimit: 0,
    seriesOffset: 0,
    timezone: null,
  };
  const planned = subquerySources(await planSubquery(statement, keys));
  if (planned.length > 0 || names === undefined) return planned;
  // of tags alone there are no rows: those of any field then
  const whole = subquerySources(await planSubquery({ ...statement, fields: everything }, keys));
  const { tags, tagColumns } = unite(whole);
  return names.every((name) => tags.has(name) || tagColumns?.has(name)) ? whole : planned;
}

/** Names with a prefix, without it; undefined when all may be read, or none is. */
function namesRead(read: readonly Node[], prefix: string): string[] | undefined {
  const names = new Set<string>();
  let readsAll = false;
  const visit = (node: Node): void => {
    switch (node.kind) {
      case "wildcard":
      case "regex":
        readsAll = true;
        return;
      case "reference":
      case "distinct":
        if (node.name.startsWith(prefix)) names.add(node.name.slice(prefix.length));
        return;
      case "call":
        for (const argument of node.arguments) visit(argument);
        return;
      case "paren":
        visit(node.inner);
        return;
      case "binary":
        visit(node.left);
        // a pattern that a value is matched with names nothing
        if (node.right.kind !== "regex") visit(node.right);
    }
  };
  for (const node of read) visit(node);
  return readsAll || names.size === 0 ? undefined : [...names];
}
