// Answers as CSV (RFC 4180 quoting), as InfluxDB 1.x prints them.
//
//   name,tags,time,value
//   cpu,host=a,1700000000000000000,0.5
//
// A header stands before the first series of a statement and wherever the columns change, after an empty line
// unless it is the first. Times are integers, ns unless `epoch` says otherwise. A statement's error is a block of
// its own with the header `error`.
import type { TimeUnit } from "../../model/types.ts";
import type { Cell, ResultSeries, StatementResult } from "../../query/result.ts";
import { epochText, type TimeText } from "./time.ts";

/** Characters of text after which a piece is handed on. */
const PIECE_LENGTH = 64 * 1024;

export async function* encodeCsv(results: AsyncIterable<StatementResult>, epoch: TimeUnit | null) {
  const time = epochText(epoch ?? "ns");
  let text = "";
  let blockCount = 0;
  const openBlock = (header: string) => {
    text += (blockCount++ === 0 ? "" : "\n") + header;
  };
  for await (const result of results) {
    let lastHeader = "";
    try {
      for await (const part of result.series) {
        const header = `name,tags,${part.columns.map(quoted).join(",")}\n`;
        if (header !== lastHeader) openBlock(header);
        lastHeader = header;
        const start = `${quoted(part.name ?? "")},${quoted(tagText(part))}`;
        for (const row of part.rows) {
          text += start;
          for (let column = 0; column < row.length; column++)
            text += `,${cellText(row[column] as Cell, column === part.timeColumn ? time : null)}`;
          text += "\n";
          if (text.length >= PIECE_LENGTH) {
            yield text;
            text = "";
          }
        }
      }
    } catch (error) {
      openBlock(csvError(error instanceof Error ? error.message : String(error)));
    }
  }
  yield text;
}

/** A block of its own, or the whole answer to a request that failed. */
export function csvError(message: string): string {
  return `error\n${quoted(message)}\n`;
}

function cellText(cell: Cell, time: TimeText | null): string {
  switch (typeof cell) {
    case "string":
      return quoted(cell);
    case "number":
      return decimalText(cell);
    case "bigint":
      return time ? time(cell) : String(cell);
    default:
      if (cell === null) return "";
      return typeof cell === "object" ? quoted(cell.join(",")) : String(cell);
  }
}

function tagText({ tags }: ResultSeries): string {
  if (!tags) return "";
  const escaped = (text: string) => text.replace(/[,= ]/g, "\\$&");
  return [...tags]
    .filter(([, value]) => value !== "")
    .map(([key, value]) => `${escaped(key)}=${escaped(value)}`)
    .join(",");
}

function quoted(text: string): string {
  return /[",\r\n]|^\s/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Shortest digits without an exponent: spreadsheets and Go's 'f' format agree on this. */
export function decimalText(value: number): string {
  if (!Number.isFinite(value)) return "";
  if (Object.is(value, -0)) return "-0";
  const text = String(value);
  const [, sign, whole, fraction = "", exponentText] = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? [];
  if (whole === undefined) return text;
  const exponent = Number(exponentText);
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${whole}${fraction}`;
  return sign + whole + fraction.padEnd(exponent, "0");
}
