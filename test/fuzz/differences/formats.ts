// Formats and requests.

import type { Difference } from "../differences.ts";

export const stopped: Difference = {
  title: "statements after one that fails",
  influxd: "are not run; one `not executed` takes the place of the error. An error of SHOW stops nothing",
  serie: "are not run, whatever failed; each answers `not executed`, behind the error",
  reason: "the error must be seen, and every statement has its result",
  // (in answers of several statements, which are compared one by one)
  covers: () => false,
};

export const formats: readonly Difference[] = [
  stopped,
  {
    title: "an empty text of statements",
    influxd: "`;` is answered `{}`",
    serie: "answers an empty result",
    reason: "clients read results[0]",
    covers: ({ exchange, influxd }) => /^[\s;]*$/.test(exchange.text) && influxd.body.trim() === "{}",
  },
  {
    title: "failed statements in CSV",
    influxd: "answers nothing",
    serie: "a block with the header `error` and the message",
    reason: "an error that is not said is taken for no data",
    covers: ({ exchange, serie, influxd }) =>
      exchange.format === "csv" && serie.body.startsWith("error\n") && !influxd.body.startsWith("name,"),
    without: (text) => text,
    inFormat: "json",
  },
  {
    title: "replicaN in CSV",
    influxd: "repeats the column's name in the place of the number",
    serie: "writes the number",
    reason: "a slip of influxd's CSV writer",
    covers: ({ exchange, serie, influxd }) =>
      exchange.format === "csv" &&
      serie.body.replace(/,\d+(?=,(?:true|false)$)/gm, ",replicaN") === influxd.body,
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
    title: "comments where a regular expression may stand",
    influxd: "reads `/* ... */` as one, and a comment behind a dot or a function's name as an end",
    serie: "skips it",
    reason: "a comment is a blank",
    covers: ({ exchange, written, influxd }) =>
      exchange.text !== written && /\/\*|--|\n\t/.test(written) && influxd.status === 400,
    without: (text) => text,
  },
  {
    title: "bind parameters",
    influxd: "stand for values alone: not for the numbers of LIMIT, units of time() and names",
    serie: "may stand for every literal and name",
    reason: "no statement that influxd takes means something else",
    covers: ({ written, influxd }) => /\$p\d/.test(written) && influxd.status === 400,
    without: (text) => text,
  },
  {
    title: "failed statements in MessagePack",
    influxd: "a map of the `error` alone",
    serie: "with `statement_id` and `series`, as in JSON",
    reason: "it says which statement failed",
    covers: ({ exchange, serie, influxd }) =>
      exchange.format === "msgpack" &&
      serie.body.replace(/"statement_id":\d+,(?:"series":\[.*\],)?(?="error")/g, "") === influxd.body,
  },
];
