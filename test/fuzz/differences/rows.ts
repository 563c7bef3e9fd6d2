// Which rows are answered: windows, fills, limits.

import type { Node, SelectStatement } from "../../../src/query/ast.ts";
import { Zone } from "../../../src/query/zones.ts";
import type { Difference } from "../differences.ts";
import { callsOf, isWindowed, nodesIn, selectsOf, withSelects } from "../rewrite.ts";
import { areInShards, callCount, isNear1970, techniques, transformationCount } from "./claims.ts";
import {
  isAlikeButForNulls,
  isAlikeInLength,
  isAlikeInShape,
  isAnswered,
  isError,
  isNothing,
  isPartOf,
  numbersIn,
  timesIn,
  withoutEmptyRows,
} from "./evidence.ts";

/** Where numbers differ, and some do, it is by one. */
const areOneApart = (ours: readonly number[], theirs: readonly number[]): boolean => {
  const apart = ours.map((value, i) => Math.abs(value - theirs[i]!)).filter((each) => each !== 0);
  return ours.length === theirs.length && apart.length > 0 && apart.every((each) => each === 1);
};

const hasZoneAndOffset = ({ timezone, dimensions }: SelectStatement): boolean =>
  timezone !== null && dimensions.some((node) => node.kind === "call" && node.arguments.length > 1);

/** No comparison says after when. */
const hasNoBegin = ({ condition }: SelectStatement): boolean => {
  const isTime = (node: Node) => node.kind === "reference" && node.name === "time";
  return !nodesIn(condition ?? { kind: "boolean", value: true }).some(
    (node) =>
      node.kind === "binary" &&
      ((/^(?:>=?|=)$/.test(node.operator) && isTime(node.left)) ||
        (/^(?:<=?|=)$/.test(node.operator) && isTime(node.right))),
  );
};

const isMadeOfWindows = ({ fields }: SelectStatement): boolean =>
  fields.some(({ expression }) =>
    nodesIn(expression).some(
      (node) =>
        node.kind === "call" &&
        (techniques.test(node.name) || /^(?:\w*derivative|\w*difference|elapsed)$/.test(node.name)) &&
        node.arguments[0]?.kind === "call",
    ),
  );

const HOUR_NS = 3_600_000_000_000n;

/** The second has a row where the first has it an hour before, and between the two clocks are put back. */
function beginsInSecondHour(ours: string, theirs: string, zone: Zone): boolean {
  const [our, their] = [ours, theirs].map((body) => timesIn(body).map(BigInt));
  return their!.some(
    (time) =>
      !our!.includes(time) &&
      our!.includes(time - HOUR_NS) &&
      zone.offsetNs(time - HOUR_NS) - zone.offsetNs(time + HOUR_NS) === HOUR_NS,
  );
}

export const rows: readonly Difference[] = [
  {
    title: "fill(number) and fill(previous) without windows",
    influxd: "puts a value wherever a row has none",
    serie: "fills windows only",
    reason: "fill() belongs to GROUP BY time()",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd),
    without: (text) =>
      withSelects(text, (statement) => (isWindowed(statement) ? statement : { ...statement, fill: null })),
  },
  {
    title: "fill(number) of calls over what is no field",
    influxd:
      "shows the number; of a field that no shard of the range has it shows null, or a number that the field could not have",
    serie: "shows null; of every field the number",
    reason: "there is nothing to fill; whether a field is one does not depend on shards",
    covers: ({ exchange, serie, influxd, history }) =>
      selectsOf(exchange.text).some(({ fill }) => fill?.kind === "number") &&
      (isAlikeButForNulls(serie.body, influxd.body) ||
        (areInShards(history) && isAnswered(serie, influxd) && isAlikeInLength(serie.body, influxd.body))),
    without: (text) => withSelects(text, (statement) => ({ ...statement, fill: null })),
    // (count() of no rows is 0, and is filled)
    fits: (text, serie, without) =>
      selectsOf(text).length > 1 ||
      transformationCount(text) > 0 ||
      callsOf(text).some(({ name }) => name === "count") ||
      isAlikeButForNulls(without.body, serie.body),
  },
  {
    title: "fill(number) beside the tags of top() and bottom()",
    influxd: "puts the number in the place of a missing tag",
    serie: "answers null",
    reason: "a number is no tag",
    covers: ({ exchange, serie, influxd }) =>
      /\b(?:top|bottom)\(/i.test(exchange.text) &&
      /fill\([-\d.]+\)/i.test(exchange.text) &&
      isAnswered(serie, influxd),
    without: (text) => withSelects(text, (statement) => ({ ...statement, fill: null })),
  },
  {
    title: "transformations over an empty range",
    influxd: "may answer a row of what fill() puts before the range",
    serie: "answers nothing",
    reason: "there is no window",
    covers: ({ exchange, serie, influxd }) =>
      transformationCount(exchange.text) > 0 && isNothing(serie) && !isError(influxd),
  },
  {
    title: "what is made of windows one after the other, without a begin of the range",
    influxd:
      "answers nothing, where it reads one window before the range: `SELECT difference(mean(v)) FROM m GROUP BY time(1h)`",
    serie: "begins at the first point",
    reason: "there are windows",
    covers: ({ exchange, serie, influxd }) =>
      isNothing(influxd) &&
      !isError(serie) &&
      selectsOf(exchange.text).some(
        (statement) => isWindowed(statement) && hasNoBegin(statement) && isMadeOfWindows(statement),
      ),
  },
  {
    title: "what is made of windows one after the other, where clocks are put before the range",
    influxd:
      "answers one window more, that before the range: it reads as far back as a window is long without the change",
    serie: "begins with the first window of the range",
    reason: "it is what was asked",
    covers: ({ exchange, serie, influxd }) =>
      isPartOf(serie.body, influxd.body) &&
      selectsOf(exchange.text).some(
        (statement) => statement.timezone !== null && isWindowed(statement) && isMadeOfWindows(statement),
      ),
    without: (text) => withSelects(text, (statement) => ({ ...statement, timezone: null })),
  },
  {
    title: "rows of windows without a value",
    influxd: "repeats some where operators join several calls",
    serie: "one row a window",
    reason: "there is one row a window",
    covers: ({ exchange, serie, influxd }) =>
      /time\(/i.test(exchange.text) &&
      callCount(exchange.text) > 2 &&
      isAnswered(serie, influxd) &&
      withoutEmptyRows(serie.body) === withoutEmptyRows(influxd.body),
  },
  {
    title: "fill(linear) about 1970, and in a zone whose clocks are put",
    influxd:
      "numbers windows from 1970 and cuts towards it: two of them are number 0, and the line stands still there; a window that is an hour longer than others is a step like them",
    serie: "goes by the times at which windows begin",
    reason: "the line is straight",
    covers: ({ exchange, serie, influxd, history }) =>
      (isNear1970(history) || selectsOf(exchange.text).some(({ timezone }) => timezone !== null)) &&
      isAnswered(serie, influxd) &&
      // (what is less than the window before it is no row)
      (isAlikeInShape(serie.body, influxd.body) || /non_negative/i.test(exchange.text)),
    without: (text) =>
      withSelects(text, (statement) =>
        statement.fill?.kind === "linear" ? { ...statement, fill: null } : statement,
      ),
  },
  {
    title: "fill(linear) of integers",
    influxd: "is one below the line where that is whole: from 10 to 1000 over 14 windows the 7th is 504",
    serie: "is the line, cut to an integer: 505",
    reason: "the line is straight",
    // (of CSV there are no numbers to compare)
    covers: ({ exchange, serie, influxd }) =>
      selectsOf(exchange.text).some(({ fill }) => fill?.kind === "linear") &&
      [serie, influxd].every(({ body }) => body.startsWith("{")) &&
      isAlikeInShape(serie.body, influxd.body) &&
      Bun.deepEquals(timesIn(serie.body), timesIn(influxd.body)) &&
      areOneApart(numbersIn(serie.body), numbersIn(influxd.body)),
  },
  {
    title: "windows with an offset, in a zone whose clocks are put",
    influxd: "shows windows without a value at the hour of the clock before, beside those that have values",
    serie: "shows each window once",
    reason: "there is one row a window",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) && selectsOf(exchange.text).some(hasZoneAndOffset),
    without: (text) =>
      withSelects(text, (statement) =>
        hasZoneAndOffset(statement) ? { ...statement, fill: { kind: "none" } } : statement,
      ),
  },
  {
    title: "windows of a descending query, in a zone whose clocks are put",
    influxd: "cuts the window in which they are put back in two, where they show its begin again",
    serie: "answers the windows of the ascending query",
    reason: "which points a window has does not depend on the order of the answer",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) &&
      selectsOf(exchange.text).some(({ timezone, descending }) => timezone !== null && descending),
    without: (text) =>
      withSelects(text, (statement) =>
        statement.timezone === null ? statement : { ...statement, descending: false },
      ),
  },
  {
    title: "windows whose first point is in an hour that comes twice",
    influxd: "begin at that hour's second time, beside a window without a value that begins at its first",
    serie: "begin where they do with other points",
    reason: "when a window begins does not depend on its points",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) &&
      selectsOf(exchange.text).some(
        (statement) =>
          statement.timezone !== null &&
          isWindowed(statement) &&
          beginsInSecondHour(serie.body, influxd.body, new Zone(statement.timezone)),
      ),
    without: (text) => withSelects(text, (statement) => ({ ...statement, timezone: null })),
  },
  {
    title: "max-select-buckets",
    influxd: "is set to 100,000 in this comparison, and counts windows before the first point",
    serie:
      "is bounded by the memory of a query, and 1,000,000 windows from the first stored point, or the begin that is given, to the last",
    reason: "a setting of the comparison",
    covers: ({ influxd }) => influxd.body.includes("max-select-buckets limit exceeded"),
  },
];
