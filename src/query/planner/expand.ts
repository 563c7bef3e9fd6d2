// `*`, regexes and top/bottom's extra columns: the fields of a SELECT as written to one field a column.
import { InputError } from "../../base/errors.ts";
import { RegexCache } from "../../model/regex.ts";
import type { CallNode, Node } from "../ast.ts";
import { functionNamed, functions } from "../functions.ts";
import { type Named, nameOf } from "./naming.ts";
import { isDerived, type Schema } from "./schema.ts";

/** Columns after the time, in order. `dimensions` are the tags that group: `*` leaves them out. */
export function expandFields(
  fields: readonly Named[],
  schema: Schema,
  dimensions: ReadonlySet<string>,
  groupsByWildcard: boolean,
): Named[] {
  const regexes = new RegexCache();
  const columns: Named[] = [];
  for (const field of fields) {
    const expression = withoutParentheses(field.expression);
    if (expression.kind === "wildcard" || expression.kind === "regex") {
      // (a tag that is a column is shown as that, and again where the subquery groups by it)
      const isColumn = (name: string) => schema.tagColumns?.has(name) === true;
      const only = expression.kind === "regex" ? null : expression.only;
      const isHidden = (name: string) =>
        groupsByWildcard || dimensions.has(name) || (isColumn(name) && !schema.groups?.has(name));
      const names = allNames(schema).filter(
        ({ name, isKey, isTag }) =>
          passes(expression, name, regexes) &&
          (only === null || (only === "tag") === isTag) &&
          (!isKey || !isHidden(name)),
      );
      for (const { name, cast } of names) {
        columns.push({ expression: { kind: "reference", name, cast }, alias: null });
      }
    } else if (expression.kind === "call") columns.push(...expandCall(expression, field, schema, regexes));
    else columns.push(field);
  }
  return columns;
}

const withoutParentheses = (node: Node): Node =>
  node.kind === "paren" ? withoutParentheses(node.inner) : node;

/** Fields and tags sorted by name, a field before a tag of its name. A subquery's column of a tag is a field that is a tag, one that is unknown to it a field. */
function allNames(
  schema: Schema,
): { name: string; cast: "field" | "tag" | null; isTag: boolean; isKey: boolean }[] {
  const isColumn = (name: string) => isDerived(schema) && schema.fields.has(name);
  const isTag = (name: string) => schema.tagColumns?.has(name) === true;
  // (beside a source that has it as a tag: what it is in each)
  const isOfEach = (name: string) => schema.tags.has(name) && (isTag(name) || schema.groups?.has(name));
  const castOf = (name: string) => (isOfEach(name) ? null : ("field" as const));
  const names = [
    ...[...schema.fields.keys()]
      .filter((name) => !schema.unlisted?.has(name))
      .map((name) => ({ name, cast: castOf(name), isTag: isTag(name), isKey: false })),
    ...[...(schema.absent ?? [])]
      .filter((name) => (!schema.tags.has(name) || schema.groups?.has(name)) && !schema.unlisted?.has(name))
      .map((name) => ({ name, cast: "field" as const, isTag: false, isKey: false })),
    // (of a subquery a column of that name is read)
    ...[...schema.tags].map((name) => {
      const cast = isColumn(name) ? castOf(name) : ("tag" as const);
      return { name, cast, isTag: true, isKey: true };
    }),
  ];
  return names.sort((a, b) =>
    a.name < b.name ? -1 : a.name > b.name ? 1 : Number(a.isKey) - Number(b.isKey),
  );
}

function passes(expression: Node, name: string, regexes: RegexCache): boolean {
  return expression.kind !== "regex" || regexes.get(expression.pattern).test(name);
}

function expandCall(call: CallNode, field: Named, schema: Schema, regexes: RegexCache): Named[] {
  const inner = innermost(call);
  const pattern = inner.arguments[0];
  if (pattern?.kind === "wildcard" && pattern.only === "tag")
    throw new InputError(`unable to use tag wildcard in ${inner.name}()`);
  if (pattern?.kind === "wildcard" || pattern?.kind === "regex") {
    const accepts = functions[functionNamed(inner.name)!.name].accepts;
    return allNames(schema)
      .filter(
        ({ name, isTag }) =>
          !isTag && accepts.includes(schema.fields.get(name)!) && passes(pattern, name, regexes),
      )
      .map(({ name, cast }) => ({
        expression: withArgument(call, inner, { kind: "reference", name, cast }),
        alias: `${field.alias ?? nameOf(call)}_${name}`,
      }));
  }
  if (call.name !== "top" && call.name !== "bottom") return [field];
  const extra = call.arguments
    .slice(1, -1)
    .map((expression) => ({ expression, alias: null, isOfRank: true as const }));
  return [field, ...extra];
}

function innermost(call: CallNode): CallNode {
  const argument = call.arguments[0];
  return argument?.kind === "call" ? innermost(argument) : call;
}

/** `call` with the first argument of its `inner` call replaced. */
function withArgument(call: CallNode, inner: CallNode, argument: Node): CallNode {
  const first = call === inner ? argument : withArgument(call.arguments[0] as CallNode, inner, argument);
  return { ...call, arguments: [first, ...call.arguments.slice(1)] };
}
