// Messages: what is wrong with a statement, and in which words.

import type { Difference } from "../differences.ts";
import { nodesIn, selectsOf, withSelects } from "../rewrite.ts";
import { areInShards, readsNothing, readsSeveral, withOneMeasurement } from "./claims.ts";
import { errorOf, isError, isNothing, placeOf, resultErrorOf, resultsOf } from "./evidence.ts";

/** Numbers with three digits behind the point, and no shards. */
const withPlainNumbers = (body: string): string =>
  body
    .replace(/\d+\.\d+/g, (number) => String(Number(Number(number).toFixed(3))))
    .replace(/(?<=")shard \d+: /g, "")
    // (influxd's JSON escapes them)
    .replace(/\\u00(?:3c|3e|26)/g, (escaped) => JSON.parse(`"${escaped}"`));

/** Of a statement that a GET should not carry; there are no rows. */
const isWarning = (body: string): boolean => body.includes("deprecated use of '") && !/"values"/.test(body);

/** Without names and texts in quotes, patterns and durations. */
const withoutQuotes = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\/(?:[^/\\\s]|\\.)+\/|\d+µ/g, "");

/** So many things among columns may have wrong types. */
const callsAndOperators = (text: string): number =>
  selectsOf(text)
    .flatMap(({ fields }) => fields.flatMap(({ expression }) => nodesIn(expression)))
    .filter(({ kind }) => kind === "call" || kind === "binary").length;

export const messages: readonly Difference[] = [
  {
    title: "numbers in messages",
    influxd: "have three digits behind the point: `found 1.500`; the number of a shard stands before some",
    serie: "are as they were written: `found 1.5`, `invalid condition expression: 2 + 1`; no shard",
    reason: "what is wrong is found in the statement by what stands there",
    covers: ({ serie, influxd }) =>
      (isError(influxd) || isWarning(influxd.body)) &&
      (withPlainNumbers(serie.body) === withPlainNumbers(influxd.body) ||
        (/"error": ?"invalid condition expression: .+ [-+*/%&|^] /.test(serie.body) &&
          /"error": ?"invalid condition expression: (?:-?[\d.]+\w*|'.*')"/.test(influxd.body))),
  },
  {
    title: "wrong types where there is nothing to read",
    influxd: "answers nothing when no shard, or no column of the subquery, is read",
    serie: "says what is wrong with the statement",
    reason: "whether a statement is right does not depend on the times and rows it meets",
    covers: ({ serie, influxd }) =>
      /"error": ?"(?:type error|unsupported [\w ]+ iterator type)/.test(serie.body) &&
      (isNothing(influxd) || /"written"\],"values":\[\[\d+,0\]\]/.test(influxd.body)),
  },
  {
    title: "wrong types of a measurement beside others",
    influxd: "answers the others where the condition leaves that measurement out",
    serie: "says what is wrong with the statement",
    reason: "whether a statement is right does not depend on the times and rows it meets",
    covers: ({ exchange, serie, influxd }) =>
      /"error": ?"(?:type error|unsupported [\w ]+ iterator type)/.test(serie.body) &&
      !isError(influxd) &&
      readsSeveral(exchange.text),
    // (with all measurements it is wrong, and the one with the wrong types alone is the entry above)
    without: (text) =>
      withSelects(text, (statement) => ({ ...statement, condition: null })) ??
      withSelects(text, withOneMeasurement),
  },
  {
    title: "wrong types of fields that no shard of the range has",
    influxd: "takes them for names that are unknown: null, or tells of another operand that is wrong",
    serie: "says what is wrong with the statement",
    reason: "whether a statement is right does not depend on the times it meets",
    covers: ({ serie, influxd, history }) =>
      /"error": ?"(?:type error|unsupported [\w ]+ iterator type)/.test(serie.body) &&
      (!isError(influxd) || /"error": ?"type error/.test(influxd.body)) &&
      areInShards(history),
    without: (text) => withSelects(text, (statement) => ({ ...statement, condition: null })),
  },
  {
    title: "wrong types in some of the shards",
    influxd:
      "says so when a name is of another type in the measurements that have it in the shards that the range touches",
    serie: "takes the type over all measurements of the statement",
    reason: "whether a statement is right does not depend on the times it meets",
    covers: ({ exchange, serie, influxd, history }) =>
      /^"(?:type error|unsupported [\w ]+ iterator type)/.test(resultErrorOf(influxd.body)) &&
      !isError(serie) &&
      readsSeveral(exchange.text) &&
      areInShards(history),
    // (over all times)
    without: (text) =>
      withSelects(text, (statement) => ({
        ...statement,
        condition: null,
        fill: null,
        dimensions: statement.dimensions.filter(({ kind }) => kind !== "call"),
      })),
  },
  {
    title: "wrong types where the range of times is empty",
    influxd: "says so when a shard lies in the range turned round",
    serie: "answers nothing",
    reason: "influxd's answer depends on its shards",
    covers: ({ exchange, serie, influxd }) =>
      /"error": ?"unsupported [\w ]+ iterator type/.test(influxd.body) &&
      (isNothing(serie) ||
        // (that of a subquery beside another source)
        (!isError(serie) && /\(select.*\btime\b.*\), |\), \(select.*\btime\b/i.test(exchange.text)) ||
        /"written"\],"values":\[\[\d+,0\]\]/.test(serie.body)),
  },
  {
    title: "wrong types of a measurement that has points in another retention policy alone",
    influxd: "says so of its tags: `SELECT host + 1 FROM m`",
    serie: "answers nothing: no such measurement is in the policy",
    reason: "tags are those of rows",
    covers: ({ serie, influxd, history }) =>
      isNothing(serie) &&
      /^"type error: .*\btag\b/.test(resultErrorOf(influxd.body)) &&
      history.some(({ policy }) => policy !== undefined),
  },
  {
    title: "wrong types in a column of a subquery that nothing reads",
    influxd: "does not look at it",
    serie: "says what is wrong with the statement",
    reason: "whether a statement is right does not depend on who reads it",
    covers: ({ exchange, serie, influxd }) =>
      /\(select/i.test(exchange.text) &&
      /"error": ?"(?:type error|unsupported [\w ]+ iterator type)/.test(serie.body) &&
      !isError(influxd),
  },
  {
    title: "texts of a subquery of tags alone, or of columns that are not there",
    influxd: "are an error for `max(host)`, though such a subquery has no rows",
    serie: "are no error: there is nothing",
    reason: "a row has a field",
    covers: ({ exchange, serie, influxd, fields: known, history }) =>
      /"error": ?"unsupported [\w ]+ iterator type: \*query\.string/.test(influxd.body) &&
      !isError(serie) &&
      selectsOf(exchange.text)
        .slice(1)
        .some(
          (statement) =>
            readsNothing(statement, history) ||
            statement.fields.every(
              ({ expression }) =>
                expression.kind === "reference" && (expression.cast === "tag" || !known.has(expression.name)),
            ),
        ),
  },
  {
    title: "calls that a condition cannot have beside constants that decide it",
    influxd: "drops them: `1 > 2 AND foo() > 1` is false, `true OR abs() > 1` is true",
    serie:
      "`invalid function call in condition: foo()`, `invalid number of arguments for abs, expected 1, got 0`",
    reason: "whether a statement is right does not depend on what it meets",
    covers: ({ exchange, serie, influxd }) =>
      /^"invalid (?:number of arguments for \w+, expected \d, got \d|function call in condition: .*)"$/.test(
        resultErrorOf(serie.body),
      ) &&
      !isError(influxd) &&
      selectsOf(exchange.text).some(
        ({ condition }) =>
          condition !== null &&
          nodesIn(condition).some(({ kind }) => kind === "call") &&
          nodesIn(condition).some(
            (node) => node.kind === "binary" && (node.operator === "and" || node.operator === "or"),
          ),
      ),
  },
  {
    title: "now() beside anything but time",
    influxd: "is a moment that no number or text is before or after",
    serie: "`invalid function call in condition: now()`",
    reason: "such a condition is a slip",
    covers: ({ serie, influxd }) =>
      serie.body.includes("invalid function call in condition: now()") && !isError(influxd),
  },
  {
    title: "time in a side of a comparison",
    influxd: "`(time >= 1) < 5` is met by nothing, and `(time >= 1) = 5s` by everything",
    serie: "`invalid condition expression: time`",
    reason: "such a condition is a slip",
    covers: ({ serie, influxd }) =>
      resultsOf(serie.body)?.[0]?.error === "invalid condition expression: time" &&
      (!isError(influxd) || resultErrorOf(influxd.body).startsWith('"invalid function call in condition: ')),
  },
  {
    title: "DISTINCT in a condition",
    influxd: "`distinct f > 0` is met by nothing",
    serie: "`invalid condition expression: DISTINCT f`",
    reason: "such a condition is a slip",
    covers: ({ serie, influxd }) =>
      resultErrorOf(serie.body).startsWith('"invalid condition expression: DISTINCT ') &&
      (!isError(influxd) || resultErrorOf(influxd.body).includes("fields not supported in WHERE clause")),
  },
  {
    title: "a subscription of what is not there, to what is no URL",
    influxd: "tells of the URL",
    serie: "tells of the database or policy that is not there",
    reason: "names are looked up before all else, as in other statements",
    covers: ({ exchange, serie, influxd }) =>
      /^\s*create subscription\b/i.test(exchange.text) &&
      influxd.body.includes('"invalid subscription URL: ') &&
      /"error": ?"(?:database|retention policy) not found: /.test(serie.body),
  },
  {
    title: "operands of another type beside a column that is not there",
    influxd: "`pow(nope, text)` is an error, where `pow(number, text)` is null",
    serie: "null in both, or nothing where there is no column at all",
    reason: "of what is not there no type is known",
    covers: ({ serie, influxd }) => influxd.body.includes("invalid argument type for the") && !isError(serie),
  },
  {
    title: "messages of technical analysis",
    influxd: "`exponential_moving_average period must be greater than or equal to 1`",
    serie: "`exponential_moving_average period must be greater than 1, got 0`, as InfluxDB 1.8",
    reason: "they name what was found",
    covers: ({ serie, influxd }) =>
      [serie, influxd].every(({ body }) => /(?:period|warmup type) must be/.test(body)),
  },
  {
    title: "which of several errors",
    influxd: "makes its iterators side by side, and tells of any of them that cannot be",
    serie: "tells of the first in the order of the statement",
    reason: "it is the same on every run",
    covers: ({ exchange, serie, influxd }) =>
      callsAndOperators(exchange.text) > 1 &&
      resultErrorOf(serie.body) !== resultErrorOf(influxd.body) &&
      [serie, influxd].every(({ body }) =>
        /^"(?:type error|unsupported [\w ]+ iterator type|invalid argument type for)/.test(
          resultErrorOf(body),
        ),
      ),
  },
  {
    title: "a regular expression of a bind parameter beside an operator, and another error",
    influxd: "tells of the other one",
    serie: "tells of the first in the order of the statement",
    reason: "it is so of several errors",
    covers: ({ exchange, written, serie, influxd }) =>
      resultErrorOf(serie.body) === '"unable to use regex in a binary expression"' &&
      isError(influxd) &&
      (/\$p\d/.test(written) || /[-+*/%&|^] ?\//.test(exchange.text)),
  },
  {
    title: "points refused by INTO, in messages",
    influxd: "tells of one reason, and counts the points of one shard",
    serie: "tells of each reason once, and counts all that were refused",
    reason: "what is lost is said",
    covers: ({ exchange, serie, influxd }) => {
      const [ours, theirs] = [serie, influxd].map(({ body }) =>
        /"partial write: (.*) dropped=(\d+)"/.exec(resultErrorOf(body)),
      );
      return (
        /\binto\b/i.test(exchange.text) &&
        // (how many there are depends on shards, and on what can be converted)
        ours?.[1]?.split("\\n").includes(theirs?.[1] ?? "") === true
      );
    },
  },
  {
    title: "names of iterators in messages",
    influxd: "names the Go type of its iterator: `*query.booleanReduceBooleanIterator`",
    serie: "names that of the commonest: `*query.booleanInterruptIterator`",
    reason: "there are no such iterators in serie",
    covers: ({ serie, influxd }) =>
      serie.body.replace(/\*(?:query|influxql)\.\w+/g, "") ===
      influxd.body.replace(/\*(?:query|influxql)\.\w+/g, ""),
  },
  {
    title: "functions of literals that are no numbers, in messages",
    influxd: "are nil: `found nil` for `ln(10s)`",
    serie: "stand as they were written",
    reason: "what is wrong is found in the statement by what stands there",
    covers: ({ serie, influxd }) => {
      const [ours, theirs] = [resultErrorOf(serie.body), resultErrorOf(influxd.body)];
      const asNil = ours
        .replace(/ found [a-z]\w+\(.*\)"$/, ' found nil"')
        .replace(/\*influxql\.Call"$/, '*influxql.NilLiteral"');
      return asNil !== ours && asNil === theirs;
    },
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
    covers: ({ serie, influxd }) => {
      const [ours, theirs] = [placeOf(serie.body), placeOf(influxd.body)];
      if (serie.status !== 400 || influxd.status !== 400) return false;
      // (a bind parameter that is not there, in a place where InfluxDB takes none)
      if (
        theirs?.found.startsWith("$") &&
        serie.body.includes(`missing parameter: ${theirs.found.slice(1)}"`)
      )
        return true;
      // (joins are an extension)
      if (theirs?.found === "AS" && serie.body.includes("expected JOIN")) return true;
      if (ours === null) return theirs !== null && serie.body.includes("only ORDER BY time supported");
      return theirs === null
        ? /error parsing regexp/.test(influxd.body)
        : Math.abs(ours.place - theirs.place) <= 4;
    },
  },
  {
    title: "too many segments, in messages",
    influxd: "stand at the beginning, the last of them without quotes",
    serie: "stand where they are, in quotes",
    reason: "they are found sooner",
    covers: ({ serie, influxd }) =>
      [serie, influxd].every(({ body }) =>
        errorOf(body).startsWith("error parsing query: too many segments in "),
      ),
  },
  {
    title: "a blank before the parenthesis of a call",
    influxd: "refuses it",
    serie: "takes it",
    reason: "no statement that influxd takes means something else",
    covers: ({ exchange, influxd }) =>
      /found \(, expected/.test(influxd.body) ||
      (/\w \(/.test(exchange.text) &&
        /, expected GROUP BY time\(\.\.\.\) at|: invalid operator /.test(influxd.body)),
  },
  {
    title: "a blank between a regular expression and a comma in GROUP BY",
    influxd: "refuses the comma",
    serie: "skips it",
    reason: "as between all other words",
    covers: ({ exchange, serie, influxd }) =>
      /\bgroup by\b.*\/\s+,/i.test(exchange.text) &&
      serie.status === 200 &&
      influxd.status === 400 &&
      influxd.body.includes("found ,, expected ;"),
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
    title: "letters of other alphabets in a name without quotes",
    influxd: "refuses them",
    serie: "takes them",
    reason: "no statement that influxd takes means something else",
    covers: ({ exchange, influxd }) =>
      influxd.body.includes("error parsing query") && /[^\0-\x7f]/.test(withoutQuotes(exchange.text)),
  },
  {
    title: "a quoted name right behind a bare one",
    influxd: 'drops the bare one: `pow"v"` is read as `v`',
    serie: "reads two words",
    reason: "a slip of influxd's lexer",
    covers: ({ exchange }) => /\w"\w+"/.test(exchange.text),
  },
  {
    title: "WITH KEY in SHOW TAG KEYS and its CARDINALITY",
    influxd: "is refused",
    serie: "is taken",
    reason: "an extension: [extensions.md](extensions.md)",
    covers: ({ exchange, influxd }) =>
      /(?:^|;)\s*show tag keys?\b.*\bwith\b/i.test(exchange.text) &&
      influxd.body.includes("error parsing query: found WITH, expected ;"),
  },
  {
    title: "SLIMIT and SOFFSET in SHOW",
    influxd: "are refused",
    serie: "are taken",
    reason: "an extension: [extensions.md](extensions.md)",
    covers: ({ exchange, influxd }) =>
      /(?:^|;)\s*show\b/i.test(exchange.text) &&
      /"error parsing query: found S(?:LIMIT|OFFSET), expected ;/.test(influxd.body),
  },
  {
    title: "DELETE of fields",
    influxd: "expects FROM or WHERE behind DELETE",
    serie: "takes names of fields there",
    reason: "an extension: [extensions.md](extensions.md)",
    covers: ({ exchange, influxd }) =>
      /(?:^|;)\s*delete\b(?!\s+(?:from|where)\b)/i.test(exchange.text) &&
      /expected FROM, WHERE at line \d+, char $/.test(placeOf(influxd.body)?.words ?? ""),
  },
  {
    title: "words where a password should be",
    influxd: "repeats them in its message",
    serie: "`found [REDACTED]`",
    reason: "it may be the password, and messages are logged",
    covers: ({ serie }) => serie.body.includes("found [REDACTED]"),
  },
  {
    title: "a retention policy without a name",
    influxd: '`DROP RETENTION POLICY ""` is an `invalid path`',
    serie: "has none of that name, and nothing to drop",
    reason: "as of every other name that is not there",
    covers: ({ exchange, influxd }) =>
      /^\s*drop retention policy ""/i.test(exchange.text) &&
      influxd.body.includes('"invalid path for database'),
  },
  {
    title: "panics",
    influxd: "answers `[panic:...]`",
    serie: "answers or says what is wrong",
    reason: "a slip of influxd",
    covers: ({ influxd }) => influxd.body.includes("[panic:"),
  },
];
