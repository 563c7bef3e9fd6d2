// What is read, and which points calls take.

import type { CallNode, Node } from "../../../src/query/ast.ts";
import type { Difference } from "../differences.ts";
import { callsOf, nodesIn, nodesOf, selectsOf, withCall, withNodes, withSelects } from "../rewrite.ts";
import {
  areMany,
  callCount,
  comparesLength,
  comparesTags,
  dependsOnOrder,
  groupedByAll,
  isCalledInWindows,
  isNumberAsCondition,
  namesTwice,
  techniques,
  transformationCount,
  withOneMeasurement,
  withoutConstants,
  withoutFunctionsInCondition,
  withoutNumbers,
  withoutSeveralCasts,
} from "./claims.ts";
import {
  areAmong,
  cellsOf,
  isAlikeButForNulls,
  isAlikeInShape,
  isAnswered,
  isError,
  isNothing,
  numbersIn,
  rounded,
  rowLines,
  rowsInAnyOrder,
  valuesOf,
  withoutTimes,
} from "./evidence.ts";

/** Without times and signs. */
const withoutSigns = (body: string): string => rounded(withoutTimes(body)).replace(/-(?=\d)/g, "");

const isBoolean = (cell: unknown) => typeof cell === "boolean";

const isDescending = (text: string): boolean => selectsOf(text).some(({ descending }) => descending);

/** Every row of the one is a row of the other. */
const areRowsAmong = (part: string, whole: string): boolean => {
  const rows = rowLines(whole);
  return rows !== null && rowLines(part)?.every((row) => rows.includes(row)) === true;
};

/** A call of that name is a side of an operator. */
const isAmongOperators = (text: string, name: RegExp): boolean =>
  nodesOf(text).some(
    (node) =>
      node.kind === "binary" &&
      [node.left, node.right].some((side) => side.kind === "call" && name.test(side.name)),
  );

const filtersSubquery = (text: string): boolean =>
  selectsOf(text).some(
    ({ condition, sources }) => condition !== null && sources.some(({ kind }) => kind === "subquery"),
  );

/** A sine of what may differ in its last digit. */
const isOfLastDigit = (node: Node): node is CallNode =>
  node.kind === "call" &&
  /^(?:sin|cos|tan)$/.test(node.name) &&
  node.arguments.some((argument) =>
    nodesIn(argument).some((inner) => inner.kind === "call" && /^(?:exp|pow|tan)$/.test(inner.name)),
  );

const isRounding = (node: Node): node is CallNode =>
  node.kind === "call" && /^(?:ceil|floor|round)$/.test(node.name);

const forecasts = /^holt_winters(?:_with_fit)?$/;

export const selections: readonly Difference[] = [
  {
    title: "several series at one time",
    influxd: "takes whichever its heap has on top",
    serie: "takes them in the order of their keys, and for `first()` and `last()` the greatest value",
    reason: "influxd's order depends on the number of its cores and of series; none can be relied on",
    covers: ({ hasTies, serie, influxd, exchange, history }) =>
      (hasTies || history.some(({ text }) => /\binto\b/i.test(text))) &&
      isAnswered(serie, influxd) &&
      (rowsInAnyOrder(serie.body) === rowsInAnyOrder(influxd.body) ||
        (dependsOnOrder(exchange.text) &&
          // (what is less than the point before it is no row, nor what is divided by 0, and a series without rows is none; of
          // other points others are distinct, and satisfy a condition)
          (isAlikeInShape(serie.body, influxd.body) ||
            filtersSubquery(exchange.text) ||
            /non_negative|triple_exponential_derivative/i.test(exchange.text) ||
            (transformationCount(exchange.text) > 0 && /\bdistinct\b/i.test(exchange.text))))),
    without: (text) => withSelects(text, groupedByAll),
  },
  {
    title: "a measurement named twice",
    influxd: "`FROM m, /m/` and `FROM m, m` read every point of `m` twice",
    serie: "reads it once",
    reason: "counting a point twice is a wrong answer",
    covers: ({ exchange, serie, influxd }) => isAnswered(serie, influxd) && namesTwice(exchange.text),
    without: (text) => withSelects(text, withOneMeasurement),
  },
  {
    title: "tags and strings compared",
    influxd: "`<` and `>` of tags and strings match nothing, nor does `a = b` where neither is there",
    serie: "compares them as texts, a missing one being empty",
    reason: "fewer rules",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) && nodesOf(exchange.text).some(comparesTags),
    without: (text) =>
      withNodes(text, (node) => (comparesTags(node) ? { kind: "boolean", value: true } : node)),
  },
  {
    title: "conditions that are partly constant",
    influxd: "`(true) AND time < ...` may answer nothing, or what is not in the range",
    serie: "answers what the range says",
    reason: "`true AND x` is x",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd),
    without: (text) =>
      withSelects(text, (statement) => ({
        ...statement,
        condition: statement.condition === null ? null : withoutConstants(statement.condition),
      })),
  },
  {
    title: "abs of negative integers",
    influxd: "answers them as they are",
    serie: "answers the absolute value",
    reason: "abs(-7) is 7",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd),
    without: (text) =>
      withNodes(text, (node) =>
        node.kind === "call" && node.name === "abs" ? (node.arguments[0] ?? node) : node,
      ),
  },
  {
    title: "functions in conditions",
    influxd:
      "do not read the field in `sqrt(f * 2) > 1`, and find nothing, where the condition does not name it elsewhere; over the rows of a subquery they find nothing at all",
    serie: "are worked out",
    reason: "it is what was asked",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd),
    without: (text) => withSelects(text, withoutFunctionsInCondition),
  },
  {
    title: "infinite numbers",
    influxd: "fails the whole answer: `json: unsupported value: -Inf`",
    serie: "answers null, as for NaN",
    reason: "JSON has no such number, and the rest of the answer is right",
    covers: ({ exchange, serie, influxd }) =>
      (/^json: /m.test(influxd.body) && /unsupported value: [+-]Inf/.test(influxd.body)) ||
      (exchange.format === "csv" &&
        rounded(serie.body) === rounded(influxd.body.replace(/(?<=,)(?:[+-]Inf|NaN)\b/g, ""))),
  },
  {
    title: "sin, cos and tan of large numbers that other functions give",
    influxd: "have Go's last digit of `exp(20)` and `pow(9, 9.5)`, which `sin(exp(20))` shows in its eighth",
    serie: "have that of the C library",
    reason: "both are within one unit in the last place",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd) && isAlikeInShape(serie.body, influxd.body),
    without: (text) => withNodes(text, (node) => (isOfLastDigit(node) ? node.arguments[0]! : node)),
    // (of less than that the ninth digit is the same)
    fits: (_text, _serie, without) => numbersIn(without.body).some((value) => Math.abs(value) > 1e6),
  },
  {
    title: "ceil, floor and round of what differs in its last digit",
    influxd: "`ceil(log10(f))` of 0.1 is -0, as its logarithm is -0.9999999999999999",
    serie: "is -1",
    reason: "the logarithm of 0.1 is -1",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd) && isAlikeInShape(serie.body, influxd.body),
    without: (text) => withNodes(text, (node) => (isRounding(node) ? node.arguments[0]! : node)),
    // (round changes at halves)
    fits: (_text, _serie, without) =>
      numbersIn(without.body).some(
        (value) => Math.abs(2 * value - Math.round(2 * value)) < 1e-9 * Math.abs(value),
      ),
  },
  {
    title: "percentile's row among equal values",
    influxd: "any: its sort is not stable",
    serie: "that of the rank, equal values in the order of time",
    reason: "influxd's choice depends on how many values there are",
    covers: ({ exchange, serie, influxd, history }) =>
      isAnswered(serie, influxd) &&
      (areMany(history) || isDescending(exchange.text)) &&
      isAlikeInShape(serie.body, influxd.body),
    without: (text) => withCall(text, /^percentile$/, "max"),
  },
  {
    title: "sums of integers that are longer than 64 bits",
    influxd: "overflow in median(), moving_average() and fill(linear)",
    serie: "do not",
    reason: "it is what was asked",
    // (the comparison writes no such integers)
    covers: () => false,
  },
  {
    title: "floats cast to integers that are longer than 64 bits",
    influxd: "`1e300::integer` is the least integer",
    serie: "is no value, and meets no condition",
    reason: "there is no such integer",
    // (the comparison writes no such floats)
    covers: () => false,
  },
  {
    title: "OFFSET without LIMIT",
    influxd: "answers one row of each series",
    serie: "answers all rows behind the first ones",
    reason: "it is what is documented",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) &&
      /\boffset \d+/i.test(exchange.text) &&
      !/\blimit \d+/i.test(exchange.text),
    without: (text) => withSelects(text, (statement) => ({ ...statement, offset: 0 })),
  },
  {
    title: "groups after one without a value",
    influxd:
      "are missing, or begin anew beside other calls, where percentile() or holt_winters() has too few values in a group or window",
    serie: "are answered",
    reason: "they have their values",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd),
    // (the 100th is there in every group)
    without: (text) =>
      withNodes(withCall(text, forecasts, "cumulative_sum") ?? text, (node) =>
        node.kind === "call" && node.name === "percentile"
          ? { ...node, arguments: [...node.arguments.slice(0, 1), { kind: "integer", value: 100n }] }
          : node,
      ) ?? withCall(text, forecasts, "cumulative_sum"),
  },
  {
    title: "count(distinct()) without windows",
    influxd: "finds nothing where the range ends before 1970; in a subquery it is null",
    serie: "counts",
    reason: "there are values",
    covers: ({ exchange, serie, influxd }) =>
      isAlikeButForNulls(influxd.body, serie.body) ||
      isNothing(influxd) ||
      (isAnswered(serie, influxd) && selectsOf(exchange.text).length > 1),
    without: (text) =>
      withNodes(text, (node) => {
        const [inner] = node.kind === "call" && node.name === "count" ? node.arguments : [];
        if (inner?.kind === "distinct")
          return {
            kind: "call",
            name: "count",
            arguments: [{ kind: "reference", name: inner.name, cast: null }],
          };
        return inner?.kind === "call" ? { ...inner, name: "count" } : node;
      }),
  },
  {
    title: "a number as a condition",
    influxd: "`WHERE f / 2` is met by every row of a measurement",
    serie: "is met by none",
    reason: "a number is not true",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) &&
      selectsOf(exchange.text).some(({ condition }) => isNumberAsCondition(condition)),
    without: (text) =>
      withSelects(text, (statement) =>
        isNumberAsCondition(statement.condition)
          ? { ...statement, condition: withoutNumbers(statement.condition!) }
          : statement,
      ),
  },
  {
    title: "_tagKey in SELECT",
    influxd:
      "is the name of its own index, as in SHOW: conditions over it hold, as a column it has rows of its own",
    serie: "is a tag or field of that name",
    reason: "it is no word of the language",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd),
    without: (text) =>
      withNodes(text, (node) =>
        node.kind === "reference" && node.name === "_tagKey" ? { ...node, name: "tag_key" } : node,
      ),
  },
  {
    title: "a boolean compared with a length of time",
    influxd: "takes the length for false: `WHERE b = 3s`, and `f < 5 = 3s`",
    serie: "is met by no row",
    reason: "a length of time is no boolean",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) && nodesOf(exchange.text).some(comparesLength),
    without: (text) =>
      withNodes(text, (node) => (comparesLength(node) ? { kind: "boolean", value: true } : node)),
  },
  {
    title: "a name cast to several types in a condition",
    influxd: "is read as one of them, so that of `s::string = 'x' OR s::integer = 5` one side is never met",
    serie: "is read as each of them that it is",
    reason: "each side means what it means alone",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd),
    without: (text) => withSelects(text, withoutSeveralCasts),
  },
  {
    title: "sample() of some of the points",
    influxd: "any of them",
    serie: "any of them",
    reason: "it is chance which ones are taken",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd),
    // (all of them)
    without: (text) =>
      withNodes(text, (node) =>
        node.kind === "call" && node.name === "sample"
          ? { ...node, arguments: [...node.arguments.slice(0, 1), { kind: "integer", value: 1000n }] }
          : node,
      ),
    // (beside other calls, and where more is made of them, others may be rows)
    fits: (text, serie, without) =>
      selectsOf(text).length > 1 ||
      callsOf(text).filter(({ name }) => name !== "time").length > 1 ||
      areAmong(valuesOf(serie.body), valuesOf(without.body)),
  },
  {
    title: "mode among equally frequent values",
    influxd: "any: its sort is not stable, and a descending query gives it the points the other way round",
    serie: "the one that influxd gives for few points in ascending order",
    reason: "influxd's choice depends on how many values there are",
    covers: ({ exchange, serie, influxd, history }) =>
      isAnswered(serie, influxd) &&
      (areMany(history) || isDescending(exchange.text)) &&
      // (negative steps from one to the next leave rows out; of booleans there is no choice)
      (callsOf(exchange.text).some(({ name }) => name.startsWith("non_negative_")) ||
        (isAlikeInShape(serie.body, influxd.body) &&
          cellsOf(serie.body, isBoolean) === cellsOf(influxd.body, isBoolean))),
    without: (text) => withCall(text, /^mode$/, "last"),
  },
  {
    title: "integral over windows",
    influxd: "gives a line that crosses several windows to the last of them, or to none",
    serie: "cuts the line at each window's end",
    reason: "the sum over all windows is the integral of the whole",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) && isCalledInWindows(exchange.text, /^integral$/),
    without: (text) => withCall(text, /^integral$/, "sum"),
  },
  {
    title: "integral of several series or measurements",
    influxd: "series in any order, some of them in two pieces",
    serie: "series in the order of their tags",
    reason: "influxd's order changes from run to run",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) &&
      selectsOf(exchange.text).some(
        ({ dimensions, sources }) =>
          dimensions.length > 0 ||
          sources.length > 1 ||
          sources.some((source) => source.kind === "measurement" && source.pattern !== null),
      ),
    without: (text) => withCall(text, /^integral$/, "sum"),
  },
  {
    title: "integral of a descending query",
    influxd:
      "has the other sign, and stands at the end of all times where the range has none, with a 0 behind it for some conditions",
    serie: "does not depend on the order of the answer",
    reason: "an integral from a to b is one number",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) &&
      (withoutSigns(serie.body) === withoutSigns(influxd.body) ||
        areRowsAmong(withoutSigns(serie.body), withoutSigns(influxd.body)) ||
        isNothing(influxd) ||
        isAmongOperators(exchange.text, /^integral$/)) &&
      callsOf(exchange.text).some(({ name }) => name === "integral") &&
      isDescending(exchange.text),
    without: (text) => withSelects(text, (statement) => ({ ...statement, descending: false })),
  },
  {
    title: "integral beside other calls",
    influxd: "stands in a row of its own, at time 0, or at the last of all times when descending",
    serie: "stands at the time of the other calls",
    reason: "there is one row, and one time for it",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) &&
      (callsOf(exchange.text).length > 1 ||
        nodesOf(exchange.text).some(({ kind }) => kind === "wildcard" || kind === "regex")),
    without: (text) => withCall(text, /^integral$/, "sum"),
  },
  {
    title: "integral over a range",
    influxd:
      "stands at time 0, where a query around it does not look; that of integers at the lower bound, but for that of one point which stands there itself: it is left out",
    serie: "stands at the lower bound",
    reason: "it is where every call without windows stands",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) &&
      /\btime\s*[>=]|[<=]\s*time\b/i.test(exchange.text) &&
      (selectsOf(exchange.text).length > 1 ||
        withoutTimes(serie.body) === withoutTimes(influxd.body) ||
        areAmong(valuesOf(influxd.body), valuesOf(serie.body))),
    without: (text) => withCall(text, /^integral$/, "sum"),
  },
  {
    title: "moving_average and technical analysis over windows",
    influxd: "reads one window before the range, whatever the number of values",
    serie: "reads as many as the first average needs",
    reason: "the first averages are there",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) && isCalledInWindows(exchange.text, techniques),
    without: (text) => withCall(text, techniques, "difference"),
  },
  {
    title: "forecasts beside other calls",
    influxd: "puts what is foretold in rows and series of its own, out of their order",
    serie: "answers it in the rows of its times",
    reason: "there is one row a window",
    covers: ({ exchange, serie, influxd }) =>
      /holt_winters/i.test(exchange.text) &&
      callCount(exchange.text) > 2 &&
      isAnswered(serie, influxd) &&
      valuesOf(serie.body) === valuesOf(influxd.body),
  },
  {
    title: "forecasts beside other calls, descending",
    influxd: "leaves out what is foretold",
    serie: "answers it",
    reason: "it is so in an ascending query",
    covers: ({ exchange, serie, influxd }) =>
      /holt_winters/i.test(exchange.text) &&
      /order by (?:time )?desc/i.test(exchange.text) &&
      callCount(exchange.text) > 2 &&
      isAnswered(serie, influxd),
    without: (text) => withSelects(text, (statement) => ({ ...statement, descending: false })),
  },
  {
    title: "holt_winters over thousands of values",
    influxd: "computes for as long as it takes: 13 s over 4,000 values",
    serie: "refuses what would take more than a few seconds",
    reason: "a statement must not keep the others waiting",
    covers: ({ serie }) => /holt_winters over \d+ values takes too long/.test(serie.body),
  },
  {
    title: "windows of a negative length",
    influxd: "takes `GROUP BY time(-1s)` for none",
    serie: "`time dimension must be longer than zero`",
    reason: "such a length is a slip",
    covers: ({ serie, exchange }) =>
      /time\(\s*-/i.test(exchange.text) && /time dimension must be longer than zero/.test(serie.body),
  },
  {
    title: "stddev of one point",
    influxd: "a value that is null: fill() leaves it, fill(none) shows its window, difference() answers null",
    serie: "no value",
    reason: "fill(0) and fill(none) mean the same for every function",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd),
    without: (text) => withCall(text, /^stddev$/, "spread"),
  },
  {
    title: "booleans beside numbers in operators",
    influxd: "takes some of them, and answers the boolean",
    serie: "`incompatible types: boolean and integer`",
    reason: "there is no such number",
    covers: ({ serie, influxd }) =>
      /incompatible types: (?:boolean and \w+|\w+ and boolean)/.test(serie.body) && !isError(influxd),
  },
  {
    title: "bits of a boolean and of what is missing",
    influxd: "`nope | b` is b",
    serie: "null, as for every operator over what is missing",
    reason: "one rule",
    covers: ({ serie, influxd }) => isAlikeButForNulls(serie.body, influxd.body),
    without: (text) =>
      withNodes(text, (node) =>
        node.kind === "binary" && /^[&|^]$/.test(node.operator) ? node.right : node,
      ),
  },
  {
    title: "time as a column, twice",
    influxd: "shows the second without values",
    serie: "shows time once",
    reason: "it is the same column",
    covers: ({ exchange }) => /\btime\b[^()]*,[^()]*\btime\b.* from /i.test(exchange.text),
    without: (text) =>
      withSelects(text, (statement) => ({
        ...statement,
        fields: statement.fields.filter(
          ({ expression }) => expression.kind !== "reference" || expression.name !== "time",
        ),
      })),
  },
];
