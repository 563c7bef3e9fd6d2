// Answers as InfluxDB 1.x JSON, in pieces small enough to stream.
//
//   {"results":[{"statement_id":0,"series":[{"name":"cpu","tags":{..},"columns":[..],"values":[[..],..]}]}]}
//
// `series`, `tags`, `values` and `messages` are left out when there are none.
import type { StatementResult } from "../../query/result.ts";
import { JsonSeries } from "./json-series.ts";
import { type JsonFormat, JsonWriter } from "./json-writer.ts";

/** The whole answer as one document, in UTF-8, each piece valid until the next is asked for. A statement's error stands in its result. */
export async function* encodeJson(
  results: AsyncIterable<StatementResult>,
  format: JsonFormat,
): AsyncGenerator<Uint8Array> {
  const writer = new JsonWriter(format);
  const series = new JsonSeries(writer, format);
  let count = 0;
  try {
    series.text(`{${writer.line(1)}"results":${writer.space}[`);
    for await (const result of results) {
      series.text((count++ === 0 ? "" : ",") + writer.openResult(result.statementId, result.messages));
      series.begin();
      try {
        const takesTables = !format.pretty && result.parts !== undefined;
        for await (const part of takesTables ? result.parts : result.series)
          for (const piece of series.add(part)) yield piece;
        series.end();
      } catch (error) {
        series.end();
        series.text(writer.error(error));
      }
      series.text(writer.closeResult());
    }
    if (count === 0) series.text(writer.openResult(0, []) + writer.closeResult());
    series.text(`${writer.line(1)}]${writer.line(0)}}\n`);
    for (const piece of series.rest()) yield piece;
  } finally {
    series.close();
  }
}
