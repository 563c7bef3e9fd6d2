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

export const differences: readonly Difference[] = [
  {
    title: "not there yet",
    influxd: "answers",
    serie: "`... is not supported yet`",
    reason: "being built",
    covers: ({ serie }) => / (?:is|are) not supported yet"/.test(serie.body),
  },
  {
    title: "several series at one time",
    influxd: "takes whichever its heap has on top",
    serie: "takes them in the order of their keys",
    reason: "influxd's order depends on the number of its cores and of series; none can be relied on",
    covers: ({ hasTies, serie, influxd, exchange }) =>
      hasTies && /^select/i.test(exchange.text) && !/"error"/.test(serie.body + influxd.body),
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
    title: "moving_average over windows",
    influxd: "reads one window before the range, whatever the number of values",
    serie: "reads as many as the first average needs",
    reason: "the first averages are there",
    covers: ({ exchange }) => /moving_average\(/i.test(exchange.text) && /group by time/i.test(exchange.text),
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
      !/"error"|"series"/.test(influxd.body),
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
    title: "fill(number) without windows",
    influxd: "puts the number wherever a row has no value",
    serie: "fills windows only",
    reason: "fill() belongs to GROUP BY time()",
    covers: ({ exchange, serie, influxd }) =>
      /fill\([-\d.]+\)/.test(exchange.text) &&
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
    title: "tags compared",
    influxd: "`<` and `>` of tags match nothing, nor does `a = b` where neither is there",
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
    title: "LIMIT with several transformations",
    influxd: "limits the points of each column, so that more rows are answered",
    serie: "limits the rows",
    reason: "it is what is documented",
    covers: ({ exchange }) => transformationCount(exchange.text) > 1 && /limit \d/i.test(exchange.text),
  },
  {
    title: "a blank before the parenthesis of a call",
    influxd: "refuses it",
    serie: "takes it",
    reason: "no statement that influxd takes means something else",
    covers: ({ influxd }) => /found \(, expected/.test(influxd.body),
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

/** The series of a chunked answer, whole; the other parts of its documents left out. */
function joinedSeries(body: string): { head: string; values: unknown[] }[] {
  const whole: { head: string; values: unknown[] }[] = [];
  for (const line of body.trim().split("\n"))
    for (const result of JSON.parse(line).results ?? [])
      for (const { values = [], partial: _, ...rest } of result.series ?? []) {
        const head = JSON.stringify(rest);
        if (whole.at(-1)?.head === head) whole.at(-1)!.values.push(...values);
        else whole.push({ head, values: [...values] });
      }
  return whole;
}

const transformationCount = (text: string): number =>
  text.match(
    /\b(?:derivative|difference|elapsed|moving_average|cumulative_sum|holt_winters|non_negative_\w+)\(/gi,
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
