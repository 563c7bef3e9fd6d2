// Answers with `chunked=true`: one JSON document a line, each with up to `chunkSize` rows of one series.
//
// `"partial":true` on the series: more rows of it follow in the next line; on the result: more of this statement
// follows. Both need to know what comes next, so one line is held back.
import type { ResultSeries, StatementResult } from "../../query/result.ts";
import { type JsonFormat, JsonWriter } from "./json-writer.ts";

export async function* encodeChunkedJson(
  results: AsyncIterable<StatementResult>,
  format: JsonFormat,
  chunkSize: number,
) {
  const writer = new JsonWriter(format);
  for await (const result of results) {
    let head = writer.openResult(result.statementId, result.messages); // messages stand in the first line
    let held: ResultSeries | undefined;
    let tail = "";
    try {
      for await (const chunk of regroup(result.series, chunkSize)) {
        if (held) {
          yield line(writer, head + oneSeries(writer, held) + writer.partial(3));
          head = writer.openResult(result.statementId, []);
        }
        held = chunk;
      }
    } catch (error) {
      tail = writer.error(error);
    }
    yield line(writer, head + (held ? oneSeries(writer, held) : "") + tail);
  }
}

function line(writer: JsonWriter, result: string): string {
  const list = `${writer.line(1)}"results":${writer.space}[${result}${writer.closeResult()}${writer.line(1)}]`;
  return `{${list}${writer.line(0)}}\n`;
}

function oneSeries(writer: JsonWriter, series: ResultSeries): string {
  let text = writer.openSeriesList() + writer.openSeries(series) + writer.columns(series.columns);
  if (series.rows.length > 0) {
    text += writer.openValues();
    text += series.rows.map((row) => writer.row(row, series.timeColumn, series.zone)).join(",");
    text += writer.closeValues();
  }
  if (series.partial) text += writer.partial(5);
  return text + writer.closeSeries() + writer.closeSeriesList();
}

/** The same rows in parts of exactly `chunkSize` rows, the last part of a series with what is left. */
export async function* regroup(
  parts: AsyncIterable<ResultSeries>,
  chunkSize: number,
): AsyncGenerator<ResultSeries> {
  let rows: ResultSeries["rows"][number][] = [];
  for await (const part of parts) {
    for (const row of part.rows) {
      // a full chunk leaves only when one more row of its series is there: it is partial for certain
      if (rows.length === chunkSize) {
        yield { ...part, rows, partial: true };
        rows = [];
      }
      rows.push(row);
    }
    if (part.partial) continue;
    yield { ...part, rows, partial: false };
    rows = [];
  }
}
