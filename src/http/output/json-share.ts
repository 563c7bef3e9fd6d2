// A share of an answer as JSON (query/shares.ts): every series with a comma in front, so that it can follow on any other.
import type { TimeUnit } from "../../model/types.ts";
import type { WrittenPart } from "../../query/make-share.ts";
import type { ResultSeries } from "../../query/result.ts";
import { JsonSeries } from "./json-series.ts";
import { JsonWriter } from "./json-writer.ts";

export async function* writeSeries(
  parts: AsyncIterable<ResultSeries>,
  epoch: TimeUnit | null,
): AsyncGenerator<WrittenPart> {
  const format = { epoch, pretty: false };
  const series = new JsonSeries(new JsonWriter(format), format);
  series.follow();
  try {
    for await (const part of parts) {
      for (const bytes of series.add(part)) yield { part, bytes };
      for (const bytes of series.rest()) yield { part, bytes };
    }
  } finally {
    series.close();
  }
}
