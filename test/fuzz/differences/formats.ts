// Formats and requests.

import type { Difference } from "../differences.ts";
import { isStoppedAlike, resultsOf } from "./evidence.ts";

export const formats: readonly Difference[] = [
  {
    title: "statements after one that fails",
    influxd: "are not run; one `not executed` takes the place of the error",
    serie: "are not run; each answers `not executed`, behind the error",
    reason: "the error must be seen, and every statement has its result",
    covers: ({ serie, influxd }) => isStoppedAlike(resultsOf(serie.body), resultsOf(influxd.body)),
  },
  {
    title: "an empty text of statements",
    influxd: "`;` is answered `{}`",
    serie: "answers an empty result",
    reason: "clients read results[0]",
    covers: ({ exchange, influxd }) => /^\s*;[\s;]*$/.test(exchange.text) && influxd.body.trim() === "{}",
  },
  {
    title: "failed statements in CSV",
    influxd: "answers nothing",
    serie: "a block with the header `error` and the message",
    reason: "an error that is not said is taken for no data",
    covers: ({ exchange, serie, influxd }) =>
      exchange.format === "csv" && serie.body.startsWith("error\n") && influxd.body === "",
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
];
