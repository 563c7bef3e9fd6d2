// The table of deliberate differences from influxd 1.6.7: what the comparison lets pass, and what docs/differences.md shows.
//
// An entry is as narrow as it can be said. What is not in it is a bug of serie.
import type { SelectStatement } from "../../src/query/ast.ts";
import { parseQuery } from "../../src/query/parse/parser.ts";
import type { Exchange, Reply } from "./pair.ts";

export interface Observation {
  readonly exchange: Exchange;
  readonly serie: Reply;
  readonly influxd: Reply;
  /** Series of the data share times. */
  readonly hasTies: boolean;
  /** What was sent before. */
  readonly history: readonly Exchange[];
}

export interface Difference {
  /** A few words, unique. */
  readonly title: string;
  readonly influxd: string;
  readonly serie: string;
  readonly reason: string;
  /** Whether this explains why the two replies are not the same. */
  covers(observation: Observation): boolean;
}

const techniques =
  /\b(?:\w*exponential_(?:moving_average|derivative)|relative_strength_index|chande_momentum_oscillator|kaufmans_\w+)\(/i;

export const differences: readonly Difference[] = [
  {
    title: "several series at one time",
    influxd: "takes whichever its heap has on top",
    serie: "takes them in the order of their keys",
    reason: "influxd's order depends on the number of its cores and of series; none can be relied on",
    covers: ({ hasTies, serie, influxd, exchange, history }) =>
      (hasTies || history.some(({ text }) => /\binto\b/i.test(text))) &&
      /^select/i.test(exchange.text) &&
      !/"error"/.test(serie.body + influxd.body),
  },
  {
    title: "a measurement named twice",
    influxd: "`FROM m, /m/` and `FROM m, m` read every point of `m` twice",
    serie: "reads it once",
    reason: "counting a point twice is a wrong answer",
    covers: ({ exchange }) => namesTwice(exchange.text),
  },
  {
    title: "EXPLAIN and EXPLAIN ANALYZE",
    influxd: "tells of its iterators and shards",
    serie: "prints the plan it runs",
    reason: "the plan is serie's own",
    covers: ({ exchange, serie, influxd }) =>
      /^\s*explain/i.test(exchange.text) && serie.status === 200 && influxd.status === 200,
  },
  {
    title: "integral over windows",
    influxd: "gives a line that crosses several windows to the last of them, or to none",
    serie: "cuts the line at each window's end",
    reason: "the sum over all windows is the integral of the whole",
    covers: ({ exchange }) => /integral\(/i.test(exchange.text) && /group by time/i.test(exchange.text),
  },
  {
    title: "integral with GROUP BY",
    influxd: "series in any order, some of them in two pieces",
    serie: "series in the order of their tags",
    reason: "influxd's order changes from run to run",
    covers: ({ exchange }) => /integral\(/i.test(exchange.text) && /group by/i.test(exchange.text),
  },
  {
    title: "integral of a descending query",
    influxd: "has the other sign",
    serie: "does not depend on the order of the answer",
    reason: "an integral from a to b is one number",
    covers: ({ exchange, serie, influxd }) =>
      /integral\(/i.test(exchange.text) &&
      /order by (?:time )?desc/i.test(exchange.text) &&
      serie.body.replaceAll("-", "") === influxd.body.replaceAll("-", ""),
  },
  {
    title: "integral beside other calls",
    influxd: "stands in a row of its own, at time 0, or at the last of all times when descending",
    serie: "stands at the time of the other calls",
    reason: "there is one row, and one time for it",
    covers: ({ exchange, serie, influxd }) =>
      /integral\(/i.test(exchange.text) &&
      callCount(exchange.text) > 1 &&
      !/"error"/.test(serie.body + influxd.body),
  },
  {
    title: "integral of floats over a range",
    influxd: "stands at time 0, where a query around it does not look; that of integers at the lower bound",
    serie: "stands at the lower bound",
    reason: "it is where every call without windows stands",
    covers: ({ exchange: { text }, serie, influxd }) =>
      /integral\(/i.test(text) &&
      /\btime\s*>/i.test(text) &&
      !/"error"/.test(serie.body + influxd.body) &&
      (/\(\s*select/i.test(text) || withoutTimes(serie.body) === withoutTimes(influxd.body)),
  },
  {
    title: "moving_average and technical analysis over windows",
    influxd: "reads one window before the range, whatever the number of values",
    serie: "reads as many as the first average needs",
    reason: "the first averages are there",
    covers: ({ exchange, serie, influxd }) =>
      (/moving_average\(/i.test(exchange.text) ||
        (techniques.test(exchange.text) && !/"error"/.test(serie.body + influxd.body))) &&
      /group by time/i.test(exchange.text),
  },
  {
    title: "messages of technical analysis",
    influxd: "`exponential_moving_average period must be greater than or equal to 1`",
    serie: "`exponential_moving_average period must be greater than 1, got 0`, as InfluxDB 1.8",
    reason: "they name what was found",
    covers: ({ exchange, serie, influxd }) =>
      techniques.test(exchange.text) &&
      /(?:period|warmup type) must be/.test(serie.body) &&
      /(?:period|warmup type) must be/.test(influxd.body),
  },
  {
    title: "LIMIT and OFFSET with top and bottom",
    influxd: "limits the rows that top() and bottom() look at",
    serie: "limits the rows of the answer",
    reason: "it is what is documented",
    covers: ({ exchange, serie, influxd }) =>
      /\b(?:top|bottom)\(/i.test(exchange.text) &&
      /\b(?:limit|offset) \d/i.test(exchange.text) &&
      !/"error"/.test(serie.body + influxd.body),
  },
  {
    title: "SLIMIT and SOFFSET",
    influxd:
      "counts series of the index, also those without a row in the answer, and SOFFSET eats into SLIMIT",
    serie: "skips SOFFSET series of the answer, then gives SLIMIT",
    reason: "it is what is documented: so many series of the answer",
    covers: ({ exchange, serie, influxd }) =>
      /slimit \d+/i.test(exchange.text) && !/"error"/.test(serie.body + influxd.body),
  },
  {
    title: "replicaN in CSV",
    influxd: "repeats the column's name in the place of the number",
    serie: "writes the number",
    reason: "a slip of influxd's CSV writer",
    covers: ({ exchange, influxd }) => exchange.format === "csv" && influxd.body.includes(",replicaN,true"),
  },
  {
    title: "stddev of one point",
    influxd: "a value that is null: fill() leaves it, fill(none) shows its window, difference() answers null",
    serie: "no value",
    reason: "fill(0) and fill(none) mean the same for every function",
    covers: ({ exchange }) => /stddev\(/i.test(exchange.text) && /group by time/i.test(exchange.text),
  },
  {
    title: "ORDER BY time ASC in a subquery of a descending query",
    influxd: "refuses it",
    serie: "takes the order of the query",
    reason: "the order of a subquery's rows is not seen from outside",
    covers: ({ exchange, influxd }) =>
      influxd.body.includes("subqueries must be ordered in the same direction") &&
      /order by time asc/i.test(exchange.text),
  },
  {
    title: "SHOW in chunks",
    influxd: "ignores chunk_size, and answers a result for each series",
    serie: "chunks of chunk_size rows, with `partial`",
    reason: "the answer to SHOW SERIES can be as long as that to SELECT",
    covers: ({ exchange, serie, influxd }) =>
      exchange.format === "chunked" &&
      /^show/i.test(exchange.text) &&
      Bun.deepEquals(joinedSeries(serie.body), joinedSeries(influxd.body)),
  },
  {
    title: "infinite numbers",
    influxd: "fails the whole answer: `json: unsupported value: -Inf`",
    serie: "answers null, as for NaN",
    reason: "JSON has no such number, and the rest of the answer is right",
    covers: ({ exchange, influxd }) =>
      (influxd.body.startsWith("json: ") && /unsupported value: [+-]Inf/.test(influxd.body)) ||
      (exchange.format === "csv" && /,[+-]Inf\b/.test(influxd.body)),
  },
  {
    title: "infinite numbers written by INTO",
    influxd: "leaves out the row",
    serie: "leaves out the value",
    reason: "the other values of the row are right",
    covers: ({ exchange, serie, influxd }) =>
      /\b(?:ln|log|log2|log10|exp|pow|tan)\(.*\binto\b/i.test(exchange.text) &&
      serie.body.includes('"written"') &&
      influxd.body.includes('"written"'),
  },
  {
    title: "wrong types where there is nothing to read",
    influxd: "answers nothing when no shard, or no column of the subquery, is read",
    serie: "says what is wrong with the statement",
    reason: "whether a statement is right does not depend on the times and rows it meets",
    covers: ({ serie, influxd }) =>
      /"error": ?"(?:type error|unsupported \w+( \w+)? iterator type)/.test(serie.body) &&
      (!/"error"|"series"/.test(influxd.body) || /"written"\],"values":\[\[\d+,0\]\]/.test(influxd.body)),
  },
  {
    title: "wrong types where the range of times is empty",
    influxd: "says so when a shard lies in the range turned round",
    serie: "answers nothing",
    reason: "influxd's answer depends on its shards",
    covers: ({ serie, influxd }) =>
      /"error": ?"unsupported \w+( \w+)? iterator type/.test(influxd.body) &&
      !/"error"|"series"/.test(serie.body),
  },
  {
    title: "wrong types in a column of a subquery that nothing reads",
    influxd: "does not look at it",
    serie: "says what is wrong with the statement",
    reason: "whether a statement is right does not depend on who reads it",
    covers: ({ exchange, serie, influxd }) =>
      /\(select/i.test(exchange.text) &&
      /"error": ?"(?:type error|unsupported \w+( \w+)? iterator type)/.test(serie.body) &&
      !/"error"/.test(influxd.body),
  },
  {
    title: "abs of negative integers",
    influxd: "answers them as they are, and compares nothing with abs() in a subquery's WHERE",
    serie: "answers the absolute value",
    reason: "abs(-7) is 7",
    covers: ({ exchange }) => /abs\(/i.test(exchange.text),
  },
  {
    title: "fill(number) and fill(previous) without windows",
    influxd: "puts a value wherever a row has none",
    serie: "fills windows only",
    reason: "fill() belongs to GROUP BY time()",
    covers: ({ exchange, serie, influxd }) =>
      /fill\((?:[-\d.]+|previous)\)/i.test(exchange.text) &&
      !/group by[^)]* time\(|group by time\(/i.test(exchange.text) &&
      !/"error"/.test(serie.body + influxd.body),
  },
  {
    title: "order of a subquery's rows",
    influxd: "series after series where several meet",
    serie: "in the order of time",
    reason: "rows of a series are in the order of time",
    covers: ({ exchange, serie, influxd }) =>
      /\(select/i.test(exchange.text) && rowsInAnyOrder(serie.body) === rowsInAnyOrder(influxd.body),
  },
  {
    title: "tags and strings compared",
    influxd: "`<` and `>` of tags and strings match nothing, nor does `a = b` where neither is there",
    serie: "compares them as texts, a missing one being empty",
    reason: "fewer rules",
    covers: ({ exchange, influxd }) =>
      /['\w"](?:::tag)? [<>]=? '|(?:"|\w) (?:=|!=|<>) (?:"|[a-z])/.test(exchange.text) &&
      !/"error"/.test(influxd.body),
  },
  {
    title: "names of iterators in messages",
    influxd: "names the Go type of its iterator: `*query.booleanReduceBooleanIterator`",
    serie: "names that of the commonest: `*query.booleanInterruptIterator`",
    reason: "there are no such iterators in serie",
    covers: ({ serie, influxd }) =>
      serie.body.replace(/\*query\.\w+/g, "") === influxd.body.replace(/\*query\.\w+/g, ""),
  },
  {
    title: "percentile's row among equal values",
    influxd: "any: its sort is not stable",
    serie: "the first in the order of time",
    reason: "influxd's choice depends on how many values there are",
    covers: ({ exchange, serie, influxd }) =>
      /percentile\(/i.test(exchange.text) &&
      !/time\(/i.test(exchange.text) &&
      !/"error"/.test(serie.body + influxd.body),
  },
  {
    title: "mode among equally frequent values",
    influxd: "any: its sort is not stable, and a descending query gives it the points the other way round",
    serie: "the one that influxd gives for few points in ascending order",
    reason: "influxd's choice depends on how many values there are",
    covers: ({ exchange, serie, influxd }) =>
      /mode\(/i.test(exchange.text) && !/"error"/.test(serie.body + influxd.body),
  },
  {
    title: "LIMIT with several transformations, or with fill(none)",
    influxd: "limits the points of each call, so that more rows are answered, and operators meet nothing",
    serie: "limits the rows",
    reason: "it is what is documented",
    covers: ({ exchange }) =>
      /(?:limit|offset) \d/i.test(exchange.text) &&
      (transformationCount(exchange.text) > 1 || /fill\(none\)/i.test(exchange.text)),
  },
  {
    title: "LIMIT and OFFSET in a subquery",
    influxd: "limit the points of all its series together, or of each of its calls",
    serie: "limit the rows of each series",
    reason: "it is what the subquery answers by itself",
    covers: ({ exchange, serie, influxd }) =>
      /\(select.*\b(?:limit|offset) \d.*\)/i.test(exchange.text) &&
      !/"error"/.test(serie.body + influxd.body),
  },
  {
    title: "conditions of SHOW that are none",
    influxd: "`&influxql.BooleanLiteral{Val:true}`, or nothing where there is no series",
    serie: "says what is wrong with the condition",
    reason: "whether a statement is right does not depend on what it meets",
    covers: ({ exchange, serie, influxd }) =>
      (/^show.* where /i.test(exchange.text) && influxd.body.includes("left side of '")) ||
      (/^show.* where /i.test(exchange.text) &&
        /"error": ?"(?:invalid condition expression|left side of|right side of|invalid tag comparison)/.test(
          serie.body,
        ) &&
        (!/"error"|"series"/.test(influxd.body) ||
          /influxql\.|"error"/.test(influxd.body) ||
          / or | and | [-+*/%&|^] /i.test(exchange.text))),
  },
  {
    title: "transformations over an empty range",
    influxd: "may answer a row of what fill() puts before the range",
    serie: "answers nothing",
    reason: "there is no window",
    covers: ({ exchange, serie, influxd }) =>
      /fill\(/i.test(exchange.text) &&
      transformationCount(exchange.text) > 0 &&
      !/"error"|"series"/.test(serie.body) &&
      !/"error"/.test(influxd.body),
  },
  {
    title: "blanks around `::`",
    influxd: "takes the blank for the type, and `f ::tag` for two words",
    serie: "skips them",
    reason: "as between all other words",
    covers: ({ exchange, serie, influxd }) =>
      /\s::|::\s/.test(exchange.text) && serie.status >= 200 && influxd.status === 400,
  },
  {
    title: "casts of a subquery's column",
    influxd: "ignores the cast",
    serie: "answers null: the column is of another type",
    reason: "it is so of a measurement's field",
    covers: ({ exchange, serie, influxd }) =>
      /::(?:tag|field|float|integer|string|boolean)/i.test(exchange.text) &&
      /\(select/i.test(exchange.text) &&
      !/"error"/.test(serie.body + influxd.body),
  },
  {
    title: "conditions of DROP SERIES that are partly constant",
    influxd:
      "works out `1 = 1 OR ...` first, and does not look at the other side of what holds for no series",
    serie: "`fields not supported in WHERE clause during deletion`",
    reason: "nothing is dropped by a condition that is not over tags",
    covers: ({ exchange, serie }) =>
      /^drop series.* (?:or|and) /i.test(exchange.text) &&
      serie.body.includes("fields not supported in WHERE"),
  },
  {
    title: "a blank before the parenthesis of a call",
    influxd: "refuses it",
    serie: "takes it",
    reason: "no statement that influxd takes means something else",
    covers: ({ influxd }) => /found \(, expected/.test(influxd.body),
  },
  {
    title: "times in SHOW",
    influxd: "looks at whole shards: names of series that have no point in the range",
    serie: "names of series that have a point in the range",
    reason: "it is what was asked",
    covers: ({ exchange, serie, influxd }) =>
      /^show/i.test(exchange.text) && /time [<>=]/i.test(exchange.text) && isPartOf(serie.body, influxd.body),
  },
  {
    title: "series without points",
    influxd: "DELETE leaves a series in SHOW SERIES while its shard has others",
    serie: "a series whose points are all deleted is gone",
    reason: "there is nothing of it left",
    covers: ({ exchange, serie, influxd, history }) =>
      /^show/i.test(exchange.text) && deletes(history) && isPartOf(serie.body, influxd.body),
  },
  {
    title: "fields without points",
    influxd:
      "keeps the fields of a measurement without series: in SHOW FIELD KEYS, and as columns of `SELECT * FROM /.*/`",
    serie: "a measurement without series is gone, and its fields may come with other types",
    reason: "there is nothing of it left",
    covers: ({ exchange, serie, influxd, history }) =>
      deletes(history) &&
      (/^show field/i.test(exchange.text)
        ? isPartOf(serie.body, influxd.body)
        : /^select \*/i.test(exchange.text) &&
          rowsWithoutNulls(serie.body) === rowsWithoutNulls(influxd.body)),
  },
  {
    title: "cardinality over several shards",
    influxd: "counts a series, a tag or a field once for each shard that has it",
    serie: "counts it once",
    reason: "it is how many there are",
    covers: ({ exchange, serie, influxd }) =>
      /^show.*cardinality/i.test(exchange.text) && countsAreLess(serie.body, influxd.body),
  },
  {
    title: "DELETE by values",
    influxd: "`fields not supported in WHERE clause during deletion`",
    serie: "deletes the points that satisfy the condition",
    reason: "an extension: [extensions.md](extensions.md)",
    covers: ({ exchange, influxd }) =>
      /^delete/i.test(exchange.text) && influxd.body.includes("fields not supported in WHERE clause"),
  },
  {
    title: "a quoted name right behind a bare one",
    influxd: 'drops the bare one: `pow"v"` is read as `v`',
    serie: "reads two words",
    reason: "a slip of influxd's lexer",
    covers: ({ exchange }) => /\w"\w+"/.test(exchange.text),
  },
  {
    title: "a tag beside top() or bottom() over a subquery",
    influxd: "answers null where the query groups by it, and takes rows without the tag for different ones",
    serie: "answers the tag; rows without it are alike",
    reason: "the tag is known",
    covers: ({ exchange, serie, influxd }) =>
      /\b(?:top|bottom)\([^)]*[a-z"][^)]*,/i.test(exchange.text) &&
      /\(select/i.test(exchange.text) &&
      !/"error"/.test(serie.body + influxd.body),
  },
  {
    title: "which of several errors",
    influxd: "makes its iterators side by side, and tells of any of them that cannot be",
    serie: "tells of the first in the order of the statement",
    reason: "it is the same on every run",
    covers: ({ serie, influxd }) =>
      [serie, influxd].every(({ body }) =>
        /"(?:type error|unsupported \w+(?: \w+)? iterator type)/.test(body),
      ) ||
      (/"error"/.test(serie.body) && influxd.body.includes('"database not found: nope"')),
  },
  {
    title: "the place of the end in messages",
    influxd: "counts the end of a statement one on or back, by what its parser looked at before",
    serie: "one behind the last character",
    reason: "an accident of influxd's reader",
    covers: ({ serie, influxd }) => {
      const [ours, theirs] = [placeOf(serie.body), placeOf(influxd.body)];
      return (
        ours?.found === "EOF" && ours.words === theirs?.words && Math.abs(ours.place - theirs.place) <= 2
      );
    },
  },
  {
    title: "what was expected, in messages of parse errors",
    influxd: "what the rule expects that it is in; where a regex is none, that",
    serie: "what its own rule expects at this place",
    reason: "both are at the place, and name what they found",
    covers: ({ exchange, serie, influxd }) => {
      const [ours, theirs] = [placeOf(serie.body), placeOf(influxd.body)];
      if (ours === null || serie.status !== 400 || influxd.status !== 400) return false;
      return theirs === null || /^create retention/i.test(exchange.text)
        ? theirs !== null || /error parsing regexp/.test(influxd.body)
        : Math.abs(ours.place - theirs.place) <= 4;
    },
  },
  {
    title: "SHOW SERIES EXACT",
    influxd: "reads it as SHOW SERIES",
    serie: "expects CARDINALITY",
    reason: "EXACT alone means nothing",
    covers: ({ exchange }) => /^show series exact\s*(?!cardinality)/i.test(exchange.text),
  },
  {
    title: "DISTINCT as a word in a subquery",
    influxd: "answers nothing: `SELECT * FROM (SELECT DISTINCT v FROM m)`",
    serie: "answers what `distinct(v)` does",
    reason: "it is what it does outside of a subquery",
    covers: ({ exchange, influxd }) =>
      /\(select.*\bdistinct [^(]/i.test(exchange.text) && !/"error"|"series"/.test(influxd.body),
  },
  {
    title: "rows of windows without a value",
    influxd: "repeats some where operators join several calls",
    serie: "one row a window",
    reason: "there is one row a window",
    covers: ({ exchange, serie, influxd }) =>
      /time\(/i.test(exchange.text) &&
      callCount(exchange.text) > 2 &&
      rowsOfValues(serie.body) === rowsOfValues(influxd.body),
  },
  {
    title: "a field twice in a subquery",
    influxd: "`SELECT * FROM (SELECT f, f FROM m)` shows it once",
    serie: "shows the columns that the subquery has: `f` and `f_1`",
    reason: "it is what the subquery answers by itself",
    covers: ({ exchange, serie, influxd }) =>
      /\*.*\(select/i.test(exchange.text) &&
      /_1"/.test(serie.body) &&
      !/"error"/.test(serie.body + influxd.body),
  },
  {
    title: "fill(number) of calls over what is no field",
    influxd: "shows the number",
    serie: "shows null",
    reason: "there is nothing to fill",
    covers: ({ exchange, serie, influxd }) => {
      const number = /fill\(([-\d.]+)\)/i.exec(exchange.text)?.[1];
      const plain = (body: string) =>
        body.replaceAll(/(?<=,)(?:null|[-\d.]+)(?=[,\]])/g, (cell) =>
          [number, String(Math.trunc(Number(number))), "null"].includes(cell) ? "filled" : cell,
        );
      return number !== undefined && plain(serie.body) === plain(influxd.body);
    },
  },
  {
    title: "booleans beside numbers in operators",
    influxd: "takes some of them, and answers the boolean",
    serie: "`incompatible types: boolean and integer`",
    reason: "there is no such number",
    covers: ({ serie, influxd }) =>
      /incompatible types: (?:boolean and \w+|\w+ and boolean)/.test(serie.body) &&
      !/"error"/.test(influxd.body),
  },
  {
    title: "time as a column, twice",
    influxd: "shows the second without values",
    serie: "shows time once",
    reason: "it is the same column",
    covers: ({ exchange }) => /\btime\b[^()]*,[^()]*\btime\b.* from /i.test(exchange.text),
  },
  {
    title: "`::unsigned` in messages",
    influxd: "does not know the type",
    serie: "names it among those that a cast may have",
    reason: "there are unsigned integers in serie",
    covers: ({ serie, influxd }) =>
      errorOf(serie.body).replace("integer, unsigned,", "integer,") === errorOf(influxd.body),
  },
  {
    title: "a tag of the outer GROUP BY beside unknown columns of a subquery",
    influxd: "answers nothing",
    serie: "answers rows with the tag",
    reason: "it does so where the subquery groups by the tag itself",
    covers: ({ exchange, serie, influxd }) =>
      /\(select.*\bgroup by/i.test(exchange.text) &&
      !/"error"|"series"/.test(influxd.body) &&
      !/"error"/.test(serie.body) &&
      cellsOf(serie.body, isNumber).replace(/[^0-9]/g, "").length === timesOf(serie.body).length,
  },
  {
    title: "integers divided in a subquery",
    influxd: "may cut the quotient to an integer, and drops one by zero",
    serie: "answers what the subquery answers by itself: the quotient, 0 by zero",
    reason: "a statement means the same in parentheses",
    covers: ({ exchange, serie, influxd }) =>
      /\(select.* \/ /i.test(exchange.text) && !/"error"/.test(serie.body + influxd.body),
  },
  {
    title: "unknown columns of a subquery in `SELECT *`",
    influxd: "shows them, without values",
    serie: "leaves them out, as of a measurement",
    reason: "there is nothing to show",
    covers: ({ exchange, serie, influxd }) =>
      /\*.*\(select/i.test(exchange.text) &&
      !/"error"/.test(serie.body + influxd.body) &&
      sortedLines(rowsOfValues(serie.body)).trim() ===
        sortedLines(rowsOfValues(influxd.body))
          .replace(/^\S+ $/gm, "")
          .trim(),
  },
  {
    title: "a subquery beside a measurement",
    influxd:
      "answers nothing at all when the subquery has no rows; GROUP BY * groups the subquery by the measurement's tags, too",
    serie: "answers each source as if it stood alone",
    reason: "what a source answers does not depend on its neighbour",
    covers: ({ exchange, serie, influxd }) =>
      isBesideSubquery(exchange.text) && !/"error"/.test(serie.body + influxd.body),
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
      !/"error"/.test(serie.body + influxd.body),
  },
  {
    title: "values in SHOW",
    influxd:
      "`invalid tag comparison operator`, or nothing, where SHOW TAG KEYS or TAG VALUES compares a field",
    serie: "names of series that have such a point",
    reason: "an extension: [extensions.md](extensions.md)",
    covers: ({ exchange, serie, influxd }) =>
      /^show (?:tag|series|field|measurement)/i.test(exchange.text) &&
      / where /i.test(exchange.text) &&
      !/"error"/.test(serie.body) &&
      (/ cardinality|=~|!~/i.test(exchange.text) ||
        influxd.body.includes("invalid tag comparison operator") ||
        !/"error"|"series"/.test(influxd.body)),
  },
  {
    title: "SHOW SERIES and retention policies",
    influxd: "shows series of the default policy only",
    serie: "shows those of all of them",
    reason: "SHOW MEASUREMENTS, TAG KEYS and TAG VALUES do, in both",
    covers: ({ exchange, serie, influxd, history }) =>
      /^show (?:series|field keys)/i.test(exchange.text) &&
      history.some(({ text }) => /retention policy.*default/i.test(text)) &&
      isPartOf(influxd.body, serie.body),
  },
  {
    title: "no default retention policy",
    influxd:
      "still has the name of the one that was dropped: `retention policy not found: autogen`; a new policy of that name is the default",
    serie: "has none, until one is made the default",
    reason: "there is none",
    covers: ({ exchange, serie, influxd, history }) =>
      serie.body.includes('"retention policy not found: "') ||
      (/^show retention/i.test(exchange.text) &&
        history.some(({ text }) => /^drop retention/i.test(text)) &&
        serie.body.replaceAll("false", "true") === influxd.body.replaceAll("false", "true")),
  },
  {
    title: "words where a password should be",
    influxd: "repeats them in its message",
    serie: "`found [REDACTED]`",
    reason: "it may be the password, and messages are logged",
    covers: ({ serie }) => serie.body.includes("found [REDACTED]"),
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
      !/"error"/.test(serie.body + influxd.body),
  },
  {
    title: "conditions that are partly constant",
    influxd: "`(true) AND time < ...` may answer nothing, or what is not in the range",
    serie: "answers what the range says",
    reason: "`true AND x` is x",
    covers: ({ exchange, serie, influxd }) =>
      / where .*\b(?:true|false)\b/i.test(exchange.text) &&
      !/"error"/.test(serie.body + influxd.body) &&
      (serie.body.includes('"series"') ? !influxd.body.includes('"series"') : true),
  },
  {
    title: "windows of a subquery before the range",
    influxd:
      "shows windows that begin before the range of the query around it, where the subquery's windows do",
    serie: "shows the windows of the range",
    reason: "it is what was asked",
    covers: ({ exchange, serie, influxd }) =>
      /\(select.*group by[^)]* ?time\(.*\).* where .*time >/i.test(exchange.text) &&
      !/"error"/.test(serie.body + influxd.body),
  },
  {
    title: "holt_winters over thousands of values",
    influxd: "computes for as long as it takes: 13 s over 4,000 values",
    serie: "refuses what would take more than a few seconds",
    reason: "a statement must not keep the others waiting",
    covers: ({ serie }) => /holt_winters over \d+ values takes too long/.test(serie.body),
  },
  {
    title: "cardinality of tag values where a tag is missing",
    influxd: "leaves out series without the tag that `!=` or `!~` speaks of",
    serie: "counts them, as SHOW TAG VALUES lists them in both",
    reason: "the count is that of the list",
    covers: ({ exchange, serie, influxd }) =>
      /^show tag values.*cardinality.* where .*(?:!|<>|not)/i.test(exchange.text) &&
      !/"error"/.test(serie.body + influxd.body) &&
      (rowLines(influxd.body) ?? []).every((line) => {
        const name = line.slice(0, line.indexOf(" "));
        return (rowLines(serie.body) ?? []).some((other) => other.startsWith(`${name} `));
      }),
  },
  {
    title: "fill(number) beside the tags of top() and bottom()",
    influxd: "puts the number in the place of a missing tag",
    serie: "answers null",
    reason: "a number is no tag",
    covers: ({ exchange, serie, influxd }) =>
      /\b(?:top|bottom)\(/i.test(exchange.text) &&
      /fill\([-\d.]+\)/i.test(exchange.text) &&
      !/"error"/.test(serie.body + influxd.body),
  },
  {
    title: "integers for floats in INTO",
    influxd: "`field type conflict`: the whole row is dropped",
    serie: "converts what can be converted exactly, as in every write",
    reason: "no point is lost for its type",
    covers: ({ exchange, serie, influxd }) =>
      /\binto\b/i.test(exchange.text) &&
      influxd.body.includes("field type conflict") &&
      serie.body.includes('"written"'),
  },
  {
    title: "wrong operands beside columns that are not there",
    influxd: "`invalid argument type for the second argument in pow(): tag`",
    serie: "answers nothing: none of the columns is there",
    reason: "of what is not there no type is known",
    covers: ({ serie, influxd }) =>
      influxd.body.includes("invalid argument type for the") && !/"error"|"series"/.test(serie.body),
  },
  {
    title: "panics",
    influxd: "answers `[panic:...]`",
    serie: "answers or says what is wrong",
    reason: "a slip of influxd",
    covers: ({ influxd }) => influxd.body.includes("[panic:"),
  },
  {
    title: "statements after one that fails",
    influxd: "are not run; one `not executed` takes the place of the error",
    serie: "are not run; each answers `not executed`, behind the error",
    reason: "the error must be seen, and every statement has its result",
    covers: ({ exchange, influxd }) => exchange.text.includes(";") && influxd.body.includes('"not executed"'),
  },
  {
    title: "an empty text of statements",
    influxd: "`;` is answered `{}`",
    serie: "answers an empty result",
    reason: "clients read results[0]",
    covers: ({ exchange, influxd }) => /^\s*;[\s;]*$/.test(exchange.text) && influxd.body.trim() === "{}",
  },
  {
    title: "casts of a subquery's columns to what they are not",
    influxd: "refuses functions of numbers over them",
    serie: "finds no value in them",
    reason: "it is so where the column is not cast in a subquery",
    covers: ({ exchange, influxd }) =>
      /\(select.*::(?:string|boolean)/i.test(exchange.text) &&
      /"unsupported \w+(?: \w+)? iterator type/.test(influxd.body),
  },
  {
    title: "SHOW STATS and SHOW DIAGNOSTICS",
    influxd: "tell of its own parts",
    serie: "tell of serie's",
    reason: "the parts are others",
    covers: ({ exchange }) => /^show (?:stats|diagnostics)/i.test(exchange.text),
  },
  {
    title: "max-select-buckets",
    influxd: "is set to 100,000 in this comparison, and counts windows before the first point",
    serie: "is bounded by the memory of a query",
    reason: "a setting of the comparison",
    covers: ({ influxd }) => influxd.body.includes("max-select-buckets limit exceeded"),
  },
  {
    title: "`partial` in long series",
    influxd: "leaves `partial: true` on a whole series of more than 10,000 rows",
    serie: "leaves it out: nothing is missing",
    reason: "a slip of influxd's merging of its own chunks",
    covers: ({ exchange, serie, influxd }) =>
      exchange.format !== "chunked" && serie.body === influxd.body.replaceAll(',"partial":true', ""),
  },
  {
    title: "failed statements in CSV",
    influxd: "answers nothing",
    serie: "a block with the header `error` and the message",
    reason: "an error that is not said is taken for no data",
    covers: ({ exchange, serie, influxd }) =>
      exchange.format === "csv" && serie.body.startsWith("error\n") && influxd.body === "",
  },
];

function isBesideSubquery(text: string): boolean {
  let isFound = false;
  const visit = ({ sources }: SelectStatement) => {
    const subqueries = sources.filter((source) => source.kind === "subquery");
    if (subqueries.length > 0 && sources.length > 1) isFound = true;
    for (const { statement } of subqueries) visit(statement);
  };
  try {
    for (const statement of parseQuery(text)) if (statement.kind === "select") visit(statement);
  } catch {
    return false;
  }
  return isFound;
}

/** Several sources beside each other, one of them a regex or two of them the same. */
function namesTwice(text: string): boolean {
  let isFound = false;
  const visit = (statement: SelectStatement) => {
    const named = statement.sources.filter((source) => source.kind === "measurement");
    const names = named.map((source) => source.name);
    if (named.length > 1 && (names.includes("") || new Set(names).size < names.length)) isFound = true;
    for (const source of statement.sources) if (source.kind === "subquery") visit(source.statement);
  };
  try {
    for (const statement of parseQuery(text)) if (statement.kind === "select") visit(statement);
  } catch {
    return false;
  }
  return isFound;
}

interface Document {
  readonly results?: readonly {
    readonly series?: readonly { readonly values?: unknown[]; readonly partial?: boolean }[];
  }[];
}

/** One, or a line each. */
function documentsOf(body: string): Document[] {
  try {
    return [JSON.parse(body)];
  } catch {
    return body
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  }
}

/** The series of a chunked answer, whole; the other parts of its documents left out. */
function joinedSeries(body: string): { head: string; values: unknown[] }[] {
  const whole: { head: string; values: unknown[] }[] = [];
  for (const document of documentsOf(body))
    for (const result of document.results ?? [])
      for (const { values = [], partial: _, ...rest } of result.series ?? []) {
        const head = JSON.stringify(rest);
        if (whole.at(-1)?.head === head) whole.at(-1)!.values.push(...values);
        else whole.push({ head, values: [...values] });
      }
  return whole;
}

const transformationCount = (text: string): number =>
  text.match(
    /(?:derivative|difference|elapsed|_average|cumulative_sum|holt_winters\w*|_index|_oscillator|_ratio)\(/gi,
  )?.length ?? 0;

const rowsInAnyOrder = (body: string): string => {
  try {
    return joinedSeries(body)
      .map(({ head, values }) => `${head} ${values.map((row) => JSON.stringify(row)).sort()}`)
      .join("\n");
  } catch {
    return body.trim().split("\n").sort().join("\n");
  }
};

const deletes = (history: readonly Exchange[]): boolean =>
  history.some(({ text }) => /^\s*(?:delete|drop (?:series|measurement|shard))/i.test(text));

/** Names and rows of a body, one a line: `m [["host","a"]]`. */
function rowLines(body: string): string[] | null {
  try {
    return joinedSeries(body).flatMap(({ head, values }) =>
      values.map((row) => `${JSON.parse(head).name ?? ""} ${JSON.stringify(row)}`),
    );
  } catch {
    return body.startsWith("{") ? null : body.trim().split("\n").slice(1);
  }
}

/** Every row of the one stands in the other, in its order. */
function isPartOf(part: string, whole: string): boolean {
  if (/"error"/.test(part + whole)) return false;
  const [fewer, more] = [rowLines(part), rowLines(whole)];
  if (fewer === null || more === null) return false;
  let at = 0;
  for (const row of more) if (row === fewer[at]) at++;
  return at === fewer.length;
}

/** Counts of the same measurements, each at most the other's. */
function countsAreLess(part: string, whole: string): boolean {
  const counts = (body: string) => rowLines(body)?.map((line) => line.match(/^(.*?)(\d+)\]?$/)) ?? null;
  const [ours, theirs] = [counts(part), counts(whole)];
  if (ours === null || theirs === null || ours.length !== theirs.length) return false;
  return ours.every(
    (count, i) => count?.[1] === theirs[i]?.[1] && Number(count?.[2]) <= Number(theirs[i]?.[2]),
  );
}

const rowsWithoutNulls = (body: string): string => cellsOf(body, (cell) => cell !== null);

function cellsOf(body: string, keep: (cell: unknown) => boolean): string {
  try {
    return joinedSeries(body)
      .map(({ head, values }) => {
        const rows = values.map((row) => JSON.stringify((row as unknown[]).filter(keep)));
        return `${JSON.parse(head).name} ${rows}`;
      })
      .join("\n");
  } catch {
    return body;
  }
}

/** The message of a parse error, and where it is. */
function placeOf(body: string): { words: string; found: string; place: number } | null {
  const message = /^(.*found (.*), expected .* at line \d+, char )(\d+)/.exec(errorOf(body));
  return message === null ? null : { words: message[1]!, found: message[2]!, place: Number(message[3]) };
}

/** First cells that are numbers, in JSON, are taken for 0. */
const withoutTimes = (body: string): string => body.replace(/\[-?\d+,/g, "[0,");

const callCount = (text: string): number => text.match(/\w\(/g)?.length ?? 0;
/** Rows that have a value beside their time. */
const rowsOfValues = (body: string): string =>
  cellsOf(body, (cell) => cell !== null)
    .replace(/\[[-\d]+\],?/g, "")
    .replace(/,$/gm, "");

const isNumber = (cell: unknown) => typeof cell === "number";
/** The digits of the first cells of the rows. */
const timesOf = (body: string): string =>
  (rowLines(body) ?? []).map((line) => /\[(\d+)/.exec(line)?.[1] ?? "").join("");

const sortedLines = (text: string): string =>
  text
    .split(/\n|(?<=\]),(?=\[)/)
    .sort()
    .join("\n");

/** The message of a request that failed as a whole; the body where it is none. */
function errorOf(body: string): string {
  try {
    return JSON.parse(body).error ?? body;
  } catch {
    return body.replace(/^error\n"?/, "");
  }
}
