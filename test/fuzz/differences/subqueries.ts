// Subqueries.

import type { Node, SelectStatement, Source } from "../../../src/query/ast.ts";
import { nameOf } from "../../../src/query/planner/naming.ts";
import type { Difference } from "../differences.ts";
import { isWindowed, nodesIn, nodesOf, selectsOf, withNodes, withSelects } from "../rewrite.ts";
import {
  comparesBoolean,
  dependsOnOrder,
  groupedByAll,
  groupedInside,
  ofIntegers,
  transformationCount,
  withOneSort,
  withoutCasts,
  withoutFields,
  withoutInnerWindows,
  withoutOrder,
  withoutTransformations,
  withRowsAsTheyAre,
} from "./claims.ts";
import {
  areAmong,
  cellsOf,
  isAlikeButForNulls,
  isAlikeInLength,
  isAnswered,
  isError,
  isNothing,
  isNumber,
  rowsInAnyOrder,
  rowsWithoutNumberedColumns,
  timesOf,
  valuesOf,
} from "./evidence.ts";

/** Fills windows with values, of more than one series by its tags. */
const fillsSeries = ({ fill, dimensions }: SelectStatement): boolean =>
  /^(?:previous|linear|number)$/.test(fill?.kind ?? "") && dimensions.length > 1;

/** A subquery with two calls or more, or with one of every field. */
const hasSeveralCallsInside = (text: string): boolean =>
  selectsOf(text)
    .slice(1)
    .some(({ fields }) => {
      const nodes = fields.flatMap(({ expression }) => nodesIn(expression));
      const calls = nodes.filter(({ kind }) => kind === "call").length;
      return calls > 1 || (calls > 0 && nodes.some(({ kind }) => kind === "wildcard" || kind === "regex"));
    });

/** The first of each name; beside `*`, which has them all, no name and no other wildcard. */
const withOneColumnAName = (statement: SelectStatement): SelectStatement => {
  const named = statement.fields.map(({ alias, expression }) => alias ?? nameOf(expression));
  const isAll = ({ kind, ...rest }: Node) => kind === "wildcard" && "only" in rest && rest.only === null;
  const hasAll = statement.fields.some(({ expression }) => isAll(expression));
  const isOfAll = ({ kind }: Node) => kind === "reference" || kind === "wildcard";
  const fields = statement.fields.filter(
    ({ alias, expression }, i) =>
      named.indexOf(named[i]!) === i &&
      (!hasAll || alias !== null || isAll(expression) || !isOfAll(expression)),
  );
  return { ...statement, fields };
};

const isDistinctSubquery = (source: Source): boolean =>
  source.kind === "subquery" &&
  source.statement.fields.some(({ expression }) => expression.kind === "distinct");

/** Without those that are the number of fill(). */
const valuesBut = (filled: number, body: string): string =>
  valuesOf(body)
    .split("\n")
    .filter((line) => !line.endsWith(`,${filled}]`) && !line.endsWith(`,${Math.trunc(filled)}]`))
    .join("\n");

/** top() and bottom() without what stands between field and number. */
const withoutBesides = (node: Node): Node =>
  node.kind === "call" && /^(?:top|bottom)$/.test(node.name)
    ? { ...node, arguments: [...node.arguments.slice(0, 1), ...node.arguments.slice(-1)] }
    : node;

export const subqueries: readonly Difference[] = [
  {
    title: "order of a subquery's rows",
    influxd: "series after series where several meet",
    serie: "in the order of time",
    reason: "rows of a series are in the order of time",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) &&
      selectsOf(exchange.text).length > 1 &&
      rowsInAnyOrder(serie.body) === rowsInAnyOrder(influxd.body),
  },
  {
    title: "columns of a subquery that have a number",
    influxd: "are null: `SELECT f_1 FROM (SELECT f, f FROM m)`",
    serie: "are read by the names that the subquery answers by itself",
    reason: "a column that is shown can be read",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) && selectsOf(exchange.text).length > 1,
    without: (text) =>
      withNodes(text, (node) =>
        node.kind === "reference" && /_\d+$/.test(node.name)
          ? { ...node, name: node.name.replace(/_\d+$/, "") }
          : node,
      ),
  },
  {
    title: "several columns of one name in a subquery",
    influxd:
      "have the type that comes first among float, integer, text and boolean, and the values of the first",
    serie: "are the first: its type and its values",
    reason: "a column has the type of its values",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) && selectsOf(exchange.text).length > 1,
    without: (text) =>
      withSelects(text, (statement, depth) => (depth === 0 ? statement : withOneColumnAName(statement))),
  },
  {
    title: "a tag that a subquery has as a column, beside a source that has it",
    influxd: "is shown twice by each `*`, as `host` and as `host_1`",
    serie: "is shown once by each",
    reason: "both are the tag",
    inFormat: "json",
    covers: ({ exchange, serie, influxd }) =>
      influxd.body.startsWith("{") &&
      isAnswered(serie, influxd) &&
      selectsOf(exchange.text).some(
        ({ sources, fields }) =>
          sources.length > 1 &&
          sources.some(({ kind }) => kind === "subquery") &&
          fields.some(({ expression: { kind } }) => kind === "wildcard" || kind === "regex"),
      ) &&
      rowsWithoutNumberedColumns(influxd.body) === rowsWithoutNumberedColumns(serie.body),
  },
  {
    title: "casts of a subquery's column",
    influxd: "ignores the cast, and refuses what a call cannot take: `max(c0::string)`",
    serie: "answers null: the column is of another type",
    reason: "it is so of a measurement's field",
    covers: ({ exchange, serie, influxd }) =>
      !isError(serie) &&
      (!isError(influxd) ||
        /"error": ?"unsupported [\w ]+ iterator type: \*query\.string/.test(influxd.body)) &&
      selectsOf(exchange.text).length > 1,
    without: (text) => withSelects(text, withoutCasts),
  },
  {
    title: "a tag beside top() or bottom() over a subquery",
    influxd: "answers null where the query groups by it, and takes rows without the tag for different ones",
    serie: "answers the tag; rows without it are alike",
    reason: "the tag is known",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) && selectsOf(exchange.text).length > 1,
    without: (text) => withNodes(text, withoutBesides),
  },
  {
    title: "a field beside top() or bottom() in a subquery",
    influxd: "is refused by calls around it: `SELECT max(f) FROM (SELECT top(i, f, 2) FROM m)`",
    serie: "is a column like any other",
    reason: "`SELECT f` of the same subquery answers it",
    covers: ({ exchange, serie, influxd }) =>
      !isError(serie) &&
      /"error": ?"unsupported [\w ]+ iterator type: \*query\.string/.test(influxd.body) &&
      selectsOf(exchange.text).length > 1,
    without: (text) => withNodes(text, withoutBesides),
  },
  {
    title: "DISTINCT as a word in a subquery",
    influxd: "answers nothing, not even beside other subqueries: `SELECT * FROM (SELECT DISTINCT v FROM m)`",
    serie: "answers what `distinct(v)` does",
    reason: "it is what it does outside of a subquery",
    covers: ({ exchange, influxd }) =>
      /\(select.*\bdistinct [^(]/i.test(exchange.text) &&
      !isError(influxd) &&
      (influxd.body.includes('"val0"') ||
        !influxd.body.includes('"series"') ||
        selectsOf(exchange.text).some(
          ({ sources }) => sources.length > 1 && sources.some(isDistinctSubquery),
        )),
    without: (text) =>
      withNodes(text, (node) =>
        node.kind === "distinct"
          ? {
              kind: "call",
              name: "distinct",
              arguments: [{ kind: "reference", name: node.name, cast: null }],
            }
          : node,
      ),
  },
  {
    title: "a tag of the outer GROUP BY beside unknown columns of a subquery",
    influxd: "answers nothing",
    serie: "answers rows with the tag",
    reason: "it does so where the subquery groups by the tag itself",
    covers: ({ exchange, serie, influxd }) =>
      /\(select.*\bgroup by/i.test(exchange.text) &&
      isNothing(influxd) &&
      !isError(serie) &&
      cellsOf(serie.body, isNumber).replace(/[^0-9]/g, "").length === timesOf(serie.body).length,
  },
  {
    title: "floats out of integers in a subquery",
    influxd:
      "may cut the quotient, or what a function like sqrt() gives, to an integer, and drops a quotient by zero",
    serie: "answers what the subquery answers by itself: the float, 0 by zero",
    reason: "a statement means the same in parentheses",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) && selectsOf(exchange.text).length > 1,
    without: (text) => withNodes(text, ofIntegers),
  },
  {
    title: "a tag of the outer GROUP BY as a column",
    influxd: "is null where the subquery does not group by it",
    serie: "is the tag",
    reason: "it is known: rows are grouped by it",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) && selectsOf(exchange.text).length > 1,
    without: (text) => withSelects(text, groupedInside),
  },
  {
    title: "a subquery beside another source",
    influxd:
      "answers nothing at all when the subquery has no rows; takes its rows for values that are null, and shows rows without values; GROUP BY * groups the subquery by the measurement's tags, too",
    serie: "answers each source as if it stood alone",
    reason: "what a source answers does not depend on its neighbour",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) &&
      (!influxd.body.includes('"series"') ||
        selectsOf(exchange.text).some(
          ({ sources, dimensions, fill }) =>
            sources.length > 1 &&
            sources.some(({ kind }) => kind === "subquery") &&
            (dimensions.some(({ kind }) => kind === "wildcard" || kind === "regex") ||
              isAlikeButForNulls(influxd.body, serie.body) ||
              areAmong(valuesOf(influxd.body), valuesOf(serie.body)) ||
              // (windows without a row are filled)
              (fill?.kind === "number" &&
                (isAlikeInLength(serie.body, influxd.body) ||
                  areAmong(valuesBut(fill.value, influxd.body), valuesOf(serie.body))))),
        )),
    without: (text) => withSelects(text, withOneSort),
  },
  {
    title: "several calls in a subquery of several series",
    influxd:
      "puts them in rows of their own, out of the order of time, where a series has no value of one of them; operators over them are null",
    serie: "puts them in one row",
    reason: "it is so of one series, and of the subquery by itself",
    covers: ({ exchange, serie, influxd }) =>
      hasSeveralCallsInside(exchange.text) &&
      isAnswered(serie, influxd) &&
      areAmong(valuesOf(influxd.body), valuesOf(serie.body)),
  },
  {
    title: "aggregates of several calls in a subquery of several series",
    influxd: "leave out the operators over the calls that are null in such rows",
    serie: "are those of whole rows",
    reason: "it is so of one series",
    covers: ({ exchange, serie, influxd }) =>
      hasSeveralCallsInside(exchange.text) && isAnswered(serie, influxd),
    without: (text) =>
      withSelects(text, (statement, depth) => (depth === 0 ? groupedByAll(statement) : statement)),
  },
  {
    title: "conditions over several calls in a subquery of several series",
    influxd: "meet rows of some of the columns: `c0 > 1 AND c1 > 1` is not met",
    serie: "meet whole rows",
    reason: "it is so of one series",
    covers: ({ exchange, serie, influxd }) =>
      hasSeveralCallsInside(exchange.text) && isAnswered(serie, influxd),
    // (then it is the entry above)
    without: (text) =>
      withSelects(text, (statement) => ({
        ...statement,
        condition:
          statement.sources.some(({ kind }) => kind === "subquery") && statement.condition !== null
            ? withoutFields(statement.condition)
            : statement.condition,
      })),
  },
  {
    title: "transformations side by side in a subquery of a descending query",
    influxd: "puts values of one time in rows of their own",
    serie: "puts them in one row",
    reason: "it is so in an ascending query",
    covers: ({ exchange, serie, influxd }) =>
      /\(select/i.test(exchange.text) &&
      /order by (?:time )?desc/i.test(exchange.text) &&
      transformationCount(exchange.text) > 1 &&
      isAnswered(serie, influxd),
    without: (text) => withSelects(text, (statement) => ({ ...statement, descending: false })),
  },
  {
    title: "windows of a subquery before the range",
    influxd:
      "shows windows that begin before the range of the query around it, where the subquery's windows do, and without GROUP BY time around them answers nothing at all then, or leaves some out; windows that a subquery takes over go by its own zone",
    serie:
      "shows the windows of the range, in their zone; without GROUP BY time around them all that the subquery answers count",
    reason: "it is what was asked",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd),
    without: (text) => withSelects(text, withoutInnerWindows),
  },
  {
    title: "fill() in a subquery of several series",
    influxd:
      "takes the series one behind the other where fill(previous), fill(linear) or fill(0) stands in it: the windows of the query around them come in pieces, again and again, and are filled out of one series into the next",
    serie: "takes what the subquery answers by itself, in the order of time",
    reason: "a statement means the same in parentheses",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) && selectsOf(exchange.text).slice(1).some(fillsSeries),
    without: (text) =>
      withSelects(text, (statement, depth) =>
        depth > 0 && fillsSeries(statement) ? { ...statement, fill: null } : statement,
      ),
  },
  {
    title: "transformations of windows in a subquery",
    influxd: "does not read the window before the range where the query around it has the range",
    serie: "reads it, as for the subquery by itself",
    reason: "a statement means the same in parentheses",
    covers: ({ exchange, serie, influxd }) => {
      const [, ...inner] = selectsOf(exchange.text);
      return isAnswered(serie, influxd) && /\btime\b/i.test(exchange.text) && inner.length > 0;
    },
    without: (text) =>
      withSelects(text, (statement, depth) => (depth === 0 ? statement : withoutTransformations(statement))),
  },
  {
    title: "transformations of rows in a subquery whose rows go into windows",
    influxd:
      "reads the points from the begin of the window on that the subquery's range begins in, and takes series after series, so that windows come in pieces",
    serie: "reads the points of the range; one row a window",
    reason: "it is what was asked, and what the subquery answers by itself",
    covers: ({ exchange, serie, influxd }) => {
      const [outer] = selectsOf(exchange.text);
      return isAnswered(serie, influxd) && outer !== undefined && isWindowed(outer);
    },
    without: (text) =>
      withSelects(text, (statement, depth) => (depth === 0 ? statement : withRowsAsTheyAre(statement))),
  },
  {
    title: "a boolean that is missing in a subquery's row",
    influxd: "equals false: `SELECT f FROM (SELECT f, b FROM m) WHERE b = false` has rows without b",
    serie: "equals nothing, as in a measurement's row",
    reason: "a statement means the same in parentheses",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) &&
      selectsOf(exchange.text).length > 1 &&
      nodesOf(exchange.text).some(comparesBoolean),
    without: (text) =>
      withNodes(text, (node) => (comparesBoolean(node) ? { kind: "boolean", value: true } : node)),
  },
  {
    title: "points in the order of a subquery's rows",
    influxd: "takes them series after series where several meet",
    serie: "takes them in the order of time",
    reason: "points of a series are in the order of time",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) && selectsOf(exchange.text).length > 1 && dependsOnOrder(exchange.text),
    without: (text) =>
      withSelects(text, (statement) =>
        statement.sources.some(({ kind }) => kind === "subquery") ? withoutOrder(statement) : statement,
      ),
  },
];
