// What names and `*` stand for, over several shards, policies and measurements.
import type { Difference } from "../differences.ts";
import { nodesOf } from "../rewrite.ts";
import { areInShards, readsSeveral, writtenFields, writtenTags } from "./claims.ts";
import {
  areAmong,
  isAnswered,
  sortedRows,
  valuesOf,
  withoutEmptyColumns,
  withoutEmptyNames,
} from "./evidence.ts";

export const names: readonly Difference[] = [
  {
    title: "`*` over some of the shards",
    influxd: "shows the fields of the shards that the range touches",
    serie: "shows the fields of the measurement",
    reason: "the columns do not depend on the shard duration",
    covers: ({ exchange, serie, influxd, history }) =>
      isAnswered(serie, influxd) &&
      nodesOf(exchange.text).some(({ kind }) => kind === "wildcard" || kind === "regex") &&
      areInShards(history) &&
      withoutEmptyColumns(serie.body) === withoutEmptyColumns(influxd.body),
  },
  {
    title: "`*` over measurements of another retention policy",
    influxd: "shows the tags also of measurements that have no point in the policy: `SELECT * FROM p./.*/`",
    serie: "shows those of the measurements that have",
    reason: "of the others there is no row",
    covers: ({ exchange, serie, influxd, history, hasTies }) => {
      // (series at one time are in any order, as those are that INTO wrote)
      const haveTies = hasTies || history.some(({ text }) => /\binto\b/i.test(text));
      const [ours, theirs] = [serie, influxd].map(({ body }) => {
        const named = withoutEmptyNames(body);
        return haveTies ? sortedRows(named) : named;
      });
      return (
        isAnswered(serie, influxd) &&
        readsSeveral(exchange.text) &&
        history.some(({ policy, text }) => policy !== undefined || /^create retention policy/i.test(text)) &&
        ours === theirs
      );
    },
  },
  {
    title: "a name of several types over some of the shards",
    influxd: "takes the type of the measurements that have the field in the shards that the range touches",
    serie: "takes that of all measurements of the statement",
    reason: "what a name means does not depend on the shard duration",
    covers: ({ exchange, serie, influxd, history }) =>
      isAnswered(serie, influxd) &&
      readsSeveral(exchange.text) &&
      areInShards(history) &&
      areAmong(valuesOf(serie.body), valuesOf(influxd.body)),
  },
  {
    title: "a name that is a tag of one measurement and a field of another",
    influxd: "is the field: `SELECT host FROM m, n` does not show the tag",
    serie: "is in each measurement what it is there",
    reason: "what is there is shown",
    covers: ({ exchange, serie, influxd, history }) =>
      isAnswered(serie, influxd) &&
      readsSeveral(exchange.text) &&
      nodesOf(exchange.text).some(
        (node) =>
          node.kind === "reference" &&
          node.cast === null &&
          writtenTags(history).has(node.name) &&
          [...writtenFields(history).values()].some((fields) => fields.has(node.name)),
      ) &&
      areAmong(valuesOf(influxd.body), valuesOf(serie.body)),
  },
  {
    title: "EXPLAIN and EXPLAIN ANALYZE",
    influxd: "tells of its iterators and shards",
    serie: "prints the plan it runs",
    reason: "the plan is serie's own",
    covers: ({ exchange, serie, influxd }) =>
      /^\s*explain/i.test(exchange.text) && serie.status === 200 && influxd.status === 200,
  },
];
