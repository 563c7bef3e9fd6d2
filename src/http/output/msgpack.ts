// Answers as MessagePack, as InfluxDB 1.x encodes them: the JSON document's maps and arrays with numbers as numbers.
//
//   {results: [{statement_id, messages?, series: [{name?, tags?, columns, values, partial?}], error?, partial?}]}
//
// Times are extension 5 (i64 seconds and i32 nanoseconds, big endian) unless `epoch` asks for integers. The format says
// every length before its content, so a result is held as bytes until its end, and the document until the last result is
// there: both within MAX_HELD_BYTES. `chunked=true` holds a chunk.
import { Encoder, ExtData } from "@msgpack/msgpack";
import { type TimeUnit, unitNs } from "../../model/types.ts";
import type { Cell, Message, ResultSeries, StatementResult } from "../../query/result.ts";
import { regroup } from "./chunked.ts";

/** A document that would be larger ends with an error in its result. */
const MAX_HELD_BYTES = 256 * 2 ** 20;
const TIME_EXTENSION = 5;
const NS_PER_S = 1_000_000_000n;
/** Up to here, on both sides of 0, the encoder writes numbers as integers. */
const MOST_INTEGER = 2 ** 31;

export async function* encodeMsgpack(results: AsyncIterable<StatementResult>, epoch: TimeUnit | null) {
  const writer = new MsgpackWriter(epoch);
  const done: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const result of results) {
    const series = new SeriesList(writer);
    let failure: unknown;
    try {
      for await (const part of result.series) {
        series.add(part);
        if (heldBytes + series.sizeBytes > MAX_HELD_BYTES)
          throw new Error("the answer is too large for one MessagePack document: ask with chunked=true");
      }
    } catch (error) {
      failure = error;
    }
    const bytes = writer.result(result.statementId, result.messages, series.bytes(), { failure });
    heldBytes += bytes.length;
    done.push(bytes);
  }
  if (done.length === 0) done.push(writer.result(0, [], EMPTY_LIST, {}));
  yield Buffer.concat([RESULTS_HEAD, arrayHead(done.length)]);
  yield* done;
}

/** A document a chunk, one after the other. */
export async function* encodeChunkedMsgpack(
  results: AsyncIterable<StatementResult>,
  epoch: TimeUnit | null,
  chunkSize: number,
) {
  const writer = new MsgpackWriter(epoch);
  const document = (result: Uint8Array) => Buffer.concat([RESULTS_HEAD, arrayHead(1), result]);
  const listOf = (part: ResultSeries | undefined) => {
    const list = new SeriesList(writer);
    if (part) list.addChunk(part);
    return list.bytes();
  };
  for await (const { statementId, messages, series } of results) {
    let held: ResultSeries | undefined;
    let failure: unknown;
    let left = messages; // they stand in the first document
    try {
      for await (const chunk of regroup(series, chunkSize)) {
        if (held) {
          yield document(writer.result(statementId, left, listOf(held), { partial: true }));
          left = [];
        }
        held = chunk;
      }
    } catch (error) {
      failure = error;
    }
    yield document(writer.result(statementId, left, listOf(held), { failure }));
  }
}

/** `{error}`: the answer to a request that failed as a whole. */
export function msgpackError(message: string): Uint8Array<ArrayBuffer> {
  return new Encoder().encode({ error: message });
}

/** Series encoded one after the other; the parts of one are joined. */
class SeriesList {
  readonly #writer: MsgpackWriter;
  readonly #done: Uint8Array[] = [];
  #open: OpenSeries | undefined;
  #count = 0;
  sizeBytes = 0;

  constructor(writer: MsgpackWriter) {
    this.#writer = writer;
  }

  add(part: ResultSeries): void {
    this.#open ??= { head: this.#writer.seriesHead(part, false), rows: [], rowCount: 0 };
    const rows = this.#writer.rows(part);
    this.#open.rows.push(rows);
    this.#open.rowCount += part.rows.length;
    this.sizeBytes += rows.length;
    if (!part.partial) this.#close(this.#open, []);
  }

  /** A chunk stands alone, with its mark when more of the series follows. */
  addChunk(part: ResultSeries): void {
    const head = this.#writer.seriesHead(part, part.partial === true);
    const rows = [this.#writer.rows(part)];
    this.#close({ head, rows, rowCount: part.rows.length }, part.partial ? [PARTIAL] : []);
  }

  /** The array; a series that an error cut short is closed. */
  bytes(): Uint8Array {
    if (this.#open) this.#close(this.#open, []);
    return Buffer.concat([arrayHead(this.#count), ...this.#done]);
  }

  #close({ head, rows, rowCount }: OpenSeries, tail: readonly Uint8Array[]): void {
    this.#done.push(Buffer.concat([head, arrayHead(rowCount), ...rows, ...tail]));
    this.#count++;
    this.#open = undefined;
  }
}

interface OpenSeries {
  readonly head: Uint8Array;
  readonly rows: Uint8Array[];
  rowCount: number;
}

class MsgpackWriter {
  readonly #encoder = new Encoder({ useBigInt64: true });
  readonly #time: (timeNs: bigint) => ExtData | bigint;

  constructor(epoch: TimeUnit | null) {
    const scale = epoch === null ? 0n : unitNs[epoch];
    this.#time = epoch === null ? timeExtension : (timeNs) => timeNs / scale;
  }

  result(
    statementId: number,
    messages: readonly Message[],
    series: Uint8Array,
    end: { readonly failure?: unknown; readonly partial?: boolean },
  ): Uint8Array {
    const parts = [this.#pair("statement_id", statementId)];
    if (messages.length > 0) parts.push(this.#pair("messages", messages));
    parts.push(Buffer.concat([SERIES_KEY, series]));
    const { failure } = end;
    if (failure !== undefined)
      parts.push(this.#pair("error", failure instanceof Error ? failure.message : String(failure)));
    if (end.partial) parts.push(PARTIAL);
    return Buffer.concat([mapHead(parts.length), ...parts]);
  }

  /** Everything up to the key `values`; `isPartial` says that a pair follows the values. */
  seriesHead({ name, tags, columns }: ResultSeries, isPartial: boolean): Uint8Array {
    const parts: Uint8Array[] = [];
    if (name !== undefined) parts.push(this.#pair("name", name));
    if (tags && tags.size > 0) parts.push(this.#pair("tags", Object.fromEntries(tags)));
    parts.push(this.#pair("columns", columns), VALUES_KEY);
    return Buffer.concat([mapHead(parts.length + (isPartial ? 1 : 0)), ...parts]);
  }

  /** Rows without the head of their array. */
  rows({ rows, timeColumn, floats }: ResultSeries): Uint8Array {
    return Buffer.concat(
      rows.map((row) => {
        const cells = this.#row(row, timeColumn, floats);
        const isWholeFloat = (cell: unknown, column: number) =>
          floats?.[column] === true && Number.isInteger(cell);
        if (!cells.some(isWholeFloat)) return this.#encoder.encode(cells);
        // the encoder takes a whole number for an integer
        const each = cells.map((cell, column) =>
          isWholeFloat(cell, column) ? float64(cell as number) : this.#encoder.encode(cell),
        );
        return Buffer.concat([arrayHead(cells.length), ...each]);
      }),
    );
  }

  #row(row: readonly Cell[], timeColumn: number, floats: ResultSeries["floats"]): unknown[] {
    return row.map((cell, column) => {
      if (typeof cell === "bigint" && column === timeColumn) return this.#time(cell);
      if (typeof cell !== "number") return cell;
      if (!Number.isFinite(cell)) return null;
      // (the encoder takes a large one for a float)
      const isLargeInteger = Math.abs(cell) > MOST_INTEGER && Number.isInteger(cell);
      return isLargeInteger && floats?.[column] !== true ? BigInt(cell) : cell;
    });
  }

  #pair(key: string, value: unknown): Uint8Array {
    return Buffer.concat([this.#encoder.encode(key), this.#encoder.encode(value)]);
  }
}

function timeExtension(timeNs: bigint): ExtData {
  const data = new Uint8Array(12);
  const view = new DataView(data.buffer);
  const ns = ((timeNs % NS_PER_S) + NS_PER_S) % NS_PER_S;
  view.setBigInt64(0, (timeNs - ns) / NS_PER_S);
  view.setInt32(8, Number(ns));
  return new ExtData(TIME_EXTENSION, data);
}

function float64(value: number): Uint8Array {
  const bytes = new Uint8Array(9);
  bytes[0] = 0xcb;
  new DataView(bytes.buffer).setFloat64(1, value);
  return bytes;
}

function mapHead(count: number): Uint8Array {
  return new Uint8Array([0x80 | count]); // never more than 7 pairs
}

function arrayHead(count: number): Uint8Array {
  if (count < 16) return new Uint8Array([0x90 | count]);
  const head = new Uint8Array(5);
  head[0] = 0xdd;
  new DataView(head.buffer).setUint32(1, count);
  return head;
}

const text = new Encoder();
const EMPTY_LIST = arrayHead(0);
const RESULTS_HEAD = Buffer.concat([mapHead(1), text.encode("results")]);
const SERIES_KEY = text.encode("series");
const VALUES_KEY = text.encode("values");
const PARTIAL = Buffer.concat([text.encode("partial"), text.encode(true)]);
