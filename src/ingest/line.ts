// Bodies of InfluxDB line protocol -> WriteBatch bytes in linear memory. The parser itself is
// kernels/assembly/line.ts; this is its door. Plain JSON is spelled as lines before (kernels/assembly/json-lines.ts).
import { isUtf8 } from "node:buffer";
import { InputError, OverloadedError } from "../base/errors.ts";
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";
import { openBatch } from "../model/batchview.ts";
import { type TimeUnit, unitNs } from "../model/types.ts";
import { loadPowersOfFive } from "./powers.ts";
import { atLine, type LineError, type Located, lineError, type Refusal } from "./reasons.ts";

export interface LineOptions {
  readonly database: string;
  /** Empty or absent = the database's default policy. */
  readonly retentionPolicy?: string;
  /** Unit of the timestamps. Default ns. */
  readonly precision?: TimeUnit;
  /** Time of lines without a timestamp, ns since the epoch; cut to the precision. */
  readonly nowNs: bigint;
}

export interface ParsedLines {
  /**
   * The WriteBatch (model/batch.ts), in an area of its own until `free`; one without tables when no line was
   * good.
   */
  readonly batch: Pointer;
  readonly batchBytes: number;
  readonly rows: number;
  /** The first 100 refused lines, in their order. */
  readonly errors: readonly LineError[];
  /** All refused lines. */
  readonly errorCount: number;
  /** Those of them that are no line protocol; the others call a tag or a field `time`. */
  readonly unread: number;
  free(): void;
}

/** Largest batch: a body whose rows spread over too many sparse fields would be far larger than itself. */
const MAX_BATCH_BYTES = 512 * 1024 * 1024;
/** What the parser writes behind the body. */
const SENTINEL_BYTES = 32;
const MAX_ROOM_BYTES = 0x4000_0000;
const RECORD_WORDS = 6;

const utf8 = new TextEncoder();
const nothing = new Uint8Array(0);

/** Holds the memory that bodies are copied to; one per instance of the kernels. */
export class LineParser {
  readonly #kernels: Kernels;
  readonly #body: Scratch;
  readonly #seed = crypto.getRandomValues(new BigUint64Array(1))[0]!;
  readonly #names = new Map<string, Uint8Array>();

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.#body = new Scratch(kernels);
    loadPowersOfFive(kernels);
  }

  /**
   * Parses a body. A wrong line is refused alone; the others are kept.
   * @throws OverloadedError when linear memory runs out; InputError when the batch would be larger than 512
   *   MiB or names by the million need over 1 GiB to parse. Nothing is held then.
   */
  parse(body: Uint8Array, options: LineOptions): ParsedLines {
    return this.#kernels.stages.time("parse", () => this.#parse(body, options, false));
  }

  /**
   * The same of points as JSON; null: they are not plain, one of them is wrong, or they are too much for lines, and `parseJson`
   * (json.ts) has to read them.
   */
  parsePlainJson(body: Uint8Array, options: LineOptions): ParsedLines | null {
    return this.#kernels.stages.time("parse", () => {
      try {
        const parsed = this.#parseJson(body, options);
        if (parsed === null || parsed.errorCount === 0) return parsed;
        parsed.free();
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
      }
      return null;
    });
  }

  /**
   * The reasons for which rows of the batch were refused, with the lines that they came from: `REASON at line 3`. Parses the
   * body once more, so that nothing has to be kept of lines that are right; where memory does not allow it the reasons stand alone.
   * @param options those of `parse`
   */
  locate(body: Uint8Array, options: LineOptions, refusals: readonly Refusal[]): Located[] {
    if (refusals.length === 0) return [];
    let parsed: ParsedLines;
    try {
      parsed = this.#parse(body, options, true);
    } catch (error) {
      // what stands beside the refused rows is stored: this must not fail
      if (error instanceof OverloadedError)
        return refusals.map(({ reason }) => ({ number: UNKNOWN_LINE, text: reason }));
      throw error;
    }
    try {
      const { tables } = openBatch(this.#kernels.view(parsed.batch, parsed.batchBytes).slice());
      const offsets = refusals.map(({ table, row }) => Number(tables[table]!.times[row]!));
      const numbers = numbersOfLines(body, offsets);
      return refusals.map(({ reason }, i) => ({ number: numbers[i]!, text: atLine(reason, numbers[i]!) }));
    } finally {
      parsed.free();
    }
  }

  #parse(body: Uint8Array, options: LineOptions, offsets: boolean): ParsedLines {
    const roomBytes = body.length + SENTINEL_BYTES + this.#namesBytes(options);
    if (roomBytes > MAX_ROOM_BYTES)
      throw new InputError(`a body of ${body.length} bytes is too large: send at most 1 GiB`);
    const start = this.#body.reserve(roomBytes);
    try {
      this.#kernels.put(start, body);
      return this.#parseAt(start, body.length, options, body, offsets);
    } finally {
      this.#keepSmall();
    }
  }

  // null: it is not plain, or larger than there is room for.
  #parseJson(body: Uint8Array, options: LineOptions): ParsedLines | null {
    // the JSON with a byte behind it, its lines, the names
    const roomBytes = 3 * body.length + 1 + SENTINEL_BYTES + this.#namesBytes(options);
    if (roomBytes > MAX_ROOM_BYTES || !isUtf8(body)) return null;
    const start = this.#body.reserve(roomBytes);
    try {
      this.#kernels.put(start, body);
      const lines = start + body.length + 1;
      const linesBytes = this.#kernels.call.jsonToLines(start, body.length, lines) >>> 0;
      return linesBytes === 0 ? null : this.#parseAt(lines, linesBytes, options, null, false);
    } finally {
      this.#keepSmall();
    }
  }

  #keepSmall(): void {
    if (this.#body.sizeBytes > LARGE_BODY_BYTES) this.#body.release();
  }

  #namesBytes({ database, retentionPolicy = "" }: LineOptions): number {
    return this.#name(database).length + this.#name(retentionPolicy).length;
  }

  // Lines in linear memory, with room for the sentinel and the names behind them. `body`: what errors are said of.
  #parseAt(
    start: Pointer,
    sizeBytes: number,
    options: LineOptions,
    body: Uint8Array | null,
    offsets: boolean,
  ): ParsedLines {
    const kernels = this.#kernels;
    const database = this.#name(options.database);
    const policy = this.#name(options.retentionPolicy ?? "");
    const unit = unitNs[options.precision ?? "ns"];
    const now = unit === 1n ? options.nowNs : options.nowNs - (((options.nowNs % unit) + unit) % unit);
    const names = start + sizeBytes + SENTINEL_BYTES;
    kernels.put(names, database);
    kernels.put(names + database.length, policy);
    try {
      const batch =
        kernels.call.lineParse(
          start,
          sizeBytes,
          database.length,
          policy.length,
          now,
          unit,
          this.#seed,
          MAX_BATCH_BYTES,
          offsets,
        ) >>> 0;
      if (batch === 0)
        throw new InputError(
          "the rows spread over so many fields that they need over 512 MiB: send fewer lines at once",
        );
      const errorCount = kernels.call.lineErrors() >>> 0;
      return {
        batch,
        batchBytes: kernels.words[(batch + 4) >>> 2]!,
        rows: kernels.call.lineRows() >>> 0,
        errors: errorCount === 0 || body === null ? [] : this.#errors(body, errorCount),
        errorCount,
        unread: kernels.call.lineUnread() >>> 0,
        free: () => kernels.free(batch),
      };
    } catch (error) {
      const exhausted = error instanceof WebAssembly.RuntimeError ? kernels.call.lineExhausted() : 0;
      if (exhausted === 1)
        throw new OverloadedError(`out of linear memory while parsing ${sizeBytes} bytes of lines`);
      if (exhausted === 2)
        throw new InputError(
          `the ${sizeBytes} bytes of lines name so many measurements, series and fields that they need over 1 GiB: send fewer lines at once`,
        );
      throw error;
    } finally {
      kernels.call.lineRelease();
    }
  }

  /** Gives the memory back. */
  close(): void {
    this.#body.release();
  }

  #name(name: string): Uint8Array {
    let bytes = this.#names.get(name);
    if (bytes === undefined) {
      bytes = utf8.encode(name);
      if (bytes.length > 0xffff)
        throw new InputError("database or retention policy name is longer than 65,535 bytes");
      if (this.#names.size >= 100) this.#names.clear();
      this.#names.set(name, bytes);
    }
    return bytes;
  }

  #errors(body: Uint8Array, count: number): LineError[] {
    const kept = Math.min(count, 100);
    const words = this.#kernels.u32(this.#kernels.call.lineErrorRecords() >>> 0, kept * RECORD_WORDS);
    return Array.from({ length: kept }, (_, i) => {
      const [line, offset, length, code, detail, detailBytes] = words.subarray(
        i * RECORD_WORDS,
        (i + 1) * RECORD_WORDS,
      );
      const about = detailBytes === 0 ? nothing : body.subarray(detail!, detail! + detailBytes!);
      return lineError(body, line!, offset!, length!, code!, about);
    });
  }
}

/** Which lines start at `offsets`: newlines before, plus one. One walk, whatever their number. */
function numbersOfLines(body: Uint8Array, offsets: readonly number[]): number[] {
  const numbers = new Array<number>(offsets.length);
  const inOrder = offsets.map((_, i) => i).sort((a, b) => offsets[a]! - offsets[b]!);
  let newlines = 0;
  let at = 0;
  for (const i of inOrder) {
    for (;;) {
      const newline = body.indexOf(NEWLINE, at);
      if (newline < 0 || newline >= offsets[i]!) break;
      newlines++;
      at = newline + 1;
    }
    numbers[i] = newlines + 1;
  }
  return numbers;
}

const NEWLINE = 0x0a;
/** Behind all that are known. */
const UNKNOWN_LINE = Number.MAX_SAFE_INTEGER;

/** More memory than this for a body is not kept for the next. */
const LARGE_BODY_BYTES = 32 * 1024 * 1024;
