// What changes a database.

import type { Node } from "../../../src/query/ast.ts";
import type { Difference } from "../differences.ts";
import type { Reply } from "../pair.ts";
import { nodesOf } from "../rewrite.ts";
import {
  areInShards,
  deletes,
  deletesByComparedTags,
  isMetByMissing,
  namesField,
  ofIntegers,
  writtenTags,
} from "./claims.ts";
import {
  areAmong,
  isAnswered,
  isCoarserThan,
  isNothing,
  isPartOf,
  valuesOf,
  withoutEmptyNames,
  writesMore,
  writtenBy,
} from "./evidence.ts";

/** Fields of the same names, floats for integers here and there. */
const areOtherNumbers = (serie: Reply, influxd: Reply): boolean =>
  serie.body.replaceAll('"float"', '"integer"') === influxd.body.replaceAll('"float"', '"integer"');

const isByField = (node: Node, fields: ReadonlySet<string>): boolean =>
  node.kind === "call" &&
  /^(?:top|bottom)$/i.test(node.name) &&
  node.arguments.slice(1, -1).some((argument) => argument.kind === "reference" && fields.has(argument.name));

export const changes: readonly Difference[] = [
  {
    title: "infinite numbers written by INTO",
    influxd: "leaves out the row",
    serie: "leaves out the value",
    reason: "the other values of the row are right",
    covers: ({ exchange, serie, influxd }) =>
      /\b(?:ln|log|log2|log10|exp|pow|tan)\(.*\binto\b/i.test(exchange.text) && writesMore(serie, influxd),
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
    title: "floats out of integers in a subquery, written by INTO",
    influxd: "are integers, also where nothing was cut: `SELECT * INTO t FROM (SELECT i / 2 FROM m)`",
    serie: "are floats, as the subquery answers by itself",
    reason: "a statement means the same in parentheses",
    covers: ({ exchange, serie, influxd, history }) =>
      /^show field keys/i.test(exchange.text) &&
      areOtherNumbers(serie, influxd) &&
      history.some(
        ({ text }) => /\binto\b/i.test(text) && nodesOf(text).some((node) => ofIntegers(node) !== node),
      ),
  },
  {
    title: "a field among the tags of top() or bottom(), written by INTO",
    influxd: "is not written: `SELECT top(i, f, 2) INTO t FROM m`",
    serie: "is written",
    reason: "a copy is to have what is shown",
    covers: ({ exchange, serie, influxd, fields, history }) =>
      history.some(
        ({ text }) => /\binto\b/i.test(text) && nodesOf(text).some((node) => isByField(node, fields)),
      ) &&
      (/^show field keys/i.test(exchange.text)
        ? isPartOf(influxd.body, serie.body)
        : /^select \*/i.test(exchange.text) && isCoarserThan(influxd.body, serie.body)),
  },
  {
    title: "a database or policy of INTO that is not there",
    influxd: "is no error where there is nothing to write",
    serie: "is one",
    reason: "whether a statement is right does not depend on the rows it meets",
    covers: ({ exchange, serie, influxd }) =>
      /\binto\b/i.test(exchange.text) &&
      /"error": ?"(?:database|retention policy) not found: /.test(serie.body) &&
      writtenBy(influxd) === 0,
  },
  {
    title: "several measurements in INTO :MEASUREMENT",
    influxd:
      "gives fields of one name one type: what does not fit it is left out, integers beside floats become floats",
    serie: "writes each measurement with its own types",
    reason: "a copy is to have what is copied",
    covers: ({ exchange, influxd, serie }) =>
      /\binto\b[^;]*:measurement\b/i.test(exchange.text) && writesMore(serie, influxd),
  },
  {
    title: "DELETE by values",
    influxd: "`fields not supported in WHERE clause during deletion`",
    serie: "deletes the points that satisfy the condition",
    reason: "an extension: [extensions.md](extensions.md)",
    covers: ({ exchange, influxd, fields, history }) =>
      /^delete/i.test(exchange.text) &&
      influxd.body.includes("fields not supported in WHERE clause") &&
      // (INTO makes fields of tags)
      (namesField(exchange.text, fields) ||
        (history.some(({ kind, text }) => kind === "query" && /\binto\b/i.test(text)) &&
          namesField(exchange.text, writtenTags(history)))),
  },
  {
    title: "DELETE by values over several shards",
    influxd:
      "now and then takes whole series, where a shard has no such field and comes first: `WHERE s != 'x'` holds there for all",
    serie: "deletes the points that satisfy the condition",
    reason: "nothing goes that the condition does not name",
    covers: ({ serie, influxd, fields, history }) =>
      areInShards(history) &&
      history.some(({ text }) => /^delete/i.test(text) && isMetByMissing(text, fields)) &&
      isPartOf(influxd.body, serie.body),
  },
  {
    title: "time beside OR in DELETE",
    influxd: "`WHERE host = 'a' OR time < 5` deletes as with AND",
    serie: "an error that says what to write",
    reason: "nothing goes that the condition does not name",
    covers: ({ exchange, serie }) =>
      /^delete.* or /i.test(exchange.text) && serie.body.includes("DELETE takes no time beside OR"),
  },
  {
    title: "unknown fields in DELETE",
    influxd:
      "`fields not supported in WHERE clause during deletion`, or nothing where no series is left to look at",
    serie: "an error that names the field and its place",
    reason: "a slip does not pass for a deletion",
    covers: ({ exchange, serie }) =>
      /^delete\b/i.test(exchange.text) &&
      /"error":"DELETE: .* field .* at line \d+, char \d+"/.test(serie.body),
  },
  {
    title: "conditions of DROP SERIES and DELETE that are partly constant",
    influxd:
      "works out `1 = 1 OR ...` first, and does not look at the other side of what holds for no series",
    serie: "`fields not supported in WHERE clause during deletion`",
    reason: "nothing is dropped by a condition that is not over tags, or compares texts with numbers",
    covers: ({ exchange, serie }) =>
      /^(?:drop series|delete).* (?:or|and) /i.test(exchange.text) &&
      serie.body.includes("fields not supported in WHERE"),
  },
  {
    title: "tags compared in DELETE and DROP SERIES",
    influxd: "`WHERE a = b` and `WHERE a > 'x'` take series of which it is not so",
    serie: "takes the series of which it is so",
    reason: "nothing goes that the condition does not name",
    covers: ({ serie, influxd, history }) =>
      history.some(({ text }) => deletesByComparedTags(text)) && isPartOf(influxd.body, serie.body),
  },
  {
    title: "overlapping shards",
    influxd: "after ALTER of the shard duration a new shard may cover the times of older ones",
    serie: "a new shard ends where an older one begins",
    reason: "DROP SHARD takes the points of its times, and a point is in one shard",
    covers: ({ exchange, history }) =>
      /^show shard/i.test(exchange.text) &&
      history.some(({ text }) => /^alter retention.* shard duration/i.test(text)),
  },
  {
    title: "series without points",
    influxd:
      "DELETE leaves a series in SHOW SERIES while its shard has others, and DROP SERIES its tags in SHOW TAG VALUES; points that INTO could not write for their type leave theirs",
    serie: "a series has points",
    reason: "there is nothing of it left",
    covers: ({ exchange, serie, influxd, history }) =>
      /^show/i.test(exchange.text) &&
      (deletes(history) || history.some(({ kind, text }) => kind === "query" && /\binto\b/i.test(text))) &&
      isPartOf(serie.body, influxd.body),
  },
  {
    title: "fields without points",
    influxd:
      "keeps the fields of a measurement without series: in SHOW FIELD KEYS, and, now and then with its tags, as columns of `SELECT * FROM /.*/`, whose types other measurements' values do not fit",
    serie:
      "does not show a measurement without series; for writes its fields keep their types until the next start or DROP MEASUREMENT",
    reason: "there is nothing of it left",
    covers: ({ exchange, serie, influxd, history }) =>
      deletes(history) &&
      (/^show field/i.test(exchange.text)
        ? isPartOf(serie.body, influxd.body)
        : /^select\b/i.test(exchange.text) &&
          isAnswered(serie, influxd) &&
          (areAmong(valuesOf(influxd.body), valuesOf(serie.body)) ||
            withoutEmptyNames(influxd.body) === withoutEmptyNames(serie.body))),
  },
  {
    title: "a field of several types",
    influxd:
      "a field may have another type in each shard: SHOW FIELD KEYS shows it twice, and INTO writes what is of another type to another shard",
    serie: "a field has one type",
    reason: "no point is lost for its type, and no query answers half of them",
    covers: ({ exchange, serie, influxd, history }) =>
      (/^show field keys/i.test(exchange.text) &&
        ((areInShards(history) && isPartOf(serie.body, influxd.body)) ||
          // (of another policy than the default one it does not speak)
          (areOtherNumbers(serie, influxd) && history.some(({ text }) => /\binto "?\w+"?\./i.test(text))))) ||
      (/\binto\b/i.test(exchange.text) &&
        serie.body.includes("field type conflict") &&
        influxd.body.includes('"written"') &&
        // (or another policy has the points of the other type)
        history.some(
          ({ kind, policy, text }) => policy !== undefined || (kind === "query" && /\binto\b/i.test(text)),
        )),
  },
  {
    title: "points older than their policy keeps",
    influxd: "go when all of their shard is older and it looks for such shards next, in half an hour",
    serie: "go within 30 s of when all of their shard is older",
    reason: "they are not to be kept",
    covers: ({ exchange, serie, influxd, history }) =>
      history.some(({ text }) =>
        /^\s*(?:create|alter) retention policy.* duration (?!inf\b|0s\b)/i.test(text),
      ) &&
      (isPartOf(serie.body, influxd.body) ||
        // (a condition over fields is wrong where a series is left)
        (/^\s*drop series/i.test(exchange.text) &&
          isNothing(serie) &&
          influxd.body.includes("fields not supported in WHERE clause during deletion"))),
  },
  {
    title: "no default retention policy",
    influxd:
      "still has the name of the one that was dropped: `retention policy not found: autogen`; a new policy of that name is the default",
    serie: "has none, until one is made the default",
    reason: "there is none",
    covers: ({ exchange, serie, influxd, history }) =>
      serie.body.includes("has no default retention policy") ||
      // (another database in ON is looked at first)
      (/^create continuous query\b/i.test(exchange.text) &&
        serie.body.includes('"database not found: ') &&
        influxd.body.includes('"retention policy not found: ') &&
        history.some(({ text }) => /^drop retention/i.test(text))) ||
      (/^show retention/i.test(exchange.text) &&
        history.some(({ text }) => /^drop retention/i.test(text)) &&
        serie.body.replaceAll("false", "true") === influxd.body.replaceAll("false", "true")),
  },
];
