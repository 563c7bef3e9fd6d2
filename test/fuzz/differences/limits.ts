// LIMIT, OFFSET, SLIMIT and SOFFSET.

import type { Node, SelectStatement } from "../../../src/query/ast.ts";
import { type FunctionKind, functionNamed, functions } from "../../../src/query/functions.ts";
import { printNode } from "../../../src/query/print.ts";
import type { Difference } from "../differences.ts";
import { nodesIn, selectsOf, withSelects } from "../rewrite.ts";
import { unlimited } from "./claims.ts";
import { isAnswered, joinedSeries, textOf, writesMore } from "./evidence.ts";

const isLimited = ({ limit, offset }: SelectStatement): boolean => limit + offset > 0;

const allNodes = ({ fields }: SelectStatement): Node[] =>
  fields.flatMap(({ expression }) => nodesIn(expression));

const kindOf = (name: string): FunctionKind | null => {
  const named = functionNamed(name);
  return named === undefined ? null : functions[named.name].kind;
};

/** The calls that read rows, each as its text; what they are made of is not among them. */
function callsOf(node: Node): string[] {
  switch (node.kind) {
    case "binary":
      return [...callsOf(node.left), ...callsOf(node.right)];
    case "paren":
      return callsOf(node.inner);
    case "call":
      if (kindOf(node.name) === "math") return node.arguments.flatMap(callsOf);
      // (one for each field)
      return nodesIn(node).some(({ kind }) => kind === "wildcard" || kind === "regex")
        ? [printNode(node), `${printNode(node)} of others`]
        : [printNode(node)];
    default:
      return [];
  }
}

/** Several calls under a LIMIT, of which one may have rows that another has not: influxd fills no windows of a subquery by itself. */
const limitsEachCall = (statement: SelectStatement, depth: number, hasWindows: boolean): boolean => {
  const { fields, fill } = statement;
  const calls = new Set(fields.flatMap(({ expression }) => callsOf(expression)));
  return (
    isLimited(statement) &&
    calls.size > 1 &&
    (fill?.kind === "none" ||
      allNodes(statement).some(
        (node) => node.kind === "call" && /^(?:transformation|several)$/.test(kindOf(node.name) ?? ""),
      ) ||
      (depth > 0 && hasWindows && (fill === null || fill.kind === "null")))
  );
};

const tagsOf = ({ dimensions }: SelectStatement): Node[] => dimensions.filter(({ kind }) => kind !== "call");

/**
 * Grouped by the tags, too, that its subqueries with a LIMIT are grouped by; where a subquery groups those inside of it, they have
 * no LIMIT.
 */
function groupedOutside(statement: SelectStatement, depth: number): SelectStatement {
  if (depth > 0 && tagsOf(statement).length > 0) {
    const sources = statement.sources.map((source) =>
      source.kind === "subquery" ? { ...source, statement: unlimited(source.statement) } : source,
    );
    return { ...statement, sources };
  }
  const inside = statement.sources.flatMap((source) =>
    source.kind === "subquery" && isLimited(source.statement) ? tagsOf(source.statement) : [],
  );
  const known = new Set(statement.dimensions.map(printNode));
  const added = inside.filter((node) => !known.has(printNode(node)));
  if (added.length === 0) return statement;
  const all = [...tagsOf(statement), ...added];
  // (of a tag that is named twice influxd counts OFFSET twice)
  const tags: Node[] = all.every(({ kind }) => kind === "reference")
    ? all
    : [{ kind: "wildcard", only: null }];
  const windows = statement.dimensions.filter(({ kind }) => kind === "call");
  return { ...statement, dimensions: [...windows, ...tags] };
}

const isRanked = (statement: SelectStatement): boolean =>
  allNodes(statement).some((node) => node.kind === "call" && /^(?:top|bottom)$/.test(node.name));

/** Of each measurement the series that SLIMIT and SOFFSET leave, whole; a descending answer has them the other way round. */
function isSliceOf(part: string, whole: string, statement: SelectStatement): boolean {
  const { seriesLimit, seriesOffset, descending, offset } = statement;
  const [some, all] = [seriesByName(part), seriesByName(whole)];
  return [...all].every(([name, series]) => {
    const ordered = descending ? series.toReversed() : series;
    const wanted = ordered.slice(seriesOffset, seriesLimit === 0 ? undefined : seriesOffset + seriesLimit);
    const given = some.get(name) ?? [];
    // (SLIMIT counts those of which OFFSET leaves no row)
    return offset > 0
      ? given.every((each) => series.includes(each))
      : Bun.deepEquals(given, descending ? wanted.reverse() : wanted);
  });
}

/** As texts. */
function seriesByName(body: string): Map<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const series of joinedSeries(body)) {
    const { name } = JSON.parse(series.head) as { readonly name: string };
    byName.set(name, [...(byName.get(name) ?? []), textOf(series)]);
  }
  return byName;
}

export const limits: readonly Difference[] = [
  {
    title: "LIMIT and OFFSET with top and bottom",
    influxd: "limits the rows that top() and bottom() look at",
    serie: "limits the rows of the answer",
    reason: "it is what is documented",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd),
    without: (text) =>
      withSelects(text, (statement) => (isRanked(statement) ? unlimited(statement) : statement)),
  },
  {
    title: "LIMIT and OFFSET with top() and bottom() by tags, written by INTO",
    influxd: "limits each of the series that are written",
    serie: "writes what the statement answers without INTO",
    reason: "a copy is to have what is shown",
    covers: ({ exchange, serie, influxd }) =>
      selectsOf(exchange.text).some(
        (statement) =>
          isRanked(statement) &&
          ((isLimited(statement) && writesMore(influxd, serie)) ||
            (statement.offset > 0 && writesMore(serie, influxd))),
      ),
  },
  {
    title: "LIMIT and OFFSET with several calls",
    influxd:
      "limit the points of each call, so that more rows are answered and operators meet nothing, where not every call has a point in every row: with transformations, with sample(), with fill(none), and over windows of a subquery",
    serie: "limit the rows",
    reason: "it is what is documented",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd),
    without: (text) =>
      withSelects(text, (statement, depth, hasWindows) =>
        limitsEachCall(statement, depth, hasWindows) ? unlimited(statement) : statement,
      ),
  },
  {
    title: "LIMIT and OFFSET in a subquery with groups of its own",
    influxd:
      "count the rows of a group anew whenever one of another group comes between them: `SELECT v FROM (SELECT v FROM m GROUP BY host LIMIT 1)` answers nearly every row; in a subquery of one with groups they count them more than once",
    serie: "limit the rows of each group",
    reason: "it is what the subquery answers by itself",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd),
    // (then the groups come one after the other)
    without: (text) => withSelects(text, groupedOutside),
  },
  {
    title: "SLIMIT and SOFFSET",
    influxd:
      "counts series of the index, also those without a row in the answer, and SOFFSET eats into SLIMIT",
    serie: "skips SOFFSET series of the answer, then gives SLIMIT",
    reason: "it is what is documented: so many series of the answer",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd),
    without: (text) => withSelects(text, (statement) => ({ ...statement, seriesLimit: 0, seriesOffset: 0 })),
    fits: (text, serie, without) => {
      const [outer, ...inner] = selectsOf(text);
      if (outer === undefined || inner.length > 0) return true;
      return isSliceOf(serie.body, without.body, outer);
    },
  },
];
