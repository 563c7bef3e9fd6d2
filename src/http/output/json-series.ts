// The series of an answer as JSON, part after part, in pieces: what stands between the brackets of `"series":[...]`, and text around it.
//
//   [ {"name":"cpu","tags":{..},"columns":[..],"values":[ [..] , [..] ]} , {..} ]
import { Kernels } from "../../kernels/kernels.ts";
import { unitNs } from "../../model/types.ts";
import { type AnswerPart, type ResultSeries, rowCount, WrittenSeries } from "../../query/result.ts";
import { SeriesTable } from "../../query/series-table.ts";
import { ShortSeries } from "../../query/short-series.ts";
import { fieldsOf, JsonApart, MOST_COLUMNS } from "./json-apart.ts";
import { JsonBytes } from "./json-bytes.ts";
import { JsonPart } from "./json-part.ts";
import { JsonRows } from "./json-rows.ts";
import { JsonShort } from "./json-short.ts";
import { JsonTables } from "./json-tables.ts";
import type { JsonFormat, JsonWriter } from "./json-writer.ts";

/** Parts of fewer rows are written together. */
const FEW_ROWS = 16;

/** Bytes after which a piece is handed on. */
const PIECE_BYTES = 64 * 1024;

const CLOSING_BRACE = 0x7d;

/** The linear memory that answers are written in: apart from the stores', so that it never grows theirs. */
let shared: Kernels | undefined;

export class JsonSeries {
  readonly #writer: JsonWriter;
  readonly #isPretty: boolean;
  readonly #loaded: JsonPart;
  readonly #rows: JsonRows;
  readonly #short: JsonShort;
  readonly #tables: JsonTables;
  readonly #apart: JsonApart;
  readonly #bytes = new JsonBytes();
  #isFirst = true;
  #isListOpen = false;
  /** The next part continues it. */
  #seriesOpen = false;
  #valuesOpen = false;

  /** `close` when done. */
  constructor(writer: JsonWriter, { epoch, pretty }: JsonFormat) {
    shared ??= new Kernels();
    const unit = epoch === null ? 0n : unitNs[epoch];
    this.#writer = writer;
    this.#isPretty = pretty;
    this.#loaded = new JsonPart(shared);
    this.#rows = new JsonRows(shared, this.#loaded, unit, PIECE_BYTES);
    this.#short = new JsonShort(shared, this.#loaded, unit);
    this.#tables = new JsonTables(shared, unit);
    this.#apart = new JsonApart(shared, unit);
  }

  close(): void {
    this.#loaded.close();
    this.#rows.close();
    this.#short.close();
    this.#tables.close();
    this.#apart.close();
    this.#bytes.close();
  }

  text(text: string): void {
    this.#apart.text(text);
  }

  /** The series of a statement follow. */
  begin(): void {
    this.#isFirst = true;
    this.#isListOpen = false;
  }

  /** Series follow on others of a list that is written elsewhere: each has a comma in front. */
  follow(): void {
    this.#isFirst = false;
    this.#isListOpen = true;
  }

  /** Adds a part. Each piece that is full is valid until the next is asked for. */
  *add(part: AnswerPart): Generator<Uint8Array> {
    const bytes = this.#bytes;
    if (part instanceof SeriesTable || part instanceof ShortSeries || part instanceof WrittenSeries) {
      this.#openList();
      this.#flush();
      const series = part instanceof WrittenSeries ? this.#asWritten(part) : this.#table(part);
      if (bytes.length + series.length >= PIECE_BYTES) yield bytes.take(series);
      else bytes.add(series);
      return;
    }
    const apart = this.#apart;
    this.#open(part);
    const { columnar } = part;
    const isPlain = !this.#isPretty && part.timeColumn === 0 && !this.#writer.isZoned(part);
    if (columnar !== undefined && isPlain && columnar.count >= FEW_ROWS) {
      const isFirst = !this.#valuesOpen;
      if (isFirst) this.#separate();
      this.#flush();
      for (const piece of this.#rows.pieces(columnar, isFirst)) {
        if (bytes.length + piece.length >= PIECE_BYTES) yield bytes.take(piece);
        else bytes.add(piece);
      }
    } else if (isPlain && part.columns.length <= MOST_COLUMNS) {
      const columnCount = columnar === undefined ? part.columns.length - 1 : fieldsOf(columnar.cells).length;
      for (let i = 0; i < rowCount(part); i++) {
        if (apart.isFull(columnCount)) {
          if (bytes.length + apart.mostBytes > PIECE_BYTES) yield bytes.take();
          this.#flush();
        }
        this.#separate();
        if (columnar === undefined) apart.addRow(part.rows[i]!);
        else apart.addColumnar(columnar, i);
      }
    } else
      for (const row of part.rows) {
        this.#separate();
        this.text(this.#writer.row(row, part.timeColumn, part.zone));
        if (apart.mostBytes >= PIECE_BYTES) {
          this.#flush();
          yield bytes.take();
        }
      }
    if (!part.partial) this.#closeSeries();
  }

  /** No more series of the statement follow. */
  end(): void {
    this.#closeSeries();
    if (this.#isListOpen) this.text(this.#writer.closeSeriesList());
    this.#isListOpen = false;
  }

  /** What was added and not given yet. */
  *rest(): Generator<Uint8Array> {
    if (this.#bytes.length + this.#apart.mostBytes > PIECE_BYTES) yield this.#bytes.take();
    this.#flush();
    yield this.#bytes.take();
  }

  #table(part: SeriesTable | ShortSeries): Uint8Array {
    const columns = this.#writer.columns(part.head.columns);
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    return part instanceof ShortSeries
      ? this.#short.series(part, columns, isFirst)
      : this.#tables.series(part, columns, isFirst);
  }

  // (each has a comma in front; of one whose end is still to come the last row is there, `]`)
  #asWritten({ bytes }: WrittenSeries): Uint8Array {
    const series = this.#isFirst ? bytes.subarray(1) : bytes;
    this.#isFirst = false;
    this.#seriesOpen = this.#valuesOpen = bytes[bytes.length - 1] !== CLOSING_BRACE;
    return series;
  }

  #open(part: ResultSeries): void {
    if (this.#seriesOpen) return;
    if (!this.#isFirst) this.text(",");
    this.#isFirst = false;
    this.#openList();
    this.text(this.#writer.openSeries(part));
    this.text(this.#writer.columns(part.columns));
    this.#seriesOpen = true;
  }

  #openList(): void {
    if (!this.#isListOpen) this.text(this.#writer.openSeriesList());
    this.#isListOpen = true;
  }

  #separate(): void {
    this.text(this.#valuesOpen ? "," : this.#writer.openValues());
    this.#valuesOpen = true;
  }

  #closeSeries(): void {
    if (this.#seriesOpen)
      this.text((this.#valuesOpen ? this.#writer.closeValues() : "") + this.#writer.closeSeries());
    this.#seriesOpen = this.#valuesOpen = false;
  }

  #flush(): void {
    this.#bytes.add(this.#apart.take());
  }
}
