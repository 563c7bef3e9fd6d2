// Statement results in InfluxDB's JSON, whole: what scripts compare. (The server has a streaming writer of its own.)
import { SerieError } from "../../src/base/errors.ts";
import { type TimeUnit, unitNs } from "../../src/model/types.ts";
import type { Cell, ResultSeries, StatementResult } from "../../src/query/result.ts";

export async function resultJson(result: StatementResult, unit: TimeUnit): Promise<string> {
  const head = `{"statement_id":${result.statementId}`;
  const messages = result.messages.length > 0 ? `,"messages":${JSON.stringify(result.messages)}` : "";
  const series: string[] = [];
  try {
    const whole: { part: ResultSeries; rows: (readonly Cell[])[] }[] = [];
    let isOpen = false;
    for await (const part of result.series) {
      if (isOpen) whole.at(-1)!.rows.push(...part.rows);
      else whole.push({ part, rows: [...part.rows] });
      isOpen = part.partial === true;
    }
    for (const { part, rows } of whole) series.push(seriesJson(part, rows, unit));
  } catch (error) {
    if (!(error instanceof SerieError)) throw error;
    return `${head}${messages},"error":${JSON.stringify(error.message)}}`;
  }
  return `${head}${messages}${series.length > 0 ? `,"series":[${series.join(",")}]` : ""}}`;
}

function seriesJson(part: ResultSeries, rows: readonly (readonly Cell[])[], unit: TimeUnit): string {
  const name = part.name === undefined ? "" : `"name":${JSON.stringify(part.name)},`;
  const tags = part.tags === undefined ? "" : `"tags":${JSON.stringify(Object.fromEntries(part.tags))},`;
  const cellJson = (cell: Cell, column: number) => {
    if (Object.is(cell, -0)) return "-0";
    if (typeof cell !== "bigint") return JSON.stringify(cell);
    return String(column === part.timeColumn ? cell / unitNs[unit] : cell);
  };
  const values = rows.map((row) => `[${row.map(cellJson).join(",")}]`);
  const list = values.length > 0 ? `,"values":[${values.join(",")}]` : "";
  return `{${name}${tags}"columns":${JSON.stringify(part.columns)}${list}}`;
}
