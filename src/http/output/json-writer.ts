// The text of an InfluxDB 1.x JSON answer around its rows, and rows that no kernel writes.
//
// With `pretty` every element stands on its own line, indented by four spaces a level; the levels are fixed, so both forms share one
// writer.
import type { TimeUnit } from "../../model/types.ts";
import type { Cell, Message, ResultSeries } from "../../query/result.ts";
import { Zone } from "../../query/zones.ts";
import { tagText } from "./json-text.ts";
import { numberText } from "./number.ts";
import { epochText, rfc3339Text, type TimeText } from "./time.ts";

export interface JsonFormat {
  /** null: RFC 3339. */
  readonly epoch: TimeUnit | null;
  readonly pretty: boolean;
}

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
