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
    covers: ({ serie }) =>
      / (?:is|are) not supported yet"|undefined function (?:elapsed|sample|a?sin|a?cos|a?tan2?|abs|ceil|exp|floor|ln|log|log2|log10|pow|round|sqrt|holt_winters|holt_winters_with_fit|non_negative_difference)\(/.test(
        serie.body,
      ),
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
    title: "moving_average over windows",
    influxd: "reads one window before the range, whatever the number of values",
    serie: "reads as many as the first average needs",
    reason: "the first averages are there",
    covers: ({ exchange }) => /moving_average\(/i.test(exchange.text) && /group by time/i.test(exchange.text),
  },
  {
    title: "top and bottom with ORDER BY time DESC",
    influxd: "rows in ascending order",
    serie: "rows in descending order",
    reason: "it is the order that was asked for",
    covers: ({ exchange }) =>
      /(?:top|bottom)\(/i.test(exchange.text) && /order by time desc/i.test(exchange.text),
  },
  {
    title: "SLIMIT with SOFFSET",
    influxd: "counts SLIMIT from the first series, so that SOFFSET eats into it",
    serie: "skips SOFFSET series, then answers SLIMIT",
    reason: "it is what is documented",
    covers: ({ exchange }) => /slimit \d+ soffset [1-9]/i.test(exchange.text),
  },
  {
    title: "replicaN in CSV",
    influxd: "repeats the column's name in the place of the number",
    serie: "writes the number",
    reason: "a slip of influxd's CSV writer",
    covers: ({ exchange, influxd }) => exchange.format === "csv" && influxd.body.includes(",replicaN,true"),
  },
  {
    title: "refused requests that ask for CSV",
    influxd: "answers the error as CSV",
    serie: 'answers `{"error": ...}` as always',
    reason: "every error body is JSON, so that no client has to guess",
    covers: ({ exchange, serie, influxd }) =>
      exchange.format === "csv" &&
      serie.status >= 400 &&
      influxd.body
        .replace(/^error\n/, "")
        .trim()
        .replace(/^"|"$/g, "")
        .replaceAll('""', '"') === JSON.parse(serie.body).error,
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
