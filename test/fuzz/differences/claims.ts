// What a statement has that may make a difference, and statements without it.

import { isMathName } from "../../../src/model/mathematics.ts";
import { compileRegex } from "../../../src/model/regex.ts";
import type { Node, SelectStatement, Source } from "../../../src/query/ast.ts";
import { printNode } from "../../../src/query/print.ts";
import type { Exchange } from "../pair.ts";
import { callsOf, conditionOf, isWindowed, nodesIn, selectsOf, visitNode } from "../rewrite.ts";

const ofOnePoint = new Set([
  ...["first", "last", "min", "max", "percentile", "mode", "median", "top", "bottom", "distinct", "sample"],
  ...["integral", "derivative", "non_negative_derivative", "difference", "non_negative_difference"],
  ...["cumulative_sum", "moving_average", "elapsed", "holt_winters", "holt_winters_with_fit"],
]);

/** Which of several points at one time comes first may be seen. */
export const dependsOnOrder = (text: string): boolean =>
  callsOf(text).some(({ name }) => ofOnePoint.has(name) || techniques.test(name)) ||
  selectsOf(text).some(({ limit, offset }) => limit + offset > 0);

/** A call of that name in a statement with windows, or in a subquery of one, which takes them over. */
export const isCalledInWindows = (text: string, name: RegExp): boolean => {
  const selects = selectsOf(text);
  const outermost = selects.findIndex(isWindowed);
  return (
    outermost >= 0 &&
    selects
      .slice(outermost)
      .flatMap(({ fields }) => fields.flatMap(({ expression }) => nodesIn(expression)))
      .some((node) => node.kind === "call" && name.test(node.name))
  );
};

/** Every series by itself, so that no two points have one time. */
export const groupedByAll = (statement: SelectStatement): SelectStatement => ({
  ...statement,
  dimensions: [
    ...statement.dimensions.filter(({ kind }) => kind === "call"),
    { kind: "wildcard", only: null },
  ],
});

export const unlimited = (statement: SelectStatement): SelectStatement => ({
  ...statement,
  limit: 0,
  offset: 0,
});

/** Several sources beside each other, one of them a regex or two of them the same. */
export const namesTwice = (text: string): boolean =>
  selectsOf(text).some(({ sources }) => {
    const named = sources.filter((source) => source.kind === "measurement");
    const names = named.map(({ name }) => name);
    return named.length > 1 && (names.includes("") || new Set(names).size < names.length);
  });

/** Several measurements in one FROM. */
export const readsSeveral = (text: string): boolean =>
  selectsOf(text).some(
    ({ sources }) =>
      sources.length > 1 || sources.some((each) => each.kind === "measurement" && each.pattern !== null),
  );

/** Columns of measurements that have none of them; beside calls it is those that they read. */
export const readsNothing = ({ fields, sources }: SelectStatement, history: readonly Exchange[]): boolean => {
  const nodes = fields.flatMap(({ expression }) => nodesIn(expression));
  const calls = nodes.filter((node) => node.kind === "call" && !isMathName(node.name));
  const names = (calls.length > 0 ? calls.flatMap(nodesIn) : nodes).flatMap((node) =>
    node.kind === "reference" ? [node.name] : [],
  );
  const written = [...writtenFields(history)];
  return sources.every((source) => {
    if (source.kind !== "measurement") return false;
    const regex = source.pattern === null ? null : compileRegex(source.pattern);
    const isMeant = (name: string) => regex?.test(name) ?? name === source.name;
    return !written.some(([name, fields]) => isMeant(name) && names.some((each) => fields.has(each)));
  });
};

const plain = (name: string) => name.replace(/\\([,= ])/g, "$1");

/** Of the points that were written, without their texts, which may have line breaks. */
const writtenLines = (history: readonly Exchange[]): string[] =>
  history
    .filter(({ kind }) => kind === "write")
    .flatMap(({ text }) => text.replace(/="(?:[^"\\]|\\[\s\S])*"/g, "=0").split("\n"));

/** Of the points that were written. */
export const writtenTags = (history: readonly Exchange[]): Set<string> =>
  new Set(
    writtenLines(history)
      .flatMap((line) =>
        line
          .split(/(?<!\\) /)[0]!
          .split(/(?<!\\),/)
          .slice(1),
      )
      .map((pair) => plain(pair.split(/(?<!\\)=/)[0]!)),
  );

/** By measurement. */
export function writtenFields(history: readonly Exchange[]): Map<string, Set<string>> {
  const fields = new Map<string, Set<string>>();
  for (const line of writtenLines(history)) {
    const [key = "", pairs = ""] = line.split(/(?<!\\) /);
    const name = plain(key.split(/(?<!\\),/)[0]!);
    const known = fields.get(name) ?? new Set();
    for (const pair of pairs.split(/(?<!\\),/)) known.add(plain(pair.split(/(?<!\\)=/)[0]!));
    fields.set(name, known);
  }
  return fields;
}

export const withOneMeasurement = (statement: SelectStatement): SelectStatement => {
  const first = statement.sources.find(({ kind }) => kind === "measurement");
  const sources = statement.sources.filter((source) => source.kind !== "measurement" || source === first);
  return { ...statement, sources };
};

/** Of subqueries and measurements side by side, the subqueries. */
export const withOneSort = (statement: SelectStatement): SelectStatement => {
  const subqueries = statement.sources.filter(({ kind }) => kind === "subquery");
  return subqueries.length === 0 ? statement : { ...statement, sources: subqueries.slice(0, 1) };
};

const orders = new Set(["<", "<=", ">", ">="]);
const equalities = new Set(["=", "!=", "=~", "!~"]);

/** An order between a name and a text, or between two texts, or a comparison of two names. */
export function comparesTags(node: Node): boolean {
  if (node.kind !== "binary") return false;
  const sides = [node.left, node.right];
  if (sides.some((side) => side.kind === "reference" && side.name === "time")) return false;
  const kinds = sides.map(({ kind }) => kind);
  if (kinds.every((kind) => kind === "reference"))
    return orders.has(node.operator) || equalities.has(node.operator);
  const isOfText = kinds.every((kind) => kind === "reference" || kind === "string");
  return orders.has(node.operator) && isOfText && kinds.includes("string");
}

export const deletesByComparedTags = (text: string): boolean => {
  const condition = /^\s*(?:delete|drop series)/i.test(text) ? conditionOf(text) : null;
  return condition !== null && nodesIn(condition).some(comparesTags);
};

/** Conditions with the arguments of functions in their place: over a measurement those that are no plain names, over a subquery all. */
export const withoutFunctionsInCondition = (statement: SelectStatement): SelectStatement => {
  if (statement.condition === null) return statement;
  const isOverSubquery = statement.sources.some(({ kind }) => kind === "subquery");
  const isPlain = (node: Node): boolean =>
    node.kind === "paren" ? isPlain(node.inner) : node.kind !== "binary" && node.kind !== "call";
  const condition = visitNode(statement.condition, (node) =>
    node.kind === "call" &&
    isMathName(node.name) &&
    node.arguments[0] !== undefined &&
    (isOverSubquery || !node.arguments.every(isPlain))
      ? node.arguments[0]
      : node,
  );
  return { ...statement, condition };
};

/** A condition that is a number: `WHERE f / 2`. */
export const isNumberAsCondition = (node: Node | null): boolean => {
  if (node === null) return false;
  if (node.kind === "paren") return isNumberAsCondition(node.inner);
  if (node.kind !== "binary") return node.kind !== "boolean";
  if (node.operator === "and" || node.operator === "or")
    return isNumberAsCondition(node.left) || isNumberAsCondition(node.right);
  return !orders.has(node.operator) && !equalities.has(node.operator);
};

/** Conditions that are numbers are true. */
export function withoutNumbers(node: Node): Node {
  if (node.kind === "paren") return withoutConstants({ ...node, inner: withoutNumbers(node.inner) });
  if (node.kind === "binary" && (node.operator === "and" || node.operator === "or"))
    return withoutConstants({ ...node, left: withoutNumbers(node.left), right: withoutNumbers(node.right) });
  return isNumberAsCondition(node) ? { kind: "boolean", value: true } : node;
}

/** A boolean, or a name that may be one, beside a length of time. */
export function comparesLength(node: Node): boolean {
  if (node.kind !== "binary" || (node.operator !== "=" && node.operator !== "!=")) return false;
  const [length, other] = node.left.kind === "duration" ? [node.left, node.right] : [node.right, node.left];
  return length.kind === "duration" && mayBeBoolean(other);
}

function mayBeBoolean(node: Node): boolean {
  if (node.kind === "paren") return mayBeBoolean(node.inner);
  if (node.kind === "reference") return node.name.toLowerCase() !== "time";
  if (node.kind !== "binary") return node.kind === "boolean";
  return orders.has(node.operator) || equalities.has(node.operator) || /^(?:and|or)$/.test(node.operator);
}

/** Comparisons of names that the condition has with several types are true. */
export function withoutSeveralCasts(statement: SelectStatement): SelectStatement {
  const { condition } = statement;
  if (condition === null) return statement;
  const casts = new Map<string, Set<string | null>>();
  for (const node of nodesIn(condition))
    if (node.kind === "reference") casts.set(node.name, (casts.get(node.name) ?? new Set()).add(node.cast));
  const isOfSeveral = (node: Node) => node.kind === "reference" && casts.get(node.name)!.size > 1;
  const changed = visitNode(condition, (node) =>
    node.kind === "binary" &&
    (orders.has(node.operator) || equalities.has(node.operator)) &&
    nodesIn(node).some(isOfSeveral)
      ? { kind: "boolean", value: true }
      : node,
  );
  return { ...statement, condition: changed };
}

/** A boolean compared with a literal. */
export const comparesBoolean = (node: Node): boolean =>
  node.kind === "binary" &&
  (orders.has(node.operator) || equalities.has(node.operator)) &&
  (node.left.kind === "boolean" || node.right.kind === "boolean");

/** What is read of a subquery, as it is. */
export const withoutCasts = (statement: SelectStatement): SelectStatement => {
  if (!statement.sources.some(({ kind }) => kind === "subquery")) return statement;
  const plain = (node: Node): Node =>
    visitNode(node, (each) => (each.kind === "reference" ? { ...each, cast: null } : each));
  return {
    ...statement,
    fields: statement.fields.map((field) => ({ ...field, expression: plain(field.expression) })),
    condition: statement.condition === null ? null : plain(statement.condition),
  };
};

/** `true AND x` is x, and so on. */
export function withoutConstants(node: Node): Node {
  if (node.kind === "paren") {
    const inner = withoutConstants(node.inner);
    return inner.kind === "boolean" ? inner : { ...node, inner };
  }
  if (node.kind !== "binary" || (node.operator !== "and" && node.operator !== "or")) return isConstant(node);
  const [left, right] = [withoutConstants(node.left), withoutConstants(node.right)];
  for (const [one, other] of [
    [left, right],
    [right, left],
  ] as const)
    if (one.kind === "boolean") return one.value === (node.operator === "and") ? other : one;
  return { ...node, left, right };
}

/** Times alone: other comparisons are true. */
export function withoutFields(node: Node): Node {
  if (node.kind === "paren") return { ...node, inner: withoutFields(node.inner) };
  if (node.kind !== "binary") return node;
  if (node.operator === "and" || node.operator === "or")
    return withoutConstants({ ...node, left: withoutFields(node.left), right: withoutFields(node.right) });
  const isOfTime = nodesIn(node).some((each) => each.kind === "reference" && each.name === "time");
  return isOfTime ? node : { kind: "boolean", value: true };
}

/** `1 = 1` is true. */
const isConstant = (node: Node): Node =>
  node.kind === "binary" &&
  node.operator === "=" &&
  node.left.kind === "integer" &&
  node.right.kind === "integer"
    ? { kind: "boolean", value: node.left.value === node.right.value }
    : node;

/** Subqueries without windows of their own, nothing with zones. */
export const withoutInnerWindows = (statement: SelectStatement, depth: number): SelectStatement => {
  if (depth === 0) {
    const isOverSubquery = statement.sources.some(({ kind }) => kind === "subquery");
    return isOverSubquery ? { ...statement, timezone: null } : statement;
  }
  const dimensions = statement.dimensions.filter(({ kind }) => kind !== "call");
  const fill = isWindowed(statement) ? null : statement.fill;
  return { ...statement, dimensions, fill, timezone: null };
};

/** Over thousands of windows, as from the begin of a day or until now: influxd works at it for minutes, whoever waits. */
export const isLongForecast = (text: string): boolean =>
  /holt_winters/i.test(text) &&
  /\btime\(/i.test(text) &&
  (/'\d{4}-\d\d-\d\d'/.test(text) || !/\btime\s*<|>=?\s*time\b/i.test(text));

/** Averages and what technical analysis has. */
export const techniques =
  /^(?:\w*exponential_(?:moving_average|derivative)|relative_strength_index|chande_momentum_oscillator|kaufmans_\w+|moving_average)$/;

export const transformationCount = (text: string): number =>
  text.match(
    /(?:derivative|difference|elapsed|_average|cumulative_sum|holt_winters\w*|_index|_oscillator|_ratio)\(/gi,
  )?.length ?? 0;

export const callCount = (text: string): number => text.match(/\w\(/g)?.length ?? 0;

/** The condition of SHOW or DELETE has the name of a field, or of what may be one. */
export const namesField = (text: string, fields: ReadonlySet<string>): boolean =>
  nodesIn(conditionOf(text) ?? { kind: "boolean", value: true }).some(
    (node) => node.kind === "reference" && (fields.has(node.name) || node.name === "nope"),
  );

/** A comparison in it holds for a field that is taken for a tag that is missing: `s != 'x'`. */
export const isMetByMissing = (text: string, fields: ReadonlySet<string>): boolean =>
  nodesIn(conditionOf(text) ?? { kind: "boolean", value: true }).some((node) => {
    if (node.kind !== "binary") return false;
    const sides = [node.left, node.right];
    const isEmpty = sides.some((side) => side.kind === "string" && side.value === "");
    return (
      (/^(?:!=|[=!]~)$/.test(node.operator) || (node.operator === "=" && isEmpty)) &&
      sides.some((side) => side.kind === "reference" && fields.has(side.name))
    );
  });

/** Points have been written that are minutes from the epoch. */
export const isNear1970 = (history: readonly Exchange[]): boolean =>
  history.some(({ kind, text }) => kind === "write" && / -?\d{1,13}$/m.test(text));

/** So many points that Go's sort does not keep the order of equal ones: more than twelve. */
export const areMany = (history: readonly Exchange[]): boolean =>
  history.filter(({ kind }) => kind === "write").flatMap(({ text }) => text.split("\n")).length > 12;

/** Points have been written to more than one shard. */
export const areInShards = (history: readonly Exchange[]): boolean => {
  const shards = history
    .filter(({ kind }) => kind === "write")
    .flatMap(({ text, policy = "" }) =>
      [...text.matchAll(/ (-?\d+)$/gm)].map(([, time]) => {
        const day = Number(time) / 86_400e9;
        // (a default shard begins on a Monday)
        return `${policy} ${Math.floor((day + 3) / 7)}`;
      }),
    );
  return new Set(shards).size > 1;
};

export const deletes = (history: readonly Exchange[]): boolean =>
  history.some(({ text }) => /^\s*(?:delete|drop (?:series|measurement|shard))/i.test(text));

const ofFloats = /^(?:acos|asin|atan|atan2|cos|exp|ln|log|log2|log10|pow|sin|sqrt|tan)$/;

/** What is an integer when it is made of integers. */
export function ofIntegers(node: Node): Node {
  if (node.kind === "number") return { kind: "integer", value: BigInt(Math.trunc(node.value)) };
  if (node.kind === "binary" && /^[/%]$/.test(node.operator)) return { ...node, operator: "+" };
  return node.kind === "call" && ofFloats.test(node.name) && node.arguments[0] !== undefined
    ? node.arguments[0]
    : node;
}

/** Subqueries grouped by the tags of the statements around them, too. */
export function groupedInside(statement: SelectStatement): SelectStatement {
  const tags = statement.dimensions.filter(({ kind }) => kind !== "call");
  if (tags.length === 0) return statement;
  const sources = statement.sources.map((source): Source => {
    if (source.kind !== "subquery") return source;
    const dimensions = [...source.statement.dimensions, ...tags];
    const once = [...new Map(dimensions.map((node) => [printNode(node), node] as const)).values()];
    return { ...source, statement: groupedInside({ ...source.statement, dimensions: once }) };
  });
  return { ...statement, sources };
}

/** Each side of operators and functions of numbers changed, down to the calls of points. */
function withOperands(node: Node, change: (operand: Node) => Node): Node {
  const inner = (each: Node) => withOperands(each, change);
  if (node.kind === "paren") return { ...node, inner: inner(node.inner) };
  if (node.kind === "binary") return { ...node, left: inner(node.left), right: inner(node.right) };
  if (node.kind === "call" && isMathName(node.name)) return { ...node, arguments: node.arguments.map(inner) };
  return change(node);
}

const withColumns = (statement: SelectStatement, change: (operand: Node) => Node): SelectStatement => ({
  ...statement,
  fields: statement.fields.map((field) => ({ ...field, expression: withOperands(field.expression, change) })),
});

const transformations =
  /^(?:\w*derivative|\w*difference|elapsed|\w*_average|cumulative_sum|\w+_(?:index|oscillator|ratio))$/;

/** Rows in the place of what is made of one after the other. */
export const withRowsAsTheyAre = (statement: SelectStatement): SelectStatement =>
  withColumns(statement, (node) => {
    const [rows] = node.kind === "call" && transformations.test(node.name) ? node.arguments : [];
    return rows !== undefined && rows.kind !== "call" ? rows : node;
  });

/** Windows themselves in the place of what is made of one after the other. */
export const withoutTransformations = (statement: SelectStatement): SelectStatement =>
  withColumns(statement, (node) => {
    const [inner] = node.kind === "call" && transformations.test(node.name) ? node.arguments : [];
    return inner?.kind === "call" ? inner : node;
  });

/** Rows in the place of what calls make of them in their order. */
export const withoutOrder = (statement: SelectStatement): SelectStatement =>
  withColumns(unlimited(statement), (node) =>
    node.kind === "call" && (ofOnePoint.has(node.name) || techniques.test(node.name))
      ? (node.arguments[0] ?? node)
      : node,
  );
