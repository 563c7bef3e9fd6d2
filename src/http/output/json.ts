// Answers as InfluxDB 1.x JSON, in pieces of text small enough to stream.
//
//   {"results":[{"statement_id":0,"series":[{"name":"cpu","tags":{..},"columns":[..],"values":[[..],..]}]}]}
//
// `series`, `tags`, `values` and `messages` are left out when there are none. With `pretty` every element stands
// on its own line, indented by four spaces a level; the levels are fixed, so both forms share one writer.
import type { Column } from "../../model/scan.ts";
import { FieldType, type TimeUnit, unitNs } from "../../model/types.ts";
import type { ColumnarRows } from "../../query/columnar.ts";
import type { Cell, Message, ResultSeries, StatementResult } from "../../query/result.ts";
import { Zone } from "../../query/zones.ts";
import { JsonBytes } from "./json-bytes.ts";
import { JsonRows } from "./json-rows.ts";
import { numberText } from "./number.ts";
import { epochText, rfc3339Text, type TimeText } from "./time.ts";

export interface JsonFormat {
  /** null: RFC 3339. */
  readonly epoch: TimeUnit | null;
  readonly pretty: boolean;
}

/** Below it, putting a part into linear memory costs more than writing it from there saves. */
const FEW_ROWS = 16;

/** Bytes after which a piece is handed on. */
const PIECE_BYTES = 64 * 1024;

/** The whole answer as one document, in UTF-8. A statement's error stands in its result. */
export async function* encodeJson(
  results: AsyncIterable<StatementResult>,
  format: JsonFormat,
): AsyncGenerator<Uint8Array> {
  const { epoch, pretty } = format;
  const writer = new JsonWriter(format);
  const rows = new JsonRows(epoch === null ? 0n : unitNs[epoch], PIECE_BYTES);
  const bytes = new JsonBytes();
  let text = `{${writer.line(1)}"results":${writer.space}[`;
  const flush = () => {
    bytes.text(text);
    text = "";
  };
  let count = 0;
  try {
    for await (const result of results) {
      text += (count++ === 0 ? "" : ",") + writer.openResult(result.statementId, result.messages);
      let seriesCount = 0;
      let seriesOpen = false; // the next part continues it
      let valuesOpen = false;
      const closeSeries = () => {
        if (seriesOpen) text += (valuesOpen ? writer.closeValues() : "") + writer.closeSeries();
        seriesOpen = valuesOpen = false;
      };
      try {
        for await (const part of result.series) {
          if (!seriesOpen) {
            text += (seriesCount++ === 0 ? writer.openSeriesList() : ",") + writer.openSeries(part);
            seriesOpen = true;
          }
          const { columnar } = part;
          if (columnar !== undefined && columnar.count < FEW_ROWS && !pretty && !writer.isZoned(part)) {
            for (let i = 0; i < columnar.count; i++) {
              text += (valuesOpen ? "," : writer.openValues()) + writer.columnarRow(columnar, i);
              valuesOpen = true;
            }
            if (text.length >= PIECE_BYTES) {
              flush();
              yield bytes.take();
            }
          } else if (columnar !== undefined && !pretty && !writer.isZoned(part)) {
            const isFirst = !valuesOpen;
            if (isFirst) text += writer.openValues();
            valuesOpen = true;
            flush();
            for (const piece of rows.pieces(columnar, isFirst)) {
              bytes.add(piece);
              if (bytes.length >= PIECE_BYTES) yield bytes.take();
            }
          } else
            for (const row of part.rows) {
              text += (valuesOpen ? "," : writer.openValues()) + writer.row(row, part.timeColumn, part.zone);
              valuesOpen = true;
              if (text.length >= PIECE_BYTES) {
                flush();
                yield bytes.take();
              }
            }
          if (!part.partial) closeSeries();
        }
        if (seriesCount > 0) text += writer.closeSeriesList();
      } catch (error) {
        closeSeries();
        if (seriesCount > 0) text += writer.closeSeriesList();
        text += writer.error(error);
      }
      text += writer.closeResult();
    }
    if (count === 0) text += writer.openResult(0, []) + writer.closeResult();
    text += `${writer.line(1)}]${writer.line(0)}}\n`;
    flush();
    yield bytes.take();
  } finally {
    rows.close();
  }
}

/** Writes the parts of the document; each method returns text. Levels: results 1, result 2, series 4, values 5. */
export class JsonWriter {
  readonly time: TimeText;
  readonly #quoteTimes: boolean;
  readonly #lines: readonly string[];
  /** After a colon. */
  readonly space: string;
  readonly #rowOpen: string;
  readonly #cellSeparator: string;
  readonly #rowClose: string;
  /** The zone of the last series that had one. */
  #zoned: { readonly zone: string; readonly time: TimeText } | undefined;

  constructor(format: JsonFormat) {
    this.time = format.epoch === null ? rfc3339Text() : epochText(format.epoch);
    this.#quoteTimes = format.epoch === null;
    this.#lines = Array.from({ length: 9 }, (_, level) => (format.pretty ? `\n${"    ".repeat(level)}` : ""));
    this.space = format.pretty ? " " : "";
    this.#rowOpen = `${this.line(6)}[${this.line(7)}`;
    this.#cellSeparator = `,${this.line(7)}`;
    this.#rowClose = `${this.line(6)}]`;
  }

  /** The line break and indentation of a level, empty when not pretty. */
  line(level: number): string {
    return this.#lines[level] as string;
  }

  openResult(statementId: number, messages: readonly Message[]): string {
    const text = `${this.line(2)}{${this.line(3)}"statement_id":${this.space}${statementId}`;
    return messages.length === 0
      ? text
      : `${text},${this.line(3)}"messages":${this.space}${this.#list(messages, 3)}`;
  }

  closeResult(): string {
    return `${this.line(2)}}`;
  }

  error(error: unknown): string {
    const message = error instanceof Error ? error.message : String(error);
    return `,${this.line(3)}"error":${this.space}${JSON.stringify(message)}`;
  }

  /** Marks a result (level 3) or a series (level 5) of which more follows. */
  partial(level: number): string {
    return `,${this.line(level)}"partial":${this.space}true`;
  }

  openSeriesList(): string {
    return `,${this.line(3)}"series":${this.space}[`;
  }

  closeSeriesList(): string {
    return `${this.line(3)}]`;
  }

  openSeries(series: ResultSeries): string {
    const { name, tags, columns } = series;
    let text = `${this.line(4)}{${this.line(5)}`;
    if (name !== undefined) text += `"name":${this.space}${JSON.stringify(name)},${this.line(5)}`;
    if (tags && tags.size > 0)
      text += `"tags":${this.space}${this.#list(Object.fromEntries(tags), 5)},${this.line(5)}`;
    return `${text}"columns":${this.space}${this.#list(columns, 5)}`;
  }

  /** Before the first row: a series without rows has no `values`. */
  openValues(): string {
    return `,${this.line(5)}"values":${this.space}[`;
  }

  /** Whether times of this series are printed by the clock of a zone. */
  isZoned(series: ResultSeries): boolean {
    return this.#quoteTimes && series.zone !== undefined;
  }

  row(row: readonly Cell[], timeColumn: number, zone?: string): string {
    const time = zone === undefined || !this.#quoteTimes ? this.time : this.#timeIn(zone);
    let text = this.#rowOpen;
    for (let column = 0; column < row.length; column++) {
      const cell = row[column] as Cell;
      if (column > 0) text += this.#cellSeparator;
      if (typeof cell === "number") text += numberText(cell);
      else if (column === timeColumn && typeof cell === "bigint")
        text += this.#quoteTimes ? `"${time(cell)}"` : time(cell);
      else if (typeof cell === "string") text += JSON.stringify(cell);
      else text += cell === null ? "null" : typeof cell === "object" ? JSON.stringify(cell) : String(cell);
    }
    return text + this.#rowClose;
  }

  /** A row of a part that is kept as columns, not pretty and not in a zone. */
  columnarRow({ blocks, block, row, cells }: ColumnarRows, index: number): string {
    const { series, times, columns } = blocks[block[index]!]!;
    const at = row[index]!;
    const time = this.time(times[at]!);
    let text = this.#quoteTimes ? `["${time}"` : `[${time}`;
    for (const cell of cells) {
      if (cell.kind === "tag") text += `,${JSON.stringify(series.tags.get(cell.name) ?? null)}`;
      else text += `,${cellText(columns[cell.column] ?? null, at)}`;
    }
    return `${text}]`;
  }

  #timeIn(zone: string): TimeText {
    if (this.#zoned?.zone !== zone) this.#zoned = { zone, time: rfc3339Text(new Zone(zone)) };
    return this.#zoned.time;
  }

  closeValues(): string {
    return `${this.line(5)}]`;
  }

  closeSeries(): string {
    return `${this.line(4)}}`;
  }

  /** Plain data (names, tags, messages) on the lines below `level`. */
  #list(value: unknown, level: number): string {
    if (this.space === "") return JSON.stringify(value);
    return JSON.stringify(value, null, 4).replaceAll("\n", this.line(level));
  }
}

function cellText(column: Column | null, row: number): string {
  if (column === null || column.present?.[row] === 0) return "null";
  switch (column.type) {
    case FieldType.Float:
      return numberText(column.values[row]!);
    case FieldType.Boolean:
      return column.values[row] === 0 ? "false" : "true";
    case FieldType.String:
      return JSON.stringify(column.values[row]!);
    default:
      return String(column.values[row]!);
  }
}
