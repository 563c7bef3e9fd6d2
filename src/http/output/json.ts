// Answers as InfluxDB 1.x JSON, in pieces small enough to stream.
//
//   {"results":[{"statement_id":0,"series":[{"name":"cpu","tags":{..},"columns":[..],"values":[[..],..]}]}]}
//
// `series`, `tags`, `values` and `messages` are left out when there are none. With `pretty` every element stands
// on its own line, indented by four spaces a level; the levels are fixed, so both forms share one writer.
import { Kernels } from "../../kernels/kernels.ts";
import { type TimeUnit, unitNs } from "../../model/types.ts";
import {
  type Cell,
  type Message,
  type ResultSeries,
  rowCount,
  type StatementResult,
} from "../../query/result.ts";
import { SeriesTable } from "../../query/series-table.ts";
import { ShortSeries } from "../../query/short-series.ts";
import { Zone } from "../../query/zones.ts";
import { fieldsOf, JsonApart, MOST_COLUMNS } from "./json-apart.ts";
import { JsonBytes } from "./json-bytes.ts";
import { JsonPart } from "./json-part.ts";
import { JsonRows } from "./json-rows.ts";
import { JsonShort } from "./json-short.ts";
import { JsonTables } from "./json-tables.ts";
import { tagText } from "./json-text.ts";
import { numberText } from "./number.ts";
import { epochText, rfc3339Text, type TimeText } from "./time.ts";

export interface JsonFormat {
  /** null: RFC 3339. */
  readonly epoch: TimeUnit | null;
  readonly pretty: boolean;
}

/** Parts of fewer rows are written together. */
const FEW_ROWS = 16;

/** Bytes after which a piece is handed on. */
const PIECE_BYTES = 64 * 1024;

/** The whole answer as one document, in UTF-8, each piece valid until the next is asked for. A statement's error stands in its result. */
export async function* encodeJson(
  results: AsyncIterable<StatementResult>,
  format: JsonFormat,
): AsyncGenerator<Uint8Array> {
  const { epoch, pretty } = format;
  const writer = new JsonWriter(format);
  shared ??= new Kernels();
  const unit = epoch === null ? 0n : unitNs[epoch];
  const loaded = new JsonPart(shared);
  const rows = new JsonRows(shared, loaded, unit, PIECE_BYTES);
  const short = new JsonShort(shared, loaded, unit);
  const tables = new JsonTables(shared, unit);
  const apart = new JsonApart(shared, unit);
  const bytes = new JsonBytes();
  const put = (text: string) => apart.text(text);
  const flush = () => bytes.add(apart.take());
  let count = 0;
  try {
    put(`{${writer.line(1)}"results":${writer.space}[`);
    for await (const result of results) {
      put((count++ === 0 ? "" : ",") + writer.openResult(result.statementId, result.messages));
      let seriesCount = 0;
      let isListOpen = false;
      let seriesOpen = false; // the next part continues it
      let valuesOpen = false;
      const closeSeries = () => {
        if (seriesOpen) put((valuesOpen ? writer.closeValues() : "") + writer.closeSeries());
        seriesOpen = valuesOpen = false;
      };
      const openList = () => {
        if (!isListOpen) put(writer.openSeriesList());
        isListOpen = true;
      };
      const separate = () => {
        put(valuesOpen ? "," : writer.openValues());
        valuesOpen = true;
      };
      try {
        const takesTables = !pretty && result.parts !== undefined;
        for await (const part of takesTables ? result.parts : result.series) {
          if (part instanceof SeriesTable || part instanceof ShortSeries) {
            openList();
            flush();
            const columns = writer.columns(part.head.columns);
            const isFirst = seriesCount === 0;
            const series =
              part instanceof ShortSeries
                ? short.series(part, columns, isFirst)
                : tables.series(part, columns, isFirst);
            seriesCount += part.seriesCount;
            if (bytes.length + series.length >= PIECE_BYTES) yield bytes.take(series);
            else bytes.add(series);
            continue;
          }
          if (!seriesOpen) {
            if (seriesCount++ > 0) put(",");
            openList();
            put(writer.openSeries(part));
            put(writer.columns(part.columns));
            seriesOpen = true;
          }
          const { columnar } = part;
          const isPlain = !pretty && part.timeColumn === 0 && !writer.isZoned(part);
          if (columnar !== undefined && isPlain && columnar.count >= FEW_ROWS) {
            const isFirst = !valuesOpen;
            if (isFirst) separate();
            flush();
            for (const piece of rows.pieces(columnar, isFirst)) {
              if (bytes.length + piece.length >= PIECE_BYTES) yield bytes.take(piece);
              else bytes.add(piece);
            }
          } else if (isPlain && part.columns.length <= MOST_COLUMNS) {
            const columnCount =
              columnar === undefined ? part.columns.length - 1 : fieldsOf(columnar.cells).length;
            for (let i = 0; i < rowCount(part); i++) {
              if (apart.isFull(columnCount)) {
                if (bytes.length + apart.mostBytes > PIECE_BYTES) yield bytes.take();
                flush();
              }
              separate();
              if (columnar === undefined) apart.addRow(part.rows[i]!);
              else apart.addColumnar(columnar, i);
            }
          } else
            for (const row of part.rows) {
              separate();
              put(writer.row(row, part.timeColumn, part.zone));
              if (apart.mostBytes >= PIECE_BYTES) {
                flush();
                yield bytes.take();
              }
            }
          if (!part.partial) closeSeries();
        }
        if (isListOpen) put(writer.closeSeriesList());
      } catch (error) {
        closeSeries();
        if (isListOpen) put(writer.closeSeriesList());
        put(writer.error(error));
      }
      put(writer.closeResult());
    }
    if (count === 0) put(writer.openResult(0, []) + writer.closeResult());
    put(`${writer.line(1)}]${writer.line(0)}}\n`);
    if (bytes.length + apart.mostBytes > PIECE_BYTES) yield bytes.take();
    flush();
    yield bytes.take();
  } finally {
    loaded.close();
    rows.close();
    short.close();
    tables.close();
    apart.close();
    bytes.close();
  }
}

/** The linear memory that answers are written in: apart from the stores', so that it never grows theirs. */
let shared: Kernels | undefined;

/** Line breaks and indentation by level. */
const prettyLines = Array.from({ length: 9 }, (_, level) => `\n${"    ".repeat(level)}`);
const plainLines = prettyLines.map(() => "");

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
  /** Of the last series: the next one mostly has the same. */
  #columns: { readonly names: readonly string[]; readonly text: string } | undefined;
  /** The zone of the last series that had one. */
  #zoned: { readonly zone: string; readonly time: TimeText } | undefined;

  constructor(format: JsonFormat) {
    this.time = format.epoch === null ? rfc3339Text() : epochText(format.epoch);
    this.#quoteTimes = format.epoch === null;
    this.#lines = format.pretty ? prettyLines : plainLines;
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

  /** Behind it come the columns. */
  openSeries({ name, tags }: ResultSeries): string {
    let text = `${this.line(4)}{${this.line(5)}`;
    if (name !== undefined) text += `"name":${this.space}${tagText(name)},${this.line(5)}`;
    if (tags && tags.size > 0) text += `"tags":${this.space}${this.#tags(tags)},${this.line(5)}`;
    return text;
  }

  columns(names: readonly string[]): string {
    if (this.#columns?.names !== names)
      this.#columns = { names, text: `"columns":${this.space}${this.#list(names, 5)}` };
    return this.#columns.text;
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

  /** In the order that they have: an object would put numbers first. */
  #tags(tags: ReadonlyMap<string, string>): string {
    let text = "";
    for (const [key, value] of tags)
      text += `${text === "" ? "{" : ","}${this.line(6)}${tagText(key)}:${this.space}${tagText(value)}`;
    return `${text}${this.line(5)}}`;
  }

  /** Plain data (names, messages) on the lines below `level`. */
  #list(value: unknown, level: number): string {
    if (this.space === "") return JSON.stringify(value);
    return JSON.stringify(value, null, 4).replaceAll("\n", this.line(level));
  }
}
