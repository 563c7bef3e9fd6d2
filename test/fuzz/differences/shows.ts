// SHOW.

import type { Node } from "../../../src/query/ast.ts";
import { parseQuery } from "../../../src/query/parse/parser.ts";
import type { Difference } from "../differences.ts";
import { conditionOf, nodesIn, withShown } from "../rewrite.ts";
import { areInShards, comparesTags, isNear1970, namesField } from "./claims.ts";
import {
  arePartsByMeasurement,
  countsAreLess,
  isAnswered,
  isError,
  isNothing,
  isPartOf,
  joinedSeries,
  resultsOf,
  rowLines,
} from "./evidence.ts";

const errorsOf = (body: string): string => resultsOf(body)?.[0]?.error ?? "";

/** One measurement in FROM twice. */
function showsTwice(text: string): boolean {
  try {
    const [statement] = parseQuery(text);
    const sources = statement?.kind === "show" ? statement.sources : [];
    const names = sources.flatMap((source) => (source.kind === "measurement" ? [source.name] : []));
    return new Set(names).size < names.length;
  } catch {
    return false;
  }
}

const isMeasurementName = (node: Node): boolean => node.kind === "reference" && node.name === "_name";

export const shows: readonly Difference[] = [
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
    title: "conditions of SHOW that are none",
    influxd: "`&influxql.BooleanLiteral{Val:true}`, or nothing where there is no series",
    serie: "says what is wrong with the condition",
    reason: "whether a statement is right does not depend on what it meets",
    covers: ({ exchange, serie, influxd }) =>
      (/^show.* where /i.test(exchange.text) &&
        /left side of '|"&influxql\.BooleanLiteral/.test(influxd.body)) ||
      (/^show.* where /i.test(exchange.text) &&
        /"error": ?"(?:invalid condition expression|left side of|right side of|invalid tag comparison)/.test(
          serie.body,
        ) &&
        (isNothing(influxd) ||
          /influxql\.|"error"/.test(influxd.body) ||
          / or | and | [-+*/%&|^] /i.test(exchange.text))),
  },
  {
    title: "times in SHOW",
    influxd:
      "looks at whole shards: names of series that have no point in the range; finds nothing before 1970",
    serie: "names of series that have a point in the range",
    reason: "it is what was asked",
    covers: ({ exchange, serie, influxd, history }) =>
      /^show/i.test(exchange.text) &&
      nodesIn(conditionOf(exchange.text) ?? { kind: "boolean", value: true }).some(
        (node) => node.kind === "reference" && node.name.toLowerCase() === "time",
      ) &&
      (isPartOf(serie.body, influxd.body) ||
        (isNear1970(history) && isAnswered(serie, influxd) && !influxd.body.includes('"series"'))),
  },
  {
    title: "values in SHOW",
    influxd:
      "`invalid tag comparison operator`, every series, some of them, or nothing of a measurement, where SHOW SERIES, TAG KEYS or TAG VALUES compares a field",
    serie: "names of series that have such a point",
    reason: "an extension: [extensions.md](extensions.md)",
    covers: ({ exchange, serie, influxd, fields }) =>
      /^show (?:tag|series|field|measurement)/i.test(exchange.text) &&
      namesField(exchange.text, fields) &&
      !isError(serie) &&
      (influxd.body.includes("invalid tag comparison operator") ||
        isNothing(influxd) ||
        arePartsByMeasurement(serie.body, influxd.body)),
  },
  {
    title: "fields in the condition of CARDINALITY",
    influxd:
      "reads some of the rows: `SHOW SERIES EXACT CARDINALITY WHERE f > 1` counts other series than SHOW SERIES lists",
    serie: "counts out of the index of tags, in which a field is a tag that no series has",
    reason: "neither count is that of the list; serie's reads nothing",
    covers: ({ exchange, serie, influxd, fields }) =>
      /^show.* cardinality/i.test(exchange.text) &&
      namesField(exchange.text, fields) &&
      isAnswered(serie, influxd) &&
      (countsAreLess(serie.body, influxd.body, true) || countsAreLess(influxd.body, serie.body, true)),
  },
  {
    title: "LIMIT and OFFSET of SHOW by values",
    influxd: "limits the names that it has found, whatever the values",
    serie: "limits the names of series that have such a point",
    reason: "it is what is answered without them",
    covers: ({ exchange, serie, influxd, fields }) =>
      /^show (?:tag|series|field|measurement)/i.test(exchange.text) &&
      namesField(exchange.text, fields) &&
      isAnswered(serie, influxd),
    // (then it is the entry above)
    without: (text) => {
      const other = text.replace(/ (?:limit|offset) \d+/gi, "");
      return other === text ? null : other;
    },
  },
  {
    title: "cardinality over several shards",
    influxd: "counts a series, a tag or a field once for each shard that has it",
    serie: "counts it once",
    reason: "it is how many there are",
    covers: ({ exchange, serie, influxd, history }) =>
      /^show.*cardinality/i.test(exchange.text) &&
      areInShards(history) &&
      (countsAreLess(serie.body, influxd.body) ||
        // (and of some of the series the fields that their shards have)
        (/^show field key.* (?:group by|where) /i.test(exchange.text) &&
          countsAreLess(influxd.body, serie.body))),
  },
  {
    title: "cardinality of measurements named twice",
    influxd: "`FROM m, m` counts twice what is in `m`",
    serie: "counts it once",
    reason: "it is how many there are",
    covers: ({ exchange, serie, influxd }) =>
      /^show.*cardinality/i.test(exchange.text) &&
      showsTwice(exchange.text) &&
      countsAreLess(serie.body, influxd.body),
  },
  {
    title: "cardinality of tag values where a tag is missing",
    influxd: "leaves out series without the tag that `!=`, `!~` or a regex of nothing speaks of",
    serie: "counts them, as SHOW TAG VALUES lists them in both",
    reason: "the count is that of the list",
    covers: ({ exchange, serie, influxd }) =>
      /^show tag values.*cardinality.* where .*(?:!|<>|not|''|=~)/i.test(exchange.text) &&
      isAnswered(serie, influxd) &&
      (rowLines(influxd.body) ?? []).every((line) => {
        const name = line.slice(0, line.indexOf(" "));
        return (rowLines(serie.body) ?? []).some((other) => other.startsWith(`${name} `));
      }),
  },
  {
    title: "SHOW SERIES and retention policies",
    influxd: "shows series of the policy that FROM names, or of the default one",
    serie: "shows those of all of them",
    reason: "SHOW MEASUREMENTS, TAG KEYS and TAG VALUES do, in both",
    covers: ({ exchange, serie, influxd, history }) =>
      /^show (?:series|field keys)/i.test(exchange.text) &&
      history.some(({ text }) => /retention policy/i.test(text)) &&
      isPartOf(influxd.body, serie.body),
  },
  {
    title: "a database in FROM of SHOW TAG KEYS and SHOW TAG VALUES",
    influxd: "is not looked at, whether it is there or not",
    serie: "is the one that is asked: `database not found`",
    reason: "it is so of SHOW SERIES and SHOW FIELD KEYS, in both",
    covers: ({ exchange, serie, influxd }) =>
      /^\s*show tag (?:keys|values)\b(?!.*\bcardinality\b).*\bfrom\b/i.test(exchange.text) &&
      errorsOf(serie.body).startsWith("database not found: ") &&
      errorsOf(influxd.body) === "",
  },
  {
    title: "SHOW QUERIES, SHOW STATS and SHOW DIAGNOSTICS",
    influxd: "tell of its own parts",
    serie: "tell of serie's",
    reason: "the parts are others",
    covers: ({ exchange }) => /^show (?:queries|stats|diagnostics)/i.test(exchange.text),
  },
  {
    title: "a type of fields behind a name in SHOW TAG KEYS and SHOW TAG VALUES",
    influxd: "`WHERE host::field = 'a'` holds for every series",
    serie: "is asked of the tag, as `host::tag`",
    reason: "it is so of SHOW SERIES and SHOW MEASUREMENTS, in both",
    covers: ({ exchange, serie, influxd }) =>
      /^\s*show tag (?:keys|values)\b/i.test(exchange.text) && isPartOf(serie.body, influxd.body),
    without: (text) =>
      withShown(text, (node) =>
        node.kind === "reference" && node.cast !== null ? { ...node, cast: null } : node,
      ),
  },
  {
    title: "the name of a measurement in SHOW TAG VALUES CARDINALITY",
    influxd: "`WHERE _name = 'm'` holds for no series",
    serie: "holds for those of `m`",
    reason: "the count is that of the list",
    covers: ({ exchange, serie, influxd }) =>
      /^\s*show tag values\b.* cardinality /i.test(exchange.text) && isAnswered(serie, influxd),
    without: (text) =>
      withShown(text, (node) =>
        node.kind === "binary" && [node.left, node.right].some(isMeasurementName)
          ? { kind: "boolean", value: true }
          : node,
      ),
  },
  {
    title: "a value before a name in the condition of SHOW",
    influxd: "`WHERE 'x' = host` is not the same as `WHERE host = 'x'`",
    serie: "is the same",
    reason: "it is so in SELECT, in both",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd),
    without: (text) =>
      withShown(text, (node) =>
        node.kind === "binary" && node.left.kind === "string" && node.right.kind === "reference"
          ? { ...node, left: node.right, right: node.left }
          : node,
      ),
  },
  {
    title: "tags and strings compared in SHOW",
    influxd: "`<` and `>` match nothing, and `a = b` compares nothing",
    serie: "compares them as texts, a missing one being empty",
    reason: "it is so in SELECT",
    covers: ({ serie, influxd }) => isAnswered(serie, influxd),
    without: (text) =>
      withShown(text, (node) =>
        comparesTags(node) && node.kind === "binary"
          ? { ...node, operator: "=", right: { kind: "string", value: "a" } }
          : node,
      ),
  },
  {
    title: "ORDER BY time DESC in SHOW FIELD KEYS",
    influxd: "answers each shard by itself, those of later times first",
    serie: "answers names in their order",
    reason: "names have no time; it is so of every other SHOW, in both",
    covers: ({ exchange, serie, influxd, history }) =>
      isAnswered(serie, influxd) && /^\s*show field keys\b/i.test(exchange.text) && areInShards(history),
    without: (text) => {
      const other = text.replace(/ order by (?:time )?desc\b/i, "");
      return other === text ? null : other;
    },
  },
  {
    title: "SLIMIT and SOFFSET in SHOW TAG KEYS",
    influxd: "are taken and do nothing",
    serie: "limit the measurements",
    reason: "it is what they say",
    covers: ({ exchange, serie, influxd }) =>
      isAnswered(serie, influxd) && /^\s*show tag keys\b.* s(?:limit|offset) /i.test(exchange.text),
  },
];
